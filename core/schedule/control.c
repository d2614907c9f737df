/* control.c - what people say: run it now, pause it, start it.
 *
 * Guarantee: one that was asked for begins once, before all that is only due, also when it is paused or never runs by
 * itself; asking again before it began adds its wishes to it. Awkward: asking lifts attention and pauses of the whole
 * connection, since whoever asks has mended something or wants to see whether it is mended. */
#include "schedule/inner.h"

int
schedule_ask(struct schedule *s, struct schedule_item *i, bool full_refresh, bool reset, struct err *err)
{
	const struct schedule_name *n = &i->slot->name;

	if (!i->plan.active)
		return err_set(err, ERR_USAGE, "%s:%s:%s: the connection is switched off; enable it first", n->connection,
		               n->integration, n->sync);
	if (!i->asked)
		i->since_ms = clock_mono_ms(&s->clock);
	i->asked = true;
	i->full_refresh |= full_refresh;
	i->reset |= reset;
	link_lift(s, i->link);
	waiters_touch(s, i->slot);
	return 0;
}

void
schedule_unask(struct schedule *s, struct schedule_item *i)
{
	i->asked = i->full_refresh = i->reset = false;
	item_touch(s, i);
}

void
schedule_pause(struct schedule *s, struct schedule_item *i, bool paused)
{
	if (i->paused && !paused)
		i->since_ms = clock_mono_ms(&s->clock);
	i->paused = paused;
	item_touch(s, i);
}

/* Started for the first time it begins at once: that is what start means. */
void
schedule_start(struct schedule *s, struct schedule_item *i)
{
	if (!i->begun && !i->plan.auto_start && !i->running) {
		i->due = i->plan.auto_sync;
		i->due_us = i->wake_us = clock_wall_us(&s->clock);
	}
	i->begun = true;
	i->paused = false;
	i->since_ms = clock_mono_ms(&s->clock);
	item_touch(s, i);
}
