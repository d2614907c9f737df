/* deliveries.c - `sluice deliveries`: the events of webhooks that wait, were given up or were taken lately.
 *
 * Awkward: an event's body holds records; as text only its size is shown, --format json shows all of it. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/verbs.h"

#define PAGE 1000 /* events in one answer */

static const struct cli_flag flags[] = {
        {"--endpoint", "NAME", "of this [webhook NAME]; not needed where there is one"},
        {"--parked", NULL, "list, retry, drop: those that were given up"},
        {"--delivered", NULL, "list: the last that were taken, the newest first"},
        {"--pending", NULL, "drop: those that wait"},
        {"--limit", "N", "list: at most N; 0: all; usually 100"},
        {"--cursor", "N", "list: only those after this number"},
        {NULL, NULL, NULL},
};

struct column { /* the list ends with a NULL member */
	const char *member, *head;
};

struct deliveries {
	struct cli *cli;
	struct access access;
	struct table table;
	uint64_t shown;
	const struct column *columns;
	struct buf row;
};

static struct json_out
question_begin(const struct cli *c, struct buf *out, const char *query)
{
	struct json_out o;

	buf_clear(out);
	o = json_out(out);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	if (cli_value(c, "--endpoint"))
		json_kv_str(&o, "endpoint", cli_value(c, "--endpoint"));
	return o;
}

/* ---- rows ---- */

static bool
is_time(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, "_at") == 0;
}

static void
row_show(void *arg, struct slice row)
{
	struct deliveries *d = arg;
	char time[TIME_TEXT_MAX], *text;

	d->shown++;
	if (d->cli->format != FORMAT_TEXT) {
		print_row(d->cli, row);
		return;
	}
	for (const struct column *c = d->columns; c->member; c++) {
		text = member_text(row, c->member);
		table_cell(&d->table, is_time(c->member) ? time_short(text, time) : text ? text : "");
		free(text);
	}
}

static void
table_begin(struct deliveries *d, const struct column *columns)
{
	d->columns = columns;
	while (columns[d->table.columns].member)
		d->table.columns++;
	for (size_t i = 0; i < d->table.columns; i++)
		table_cell(&d->table, columns[i].head);
}

/* ---- endpoints, list, show ---- */

static int
endpoints_run(void *arg, struct err *err)
{
	struct deliveries *d = arg;
	static const struct column columns[] = {
		{"endpoint", "WEBHOOK"},   {"state", "STATE"},              {"pending", "WAITING"},   {"parked", "PARKED"},
		{"delivered", "DELIVERED"}, {"delivered_at", "LAST"},       {"failures", "FAILURES"}, {"next_try_at", "NEXT TRY"},
		{"trouble", "TROUBLE"},    {"reason", "LAST FAILURE"},      {NULL, NULL}};
	struct buf question = {0}, end = {0};
	struct json_out o = question_begin(d->cli, &question, "endpoints");
	int rc;

	json_close(&o, '}');
	table_begin(d, columns);
	rc = access_ask(&d->access, buf_view(&question), row_show, d, &end, err);
	if (rc == 0 && d->shown == 0 && d->cli->format == FORMAT_TEXT)
		puts("There is no webhook: a [webhook NAME] section makes one.");
	table_print(&d->table, stdout);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
list_run(void *arg, struct err *err)
{
	struct deliveries *d = arg;
	static const struct column waiting[] = {
		{"number", "NUMBER"},     {"type", "TYPE"},          {"id", "ID"},                {"made_at", "MADE"},
		{"attempts", "ATTEMPTS"}, {"last_try_at", "LAST TRY"}, {"next_try_at", "NEXT TRY"}, {"bytes", "BYTES"},
		{"reason", "REASON"},     {NULL, NULL}};
	static const struct column taken[] = {{"delivered_at", "DELIVERED"}, {"type", "TYPE"},     {"id", "ID"},
	                                      {"attempts", "ATTEMPTS"},      {"status", "STATUS"}, {"duration_ms", "MS"},
	                                      {NULL, NULL}};
	bool delivered = cli_has(d->cli, "--delivered"), more = true;
	char *cursor = cli_value(d->cli, "--cursor") ? xstrdup(cli_value(d->cli, "--cursor")) : NULL;
	struct buf question = {0}, end = {0};
	uint64_t limit;
	int rc = cli_number(d->cli, "--limit", 100, &limit, err);

	table_begin(d, delivered ? taken : waiting);
	limit = limit ? limit : UINT64_MAX;
	while (rc == 0 && more && d->shown < limit) {
		struct json_out o = question_begin(d->cli, &question, "deliveries");
		json_kv_str(&o, "state", delivered ? "delivered" : cli_has(d->cli, "--parked") ? "parked" : "pending");
		json_kv_int(&o, "limit", limit - d->shown < PAGE ? (int64_t)(limit - d->shown) : PAGE);
		if (cursor)
			json_kv_str(&o, "cursor", cursor);
		json_close(&o, '}');
		buf_clear(&end);
		rc = access_ask(&d->access, buf_view(&question), row_show, d, &end, err);
		free(cursor);
		cursor = rc == 0 ? member_text(buf_view(&end), "cursor") : NULL;
		more = rc == 0 && member_bool(buf_view(&end), "more", false);
	}
	table_print(&d->table, stdout);
	free(cursor);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static void
row_keep(void *arg, struct slice row)
{
	struct deliveries *d = arg;

	buf_clear(&d->row);
	buf_slice(&d->row, row);
}

static int
show_run(void *arg, struct err *err)
{
	struct deliveries *d = arg;
	static const char *const texts[] = {"endpoint",  "number",   "id",           "type",        "state",
	                                    "made_at",   "attempts", "first_try_at", "last_try_at", "next_try_at",
	                                    "parked_at", "reason",   "bytes"};
	struct buf question = {0}, end = {0};
	struct json_out o = question_begin(d->cli, &question, "delivery");
	int64_t number;
	int rc = -1;

	if (d->cli->n_args != 2)
		err_set(err, ERR_USAGE, "show wants one number: sluice deliveries show NUMBER");
	else
		rc = verb_number(d->cli, 1, &number, err);
	if (rc == 0) {
		json_kv_int(&o, "number", number);
		json_close(&o, '}');
		rc = access_ask(&d->access, buf_view(&question), row_keep, d, &end, err);
	}
	if (rc == 0 && d->cli->format != FORMAT_TEXT)
		print_object(d->cli, buf_view(&d->row));
	for (size_t i = 0; rc == 0 && d->cli->format == FORMAT_TEXT && i < LENGTH(texts); i++) {
		char *text = member_text(buf_view(&d->row), texts[i]);
		printf("%-13s %s\n", texts[i], text ? text : "-");
		free(text);
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- retry, drop ---- */

static int
change_run(struct deliveries *d, const char *query, struct buf *end, struct err *err)
{
	struct buf question = {0};
	struct json_out o = question_begin(d->cli, &question, query);
	int rc = verb_numbers_put(d->cli, &o, err);

	json_kv_bool(&o, "parked", cli_has(d->cli, "--parked"));
	json_kv_bool(&o, "pending", cli_has(d->cli, "--pending"));
	json_close(&o, '}');
	if (rc == 0)
		rc = access_ask(&d->access, buf_view(&question), row_none, NULL, end, err);
	buf_free(&question);
	if (rc == 0 && d->cli->format != FORMAT_TEXT)
		print_object(d->cli, buf_view(end));
	return rc;
}

static int
retry_run(void *arg, struct err *err)
{
	struct deliveries *d = arg;
	struct buf end = {0};
	char *name = NULL;
	int64_t n;
	int rc = change_run(d, "retry_deliveries", &end, err);

	if (rc == 0 && d->cli->format == FORMAT_TEXT) {
		name = member_text(buf_view(&end), "endpoint");
		n = member_int(buf_view(&end), "queued", 0);
		if (n)
			printf("webhook %s: %lld event%s will be tried again\n", name, (long long)n, n == 1 ? "" : "s");
		else
			printf("webhook %s: what waits is tried now\n", name);
	}
	free(name);
	buf_free(&end);
	return rc;
}

static int
drop_run(void *arg, struct err *err)
{
	struct deliveries *d = arg;
	struct buf end = {0};
	char *name = NULL;
	int rc;

	if (d->cli->n_args < 2 && !cli_has(d->cli, "--parked") && !cli_has(d->cli, "--pending"))
		return err_set(err, ERR_USAGE,
		               "drop wants numbers, --parked or --pending: what is dropped is never delivered");
	rc = change_run(d, "drop_deliveries", &end, err);
	if (rc == 0 && d->cli->format == FORMAT_TEXT) {
		int64_t n = member_int(buf_view(&end), "dropped", 0);

		name = member_text(buf_view(&end), "endpoint");
		printf("webhook %s: %lld event%s dropped\n", name, (long long)n, n == 1 ? "" : "s");
	}
	free(name);
	buf_free(&end);
	return rc;
}

static const struct cli_verb verbs[] = {
	{"endpoints", .rows = true, .run = endpoints_run},
	{"list", .rows = true, .run = list_run},
	{"show", .run = show_run},
	{"retry", .writes = true, .run = retry_run},
	{"drop", .writes = true, .run = drop_run},
	{0},
};

static int
command_deliveries_run(struct cli *c)
{
	struct deliveries d = {.cli = c};
	struct err err = {0};
	int rc = verb_run(c, verbs, &d.access, &d, &err);

	buf_free(&d.row);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_deliveries = {
        .name = "deliveries",
        .usage = "endpoints | list [--parked | --delivered] | show NUMBER | retry [NUMBER... | --parked] | drop "
                 "NUMBER... | --parked | "
                 "--pending",
        .summary = "Lists events of webhooks that wait, were given up or taken, and has them tried again or dropped",
        .help = "An event is tried until its receiver takes it, at most give_up long, and those behind it wait: order "
                "holds. Then "
                "it is\n"
                "parked. retry puts parked ones to the end of their queue, with the same id; without numbers it has "
                "what waits\n"
                "tried now, also at an endpoint that answered 410. drop is for good: the receiver is not told of that "
                "change.",
        .flags = flags,
        .args_min = 1,
        .args_max = 1000,
        .run = command_deliveries_run,
};
