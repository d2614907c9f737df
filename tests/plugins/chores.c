/* chores.c - a connector whose syncs do what a run has to cope with: dying, hanging, reading what they wrote, streaming, stopping. */
#include <sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
save(struct sluice_run *run, const char *json)
{
	sluice_batch_save(run, "Thing", json, strlen(json));
}

/* Dies after its first commit, and not when it is called again: its metadata says so, in the commit before. */
static int
fetch_dies_once(struct sluice_run *run)
{
	if (strstr(sluice_get_metadata(run), "died")) {
		usleep(500000); /* longer than the first one had to go */
		save(run, "[{\"id\":\"after\"}]");
		return sluice_status(run);
	}
	save(run, "[{\"id\":\"before\"}]");
	sluice_update_metadata(run, "{\"died\":true}");
	sluice_save_checkpoint(run, "1");
	sluice_get_records(run, "Thing", (const char *const[]){"before", NULL}, &(const char *){NULL}); /* all before is durable now */
	save(run, "[{\"id\":\"lost\"}]");
	abort();
}

static int
fetch_dies(struct sluice_run *run)
{
	(void)run;
	abort();
}

/* Comes no further than the one before it did, whoever goes on. */
static int
fetch_relapses(struct sluice_run *run)
{
	sluice_log(run, SLUICE_INFO, "the last words");
	save(run, "[{\"id\":\"again\"}]");
	sluice_save_checkpoint(run, "1");
	sluice_get_records(run, "Thing", (const char *const[]){"again", NULL}, &(const char *){NULL});
	abort();
}

static int
fetch_hangs(struct sluice_run *run)
{
	save(run, "[{\"id\":\"unseen\"}]");
	for (volatile unsigned i = 0;; i++)
		;
	return 0;
}

/* Knows nothing of stopping. */
static int
fetch_deaf(struct sluice_run *run)
{
	(void)run;
	for (;;)
		usleep(10000);
	return 0;
}

/* A handmade loop that stops when asked to, its progress in the checkpoint. */
static int
fetch_stops(struct sluice_run *run)
{
	const char *checkpoint = sluice_get_checkpoint(run);
	int n = checkpoint ? atoi(checkpoint) : 0;
	char text[64];

	for (; n < 1000000 && !sluice_should_stop(run); n++) {
		snprintf(text, sizeof text, "[{\"id\":\"n%d\"}]", n);
		save(run, text);
		snprintf(text, sizeof text, "%d", n + 1);
		sluice_save_checkpoint(run, text);
		usleep(5000);
	}
	return sluice_status(run);
}

static int
fetch_reads(struct sluice_run *run)
{
	const char *const ids[] = {"a", "nobody", "c", NULL};
	const char *found, *listed;
	char text[128];
	long n, all = 0;

	save(run, "[{\"id\":\"a\"},{\"id\":\"b\"},{\"id\":\"c\"}]");
	n = sluice_get_records(run, "Thing", ids, &found);
	for (long k = sluice_list_records(run, "Thing", 0, &listed); k > 0; k = sluice_list_records(run, "Thing", 1, &listed))
		all += k;
	snprintf(text, sizeof text, "[{\"id\":\"sum\",\"found\":%ld,\"listed\":%ld}]", n, all);
	save(run, text);
	return sluice_status(run);
}

static int
fetch_stream(struct sluice_run *run)
{
	const struct sluice_request request = {.endpoint = "/plain/cursor?limit=100"};
	struct sluice_response answer;
	char piece[777], text[128];
	long n, all = 0;

	if (sluice_open(run, &request, &answer))
		return sluice_status(run);
	while ((n = sluice_read(run, piece, sizeof piece)) > 0)
		all += n;
	sluice_close(run);
	snprintf(text, sizeof text, "[{\"id\":\"stream\",\"status\":%d,\"bytes\":%ld}]", answer.status, all);
	save(run, text);
	return sluice_status(run);
}

static int
fetch_region(struct sluice_run *run)
{
	save(run, "[{\"id\":\"region\"}]");
	return sluice_status(run);
}

static int
fetch_twice(struct sluice_run *run)
{
	save(run, "[{\"id\":\"x\",\"n\":1},{\"id\":\"y\"},{\"id\":\"x\",\"n\":2}]");
	return sluice_status(run);
}

/* Metadata that its own sync does not take. */
static int
fetch_strays(struct sluice_run *run)
{
	sluice_update_metadata(run, "{\"region\":7}");
	save(run, "[{\"id\":\"strayed\"}]");
	return sluice_status(run);
}

/* One in five is no record. */
static int
fetch_rejects(struct sluice_run *run)
{
	char text[64];

	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof text, i % 5 ? "[{\"id\":\"r%d\"}]" : "[{\"id\":[%d]}]", i);
		save(run, text);
	}
	return sluice_status(run);
}

/* A handmade listing, which counts as complete only when the author says so. */
static int
fetch_handmade(struct sluice_run *run)
{
	const char *rows = sluice_get_option(run, "rows"), *vouch = sluice_get_option(run, "vouch");

	sluice_batch_save(run, "Row", rows, strlen(rows));
	if (vouch && strcmp(vouch, "true") == 0)
		sluice_full_done(run, "Row");
	return sluice_status(run);
}

/* One model by a pagination to its end, the other by hand: the first proves nothing about the second. */
static int
fetch_mixed(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/plain/cursor", .items = "items", .limit = 100, .kind = SLUICE_CURSOR,
		.cursor_param = "after", .cursor = "meta.next"};
	const char *rows = sluice_get_option(run, "rows");
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "Paged", page.body, page.len);
	sluice_batch_save(run, "Handed", rows, strlen(rows));
	return sluice_status(run);
}

/* A handmade listing; where its metadata says so it vouches, and dies before that is stored. */
static int
fetch_recants(struct sluice_run *run)
{
	const char *rows = sluice_get_option(run, "rows"), *vouch = sluice_get_option(run, "vouch");

	sluice_batch_save(run, "Recanted", rows, strlen(rows));
	if (vouch && strcmp(vouch, "true") == 0)
		sluice_full_done(run, "Recanted");
	if (strstr(sluice_get_metadata(run), "\"recant\":true"))
		abort();
	return sluice_status(run);
}

static int
check(struct sluice_run *run)
{
	struct sluice_response answer;

	sluice_proxy_get(run, "/me", NULL, &answer);
	if (sluice_status(run) == 0)
		sluice_reply(run, "{\"account\":\"acct_1\"}");
	return sluice_status(run);
}

static const struct sluice_field thing[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "secret", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE}, {0}};
static const struct sluice_field region[] = {{.name = "region", .type = SLUICE_STRING}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = thing}, {.name = "Row", .fields = thing},
	{.name = "Paged", .fields = thing}, {.name = "Handed", .fields = thing},
	{.name = "Recanted", .fields = thing}, {0}};
static const char *const mixed[] = {"Paged", "Handed", NULL};
static const char *const scopes[] = {"things:read", NULL};
static const struct sluice_option options[] = {
	{.name = "rows", .type = SLUICE_ARRAY, .fallback = "[]", .help = "the rows of the handmade listing"},
	{.name = "vouch", .type = SLUICE_BOOLEAN, .fallback = "false"},
	{0}
};

#define MANUAL(sync) {.name = #sync, .model = "Thing", .flags = SLUICE_MANUAL, .fetch = fetch_##sync}
static const struct sluice_sync syncs[] = {
	MANUAL(dies_once), MANUAL(dies), MANUAL(hangs), MANUAL(deaf), MANUAL(stops), MANUAL(reads), MANUAL(stream), MANUAL(twice),
	MANUAL(rejects), MANUAL(relapses),
	{.name = "strays", .model = "Thing", .flags = SLUICE_MANUAL, .fetch = fetch_strays, .input = region},
	{.name = "recants", .model = "Recanted", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES | SLUICE_MANUAL, .fetch = fetch_recants},
	{.name = "region", .model = "Thing", .flags = SLUICE_MANUAL, .fetch = fetch_region, .input = region},
	{.name = "handmade", .model = "Row", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_handmade},
	{.name = "mixed", .models = mixed, .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES | SLUICE_MANUAL, .fetch = fetch_mixed},
	{0}
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "chores", .version = "1.0.0", .description = "what a run has to cope with", .auth = SLUICE_BEARER, .scopes = scopes,
	.options = options, .models = models, .syncs = syncs, .check = check};
