/* steps.c - `sluice steps R`: the steps of a run, one after the other, with what each took and changed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

#define PAGE 1000 /* steps in one answer */

static const struct cli_flag flags[] = {
	{"--after", "N", "only those behind step N"},
	{"--limit", "N", "at most N; 0: all, as usual"},
	{NULL, NULL, NULL},
};

struct steps {
	struct cli *cli;
	struct table table;
	struct buf notes; /* why steps failed */
	uint64_t run, after, left;
};

static void
changed_cell(struct table *t, struct slice counts)
{
	char text[96];

	snprintf(text, sizeof text, "+%lld ~%lld -%lld", (long long)member_int(counts, "added", 0),
	         (long long)member_int(counts, "updated", 0), (long long)member_int(counts, "deleted", 0));
	table_cell(t, text);
}

static void
number_cell(struct table *t, struct slice object, const char *name)
{
	char n[32];

	table_cell(t, number_text((uint64_t)member_int(object, name, 0), n));
}

static void
text_cells(struct steps *s, struct slice row)
{
	struct slice counts = member_raw(row, "counts"), time = member_raw(row, "time"), place = member_raw(row, "position");
	int64_t began = member_time(row, "started_at"), ended = member_time(row, "finished_at");
	char *text, short_text[TIME_TEXT_MAX];
	struct buf cut = {0};

	number_cell(&s->table, row, "step");
	number_cell(&s->table, row, "attempt");
	table_cell(&s->table, text = member_text(row, "status"));
	free(text);
	text = member_text(row, "started_at");
	table_cell(&s->table, time_short(text, short_text));
	free(text);
	table_cell(&s->table, ended ? duration_format((ended - began) / 1000, short_text) : "-");
	table_cell(&s->table, duration_format(member_int(time, "rate_limit_ms", 0) + member_int(time, "retry_ms", 0), short_text));
	number_cell(&s->table, counts, "requests");
	number_cell(&s->table, counts, "fetched");
	changed_cell(&s->table, counts);
	number_cell(&s->table, counts, "rejected");
	text = member_text(place, "after");
	text_cut(&cut, text ? text : "", 40);
	table_cell(&s->table, cut.len ? buf_str(&cut) : "-");
	buf_free(&cut);
	free(text);
}

static void
step_row(void *arg, struct slice row)
{
	struct steps *s = arg;
	char *why;

	s->left--;
	if (s->cli->format != FORMAT_TEXT) {
		print_row(s->cli, row);
		return;
	}
	text_cells(s, row);
	why = member_text(member_raw(row, "error"), "message");
	if (why)
		buf_printf(&s->notes, "step %lld: %s\n", (long long)member_int(row, "step", 0), why);
	free(why);
}

static int
steps_ask(struct steps *s, struct access *a, struct err *err)
{
	struct buf question = {0}, end = {0};
	bool more = true;
	int rc = 0;

	while (rc == 0 && more && s->left) {
		struct json_out o;
		buf_clear(&question);
		o = json_out(&question);
		json_open(&o, '{');
		json_kv_str(&o, "query", "steps");
		json_kv_int(&o, "run", (int64_t)s->run);
		json_kv_int(&o, "after", (int64_t)s->after);
		json_kv_int(&o, "limit", s->left < PAGE ? (int64_t)s->left : PAGE);
		json_close(&o, '}');
		rc = access_ask(a, buf_view(&question), step_row, s, &end, err);
		s->after = rc == 0 ? (uint64_t)member_int(buf_view(&end), "after", 0) : s->after;
		more = rc == 0 && member_bool(buf_view(&end), "more", false);
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
steps_begin(struct steps *s, struct err *err)
{
	const char *text = s->cli->args[0];
	char *end;

	errno = 0;
	s->run = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		return err_set(err, ERR_USAGE, "'%s' is no number of a run: `sluice history` shows them", text);
	if (cli_number(s->cli, "--after", 0, &s->after, err) != 0 || cli_number(s->cli, "--limit", 0, &s->left, err) != 0)
		return -1;
	s->left = s->left ? s->left : UINT64_MAX;
	return 0;
}

static int
command_steps_run(struct cli *c)
{
	static const char *const head[] = {"STEP",     "TRY",     "STATUS",   "STARTED",  "TOOK", "HELD UP",
	                                   "REQUESTS", "FETCHED", "CHANGED",  "REJECTED", "THEN AT"};
	struct steps s = {.cli = c, .table.columns = LENGTH(head)};
	struct access a = {0};
	struct err err;
	int rc = -1;

	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&s.table, head[i]);
	if (steps_begin(&s, &err) == 0 && access_open(&a, c, false, &err) == 0)
		rc = steps_ask(&s, &a, &err);
	if (c->format != FORMAT_TEXT && rc == 0)
		print_end(c);
	table_print(&s.table, stdout);
	if (s.notes.len)
		printf("\n%s", buf_str(&s.notes));
	buf_free(&s.notes);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_steps = {
	.name = "steps",
	.usage = "RUN [--after N] [--limit N]",
	.summary = "Shows the steps of a run: how long each took, what it fetched and changed, where it stood then",
	.help = "HELD UP is the time spent waiting for rate limits and before retries. RUN is a number of `sluice history`.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_steps_run,
};
