/* failures.c - what an end means for what comes next: pauses, trying again, attention, going on.
 *
 * Failures of the provider (and its rate limit) pause the connection, others the sync; each further one in a row twice as
 * long, up to fail_pause_max, and up to a tenth longer by chance of name and count, so that ten thousand which failed in
 * one second do not come back in one. Refused credentials wait for a person. Where the provider said when it will answer
 * again, nothing of the connection begins before, longer than fail_pause_max or not.
 * Awkward: several runs of a connection that fail together are one failure of the provider, not one each: a failure within
 * the pause does not lengthen it. */
#include "schedule/inner.h"

#include <glib.h>

static bool
of_provider(enum err_class cls)
{
	return cls == ERR_PROVIDER || cls == ERR_RATE;
}

int64_t
pause_length(const struct schedule *s, const struct schedule_item *i, uint64_t failures)
{
	int64_t ms = s->o.fail_pause_ms, most = s->o.fail_pause_max_ms > ms ? s->o.fail_pause_max_ms : ms;
	uint64_t chance = hash_text(s->o.seed ^ i->slot->phase ^ failures * UINT64_C(0x9e3779b97f4a7c15), i->slot->name.sync);

	for (uint64_t n = 1; n < failures && ms < most; n++)
		ms *= 2;
	if (ms > most)
		ms = most;
	return ms + (int64_t)(chance % (uint64_t)(ms / 10 + 1));
}

void
item_pause_set(struct schedule *s, struct schedule_item *i, int64_t until_ms)
{
	i->pause_until_ms = until_ms;
	if (until_ms)
		heap_put(&s->by_pause, &i->pause, 0, until_ms);
	else
		heap_drop(&s->by_pause, &i->pause);
}

void
link_hold_set(struct schedule *s, struct link *c, int64_t until_ms)
{
	c->held_until_ms = until_ms;
	if (until_ms)
		heap_put(&s->held, &c->hold, 0, until_ms);
	else
		heap_drop(&s->held, &c->hold);
}

void
link_lift(struct schedule *s, struct link *c)
{
	int64_t mono = clock_mono_ms(&s->clock);

	c->attention = false;
	c->failures = 0;
	c->refused_us = 0;
	link_hold_set(s, c, 0);
	for (struct schedule_item *i = c->items; i; i = i->sibling) {
		if (i->pause_until_ms > mono && i->retry)
			i->since_ms = mono;
		item_pause_set(s, i, 0);
	}
	link_touch(s, c);
}

/* The connection's pause, which may be one already under way. */
static int64_t
link_pause(struct schedule *s, struct schedule_item *i, int64_t asked_ms)
{
	int64_t mono = clock_mono_ms(&s->clock), until;
	struct link *c = i->link;

	if (c->held_until_ms > mono) {
		until = c->held_until_ms;
	} else {
		c->failures++;
		until = mono + pause_length(s, i, c->failures);
	}
	if (asked_ms > until)
		until = asked_ms;
	link_hold_set(s, c, until);
	return until;
}

/* Monotonic; no earlier than the provider's word, a little later by chance; 0: it has not spoken, or that is over. */
static int64_t
asked_of(const struct schedule *s, const struct schedule_item *i, int64_t not_before_us)
{
	int64_t ahead_ms = (not_before_us - clock_wall_us(&s->clock)) / US_PER_MS + 1;
	uint64_t chance = hash_text(s->o.seed ^ i->slot->phase, i->slot->name.sync);

	if (!not_before_us || ahead_ms <= 0)
		return 0;
	return clock_mono_ms(&s->clock) + ahead_ms + (int64_t)(chance % (uint64_t)(s->o.fail_pause_ms / 10 + 1));
}

static void
item_failed(struct schedule *s, struct schedule_item *i, const struct schedule_outcome *o)
{
	int64_t mono = clock_mono_ms(&s->clock), until;
	enum err_class cls = o->cls;
	struct link *c = i->link;

	i->failures++;
	i->cls = cls;
	if (cls == ERR_CREDENTIALS) {
		c->attention = true;
		c->refused_us = clock_wall_us(&s->clock);
	}
	i->retry = cls != ERR_USAGE && cls != ERR_CREDENTIALS && i->attempt < i->plan.run_retries;
	i->attempt += i->retry;
	if (!of_provider(cls)) {
		until = mono + pause_length(s, i, i->failures);
		item_pause_set(s, i, until);
	} else {
		until = link_pause(s, i, cls == ERR_RATE ? asked_of(s, i, o->not_before_us) : 0);
	}
	i->since_ms = until;
}

static void
item_succeeded(struct schedule *s, struct schedule_item *i, bool more)
{
	struct link *c = i->link;

	i->failures = i->attempt = 0;
	i->cls = ERR_NONE;
	i->retry = false;
	item_pause_set(s, i, 0);
	c->failures = 0;
	c->success_us = clock_wall_us(&s->clock);
	c->attention = false; /* the credentials hold */
	link_hold_set(s, c, 0);
	i->resume = i->more = more;
	i->since_ms = clock_mono_ms(&s->clock);
}

void
schedule_ended(struct schedule *s, struct schedule_item *i, const struct schedule_outcome *o)
{
	if (!i->running)
		return;
	i->running--;
	i->link->running--;
	i->link->unit->running--;
	s->running--;
	if (o->cls == ERR_NONE)
		item_succeeded(s, i, o->more);
	else if (o->cls != ERR_STOPPED)
		item_failed(s, i, o);
	else {
		i->resume = !o->by_person;
		i->more = i->resume && o->more; /* in its turn: a run_limit frees the place for others */
		if (o->by_person && i->due)
			item_meet(s, i); /* came while it ran: whoever cancels does not want it again at once */
		i->since_ms = clock_mono_ms(&s->clock);
	}
	if (!i->resume) { /* a run that is gone on with has not ended its round */
		i->ended_seq = ++s->seq;
		if (o->cls == ERR_NONE)
			i->success_seq = i->ended_seq;
	}
	if (i->due)
		i->since_ms = clock_mono_ms(&s->clock); /* it ran meanwhile: it waits only from now on */
	if (i->gone && !i->running) {
		item_free(s, i);
		return;
	}
	item_touch(s, i);
}

/* As if its last run had ended in this process, so long ago as the wall clock says. */
void
item_past_failures(struct schedule *s, struct schedule_item *i, const struct schedule_past *past)
{
	struct link *c = i->link;
	int64_t mono = clock_mono_ms(&s->clock), ago_ms, until, asked_ms;

	if (past->success_us > c->success_us)
		c->success_us = past->success_us;
	i->failures = past->failures;
	i->cls = past->cls;
	if (past->cls == ERR_CREDENTIALS && past->finished_us > c->refused_us)
		c->refused_us = past->finished_us;
	c->attention = c->refused_us > c->success_us;
	if (!past->failures || past->cls == ERR_NONE || past->cls == ERR_STOPPED)
		return;
	i->attempt = past->failures < i->plan.run_retries ? past->failures : i->plan.run_retries;
	i->retry = past->cls != ERR_USAGE && past->cls != ERR_CREDENTIALS && past->failures <= i->plan.run_retries;
	ago_ms = (clock_wall_us(&s->clock) - past->finished_us) / US_PER_MS;
	until = mono + pause_length(s, i, past->failures) - (ago_ms > 0 ? ago_ms : 0);
	asked_ms = past->cls == ERR_RATE ? asked_of(s, i, past->not_before_us) : 0;
	until = asked_ms > until ? asked_ms : until;
	i->since_ms = until;
	if (until <= mono)
		return;
	if (of_provider(past->cls)) {
		c->failures = past->failures > c->failures ? past->failures : c->failures;
		if (until > c->held_until_ms)
			link_hold_set(s, c, until);
	} else
		item_pause_set(s, i, until);
}

void
schedule_forgive(struct schedule *s, const char *connection, const char *integration)
{
	struct schedule_name n = {.connection = connection, .integration = integration, .sync = ""};
	struct link *c = g_tree_lookup(s->links, &n);

	if (c)
		link_lift(s, c);
}
