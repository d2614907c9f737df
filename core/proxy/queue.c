/* queue.c - the limits that requests have to pass: each a bucket, a quota or both, shared by all who name its key.
 *
 * Awkward: a limit outlives its targets while it has something to remember (a pause, the last sendings): runs come and
 * go, the provider's memory of us stays. Those that have nothing left are dropped when the next one is looked for. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "proxy/keep.h"
#include "proxy/private.h"

static void
queue_free(struct queue *q)
{
	bucket_finish(&q->bucket);
	free(q->key);
	free(q);
}

static void
drop_idle(struct proxy *p)
{
	int64_t now = proxy_now(p);

	for (struct queue **at = &p->queues; *at;) {
		struct queue *q = *at;

		if (!q->refs && bucket_idle(&q->bucket, now) && !q->dirty && !q->unsaved &&
		    !quota_used(&q->quota, clock_wall_us(p->clock) / 1000)) {
			*at = q->next;
			queue_free(q);
		} else {
			at = &q->next;
		}
	}
}

struct queue *
queue_join(struct proxy *p, const char *key)
{
	struct queue *q;

	drop_idle(p);
	for (q = p->queues; q && strcmp(q->key, key); q = q->next)
		continue;
	if (!q) {
		q = XNEW(struct queue);
		*q = (struct queue){.next = p->queues, .proxy = p, .key = xstrdup(key)};
		bucket_init(&q->bucket);
		p->queues = q;
	}
	q->refs++;
	return q;
}

void
queue_leave(struct queue *q)
{
	assert(q->refs);
	q->refs--;
	if (q->proxy)
		drop_idle(q->proxy);
	else if (!q->refs)
		queue_free(q);
}

void
queues_close(struct proxy *p)
{
	for (struct queue *q = p->queues, *next; q; q = next) {
		next = q->next;
		q->proxy = NULL;
		if (!q->refs)
			queue_free(q);
	}
	p->queues = NULL;
}

#define LEASE_LEAST 4
#define LEASE_MOST 100

/* As many as may be forgotten by a crash; the next process counts them as sent. */
static void
queue_lease(struct queue *q)
{
	uint64_t n = q->bucket.n ? q->bucket.n : q->quota.n, lease = n / 10;

	if (!n || !q->proxy->keeper.save)
		return;
	lease = lease < LEASE_LEAST ? LEASE_LEAST : lease > LEASE_MOST ? LEASE_MOST : lease;
	if (lease > n)
		lease = n;
	if (!q->lease)
		q->unsaved = lease; /* nothing says so yet: first that */
	q->lease = lease;
	queue_changed(q);
}

void
queue_rate(struct queue *q, uint64_t n, int64_t per_ms)
{
	bucket_rate(&q->bucket, n, per_ms);
	queue_lease(q);
}

void
queue_quota(struct queue *q, uint64_t n, int64_t per_ms)
{
	quota_set(&q->quota, n, per_ms);
	queue_lease(q);
}

static int64_t
quota_mono(const struct queue *q, int64_t now)
{
	int64_t wall = clock_wall_us(q->proxy->clock) / 1000;

	return q->quota.n ? now + (quota_until(&q->quota, wall) - wall) : now;
}

int64_t
queue_next(const struct queue *q, int64_t now, uint64_t random)
{
	int64_t at = bucket_next(&q->bucket, now, random), room = quota_mono(q, now);

	if (q->lease && q->unsaved >= q->lease)
		return INT64_MAX;
	return at > room ? at : room;
}

int64_t
queue_asked(const struct queue *q, int64_t now)
{
	const struct bucket *b = &q->bucket;
	int64_t until = b->paused_until, room = quota_mono(q, now);

	if (b->left == 0 && b->left_until > until)
		until = b->left_until;
	if (room > until)
		until = room;
	return until > now ? until : now;
}

static void
quota_tell(struct queue *q, int64_t wall)
{
	char when[TIME_TEXT_MAX];
	int64_t at = quota_forecast(&q->quota, wall);

	if (quota_warn(&q->quota, wall))
		log_warn("%s: %llu of %llu requests are used%s%s", q->key,
		         (unsigned long long)quota_used(&q->quota, wall), (unsigned long long)q->quota.n,
		         at ? "; at this pace the last one is sent by " : "",
		         at ? time_format_ms(at * 1000, when) : "");
}

void
queue_take(struct queue *q, int64_t now)
{
	int64_t wall = clock_wall_us(q->proxy->clock) / 1000;

	bucket_take(&q->bucket, now);
	quota_count(&q->quota, wall, 1);
	quota_tell(q, wall);
	q->unsaved++;
	q->looked = 0;
	queue_changed(q);
}

void
queue_again(struct queue *q, int64_t now)
{
	bucket_again(&q->bucket, now);
	quota_count(&q->quota, clock_wall_us(q->proxy->clock) / 1000, 1);
	q->unsaved++;
	queue_changed(q);
}
