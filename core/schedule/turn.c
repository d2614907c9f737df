/* turn.c - a turn: what has become due is noticed, what may begin begins.
 *
 * Guarantee: a turn in which nothing is due and nothing may begin looks at the first of four heaps and is done.
 * Awkward: due times are wall time, and nobody tells that the wall clock was set, or that the machine slept, when the
 * monotonic clock stands still. So while anything waits for a due time, a turn is asked for each second; it sees a wall
 * clock that was set forward by what is due, and one that was set back by its distance to the monotonic clock. */
#include "schedule/inner.h"

#define LOOK_MS 1000
#define BACK_US (-1000 * US_PER_MS) /* less than a second back matters to nobody */

static void
clocks_compare(struct schedule *s)
{
	int64_t ahead = clock_wall_us(&s->clock) - clock_mono_ms(&s->clock) * US_PER_MS;
	int64_t by = ahead - s->ahead_us;

	if (by < 0 && by > BACK_US)
		return; /* slow drift adds up until it counts */
	s->ahead_us = ahead;
	if (by < 0)
		schedule_shift(s, by);
}

static void
due_notice(struct schedule *s)
{
	int64_t wall = clock_wall_us(&s->clock), mono = clock_mono_ms(&s->clock);
	struct heap_node *first;

	while ((first = heap_first(&s->by_due)) && first->key <= wall) {
		struct schedule_item *i = first->owner;
		i->due = true;
		/* An attempt that was still to come is one for the new due time. */
		if (!i->resume && !i->retry && !i->asked)
			i->since_ms = mono - (wall - i->wake_us) / US_PER_MS;
		i->attempt = 0;
		item_touch(s, i);
	}
}

static void
pauses_notice(struct schedule *s)
{
	int64_t mono = clock_mono_ms(&s->clock);
	struct heap_node *first;

	while ((first = heap_first(&s->by_pause)) && first->key <= mono) {
		struct schedule_item *i = first->owner;
		item_pause_set(s, i, 0);
		link_touch(s, i->link);
	}
	while ((first = heap_first(&s->held)) && first->key <= mono) {
		struct link *c = first->owner;
		link_hold_set(s, c, 0);
		link_touch(s, c);
	}
}

static void
running_count(struct schedule *s, struct schedule_item *i, int by)
{
	i->running += (unsigned)by;
	i->link->running += (uint64_t)by;
	i->link->unit->running += (uint64_t)by;
	s->running += (uint64_t)by;
}

void
schedule_began(struct schedule *s, struct schedule_item *i)
{
	running_count(s, i, 1);
	i->begun = true;
	i->began_seq = ++s->seq;
	i->resume = i->more = i->retry = false;
	item_touch(s, i);
}

/* What it is about to begin; nothing is changed yet, since begin may say no. */
static struct schedule_begin
begin_of(const struct schedule_item *i)
{
	struct schedule_begin b = {.attempt = (unsigned)i->attempt, .full_refresh = i->full_refresh, .reset = i->reset};

	if (i->asked)
		b.cause = CAUSE_ASKED;
	else if (i->resume)
		b.cause = CAUSE_RESUME;
	else
		b.cause = i->due && i->plan.auto_sync ? CAUSE_DUE : CAUSE_RETRY;
	if (b.cause == CAUSE_ASKED || b.cause == CAUSE_DUE)
		b.attempt = 0;
	return b;
}

/* Counted before begin is called, so that a run which ends within the call is one that ended. */
static bool
item_begin(struct schedule *s, struct schedule_item *i, bool (*begin)(void *arg, const struct schedule_begin *b), void *arg)
{
	struct schedule_begin b = begin_of(i);
	struct schedule_item was = *i;

	b.item = i;
	/* Whatever begins while it is due meets that too: it would only do the same again. */
	if (i->due && i->plan.auto_sync)
		b.due_us = item_meet(s, i);
	else if (b.cause != CAUSE_ASKED)
		b.due_us = i->met_us;
	i->attempt = b.attempt;
	i->asked = i->full_refresh = i->reset = false;
	schedule_began(s, i);
	if (begin(arg, &b))
		return true;
	running_count(s, i, -1);
	i->asked = was.asked, i->full_refresh = was.full_refresh, i->reset = was.reset;
	i->resume = was.resume, i->more = was.more, i->retry = was.retry, i->begun = was.begun;
	i->attempt = was.attempt, i->began_seq = was.began_seq;
	i->due = was.due, i->due_us = was.due_us, i->wake_us = was.wake_us, i->met_us = was.met_us;
	if (i->gone && !i->running)
		item_free(s, i);
	else
		item_touch(s, i);
	return false;
}

static int64_t
turn_next(const struct schedule *s)
{
	int64_t mono = clock_mono_ms(&s->clock), next = INT64_MAX;
	const struct heap_node *first;

	if ((first = heap_first(&s->by_pause)))
		next = first->key;
	if ((first = heap_first(&s->held)) && first->key < next)
		next = first->key;
	if ((first = heap_first(&s->by_due))) {
		int64_t wait = (first->key - clock_wall_us(&s->clock) + US_PER_MS - 1) / US_PER_MS;
		wait = wait < 0 ? 0 : wait > LOOK_MS ? LOOK_MS : wait;
		if (mono + wait < next)
			next = mono + wait;
	}
	return next;
}

int64_t
schedule_turn(struct schedule *s, bool (*begin)(void *arg, const struct schedule_begin *b), void *arg)
{
	struct heap_node *unit;
	int64_t next;

	clocks_compare(s);
	pauses_notice(s);
	due_notice(s);
	/* Bounded, in case that each ends within the call and wants to go on. */
	for (uint64_t n = 0; s->running < s->o.max_runs && (unit = heap_first(&s->ready)); n++) {
		struct unit *u = unit->owner;
		struct link *c = heap_first(&u->ready)->owner;

		if (n == s->o.max_runs)
			return clock_mono_ms(&s->clock) + 1;
		if (!item_begin(s, c->best, begin, arg)) {
			next = turn_next(s);
			return next < clock_mono_ms(&s->clock) + LOOK_MS ? next : clock_mono_ms(&s->clock) + LOOK_MS;
		}
	}
	return turn_next(s);
}
