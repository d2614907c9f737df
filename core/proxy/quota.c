/* quota.c - counts by parts of the span, in a ring of which each place says which part it holds.
 *
 * Guarantee: never more than n in a span, seen by whoever counts from midnight (days) or in any span at all (others).
 * Awkward: wall time may jump. Back: parts ahead of now count still, though no longer than a span. Forward: they are
 * forgotten, as they would be after that time. */
#include "proxy/quota.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))
#define WARN_PERCENT 80

void
quota_set(struct quota *q, uint64_t n, int64_t per_ms)
{
	if (!n || per_ms <= 0)
		return;
	if (q->per_ms != per_ms) {
		*q = (struct quota){.per_ms = per_ms};
		q->parts = per_ms % DAY_MS ? QUOTA_PARTS : 0;
		q->part_ms = q->parts ? (per_ms + QUOTA_PARTS - 1) / QUOTA_PARTS : per_ms;
	}
	q->n = n;
}

static bool
counts_now(const struct quota *q, size_t i, int64_t now)
{
	int64_t age = now / q->part_ms - q->part[i].number;

	return q->part[i].count && age <= q->parts && age >= -q->parts - 1;
}

void
quota_count(struct quota *q, int64_t now, uint64_t count)
{
	int64_t number;
	size_t i;

	if (!q->n || now < 0)
		return;
	number = now / q->part_ms;
	i = (size_t)(number % (QUOTA_PARTS + 1));
	if (q->part[i].number != number) {
		q->part[i].number = number;
		q->part[i].count = 0;
	}
	q->part[i].count += count;
}

uint64_t
quota_used(const struct quota *q, int64_t now)
{
	uint64_t used = 0;

	for (size_t i = 0; q->n && i <= QUOTA_PARTS; i++)
		if (counts_now(q, i, now))
			used += q->part[i].count;
	return used;
}

/* Asks at the end of each part; there are few. */
int64_t
quota_until(const struct quota *q, int64_t now)
{
	int64_t at = now;

	while (q->n && quota_used(q, at) >= q->n)
		at = (at / q->part_ms + 1) * q->part_ms;
	return at;
}

static int64_t
span_start(const struct quota *q, int64_t now)
{
	int64_t first = now / q->part_ms;

	for (size_t i = 0; i <= QUOTA_PARTS; i++)
		if (counts_now(q, i, now) && q->part[i].number < first)
			first = q->part[i].number;
	return first * q->part_ms;
}

int64_t
quota_forecast(const struct quota *q, int64_t now)
{
	uint64_t used = quota_used(q, now);
	int64_t start, at;

	if (!used)
		return 0;
	if (used >= q->n)
		return now;
	start = span_start(q, now);
	at = start + (int64_t)((double)(now - start) * (double)q->n / (double)used);
	return at > now && at < start + q->per_ms ? at : 0;
}

bool
quota_warn(struct quota *q, int64_t now)
{
	int64_t number;

	if (!q->n || quota_used(q, now) * 100 < q->n * WARN_PERCENT)
		return false;
	number = now / q->part_ms;
	if (q->warned && number - q->warned <= q->parts)
		return false;
	q->warned = number;
	return true;
}

void
quota_write(const struct quota *q, struct json_out *o)
{
	json_open(o, '[');
	for (size_t i = 0; q->n && i <= QUOTA_PARTS; i++)
		if (q->part[i].count) {
			json_open(o, '[');
			json_put_int(o, q->part[i].number * q->part_ms);
			json_put_uint(o, q->part[i].count);
			json_close(o, ']');
		}
	json_close(o, ']');
}

void
quota_read(struct quota *q, int64_t now, struct slice array)
{
	struct json_iter it = json_iter(array);

	while (json_next(&it)) {
		struct json_iter pair = json_iter(it.value);
		int64_t at, count;

		if (json_next(&pair) && json_int(pair.value, &at) && json_next(&pair) && json_int(pair.value, &count) &&
		    count > 0 && at > now - q->per_ms - q->part_ms)
			quota_count(q, at < now ? at : now, (uint64_t)count);
	}
}
