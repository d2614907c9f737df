/* dead_letters.c - `sluice dead-letters list` and `show`: records that could not be saved, why, and what they were. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

#define PAGE 1000 /* letters in one answer */

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only of this connection"},
	{"--integration", "I", "only of this integration"},
	{"--sync", "S", "only of this sync"},
	{"--limit", "N", "at most N; 0: all; usually 100"},
	{"--cursor", "N", "only those after this number"},
	{NULL, NULL, NULL},
};

struct letters {
	struct cli *cli;
	struct table table;
	uint64_t left; /* that may still come */
	char cursor[24];
};

static void
letter_text(struct letters *l, struct slice row)
{
	static const char *const texts[] = {"connection", "integration", "sync", "model", "id", "reason"};
	char number[24], time[TIME_TEXT_MAX], *text;

	snprintf(number, sizeof number, "%lld", (long long)member_int(row, "number", 0));
	table_cell(&l->table, number);
	text = member_text(row, "last_at");
	table_cell(&l->table, time_short(text, time));
	free(text);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		table_cell(&l->table, text = member_text(row, texts[i]));
		free(text);
	}
}

static void
list_row(void *arg, struct slice row)
{
	struct letters *l = arg;

	l->left--;
	if (l->cli->format == FORMAT_TEXT)
		letter_text(l, row);
	else
		print_row(l->cli, row);
}

/* The raw text stands below the facts, since it may be long and need not be JSON. */
static void
show_row(void *arg, struct slice row)
{
	static const char *const texts[] = {"connection", "integration", "sync",     "model",   "id",       "reason",
	                                    "attempts",   "run",         "first_at", "last_at", "raw_bytes"};
	struct letters *l = arg;
	char *text;

	if (l->cli->format != FORMAT_TEXT) {
		print_object(l->cli, row);
		return;
	}
	for (size_t i = 0; i < LENGTH(texts); i++) {
		text = member_text(row, texts[i]);
		printf("%-12s %s\n", texts[i], text ? text : "-");
		free(text);
	}
	text = member_text(row, "raw");
	printf("\n%s\n", text ? text : "");
	free(text);
}

static int
question_write(const struct letters *l, struct buf *out, bool show, struct err *err)
{
	const struct cli *c = l->cli;
	struct json_out o = json_out(out);
	char *end = NULL;

	json_open(&o, '{');
	json_kv_str(&o, "query", show ? "dead_letter" : "dead_letters");
	json_kv_int(&o, "limit", l->left < PAGE ? (int64_t)l->left : PAGE);
	if (show)
		json_kv_int(&o, "number", (int64_t)strtoull(c->args[1], &end, 10));
	if (*l->cursor)
		json_kv_str(&o, "cursor", l->cursor);
	if (cli_value(c, "--connection-id"))
		json_kv_str(&o, "connection", cli_value(c, "--connection-id"));
	if (cli_value(c, "--integration"))
		json_kv_str(&o, "integration", cli_value(c, "--integration"));
	if (cli_value(c, "--sync"))
		json_kv_str(&o, "sync", cli_value(c, "--sync"));
	json_close(&o, '}');
	return show && *end ? err_set(err, ERR_USAGE, "'%s' is no dead letter's number", c->args[1]) : 0;
}

/* Question after question: one answer looks at a bounded number of letters, whether they are asked for or not. */
static int
letters_ask(struct letters *l, struct access *a, bool show, struct err *err)
{
	struct buf question = {0}, end = {0};
	bool more = true;
	int rc = 0;

	l->left = l->left ? l->left : UINT64_MAX;
	while (rc == 0 && more) {
		buf_clear(&question);
		rc = question_write(l, &question, show, err);
		if (rc == 0)
			rc = access_ask(a, buf_view(&question), show ? show_row : list_row, l, &end, err);
		more = rc == 0 && !show && l->left && member_bool(buf_view(&end), "more", false);
		if (more)
			snprintf(l->cursor, sizeof l->cursor, "%lld", (long long)member_int(buf_view(&end), "cursor", 0));
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
command_dead_letters_run(struct cli *c)
{
	static const char *const head[] = {"NUMBER", "LAST SEEN", "CONNECTION", "INTEGRATION",
	                                   "SYNC",   "MODEL",     "ID",         "REASON"};
	struct letters l = {.cli = c, .table.columns = LENGTH(head)};
	struct access a = {0};
	bool show = strcmp(c->args[0], "show") == 0;
	struct err err;
	int rc = -1;

	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&l.table, head[i]);
	if (cli_value(c, "--cursor"))
		snprintf(l.cursor, sizeof l.cursor, "%s", cli_value(c, "--cursor"));
	if ((!show && strcmp(c->args[0], "list") != 0) || (show && c->n_args != 2))
		err_set(&err, ERR_USAGE, "usage: sluice dead-letters %s", c->command->usage);
	else if (cli_number(c, "--limit", 100, &l.left, &err) == 0 && access_open(&a, c, false, &err) == 0)
		rc = letters_ask(&l, &a, show, &err);
	if (c->format != FORMAT_TEXT && rc == 0 && !show)
		print_end(c);
	table_print(&l.table, stdout);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_dead_letters = {
	.name = "dead-letters",
	.usage = "list [--connection-id C] [--sync S] [--limit N] [--cursor N] | show NUMBER",
	.summary = "Lists records that could not be saved, or shows one with its raw data",
	.help = "A later good record of the same id resolves its letter.",
	.flags = flags,
	.args_min = 1,
	.args_max = 2,
	.run = command_dead_letters_run,
};
