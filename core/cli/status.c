/* status.c - `sluice status`: how things stand, from the store's facts and the connectors' declarations. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "run/idset.h"
#include "schedule/schedule.h"
#include "sluice.h"

#define ASKED_AT_ONCE 1000u /* syncs in one question */

static const struct cli_flag flags[] = {
	{"--sync", "S", "only the sync of this name"},
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{"--host", NULL, "the host instead of its syncs: where it listens, its webhooks, events that wait; in JSON one object"},
	{NULL, NULL, NULL},
};

struct standing {
	struct cli *cli;
	struct access *access;
	const struct picks *picks;
	struct idset datasets; /* by name: where in live */
	uint64_t *live;        /* records */
	size_t n_live, at;     /* at: pick that the next row belongs to */
	struct table table;
	struct buf notes; /* lines below the table */
	struct buf end;   /* what was told besides the rows: of the host */
	const struct connection_settings *told; /* whose notes came last */
	bool remote;
};

static void
key_write(struct buf *key, const char *connection, const char *integration, const char *model)
{
	buf_clear(key);
	buf_printf(key, "%s : %s : %s", connection, integration, model);
}

static void
dataset_keep(void *arg, struct slice row)
{
	struct standing *s = arg;
	char *connection = member_text(row, "connection"), *integration = member_text(row, "integration"),
	     *model = member_text(row, "model");
	struct buf key = {0};
	bool fresh;

	key_write(&key, connection, integration, model);
	*idset_put(&s->datasets, buf_view(&key), &fresh) = (uint32_t)s->n_live;
	s->live = xrealloc(s->live, (s->n_live + 1) * sizeof *s->live);
	s->live[s->n_live++] = (uint64_t)member_int(row, "live", 0);
	buf_free(&key);
	free(connection);
	free(integration);
	free(model);
}

static uint64_t
records_of(struct standing *s, const struct pick *p)
{
	struct buf key = {0};
	uint64_t n = 0;
	bool fresh;

	for (size_t m = 0; m < p->sync->n_models; m++) {
		key_write(&key, p->connection->name, p->connection->integration->name,
		          p->manifest->models[p->sync->models[m]].name);
		if (idset_has(&s->datasets, buf_view(&key)))
			n += s->live[*idset_put(&s->datasets, buf_view(&key), &fresh)];
	}
	buf_free(&key);
	return n;
}

/* Rows come in the order in which they were asked for. */
static const struct pick *
pick_of(struct standing *s, struct slice row)
{
	while (s->at < s->picks->n) {
		const struct pick *p = &s->picks->list[s->at++];
		if (json_string_is(member_raw(row, "connection"), p->connection->name) &&
		    json_string_is(member_raw(row, "integration"), p->connection->integration->name) &&
		    json_string_is(member_raw(row, "sync"), p->sync->name))
			return p;
	}
	return NULL;
}

/* As the service that answers has it; without one, when `run --due` takes it. */
static int64_t
due_us(struct slice row)
{
	struct slice schedule = member_raw(row, "schedule");

	return schedule.len ? member_int(schedule, "next_us", 0) : member_int(member_raw(row, "planned"), "due_us", 0);
}

/* The words of `run` and `history`: how the last run ended, unless one is under way, or began and never came to its
 * end. */
static char *
state_word(const struct pick *p, struct slice row)
{
	struct slice last = member_raw(row, "last"), open = member_raw(row, "interrupted");
	char *word;

	if (member_bool(row, "running", false))
		return xstrdup("running");
	if (p->connection->broken)
		return xstrdup("unusable");
	if (member_int(open, "run", 0) && member_int(open, "run", 0) != member_int(last, "run", 0))
		return xstrdup("interrupted");
	word = json_type(last) == JSON_OBJECT ? member_text(last, "status") : NULL;
	return word ? word : xstrdup("never");
}

/* What the service says of it that the last run's word does not: all but that it waits for its time or runs. */
static char *
live_word(struct slice row)
{
	struct slice schedule = member_raw(row, "schedule");
	char *state = member_text(schedule.len ? schedule : member_raw(row, "planned"), "state");

	if (state && strcmp(state, schedule_state_names[SCHEDULE_WAITING]) != 0 &&
	    strcmp(state, schedule_state_names[SCHEDULE_MANUAL]) != 0)
		return state;
	free(state);
	return NULL;
}

/* One that only a person starts is of interest once somebody did. */
static bool
row_shown(const struct standing *s, const struct pick *p, const char *word)
{
	return !(p->sync->flags & SLUICE_MANUAL) || cli_value(s->cli, "--sync") || strcmp(word, "never") != 0;
}

static uint64_t
held_sum(struct slice held)
{
	struct json_iter it = json_iter(held);
	int64_t n;
	uint64_t sum = 0;

	while (json_next(&it))
		sum += json_int(it.value, &n) ? (uint64_t)n : 0;
	return sum;
}

static void
time_put(struct json_out *o, const char *key, int64_t us)
{
	char text[TIME_TEXT_MAX];

	json_kv_str(o, key, us ? time_format(us, text) : NULL);
}

/* "a rate limit until 2026-...": a wait with its end. */
static void
until_put(struct buf *out, const char *what, int64_t until_us)
{
	char text[TIME_TEXT_MAX], at[TIME_TEXT_MAX];

	buf_puts(out, what);
	if (until_us)
		buf_printf(out, " until %s", time_short(time_format(until_us, text), at));
}

static void
schedule_json(struct json_out *o, struct slice row)
{
	static const char *const texts[] = {"state", "limit", "trouble"};
	struct slice schedule = member_raw(row, "schedule"), progress = member_raw(row, "progress");

	json_key(o, "schedule");
	if (schedule.len) {
		json_open(o, '{');
		for (size_t i = 0; i < LENGTH(texts); i++)
			json_kv_raw(o, texts[i], member_raw(schedule, texts[i]));
		json_kv_bool(o, "asked", member_bool(schedule, "asked", false));
		time_put(o, "until", member_int(schedule, "until_us", 0));
		json_close(o, '}');
	} else {
		json_put_null(o);
	}
	json_kv_raw(o, "progress", progress.len ? progress : SLICE("null"));
}

static void
row_json(struct standing *s, const struct pick *p, struct slice row, const char *word)
{
	struct slice last = member_raw(row, "last");
	int64_t success = member_int(last, "last_success_us", 0);
	struct buf out = {0};
	struct json_out o = json_out(&out);
	char *reason = member_text(last, "reason"), *sandbox = member_text(last, "sandbox"),
	     *state = member_text(member_raw(row, "schedule"), "state");

	json_open(&o, '{');
	json_kv_str(&o, "connection", p->connection->name);
	json_kv_str(&o, "integration", p->connection->integration->name);
	json_kv_str(&o, "sync", p->sync->name);
	json_kv_str(&o, "status", word);
	json_kv_str(&o, "state", state); /* of its schedule; null: no service said so */
	json_kv_bool(&o, "active", p->connection->active);
	time_put(&o, "last_run_at", member_int(last, "last_run_us", 0));
	time_put(&o, "last_success_at", success);
	time_put(&o, "due_at", due_us(row)); /* null: never by itself */
	json_kv_int(&o, "records", (int64_t)records_of(s, p));
	json_kv_raw(&o, "held", member_raw(row, "held"));
	json_kv_raw(&o, "alerts", member_raw(row, "alerts"));
	json_kv_int(&o, "dead_letters", member_int(row, "dead_letters", 0));
	json_kv_int(&o, "positions", member_int(row, "positions", 0));
	json_kv_int(&o, "failures", member_int(last, "failures", 0));
	json_kv_str(&o, "reason", p->connection->broken ? p->connection->broken : reason);
	json_kv_str(&o, "sandbox", sandbox);
	if (member_raw(row, "every").len) {
		json_kv_raw(&o, "every", member_raw(row, "every")); /* "": never by itself */
		json_kv_raw(&o, "own_interval", member_raw(row, "own_interval"));
	}
	schedule_json(&o, row);
	json_close(&o, '}');
	print_row(s->cli, buf_view(&out));
	buf_free(&out);
	free(reason);
	free(sandbox);
	free(state);
}

/* "11-23 07:22" in this year, else the day: a row fits a terminal of 120 characters. JSON has it exactly. */
static void
cell_time(struct table *t, int64_t us)
{
	char then[TIME_TEXT_MAX], now[TIME_TEXT_MAX], text[16] = "-";

	time_format(us, then);
	time_format(clock_wall_us(&clock_system), now);
	if (us && memcmp(then, now, 5) == 0)
		snprintf(text, sizeof text, "%.5s %.5s", then + 5, then + 11);
	else if (us)
		snprintf(text, sizeof text, "%.10s", then);
	table_cell(t, text);
}

/* How far a run has come, and what it waits for. */
static void
progress_note(struct standing *s, const char *name, struct slice progress)
{
	int64_t done = member_int(progress, "processed", 0), total = member_int(progress, "total", 0);
	char a[32], b[32], *waiting = member_text(progress, "waiting"), *limit = member_text(progress, "limit");
	struct buf what = {0};

	if (!progress.len)
		return;
	buf_printf(&s->notes, "%s: running: %s records, %s requests", name,
	           number_text((uint64_t)member_int(progress, "records", 0), a),
	           number_text((uint64_t)member_int(progress, "requests", 0), b));
	buf_printf(&s->notes, ", %s/s", number_text((uint64_t)member_int(progress, "records_per_second", 0), a));
	if (total)
		buf_printf(&s->notes, ", %s of %s", number_text((uint64_t)done, a), number_text((uint64_t)total, b));
	if (waiting) {
		buf_puts(&s->notes, "; ");
		buf_puts(&what, waiting);
		if (limit)
			buf_printf(&what, " '%s'", limit);
		until_put(&s->notes, buf_str(&what), member_int(progress, "until_us", 0));
	}
	buf_putc(&s->notes, '\n');
	buf_free(&what);
	free(limit);
	free(waiting);
}

static void
schedule_note(struct standing *s, const char *name, bool broken, struct slice row)
{
	struct slice schedule = member_raw(row, "schedule");
	char *word = live_word(row), *limit = member_text(schedule, "limit"), *trouble = member_text(schedule, "trouble");
	int64_t until_us = member_int(schedule, "until_us", 0);

	progress_note(s, name, member_raw(row, "progress"));
	if (word && (limit || until_us)) {
		buf_printf(&s->notes, "%s: ", name);
		until_put(&s->notes, word, until_us);
		buf_printf(&s->notes, "%s%s\n", limit ? ", by max_runs of the " : "", limit ? limit : "");
	}
	if (trouble && !broken) /* which has been told */
		buf_printf(&s->notes, "%s: %s\n", name, trouble);
	free(word);
	free(limit);
	free(trouble);
}

static void
alert_notes(struct standing *s, const char *name, struct slice alerts)
{
	struct json_iter it = json_iter(alerts);

	while (json_next(&it)) {
		char *text = member_text(it.value, "text"), *since = member_text(it.value, "since"), time[TIME_TEXT_MAX];
		buf_printf(&s->notes, "%s: alert since %s: %s\n", name, time_short(since, time), text ? text : "");
		free(text);
		free(since);
	}
}

static void
row_notes(struct standing *s, const struct pick *p, struct slice row)
{
	struct slice last = member_raw(row, "last");
	uint64_t held = held_sum(member_raw(row, "held"));
	int64_t letters = member_int(row, "dead_letters", 0);
	char *reason = member_text(last, "reason");
	char name[512];

	snprintf(name, sizeof name, "%s : %s : %s", p->connection->name, p->connection->integration->name,
	         p->sync->name);
	if (p->connection->broken && p->connection != s->told)
		buf_printf(&s->notes, "%s\n", p->connection->broken);
	s->told = p->connection;
	if (!p->connection->active)
		buf_printf(&s->notes, "%s: inactive (active = no): runs only when it is named\n", name);
	if (member_bool(row, "own_interval", false)) {
		char *every = member_text(row, "every");
		buf_printf(&s->notes, "%s: every %s, as an application asked over HTTP\n", name, every ? every : "");
		free(every);
	}
	if (reason && !json_string_is(member_raw(last, "status"), "success"))
		buf_printf(&s->notes, "%s: %s\n", name, reason);
	schedule_note(s, name, p->connection->broken != NULL, row);
	alert_notes(s, name, member_raw(row, "alerts"));
	if (held)
		buf_printf(&s->notes,
		           "%s: %llu delete%s held back, too many at once to be believed without a person: `sluice "
		           "confirm-deletes show %s --connection-id %s`\n",
		           name, (unsigned long long)held, held == 1 ? " is" : "s are", p->sync->name, p->connection->name);
	if (letters)
		buf_printf(&s->notes, "%s: %lld dead letter%s: `sluice dead-letters list --unresolved --connection-id %s`\n",
		           name, (long long)letters, letters == 1 ? "" : "s", p->connection->name);
	free(reason);
}

static void
row_text(struct standing *s, const struct pick *p, struct slice row, const char *word)
{
	struct slice last = member_raw(row, "last");
	int64_t success = member_int(last, "last_success_us", 0);
	char *sandbox = member_text(last, "sandbox"), *live = live_word(row);
	char n[32];

	table_cell(&s->table, p->connection->name);
	table_cell(&s->table, p->connection->integration->name);
	table_cell(&s->table, p->sync->name);
	table_cell(&s->table, live ? live : word);
	table_cell(&s->table, number_text(records_of(s, p), n));
	cell_time(&s->table, member_int(last, "last_run_us", 0));
	cell_time(&s->table, success);
	cell_time(&s->table, due_us(row));
	table_cell(&s->table, sandbox);
	row_notes(s, p, row);
	free(live);
	free(sandbox);
}

static void
status_row(void *arg, struct slice row)
{
	struct standing *s = arg;
	const struct pick *p = pick_of(s, row);
	char *word = p ? state_word(p, row) : NULL;

	if (p && row_shown(s, p, word) && s->cli->format == FORMAT_TEXT)
		row_text(s, p, row, word);
	else if (p && row_shown(s, p, word))
		row_json(s, p, row, word);
	free(word);
}

static void
status_question(const struct picks *picks, size_t from, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "status");
	json_key(&o, "syncs");
	json_open(&o, '[');
	for (size_t i = from; i < picks->n && i < from + ASKED_AT_ONCE; i++) {
		json_open(&o, '{');
		json_kv_str(&o, "connection", picks->list[i].connection->name);
		json_kv_str(&o, "integration", picks->list[i].connection->integration->name);
		json_kv_str(&o, "sync", picks->list[i].sync->name);
		json_close(&o, '}');
	}
	json_close(&o, ']');
	json_close(&o, '}');
}

/* Endpoints with which something is not as it should be. */
static void
webhook_notes(struct standing *s, struct slice webhooks)
{
	struct json_iter it = json_iter(webhooks);

	while (json_next(&it)) {
		char *name = member_text(it.value, "endpoint"), *state = member_text(it.value, "state"), *next, time[TIME_TEXT_MAX];
		char *trouble = member_text(it.value, "trouble"), *reason = member_text(it.value, "reason");
		int64_t failures = member_int(it.value, "failures", 0), pending = member_int(it.value, "pending", 0),
		        parked = member_int(it.value, "parked", 0);

		next = member_text(it.value, "next_try_at");
		if (state && strcmp(state, "left") == 0 && pending + parked)
			buf_printf(&s->notes, "webhook %s: its section is gone, %lld events of it are still there\n", name,
			           (long long)(pending + parked));
		else if (state && strcmp(state, "gone") == 0)
			buf_printf(&s->notes, "webhook %s: its receiver wants no more (410); %lld events wait: `sluice deliveries retry "
			           "--endpoint %s`\n", name, (long long)pending, name);
		else if (trouble && pending)
			buf_printf(&s->notes, "webhook %s: %s; %lld events wait\n", name, trouble, (long long)pending);
		else if (failures)
			buf_printf(&s->notes, "webhook %s: %s, %lld times in a row; next try %s, %lld events wait\n", name,
			           reason ? reason : "it failed", (long long)failures, time_short(next, time), (long long)pending);
		if (parked)
			buf_printf(&s->notes, "webhook %s: %lld events were given up: `sluice deliveries list --parked --endpoint %s`\n",
			           name, (long long)parked, name);
		free(name);
		free(state);
		free(next);
		free(trouble);
		free(reason);
	}
}

/* Events of providers that wait, and those that wait for a person. */
static void
event_notes(struct standing *s, struct slice events)
{
	struct json_iter it = json_iter(events);

	while (json_next(&it)) {
		char *connection = member_text(it.value, "connection"), *integration = member_text(it.value, "integration");
		bool dead = json_string_is(member_raw(it.value, "state"), "dead");
		long long n = member_int(it.value, "count", 0);

		buf_printf(&s->notes, "events of %s : %s: %lld %s: `sluice events list --%s`\n", connection, integration, n,
		           dead        ? (n == 1 ? "failed too often and was put aside" : "failed too often and were put aside")
		           : n == 1 ? "waits to be handled"
		                    : "wait to be handled",
		           dead ? "dead" : "waiting");
		free(connection);
		free(integration);
	}
}

static void
listen_note(struct standing *s, struct slice listens)
{
	struct json_iter it = json_iter(listens);
	const char *before = "Listens on ";

	if (json_type(listens) != JSON_ARRAY)
		return;
	while (json_next(&it)) {
		buf_puts(&s->notes, before);
		json_unquote(it.value, &s->notes);
		before = ", ";
	}
	buf_puts(&s->notes, *before == ',' ? "\n" : "Listens nowhere: [host] listen is none\n");
}

static int
status_ask(struct standing *s, struct err *err)
{
	static const char *const head[] = {"CONNECTION", "INTEGRATION",  "SYNC", "STATUS", "RECORDS",
	                                   "LAST RUN",   "LAST SUCCESS", "DUE",  "SANDBOX"};
	struct buf question = {0};
	int rc;

	s->table.columns = LENGTH(head);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&s->table, head[i]);
	rc = access_ask(s->access, SLICE("{\"query\":\"datasets\"}"), dataset_keep, s, &s->end, err);
	for (size_t from = 0; rc == 0 && (from == 0 || from < s->picks->n); from += ASKED_AT_ONCE) { /* of no sync too: of the host */
		buf_clear(&question);
		buf_clear(&s->end);
		status_question(s->picks, from, &question);
		rc = access_ask(s->access, buf_view(&question), status_row, s, &s->end, err);
	}
	if (rc == 0) {
		webhook_notes(s, member_raw(buf_view(&s->end), "webhooks"));
		event_notes(s, member_raw(buf_view(&s->end), "events"));
		listen_note(s, member_raw(buf_view(&s->end), "listens"));
	}
	buf_free(&question);
	return rc;
}

static void
status_show(struct standing *s)
{
	char *sandbox = table_fold(&s->table);

	table_print(&s->table, stdout);
	if (sandbox && *sandbox)
		printf("\nSandbox of every run: %s\n", sandbox);
	free(sandbox);
	if (s->notes.len)
		printf("\n%s", buf_str(&s->notes));
	if (s->cli->settings->host.sandbox == SANDBOX_SECCOMP_ONLY)
		puts("\nThe sandbox is seccomp-only, as [host] says: plugins could read files that every user may read "
		     "while they are loaded.");
	if (s->access->remote)
		puts("\nAnother process has the store open, and answered.");
}

static void
host_show(struct standing *s)
{
	static const char *const members[] = {"serving", "listens", "webhooks", "events", "file_bytes", "free_disk"};
	struct buf out = {0};
	struct json_out o = json_out(&out);

	if (s->cli->format == FORMAT_TEXT) {
		fputs(s->notes.len ? buf_str(&s->notes) : "No service runs here; nothing waits.\n", stdout);
		return;
	}
	json_open(&o, '{');
	for (size_t i = 0; i < LENGTH(members); i++) {
		struct slice value = member_raw(buf_view(&s->end), members[i]);
		json_kv_raw(&o, members[i], value.len ? value : SLICE("null"));
	}
	json_close(&o, '}');
	print_object(s->cli, buf_view(&out));
	buf_free(&out);
}

static int
command_status_run(struct cli *c)
{
	struct standing s = {.cli = c};
	struct access a;
	struct picks picks = {.looking = true, .manual = true};
	struct err err;
	int code;

	if (access_open(&a, c, false, &err) != 0)
		return cli_fail(c, &err);
	s.access = &a;
	s.picks = &picks;
	if ((!cli_has(c, "--host") && pick_syncs(c, a.host, &picks, &err) != 0) || status_ask(&s, &err) != 0) {
		code = cli_fail(c, &err);
	} else if (cli_has(c, "--host")) {
		host_show(&s);
		code = 0;
	} else {
		code = picks.exit;
		if (c->format == FORMAT_TEXT)
			status_show(&s);
		else
			print_end(c);
	}
	table_print(&s.table, stderr);
	idset_free(&s.datasets);
	free(s.live);
	buf_free(&s.notes);
	buf_free(&s.end);
	free(picks.list);
	access_close(&a);
	return code;
}

const struct command command_status = {
	.name = "status",
	.usage = "[--connection-id C] [--integration I] [--sync S] | --host",
	.summary = "Shows each sync: last run, last success, when due, records, what needs a person",
	.flags = flags,
	.run = command_status_run,
};
