/* grid.c - due times: where they lie, which one a run meets, and what becomes of them when the clock is set.
 *
 * An interval has a grid of its own: points phase + k * every, where phase is a hash of the names (of what it comes after,
 * if so, to be due together). The next due time is the first point at least a tenth of the interval after the last run was
 * due, and after it began. So a first run off the grid, one that was late, one that was spread after a restart and a clock
 * that was set back all come back to the grid by themselves, with waits between 0.1 and 1.1 intervals, and nothing else to
 * remember.
 * Awkward: set back, the wall clock shows a past in which the due time met last lies ahead. What counts then is how long
 * ago that really was: met_us is moved along with the clock. */
#include "schedule/inner.h"

#include <glib.h>

/* The first point of the grid at or after `from`. */
static int64_t
point_from(const struct schedule_item *i, int64_t from)
{
	int64_t every = i->plan.every_ms * US_PER_MS;
	int64_t phase = (int64_t)(i->slot->phase % (uint64_t)every);
	int64_t rest = (from - phase) % every;

	return rest > 0 ? from + every - rest : from - rest;
}

static int64_t
spread(const struct schedule *s, const struct schedule_item *i, int64_t most_ms)
{
	uint64_t most = (uint64_t)(s->o.first_spread_ms < most_ms ? s->o.first_spread_ms : most_ms) * US_PER_MS;

	return most ? (int64_t)(hash_text(i->slot->phase, i->slot->name.sync) % most) : 0;
}

static int64_t
next_after(const struct schedule_item *i, int64_t met)
{
	return i->plan.every_ms ? point_from(i, met + i->plan.every_ms * US_PER_MS / 10) : cron_next(&i->cron, i->zone, met);
}

static int64_t
interval(const struct schedule_item *i)
{
	if (i->plan.every_ms)
		return i->plan.every_ms * US_PER_MS;
	return cron_next(&i->cron, i->zone, i->due_us) - i->due_us;
}

static void
due_set(struct schedule *s, struct schedule_item *i, int64_t due, int64_t wake)
{
	i->due_us = due;
	i->wake_us = wake;
	i->due = false;
	item_wait_due(s, i);
}

/* The moment of a first run: each sync has its own within first_spread, or its interval where that is shorter, and again in
 * each such span that follows. It depends on the wall clock alone, so that of a host which is restarted more often than
 * that everybody's comes all the same. */
static int64_t
first_after(const struct schedule *s, const struct schedule_item *i, int64_t now)
{
	int64_t most_ms = s->o.first_spread_ms < i->plan.every_ms ? s->o.first_spread_ms : i->plan.every_ms;
	int64_t every = most_ms * US_PER_MS, rest;

	if (!every)
		return now;
	rest = (now - spread(s, i, most_ms)) % every;
	return rest > 0 ? now + every - rest : now - rest;
}

/* Overdue ones do not all begin at once after a restart, nor do first runs. */
void
item_plan_due(struct schedule *s, struct schedule_item *i, bool known)
{
	int64_t now = clock_wall_us(&s->clock), due;

	if (i->met_us > now)
		i->met_us = now; /* met before the clock was set back */
	if (!i->met_us)
		due = i->plan.every_ms ? first_after(s, i, now) : cron_next(&i->cron, i->zone, now);
	else
		due = next_after(i, i->met_us);
	i->due_us = due;
	due_set(s, i, due, due < now && known ? now + spread(s, i, interval(i) / US_PER_MS / 10) : due);
}

/* Never earlier than the one that was waited for: a first run lies off the grid. */
int64_t
item_meet(struct schedule *s, struct schedule_item *i)
{
	int64_t now = clock_wall_us(&s->clock), last;

	if (i->plan.every_ms) {
		last = point_from(i, now + 1) - i->plan.every_ms * US_PER_MS;
		if (last < i->due_us + i->plan.every_ms * US_PER_MS / 10)
			last = i->due_us; /* the point just after a first run belongs to it */
	} else
		last = cron_last(&i->cron, i->zone, i->due_us, now);
	i->met_us = last > i->due_us ? last : i->due_us;
	last = i->met_us > i->apart_us ? i->met_us : i->apart_us;
	/* One that begins long after its due time is not followed at once by the next. */
	last = next_after(i, i->plan.every_ms && last < now ? now : last);
	i->apart_us = 0;
	due_set(s, i, last, last);
	return i->met_us;
}

static void
item_shift(struct schedule *s, struct schedule_item *i, int64_t by, int64_t now)
{
	int64_t from, due;

	if (i->due) { /* waits for room: its place in real time stays */
		i->apart_us = i->plan.every_ms ? 0 : i->due_us + by + interval(i) / 10;
		i->due_us += by;
		return;
	}
	if (!i->met_us) {
		due = i->plan.every_ms ? i->due_us + by : cron_next(&i->cron, i->zone, now);
		due_set(s, i, due, due);
		return;
	}
	from = i->met_us + by + (i->due_us - i->met_us) / 10;
	i->met_us += by;
	if (from < now)
		from = now;
	due = i->plan.every_ms ? point_from(i, from) : cron_next(&i->cron, i->zone, from);
	due_set(s, i, due, due);
}

static gboolean
slot_shift(void *key, void *value, void *arg)
{
	const struct slot *slot = value;
	struct { struct schedule *s; int64_t by, now; } *shift = arg;

	(void)key;
	if (slot->item && !slot->item->gone)
		item_shift(shift->s, slot->item, shift->by, shift->now);
	return FALSE;
}

void
schedule_shift(struct schedule *s, int64_t by_us)
{
	struct { struct schedule *s; int64_t by, now; } shift = {s, by_us, clock_wall_us(&s->clock)};

	g_tree_foreach(s->slots, slot_shift, &shift);
}
