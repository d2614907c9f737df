/* counts.c - see counts.h. */
#include "run/counts.h"

#include <stddef.h>
#include "base/clock.h"
#include "base/mem.h"
#include "run/member.h"

#define SAID_MS 100 /* a wait that is shorter is not worth a word */

static const struct {
	const char *name;
	size_t at; /* of a uint64_t in struct run_counts */
} counted[] = {
	{"fetched", offsetof(struct run_counts, fetched)},
	{"saved", offsetof(struct run_counts, saved)},
	{"added", offsetof(struct run_counts, added)},
	{"updated", offsetof(struct run_counts, updated)},
	{"unchanged", offsetof(struct run_counts, unchanged)},
	{"deleted", offsetof(struct run_counts, deleted)},
	{"rejected", offsetof(struct run_counts, rejected)},
	{"missing", offsetof(struct run_counts, missing)},
	{"held", offsetof(struct run_counts, held)},
	{"requests", offsetof(struct run_counts, requests)},
	{"retries", offsetof(struct run_counts, retries)},
	{"rate_limited", offsetof(struct run_counts, rate_limited)},
	{"bytes", offsetof(struct run_counts, bytes)},
	{"pages", offsetof(struct run_counts, pages)},
	{"unmodified", offsetof(struct run_counts, unmodified)},
	{"steps", offsetof(struct run_counts, steps)},
	{"workers", offsetof(struct run_counts, workers)},
};

static const struct {
	const char *name;
	size_t at; /* of an int64_t */
	const char *words;
} timed[] = {
	{"connecting_ms", offsetof(struct run_counts, wait_ms[WAIT_CONNECT]), "connecting"},
	{"server_ms", offsetof(struct run_counts, wait_ms[WAIT_SERVER]), "waiting for the server"},
	{"rate_limit_ms", offsetof(struct run_counts, wait_ms[WAIT_RATE]), "waiting for rate limits"},
	{"retry_ms", offsetof(struct run_counts, wait_ms[WAIT_RETRY]), "before retries"},
	{"token_ms", offsetof(struct run_counts, wait_ms[WAIT_TOKEN]), "waiting for an access token"},
	{"starting_ms", offsetof(struct run_counts, start_ms), "starting the worker"},
	{"computing_ms", offsetof(struct run_counts, compute_ms), "computing"},
	{"committing_ms", offsetof(struct run_counts, commit_ms), "committing"},
};

static uint64_t *
count_of(struct run_counts *c, size_t i)
{
	return (uint64_t *)(void *)((char *)c + counted[i].at);
}

static int64_t *
time_of(struct run_counts *c, size_t i)
{
	return (int64_t *)(void *)((char *)c + timed[i].at);
}

void
counts_write(const struct run_counts *counts, struct json_out *o)
{
	struct run_counts c = *counts;

	for (size_t i = 0; i < LENGTH(counted); i++)
		json_kv_int(o, counted[i].name, (int64_t)*count_of(&c, i));
}

void
counts_time_write(const struct run_counts *counts, struct json_out *o)
{
	struct run_counts c = *counts;

	for (size_t i = 0; i < LENGTH(timed); i++)
		json_kv_int(o, timed[i].name, *time_of(&c, i));
}

void
counts_read(struct run_counts *c, struct slice counts, struct slice time)
{
	for (size_t i = 0; i < LENGTH(counted); i++)
		*count_of(c, i) = (uint64_t)member_int(counts, counted[i].name, 0);
	for (size_t i = 0; i < LENGTH(timed); i++)
		*time_of(c, i) = member_int(time, timed[i].name, 0);
	c->total_ms = member_int(time, "total_ms", 0);
}

static void
count_say(uint64_t n, const char *one, const char *many, struct buf *out)
{
	char text[32];

	buf_printf(out, "%s %s", number_text(n, text), n == 1 ? one : many);
}

void
counts_say(const struct run_counts *c, struct buf *out)
{
	char size[TIME_TEXT_MAX];

	if (c->fetched) {
		count_say(c->fetched, "fetched", "fetched", out);
		buf_puts(out, ", ");
	}
	count_say(c->requests, "request", "requests", out);
	if (c->retries) {
		buf_puts(out, ", ");
		count_say(c->retries, "retry", "retries", out);
	}
	if (c->rate_limited) {
		buf_puts(out, ", ");
		count_say(c->rate_limited, "rate-limit hit", "rate-limit hits", out);
	}
	if (c->bytes)
		buf_printf(out, ", %s", size_format(c->bytes, size));
}

void
counts_say_time(const struct run_counts *counts, struct buf *out)
{
	struct run_counts c = *counts;
	const char *before = "";
	char time[TIME_TEXT_MAX];

	for (size_t i = 0; i < LENGTH(timed); i++) {
		int64_t ms = *time_of(&c, i);
		if (ms < SAID_MS)
			continue;
		buf_printf(out, "%s%s %s", before, duration_format(ms, time), timed[i].words);
		before = ", ";
	}
}
