/* extended.c - pattern: a sync that goes on beyond one run. A long past is read backwards, month by month, and each run
 * takes only a few of them: the provider's daily quota is not used up by a backfill, and the newest is there first.
 *
 * The checkpoint says which month is next and how many are left to the run that saved it. A run is cut into steps, and
 * the function is called anew in each; so the share must be kept with the run that it belongs to, known by its
 * sluice_now(), which no other run has. When the first month is reached there is nothing more to do, and a run costs
 * nothing. */
#include <sluice_json.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct place {
	long next, left;
	int64_t run;
}; /* months are counted: year * 12 + month - 1 */

static long
month_of(const char *text, long fallback)
{
	int year, month;

	return text && sscanf(text, "%4d-%2d", &year, &month) == 2 ? year * 12 + month - 1 : fallback;
}

static struct place
place_get(struct sluice_run *run)
{
	const char *kept = sluice_get_checkpoint(run);
	cJSON *was = kept ? sluice_json_parse(kept, strlen(kept)) : NULL;
	const time_t now = (time_t)(sluice_now(run) / 1000000);
	struct tm utc;
	struct place place;

	gmtime_r(&now, &utc);
	place.next = (long)sluice_json_int(was, "next", (utc.tm_year + 1900) * 12 + utc.tm_mon);
	place.left = (long)sluice_json_int(was, "left", 0);
	place.run = sluice_now(run);
	if (!was || sluice_json_int(was, "run", 0) != place.run) /* the first step of this run */
		place.left = strtol(sluice_get_option(run, "months_per_run"), NULL, 10);
	cJSON_Delete(was);
	return place;
}

static int
fetch_history(struct sluice_run *run)
{
	const long first = month_of(sluice_get_option(run, "since"), 0);
	struct place place = place_get(run);
	struct sluice_page page;

	for (; place.next >= first && place.left > 0 && sluice_status(run) == 0; place.next--, place.left--) {
		const struct sluice_page_request list = {
			.endpoint = sluice_format(run, "/v1/history/%04ld-%02ld", place.next / 12, place.next % 12 + 1),
			.items = "data",
			.kind = SLUICE_CURSOR,
			.cursor_param = "after",
			.cursor = "next",
		};

		while (sluice_paginate(run, &list, &page) > 0)
			sluice_batch_save(run, "Entry", page.body, page.len);
		sluice_save_checkpoint(run, sluice_format(run, "{\"next\":%ld,\"left\":%ld,\"run\":%lld}",
		                                          place.next - 1, place.left - 1, (long long)place.run));
	}
	if (place.next >= first)
		sluice_log(run, SLUICE_INFO, "the past is read down to %04ld-%02ld; the next run goes on",
		           place.next / 12, place.next % 12 + 1);
	return sluice_status(run);
}

static const struct sluice_option options[] = {
	{.name = "since", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED, .help = "the first month: 2020-01"},
	{.name = "months_per_run", .type = SLUICE_INTEGER, .fallback = "3", .help = "how many a run reads"},
	{0},
};
static const struct sluice_field entry[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Entry", .fields = entry}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "history", .model = "Entry", .kind = SLUICE_INCREMENTAL, .every = "every day", .fetch = fetch_history},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "extended",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: extended sync beyond a run's limit",
	.auth = SLUICE_BEARER,
	.options = options,
	.models = models,
	.syncs = syncs,
};
