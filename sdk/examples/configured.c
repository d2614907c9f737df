/* configured.c - pattern: configuration based. What is synced stands in the connection's metadata, which an application
 * sets and changes at run time:
 *
 *     {"lists": [{"kind": "ticket", "path": "/v1/tickets"}, {"kind": "call", "path": "/v1/calls"}]}
 *
 * All lists become one model; each record says by `kind` which list it is from. The host checks metadata against .input
 * when it is set and before a run, so the function may rely on the list being there. What the .input cannot say is said
 * by sluice_fail. */
#include <sluice_json.h>

static void
save_list(struct sluice_run *run, const char *kind, const char *path)
{
	const struct sluice_map map[] = {
		{.to = "id"},
		{.to = "kind", .from = sluice_format(run, "\"%s\"", kind), .convert = SLUICE_CONSTANT},
		{.to = "data", .from = ""},
		{0},
	};
	const struct sluice_page_request list = {
		.endpoint = path,
		.items = "data",
		.limit = 100,
		.kind = SLUICE_CURSOR,
		.cursor_param = "after",
		.cursor = "next",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_save_mapped(run, "Item", &page, map);
}

static int
fetch_items(struct sluice_run *run)
{
	const char *text = sluice_get_metadata(run);
	cJSON *metadata = sluice_json_parse(text, strlen(text)), *list;

	cJSON_ArrayForEach(list, sluice_json_get(metadata, "lists")) {
		const char *kind = sluice_json_text(list, "kind"), *path = sluice_json_text(list, "path");

		if (!kind || kind[strspn(kind, "abcdefghijklmnopqrstuvwxyz_")] || !path || *path != '/')
			sluice_fail(run, SLUICE_EFAILED,
			            "metadata: lists: each wants a kind of small letters and a path: {\"kind\": "
			            "\"ticket\", "
			            "\"path\": \"/v1/tickets\"}");
		else
			save_list(run, kind, path);
	}
	cJSON_Delete(metadata);
	return sluice_status(run);
}

static const struct sluice_field metadata[] = {
	{.name = "lists", .type = SLUICE_ARRAY, .description = "of {kind, path}: what is synced"},
	{0},
};
static const struct sluice_field item[] = {
	{.name = "id",
	 .type = SLUICE_STRING,
	 .flags = SLUICE_KEY,
	 .description = "unique among all kinds at this provider"},
	{.name = "kind", .type = SLUICE_STRING, .description = "which list it is from"},
	{.name = "data", .type = SLUICE_OBJECT, .description = "as the provider sends it"},
	{0},
};
static const struct sluice_model models[] = {{.name = "Item", .fields = item}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "items",
	 .model = "Item",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .input = metadata,
	 .fetch = fetch_items},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "configured",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: configuration based",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
};
