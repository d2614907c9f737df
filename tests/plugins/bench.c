/* bench.c - the benchmark's connector: the provider's /plain records straight through, and the same through a cJSON tree. */
#include <sluice.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const struct sluice_page_request list = {
	.endpoint = "/plain/cursor", .items = "items", .limit = 100,
	.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
};

static int
fetch_pass(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Pass", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_tree(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0) {
		cJSON *items = cJSON_ParseWithLength(page.body, page.len);
		char *text = cJSON_PrintUnformatted(items);
		sluice_batch_save(run, "Tree", text, strlen(text));
		cJSON_free(text);
		cJSON_Delete(items);
	}
	return sluice_status(run);
}

static const struct sluice_field record[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "number", .type = SLUICE_INTEGER},
	{.name = "email", .type = SLUICE_STRING},
	{0}
};
static const struct sluice_model models[] = {{.name = "Pass", .fields = record}, {.name = "Tree", .fields = record}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "pass", .model = "Pass", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_pass},
	{.name = "tree", .model = "Tree", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_tree},
	{0}
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "bench", .version = "1.0.0", .models = models, .syncs = syncs};
