/* service_control.c - what people ask of a running service: first into the store, then into the schedule.
 *
 * In this order nothing that was said is lost: whoever reads an answer can pull the plug. Awkward: a request for the whole
 * connection leaves out what never begins by itself; such a sync begins when it is named. */
#include <string.h>
#include "base/log.h"
#include "schedule/alerts.h"
#include "schedule/plan.h"
#include "schedule/service_inner.h"

struct control {
	struct service *s;
	const struct service_ask *ask;
	size_t n;
	int64_t every_ms;
	struct err why; /* of one that could not be asked for, while others could */
};

static struct entry *
control_entry(const struct control *k, const struct chosen *c)
{
	struct entry *e = service_entry(k->s, c->connection->name, c->connection->integration->name, c->sync->name);

	return e && e->item && !e->leaving ? e : NULL;
}

static void
control_log(const struct control *k, const struct entry *e, const char *what)
{
	const struct log_field fields[] = {
		{"connection", e->connection, 0}, {"integration", e->integration, 0}, {"sync", e->sync, 0}, {NULL, NULL, 0}};

	log_line(LOG_INFO, fields, "%s by %s", what, k->ask->who ? k->ask->who : "somebody");
}

static int
not_scheduled(const struct control *k, const struct chosen *c, struct err *err)
{
	struct service_view v;

	service_look(k->s, c->connection->name, c->connection->integration->name, c->sync->name, &v);
	return err_set(err, ERR_USAGE, "%s : %s : %s is not scheduled: %s", c->connection->name,
	               c->connection->integration->name, c->sync->name, v.trouble ? v.trouble : "it is configured no more");
}

/* ---- trigger and cancel ---- */

static int
trigger_one(void *arg, const struct chosen *c, struct err *err)
{
	struct control *k = arg;
	struct entry *e = control_entry(k, c);
	struct decided d = decided_of(k->s->host, c);
	struct schedule_view v;

	if (!e)
		return not_scheduled(k, c, k->ask->sync ? err : &k->why) && k->ask->sync ? -1 : 0;
	schedule_look(k->s->schedule, e->item, &v);
	if (!k->ask->sync && (v.state == SCHEDULE_MANUAL || (v.state == SCHEDULE_INACTIVE && !k->ask->connection)))
		return 0;
	if (v.state == SCHEDULE_INACTIVE)
		return schedule_ask(k->s->schedule, e->item, false, false, err);
	d.asked = true;
	d.full_refresh |= k->ask->full_refresh;
	d.reset |= k->ask->reset;
	if (decided_put(k->s->host, c, &d, err) != 0 ||
	    schedule_ask(k->s->schedule, e->item, k->ask->full_refresh, k->ask->reset, err) != 0)
		return -1;
	k->n++;
	control_log(k, e, k->ask->reset ? "asked for, with a reset," : k->ask->full_refresh ? "asked for anew" : "asked for");
	return 0;
}

int
service_trigger(struct service *s, const struct service_ask *a, struct err *err)
{
	struct control k = {.s = s, .ask = a};

	if (s->stopping)
		return err_set(err, ERR_BUSY, "the host is about to end");
	if (chosen_each(s->host, a, trigger_one, &k, err) != 0)
		return -1;
	service_turn_soon(s);
	if (!k.n && k.why.cls != ERR_NONE)
		return err_set(err, k.why.cls, "%s", k.why.text);
	return k.n ? 0 : err_set(err, ERR_USAGE, "none of these syncs begins by itself: name one with --sync");
}

static int
cancel_one(void *arg, const struct chosen *c, struct err *err)
{
	struct control *k = arg;
	struct entry *e = control_entry(k, c);
	struct decided d = decided_of(k->s->host, c);
	struct schedule_view v;

	if (!e)
		return 0;
	schedule_look(k->s->schedule, e->item, &v);
	if (!e->run && !v.asked)
		return 0;
	if (d.asked || e->run) {
		d.asked = d.full_refresh = d.reset = false;
		d.cancelled = e->run ? run_number(e->run) : d.cancelled;
		if (decided_put(k->s->host, c, &d, err) != 0)
			return -1;
	}
	schedule_unask(k->s->schedule, e->item);
	if (e->run) {
		e->cancelled = true;
		run_stop(e->run, k->ask->late ? RUN_LATE : RUN_CANCELLED);
	}
	k->n++;
	control_log(k, e, k->ask->late ? "stopped, since its --timeout is up, as asked for" : "cancelled");
	return 0;
}

int
service_cancel(struct service *s, const struct service_ask *a, struct err *err)
{
	struct control k = {.s = s, .ask = a};

	if (chosen_each(s->host, a, cancel_one, &k, err) != 0)
		return -1;
	service_turn_soon(s);
	return k.n ? 0 : err_set(err, ERR_USAGE, "nothing of it runs or waits to");
}

/* ---- pause, start, enable ---- */

static int
pause_one(void *arg, const struct chosen *c, struct err *err)
{
	struct control *k = arg;
	struct entry *e = control_entry(k, c);
	struct decided d = decided_of(k->s->host, c);

	d.paused = true;
	if (decided_put(k->s->host, c, &d, err) != 0)
		return -1;
	if (!e)
		return 0;
	schedule_pause(k->s->schedule, e->item, true);
	control_log(k, e, "paused");
	return 0;
}

int
service_pause(struct service *s, const struct service_ask *a, struct err *err)
{
	struct control k = {.s = s, .ask = a};

	return chosen_each(s->host, a, pause_one, &k, err);
}

static int
start_one(void *arg, const struct chosen *c, struct err *err)
{
	struct control *k = arg;
	struct entry *e = control_entry(k, c);
	struct decided d = decided_of(k->s->host, c);

	d.paused = false;
	d.started = true;
	d.forgiven_us = clock_wall_us(host_clock(k->s->host));
	if (decided_put(k->s->host, c, &d, err) != 0)
		return -1;
	if (!e)
		return 0;
	schedule_start(k->s->schedule, e->item);
	schedule_forgive(k->s->schedule, e->connection, e->integration);
	control_log(k, e, "started");
	return 0;
}

int
service_start(struct service *s, const struct service_ask *a, struct err *err)
{
	struct control k = {.s = s, .ask = a};

	if (chosen_each(s->host, a, start_one, &k, err) != 0)
		return -1;
	service_turn_soon(s);
	return 0;
}

static int
frequency_one(void *arg, const struct chosen *c, struct err *err)
{
	struct control *k = arg;
	struct entry *e = control_entry(k, c);
	struct decided d = decided_of(k->s->host, c);

	if (plan_configured(host_settings(k->s->host), c->connection, c->sync->name))
		return err_set(err, ERR_USAGE,
		               "defined_in_config: [sync %s : %s : %s] of the configuration says when it is due; change it there",
		               c->connection->name, c->connection->integration->name, c->sync->name);
	d.every_ms = k->every_ms;
	if (decided_put(k->s->host, c, &d, err) != 0)
		return -1;
	if (!e)
		return 0;
	control_log(k, e, k->every_ms ? "given an interval of its own" : "given back its connector's interval");
	return entry_replan(k->s, e, c, err);
}

int
service_frequency(struct service *s, const struct service_ask *a, int64_t every_ms, struct err *err)
{
	struct control k = {.s = s, .ask = a, .every_ms = every_ms};

	if (chosen_each(s->host, a, frequency_one, &k, err) != 0)
		return -1;
	alerts_refit(s->alerts);
	service_turn_soon(s);
	return 0;
}

int
service_enable(struct service *s, const struct service_ask *a, bool enabled, struct err *err)
{
	const struct settings *settings = host_settings(s->host);
	size_t n = 0;

	for (size_t i = 0; i < settings->n_connections; i++) {
		const struct connection_settings *k = settings->connections[i];
		if (!ask_fits(a, k))
			continue;
		if (connection_enable(host_store(s->host), k, enabled, err) != 0)
			return -1;
		log_info("connection %s : %s is switched %s by %s", k->name, k->integration->name, enabled ? "on" : "off",
		         a->who ? a->who : "somebody");
		n++;
	}
	if (!n)
		return err_set(err, ERR_USAGE, "there is no connection '%s'", a->connection ? a->connection : "");
	service_refit(s);
	return 0;
}
