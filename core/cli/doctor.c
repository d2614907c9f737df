/* doctor.c - `sluice doctor`: why does a sync not run, why is data missing. An ordered table of checks: what this process can
 * see (configuration, plugins, sandbox, connections), then what whoever has the store open knows (serve/query_doctor.c).
 *
 * Nothing is changed and no provider is asked. Awkward: a configuration that does not load is a finding, not an error of this
 * command; so it is loaded here, with the log's lines taken for findings, and what needs it is left out. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "run/options.h"
#include "run/target.h"
#include "schedule/plan.h"

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{"--sync", "S", "only this sync"},
	{"--record", "ID", "why is the record of this id not there?"},
	{"--model", "M", "the record's model"},
	{"--all", NULL, "in text also what is well"},
	{NULL, NULL, NULL},
};

struct doctor {
	struct cli *cli;
	struct host *host;
	size_t fine, bad;
};

/* ---- findings ---- */

static void
finding_text(struct doctor *d, struct slice row)
{
	char *check = member_text(row, "check"), *subject = member_text(row, "subject"), *verdict = member_text(row, "verdict"),
	     *what = member_text(row, "found"), *todo = member_text(row, "todo");

	if (todo || cli_has(d->cli, "--all"))
		printf("%-8s%s: %s: %s\n", verdict, check, subject, what);
	if (todo)
		printf("        do: %s\n", todo);
	free(check);
	free(subject);
	free(verdict);
	free(what);
	free(todo);
}

static void
finding_row(void *arg, struct slice row)
{
	struct doctor *d = arg;
	bool fine = json_string_is(member_raw(row, "verdict"), "ok");

	d->fine += fine;
	d->bad += !fine;
	if (d->cli->format == FORMAT_TEXT)
		finding_text(d, row);
	else
		print_row(d->cli, row);
}

/* todo NULL: it is well. */
static void
found(struct doctor *d, const char *verdict, const char *check, const char *subject, const char *what, const char *todo)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	json_kv_str(&o, "check", check);
	json_kv_str(&o, "subject", subject);
	json_kv_str(&o, "verdict", verdict);
	json_kv_str(&o, "found", what);
	json_kv_str(&o, "todo", todo);
	json_close(&o, '}');
	log_blank(&row);
	finding_row(d, buf_view(&row));
	buf_free(&row);
}

/* ---- configuration ---- */

static void
line_found(void *arg, enum log_level level, const char *msg, const struct log_field *fields)
{
	(void)fields;
	if (level >= LOG_WARN)
		found(arg, level == LOG_ERROR ? "problem" : "warn", "configuration", "files", msg, "mend that line: `sluice config --check`");
}

static void
check_configuration(struct doctor *d)
{
	struct cli *c = d->cli;
	const struct settings_source from = {.conf = c->conf, .set = (const char *const *)c->set};
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	size_t before = d->bad;
	struct err err;

	log_setup(nowhere, LOG_INFO, LOG_JSON);
	log_tap(line_found, d);
	c->settings = settings_load(&from, &err);
	if (c->settings)
		settings_exposed(c->settings);
	log_tap(NULL, NULL);
	log_setup(2, LOG_ERROR, LOG_AUTO);
	close(nowhere);
	if (!c->settings && d->bad == before)
		found(d, "problem", "configuration", "files", err.text, "mend that: `sluice config --check`");
	if (d->bad == before)
		found(d, "ok", "configuration", "files", "it loads", NULL);
}

/* ---- plugins, worker and sandbox ---- */

static void
check_plugin(struct doctor *d, const char *plugin)
{
	struct err err;
	const struct manifest *m = host_manifest(d->host, plugin, &err);
	char *text;

	if (!m) {
		found(d, "problem", "plugin", plugin, err.text, "`sluice deploy` a good one, or `sluice rollback`");
		return;
	}
	text = xasprintf("version %s; a worker loads and describes it in the sandbox", m->version);
	found(d, "ok", "plugin", plugin, text, NULL);
	free(text);
}

static void
check_plugins(struct doctor *d)
{
	const struct settings *s = d->cli->settings;
	const char *dir = s->host.plugin_dir;

	if (access(dir, R_OK | X_OK) != 0)
		found(d, "problem", "plugin directory", dir, "it cannot be read", "make it, or set [host] plugin_dir");
	if (access(s->host.worker, X_OK) != 0)
		found(d, "problem", "worker", s->host.worker, "it is not there, or may not be executed", "set [host] worker, or install anew");
	if (s->host.sandbox == SANDBOX_SECCOMP_ONLY)
		found(d, "warn", "sandbox", "host", "it is seccomp-only: plugins could read files while they are loaded",
		      "sandbox = full, on a kernel with Landlock");
	for (size_t i = 0; i < s->n_integrations; i++)
		check_plugin(d, s->integrations[i]->plugin);
}

/* ---- connections, as a run would find them; those in the store are judged by who has it (query_doctor_connections.c) ---- */

static bool
meant(const struct cli *c, const struct connection_settings *k)
{
	const char *name = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration");

	return (!name || strcmp(name, k->name) == 0) && (!integration || strcmp(integration, k->integration->name) == 0);
}

static int
connection_judge(struct doctor *d, const struct connection_settings *k, struct err *err)
{
	const struct manifest *m;
	struct schedule_plan plan;
	struct buf options = {0};
	struct proxy_auth auth;
	int rc;

	if (k->broken)
		return err_set(err, ERR_USAGE, "%.*s", (int)strcspn(k->broken, "\n"), k->broken);
	m = host_manifest_of(d->host, k, err);
	rc = m && options_build(m, k, &options, err) == 0 && target_credentials(m, k, buf_view(&options), &auth, err) == 0 &&
	             target_limits_check(d->cli->settings, m, k, err) == 0 ? 0 : -1;
	for (size_t i = 0; rc == 0 && i < m->n_syncs; i++) {
		plan_fill(d->cli->settings, k, &m->syncs[i], &plan);
		rc = schedule_check(&plan, err);
	}
	buf_free(&options);
	return rc;
}

static void
check_connections(struct doctor *d)
{
	const struct settings *s = d->cli->settings;
	size_t n = 0;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *k = s->connections[i];
		char *subject;
		struct err err;
		if (!meant(d->cli, k))
			continue;
		n++;
		if (k->stored)
			continue;
		subject = xasprintf("%s : %s", k->name, k->integration->name);
		if (connection_judge(d, k, &err) == 0)
			found(d, "ok", "connection", subject, "options, credentials and times are given and fit the connector", NULL);
		else
			found(d, "problem", "connection", subject, err.text, "mend its section, then `sluice reload` or run again");
		free(subject);
	}
	if (!n && (cli_value(d->cli, "--connection-id") || cli_value(d->cli, "--integration")))
		found(d, "problem", "connection", cli_value(d->cli, "--connection-id") ? cli_value(d->cli, "--connection-id") : "any",
		      "neither configuration nor store has such a connection", "`sluice connections` lists those there are");
	else if (!n)
		found(d, "problem", "connection", "none", "no connection is configured", "write a [connection NAME : INTEGRATION] section, or `sluice connections add`");
}

/* ---- what the store's holder knows ---- */

static void
store_ask(struct doctor *d, struct access *a)
{
	static const struct {
		const char *flag, *member;
	} given[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--sync", "sync"}, {"--record", "record"}, {"--model", "model"}};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	struct err err;

	json_open(&o, '{');
	json_kv_str(&o, "query", "doctor");
	for (size_t i = 0; i < LENGTH(given); i++)
		if (cli_value(d->cli, given[i].flag))
			json_kv_str(&o, given[i].member, cli_value(d->cli, given[i].flag));
	json_close(&o, '}');
	a->noted = true; /* that there is no store is a finding */
	if (access_ask(a, buf_view(&question), finding_row, d, &end, &err) != 0)
		found(d, "problem", "store", d->cli->settings->host.data_dir, err.text, "see who has it open: `sluice status`");
	buf_free(&question);
	buf_free(&end);
}

static void
examine(struct doctor *d)
{
	struct access a;
	struct err err;

	check_configuration(d);
	if (!d->cli->settings)
		return;
	if (access_open(&a, d->cli, false, &err) != 0) {
		found(d, "problem", "store", d->cli->settings->host.data_dir, err.text, "mend that: without the store nothing runs");
		return;
	}
	d->host = a.host;
	check_plugins(d);
	check_connections(d);
	store_ask(d, &a);
	access_close(&a);
}

static int
command_doctor_run(struct cli *c)
{
	struct doctor d = {.cli = c};

	examine(&d);
	if (c->format != FORMAT_TEXT)
		print_end(c);
	else if (d.bad)
		printf("\n%zu of %zu checks found something.\n", d.bad, d.bad + d.fine);
	else
		printf("All is well: %zu checks.\n", d.fine);
	return d.bad ? 1 : 0;
}

const struct command command_doctor = {
	.name = "doctor",
	.usage = "[--connection-id C] [--integration I] [--sync S] [--record ID [--model M]] [--all]",
	.summary = "Why does a sync not run, why is data missing? Checks all there is, and says what to do",
	.help = "Configuration, plugins, sandbox, connections, service, store, clock, limits; of each sync its schedule, last run,\n"
                "what is held or was rejected, alerts; of a record where it went. Beside a service that answers. No provider is "
                "asked:\n"
                "`sluice test-connection` does that. Exit code 0: all is well; 1: something was found.",
	.flags = flags,
	.bare = true,
	.run = command_doctor_run,
};
