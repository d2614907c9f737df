/* status.c - `sluice status`: how things stand, from the store's facts and the connectors' declarations. A row for each sync;
 * what a person should know besides stands below the table (status_notes.c), in JSON in the row.
 *
 * Who has the store open answers: first with the datasets, for the records of each sync, then with a thousand syncs at a
 * time. Awkward: rows come in the order in which they were asked for, without those that went meanwhile. */
#include <stdlib.h>
#include <string.h>
#include "base/json_time.h"
#include "base/mem.h"
#include "cli/status_notes.h"
#include "run/idset.h"
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
	struct status_notes notes;
	struct buf end; /* what was told besides the rows: of the host */
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

/* One that only a person starts is of interest once somebody did. */
static bool
row_shown(const struct standing *s, const struct pick *p, const char *word)
{
	return !(p->sync->flags & SLUICE_MANUAL) || cli_value(s->cli, "--sync") || strcmp(word, "never") != 0;
}

static void
schedule_json(struct json_out *o, struct slice row)
{
	static const char *const texts[] = {"state", "limit", "after", "trouble"};
	struct slice schedule = member_raw(row, "schedule"), progress = member_raw(row, "progress");

	json_key(o, "schedule");
	if (schedule.len) {
		json_open(o, '{');
		for (size_t i = 0; i < LENGTH(texts); i++)
			json_kv_raw(o, texts[i], member_raw(schedule, texts[i]));
		json_kv_bool(o, "asked", member_bool(schedule, "asked", false));
		json_kv_time(o, "until", member_int(schedule, "until_us", 0));
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
	pick_names_put(&o, p);
	json_kv_str(&o, "status", word);
	json_kv_str(&o, "state", state); /* of its schedule; null: no service said so */
	json_kv_bool(&o, "active", p->connection->active);
	json_kv_time(&o, "last_run_at", member_int(last, "last_run_us", 0));
	json_kv_time(&o, "last_success_at", success);
	json_kv_time(&o, "due_at", due_us(row)); /* null: never by itself */
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

static void
row_text(struct standing *s, const struct pick *p, struct slice row, const char *word)
{
	struct slice last = member_raw(row, "last");
	int64_t success = member_int(last, "last_success_us", 0);
	char *sandbox = member_text(last, "sandbox"), *live = status_live_word(row);
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
	notes_sync(&s->notes, p, row);
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
		picks_question(s->picks, from, ASKED_AT_ONCE, &question);
		rc = access_ask(s->access, buf_view(&question), status_row, s, &s->end, err);
	}
	if (rc == 0)
		notes_host(&s->notes, buf_view(&s->end));
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
	if (s->notes.text.len)
		printf("\n%s", buf_str(&s->notes.text));
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
		fputs(s->notes.text.len ? buf_str(&s->notes.text) : "No service runs here; nothing waits.\n", stdout);
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
	buf_free(&s.notes.text);
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
