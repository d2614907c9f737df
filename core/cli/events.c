/* events.c - `sluice events`: what providers sent is listed and shown; what was put aside is tried again or dropped.
 *
 * Awkward: a body may hold personal data of any model, in any shape, so as text it is shown by `show` alone, and only when asked
 * for with --body. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/verbs.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only of this connection"},
	{"--integration", "I", "only of this integration"},
	{"--type", "T", "list: only of this type"},
	{"--waiting", NULL, "list: only those that wait to be handled"},
	{"--done", NULL, "list: only those that were handled"},
	{"--dead", NULL, "list: only those that were put aside"},
	{"--body", NULL, "show: with what the provider sent"},
	{"--limit", "N", "list: at most N; usually 100"},
	{"--cursor", "N", "list: only those before this number"},
	{NULL, NULL, NULL},
};

struct events_asked {
	struct cli *cli;
	struct access access;
	struct table table;
	struct buf row; /* the one that was asked for */
};

static void
row_keep(void *arg, struct slice row)
{
	struct events_asked *e = arg;

	buf_clear(&e->row);
	buf_slice(&e->row, row);
}

/* ---- list ---- */

static void
list_row(void *arg, struct slice row)
{
	static const char *const texts[] = {"state", "arrived_at", "connection", "integration", "type", "id", "reason"};
	struct events_asked *e = arg;
	char n[24], time[TIME_TEXT_MAX], *text;

	if (e->cli->format != FORMAT_TEXT) {
		print_row(e->cli, row);
		return;
	}
	snprintf(n, sizeof n, "%lld", (long long)member_int(row, "number", 0));
	table_cell(&e->table, n);
	snprintf(n, sizeof n, "%lld", (long long)member_int(row, "attempts", 0));
	table_cell(&e->table, n);
	for (size_t i = 0; i < LENGTH(texts); i++) {
		text = member_text(row, texts[i]);
		table_cell(&e->table, i == 1 ? time_short(text, time) : text);
		free(text);
	}
}

static int
list_run(void *arg, struct err *err)
{
	struct events_asked *e = arg;
	static const char *const head[] = {"NUMBER", "FAILED", "STATE", "ARRIVED", "CONNECTION", "INTEGRATION", "TYPE", "ID", "REASON"};
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--type", "type"}, {"--cursor", "cursor"}};
	static const char *const states[] = {"--waiting", "--done", "--dead"};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	uint64_t limit;
	int rc = cli_number(e->cli, "--limit", 100, &limit, err);

	e->table.columns = LENGTH(head);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&e->table, head[i]);
	json_open(&o, '{');
	json_kv_str(&o, "query", "events");
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(e->cli, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(e->cli, filters[i].flag));
	for (size_t i = 0; i < LENGTH(states); i++)
		if (cli_has(e->cli, states[i]))
			json_kv_str(&o, "state", states[i] + 2);
	json_kv_int(&o, "limit", (int64_t)limit);
	json_close(&o, '}');
	if (rc == 0)
		rc = access_ask(&e->access, buf_view(&question), list_row, e, &end, err);
	table_print(&e->table, stdout);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- show ---- */

static void
show_text(const struct events_asked *e)
{
	static const char *const texts[] = {"connection", "integration", "webhook",     "type",    "id",         "state", "attempts",
	                                    "reason",     "arrived_at",  "happened_at", "next_at", "settled_at", "run",   "bytes"};
	struct slice row = buf_view(&e->row), value;

	for (size_t i = 0; i < LENGTH(texts); i++) {
		char *text = member_text(row, texts[i]);
		if (text)
			printf("%-12s %s\n", texts[i], text);
		else if (json_member(row, texts[i], &value) && json_type(value) == JSON_NUMBER)
			printf("%-12s %.*s\n", texts[i], (int)value.len, value.p);
		free(text);
	}
	if (cli_has(e->cli, "--body") && json_member(row, "body", &value))
		printf("\n%.*s\n", (int)value.len, value.p);
}

static int
show_run(void *arg, struct err *err)
{
	struct events_asked *e = arg;
	struct buf question = {0}, end = {0};
	int64_t number;
	int rc;

	if (e->cli->n_args != 2)
		return err_set(err, ERR_USAGE, "show wants one number: sluice events show NUMBER");
	if (verb_number(e->cli, 1, &number, err) != 0)
		return -1;
	buf_printf(&question, "{\"query\":\"event\",\"number\":%lld}", (long long)number);
	rc = access_ask(&e->access, buf_view(&question), row_keep, e, &end, err);
	if (rc == 0 && e->cli->format == FORMAT_TEXT)
		show_text(e);
	else if (rc == 0)
		print_row(e->cli, buf_view(&e->row));
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- retry and drop ---- */

static int
change_run(struct events_asked *e, const char *query, const char *said, const char *told, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int64_t n;
	int rc;

	if (e->cli->n_args < 2)
		return err_set(err, ERR_USAGE, "%s wants numbers: `sluice events list --dead` shows them", e->cli->args[0]);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	rc = verb_numbers_put(e->cli, &o, err);
	json_close(&o, '}');
	if (rc == 0)
		rc = access_ask(&e->access, buf_view(&question), row_keep, e, &end, err);
	if (rc == 0) {
		n = member_int(buf_view(&end), said, 0);
		if (e->cli->format == FORMAT_TEXT)
			printf("%lld event%s %s\n", (long long)n, n == 1 ? "" : "s", told);
		else
			printf("{\"%s\":%lld}\n", said, (long long)n);
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
retry_run(void *arg, struct err *err)
{
	return change_run(arg, "retry_events", "waiting", "will be handled again", err);
}

static int
drop_run(void *arg, struct err *err)
{
	return change_run(arg, "drop_events", "dropped", "dropped", err);
}

static const struct cli_verb verbs[] = {
	{"list", .rows = true, .run = list_run}, {"show", .run = show_run}, {"retry", .run = retry_run}, {"drop", .run = drop_run}, {0}};

static int
command_events_run(struct cli *c)
{
	struct events_asked e = {.cli = c};
	struct err err = {0};
	int rc = verb_run(c, verbs, &e.access, &e, &err);

	buf_free(&e.row);
	return rc != 0 ? cli_fail(c, &err) : 0;
}

const struct command command_events = {
	.name = "events",
	.usage = "list | show NUMBER | retry NUMBER... | drop NUMBER...",
	.summary = "Lists events that providers sent, shows them, and has those that failed handled again or dropped",
	.help = "An event waits until its connector has handled it. One that fails is tried again a few times and then put aside\n"
                "(dead), so that the next go on; retry has it wait again, behind nothing but its number. What was handled is kept\n"
                "for keep_events, so that the same event sent again is known.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1000,
	.run = command_events_run,
};
