/* connections.c - `sluice connections`: which there are and where they come from; making and removing one in the store; and
 * switching one off or on.
 *
 * What is switched here holds over restarts, until `active` in the INI is changed: then that holds. Awkward: a connection
 * that is added is checked at the provider (--check) by this process, before anything is stored, so it stands in our
 * settings for that long. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/added.h"
#include "config/stored.h"
#include "run/connections.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	ADDED_FLAGS,
	{"--replace", NULL, "add: put it in the place of a stored one of this name"},
	{"--check", NULL, "add: ask the provider first, and store nothing unless it is content"},
	{NULL, NULL, NULL},
};

struct verb {
	const char *name, *query;
	bool writes, switches, enabled, detail;
	const char *done; /* what text says afterwards; NULL: the rows */
};

static const struct verb verbs[] = {
	{.name = "list", .query = "connections"},
	{.name = "show", .query = "connections", .detail = true},
	{.name = "add", .query = "add_connection", .writes = true,
         .done = "is stored; its secrets are sealed as they were now, and env: or file: is not read again"},
	{.name = "remove", .query = "remove_connection", .writes = true,
         .done = "is removed, with its credentials; its records and their state are kept"},
	{.name = "enable", .query = "enable", .writes = true, .switches = true, .enabled = true},
	{.name = "disable", .query = "enable", .writes = true, .switches = true},
};

struct asking {
	struct access access;
	const struct verb *verb;
	char *connection, *integration; /* NULL: not named */
	struct buf added;               /* JSON with secrets */
	struct table table;
};

/* ---- rows ---- */

static void
detail_show(struct slice row)
{
	for (struct json_iter it = json_iter(row); json_next(&it);) {
		char *text = json_text(it.value);
		if (json_type(it.value) != JSON_NULL)
			printf("%-14.*s %s\n", (int)it.key.len, it.key.p, text);
		free(text);
	}
}

static void
cells_show(struct table *t, struct slice row)
{
	static const char *const members[] = {"connection", "integration", "plugin"};
	char *at;

	for (size_t i = 0; i < LENGTH(members); i++) {
		char *text = member_text(row, members[i]);
		table_cell(t, text ? text : "-");
		free(text);
	}
	table_cell(t, !member_bool(row, "enabled", true)  ? "off"
	              : member_bool(row, "usable", true) ? "on"
	                                                 : "unusable");
	at = member_text(row, "from");
	table_cell(t, at ? at : "-");
	free(at);
}

static void
row_show(void *arg, struct slice row)
{
	struct asking *a = arg;

	if (a->access.cli->format != FORMAT_TEXT)
		print_row(a->access.cli, row);
	else if (a->verb->done)
		printf("%s : %s %s\n", a->connection, a->integration, a->verb->done);
	else if (a->verb->detail)
		detail_show(row);
	else
		cells_show(&a->table, row);
}

static int
connections_ask(struct asking *a, struct err *err)
{
	static const char *const head[] = {"CONNECTION", "INTEGRATION", "PLUGIN", "STATE", "FROM"};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	char who[64];
	int rc;

	person_name(who);
	json_open(&o, '{');
	json_kv_str(&o, "query", a->verb->query);
	if (a->connection)
		json_kv_str(&o, "connection", a->connection);
	if (a->integration)
		json_kv_str(&o, "integration", a->integration);
	json_kv_bool(&o, "enabled", a->verb->enabled);
	json_kv_bool(&o, "detail", a->verb->detail);
	json_kv_bool(&o, "replace", cli_has(a->access.cli, "--replace"));
	json_kv_str(&o, "who", who);
	if (a->added.len)
		json_kv_raw(&o, "settings", buf_view(&a->added));
	json_close(&o, '}');
	a->table.columns = LENGTH(head);
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&a->table, head[i]);
	rc = access_ask(&a->access, buf_view(&question), row_show, a, &end, err);
	if (a->access.cli->format != FORMAT_TEXT)
		print_end(a->access.cli);
	table_print(&a->table, stdout);
	buf_wipe(&question);
	buf_free(&end);
	return rc;
}

/* ---- which ---- */

/* "acme : slack", "acme:slack" or "acme", in one argument or several; else the flags. */
static void
names_read(struct asking *a)
{
	const struct cli *c = a->access.cli;
	const char *name = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration"), *colon;
	struct buf all = {0};

	for (size_t i = 1; i < c->n_args; i++)
		buf_printf(&all, "%s ", c->args[i]);
	colon = strchr(buf_str(&all), ':');
	if (colon)
		a->integration = slice_dup(slice_trim(slice_str(colon + 1)));
	else if (integration)
		a->integration = xstrdup(integration);
	if (all.len)
		a->connection = slice_dup(slice_trim(slice_of(all.p, colon ? (size_t)(colon - all.p) : all.len)));
	else if (name)
		a->connection = xstrdup(name);
	buf_free(&all);
}

/* One that is there, and its integration when only the connection was named. */
static int
names_complete(struct asking *a, struct err *err)
{
	const struct settings *s = a->access.cli->settings;
	const struct connection_settings *k = a->connection ? settings_connection(s, a->connection, a->integration) : NULL;

	if (!a->connection && !(k = pick_connection(a->access.cli, err)))
		return -1;
	if (!k && !(a->integration && strcmp(a->verb->name, "remove") == 0)) /* one may be stored beside INI's */
		return err_set(err, ERR_USAGE, "there is no connection '%s', or several: say CONNECTION : INTEGRATION; `sluice "
		               "connections` lists them", a->connection);
	if (k) {
		free(a->connection);
		free(a->integration);
		a->connection = xstrdup(k->name);
		a->integration = xstrdup(k->integration->name);
	}
	return 0;
}

/* ---- add ---- */

static int
added_check(struct asking *a, struct err *err)
{
	struct cli *c = a->access.cli;
	const struct connection_settings *before = settings_connection(c->settings, a->connection, a->integration);
	struct connection_settings *k;
	int code;

	if (before && (!before->stored || !cli_has(c, "--replace")))
		return 0; /* it is refused anyhow, with the reason */
	k = stored_read(c->settings, slice_str(a->connection), slice_str(a->integration), buf_view(&a->added), err);
	if (!k)
		return -1;
	settings_connection_put(c->settings, k);
	code = connection_judge(a->access.host, k, err) == 0 ? connection_test(&a->access, k) : -1;
	settings_connection_retire(c->settings, k);
	return code;
}

static int
added_read(struct asking *a, struct err *err)
{
	if (!a->connection || !a->integration)
		return err_set(err, ERR_USAGE, "say which: sluice connections add CONNECTION : INTEGRATION, like acme : slack");
	return added_write(a->access.cli, &a->added, err);
}

/* 0, the exit code, or -1. */
static int
verb_run(struct asking *a, struct err *err)
{
	bool adds = strcmp(a->verb->name, "add") == 0;
	int code = 0;

	if (adds && added_read(a, err) != 0)
		return -1;
	if (access_open(&a->access, a->access.cli, a->verb->writes, err) != 0)
		return -1;
	if (adds && cli_has(a->access.cli, "--check"))
		code = added_check(a, err);
	else if (!adds && (a->verb->writes || a->verb->detail))
		code = names_complete(a, err);
	return code == 0 ? connections_ask(a, err) : code;
}

static int
command_connections_run(struct cli *c)
{
	const char *verb = c->n_args ? c->args[0] : "list";
	struct asking a = {.access = {.cli = c}};
	struct err err = {0};
	size_t i = 0;
	int code;

	while (i < LENGTH(verbs) && strcmp(verbs[i].name, verb) != 0)
		i++;
	if (i == LENGTH(verbs)) {
		err_set(&err, ERR_USAGE, "'%s' is nothing that can be done here: list, show, add, remove, enable or disable", verb);
		return cli_fail(c, &err);
	}
	a.verb = &verbs[i];
	names_read(&a);
	code = verb_run(&a, &err);
	if (code < 0)
		code = cli_fail(c, &err);
	access_close(&a.access);
	buf_wipe(&a.added);
	free(a.connection);
	free(a.integration);
	return code;
}

const struct command command_connections = {
	.name = "connections",
	.usage = "[list | show | add | remove | enable | disable] [CONNECTION : INTEGRATION]",
	.summary = "Shows the connections, makes or removes one in the store, or switches one on or off",
	.help = "add: the secrets come by env:NAME, file:PATH or stdin, never as they are; they are sealed in the store. What the\n"
                "INI names is neither added nor removed here. remove keeps the records.\n"
                "What is switched here holds until `active` in the INI is changed.",
	.flags = flags,
	.args_max = 4,
	.run = command_connections_run,
};
