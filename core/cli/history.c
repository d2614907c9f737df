/* history.c - `sluice history`: the runs, newest first; with --run one of them (cli/history_run.c). */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/history.h"

#define PAGE 1000 /* runs in one answer */

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only of this connection"},
	{"--integration", "I", "only of this integration"},
	{"--sync", "S", "only of this sync"},
	{"--status", "STATUS", "only those that ended so: success, partial, error, stopped, interrupted, running"},
	{"--since", "WHEN", "only those that began since then: 2h, 2026-11-23, 2026-11-23T08:00:00Z"},
	{"--before", "R", "only those before run R: to go on where a list ended"},
	{"--limit", "N", "at most N; 0: all; usually 20"},
	{"--run", "R", "this run with all its counts, waits, warnings and log"},
	{NULL, NULL, NULL},
};

struct past {
	struct cli *cli;
	struct table table;
	struct run_text *one;       /* --run */
	int64_t since_us;
	uint64_t run, left, before; /* left: rows that may still come; before: only older ones; 0: any */
};

static void
changes_text(struct slice counts, struct buf *out)
{
	static const char *const names[] = {"added", "updated", "deleted", "unchanged", "rejected", "held"};
	char n[32];

	for (size_t i = 0; i < LENGTH(names); i++)
		if (member_int(counts, names[i], 0))
			buf_printf(out, "%s%s %s", out->len ? ", " : "",
			           number_text((uint64_t)member_int(counts, names[i], 0), n), names[i]);
	if (!out->len)
		buf_puts(out, "nothing");
}

static void
run_text(struct past *p, struct slice row)
{
	static const char *const texts[] = {"connection", "integration", "sync", "status"};
	char number[24], time[TIME_TEXT_MAX], *text;
	struct slice error = member_raw(row, "error");
	struct buf changes = {0};

	snprintf(number, sizeof number, "%lld", (long long)member_int(row, "run", 0));
	table_cell(&p->table, number);
	text = member_text(row, "started_at");
	table_cell(&p->table, time_short(text, time));
	free(text);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		table_cell(&p->table, text = member_text(row, texts[i]));
		free(text);
	}
	table_cell(&p->table, duration_format(member_int(member_raw(row, "time"), "total_ms", 0), time));
	text = error.len ? member_text(error, "message") : NULL;
	changes_text(member_raw(row, "counts"), &changes);
	table_cell(&p->table, text ? text : buf_str(&changes));
	buf_free(&changes);
	free(text);
}

static void
run_row(void *arg, struct slice row)
{
	struct past *p = arg;

	p->left--;
	if (p->cli->format == FORMAT_TEXT && p->run)
		history_run_row(p->one, row);
	else if (p->cli->format == FORMAT_TEXT)
		run_text(p, row);
	else
		print_row(p->cli, row);
}

static void
question_write(const struct past *p, struct buf *out)
{
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--sync", "sync"}, {"--status", "status"}};
	const struct cli *c = p->cli;
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", p->run ? "run" : "history");
	json_kv_int(&o, "run", (int64_t)p->run);
	json_kv_int(&o, "limit", p->left < PAGE ? (int64_t)p->left : PAGE);
	json_kv_int(&o, "before", (int64_t)p->before);
	json_kv_int(&o, "since_us", p->since_us);
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(c, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(c, filters[i].flag));
	json_close(&o, '}');
}

/* Question after question: one answer looks at a bounded number of runs, whether they are asked for or not. */
static int
past_ask(struct past *p, struct access *a, struct err *err)
{
	struct buf question = {0}, end = {0};
	bool more = true;
	int rc = 0;

	p->left = p->left ? p->left : UINT64_MAX;
	while (rc == 0 && more) {
		buf_clear(&question);
		question_write(p, &question);
		rc = access_ask(a, buf_view(&question), run_row, p, &end, err);
		p->before = rc == 0 ? (uint64_t)member_int(buf_view(&end), "before", 0) : 0;
		more = !p->run && p->left && p->before && member_bool(buf_view(&end), "more", false);
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
past_begin(struct past *p, struct err *err)
{
	static const char *const words[] = {"success", "partial", "error", "stopped", "interrupted", "running", NULL};
	const char *status = cli_value(p->cli, "--status"), *near;

	for (size_t i = 0; status && (i == 0 || words[i - 1]); i++) {
		if (words[i] && strcmp(words[i], status) == 0)
			break;
		near = words[i] ? NULL : nearest(status, words);
		if (!words[i])
			return err_set(err, ERR_USAGE, "--status %s: no run ends so%s%s%s", status, near ? "; did you mean " : "",
			               near ? near : "", near ? "?" : "");
	}
	if (cli_number(p->cli, "--limit", 20, &p->left, err) != 0 || cli_number(p->cli, "--before", 0, &p->before, err) != 0 ||
	    cli_number(p->cli, "--run", 0, &p->run, err) != 0)
		return -1;
	return cli_since(p->cli, "--since", &p->since_us, err);
}

static int
command_history_run(struct cli *c)
{
	static const char *const head[] = {"RUN",  "STARTED", "CONNECTION", "INTEGRATION",
	                                   "SYNC", "STATUS",  "TOOK",       "CHANGES OR REASON"};
	struct run_text one = {0};
	struct past p = {.cli = c, .table.columns = LENGTH(head), .one = &one};
	struct access a = {0};
	struct err err;
	int rc = -1;

	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&p.table, head[i]);
	if (past_begin(&p, &err) == 0 && access_open(&a, c, false, &err) == 0)
		rc = past_ask(&p, &a, &err);
	if (c->format != FORMAT_TEXT && rc == 0)
		print_end(c);
	table_print(&p.table, stdout);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_history = {
	.name = "history",
	.usage = "[--connection-id C] [--integration I] [--sync S] [--status STATUS] [--since WHEN] [--before R] [--limit N] [--run R]",
	.summary = "Shows past runs, newest first; with --run one of them and its log",
	.flags = flags,
	.run = command_history_run,
};
