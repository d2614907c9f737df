/* query_doctor_syncs.c - what `sluice doctor` finds of each sync: its state, its last run, what is open, what waits for a person.
 *
 * States and classes of failure are judged by tables: what each means, and what a person can do about it.
 * Awkward: what is wrong with a whole connection shows at each of its syncs, which come one after the other; it is told once,
 * at the first. */
#include <stdlib.h>
#include "base/mem.h"
#include "schedule/alerts.h"
#include "schedule/decided.h"
#include "schedule/plan.h"
#include "serve/doctor.h"

struct told { /* of the connection at hand */
	const struct connection_settings *connection;
	struct buf texts; /* each with its NUL */
};

struct patient {
	struct about about;
	const struct chosen *c;
	uint32_t scope;           /* 0: nothing is known of it */
	struct slice last, open;  /* STATE_LAST, STATE_RUN; empty: none */
	struct told *told;
};

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
	struct decided d = p->about.q->store ? decided_of(p->about.q->host, p->c) : (struct decided){0};
	bool enabled = p->about.q->store ? connection_enabled(p->about.q->store, p->c->connection) : p->c->connection->active;

	if (!enabled || d.paused)
		doctor_found(&p->about, WARN, states[enabled ? SCHEDULE_PAUSED : SCHEDULE_INACTIVE].todo, "%s",
		             states[enabled ? SCHEDULE_PAUSED : SCHEDULE_INACTIVE].means);
}

static void
check_state(const struct patient *p)
{
	const struct service *s = host_service(p->about.q->host);
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
		doctor_found(&p->about, PROBLEM, "mend that, then `sluice reload`", "it is not scheduled: %s",
		             v.trouble ? v.trouble : "the service does not know it");
		return;
	}
	if (v.schedule.state == SCHEDULE_ATTENTION && told_before(p, states[SCHEDULE_ATTENTION].means))
		return;
	if (v.schedule.after) {
		doctor_found(&p->about, states[v.schedule.after_state].verdict, states[v.schedule.after_state].todo,
		             "it is due, and comes after %s : %s : %s: %s", v.schedule.after->connection,
		             v.schedule.after->integration, v.schedule.after->sync, states[v.schedule.after_state].means);
		return;
	}
	us = v.schedule.until_us ? v.schedule.until_us : v.schedule.next_us;
	doctor_found(&p->about, states[v.schedule.state].verdict, states[v.schedule.state].todo, "%s%s%s%s%.19s%s",
	             states[v.schedule.state].means, v.schedule.limit ? " of the " : "", v.schedule.limit ? v.schedule.limit : "",
	             us ? v.schedule.until_us ? ", until " : ", next due " : "", us ? time_format(us, time) : "",
	             v.schedule.asked ? "; it was asked for" : "");
	if (v.trouble && !told_before(p, v.trouble))
		doctor_found(&p->about, PROBLEM, "mend that; it begins by itself then", "%s", v.trouble);
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

/* Of one that nothing begins by itself that is no finding; what is wrong with its connection has been told. */
static void
never_ran(const struct patient *p)
{
	struct schedule_plan plan;

	plan_of(p->about.q->host, p->c, &plan);
	if (!plan.auto_sync)
		doctor_found(&p->about, FINE, NULL, "it never ran, and only runs when somebody asks for it");
	else if (!p->c->connection->broken)
		doctor_found(&p->about, WARN, "`sluice run`, or `sluice trigger` beside a service", "it never ran");
}

static void
check_last(const struct patient *p)
{
	char *status = member_text(p->last, "status"), *reason = member_text(p->last, "reason"), *cls = member_text(p->last, "class");
	enum err_class of = cls ? err_class_find(cls) : ERR_NONE;

	if (!p->last.len && !p->open.len)
		never_ran(p);
	else if (status && strcmp(status, "success") == 0)
		doctor_found(&p->about, FINE, NULL, "the last run (%lld) succeeded", (long long)member_int(p->last, "run", 0));
	else if (status && strcmp(status, "error") == 0 && !failure_told(p, of, reason))
		doctor_found(&p->about, PROBLEM, remedies[of] ? remedies[of] : "see `sluice history --run`", "the last run (%lld) failed (%s): %s",
		             (long long)member_int(p->last, "run", 0), cls ? cls : "?", reason ? reason : "?");
	else if (status && strcmp(status, "error") != 0)
		doctor_found(&p->about, WARN, "see `sluice history --run`", "the last run (%lld) is %s: %s",
		             (long long)member_int(p->last, "run", 0), status, reason ? reason : "not all is well");
	free(status);
	free(reason);
	free(cls);
}

/* Who goes on with it: a service by itself, unless something keeps this sync from beginning, which its schedule has told. */
static const char *
open_todo(const struct patient *p)
{
	const struct service *s = host_service(p->about.q->host);
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
	bool runs = host_run(p->about.q->host, k->name, k->integration->name, p->c->sync->name) != NULL;
	int64_t run = member_int(p->open, "run", 0);

	if (p->open.len && !runs && run == member_int(p->last, "run", 0))
		doctor_found(&p->about, FINE, NULL, "what run %lld saved is kept: the next one goes on from there", (long long)run);
	else if (p->open.len && !runs)
		doctor_found(&p->about, WARN, open_todo(p), "run %lld was interrupted, and is to be gone on with", (long long)run);
	if (p->open.len && member_bool(p->open, "staged", false))
		doctor_found(&p->about, WARN, "wait for its end, or visibility = at-once",
		             "what run %lld lists is seen by readers only at its successful end", (long long)run);
}

static bool
held_check(void *arg, struct slice name, struct slice value)
{
	const struct patient *p = arg;

	doctor_found(&p->about, WARN, "`sluice confirm-deletes` shows them", "%lld deletes of %.*s are held back",
	             (long long)member_int(value, "held", 0), (int)name.len, name.p);
	return true;
}

static void
check_held(const struct patient *p)
{
	uint64_t letters = p->scope ? store_dead_count(p->about.q->store, p->scope) : 0;

	if (p->scope)
		store_state_list(p->about.q->store, p->scope, STATE_HELD, held_check, (void *)(uintptr_t)p, NULL);
	if (letters)
		doctor_found(&p->about, WARN, "`sluice dead-letters list --unresolved`", "%llu records were rejected and are not in the data",
		             (unsigned long long)letters);
}

static bool
alert_check(void *arg, const struct alert *a)
{
	const struct patient *p = arg;

	if ((a->sync && *a->sync) || !told_before(p, a->text))
		doctor_found(&p->about, WARN, "see `sluice alerts`", "alert: %s", a->text);
	return true;
}

static void
check_alerts(const struct patient *p)
{
	const struct scope_name name = {.connection = p->c->connection->name,
	                                .integration = p->c->connection->integration->name,
	                                .sync = p->c->sync->name};

	alerts_of(p->about.q->host, &name, alert_check, (void *)(uintptr_t)p);
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
	struct patient p = {.about = {q, NULL, subject}, .c = c, .told = &all->told};
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
		p.about.check = sync_checks[i].name;
		sync_checks[i].check(&p);
	}
	buf_free(&last);
	buf_free(&open);
	free(subject);
	return 0;
}

void
doctor_syncs(struct question *q)
{
	const struct service_ask a = {.connection = q->connection, .integration = q->integration, .sync = q->sync};
	struct syncs syncs = {.q = q};
	struct err none;

	if (chosen_each(q->host, &a, sync_check, &syncs, &none) != 0)
		doctor_found(&(struct about){q, "schedule", "host"}, PROBLEM, "see `sluice status`", "%s", none.text);
	buf_free(&syncs.told.texts);
}
