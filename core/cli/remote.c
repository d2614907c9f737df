/* remote.c - see remote.h. A request is a ticket: the run that meets it is over when the host has ended more runs that were
 * asked for than the ticket says. How it went is then read from the history, so the lines are those of a run in this
 * process.
 *
 * Awkward: the host may be restarted meanwhile. The request is in the store and outlives that, the count of tickets does
 * not: a sync whose request is neither waiting nor running in a younger host is read by what its last run left behind. A
 * host that does not come back within a while ends the waiting; what it does later is its own affair. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/remote.h"
#include "run/counts.h"
#include "serve/local.h"
#include "sluice.h"

#define POLL_MS 100
#define GONE_MS 30000 /* without an answer */

struct ticket {
	struct job job;
	uint64_t number;     /* over when asked_ends is greater */
	int64_t since_us;    /* the service that gave it began then */
	int64_t began_ms;
	uint64_t run;        /* that met it; 0: it did not begin */
	struct err err;
	bool asked, ended, cancelled;
};

struct remote {
	struct jobs *jobs;
	struct ticket *tickets;
	size_t n;
	struct ticket *at;   /* whose answer is being read */
	int64_t heard_ms;
};

static int64_t
now_ms(void)
{
	return clock_mono_ms(&clock_system);
}

static int
remote_ask(const struct cli *c, struct slice question, void (*row)(void *arg, struct slice json), void *arg,
           struct buf *end, struct err *err)
{
	const struct query_sink sink = {row, arg};

	return local_ask(c->settings->host.data_dir, question, &sink, end, err);
}

bool
remote_serves(struct cli *c)
{
	struct buf end = {0};
	bool serves = remote_ask(c, SLICE("{\"query\":\"service\"}"), row_none, NULL, &end, NULL) == 0 &&
	              member_bool(buf_view(&end), "serving", false);

	buf_free(&end);
	return serves;
}

static void
names_write(struct json_out *o, const struct pick *p)
{
	pick_names_put(o, p);
}

/* ---- asking ---- */

static void
ticket_row(void *arg, struct slice row)
{
	struct ticket *t = arg;

	t->number = (uint64_t)member_int(row, "ticket", 0);
	t->since_us = member_int(row, "since_us", 0);
}

static void
control_ask(const struct remote *r, struct ticket *t, const char *query)
{
	const struct run_request *wish = &r->jobs->request;
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	char who[64];

	person_name(who);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	names_write(&o, &t->job.pick);
	json_kv_bool(&o, "full_refresh", wish->full_refresh);
	json_kv_bool(&o, "reset", wish->reset);
	json_kv_bool(&o, "late", t->cancelled);
	json_kv_str(&o, "who", who);
	json_close(&o, '}');
	t->err = (struct err){0};
	remote_ask(r->jobs->cli, buf_view(&question), ticket_row, t, &end, &t->err);
	buf_free(&question);
	buf_free(&end);
}

/* ---- reading ---- */

static void
warnings_read(struct slice record, struct buf *out)
{
	struct json_iter it = json_iter(member_raw(record, "warnings"));

	while (json_next(&it)) {
		json_unquote(it.value, out);
		buf_putc(out, '\n');
	}
}

struct reading {
	struct run_result result;
	struct buf warnings;
	bool first;
};

static void
record_row(void *arg, struct slice row)
{
	struct reading *r = arg;
	struct slice error = member_raw(row, "error");
	char *cls, *text;

	if (r->first) /* the log's lines come after the record */
		return;
	r->first = true;
	counts_read(&r->result.counts, member_raw(row, "counts"), member_raw(row, "time"));
	warnings_read(row, &r->warnings);
	r->result.partial = json_string_is(member_raw(row, "status"), "partial");
	r->result.full = member_bool(row, "full", false);
	r->result.complete = member_bool(row, "complete", false);
	r->result.resumed = member_int(row, "resumes", 0) != 0;
	if (json_type(error) != JSON_OBJECT)
		return;
	cls = member_text(error, "class");
	text = member_text(error, "message");
	err_set(&r->result.err, cls ? err_class_find(cls) : ERR_HOST, "%s", text ? text : "?");
	free(cls);
	free(text);
}

static void
ticket_tell(struct remote *r, struct ticket *t)
{
	struct reading reading = {.result = {.run = t->run, .err = t->err}};
	struct buf question = {0}, end = {0};
	struct jobs *jobs = r->jobs;
	int code;

	if (t->run) {
		buf_printf(&question, "{\"query\":\"run\",\"run\":%llu}", (unsigned long long)t->run);
		remote_ask(jobs->cli, buf_view(&question), record_row, &reading, &end, &reading.result.err);
	}
	reading.result.warnings = buf_str(&reading.warnings);
	reading.result.incomplete = t->job.pick.sync->flags & SLUICE_TRACK_DELETES && reading.result.full &&
	                            !reading.result.complete;
	code = exit_of(&reading.result);
	t->ended = true;
	jobs->good += code == 0;
	jobs->records += reading.result.counts.saved;
	jobs->requests += reading.result.counts.requests;
	jobs->exit = exit_worst(jobs->exit, code);
	jobs->ended(jobs, &t->job, &reading.result);
	buf_free(&reading.warnings);
	buf_free(&question);
	buf_free(&end);
}

/* ---- waiting ---- */

/* Of another host than the one that was asked: what that one left behind is about to be gone on with. */
static bool
soon(struct slice row, const char *state)
{
	return json_type(member_raw(row, "interrupted")) == JSON_OBJECT && strcmp(state, "queued") == 0;
}

static void
status_row(void *arg, struct slice row)
{
	struct remote *r = arg;
	struct slice schedule = member_raw(row, "schedule");
	struct ticket *t = r->at;
	char *cls, *reason, *state;
	uint64_t ends = (uint64_t)member_int(schedule, "asked_ends", 0);

	if (!schedule.len)
		return;
	r->heard_ms = now_ms();
	state = member_text(schedule, "state");
	if (member_int(schedule, "since_us", 0) != t->since_us) {
		if (member_bool(schedule, "asked", false) || strcmp(state, "running") == 0 || soon(row, state)) {
			free(state);
			return;
		}
		t->run = (uint64_t)member_int(member_raw(row, "last"), "run", 0);
		t->ended = true;
	} else if (ends > t->number) {
		cls = member_text(schedule, "asked_class");
		reason = member_text(schedule, "asked_reason");
		t->run = (uint64_t)member_int(schedule, "asked_run", 0);
		if (reason)
			err_set(&t->err, cls ? err_class_find(cls) : ERR_HOST, "%s", reason);
		t->ended = true;
		free(cls);
		free(reason);
	} else if (!member_bool(schedule, "asked", false) && strcmp(state, "running") != 0) { /* forgotten: it will not begin */
		err_set(&t->err, ERR_STOPPED, t->cancelled ? "its time was up before it began (--timeout)"
		                                           : "cancelled by a person before it began");
		t->ended = true;
	}
	free(state);
}

static void
ticket_look(struct remote *r, struct ticket *t)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);

	json_open(&o, '{');
	json_kv_str(&o, "query", "status");
	json_key(&o, "syncs");
	json_open(&o, '[');
	json_open(&o, '{');
	names_write(&o, &t->job.pick);
	json_close(&o, '}');
	json_close(&o, ']');
	json_close(&o, '}');
	r->at = t;
	remote_ask(r->jobs->cli, buf_view(&question), status_row, r, &end, NULL);
	buf_free(&question);
	buf_free(&end);
	if (!t->ended && now_ms() - r->heard_ms > GONE_MS) {
		err_set(&t->err, ERR_HOST, "the host that was asked has not answered for %d s; what it was asked for stands in "
		        "the store, and it goes on with it once it runs", GONE_MS / 1000);
		t->ended = true;
	}
	if (t->ended)
		ticket_tell(r, t);
}

static void
ticket_begin(struct remote *r, struct ticket *t)
{
	control_ask(r, t, "trigger");
	t->asked = true;
	t->began_ms = now_ms();
	r->heard_ms = now_ms();
	if (t->err.cls != ERR_NONE)
		ticket_tell(r, t);
}

/* Its time is up: it ends in good order, and stands in the history as stopped. */
static void
ticket_late(struct remote *r, struct ticket *t)
{
	int64_t most = r->jobs->request.timeout_ms;

	if (!most || t->cancelled || now_ms() - t->began_ms < most)
		return;
	t->cancelled = true;
	control_ask(r, t, "cancel");
	t->err = (struct err){0};
}

int
remote_run(struct jobs *jobs, const struct picks *picks, bool in_turn)
{
	struct remote r = {.jobs = jobs, .n = picks->n, .tickets = xcalloc(picks->n + 1, sizeof *r.tickets)};
	size_t open = picks->n;

	jobs->n = picks->n;
	jobs->exit = picks->exit;
	jobs->start_ms = now_ms();
	for (size_t i = 0; i < r.n; i++)
		r.tickets[i].job = (struct job){.pick = picks->list[i], .jobs = jobs};
	while (open) {
		size_t under_way = 0;
		for (size_t i = 0; i < r.n; i++) {
			struct ticket *t = &r.tickets[i];
			if (t->ended)
				continue;
			if (!t->asked && !(in_turn && under_way))
				ticket_begin(&r, t);
			else if (t->asked) {
				ticket_look(&r, t);
				ticket_late(&r, t);
			}
			under_way += t->asked && !t->ended;
			open -= t->ended;
		}
		if (under_way)
			usleep(POLL_MS * 1000);
	}
	free(r.tickets);
	return jobs->exit;
}
