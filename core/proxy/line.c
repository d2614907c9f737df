/* line.c - who waits for rate limits, and whose turn it is.
 *
 * A call has to pass every limit that applies to it: its connection's, the groups' that it matches, a quota. It takes a
 * place in all of them in the same moment, or in none: nothing is held while something else is waited for, so there
 * can be neither deadlock nor a lost place. Targets (connections) take turns, and within one the first comes first, but for
 * those whose limits have no room: they keep their place while others pass.
 *
 * Guarantee: nobody is granted before all his limits say so; who cannot wait so long (the pause exceeds retry_max or
 * his deadline) is told at once instead of at the end of the wait.
 * Awkward: the end of one call may begin others; line_pump called from inside itself only notes that. */
#include "proxy/limit.h"
#include "proxy/private.h"

static void
target_append(struct proxy *p, struct proxy_target *t)
{
	t->line_next = NULL;
	t->line_prev = p->line_last;
	*(p->line_last ? &p->line_last->line_next : &p->line_first) = t;
	p->line_last = t;
}

static void
target_take_out(struct proxy *p, struct proxy_target *t)
{
	*(t->line_prev ? &t->line_prev->line_next : &p->line_first) = t->line_next;
	*(t->line_next ? &t->line_next->line_prev : &p->line_last) = t->line_prev;
}

static void
call_take_out(struct proxy_call *c)
{
	struct proxy_target *t = c->target;
	struct proxy_call **at = &t->waiting, *before = NULL;

	for (; *at != c; at = &(*at)->queue_next)
		before = *at;
	*at = c->queue_next;
	if (t->waiting_last == c)
		t->waiting_last = before;
	c->queue_next = NULL;
	c->queued = false;
	if (!t->waiting)
		target_take_out(c->proxy, t);
}

/* When all its limits have room, by what this round knows of them. */
static int64_t
call_at(struct proxy_call *c, int64_t now)
{
	struct proxy *p = c->proxy;
	int64_t at = now;

	for (size_t i = 0; i < c->target->n_limits; i++) {
		struct queue *q = limit_of(c, i);

		if (q && q->looked != p->round) {
			q->looked = p->round;
			q->next_at = queue_next(q, now, proxy_random(p));
		}
		if (q && q->next_at > at)
			at = q->next_at;
	}
	return at;
}

/* The first one that may go; next_at: when else one may. */
static struct proxy_call *
line_ready(struct proxy *p, int64_t now, int64_t *next_at)
{
	*next_at = INT64_MAX;
	for (struct proxy_target *t = p->line_first; t; t = t->line_next)
		for (struct proxy_call *c = t->waiting; c; c = c->queue_next) {
			int64_t at = call_at(c, now);

			if (at <= now)
				return c;
			if (at < *next_at)
				*next_at = at;
		}
	return NULL;
}

static void
line_grant(struct proxy_call *c, int64_t now)
{
	struct proxy_target *t = c->target;

	call_take_out(c);
	if (t->waiting) {
		target_take_out(c->proxy, t);
		target_append(c->proxy, t);
	}
	for (size_t i = 0; i < t->n_limits; i++)
		if (limit_of(c, i))
			queue_take(limit_of(c, i), now);
	call_granted(c);
}

void
line_pump(struct proxy *p)
{
	int64_t now = proxy_now(p), next_at = INT64_MAX;
	struct proxy_call *c;

	p->again = true;
	if (p->in_round)
		return;
	p->in_round = true;
	while (p->again && !p->closed) {
		p->again = false;
		p->round++;
		now = proxy_now(p);
		while ((c = line_ready(p, now, &next_at)))
			line_grant(c, now);
	}
	p->in_round = false;
	if (next_at == INT64_MAX)
		alarm_clear(&p->alarms, &p->line_alarm);
	else
		alarm_set(&p->alarms, &p->line_alarm, next_at);
}

void
line_soon(struct proxy *p)
{
	if (p->line_first)
		alarm_set(&p->alarms, &p->line_alarm, proxy_now(p));
}

static int64_t
asked_until(const struct proxy_call *c, int64_t now)
{
	int64_t until = now;

	for (size_t i = 0; i < c->target->n_limits; i++)
		if (limit_of(c, i) && queue_asked(limit_of(c, i), now) > until)
			until = queue_asked(limit_of(c, i), now);
	return until;
}

void
line_add(struct proxy_call *c)
{
	struct proxy_target *t = c->target;
	int64_t until = asked_until(c, proxy_now(c->proxy));

	if (!limit_can_wait(c, until)) {
		call_refused(c, until);
		return;
	}
	c->queued = true;
	c->queue_next = NULL;
	if (!t->waiting)
		target_append(c->proxy, t);
	*(t->waiting ? &t->waiting_last->queue_next : &t->waiting) = c;
	t->waiting_last = c;
	line_pump(c->proxy);
}

void
line_remove(struct proxy_call *c)
{
	if (!c->queued)
		return;
	call_take_out(c);
}

void
line_pause(struct queue *q, int64_t until)
{
	struct proxy *p = q->proxy;
	int64_t now = proxy_now(p);

	bucket_pause(&q->bucket, now, until);
	queue_changed(q);
	for (struct proxy_target *t = p->line_first, *after; t; t = after) {
		after = t->line_next;
		for (struct proxy_call *c = t->waiting, *next; c; c = next) {
			next = c->queue_next;
			if (!limit_can_wait(c, asked_until(c, now))) {
				call_take_out(c);
				call_refused(c, asked_until(c, now));
			}
		}
	}
	line_pump(p);
}

int64_t
line_until(const struct proxy_call *c, const struct queue **what)
{
	int64_t now = proxy_now(c->proxy), latest = 0;

	*what = NULL;
	for (size_t i = 0; i < c->target->n_limits; i++) {
		const struct queue *q = limit_of(c, i);
		int64_t at = q ? queue_next(q, now, 0) : 0;

		if (q && (!*what || at > latest)) {
			*what = q;
			latest = at;
		}
	}
	return latest == INT64_MAX ? 0 : latest;
}
