/* service.c - see service.h: runs begun and ended by the schedule; entries.c fills it.
 *
 *   settings + manifests + store --service_refit--> schedule --turn--> run_start ... run_done --> schedule_ended --> turn
 *
 * Guarantee: nothing that befalls one connection stops another. A run that cannot begin is one that failed; a host that is
 * short of something (room on the disk) begins nothing, says why, and asks again each second.
 *
 * Awkward: a person's request must survive a crash between its being accepted and the run's first commit. So it stands in
 * STATE_SCHEDULE until the run has begun, and is taken out behind the run's own first commit, never before it. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/async.h"
#include "schedule/alerts.h"
#include "schedule/service_inner.h"
#include "wire/message.h"

#define MINUTE_MS 60000
#define STOP_LOOK_MS 50
#define TURN_MAX_MS 1000 /* also where the wall clock was set forward something is due at once */

/* ---- running ---- */

static struct entry *
entry_of(const struct service *s, const struct schedule_item *i)
{
	const struct schedule_name *n = schedule_item_name(i);

	return service_entry(s, n->connection, n->integration, n->sync);
}

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

/* How it went, in words; a run that lost or left anything did not go well. */
static enum log_level
end_words(const struct run_result *r, struct buf *out)
{
	const struct run_counts *c = &r->counts;

	if (r->err.cls != ERR_NONE) {
		buf_printf(out, "ended: %s: %s", err_class_name(r->err.cls), r->err.text);
		return r->err.cls == ERR_STOPPED ? LOG_INFO : LOG_WARN;
	}
	if (!c->rejected && !c->held && !r->incomplete && !r->partial) {
		buf_puts(out, "ended well");
		return LOG_INFO;
	}
	buf_puts(out, "ended in part");
	if (c->rejected)
		buf_printf(out, ", %llu rejected", (unsigned long long)c->rejected);
	if (c->held)
		buf_printf(out, ", %llu deletes held back", (unsigned long long)c->held);
	if (r->partial)
		buf_puts(out, ", something was kept back");
	if (r->incomplete)
		buf_puts(out, ", which records are gone is not known");
	return LOG_WARN;
}

/* One line for each end: what a person who reads the log wants to see go by. */
static void
end_tell(const struct entry *e, const struct run_result *r)
{
	const struct run_counts *c = &r->counts;
	const struct log_field fields[] = {{"run", NULL, (int64_t)r->run},
	                                   {"connection", e->connection, 0},
	                                   {"integration", e->integration, 0},
	                                   {"sync", e->sync, 0},
	                                   {"records", NULL, (int64_t)c->saved},
	                                   {"added", NULL, (int64_t)c->added},
	                                   {"updated", NULL, (int64_t)c->updated},
	                                   {"deleted", NULL, (int64_t)c->deleted},
	                                   {"requests", NULL, (int64_t)c->requests},
	                                   {"retries", NULL, (int64_t)c->retries},
	                                   {"rate_limited", NULL, (int64_t)c->rate_limited},
	                                   {"duration_ms", NULL, c->total_ms},
	                                   {NULL, NULL, 0}};
	struct buf text = {0};
	enum log_level level = end_words(r, &text);

	log_line(level, fields, "%s", buf_str(&text));
	buf_free(&text);
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
	if (e->item && !e->leaving && !v.asked && entry_chosen(e, &c, NULL))
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
	struct chosen c = {0};
	struct err err = {0};

	e->cause = b->cause;
	if (entry_chosen(e, &c, &err)) {
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
	service_limits(s, &options);
	s->schedule = schedule_new(&options);
	s->since_us = clock_wall_us(host_clock(s->host));
	service_fit(s);
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
	async_begin(s->host);
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
		async_stop(s->host);
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
	entries_free(s);
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
