/* alerts.c - `sluice alerts`: what a service found worth telling a person, as long as it is so. */
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag flags[] = {
	{"--all", NULL, "also the last hundred that are over"},
	{"--connection-id", "C", "only of this connection"},
	{"--integration", "I", "only of this integration"},
	{"--sync", "S", "only of this sync, and of its connection"},
	{NULL, NULL, NULL},
};

struct alarms {
	struct cli *cli;
	struct table table;
};

static void
alert_row(void *arg, struct slice row)
{
	static const char *const names[] = {"kind", "connection", "integration", "sync", "text"};
	static const char *const times[] = {"since", "until"};
	struct alarms *s = arg;
	char time[TIME_TEXT_MAX], *text;

	if (s->cli->format != FORMAT_TEXT) {
		print_row(s->cli, row);
		return;
	}
	for (size_t i = 0; i < LENGTH(times); i++) {
		text = member_text(row, times[i]);
		table_cell(&s->table, text ? time_short(text, time) : "open");
		free(text);
	}
	for (size_t i = 0; i < LENGTH(names); i++) {
		table_cell(&s->table, text = member_text(row, names[i]));
		free(text);
	}
}

static int
alerts_ask(struct alarms *s, struct access *a, bool ended, uint64_t *n, struct err *err)
{
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--sync", "sync"}};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	size_t before = s->table.n;
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "alerts");
	json_kv_bool(&o, "ended", ended);
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(s->cli, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(s->cli, filters[i].flag));
	json_close(&o, '}');
	rc = access_ask(a, buf_view(&question), alert_row, s, &end, err);
	*n += s->table.n - before;
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
command_alerts_run(struct cli *c)
{
	static const char *const head[] = {"SINCE", "UNTIL", "KIND", "CONNECTION", "INTEGRATION", "SYNC", "WHAT"};
	struct alarms s = {.cli = c, .table.columns = LENGTH(head)};
	struct access a;
	struct err err;
	uint64_t n = 0;
	int rc;

	if (access_open(&a, c, false, &err) != 0)
		return cli_fail(c, &err);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&s.table, head[i]);
	rc = alerts_ask(&s, &a, false, &n, &err);
	if (rc == 0 && cli_has(c, "--all"))
		rc = alerts_ask(&s, &a, true, &n, &err);
	if (rc == 0 && c->format != FORMAT_TEXT)
		print_end(c);
	else if (rc == 0 && n == 0)
		puts("No alert is open.");
	table_print(&s.table, stdout);
	access_close(&a);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_alerts = {
	.name = "alerts",
	.usage = "[--all] [--connection-id C] [--integration I] [--sync S]",
	.summary = "Lists the alerts that are open, with --all also those that are over",
	.help = "A service (`sluice serve`) judges by [alert], at each run's end and every few seconds: failures in a row, a run\n"
                "that takes too long, the share of failures, no success for too long, held deletes, refused credentials, a "
                "quota\n"
                "that will not suffice, no room on the disk. Each is logged once when it begins and once when it is over.",
	.flags = flags,
	.run = command_alerts_run,
};
