/* unchanged.c - loops that need not see a page again which has not changed, and loops that must.
 *
 * list, mapped, offset   do nothing with a page but saving it
 * picks                  says so too, but saves only some of its records, one by one
 * nested                 says so too, but reads a list of its own for each record
 * late                   says so too, but saves each page when it has the next one
 * rolling, linked        lists of scripted pages: by offset with overlap, by links in headers
 * shared, over           write one model: the list's records, and only their ids and names */
#include <sluice.h>
#include <sluice_json.h>
#include <stdlib.h>
#include <string.h>

static const struct sluice_page_request by_cursor = {.endpoint = "/plain/cursor", .kind = SLUICE_CURSOR, .items = "items",
	.cursor_param = "after", .cursor = "meta.next", .limit = 50, .flags = SLUICE_UNCHANGED_SKIPS};

static int
fetch_list(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &by_cursor, &page) > 0)
		sluice_batch_save(run, "Item", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_mapped(struct sluice_run *run)
{
	static const struct sluice_map map[] = {{.to = "id"}, {.to = "title", .from = "name"}, {0}};
	struct sluice_page page;

	while (sluice_paginate(run, &by_cursor, &page) > 0)
		sluice_save_mapped(run, "Mapped", &page, map);
	return sluice_status(run);
}

static int
fetch_offset(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/plain/offset", .kind = SLUICE_OFFSET, .items = "items",
		.limit = 50, .flags = SLUICE_UNCHANGED_SKIPS};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "ByOffset", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_picks(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &by_cursor, &page) > 0) {
		cJSON *items = sluice_json_page(run, &page), *item;
		cJSON_ArrayForEach(item, items) {
			char *text = cJSON_PrintUnformatted(item);
			sluice_batch_save(run, "Picked", text, strlen(text));
			free(text);
		}
		cJSON_Delete(items);
	}
	return sluice_status(run);
}

static int
fetch_nested(struct sluice_run *run)
{
	const struct sluice_page_request parents = {.endpoint = "/plain/parents", .kind = SLUICE_CURSOR, .items = "items",
		.cursor_param = "after", .cursor = "meta.next", .limit = 2, .flags = SLUICE_UNCHANGED_SKIPS};
	struct sluice_page page, inner;

	while (sluice_paginate(run, &parents, &page) > 0) {
		sluice_batch_save(run, "Parent", page.body, page.len);
		for (size_t i = 0; i < page.count; i++) {
			const struct sluice_page_request children = {.endpoint = sluice_format(run, "/plain/parents/p%ld/children",
				(page.number - 1) * 2 + (long)i), .kind = SLUICE_CURSOR, .items = "items", .cursor_param = "after",
				.cursor = "meta.next", .limit = 50, .flags = SLUICE_UNCHANGED_SKIPS};
			while (sluice_paginate(run, &children, &inner) > 0)
				sluice_batch_save(run, "Child", inner.body, inner.len);
		}
	}
	return sluice_status(run);
}

static int
fetch_late(struct sluice_run *run)
{
	struct sluice_page page;
	char *kept = NULL;

	while (sluice_paginate(run, &by_cursor, &page) > 0) {
		if (kept)
			sluice_batch_save(run, "Late", kept, strlen(kept));
		free(kept);
		kept = strndup(page.body, page.len);
	}
	if (kept)
		sluice_batch_save(run, "Late", kept, strlen(kept));
	free(kept);
	sluice_full_done(run, "Late");
	return sluice_status(run);
}

static int
fetch_rolling(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/rolling", .kind = SLUICE_OFFSET, .items = "items", .limit = 3,
		.flags = SLUICE_UNCHANGED_SKIPS};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Rolled", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_linked(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/linked", .kind = SLUICE_LINK, .items = "items",
		.flags = SLUICE_UNCHANGED_SKIPS};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Linked", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_shared(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &by_cursor, &page) > 0)
		sluice_batch_save(run, "Shared", page.body, page.len);
	return sluice_status(run);
}

static int
fetch_over(struct sluice_run *run)
{
	static const struct sluice_map map[] = {{.to = "id"}, {.to = "title", .from = "name"}, {0}};
	struct sluice_page_request list = by_cursor;
	struct sluice_page page;

	list.flags = 0;
	while (sluice_paginate(run, &list, &page) > 0)
		sluice_save_mapped(run, "Shared", &page, map);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Item", .fields = fields}, {.name = "Mapped", .fields = fields},
	{.name = "ByOffset", .fields = fields}, {.name = "Picked", .fields = fields}, {.name = "Parent", .fields = fields},
	{.name = "Child", .fields = fields}, {.name = "Late", .fields = fields}, {.name = "Rolled", .fields = fields},
	{.name = "Linked", .fields = fields}, {.name = "Shared", .fields = fields}, {0}};
#define FULL .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES
static const char *const family[] = {"Parent", "Child", NULL};
static const struct sluice_sync syncs[] = {
	{.name = "list", .model = "Item", FULL, .fetch = fetch_list},
	{.name = "mapped", .model = "Mapped", FULL, .fetch = fetch_mapped},
	{.name = "offset", .model = "ByOffset", FULL, .fetch = fetch_offset},
	{.name = "picks", .model = "Picked", FULL, .fetch = fetch_picks},
	{.name = "nested", .models = family, FULL, .fetch = fetch_nested},
	{.name = "late", .model = "Late", FULL, .fetch = fetch_late},
	{.name = "rolling", .model = "Rolled", FULL, .fetch = fetch_rolling},
	{.name = "linked", .model = "Linked", FULL, .fetch = fetch_linked},
	{.name = "shared", .model = "Shared", .kind = SLUICE_FULL, .fetch = fetch_shared},
	{.name = "over", .model = "Shared", .kind = SLUICE_FULL, .fetch = fetch_over},
	{0}
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI, .name = "unchanged", .version = "1.0.0", .models = models, .syncs = syncs,
};
