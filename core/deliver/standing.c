/* standing.c - see standing.h. What cannot be read as written is taken as nothing: the worst of it is one early try. */
#include "deliver/standing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "run/member.h"

#define GONE 410

/* ---- what happens ---- */

void
standing_took(struct standing *s, const struct delivered *d)
{
	pace_well(&s->pace);
	s->ring[s->delivered++ % STANDING_RING] = *d;
	s->delivered_us = d->at_us;
}

void
standing_failed(struct standing *s, const struct standing_failure *f)
{
	pace_failed(&s->pace, f->now_us, f->asked_ms, f->dice);
	s->pace.gone = f->status == GONE;
	s->failed++;
	s->failed_us = f->now_us;
	s->status = f->status;
	snprintf(s->reason, sizeof s->reason, "%s", f->reason);
}

size_t
standing_lately(const struct standing *s)
{
	return s->delivered < STANDING_RING ? (size_t)s->delivered : STANDING_RING;
}

const struct delivered *
standing_late(const struct standing *s, size_t i)
{
	return &s->ring[(s->delivered - 1 - i) % STANDING_RING];
}

/* ---- kept ---- */

static void
text_get(struct slice object, const char *name, char *out, size_t size)
{
	char *text = member_text(object, name);

	snprintf(out, size, "%s", text ? text : "");
	free(text);
}

/* Oldest first, so that each ends where the next one to come expects it. */
static void
ring_get(struct standing *s, struct slice list)
{
	size_t n = json_count(list);
	uint64_t at = s->delivered - (n < s->delivered ? n : s->delivered);
	struct json_iter it = json_iter(list);

	while (n <= STANDING_RING && json_next(&it) && at < s->delivered) {
		struct delivered *d = &s->ring[at++ % STANDING_RING];

		text_get(it.value, "id", d->id, sizeof d->id);
		text_get(it.value, "type", d->type, sizeof d->type);
		d->at_us = member_int(it.value, "at_us", 0);
		d->took_ms = member_int(it.value, "took_ms", 0);
		d->attempts = (uint64_t)member_int(it.value, "attempts", 0);
		d->status = (int)member_int(it.value, "status", 0);
	}
}

void
standing_read(struct store *store, const char *endpoint, struct standing *s)
{
	struct buf value = {0};
	struct slice j;

	*s = (struct standing){0};
	if (store_state_get(store, 0, STATE_ENDPOINT, slice_str(endpoint), &value) &&
	    json_check(buf_view(&value), 0, NULL)) {
		j = buf_view(&value);
		s->pace.failures = (uint64_t)member_int(j, "failures", 0);
		s->pace.failing_us = member_int(j, "failing_us", 0);
		s->pace.next_us = member_int(j, "next_us", 0);
		s->pace.gone = member_bool(j, "gone", false);
		s->delivered = (uint64_t)member_int(j, "delivered", 0);
		s->failed = (uint64_t)member_int(j, "failed", 0);
		s->delivered_us = member_int(j, "delivered_us", 0);
		s->failed_us = member_int(j, "failed_us", 0);
		s->status = (int)member_int(j, "status", 0);
		text_get(j, "reason", s->reason, sizeof s->reason);
		ring_get(s, member_raw(j, "lately"));
	}
	buf_free(&value);
}

static void
ring_put(const struct standing *s, struct json_out *o)
{
	json_key(o, "lately");
	json_open(o, '[');
	for (size_t i = standing_lately(s); i-- > 0;) {
		const struct delivered *d = standing_late(s, i);

		json_open(o, '{');
		json_kv_str(o, "id", d->id);
		json_kv_str(o, "type", d->type);
		json_kv_int(o, "at_us", d->at_us);
		json_kv_int(o, "took_ms", d->took_ms);
		json_kv_int(o, "attempts", (int64_t)d->attempts);
		json_kv_int(o, "status", d->status);
		json_close(o, '}');
	}
	json_close(o, ']');
}

void
standing_put(struct commit *c, const char *endpoint, const struct standing *s)
{
	struct buf value = {0};
	struct json_out o = json_out(&value);

	json_open(&o, '{');
	json_kv_int(&o, "failures", (int64_t)s->pace.failures);
	json_kv_int(&o, "failing_us", s->pace.failing_us);
	json_kv_int(&o, "next_us", s->pace.next_us);
	json_kv_bool(&o, "gone", s->pace.gone);
	json_kv_int(&o, "delivered", (int64_t)s->delivered);
	json_kv_int(&o, "failed", (int64_t)s->failed);
	json_kv_int(&o, "delivered_us", s->delivered_us);
	json_kv_int(&o, "failed_us", s->failed_us);
	json_kv_int(&o, "status", s->status);
	json_kv_str(&o, "reason", s->reason);
	ring_put(s, &o);
	json_close(&o, '}');
	commit_state_set(c, 0, STATE_ENDPOINT, slice_str(endpoint), buf_view(&value));
	buf_free(&value);
}
