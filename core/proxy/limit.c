/* limit.c - one call and the rate limits that it counts under: its connection's, those of groups, a quota.
 *
 * Which they are stands in a bit each (c->limits); who waits for them, and for how long, is line.c's. Here they are told
 * what became of a sending, what an answer says of them is kept for all who share them, and a wait that is too long gets
 * its error: with the quota's name and end where one is used up.
 * Awkward: many providers send their reset header with every answer; it asks for a wait only when nothing is left. */
#include "proxy/limit.h"

#include "proxy/retry.h"

struct queue *
limit_of(const struct proxy_call *c, size_t i)
{
	return c->limits & (1u << i) ? c->target->limits[i].queue : NULL;
}

struct queue *
limit_nearest(const struct proxy_call *c)
{
	size_t i = c->target->n_limits;

	while (--i > 0)
		if (limit_of(c, i) && !limit_of(c, i)->quota.n)
			break;
	return c->target->limits[i].queue;
}

/* ---- what becomes of a sending ---- */

void
limit_sent(const struct proxy_call *c, bool again)
{
	int64_t now = proxy_now(c->proxy);

	for (size_t i = 0; i < c->target->n_limits; i++) {
		struct queue *q = limit_of(c, i);

		if (q && again)
			queue_again(q, now);
		else if (q)
			bucket_sent(&q->bucket, now);
	}
}

void
limit_landed(const struct proxy_call *c)
{
	if (!c->exchange.sent)
		limit_sent(c, false);
	for (size_t i = 0; i < c->target->n_limits; i++)
		if (limit_of(c, i))
			bucket_answered(&limit_of(c, i)->bucket);
}

/* ---- what an answer says ---- */

int64_t
limit_pause(int64_t ms)
{
	return ms < LIMIT_PAUSE_MAX_MS ? ms : LIMIT_PAUSE_MAX_MS;
}

void
limit_learn(struct proxy_call *c)
{
	const struct proxy_target *t = c->target;
	struct slice lines = buf_view(&c->exchange.head.lines), left;
	int64_t n, wait;

	if (!t->remaining || !t->reset)
		return;
	left = headers_find(lines, t->remaining);
	n = wait_seconds(left); /* a number in thousandths */
	wait = wait_reset(headers_find(lines, t->reset), clock_wall_us(c->proxy->clock));
	if (n < 0 || wait < 0)
		return;
	bucket_learn(&limit_nearest(c)->bucket, n / 1000, proxy_now(c->proxy) + limit_pause(wait) + 1);
	queue_changed(limit_nearest(c));
}

int64_t
limit_asked(const struct proxy_call *c)
{
	const struct proxy_target *t = c->target;
	struct slice lines = buf_view(&c->exchange.head.lines);
	bool reset = c->exchange.head.status == 429 ||
	             (t->remaining && wait_seconds(headers_find(lines, t->remaining)) == 0);
	struct wait_sources s = {
	        .headers = lines,
	        .body = buf_view(&c->exchange.body),
	        .retry_after = t->retry_after,
	        .reset = reset ? t->reset : NULL,
	        .body_path = t->retry_body,
	        .now_us = clock_wall_us(c->proxy->clock),
	};

	return wait_asked(&s);
}

/* ---- a wait that is too long ---- */

bool
limit_can_wait(const struct proxy_call *c, int64_t until)
{
	int64_t now = proxy_now(c->proxy);

	return until <= now || (until - now <= c->proxy->retry_max_ms && until <= call_deadline(c));
}

void
limit_wait(struct proxy_call *c, int64_t ms)
{
	c->answer.retry_at_us = clock_wall_us(c->proxy->clock) + limit_pause(ms) * 1000;
}

/* Is it a quota that is used up? */
static bool
quota_error(struct proxy_call *c)
{
	int64_t wall = clock_wall_us(c->proxy->clock) / 1000;
	char when[TIME_TEXT_MAX], span[TIME_TEXT_MAX];

	for (size_t i = 0; i < c->target->n_limits; i++) {
		const struct queue *q = limit_of(c, i);
		int64_t until = q && q->quota.n ? quota_until(&q->quota, wall) : wall;

		if (until <= wall)
			continue;
		err_set(&c->answer.err, ERR_RATE, "the quota of %llu requests per %s is used up until %s",
		        (unsigned long long)q->quota.n, duration_format(q->quota.per_ms, span),
		        time_format_ms(until * 1000, when));
		return true;
	}
	return false;
}

void
limit_error(struct proxy_call *c, int64_t wait_ms)
{
	char asked[TIME_TEXT_MAX], most[TIME_TEXT_MAX];
	bool deadline = wait_ms <= c->proxy->retry_max_ms;

	limit_wait(c, wait_ms);
	if (!quota_error(c))
		err_set(&c->answer.err, ERR_RATE, "the provider asks to wait %s, longer than %s",
		        duration_format(wait_ms < LIMIT_PAUSE_MAX_MS * 365 ? wait_ms : LIMIT_PAUSE_MAX_MS * 365, asked),
		        deadline ? "the time that is left" : duration_format(c->proxy->retry_max_ms, most));
	call_name_error(c);
}
