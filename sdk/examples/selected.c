/* selected.c - pattern: selection based. A person has chosen some of many things; only these are synced:
 *
 *     {"projects": ["p1", "p7"]}
 *
 * The sync is full and tracks deletes: a project that is chosen later is read with the next run, and the tasks of one
 * that is chosen no more are not listed any more, and so deleted. That needs no code. A loop for each project, and each
 * can be resumed. */
#include <sluice_json.h>

static int
fetch_tasks(struct sluice_run *run)
{
	const char *text = sluice_get_metadata(run);
	cJSON *metadata = sluice_json_parse(text, strlen(text)), *project;
	struct sluice_page page;

	cJSON_ArrayForEach(project, sluice_json_get(metadata, "projects")) {
		const struct sluice_pair query[] = {{"project", cJSON_GetStringValue(project)}, {NULL, NULL}};
		const struct sluice_page_request list = {
			.endpoint = "/v1/tasks",
			.query = query,
			.items = "data",
			.limit = 100,
			.kind = SLUICE_CURSOR,
			.cursor_param = "after",
			.cursor = "next",
		};

		while (sluice_paginate(run, &list, &page) > 0)
			sluice_batch_save(run, "Task", page.body, page.len);
	}
	cJSON_Delete(metadata);
	return sluice_status(run);
}

static const struct sluice_field metadata[] = {
	{.name = "projects", .type = SLUICE_ARRAY, .description = "ids of the projects that are synced"},
	{0},
};
static const struct sluice_field task[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "project", .type = SLUICE_STRING},
	{0},
};
static const struct sluice_model models[] = {{.name = "Task", .fields = task}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "tasks",
	 .model = "Task",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .input = metadata,
	 .fetch = fetch_tasks},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "selected",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: selection based",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
};
