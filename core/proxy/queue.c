/* queue.c - waiting for a rate limit: first come, first served, one alarm for all who wait.
 *
 * Guarantee: nobody is granted before the bucket says so; who cannot wait so long (the pause exceeds retry_max or its
 * deadline) is told at once instead of at the end of the wait.
 * Awkward: a queue outlives its targets while it has something to remember (a pause, the last sendings): runs come
 * and go, the provider's memory of us stays. Such queues are dropped when the next one is looked for. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/call.h"
#include "proxy/private.h"

static void
queue_ring(void *arg)
{
	queue_pump(arg);
}

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

		if (!q->refs && bucket_idle(&q->bucket, now)) {
			*at = q->next;
			alarm_clear(&p->alarms, &q->alarm);
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
		*q = (struct queue){.next = p->queues, .proxy = p, .key = xstrdup(key), .last = &q->first};
		q->alarm = (struct alarm){.ring = queue_ring, .arg = q};
		bucket_init(&q->bucket);
		p->queues = q;
	}
	q->refs++;
	return q;
}

void
queue_leave(struct queue *q)
{
	assert(q->refs && (q->refs > 1 || !q->first));
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
		alarm_clear(&p->alarms, &q->alarm);
		q->proxy = NULL;
		if (!q->refs)
			queue_free(q);
	}
	p->queues = NULL;
}

static struct proxy_call *
queue_pop(struct queue *q)
{
	struct proxy_call *c = q->first;

	q->first = c->queue_next;
	if (!q->first)
		q->last = &q->first;
	c->queue_next = NULL;
	c->queued = false;
	return c;
}

void
queue_pump(struct queue *q)
{
	while (q->first) {
		int64_t now = proxy_now(q->proxy), at = bucket_next(&q->bucket, now, proxy_random(q->proxy));

		if (at > now) {
			if (at == INT64_MAX)
				alarm_clear(&q->proxy->alarms, &q->alarm);
			else
				alarm_set(&q->proxy->alarms, &q->alarm, at);
			return;
		}
		bucket_take(&q->bucket, now);
		call_granted(queue_pop(q));
	}
	alarm_clear(&q->proxy->alarms, &q->alarm);
}

/* Until when the provider itself keeps us waiting; the pace of an own rate limit does not count. */
static int64_t
asked_until(const struct queue *q, int64_t now)
{
	const struct bucket *b = &q->bucket;
	int64_t until = b->paused_until;

	if (b->left == 0 && b->left_until > until)
		until = b->left_until;
	return until > now ? until : now;
}

void
queue_add(struct queue *q, struct proxy_call *c)
{
	int64_t now = proxy_now(q->proxy);

	if (!call_can_wait(c, asked_until(q, now))) {
		call_refused(c, asked_until(q, now));
		return;
	}
	c->queued = true;
	*q->last = c;
	q->last = &c->queue_next;
	if (q->first == c)
		queue_pump(q);
}

void
queue_remove(struct queue *q, struct proxy_call *c)
{
	if (!c->queued)
		return;
	for (struct proxy_call **at = &q->first; *at; at = &(*at)->queue_next) {
		if (*at != c)
			continue;
		*at = c->queue_next;
		if (!*at)
			q->last = at;
		break;
	}
	c->queue_next = NULL;
	c->queued = false;
	queue_pump(q);
}

void
queue_pause(struct queue *q, int64_t until)
{
	int64_t now = proxy_now(q->proxy);

	bucket_pause(&q->bucket, now, until);
	until = asked_until(q, now);
	for (struct proxy_call *c = q->first, *next; c; c = next) {
		next = c->queue_next;
		if (!call_can_wait(c, until)) {
			queue_remove(q, c);
			call_refused(c, until);
		}
	}
	queue_pump(q);
}

int64_t
queue_until(const struct queue *q)
{
	int64_t at = bucket_next(&q->bucket, proxy_now(q->proxy), 0);

	return at == INT64_MAX ? 0 : at;
}
