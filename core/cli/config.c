/* config.c - `sluice config`: every value and where it came from; with --check also everything that only the plugins
 * can judge. `sluice version` stands here too: it is one line. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "run/sections.h"
#include "schedule/judge.h"

static const struct cli_flag flags[] = {
	{"--check", NULL,
         "describe the plugins too and check connections and syncs against them; touches neither store nor network"},
	{NULL, NULL, NULL},
};

static void
value_json(struct cli *c, const struct setting_shown *s, const char *from)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	json_kv_str(&o, "section", s->section);
	json_kv_str(&o, "key", s->key);
	json_kv_str(&o, "value", s->value);
	json_kv_str(&o, "origin", from);
	json_close(&o, '}');
	print_row(c, buf_view(&row));
	buf_free(&row);
}

static void
values_show(struct cli *c)
{
	struct table t = {.columns = 4};
	static const char *const head[] = {"SECTION", "KEY", "VALUE", "FROM"};

	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&t, head[i]);
	for (size_t i = 0; i < c->settings->n_shown; i++) {
		const struct setting_shown *s = &c->settings->shown[i];
		char at[ORIGIN_MAX];
		const char *from = origin_text(s->at, at);
		if (c->format != FORMAT_TEXT) {
			value_json(c, s, from);
		} else {
			table_cell(&t, s->section);
			table_cell(&t, s->key);
			table_cell(&t, s->value);
			table_cell(&t, from);
		}
	}
	if (c->format != FORMAT_TEXT)
		print_end(c);
	table_print(&t, stdout);
}

static void
fault_show(void *arg, const struct err *why)
{
	cli_fail(arg, why);
}

static int
connection_check(struct cli *c, struct host *h, const struct connection_settings *k)
{
	struct err err = {0};

	if (k->broken)
		connection_broken(c, k); /* all that it lacks, a line each */
	else if (judge_connection(h, c->settings, k, &err) == 0)
		return 0;
	else
		cli_fail(c, &err);
	return -1;
}

/* A key that cannot be had keeps nobody from syncing; here it is told all the same. */
static size_t
keys_check(struct cli *c)
{
	struct err err;
	size_t bad = 0;

	for (size_t i = 0; i < c->settings->n_keys; i++)
		if (c->settings->keys[i].broken) {
			err_set(&err, ERR_USAGE, "%s", c->settings->keys[i].broken);
			cli_fail(c, &err);
			bad++;
		}
	return bad;
}

static void
verdict_show(struct cli *c, size_t bad)
{
	const struct settings *s = c->settings;
	struct buf json = {0};
	struct json_out o = json_out(&json);

	if (c->format == FORMAT_TEXT) {
		if (!bad)
			printf("The configuration is good: %zu connection%s, %zu sync section%s.\n", s->n_connections,
			       s->n_connections == 1 ? "" : "s", s->n_syncs, s->n_syncs == 1 ? "" : "s");
		return;
	}
	json_open(&o, '{');
	json_kv_bool(&o, "good", !bad);
	json_kv_int(&o, "errors", (int64_t)bad);
	json_kv_int(&o, "connections", (int64_t)s->n_connections);
	json_kv_int(&o, "syncs", (int64_t)s->n_syncs);
	json_close(&o, '}');
	print_object(c, buf_view(&json));
	buf_free(&json);
}

struct told {
	struct cli *cli;
	size_t bad;
};

static void
section_fault(void *arg, const struct err *why)
{
	struct told *t = arg;

	cli_fail(t->cli, why);
	t->bad++;
}

static void
section_doubt(void *arg, const struct err *why)
{
	(void)arg;
	log_warn("%s", why->text);
}

static size_t
sections_check(struct cli *c, struct host *h)
{
	struct told t = {.cli = c};

	sections_judge(h, c->settings, &(struct section_judge){section_fault, section_doubt, &t});
	return t.bad;
}

static int
plugins_check(struct cli *c)
{
	const struct host_options o = {.loop = &c->loop, .settings = c->settings, .no_store = true};
	const struct settings *s = c->settings;
	struct err err;
	struct host *h = host_new(&o, &err);
	size_t bad = keys_check(c);

	if (!h)
		return cli_fail(c, &err);
	for (size_t i = 0; i < s->n_connections; i++)
		bad += connection_check(c, h, s->connections[i]) != 0;
	bad += judge_syncs(h, s, fault_show, c);
	bad += judge_schedule(h, s, fault_show, c);
	bad += sections_check(c, h);
	host_free(h);
	verdict_show(c, bad);
	return bad ? 2 : 0;
}

static int
command_config_run(struct cli *c)
{
	if (cli_has(c, "--check")) {
		settings_exposed(c->settings);
		return plugins_check(c);
	}
	values_show(c);
	return 0;
}

const struct command command_config = {
	.name = "config",
	.usage = "[--check]",
	.summary = "Shows every value and where it came from, or checks the configuration (exit 2 on an error)",
	.help = "Secrets and what came by env: or file: are shown as ***.",
	.flags = flags,
	.run = command_config_run,
};

static int
command_version_run(struct cli *c)
{
	if (c->format == FORMAT_TEXT)
		puts("sluice " SLUICE_VERSION);
	else
		print_object(c, SLICE("{\"version\":\"" SLUICE_VERSION "\"}"));
	return 0;
}

const struct command command_version = {
	.name = "version",
	.usage = "",
	.summary = "Prints the version",
	.bare = true,
	.run = command_version_run,
};
