/* bucket.c - a sliding window of sendings.
 *
 * A classic token bucket of n lets up to 2n through in one span (a full bucket, and its refill); providers that count
 * spans answer that with 429. So the times of the last n sendings are kept, and the next waits until the oldest is a
 * span ago.
 *
 * Guarantee: in no span of per_ms are more than n sent; a sending counts from when it goes over the wire, not from
 * when it was granted, since new connections take their time and the next span's requests would overtake that. A
 * small slack covers the rest.
 * Awkward: after a shared pause all waiters would start in the same millisecond. For a while after it they are let go
 * one by one with random gaps. And n may be 15 000 a day: beyond RING_MAX both n and the span are divided, which is
 * stricter, never looser. */
#include "proxy/bucket.h"

#include <stdlib.h>
#include "base/mem.h"

#define RING_MAX 16384
#define SLACK_MAX_MS 250
#define SOFT_MS 5000   /* how long after a pause gaps are kept */
#define SOFT_GAP_MS 40 /* the mean is half of it */

void
bucket_init(struct bucket *b)
{
	*b = (struct bucket){.left = -1, .last_taken = INT64_MIN / 2};
}

void
bucket_finish(struct bucket *b)
{
	free(b->sent);
	bucket_init(b);
}

void
bucket_rate(struct bucket *b, uint64_t n, int64_t per_ms)
{
	if (!n || per_ms <= 0)
		return;
	if (n > RING_MAX) {
		uint64_t parts = (n + RING_MAX - 1) / RING_MAX;

		n /= parts;
		per_ms = (int64_t)(((uint64_t)per_ms + parts - 1) / parts);
	}
	b->n = n;
	b->per_ms = per_ms;
	while (b->count > n) {
		b->first = (b->first + 1) % b->room;
		b->count--;
	}
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Requests travel unevenly fast; and a time in milliseconds may be nearly one too early. */
static int64_t
slack(const struct bucket *b)
{
	int64_t part = b->per_ms / 20;

	return 1 + (part < SLACK_MAX_MS ? part : SLACK_MAX_MS);
}

int64_t
bucket_next(const struct bucket *b, int64_t now, uint64_t random)
{
	int64_t at = later(now, b->paused_until);

	if (b->n && b->count + b->starting >= b->n) {
		size_t must_go = b->count + b->starting - b->n; /* that one must be a span ago */

		if (must_go >= b->count)
			return INT64_MAX;
		at = later(at, b->sent[(b->first + must_go) % b->room] + b->per_ms + slack(b));
	}
	if (b->left >= 0 && b->left <= (int64_t)b->flying && now < b->left_until)
		at = later(at, b->left_until);
	if (at == now && now < b->soft_until && now < b->last_taken + SOFT_GAP_MS) {
		int64_t gap = b->last_taken + (int64_t)(random % SOFT_GAP_MS);

		at = later(now, gap);
	}
	return at;
}

void
bucket_take(struct bucket *b, int64_t now)
{
	b->flying++;
	b->starting++;
	b->last_taken = now;
}

void
bucket_sent(struct bucket *b, int64_t now)
{
	if (b->starting)
		b->starting--;
	if (!b->n)
		return;
	if (b->count == b->n) {
		b->first = (b->first + 1) % b->room;
		b->count--;
	}
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		int64_t *sent = xmalloc(room * sizeof *sent);

		for (size_t i = 0; i < b->count; i++)
			sent[i] = b->sent[(b->first + i) % b->room];
		free(b->sent);
		b->sent = sent;
		b->room = room;
		b->first = 0;
	}
	b->sent[(b->first + b->count++) % b->room] = now;
}

void
bucket_again(struct bucket *b, int64_t now)
{
	b->starting++; /* its own, or it would count as one of those that are connecting */
	bucket_sent(b, now);
}

void
bucket_answered(struct bucket *b)
{
	if (b->flying)
		b->flying--;
}

void
bucket_pause(struct bucket *b, int64_t now, int64_t until)
{
	if (until <= now || until <= b->paused_until)
		return;
	b->paused_until = until;
	b->soft_until = until + SOFT_MS;
}

void
bucket_learn(struct bucket *b, int64_t remaining, int64_t until)
{
	/* Answers overtake each other: within one span the smaller number is the newer one. */
	if (b->left >= 0 && until <= b->left_until && remaining >= b->left)
		return;
	b->left = remaining;
	b->left_until = until;
}

int
bucket_idle(const struct bucket *b, int64_t now)
{
	if (b->flying || b->paused_until > now || (b->left >= 0 && b->left_until > now))
		return 0;
	return !b->count || b->last_taken + b->per_ms < now;
}
