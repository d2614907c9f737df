/* service.c - see service.h: the schedule filled from what is configured and what was, and runs begun and ended by it.
 *
 *   settings + manifests + store --service_refit--> schedule --turn--> run_start ... run_done --> schedule_ended --> turn
 *
 * Guarantee: nothing that befalls one connection stops another. A connection that cannot be scheduled (no plugin, no
 * secrets) is a trouble with its reason, looked at again at each refit; a run that cannot begin is one that failed; a host
 * that is short of something (room on the disk) begins nothing, says why, and asks again each second.
 *
 * Awkward: a person's request must survive a crash between its being accepted and the run's first commit. So it stands in
 * STATE_SCHEDULE until the run has begun, and is taken out behind the run's own first commit, never before it. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/alerts.h"
#include "schedule/judge.h"
#include "schedule/past.h"
#include "schedule/plan.h"
#include "schedule/service_inner.h"
#include "wire/message.h"

#define MINUTE_MS 60000
#define STOP_LOOK_MS 50
#define TURN_MAX_MS 1000 /* also where the wall clock was set forward something is due at once */

static const struct log_field *
entry_fields(const struct entry *e, struct log_field fields[4])
{
	fields[0] = (struct log_field){"connection", e->connection, 0};
	fields[1] = (struct log_field){"integration", e->integration, 0};
	fields[2] = (struct log_field){"sync", e->sync, 0};
	fields[3] = (struct log_field){NULL, NULL, 0};
	return fields;
}

/* ---- entries ---- */

static void
entry_key(struct buf *key, const char *connection, const char *integration, const char *sync)
{
	buf_printf(key, "%s\n%s\n%s", connection, integration, sync);
}

struct entry *
service_entry(const struct service *s, const char *connection, const char *integration, const char *sync)
{
	struct buf key = {0};
	struct entry *e = NULL;
	bool fresh;

	entry_key(&key, connection, integration, sync);
	if (idset_has(&s->names, buf_view(&key)))
		e = s->entries[*idset_put((struct idset *)(uintptr_t)&s->names, buf_view(&key), &fresh)];
	buf_free(&key);
	return e;
}

static struct entry *
entry_make(struct service *s, const struct chosen *c)
{
	const char *integration = c->connection->integration->name;
	struct entry *e = service_entry(s, c->connection->name, integration, c->sync->name);
	struct buf key = {0};
	bool fresh;

	if (e)
		return e;
	e = XNEW(struct entry);
	e->service = s;
	e->connection = xstrdup(c->connection->name);
	e->integration = xstrdup(integration);
	e->sync = xstrdup(c->sync->name);
	entry_key(&key, e->connection, e->integration, e->sync);
	*idset_put(&s->names, buf_view(&key), &fresh) = (uint32_t)s->n_entries;
	buf_free(&key);
	s->entries = xrealloc(s->entries, (s->n_entries + 1) * sizeof(*s->entries));
	e->at = s->n_entries;
	s->entries[s->n_entries++] = e;
	return e;
}

static struct entry *
entry_of(const struct service *s, const struct schedule_item *i)
{
	const struct schedule_name *n = schedule_item_name(i);

	return service_entry(s, n->connection, n->integration, n->sync);
}

static bool
chosen_find(const struct entry *e, struct chosen *c, struct err *err)
{
	struct host *h = e->service->host;

	c->connection = settings_connection(host_settings(h), e->connection, e->integration);
	c->manifest = c->connection ? host_manifest(h, c->connection->integration->plugin, err) : NULL;
	c->sync = c->manifest ? manifest_sync(c->manifest, e->sync) : NULL;
	if (!c->connection || (c->manifest && !c->sync))
		err_set(err, ERR_USAGE, "%s : %s : %s is configured no more", e->connection, e->integration, e->sync);
	return c->sync != NULL;
}

/* ---- filling the schedule ---- */

/* Other credentials or another address than those that it failed with: what waited for them to change waits no longer. */
static void
mark_compare(struct service *s, struct entry *e, const struct chosen *c, bool fresh)
{
	char mark[CREDENTIALS_MARK];

	credentials_mark(s->host, c->manifest, c->connection, false, mark);
	if (!fresh && strcmp(e->mark, mark) != 0)
		schedule_forgive(s->schedule, e->connection, e->integration);
	memcpy(e->mark, mark, sizeof mark);
}

static int
item_put(struct service *s, struct entry *e, const struct chosen *c, struct err *err)
{
	const struct schedule_name name = {e->connection, e->integration, e->sync};
	struct decided d = decided_of(s->host, c);
	bool fresh = !e->item, back = fresh || e->leaving;
	struct schedule_past past;
	struct schedule_item *item;
	struct schedule_plan plan;
	struct log_field fields[4];

	if (fresh)
		past_fill(s->host, c, &d, &past);
	plan_fill(host_settings(s->host), c->connection, c->sync, &plan);
	plan.active = connection_enabled(host_store(s->host), c->connection);
	item = schedule_put(s->schedule, &name, &plan, fresh ? &past : NULL, err);
	if (!item)
		return err_prefix(err, "%s : %s : %s", e->connection, e->integration, e->sync);
	e->item = item;
	e->leaving = false;
	mark_compare(s, e, c, fresh);
	if (back && d.asked && schedule_ask(s->schedule, e->item, d.full_refresh, d.reset, NULL) != 0)
		log_line(LOG_INFO, entry_fields(e, fields),
		         "a run that was asked for does not begin: its connection is switched off");
	return 0;
}

static void
trouble_add(struct service *s, const struct connection_settings *k, const char *why)
{
	s->troubles = xrealloc(s->troubles, (s->n_troubles + 1) * sizeof *s->troubles);
	s->troubles[s->n_troubles++] = (struct trouble){xstrdup(k->name), xstrdup(k->integration->name), xstrdup(why)};
}

static void
troubles_free(struct trouble *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].connection);
		free(list[i].integration);
		free(list[i].why);
	}
	free(list);
}

static void
connection_put(struct service *s, const struct connection_settings *k, struct idset *meant)
{
	struct chosen c = {.connection = k};
	struct buf key = {0};
	struct err err = {0};
	bool fresh;

	if (judge_connection(s->host, host_settings(s->host), k, &err) == 0)
		c.manifest = host_manifest(s->host, k->integration->plugin, &err);
	for (size_t i = 0; c.manifest && i < c.manifest->n_syncs; i++) {
		struct entry *e;
		c.sync = &c.manifest->syncs[i];
		e = entry_make(s, &c);
		if (item_put(s, e, &c, &err) != 0)
			continue;
		buf_clear(&key);
		entry_key(&key, e->connection, e->integration, e->sync);
		idset_put(meant, buf_view(&key), &fresh);
	}
	if (err.cls != ERR_NONE)
		trouble_add(s, k, err.text);
	buf_free(&key);
}

static void
unmeant_remove(struct service *s, const struct idset *meant)
{
	struct buf key = {0};

	for (size_t i = 0; i < s->n_entries; i++) {
		struct entry *e = s->entries[i];
		buf_clear(&key);
		entry_key(&key, e->connection, e->integration, e->sync);
		if (!e->item || idset_has(meant, buf_view(&key)))
			continue;
		if (!e->leaving)
			schedule_remove(s->schedule, e->item);
		e->leaving = e->run != NULL; /* the schedule keeps it until that has ended */
		if (!e->leaving)
			e->item = NULL;
	}
	buf_free(&key);
}

static void
options_of(const struct service *s, struct schedule_options *o)
{
	const struct host_settings *h = &host_settings(s->host)->host;

	*o = (struct schedule_options){
		.clock = host_clock(s->host),
		.max_runs = h->max_runs,
		.first_spread_ms = h->first_spread_ms,
		.fail_pause_ms = h->fail_pause_ms,
		.fail_pause_max_ms = h->fail_pause_max_ms,
		.seed = store_seed(host_store(s->host))->low,
	};
}

static void
troubles_tell(const struct service *s, const struct trouble *before, size_t n_before)
{
	for (size_t i = 0; i < s->n_troubles; i++) {
		const struct trouble *t = &s->troubles[i];
		const char *was = service_trouble(before, n_before, t->connection, t->integration);
		if (!was || strcmp(was, t->why) != 0)
			log_warn("connection %s : %s is not scheduled: %s", t->connection, t->integration, t->why);
	}
}

static void
schedule_fit(struct service *s)
{
	const struct settings *settings = host_settings(s->host);
	struct trouble *before = s->troubles;
	size_t n_before = s->n_troubles;
	struct idset meant = {0};
	struct err err;

	s->troubles = NULL;
	s->n_troubles = 0;
	for (size_t i = 0; i < settings->n_connections; i++)
		connection_put(s, settings->connections[i], &meant);
	unmeant_remove(s, &meant);
	troubles_tell(s, before, n_before);
	if (schedule_order_check(s->schedule, &err) != 0)
		log_error("%s: what comes after it does not begin", err.text);
	troubles_free(before, n_before);
	idset_free(&meant);
}

void
service_refit(struct service *s)
{
	struct schedule_options o;

	options_of(s, &o);
	schedule_limits(s->schedule, &o);
	schedule_fit(s);
	alerts_refit(s->alerts);
	if (s->o.settled)
		s->o.settled(s->o.arg);
	service_turn_soon(s);
}

/* ---- running ---- */

static void
idle_check(struct service *s)
{
	void (*idle)(void *arg) = s->idle;

	if (!s->stopping || !idle || run_next(s->host, NULL))
		return;
	s->idle = NULL;
	idle(s->idle_arg);
}

static void
text_put(char **text, const char *now)
{
	free(*text);
	*text = now ? xstrdup(now) : NULL;
}

static void
entry_ended(struct entry *e, const struct run_result *r)
{
	struct service *s = e->service;
	const struct schedule_outcome o = {
		.cls = r->err.cls == ERR_HOST && host_room_lacks(s->host, NULL) ? ERR_STOPPED : r->err.cls, /* nobody's failure */
		.by_person = e->cancelled, .more = r->more, .not_before_us = r->retry_at_us,
	};

	if (e->cause == CAUSE_ASKED) {
		e->asked_ends++;
		e->asked_run = r->run;
		e->asked_err = r->err;
	}
	e->cancelled = false;
	schedule_ended(s->schedule, e->item, &o);
	if (e->leaving)
		e->item = NULL;
	e->leaving = false;
}

/* One line for each end: what a person who reads the log wants to see go by. */
static void
end_tell(const struct entry *e, const struct run_result *r)
{
	const struct log_field fields[] = {{"run", NULL, (int64_t)r->run},
	                                   {"connection", e->connection, 0},
	                                   {"integration", e->integration, 0},
	                                   {"sync", e->sync, 0},
	                                   {"records", NULL, (int64_t)r->counts.saved},
	                                   {"requests", NULL, (int64_t)r->counts.requests},
	                                   {"duration_ms", NULL, r->counts.total_ms},
	                                   {NULL, NULL, 0}};
	enum err_class cls = r->err.cls;

	if (cls == ERR_NONE)
		log_line(LOG_INFO, fields, "ended well");
	else
		log_line(cls == ERR_STOPPED ? LOG_INFO : LOG_WARN, fields, "ended: %s: %s", err_class_name(cls), r->err.text);
}

static void
request_drop(struct service *s, const struct chosen *c)
{
	struct decided d = decided_of(s->host, c);
	uint32_t scope = chosen_scope(s->host, c, false, NULL);
	struct commit *commit;

	if (!d.asked || !scope)
		return;
	d.asked = d.full_refresh = d.reset = false;
	commit = commit_new(host_store(s->host), (struct fence){0, 0});
	decided_commit(commit, scope, &d);
	store_commit(host_store(s->host), commit, false, NULL, NULL);
}

/* Behind the run's own first commit. One whose models have no numbers yet has not made it; its request is dropped at its end,
 * unless somebody has asked again meanwhile, or it was this host's end, before anything of it was written. */
static void
request_met(struct service *s, struct entry *e, const struct chosen *c)
{
	struct run_counts counts;
	enum wait_reason waiting;
	enum run_state state = RUN_DONE;
	int64_t until_us;

	if (e->run)
		run_look(e->run, &state, &counts, &waiting, &until_us);
	e->owed = state == RUN_QUEUED;
	if (!e->owed)
		request_drop(s, c);
}

static void
request_owed(struct service *s, struct entry *e, enum err_class cls)
{
	struct schedule_view v;
	struct chosen c = {0};

	if (!e->owed || (s->stopping && cls == ERR_STOPPED && !e->cancelled))
		return;
	e->owed = false;
	if (e->item && !e->leaving)
		schedule_look(s->schedule, e->item, &v);
	if (e->item && !e->leaving && !v.asked && chosen_find(e, &c, NULL))
		request_drop(s, &c);
}

static void
service_run_done(void *arg, const struct run_result *r)
{
	struct entry *e = arg;
	struct service *s = e->service;

	e->run = NULL;
	end_tell(e, r);
	request_owed(s, e, r->err.cls);
	entry_ended(e, r);
	alerts_ended(s->alerts, e, r->counts.total_ms);
	service_turn_soon(s);
	idle_check(s);
}

/* A lack of the host's is nobody's failure: nothing begins until it is over. */
static bool
short_of(struct service *s, const struct err *err)
{
	if (!s->short_of || strcmp(s->short_of, err->text) != 0)
		log_warn("no run begins: %s", err->text);
	text_put(&s->short_of, err->text);
	return false;
}

static void
begin_refused(struct entry *e, const struct run_request *q, const struct err *err)
{
	struct log_field fields[4];
	uint64_t run = q->connection && err->cls != ERR_BUSY ? run_refused(e->service->host, q, err) : 0;

	text_put(&e->refused, err->text);
	log_line(LOG_ERROR, entry_fields(e, fields), "its run cannot begin: %s", err->text);
	entry_ended(e, &(struct run_result){.run = run, .err = *err});
	alerts_ended(e->service->alerts, e, 0);
}

static bool
run_begin(void *arg, const struct schedule_begin *b)
{
	struct service *s = arg;
	struct entry *e = entry_of(s, b->item);
	struct run_request q = {.what = STEP_SYNC,
	                        .name = e->sync,
	                        .due_us = b->due_us,
	                        .attempt = b->attempt,
	                        .full_refresh = b->full_refresh || b->reset,
	                        .reset = b->reset};
	struct chosen c;
	struct err err = {0};

	e->cause = b->cause;
	if (chosen_find(e, &c, &err)) {
		q.connection = c.connection;
		e->run = run_start(s->host, &q, service_run_done, e, &err);
	}
	if (!e->run && err.cls == ERR_HOST && host_room_lacks(s->host, NULL)) /* else it is this connection's alone */
		return short_of(s, &err);
	if (s->short_of)
		log_info("runs begin again");
	text_put(&s->short_of, NULL);
	if (c.sync && b->cause == CAUSE_ASKED)
		request_met(s, e, &c);
	if (e->run)
		text_put(&e->refused, NULL);
	else
		begin_refused(e, &q, &err);
	return true;
}

static void
minute_look(struct service *s)
{
	int64_t now = clock_mono_ms(host_clock(s->host));

	if (now < s->mend_ms)
		return;
	s->mend_ms = now + MINUTE_MS;
	service_mend(s);
	service_attention_look(s);
}

static void
service_turn(uv_timer_t *timer)
{
	struct service *s = timer->data;
	int64_t next, wait;

	if (!s->begun || s->stopping)
		return;
	minute_look(s);
	next = schedule_turn(s->schedule, run_begin, s);
	wait = next == INT64_MAX ? TURN_MAX_MS : next - clock_mono_ms(host_clock(s->host));
	wait = wait < 0 ? 0 : wait > TURN_MAX_MS ? TURN_MAX_MS : wait;
	uv_timer_start(&s->timer, service_turn, (uint64_t)wait, 0);
}

void
service_turn_soon(struct service *s)
{
	if (s->begun && !s->stopping)
		uv_timer_start(&s->timer, service_turn, 0, 0);
}

/* ---- beginning and end ---- */

struct service *
service_new(const struct service_options *o, struct err *err)
{
	struct service *s = XNEW(struct service);
	struct schedule_options options;

	s->o = *o;
	s->host = o->host;
	if (uv_timer_init(o->loop, &s->timer) != 0) {
		err_set(err, ERR_HOST, "the event loop takes no more handles");
		goto out;
	}
	s->timer.data = s;
	s->timer_open = true;
	options_of(s, &options);
	s->schedule = schedule_new(&options);
	s->since_us = clock_wall_us(host_clock(s->host));
	schedule_fit(s);
	s->alerts = alerts_new(s);
	host_serves(s->host, s);
	return s;
out:
	service_free(s);
	return NULL;
}

void
service_begin(struct service *s)
{
	struct err err;

	s->begun = true;
	s->mend_ms = clock_mono_ms(host_clock(s->host)) + MINUTE_MS;
	s->upkeep = upkeep_new(s->host, &err);
	if (!s->upkeep)
		log_warn("what is old stays: %s", err.text);
	s->watching = service_plugins_watch(s, &err) == 0;
	if (!s->watching)
		log_warn("plugins are not followed: %s", err.text);
	alerts_begin(s->alerts);
	service_turn_soon(s);
}

/* A run that the schedule did not begin (an action) does not tell us of its end. */
static void
stop_look(uv_timer_t *timer)
{
	idle_check(timer->data);
}

void
service_stop(struct service *s, const char *why, void (*idle)(void *arg), void *arg)
{
	struct run *next;

	s->idle = idle;
	s->idle_arg = arg;
	if (!s->stopping) {
		s->stopping = true;
		uv_timer_start(&s->timer, stop_look, STOP_LOOK_MS, STOP_LOOK_MS);
		alerts_stop(s->alerts);
		if (s->watching)
			service_plugins_unwatch(s);
		for (struct run *r = run_next(s->host, NULL); r; r = next) {
			next = run_next(s->host, r);
			run_stop(r, why);
		}
	}
	idle_check(s);
}

static void
timer_closed(uv_handle_t *handle)
{
	struct service *s = handle->data;

	s->timer_open = false;
}

void
service_free(struct service *s)
{
	if (!s)
		return;
	if (host_service(s->host) == s)
		host_serves(s->host, NULL);
	upkeep_free(s->upkeep);
	if (s->timer_open) {
		uv_close((uv_handle_t *)&s->timer, timer_closed);
		while (s->timer_open)
			uv_run(s->o.loop, UV_RUN_ONCE);
	}
	alerts_free(s->alerts);
	schedule_free(s->schedule);
	for (size_t i = 0; i < s->n_entries; i++) {
		struct entry *e = s->entries[i];
		free(e->connection);
		free(e->integration);
		free(e->sync);
		free(e->refused);
		free(e);
	}
	free(s->entries);
	idset_free(&s->names);
	troubles_free(s->troubles, s->n_troubles);
	free(s->short_of);
	free(s);
}

struct schedule *
service_schedule(const struct service *s)
{
	return s->schedule;
}

struct host *
service_host(const struct service *s)
{
	return s->host;
}

struct settings *
service_load(struct service *s, struct err *err)
{
	return s->o.load(s->o.arg, err);
}
