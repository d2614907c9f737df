/* limit.c - what an answer tells of the provider's rate limit: how many are left, and how long to wait.
 *
 * Awkward: many providers send their reset header with every answer; it asks for a wait only when nothing is left. */
#include "proxy/limit.h"

#include "proxy/retry.h"

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
	bucket_learn(&call_limit(c)->bucket, n / 1000,
	             proxy_now(c->proxy) + (wait < LIMIT_PAUSE_MAX_MS ? wait : LIMIT_PAUSE_MAX_MS) + 1);
	queue_changed(call_limit(c));
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
