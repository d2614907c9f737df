/* connections.c - `sluice connections`: which there are and where they come from, and switching one off or on.
 *
 * What is switched here holds over restarts, until `active` in the INI is changed: then that holds. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{NULL, NULL, NULL},
};

struct showing {
	struct cli *cli;
	struct table table;
};

static void
row_show(void *arg, struct slice row)
{
	static const char *const members[] = {"connection", "integration", "plugin"};
	struct showing *s = arg;
	char *file = member_text(row, "file"), *place;

	if (s->cli->format != FORMAT_TEXT) {
		print_row(s->cli, row);
		free(file);
		return;
	}
	for (size_t i = 0; i < LENGTH(members); i++) {
		char *text = member_text(row, members[i]);
		table_cell(&s->table, text ? text : "-");
		free(text);
	}
	table_cell(&s->table, !member_bool(row, "enabled", true)  ? "off"
	                      : member_bool(row, "usable", true) ? "on"
	                                                         : "unusable");
	place = xasprintf("%s:%lld", file ? file : "-", (long long)member_int(row, "line", 0));
	table_cell(&s->table, place);
	free(place);
	free(file);
}

static int
connections_ask(struct access *a, const char *query, const struct connection_settings *k, bool enabled, struct err *err)
{
	static const char *const head[] = {"CONNECTION", "INTEGRATION", "PLUGIN", "STATE", "FROM"};
	struct showing s = {.cli = a->cli, .table = {.columns = LENGTH(head)}};
	const char *name = k ? k->name : cli_value(a->cli, "--connection-id"),
	           *integration = k ? k->integration->name : cli_value(a->cli, "--integration");
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	if (name)
		json_kv_str(&o, "connection", name);
	if (integration)
		json_kv_str(&o, "integration", integration);
	json_kv_bool(&o, "enabled", enabled);
	json_close(&o, '}');
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&s.table, head[i]);
	rc = access_ask(a, buf_view(&question), row_show, &s, &end, err);
	if (a->cli->format != FORMAT_TEXT)
		print_end(a->cli);
	table_print(&s.table, stdout);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static const struct {
	const char *name, *query;
	bool writes, enabled;
} verbs[] = {
	{"list", "connections", false, false},
	{"enable", "enable", true, true},
	{"disable", "enable", true, false},
};

static int
command_connections_run(struct cli *c)
{
	const char *verb = c->n_args ? c->args[0] : "list";
	const struct connection_settings *k = NULL;
	struct access a;
	struct err err = {0};
	int code = 0;
	size_t i = 0;

	while (i < LENGTH(verbs) && strcmp(verbs[i].name, verb) != 0)
		i++;
	if (i == LENGTH(verbs)) {
		err_set(&err, ERR_USAGE, "'%s' is nothing that can be done here: list, enable or disable", verb);
		return cli_fail(c, &err);
	}
	if (verbs[i].writes && !(k = pick_connection(c, &err)))
		return cli_fail(c, &err);
	if (access_open(&a, c, verbs[i].writes, &err) != 0)
		return cli_fail(c, &err);
	if (connections_ask(&a, verbs[i].query, k, verbs[i].enabled, &err) != 0)
		code = cli_fail(c, &err);
	access_close(&a);
	return code;
}

const struct command command_connections = {
	.name = "connections",
	.usage = "[list | enable | disable] [--connection-id C] [--integration I]",
	.summary = "Shows the connections, or switches one on or off",
	.help = "What is switched here holds until `active` in the INI is changed.",
	.flags = flags,
	.args_max = 1,
	.run = command_connections_run,
};
