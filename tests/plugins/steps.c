/* steps.c - plain lists of the provider, for tests of steps: one that is gone on with anywhere, and one in one piece. */
#include <sluice.h>

static int
read_all(struct sluice_run *run, const char *model)
{
	const struct sluice_page_request list = {
		.endpoint = "/plain/cursor", .items = "items", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, model, page.body, page.len);
	return sluice_status(run);
}

static int
fetch_list(struct sluice_run *run)
{
	return read_all(run, "Thing");
}

static int
fetch_whole(struct sluice_run *run)
{
	int status = read_all(run, "Whole");

	if (status == SLUICE_OK)
		sluice_full_done(run, "Whole");
	return status;
}

static const struct sluice_field fields[] = {{"id", SLUICE_STRING, SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {.name = "Whole", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "list", .model = "Thing", .kind = SLUICE_FULL, .every = "1h", .flags = SLUICE_TRACK_DELETES, .fetch = fetch_list},
	{.name = "whole", .model = "Whole", .kind = SLUICE_FULL, .every = "1h", .flags = SLUICE_TRACK_DELETES | SLUICE_WHOLE, .fetch = fetch_whole},
	{0},
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI, .name = "steps", .base_url = "http://127.0.0.1", .models = models, .syncs = syncs,
};
