/* query_control.c - the questions by which people steer a service, and what status says of a living one.
 *
 * Without a service in this process they do what they can: what is decided goes into the store, where the next service
 * finds it; a run that this process has under way can be cancelled. */
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/decided.h"
#include "schedule/due.h"
#include "schedule/plan.h"
#include "serve/question.h"

static const char *const no_service = "no `sluice serve` has this store open";

static struct service_ask
ask_of(const struct question *q, char **who)
{
	*who = member_text(q->json, "who");
	return (struct service_ask){
		.connection = q->connection,
		.integration = q->integration,
		.sync = q->sync,
		.full_refresh = member_bool(q->json, "full_refresh", false),
		.reset = member_bool(q->json, "reset", false),
		.late = member_bool(q->json, "late", false),
		.who = *who,
	};
}

/* ---- rows: what it was about ---- */

static void
names_put(struct json_out *o, const struct chosen *c)
{
	json_kv_str(o, "connection", c->connection->name);
	json_kv_str(o, "integration", c->connection->integration->name);
	json_kv_str(o, "sync", c->sync->name);
}

static int
name_row(void *arg, const struct chosen *c, struct err *err)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);

	(void)err;
	json_open(&o, '{');
	names_put(&o, c);
	json_close(&o, '}');
	question_row(q);
	return 0;
}

/* idle: why it still does not begin by itself; null: it does. */
static int
started_row(void *arg, const struct chosen *c, struct err *err)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);
	struct schedule_plan plan;

	(void)err;
	plan_of(q->host, c, &plan);
	json_open(&o, '{');
	names_put(&o, c);
	json_kv_str(&o, "idle", !plan.active      ? schedule_state_names[SCHEDULE_INACTIVE]
	                        : !plan.auto_sync ? schedule_state_names[SCHEDULE_MANUAL]
	                                          : NULL);
	json_close(&o, '}');
	question_row(q);
	return 0;
}

/* ticket: its run is over when `asked_ends` of the status has come past this. */
static int
ticket_row(void *arg, const struct chosen *c, struct err *err)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);
	struct service_view v;

	(void)err;
	service_look(host_service(q->host), c->connection->name, c->connection->integration->name, c->sync->name, &v);
	if (!v.scheduled || !v.schedule.asked)
		return 0;
	json_open(&o, '{');
	names_put(&o, c);
	json_kv_int(&o, "ticket", (int64_t)v.asked_ends + v.asked_running);
	json_kv_int(&o, "since_us", v.since_us);
	json_close(&o, '}');
	question_row(q);
	return 0;
}

/* ---- trigger, cancel ---- */

int
ask_trigger(struct question *q)
{
	struct service *s = host_service(q->host);
	char *who;
	struct service_ask a = ask_of(q, &who);
	int rc;

	if (s)
		rc = service_trigger(s, &a, q->err);
	else
		rc = err_set(q->err, ERR_USAGE, "%s: `sluice run` runs it here and now", no_service);
	if (rc == 0)
		rc = chosen_each(q->host, &a, ticket_row, q, q->err);
	free(who);
	return rc;
}

/* Of a process that only runs once: what it has under way. */
static int
runs_cancel(struct question *q, const struct service_ask *a)
{
	struct run *next;
	size_t n = 0;

	for (struct run *r = run_next(q->host, NULL); r; r = next) {
		const struct run_request *asked = run_asked(r);
		next = run_next(q->host, r);
		if (!ask_fits(a, asked->connection) || !asked->name || !name_fits(a->sync, asked->name))
			continue;
		run_stop(r, a->late ? RUN_LATE : RUN_CANCELLED);
		n++;
	}
	return n ? 0 : err_set(q->err, ERR_USAGE, "nothing of it runs");
}

int
ask_cancel(struct question *q)
{
	struct service *s = host_service(q->host);
	char *who;
	struct service_ask a = ask_of(q, &who);
	int rc = s ? service_cancel(s, &a, q->err) : runs_cancel(q, &a);

	free(who);
	return rc;
}

/* ---- pause, start ---- */

struct stored {
	struct question *q;
	bool paused;
};

static int
stored_put(void *arg, const struct chosen *c, struct err *err)
{
	struct stored *s = arg;
	struct decided d = decided_of(s->q->host, c);

	d.paused = s->paused;
	d.started |= !s->paused;
	if (!s->paused)
		d.forgiven_us = clock_wall_us(host_clock(s->q->host));
	return decided_put(s->q->host, c, &d, err);
}

static int
pause_ask(struct question *q, bool paused)
{
	struct service *s = host_service(q->host);
	struct stored stored = {q, paused};
	char *who;
	struct service_ask a = ask_of(q, &who);
	int rc;

	if (!s)
		rc = chosen_each(q->host, &a, stored_put, &stored, q->err);
	else
		rc = paused ? service_pause(s, &a, q->err) : service_start(s, &a, q->err);
	if (rc == 0)
		rc = chosen_each(q->host, &a, paused ? name_row : started_row, q, q->err);
	free(who);
	return rc;
}

int
ask_pause_syncs(struct question *q)
{
	return pause_ask(q, true);
}

int
ask_start_syncs(struct question *q)
{
	return pause_ask(q, false);
}

/* ---- reload, service, due ---- */

int
ask_reload(struct question *q)
{
	struct service *s = host_service(q->host);
	struct buf changes = {0};
	const char *p;
	int rc;

	if (!s)
		return err_set(q->err, ERR_USAGE, "%s: each command reads the configuration anew", no_service);
	rc = service_reload(s, &changes, q->err);
	q->settings = host_settings(q->host);
	p = buf_str(&changes);
	while (rc == 0 && *p) {
		size_t n = strcspn(p, "\n");
		struct json_out o = json_out(&q->row);
		json_open(&o, '{');
		json_kv_slice(&o, "changed", slice_of(p, n));
		json_close(&o, '}');
		question_row(q);
		p += n + (p[n] == '\n');
	}
	buf_free(&changes);
	return rc;
}

/* Who has the store open: a service, or a command that will soon be over. */
int
ask_service(struct question *q)
{
	const struct service *s = host_service(q->host);
	size_t connections, syncs;
	int64_t next_us;

	json_kv_bool(&q->end, "serving", s != NULL);
	if (!s)
		return 0;
	service_counts(s, &connections, &syncs, &next_us);
	json_kv_int(&q->end, "connections", (int64_t)connections);
	json_kv_int(&q->end, "syncs", (int64_t)syncs);
	json_kv_time(&q->end, "next_due_at", next_us);
	json_kv_str(&q->end, "short_of", service_short_of(s));
	json_kv_raw(&q->end, "listens", host_addresses(q->host));
	return 0;
}

static void
due_put(struct question *q, const struct due *d, bool refused)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	names_put(&o, &d->chosen);
	json_kv_time(&o, "due_at", d->due_us);
	if (refused)
		json_kv_bool(&o, "refused", true);
	json_close(&o, '}');
	question_row(q);
}

/* Also those that would be due, were their credentials not refused: nobody shall take their silence for health. */
int
ask_due(struct question *q)
{
	char *who;
	struct service_ask a = ask_of(q, &who);
	int64_t limit = member_int(q->json, "limit", 0);
	struct due_list due;
	int rc = due_find(q->host, &a, limit > 0 ? (size_t)limit : 0, &due, q->err);

	for (size_t i = 0; rc == 0 && i < due.n; i++)
		due_put(q, &due.list[i], false);
	for (size_t i = 0; rc == 0 && i < due.n_refused; i++)
		due_put(q, &due.refused[i], true);
	due_list_free(&due);
	free(who);
	return rc;
}

/* ---- of one sync, for status ---- */

static void
after_put(struct json_out *o, const struct schedule_view *v)
{
	json_key(o, "after");
	if (!v->after) {
		json_put_null(o);
		return;
	}
	json_open(o, '{');
	json_kv_str(o, "connection", v->after->connection);
	json_kv_str(o, "integration", v->after->integration);
	json_kv_str(o, "sync", v->after->sync);
	json_kv_str(o, "state", schedule_state_names[v->after_state]);
	json_close(o, '}');
}

static void
schedule_put_view(struct json_out *o, const struct service_view *v)
{
	json_open(o, '{');
	json_kv_str(o, "state", v->scheduled ? schedule_state_names[v->schedule.state] : "unusable");
	json_kv_int(o, "next_us", v->schedule.next_us);
	json_kv_int(o, "until_us", v->schedule.until_us);
	json_kv_str(o, "limit", v->schedule.limit);
	after_put(o, &v->schedule);
	json_kv_bool(o, "asked", v->schedule.asked);
	json_kv_str(o, "trouble", v->trouble);
	json_kv_int(o, "since_us", v->since_us);
	json_kv_int(o, "asked_ends", (int64_t)v->asked_ends);
	json_kv_int(o, "asked_run", (int64_t)v->asked_run);
	json_kv_str(o, "asked_class", err_class_name(v->asked_err.cls));
	json_kv_str(o, "asked_reason", v->asked_err.cls == ERR_NONE ? NULL : v->asked_err.text);
	json_close(o, '}');
}

/* `processed` is the connector's own figure where it tells one. */
static void
progress_put(struct json_out *o, struct run *r)
{
	struct buf position = {0};
	struct run_counts counts;
	enum wait_reason waiting;
	enum run_state state;
	const char *limit;
	uint64_t done, total;
	int64_t until_us = 0;

	run_look(r, &state, &counts, &waiting, &until_us);
	waiting = run_waits(r, &until_us, &limit);
	run_progress(r, &done, &total);
	json_open(o, '{');
	json_kv_int(o, "run", (int64_t)run_number(r));
	json_kv_str(o, "state", run_state_name(state));
	json_kv_int(o, "processed", (int64_t)(done || total ? done : counts.fetched));
	if (total)
		json_kv_int(o, "total", (int64_t)total);
	json_kv_int(o, "step", (int64_t)run_step(r));
	buf_puts(&position, run_position(r));
	log_blank(&position);
	json_kv_str(o, "position", position.len ? buf_str(&position) : NULL);
	buf_free(&position);
	json_kv_int(o, "records", (int64_t)counts.saved);
	json_kv_int(o, "requests", (int64_t)counts.requests);
	json_kv_int(o, "duration_ms", counts.total_ms);
	json_kv_int(o, "records_per_second",
	            counts.total_ms > 0 ? (int64_t)(counts.saved * 1000 / (uint64_t)counts.total_ms) : 0);
	json_kv_str(o, "waiting", waiting ? wait_names[waiting] : NULL);
	json_kv_str(o, "limit", waiting == WAIT_RATE ? limit : NULL); /* whose */
	json_kv_int(o, "until_us", waiting ? until_us : 0);
	json_close(o, '}');
}

static bool
chosen_find(const struct question *q, const struct scope_name *name, struct chosen *c)
{
	*c = (struct chosen){.connection = settings_connection(host_settings(q->host), name->connection, name->integration)};
	if (c->connection && !c->connection->broken)
		c->manifest = host_manifest_of(q->host, c->connection, NULL);
	c->sync = c->manifest ? manifest_sync(c->manifest, name->sync) : NULL;
	return c->sync != NULL;
}

/* own: somebody gave it an interval over HTTP, and that counts. */
static void
every_put(const struct question *q, struct json_out *o, const struct chosen *c)
{
	struct decided d = decided_of(q->host, c);
	struct schedule_plan plan;
	char text[PLAN_TEXT_MAX];

	plan_of(q->host, c, &plan);
	json_kv_str(o, "every", plan_text(&plan, text));
	json_kv_bool(o, "own_interval",
	             d.every_ms && !plan_configured(host_settings(q->host), c->connection, c->sync->name));
}

/* Without a service: what it would be. */
static void
planned_put(const struct question *q, struct json_out *o, const struct chosen *c)
{
	struct due_siblings *b = due_siblings_new(q->host);
	enum schedule_state state;
	int64_t due_us;
	int rc = due_look(b, c, &state, &due_us, NULL);

	due_siblings_free(b);
	if (rc != 0)
		return;
	json_key(o, "planned");
	json_open(o, '{');
	json_kv_str(o, "state", schedule_state_names[state]);
	json_kv_int(o, "due_us", due_us);
	json_close(o, '}');
}

void
status_live(const struct question *q, struct json_out *o, const struct scope_name *name)
{
	struct run *r = host_run(q->host, name->connection, name->integration, name->sync);
	const struct service *s = host_service(q->host);
	struct service_view v;
	struct chosen c;

	if (chosen_find(q, name, &c)) {
		every_put(q, o, &c);
		if (!s)
			planned_put(q, o, &c);
	}
	if (s) {
		service_look(s, name->connection, name->integration, name->sync, &v);
		json_key(o, "schedule");
		schedule_put_view(o, &v);
	}
	if (r) {
		json_key(o, "progress");
		progress_put(o, r);
	}
}
