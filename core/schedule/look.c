/* look.c - what an item does or waits for, in one word, and until when.
 *
 * The words are looked for in the order of what a person has to do about them. Awkward: pauses are monotonic, and are told
 * in wall time as it now is; and when another one ends, nobody knows: who waits for it is told when that may begin. */
#include "schedule/inner.h"

const char *const schedule_state_names[SCHEDULE_STATES] = {
	[SCHEDULE_INACTIVE] = "inactive", [SCHEDULE_MANUAL] = "manual", [SCHEDULE_UNSTARTED] = "unstarted",
	[SCHEDULE_PAUSED] = "paused", [SCHEDULE_ATTENTION] = "attention", [SCHEDULE_FAILING] = "failing",
	[SCHEDULE_AFTER] = "after", [SCHEDULE_QUEUED] = "queued", [SCHEDULE_WAITING] = "waiting",
	[SCHEDULE_RUNNING] = "running",
};

static const char *
limit_of(const struct schedule *s, const struct schedule_item *i)
{
	const struct link *c = i->link;

	if (c->running >= c->max_runs)
		return "connection";
	if (c->unit->max_runs && c->unit->running >= c->unit->max_runs)
		return "integration";
	if (s->running < s->o.max_runs && c->best && c->best != i && c->running + 1 >= c->max_runs)
		return "connection"; /* another of it is before this one */
	return "host";
}

static int64_t
held_until(const struct schedule_item *i)
{
	return i->pause_until_ms > i->link->held_until_ms ? i->pause_until_ms : i->link->held_until_ms;
}

static enum schedule_state
state_of(const struct schedule_item *i, int64_t mono)
{
	if (i->running)
		return SCHEDULE_RUNNING;
	if (!i->plan.active)
		return SCHEDULE_INACTIVE;
	if (i->asked)
		return item_order_met(i) ? SCHEDULE_QUEUED : SCHEDULE_AFTER;
	if (i->paused)
		return SCHEDULE_PAUSED;
	if (!i->plan.auto_sync && !item_wants(i))
		return SCHEDULE_MANUAL;
	if (!item_automatic(i))
		return SCHEDULE_UNSTARTED;
	if (i->link->attention)
		return SCHEDULE_ATTENTION;
	if (held_until(i) > mono)
		return SCHEDULE_FAILING;
	if (!item_wants(i))
		return SCHEDULE_WAITING;
	return item_may(i, mono) ? SCHEDULE_QUEUED : SCHEDULE_AFTER;
}

static int64_t
pause_end(const struct schedule_item *i, int64_t mono, int64_t wall)
{
	return wall + (held_until(i) - mono) * US_PER_MS;
}

static void
after_look(const struct schedule_item *i, int64_t mono, int64_t wall, struct schedule_view *v)
{
	const struct schedule_item *other = i->after ? i->after->item : NULL;

	if (!i->after)
		return;
	v->after = &i->after->name;
	v->after_state = other && !other->gone ? state_of(other, mono) : SCHEDULE_INACTIVE;
	if (v->after_state == SCHEDULE_WAITING)
		v->until_us = other->wake_us;
	else if (v->after_state == SCHEDULE_FAILING)
		v->until_us = pause_end(other, mono, wall);
}

void
schedule_look(const struct schedule *s, const struct schedule_item *i, struct schedule_view *v)
{
	int64_t mono = clock_mono_ms(&s->clock), wall = clock_wall_us(&s->clock);

	*v = (struct schedule_view){.state = state_of(i, mono), .failures = i->failures, .asked = i->asked};
	if (item_automatic(i) && i->plan.auto_sync && !i->link->attention)
		v->next_us = i->wake_us;
	if (v->state == SCHEDULE_FAILING) {
		v->until_us = pause_end(i, mono, wall);
		/* Tried again at the end of the pause, or due by then. */
		if (v->next_us && (i->retry || v->next_us < v->until_us))
			v->next_us = v->until_us;
	} else if (v->state == SCHEDULE_WAITING)
		v->until_us = i->wake_us;
	else if (v->state == SCHEDULE_QUEUED)
		v->limit = limit_of(s, i);
	else if (v->state == SCHEDULE_AFTER)
		after_look(i, mono, wall, v);
}
