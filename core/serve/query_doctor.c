/* query_doctor.c - the question what keeps syncs from running and data from being there: a table of checks, answered by
 * whoever has the store open, since only a living host knows what it waits for.
 *
 * A row is {"check","subject","verdict","found","todo"}; verdicts are ok, warn (a person should know) and problem (it does
 * not work). Order: the host, connections (query_doctor_connections.c), each sync with its state first, then a record that
 * was asked about.
 *
 * Awkward: a record that is not there leaves no trace that says so; what is told then is everything that would explain it:
 * deleted, rejected, of another connection or model. */
#include <stdarg.h>
#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/alerts.h"
#include "schedule/decided.h"
#include "serve/question.h"

#define AHEAD_MOST_US (INT64_C(60) * 1000000) /* between two clocks of one machine */

enum verdict { FINE, WARN, PROBLEM };
static const char *const verdicts[] = {[FINE] = "ok", [WARN] = "warn", [PROBLEM] = "problem"};

/* What is wrong with a whole connection shows at each of its syncs, which come one after the other: it is told once. */
struct told {
	const struct connection_settings *connection;
	struct buf texts; /* each with its NUL */
};

struct patient { /* what a check is about */
	struct question *q;
	const struct chosen *c;   /* NULL: the host */
	const char *check, *subject;
	uint32_t scope;           /* of the sync; 0: nothing is known of it */
	struct slice last, open;  /* STATE_LAST, STATE_RUN; empty: none */
	struct told *told;
};

static void found(const struct patient *p, enum verdict v, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void
doctor_row(struct question *q, const char *check, const char *subject, const char *verdict, const char *found, const char *todo)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_str(&o, "check", check);
	json_kv_str(&o, "subject", subject);
	json_kv_str(&o, "verdict", verdict);
	json_kv_str(&o, "found", found);
	json_kv_str(&o, "todo", todo);
	json_close(&o, '}');
	log_blank(&q->row);
	question_row(q);
}

static void
found(const struct patient *p, enum verdict v, const char *todo, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory for an answer");
	va_end(ap);
	doctor_row(p->q, p->check, p->subject, verdicts[v], text, v == FINE ? NULL : todo);
	free(text);
}

static bool
told_before(const struct patient *p, const char *text)
{
	struct told *t = p->told;

	for (size_t at = 0; at < t->texts.len; at += strlen(t->texts.p + at) + 1)
		if (strcmp(t->texts.p + at, text) == 0)
			return true;
	buf_put(&t->texts, text, strlen(text) + 1);
	return false;
}

/* ---- the host ---- */

static void
check_service(const struct patient *p)
{
	const struct service *s = host_service(p->q->host);
	size_t connections, syncs;
	int64_t next_us;
	char time[TIME_TEXT_MAX];

	if (!s) {
		found(p, WARN, "begin `sluice serve`, or have `sluice run --due` called by a timer",
		      "no service runs: nothing is synced by itself");
		return;
	}
	service_counts(s, &connections, &syncs, &next_us);
	if (service_short_of(s))
		found(p, PROBLEM, "mend that; runs begin again by themselves", "no run begins: %s", service_short_of(s));
	else
		found(p, FINE, NULL, "a service runs: %zu syncs of %zu connections, next due %.19s", syncs, connections,
		      next_us ? time_format(next_us, time) : "never by itself");
}

static void
check_store(const struct patient *p)
{
	uint64_t least = p->q->settings->host.min_free;
	char has[TIME_TEXT_MAX], wants[TIME_TEXT_MAX], size[TIME_TEXT_MAX];
	struct store_stats stats;

	if (!p->q->store) {
		found(p, WARN, "`sluice run` makes it", "there is no store yet: nothing was ever synced");
		return;
	}
	store_stats(p->q->store, &stats);
	size_format(stats.free_disk, has);
	size_format(least, wants);
	size_format(stats.file_bytes, size);
	if (stats.free_disk < least)
		found(p, PROBLEM, "make room, or lower [host] min_free",
		      "the store holds %s, its disk has %s free; below %s (min_free) no run starts", size, has, wants);
	else
		found(p, stats.free_disk < 2 * least ? WARN : FINE, "make room soon: below min_free no run starts",
		      "the store opens and holds %s; its disk has %s free, %s are needed", size, has, wants);
}

static bool
newest_time(void *arg, uint64_t run, struct slice json)
{
	char *text = member_text(json, "started_at");
	int64_t us;

	(void)run;
	if (text && time_parse(slice_str(text), &us) && us > *(int64_t *)arg)
		*(int64_t *)arg = us;
	free(text);
	return true;
}

static void
check_clock(const struct patient *p)
{
	int64_t newest = 0, now = clock_wall_us(host_clock(p->q->host));
	char then[TIME_TEXT_MAX], today[TIME_TEXT_MAX], by[TIME_TEXT_MAX];

	if (p->q->store)
		store_runs(p->q->store, 0, 20, newest_time, &newest, NULL);
	if (newest - now > AHEAD_MOST_US)
		found(p, PROBLEM, "set the clock right (NTP); times of records and due times follow it",
		      "it is %.19sZ now, but a run began at %.19sZ: the clock was set back by %s", time_format(now, today),
		      time_format(newest, then), duration_format((newest - now) / 1000, by));
	else
		found(p, FINE, NULL, "it is %.19sZ, after all that is stored", time_format(now, today));
}

/* A new file that cannot be used, while an older one still is. */
static void
check_broken(const struct patient *p)
{
	const struct settings *s = p->q->settings;

	for (size_t i = 0; i < s->n_integrations; i++) {
		const char *plugin = s->integrations[i]->plugin, *why = host_plugin_trouble(p->q->host, plugin, NULL);
		if (why)
			found(p, PROBLEM, "`sluice deploy` a good one, or `sluice rollback`", "%s.so cannot be used%s: %s", plugin,
			      host_plugin_look(p->q->host, plugin) ? ", the one before stays in use" : "", why);
	}
}

static void
limit_check(void *arg, const struct proxy_limit_state *s)
{
	const struct patient *p = arg;
	char until[TIME_TEXT_MAX];

	if (s->quota_n && s->quota_used >= s->quota_n)
		found(p, PROBLEM, "wait for its next span, or raise `quota` if the provider allows more",
		      "the quota of %s is used up: %llu requests", s->name, (unsigned long long)s->quota_n);
	else if (s->paused_until_us)
		found(p, WARN, "wait", "the provider asked %s to wait until %.19sZ", s->name, time_format(s->paused_until_us, until));
	else if (s->remaining == 0)
		found(p, WARN, "wait", "the provider leaves %s nothing until %.19sZ", s->name,
		      time_format(s->remaining_until_us, until));
}

static void
check_limits(const struct patient *p)
{
	host_limits(p->q->host, limit_check, (void *)(uintptr_t)p, NULL);
}

static const struct {
	const char *name;
	void (*check)(const struct patient *p);
} host_checks[] = {
	{"service", check_service}, {"store", check_store},   {"clock", check_clock},
	{"plugin", check_broken},   {"limits", check_limits},
};

/* ---- a sync ---- */

static const struct {
	enum verdict verdict;
	const char *means, *todo;
} states[SCHEDULE_STATES] = {
	[SCHEDULE_INACTIVE] = {WARN, "its connection is switched off", "`sluice connections enable`, or active = yes"},
	[SCHEDULE_MANUAL] = {FINE, "it only runs when somebody asks for it", NULL},
	[SCHEDULE_UNSTARTED] = {WARN, "auto_start = no, and nobody has started it", "`sluice start`"},
	[SCHEDULE_PAUSED] = {WARN, "somebody has paused it", "`sluice start`"},
	[SCHEDULE_ATTENTION] = {PROBLEM, "the provider refuses the credentials of its connection: nothing of it begins",
	                        "mend them (`sluice test-connection` says what is wrong), then `sluice start`"},
	[SCHEDULE_FAILING] = {PROBLEM, "it waits after a failure", "`sluice trigger` tries it now"},
	[SCHEDULE_AFTER] = {FINE, "it is due, and waits for the sync that it comes after", NULL},
	[SCHEDULE_QUEUED] = {FINE, "it is due, and waits for a place: max_runs", NULL},
	[SCHEDULE_WAITING] = {FINE, "it waits until it is due", NULL},
	[SCHEDULE_RUNNING] = {FINE, "it runs", NULL},
};

static void
check_decided(const struct patient *p)
{
	struct decided d = p->q->store ? decided_of(p->q->host, p->c) : (struct decided){0};
	bool enabled = p->q->store ? connection_enabled(p->q->store, p->c->connection) : p->c->connection->active;

	if (!enabled || d.paused)
		found(p, WARN, states[enabled ? SCHEDULE_PAUSED : SCHEDULE_INACTIVE].todo, "%s",
		      states[enabled ? SCHEDULE_PAUSED : SCHEDULE_INACTIVE].means);
}

static void
check_state(const struct patient *p)
{
	const struct service *s = host_service(p->q->host);
	const struct connection_settings *k = p->c->connection;
	struct service_view v;
	int64_t us;
	char time[TIME_TEXT_MAX];

	if (!s) {
		check_decided(p);
		return;
	}
	service_look(s, k->name, k->integration->name, p->c->sync->name, &v);
	if (!v.scheduled) {
		if (v.trouble && told_before(p, v.trouble))
			return;
		found(p, PROBLEM, "mend that, then `sluice reload`", "it is not scheduled: %s",
		      v.trouble ? v.trouble : "the service does not know it");
		return;
	}
	if (v.schedule.state == SCHEDULE_ATTENTION && told_before(p, states[SCHEDULE_ATTENTION].means))
		return;
	us = v.schedule.until_us ? v.schedule.until_us : v.schedule.next_us;
	found(p, states[v.schedule.state].verdict, states[v.schedule.state].todo, "%s%s%s%s%.19s%s",
	      states[v.schedule.state].means, v.schedule.limit ? " of the " : "", v.schedule.limit ? v.schedule.limit : "",
	      us ? v.schedule.until_us ? ", until " : ", next due " : "", us ? time_format(us, time) : "",
	      v.schedule.asked ? "; it was asked for" : "");
	if (v.trouble && !told_before(p, v.trouble))
		found(p, PROBLEM, "mend that; it begins by itself then", "%s", v.trouble);
}

static const char *const remedies[ERR_CLASSES] = {
	[ERR_CREDENTIALS] = "mend the credentials (`sluice test-connection` says what is wrong), then `sluice start`",
	[ERR_RATE] = "nothing: it is tried again; `sluice limits` shows how they stand",
	[ERR_PROVIDER] = "nothing while it passes: it is tried again; else `sluice test-connection`",
	[ERR_DATA] = "see `sluice history --run` and `sluice dead-letters list`; the provider or the connector has to be mended",
	[ERR_CONNECTOR] = "the connector is at fault: `sluice rollback`, or tell its author what `sluice logs` says",
	[ERR_HOST] = "look at disk, memory and permissions of this machine",
	[ERR_USAGE] = "mend the configuration: `sluice config --check`",
};

/* Refused credentials are the connection's, whatever was asked for with them. What a sync's data or code does is its own. */
static bool
failure_told(const struct patient *p, enum err_class of, const char *reason)
{
	if (of == ERR_DATA || of == ERR_CONNECTOR || !reason)
		return false;
	return told_before(p, of == ERR_CREDENTIALS ? remedies[of] : reason);
}

static void
check_last(const struct patient *p)
{
	char *status = member_text(p->last, "status"), *reason = member_text(p->last, "reason"), *cls = member_text(p->last, "class");
	enum err_class of = cls ? err_class_find(cls) : ERR_NONE;

	if (!p->last.len && !p->open.len)
		found(p, WARN, "`sluice run`, or `sluice trigger` beside a service", "it never ran");
	else if (status && strcmp(status, "success") == 0)
		found(p, FINE, NULL, "the last run (%lld) succeeded", (long long)member_int(p->last, "run", 0));
	else if (status && strcmp(status, "error") == 0 && !failure_told(p, of, reason))
		found(p, PROBLEM, remedies[of] ? remedies[of] : "see `sluice history --run`", "the last run (%lld) failed (%s): %s",
		      (long long)member_int(p->last, "run", 0), cls ? cls : "?", reason ? reason : "?");
	else if (status && strcmp(status, "error") != 0)
		found(p, WARN, "see `sluice history --run`", "the last run (%lld) is %s: %s",
		      (long long)member_int(p->last, "run", 0), status, reason ? reason : "not all is well");
	free(status);
	free(reason);
	free(cls);
}

/* Who goes on with it: a service by itself, unless something keeps this sync from beginning, which its schedule has told. */
static const char *
open_todo(const struct patient *p)
{
	const struct service *s = host_service(p->q->host);
	const struct connection_settings *k = p->c->connection;
	struct service_view v = {0};

	if (!s)
		return "`sluice run` goes on; a service does by itself";
	service_look(s, k->name, k->integration->name, p->c->sync->name, &v);
	if (!v.scheduled || v.trouble)
		return "mend what keeps it from beginning; then it goes on";
	return states[v.schedule.state].todo ? states[v.schedule.state].todo : "nothing: the service goes on with it";
}

/* A run that came to its end, if a bad one, is told of as the last run; interrupted is one that never did. */
static void
check_open(const struct patient *p)
{
	const struct connection_settings *k = p->c->connection;
	bool runs = host_run(p->q->host, k->name, k->integration->name, p->c->sync->name) != NULL;
	int64_t run = member_int(p->open, "run", 0);

	if (p->open.len && !runs && run == member_int(p->last, "run", 0))
		found(p, FINE, NULL, "what run %lld saved is kept: the next one goes on from there", (long long)run);
	else if (p->open.len && !runs)
		found(p, WARN, open_todo(p), "run %lld was interrupted, and is to be gone on with", (long long)run);
	if (p->open.len && member_bool(p->open, "staged", false))
		found(p, WARN, "wait for its end, or visibility = at-once",
		      "what run %lld lists is seen by readers only at its successful end", (long long)run);
}

static bool
held_check(void *arg, struct slice name, struct slice value)
{
	found(arg, WARN, "`sluice confirm-deletes` shows them", "%lld deletes of %.*s are held back",
	      (long long)member_int(value, "held", 0), (int)name.len, name.p);
	return true;
}

static void
check_held(const struct patient *p)
{
	uint64_t letters = p->scope ? store_dead_count(p->q->store, p->scope) : 0;

	if (p->scope)
		store_state_list(p->q->store, p->scope, STATE_HELD, held_check, (void *)(uintptr_t)p, NULL);
	if (letters)
		found(p, WARN, "`sluice dead-letters list --unresolved`", "%llu records were rejected and are not in the data",
		      (unsigned long long)letters);
}

static bool
alert_check(void *arg, const struct alert *a)
{
	if ((a->sync && *a->sync) || !told_before(arg, a->text))
		found(arg, WARN, "see `sluice alerts`", "alert: %s", a->text);
	return true;
}

static void
check_alerts(const struct patient *p)
{
	const struct scope_name name = {.connection = p->c->connection->name,
	                                .integration = p->c->connection->integration->name,
	                                .sync = p->c->sync->name};

	alerts_of(p->q->host, &name, alert_check, (void *)(uintptr_t)p);
}

static const struct {
	const char *name;
	void (*check)(const struct patient *p);
} sync_checks[] = {
	{"schedule", check_state}, {"last run", check_last}, {"open run", check_open}, {"waiting", check_held}, {"alerts", check_alerts},
};

struct syncs {
	struct question *q;
	struct told told;
};

static int
sync_check(void *arg, const struct chosen *c, struct err *err)
{
	struct syncs *all = arg;
	struct question *q = all->q;
	char *subject = xasprintf("%s : %s : %s", c->connection->name, c->connection->integration->name, c->sync->name);
	struct patient p = {.q = q, .c = c, .subject = subject, .told = &all->told};
	struct buf last = {0}, open = {0};

	(void)err;
	if (c->connection != all->told.connection)
		buf_clear(&all->told.texts);
	all->told.connection = c->connection;
	p.scope = q->store ? chosen_scope(q->host, c, false, NULL) : 0;
	if (p.scope && store_state_get(q->store, p.scope, STATE_LAST, SLICE(""), &last))
		p.last = buf_view(&last);
	if (p.scope && store_state_get(q->store, p.scope, STATE_RUN, SLICE(""), &open))
		p.open = buf_view(&open);
	for (size_t i = 0; i < LENGTH(sync_checks); i++) {
		p.check = sync_checks[i].name;
		sync_checks[i].check(&p);
	}
	buf_free(&last);
	buf_free(&open);
	free(subject);
	return 0;
}

/* ---- a record ---- */

struct record_search {
	struct patient *p;
	const char *id, *model, *connection; /* of the question; model NULL: any */
	unsigned live;                       /* of the connection that was meant */
};

static void
record_found(void *arg, const struct record *r)
{
	struct record_search *s = arg;
	char time[TIME_TEXT_MAX];

	if (r->deleted_us)
		found(s->p, PROBLEM, "if it is at the provider, `sluice run --full-refresh` brings it back",
		      "it was deleted at %.19sZ: its last listing did not hold it, or the connector said so",
		      time_format(r->deleted_us, time));
	else
		found(s->p, FINE, NULL, "it is there, changed last at %.19sZ", time_format(r->modified_us, time));
	s->live += r->deleted_us == 0;
}

static void
record_other(void *arg, const struct record *r)
{
	(void)arg;
	(void)r;
}

static bool
record_dataset(void *arg, const struct dataset_info *d)
{
	struct record_search *s = arg;
	char *subject;

	if (!name_fits(s->model, d->model) || !name_fits(s->p->q->integration, d->integration))
		return true;
	subject = xasprintf("%s : %s : %s", d->connection, d->integration, d->model);
	s->p->subject = subject;
	if (name_fits(s->connection, d->connection))
		store_record(s->p->q->store, d->dataset, slice_str(s->id), record_found, s);
	else if (store_record(s->p->q->store, d->dataset, slice_str(s->id), record_other, s))
		found(s->p, WARN, "ask with that --connection-id", "another connection has a record of this id");
	free(subject);
	return true;
}

static bool
record_letter(void *arg, const struct dead_info *d)
{
	struct record_search *s = arg;
	char *subject;

	if (!slice_is(d->id, s->id) || (s->model && !slice_is(d->model, s->model)) || d->settled_us)
		return true;
	subject = xasprintf("%s : %s : %s", d->connection, d->integration, d->sync);
	s->p->subject = subject;
	found(s->p, PROBLEM, "`sluice dead-letters show` has it whole", "it was rejected by run %llu: %.*s",
	      (unsigned long long)d->run, (int)d->reason.len, d->reason.p);
	s->live++;
	free(subject);
	return true;
}

static int
record_check(struct question *q, const char *id)
{
	char *model = member_text(q->json, "model"), *subject = xasprintf("%s%s%s", model ? model : "", model ? " " : "", id);
	struct patient p = {.q = q, .check = "record"};
	struct record_search s = {.p = &p, .id = id, .model = model, .connection = q->connection};
	int rc = 0;

	if (q->store)
		rc = store_datasets(q->store, record_dataset, &s, q->err);
	if (rc == 0 && q->store)
		rc = store_dead(q->store, 0, 0, SIZE_MAX, record_letter, &s, q->err);
	p.subject = subject;
	if (rc == 0 && !s.live)
		found(&p, PROBLEM, "see the checks of its sync above: did it run, and to its end? Does the provider list it?",
		      "no live record of this id was ever seen, or it is gone");
	free(subject);
	free(model);
	return rc;
}

int
ask_doctor(struct question *q)
{
	const struct service_ask a = {.connection = q->connection, .integration = q->integration, .sync = q->sync};
	struct patient p = {.q = q};
	struct syncs syncs = {.q = q};
	char *id = member_text(q->json, "record");
	struct err none;
	int rc = 0;

	for (size_t i = 0; i < LENGTH(host_checks); i++) {
		p.check = host_checks[i].name;
		p.subject = "host";
		host_checks[i].check(&p);
	}
	doctor_connections(q);
	doctor_webhooks(q);
	doctor_events(q);
	if (chosen_each(q->host, &a, sync_check, &syncs, &none) != 0) {
		p.check = "schedule";
		found(&p, PROBLEM, "see `sluice status`", "%s", none.text);
	}
	buf_free(&syncs.told.texts);
	if (id)
		rc = record_check(q, id);
	free(id);
	return rc;
}
