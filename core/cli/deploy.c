/* deploy.c - `sluice deploy` and `sluice rollback`: another file of a connector into use, after a look at what changes.
 *
 *   judge the file -> describe it in a sandbox -> show what differs from the one in use -> ask -> put it in, in one step
 *     -> a host that runs notices by itself; wait until it says that it works with this very file
 *
 * Awkward: between the preview and the rename somebody may deploy too. Each is whole, the later one wins, and both are
 * kept; what was shown may then have been about another one. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/installed.h"
#include "plugin/differ.h"
#include "run/options.h"
#include "serve/local.h"

#define NOTICE_MS 15000 /* that a running host may take to notice */
#define PAUSE_US 50000

struct deploying {
	struct cli *cli;
	struct host *host; /* without a store: it describes */
	const struct manifest *now, *before; /* before NULL: none is in use */
	const char *from;  /* the file that shall be in use */
	unsigned breaking;
	struct buf changes; /* JSON array, open */
	struct json_out out;
};

/* ---- the preview ---- */

static void
line_show(void *arg, bool breaking, const char *text)
{
	struct deploying *d = arg;

	if (d->cli->format == FORMAT_TEXT) {
		printf("  %c %s\n", breaking ? '!' : ' ', text);
		return;
	}
	json_open(&d->out, '{');
	json_kv_str(&d->out, "change", text);
	json_kv_bool(&d->out, "breaking", breaking);
	json_close(&d->out, '}');
}

static void
breaks(struct deploying *d, const char *text)
{
	d->breaking++;
	line_show(d, true, text);
}

/* Connections that the new one could not run, and settings of syncs that it does not have. */
static void
connections_show(struct deploying *d)
{
	const struct settings *s = d->cli->settings;
	struct buf options = {0};
	struct err err;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *k = s->connections[i];

		if (strcmp(k->integration->plugin, d->now->name) != 0)
			continue;
		buf_clear(&options);
		if (options_build(d->now, k, &options, &err) == 0)
			continue;
		err_prefix(&err, "connection %s : %s cannot run with it", k->name, k->integration->name);
		breaks(d, err.text);
	}
	buf_free(&options);
	for (size_t i = 0; i < s->n_syncs; i++) {
		const struct sync_settings *y = s->syncs[i];
		char *text;

		if (strcmp(y->connection->integration->plugin, d->now->name) != 0 || manifest_sync(d->now, y->sync))
			continue;
		text = xasprintf("%s:%u: [sync %s : %s : %s] is about a sync that it does not have", y->at.file,
		                 y->at.line, y->connection->name, y->connection->integration->name, y->sync);
		breaks(d, text);
		free(text);
	}
}

static const char *
version_of(const struct manifest *m)
{
	return !m ? "none" : m->version ? m->version : "(no version)";
}

static void
preview(struct deploying *d)
{
	bool text = d->cli->format == FORMAT_TEXT;

	d->out = json_out(&d->changes);
	json_open(&d->out, '[');
	if (text)
		printf("%s: %s -> %s\n", d->now->name, version_of(d->before), version_of(d->now));
	if (d->before)
		d->breaking += manifest_differ(d->before, d->now, line_show, d);
	connections_show(d);
	json_close(&d->out, ']');
	if (text && d->breaking)
		printf("%u of these (!) break%s what is in use.\n", d->breaking, d->breaking == 1 ? "s" : "");
}

/* ---- asking ---- */

static int
agreed(struct deploying *d, struct err *err)
{
	char line[16];

	if (cli_has(d->cli, "--yes"))
		return 0;
	if (!isatty(STDIN_FILENO) || d->cli->format != FORMAT_TEXT)
		return err_set(err, ERR_USAGE, "nothing was changed: say --yes to go on");
	printf("Put it into use? [y/N] ");
	fflush(stdout);
	if (fgets(line, sizeof line, stdin) && (*line == 'y' || *line == 'Y'))
		return 0;
	return err_set(err, ERR_USAGE, "nothing was changed");
}

/* ---- a host that runs ---- */

struct noticing {
	const char *name;
	ino_t inode;
	bool uses;
	struct err *trouble;
};

static void
notice_row(void *arg, struct slice row)
{
	struct noticing *n = arg;
	char *name = member_text(row, "plugin"), *trouble = member_text(row, "trouble");

	if (name && strcmp(name, n->name) == 0) {
		n->uses = (ino_t)member_int(row, "inode", 0) == n->inode;
		if (trouble && (ino_t)member_int(row, "trouble_inode", 0) == n->inode) /* and not one before ours */
			err_set(n->trouble, ERR_USAGE, "the running host does not use it: %s", trouble);
	}
	free(name);
	free(trouble);
}

/* Whether the host that answered watches another directory than ours; then that is told, for it will never use the file. An
 * older host does not say which it watches. */
static bool
host_elsewhere(struct deploying *d, struct slice end)
{
	char *theirs = member_text(end, "dir");
	const char *ours = d->cli->settings->host.plugin_dir;
	struct stat a, b;
	bool same = !theirs || strcmp(theirs, ours) == 0 ||
	            (stat(theirs, &a) == 0 && stat(ours, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino);

	if (!same)
		log_warn("the running host does not use it: its plugins are in %s, not in %s", theirs, ours);
	free(theirs);
	return !same;
}

/* 1: a host uses it now; 0: none runs that would have to; -1: it does not. */
static int
host_notices(struct deploying *d, const char *path, struct err *err)
{
	int64_t until = clock_mono_ms(&clock_system) + NOTICE_MS;
	struct err why = {0};
	struct noticing n = {.name = d->now->name, .trouble = &why};
	const struct query_sink sink = {notice_row, &n};
	struct buf end = {0}, question = {0};
	struct stat st;
	int rc = -2;

	buf_printf(&question, "{\"query\":\"plugins\",\"plugin\":\"%s\"}", d->now->name);
	n.inode = stat(path, &st) == 0 ? st.st_ino : 0;
	while (rc == -2) {
		buf_clear(&end);
		why.cls = ERR_NONE;
		if (local_ask(d->cli->settings->host.data_dir, buf_view(&question), &sink, &end, NULL) != 0 ||
		    !member_bool(buf_view(&end), "watching", false) || host_elsewhere(d, buf_view(&end)))
			rc = 0;
		else if (n.uses)
			rc = 1;
		else if (why.cls || clock_mono_ms(&clock_system) > until)
			rc = -1;
		else
			usleep(PAUSE_US);
	}
	if (rc < 0)
		err_set(err, why.cls ? why.cls : ERR_HOST, "%s",
		        why.cls ? why.text : "it is in place, but the running host has not noticed it: see its log");
	buf_free(&end);
	buf_free(&question);
	return rc;
}

static void
outcome_show(struct deploying *d, const char *path, int noticed)
{
	struct buf json = {0};
	struct json_out o = json_out(&json);

	if (d->cli->format == FORMAT_TEXT) {
		printf("%s is in place%s.\n", path,
		       noticed > 0 ? ", and the running host uses it" : "; the next run uses it");
		return;
	}
	json_open(&o, '{');
	json_kv_str(&o, "plugin", d->now->name);
	json_kv_str(&o, "before", d->before ? version_of(d->before) : NULL);
	json_kv_str(&o, "now", version_of(d->now));
	json_kv_int(&o, "breaking", d->breaking);
	json_kv_raw(&o, "changes", buf_view(&d->changes));
	json_kv_str(&o, "path", path);
	json_kv_bool(&o, "host_uses_it", noticed > 0);
	json_close(&o, '}');
	print_object(d->cli, buf_view(&json));
	buf_free(&json);
}

/* ---- the commands ---- */

typedef int put_fn(const char *dir, const char *name, const char *from, struct err *err);

static int
deploy_file(struct deploying *d, const char *wanted, put_fn *put, struct err *err)
{
	const char *dir = d->cli->settings->host.plugin_dir;
	char *path = NULL;
	int noticed = -1;

	d->now = host_manifest_file(d->host, d->from, err);
	if (!d->now)
		return -1;
	if (wanted && strcmp(wanted, d->now->name) != 0)
		return err_set(err, ERR_USAGE, "%s: the connector in it calls itself '%s', not '%s'", d->from,
		               d->now->name, wanted);
	d->before = host_manifest(d->host, d->now->name, NULL);
	preview(d);
	if (agreed(d, err) != 0 || put(dir, d->now->name, d->from, err) != 0)
		return -1;
	path = xasprintf("%s/%s.so", dir, d->now->name);
	noticed = host_notices(d, path, err);
	if (noticed >= 0)
		outcome_show(d, path, noticed);
	free(path);
	return noticed < 0 ? -1 : 0;
}

static int
deploy_with(struct cli *c, const char *name, const char *from, put_fn *put, struct err *err)
{
	const struct host_options o = {.loop = &c->loop, .settings = c->settings, .no_store = true};
	struct deploying d = {.cli = c, .host = host_new(&o, err), .from = from};
	int rc = d.host ? deploy_file(&d, name, put, err) : -1;

	host_free(d.host);
	buf_free(&d.changes);
	return rc;
}

static int
command_deploy_run(struct cli *c)
{
	struct err err;

	return deploy_with(c, NULL, c->args[0], installed_put, &err) == 0 ? 0 : cli_fail(c, &err);
}

static int
command_rollback_run(struct cli *c)
{
	struct err err;
	const char *name = c->args[0];
	char *kept = NULL;
	int rc = -1;

	if (strchr(name, '/'))
		err_set(&err, ERR_USAGE, "'%s' is no name of a connector", name);
	else
		kept = installed_kept(c->settings->host.plugin_dir, name, &err);
	if (kept)
		rc = deploy_with(c, name, kept, installed_swap, &err);
	free(kept);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

static const struct cli_flag flags[] = {
	{"--yes", NULL, "do not ask"},
	{NULL, NULL, NULL},
};

const struct command command_deploy = {
	.name = "deploy",
	.usage = "PATH.so [--env NAME] [--yes]",
	.summary = "Puts a connector's file into the plugin directory, after showing what it changes",
	.help = "What breaks something in use is marked with !. The file that was in use is kept: `sluice rollback` brings it\n"
	        "back. A running host notices by itself; its runs under way end with the file they began with.",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_deploy_run,
};

const struct command command_rollback = {
	.name = "rollback",
	.usage = "NAME [--env NAME] [--yes]",
	.summary = "Swaps a connector's file with the one that `deploy` replaced; once more swaps them again",
	.flags = flags,
	.args_min = 1,
	.args_max = 1,
	.run = command_rollback_run,
};
