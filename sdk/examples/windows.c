/* windows.c - pattern: time windows. An API that can be asked "from ... to ..." is read a day at a time, so that no
 * list grows too long, and a run that is cut goes on at the day where it was.
 *
 * The checkpoint is where the last whole window ends. It is saved behind the loop over its pages, and becomes durable
 * with them: a window counts as read when all of it is stored. sluice_now() is the same throughout a run, so the last
 * window is as well. Records that a provider shows late are caught by going back a little (LATE) at the beginning of
 * each run; reading again what is stored costs nothing. */
#include <sluice.h>
#include <stdlib.h>

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)
#define LATE (600 * SECOND)

static void
save_window(struct sluice_run *run, int64_t from, int64_t to)
{
	const struct sluice_pair query[] = {
		{"from", sluice_format(run, "%lld", (long long)(from / SECOND))},
		{"to", sluice_format(run, "%lld", (long long)(to / SECOND))},
		{NULL, NULL},
	};
	const struct sluice_page_request list = {
		.endpoint = "/v1/events",
		.query = query,
		.items = "data",
		.limit = 100,
		.kind = SLUICE_CURSOR,
		.cursor_param = "after",
		.cursor = "next",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Event", page.body, page.len);
}

static int
fetch_events(struct sluice_run *run)
{
	const char *kept = sluice_get_checkpoint(run), *days = sluice_get_option(run, "backfill_days");
	const int64_t now = sluice_now(run);
	int64_t from = kept ? strtoll(kept, NULL, 10) * SECOND : now - strtoll(days, NULL, 10) * DAY;

	while (from < now && sluice_status(run) == 0) {
		const int64_t to = now - from > DAY ? from + DAY : now;

		save_window(run, from, to);
		from = to;
		/* The next run begins LATE before this one; within a run the windows follow each other. */
		sluice_save_checkpoint(run,
		                       sluice_format(run, "%lld", (long long)((to < now ? to : now - LATE) / SECOND)));
	}
	return sluice_status(run);
}

static const struct sluice_option options[] = {
	{.name = "backfill_days",
	 .type = SLUICE_INTEGER,
	 .fallback = "30",
	 .help = "how far back the first run begins"},
	{0},
};
static const struct sluice_field event[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "at", .type = SLUICE_TIME},
	{0},
};
static const struct sluice_model models[] = {{.name = "Event", .fields = event}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "events",
	 .model = "Event",
	 .kind = SLUICE_INCREMENTAL,
	 .every = "every 15 minutes",
	 .fetch = fetch_events},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "windows",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: time windows",
	.auth = SLUICE_BEARER,
	.options = options,
	.models = models,
	.syncs = syncs,
};
