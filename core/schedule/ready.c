/* ready.c - who may begin, and who of those is first.
 *
 * Guarantee: after item_touch the heaps hold exactly what may begin: an item that wants to and is not held, of a connection
 * with room, of an integration with room. Order: asked for; interrupted; then within a connection by priority and by what
 * waits longest, among connections by what waits longest.
 * Awkward: an item that ended because its time was up (run_limit) wants to go on at once, for hours maybe. It queues with
 * those that are due, by when it ended, so that a long first sync does not keep a place of the host to itself. */
#include "schedule/inner.h"

bool
item_automatic(const struct schedule_item *i)
{
	return i->plan.active && !i->paused && (i->plan.auto_start || i->begun) && !i->gone;
}

bool
item_order_met(const struct schedule_item *i)
{
	const struct slot *before = i->after;
	int64_t ended;

	if (!before)
		return true;
	/* Asked for together, they run in their order; asked for alone, somebody wants it now. */
	if (i->asked)
		return !before->item || !(before->item->running || before->item->asked);
	if (!before->item)
		return false;
	if (before->item->running || (before->item->due && before->item->plan.auto_sync && item_automatic(before->item)))
		return false; /* its round begins as well */
	ended = i->plan.after_any ? before->item->ended_seq : before->item->success_seq;
	return ended > i->began_seq;
}

bool
item_wants(const struct schedule_item *i)
{
	return i->asked || i->resume || i->retry || (i->due && i->plan.auto_sync);
}

bool
item_may(const struct schedule_item *i, int64_t mono)
{
	if (i->running || i->gone || !i->plan.active)
		return false;
	if (i->asked)
		return item_order_met(i);
	if (!item_automatic(i) || !item_wants(i) || i->link->attention || i->pause_until_ms > mono ||
	    i->link->held_until_ms > mono)
		return false;
	return i->resume || i->retry || item_order_met(i);
}

static enum rank
item_rank(const struct schedule_item *i)
{
	return i->asked ? RANK_ASKED : i->resume && !i->more ? RANK_RESUME : RANK_DUE;
}

static bool
item_before(const struct schedule_item *a, const struct schedule_item *b)
{
	if (item_rank(a) != item_rank(b))
		return item_rank(a) < item_rank(b);
	return a->plan.priority != b->plan.priority ? a->plan.priority > b->plan.priority : a->since_ms < b->since_ms;
}

void
unit_touch(struct schedule *s, struct unit *u)
{
	const struct heap_node *first = heap_first(&u->ready);

	if (first && (!u->max_runs || u->running < u->max_runs))
		heap_put(&s->ready, &u->turn, first->rank, first->key);
	else
		heap_drop(&s->ready, &u->turn);
}

void
link_touch(struct schedule *s, struct link *c)
{
	int64_t mono = clock_mono_ms(&s->clock);

	c->best = NULL;
	for (struct schedule_item *i = c->items; i && c->running < c->max_runs; i = i->sibling)
		if (item_may(i, mono) && (!c->best || item_before(i, c->best)))
			c->best = i;
	if (c->best)
		heap_put(&c->unit->ready, &c->turn, item_rank(c->best), c->best->since_ms);
	else
		heap_drop(&c->unit->ready, &c->turn);
	unit_touch(s, c->unit);
}

void
item_wait_due(struct schedule *s, struct schedule_item *i)
{
	if (i->due || i->gone || !i->plan.auto_sync || !i->plan.active)
		heap_drop(&s->by_due, &i->wake);
	else
		heap_put(&s->by_due, &i->wake, 0, i->wake_us);
}

void
item_touch(struct schedule *s, struct schedule_item *i)
{
	item_wait_due(s, i);
	link_touch(s, i->link);
	waiters_touch(s, i->slot);
}

void
waiters_touch(struct schedule *s, struct slot *slot)
{
	for (struct schedule_item *i = slot->waiters; i; i = i->next_waiter)
		link_touch(s, i->link);
}
