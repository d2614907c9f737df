/* deliver.c - see deliver.h: all endpoints of a host, what wakes them, and their end.
 *
 * An endpoint is looked at when something of it has changed, when its wait is over, and when the store says that events have
 * come. One timer serves all of them. While somebody waits the clock is looked at every tick: wall time may be set without
 * telling anybody.
 * Awkward: the store counts what has become durable, and says so to nobody; a check handle compares that count each time the
 * loop turns, and commits turn it. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "deliver/announce.h"
#include "deliver/endpoint.h"

#define TICK_MS 1000
#define STOP_MS 2000 /* that answers under way are waited for */

const char *const deliver_states[DELIVER_STATES] = {
        [DELIVER_IDLE] = "idle", [DELIVER_SENDING] = "sending", [DELIVER_WAITING] = "waiting", [DELIVER_OPEN] = "open",
        [DELIVER_GONE] = "gone", [DELIVER_OFF] = "off",         [DELIVER_LEFT] = "left",
};

int64_t
deliver_now_us(const struct deliver *d)
{
	return clock_wall_us(host_clock(d->o.host));
}

int64_t
deliver_now_ms(const struct deliver *d)
{
	return clock_mono_ms(host_clock(d->o.host));
}

/* ---- looking ---- */

static void turn(uv_timer_t *timer);

static void
turn_in(struct deliver *d, int64_t ms)
{
	uv_timer_start(&d->timer, turn, (uint64_t)ms, 0);
}

void
endpoint_look_soon(struct endpoint *e)
{
	e->look = true;
	turn_in(e->deliver, 0);
}

static void
look_at(struct endpoint *e)
{
	int64_t wait_ms;

	e->look = false;
	wait_ms = endpoint_look(e);
	e->waits = wait_ms != PACE_NEVER;
	e->look_ms = e->waits ? deliver_now_ms(e->deliver) + wait_ms : 0;
}

/* Who waits is asked each time: it is by the wall that he waits, and that costs no read. */
static void
turn(uv_timer_t *timer)
{
	struct deliver *d = timer->data;
	int64_t now = deliver_now_ms(d), next = d->o.tick_ms;
	bool more = false;

	for (struct endpoint *e = d->endpoints; e; e = e->next) {
		if (e->look || e->waits)
			look_at(e);
		if (e->waits && e->look_ms - now < next)
			next = e->look_ms - now;
		more |= e->look || e->waits;
	}
	if (more)
		turn_in(d, next > 0 ? next : 0);
}

static void
outbox_check(uv_check_t *check)
{
	struct deliver *d = check->data;
	uint64_t added = store_outbox_added(d->store);

	if (added == d->added)
		return;
	d->added = added;
	for (struct endpoint *e = d->endpoints; e; e = e->next)
		e->look = true;
	turn_in(d, 0);
}

/* ---- endpoints ---- */

static struct endpoint *
endpoint_of(const struct deliver *d, const char *name)
{
	struct endpoint *e = d->endpoints;

	while (e && strcmp(e->name, name) != 0)
		e = e->next;
	return e;
}

static void
endpoint_add(struct deliver *d, const char *name)
{
	struct endpoint *e = endpoint_of(d, name);

	if (e)
		return;
	e = endpoint_new(d, name);
	e->next = d->endpoints;
	d->endpoints = e;
}

/* One whose section has gone is kept while the process lives: its last answer may be on its way. */
static void
settings_take(struct deliver *d)
{
	settings_free(d->settings);
	d->settings = settings_hold(host_settings(d->o.host));
	for (size_t i = 0; i < d->settings->n_webhooks; i++)
		endpoint_add(d, d->settings->webhooks[i]->name);
	for (struct endpoint *e = d->endpoints; e; e = e->next) {
		endpoint_settle(e);
		endpoint_look_soon(e);
	}
}

void
deliver_settled(struct deliver *d)
{
	if (host_settings(d->o.host) == d->settings)
		return;
	settings_take(d);
	for (struct endpoint *e = d->endpoints; e; e = e->next)
		if (e->standing.pace.gone)
			endpoint_again(e);
}

bool
deliver_again(struct deliver *d, const char *name)
{
	struct endpoint *e = endpoint_of(d, name);

	if (!e)
		return false;
	endpoint_again(e);
	endpoint_look_soon(e);
	return true;
}

/* ---- beginning and end ---- */

static void
handle_gone(uv_handle_t *handle)
{
	struct deliver *d = handle->data;

	d->handles--;
}

static int
handles_open(struct deliver *d, struct err *err)
{
	if (uv_timer_init(d->o.loop, &d->timer) || uv_timer_init(d->o.loop, &d->late) ||
	    uv_check_init(d->o.loop, &d->check))
		return err_set(err, ERR_HOST, "the event loop takes no more handles");
	d->timer.data = d->late.data = d->check.data = d;
	d->handles = 3;
	uv_unref((uv_handle_t *)&d->check);
	return uv_check_start(&d->check, outbox_check);
}

struct deliver *
deliver_new(const struct deliver_options *o, struct err *err)
{
	struct deliver *d = XNEW(struct deliver);

	d->o = *o;
	d->o.tick_ms = o->tick_ms ? o->tick_ms : TICK_MS;
	d->store = host_store(o->host);
	d->poster = poster_new(o->loop, err);
	if (!d->poster || handles_open(d, err) != 0) {
		deliver_free(d);
		return NULL;
	}
	d->added = store_outbox_added(d->store);
	settings_take(d);
	host_delivers(o->host, d);
	announce_alerts(o->host);
	return d;
}

static void
posts_stop(struct deliver *d)
{
	for (struct endpoint *e = d->endpoints; e; e = e->next) {
		post_stop(e->post);
		e->post = NULL;
	}
}

static void
stop_late(uv_timer_t *timer)
{
	posts_stop(timer->data);
}

void
deliver_stop(struct deliver *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	uv_timer_start(&d->late, stop_late, STOP_MS, 0);
}

bool
deliver_idle(const struct deliver *d)
{
	const struct endpoint *e = d->endpoints;

	while (e && !e->post && !e->writing)
		e = e->next;
	return !e;
}

/* Commits on their way end in memory of ours. */
static void
commits_end(struct deliver *d)
{
	for (struct endpoint *e = d->endpoints; e; e = e->next)
		while (e->writing)
			store_drain(d->store);
}

void
deliver_free(struct deliver *d)
{
	struct endpoint *next;

	if (!d)
		return;
	d->stopping = true;
	announce_end(d->o.host);
	if (host_deliver(d->o.host) == d)
		host_delivers(d->o.host, NULL);
	posts_stop(d);
	commits_end(d);
	poster_free(d->poster);
	if (d->handles) {
		uv_close((uv_handle_t *)&d->timer, handle_gone);
		uv_close((uv_handle_t *)&d->late, handle_gone);
		uv_close((uv_handle_t *)&d->check, handle_gone);
	}
	while (d->handles)
		uv_run(d->o.loop, UV_RUN_ONCE);
	for (struct endpoint *e = d->endpoints; e; e = next) {
		next = e->next;
		endpoint_free(e);
	}
	settings_free(d->settings);
	free(d);
}
