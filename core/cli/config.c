/* config.c - `sluice config`: every value and where it came from; with --check also everything that only the plugins
 * can judge. `sluice version` stands here too: it is one line. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "run/options.h"
#include "run/sections.h"
#include "run/target.h"
#include "schedule/plan.h"

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

static int
connection_check(struct cli *c, struct host *h, const struct connection_settings *k)
{
	struct buf options = {0};
	struct proxy_auth auth;
	struct err err = {0};
	const struct manifest *m;
	int rc;

	if (k->broken) {
		connection_broken(c, k);
		return -1;
	}
	m = host_manifest(h, k->integration->plugin, &err);
	rc = m && options_build(m, k, &options, &err) == 0 && target_credentials(m, k, buf_view(&options), &auth, &err) == 0 ? 0 : -1;
	if (rc != 0) {
		if (!m)
			err_prefix(&err, "%s:%u: connection %s : %s", k->at.file, k->at.line, k->name,
			           k->integration->name);
		cli_fail(c, &err);
	}
	buf_free(&options);
	return rc;
}

static int
sync_check(struct cli *c, struct host *h, const struct sync_settings *s)
{
	const struct manifest *m = host_manifest(h, s->connection->integration->plugin, NULL);
	const char **names, *near;
	struct err err;

	if (!m || manifest_sync(m, s->sync))
		return 0; /* a plugin that cannot be described was named with its connection */
	names = xcalloc(m->n_syncs + 1, sizeof *names);
	for (size_t i = 0; i < m->n_syncs; i++)
		names[i] = m->syncs[i].name;
	near = nearest(s->sync, names);
	err_set(&err, ERR_USAGE, "%s:%u: connector '%s' has no sync '%s'%s%s%s", s->at.file, s->at.line, m->name,
		s->sync, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	cli_fail(c, &err);
	return -1;
}

/* ---- the schedule: cron, zones, and what comes after what ---- */

static int
plan_check(struct cli *c, struct schedule *all, const struct connection_settings *k, const struct manifest_sync *sync)
{
	const struct sync_settings *given = settings_sync(c->settings, k, sync->name);
	const struct origin *at = given ? &given->at : &k->at;
	const struct schedule_name name = {k->name, k->integration->name, sync->name};
	struct schedule_plan plan;
	struct err err;

	plan_fill(c->settings, k, sync, &plan);
	if (schedule_check(&plan, &err) == 0 && schedule_put(all, &name, &plan, NULL, &err))
		return 0;
	err_prefix(&err, "%s:%u: [sync %s : %s : %s]", at->file ? at->file : "default", at->line, k->name,
	           k->integration->name, sync->name);
	cli_fail(c, &err);
	return -1;
}

static size_t
schedule_judge(struct cli *c, struct host *h)
{
	const struct settings *s = c->settings;
	const struct schedule_options o = {
		.clock = &clock_system, .max_runs = s->host.max_runs, .first_spread_ms = s->host.first_spread_ms,
		.fail_pause_ms = s->host.fail_pause_ms, .fail_pause_max_ms = s->host.fail_pause_max_ms};
	struct schedule *all = schedule_new(&o);
	bool whole = true;
	size_t bad = 0;
	struct err err;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct manifest *m = host_manifest(h, s->connections[i]->integration->plugin, NULL);
		whole &= m != NULL; /* else an `after` may well name a sync of that plugin */
		for (size_t k = 0; m && k < m->n_syncs; k++)
			bad += plan_check(c, all, s->connections[i], &m->syncs[k]) != 0;
	}
	if (whole && !bad && schedule_order_check(all, &err) != 0) {
		cli_fail(c, &err);
		bad++;
	}
	schedule_free(all);
	return bad;
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
	for (size_t i = 0; i < s->n_syncs; i++)
		bad += sync_check(c, h, s->syncs[i]) != 0;
	bad += schedule_judge(c, h);
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
