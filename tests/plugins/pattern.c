/* pattern.c - a connector without datasets of its own: each is named by the operator, and lists whatever stands at its path. */
#include <stdlib.h>
#include "sluice.h"

static int
fetch(struct sluice_run *run)
{
	const char *limit = sluice_get_option(run, "limit");
	const struct sluice_page_request list = {
		.endpoint = sluice_get_option(run, "path"), .items = "items", .limit = limit ? atoi(limit) : 0, .kind = SLUICE_OFFSET,
	};
	struct sluice_page page;

	sluice_log(run, SLUICE_INFO, "dataset %s of tenant %s", sluice_dataset(run), sluice_get_option(run, "tenant"));
	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, sluice_dataset(run), page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_option options[] = {{.name = "tenant", .type = SLUICE_STRING, .fallback = "nobody"}, {0}};
static const struct sluice_option of_dataset[] = {
	{.name = "path", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED, .help = "where the list is"},
	{.name = "limit", .type = SLUICE_INTEGER, .fallback = "100"},
	{.name = "tenant", .type = SLUICE_STRING, .help = "another tenant than the connection's"},
	{0}};
static const struct sluice_sync dataset = {.kind = SLUICE_FULL, .every = "every 2h", .fetch = fetch};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "pattern", .version = "1.0.0", .base_url = "https://pattern.example", .options = options,
	.dataset = &dataset, .dataset_options = of_dataset};
