/* pair.c - syncs that track no deletes: two that write one model, one incremental and one full with models of their own. */
#include <sluice.h>

static const struct sluice_page_request list = {
	.endpoint = "/plain/cursor", .items = "items", .limit = 100,
	.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
};

static int
fetch(struct sluice_run *run)
{
	const char *model = (const char *)sluice_data(run);
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, model, page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field record[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {
	{.name = "Shared", .fields = record}, {.name = "Steady", .fields = record}, {.name = "Whole", .fields = record}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "left", .model = "Shared", .kind = SLUICE_FULL, .fetch = fetch, .data = "Shared"},
	{.name = "right", .model = "Shared", .kind = SLUICE_FULL, .fetch = fetch, .data = "Shared"},
	{.name = "steady", .model = "Steady", .fetch = fetch, .data = "Steady"},
	{.name = "whole", .model = "Whole", .kind = SLUICE_FULL, .fetch = fetch, .data = "Whole"},
	{0}};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "pair", .version = "1.0.0", .models = models, .syncs = syncs};
