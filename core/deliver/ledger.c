/* ledger.c - see endpoint.h: receipts, failed attempts and the endpoint's standing, written in order.
 *
 * Guarantee: an event leaves the queue only after it was taken, and nothing is sent behind a failed one before its attempt is
 * durable. One commit of an endpoint is on its way at a time; receipts that come meanwhile gather for the next, so a fast
 * receiver costs no commit of its own for each event.
 * Awkward: a store that refuses (a full disk) must not make the same events go out again and again: nothing is sent until
 * what was is written. */
#include <string.h>
#include "base/log.h"
#include "deliver/endpoint.h"

#define AGAIN_MS 1000

bool
ledger_clear(const struct endpoint *e)
{
	return e->n_taken == 0 && e->attempt == LEDGER_CLEAN && e->person == LEDGER_CLEAN && !e->writing;
}

bool
ledger_room(const struct endpoint *e)
{
	return e->n_taken < LEDGER_MAX && e->attempt == LEDGER_CLEAN && !e->again_ms;
}

static bool
ledger_wanting(const struct endpoint *e)
{
	return e->n_taken || e->attempt == LEDGER_WANTED || e->person == LEDGER_WANTED;
}

static void
mark_over(enum ledger_mark *mark, bool durable)
{
	if (*mark == LEDGER_WRITING)
		*mark = durable ? LEDGER_CLEAN : LEDGER_WANTED;
}

static void ledger_write(struct endpoint *e);

static void
ledger_written(void *arg, const struct commit_result *r)
{
	struct endpoint *e = arg;
	bool durable = r->err.cls == ERR_NONE;

	if (!durable && !e->again_ms)
		log_warn("webhook %s: what it took cannot be noted: %s; nothing more is sent until it can", e->name,
		         r->err.text);
	if (durable) {
		memmove(e->taken, e->taken + e->n_writing, (e->n_taken - e->n_writing) * sizeof e->taken[0]);
		e->n_taken -= e->n_writing;
	}
	mark_over(&e->attempt, durable);
	mark_over(&e->person, durable);
	e->n_writing = 0;
	e->writing = false;
	e->again_ms = durable ? 0 : deliver_now_ms(e->deliver) + AGAIN_MS;
	if (durable)
		ledger_write(e);
	endpoint_look_soon(e);
}

static void
ledger_write(struct endpoint *e)
{
	struct commit *c;

	if (e->writing || !ledger_wanting(e))
		return;
	c = commit_new(e->deliver->store, (struct fence){0, 0});
	for (size_t i = 0; i < e->n_taken; i++)
		commit_outbox_done(c, e->number, e->taken[i]);
	if (e->attempt == LEDGER_WANTED && e->park)
		commit_outbox_park(c, e->number, e->event, slice_str(e->standing.reason));
	else if (e->attempt == LEDGER_WANTED)
		commit_outbox_try(c, e->number, e->event, e->next_us, slice_str(e->standing.reason));
	standing_put(c, e->name, &e->standing);
	e->n_writing = e->n_taken;
	e->attempt = e->attempt == LEDGER_WANTED ? LEDGER_WRITING : e->attempt;
	e->person = e->person == LEDGER_WANTED ? LEDGER_WRITING : e->person;
	e->writing = true;
	store_commit(e->deliver->store, c, false, ledger_written, e);
}

void
ledger_taken(struct endpoint *e)
{
	e->taken[e->n_taken++] = e->event;
	ledger_write(e);
}

void
ledger_failed(struct endpoint *e, bool park, int64_t next_us)
{
	e->attempt = LEDGER_WANTED;
	e->park = park;
	e->next_us = next_us;
	ledger_write(e);
}

void
ledger_person(struct endpoint *e)
{
	e->person = LEDGER_WANTED;
	ledger_write(e);
}

int64_t
ledger_mend(struct endpoint *e)
{
	int64_t left = e->again_ms ? e->again_ms - deliver_now_ms(e->deliver) : 0;

	if (!e->again_ms || e->writing)
		return 0;
	if (left > 0)
		return left;
	ledger_write(e);
	return 0;
}
