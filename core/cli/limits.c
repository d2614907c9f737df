/* limits.c - `sluice limits`: each rate limit and quota that is in use, how much of it is used, and who waits for it.
 *
 * Beside a host that syncs they are as they stand this moment; else as the last process left them. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only limits that this connection's requests pass"},
	{NULL, NULL, NULL},
};

struct limits {
	struct cli *cli;
	struct table table;
	struct buf notes; /* lines below the table */
	size_t n;
};

/* "7 of 50/1m"; "-" where nothing is limited. */
static void
used_cell(struct table *t, struct slice of)
{
	int64_t n = member_int(of, "requests", 0);
	char span[TIME_TEXT_MAX], used[32], most[32], text[128] = "-";

	if (n)
		snprintf(text, sizeof text, "%s of %s/%s", number_text((uint64_t)member_int(of, "used", 0), used),
		         number_text((uint64_t)n, most), duration_format(member_int(of, "per_ms", 0), span));
	table_cell(t, text);
}

static void
number_cell(struct table *t, struct slice number)
{
	char text[32];
	int64_t n;

	table_cell(t, json_int(number, &n) ? number_text((uint64_t)n, text) : "-");
}

static void
limit_notes(struct limits *l, const char *name, struct slice row)
{
	char *until = member_text(row, "paused_until"), *reason = member_text(row, "reason"),
	     *end = member_text(member_raw(row, "quota"), "used_up_at"), at[TIME_TEXT_MAX];
	struct json_iter it = json_iter(member_raw(row, "waiting"));

	if (reason)
		buf_printf(&l->notes, "%s: nothing is sent until %s: %s\n", name, time_short(until, at), reason);
	if (end)
		buf_printf(&l->notes, "%s: at the pace so far the quota is used up at %s\n", name, time_short(end, at));
	while (json_next(&it)) {
		char *connection = member_text(it.value, "connection"), *integration = member_text(it.value, "integration"),
		     *sync = member_text(it.value, "sync");
		buf_printf(&l->notes, "%s: %s : %s%s%s waits for it\n", name, connection, integration, sync ? " : " : "",
		           sync ? sync : "");
		free(connection);
		free(integration);
		free(sync);
	}
	free(until);
	free(reason);
	free(end);
}

static void
limit_row(void *arg, struct slice row)
{
	struct limits *l = arg;
	char *name, *until, at[TIME_TEXT_MAX];

	l->n++;
	if (l->cli->format != FORMAT_TEXT) {
		print_row(l->cli, row);
		return;
	}
	name = member_text(row, "limit");
	until = member_text(row, "paused_until");
	table_cell(&l->table, name);
	used_cell(&l->table, row);
	number_cell(&l->table, member_raw(row, "remaining"));
	used_cell(&l->table, member_raw(row, "quota"));
	table_cell(&l->table, time_short(until, at));
	number_cell(&l->table, member_raw(row, "waiting_requests"));
	limit_notes(l, name, row);
	free(name);
	free(until);
}

static int
limits_ask(struct limits *l, struct access *a, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "limits");
	if (cli_value(l->cli, "--connection-id"))
		json_kv_str(&o, "connection", cli_value(l->cli, "--connection-id"));
	json_close(&o, '}');
	rc = access_ask(a, buf_view(&question), limit_row, l, &end, err);
	if (rc == 0 && l->cli->format == FORMAT_TEXT && l->n && !member_bool(buf_view(&end), "live", false))
		buf_puts(&l->notes, "No host syncs: this is what the last one left.\n");
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* One that passes no limit yet is not the same as one that is not there. */
static int
connection_known(const struct cli *c, struct err *err)
{
	const struct settings *s = c->settings;
	const char *name = cli_value(c, "--connection-id"), *near, **names;
	bool known = !name;

	names = xcalloc(s->n_connections + 1, sizeof *names);
	for (size_t i = 0; i < s->n_connections; i++) {
		names[i] = s->connections[i]->name;
		known |= name && strcmp(name, names[i]) == 0;
	}
	near = known ? NULL : nearest(name, names);
	free(names);
	return known ? 0 : err_set(err, ERR_USAGE, "there is no connection '%s'%s%s%s", name, near ? "; did you mean '" : "",
	                           near ? near : "", near ? "'?" : "");
}

static int
command_limits_run(struct cli *c)
{
	static const char *const head[] = {"LIMIT", "USED", "LEFT, AS TOLD", "QUOTA USED", "NOTHING UNTIL", "WAITING"};
	struct limits l = {.cli = c, .table.columns = LENGTH(head)};
	struct access a;
	struct err err;
	int rc;

	if (connection_known(c, &err) != 0 || access_open(&a, c, false, &err) != 0)
		return cli_fail(c, &err);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&l.table, head[i]);
	rc = limits_ask(&l, &a, &err);
	if (c->format != FORMAT_TEXT && rc == 0)
		print_end(c);
	table_print(&l.table, stdout);
	if (l.notes.len)
		printf("\n%s", buf_str(&l.notes));
	else if (rc == 0 && !l.n && c->format == FORMAT_TEXT)
		puts("No limit is in use: nothing was sent lately.");
	buf_free(&l.notes);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_limits = {
	.name = "limits",
	.usage = "[--connection-id C]",
	.summary = "Shows rate limits and quotas: how much is used, until when they hold, who waits for them",
	.flags = flags,
	.run = command_limits_run,
};
