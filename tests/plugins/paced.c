/* paced.c - a connector with a limit of its own for some endpoints: what the tests of limits run. */
#include <sluice.h>

static const struct sluice_page_request cursor = {
	.endpoint = "/plain/cursor", .items = "items", .limit = 100,
	.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
};
static const struct sluice_page_request number = {
	.endpoint = "/plain/page", .items = "items", .limit = 100, .kind = SLUICE_PAGE,
};

static int
fetch_list(struct sluice_run *run)
{
	const struct sluice_page_request *list = (const struct sluice_page_request *)sluice_data(run);
	struct sluice_page page;

	while (sluice_paginate(run, list, &page) > 0)
		sluice_batch_save(run, list == &cursor ? "Item" : "Slow", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Item", .fields = fields}, {.name = "Slow", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "items", .model = "Item", .fetch = fetch_list, .data = &cursor},
	{.name = "slow", .model = "Slow", .flags = SLUICE_MANUAL, .fetch = fetch_list, .data = &number},
	{0}
};
static const struct sluice_rate_group groups[] = {{.match = "GET /plain/page*", .requests = 2, .per_ms = 1000}, {0}};
static const struct sluice_rate rate = {.requests = 1000, .per_ms = 1000, .groups = groups};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI, .name = "paced", .version = "1.0.0", .rate = &rate, .models = models, .syncs = syncs,
};
