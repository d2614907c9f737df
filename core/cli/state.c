/* state.c - `sluice metadata` and `sluice checkpoint`: get, set, update and clear what a connector keeps between runs.
 *
 * Metadata that a sync declares a shape for is checked against it before it is sent: a misfit names the path. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

static const struct cli_flag metadata_flags[] = {
	{"--connection-id", "C", "of this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{NULL, NULL, NULL},
};

static const struct cli_flag checkpoint_flags[] = {
	{"--connection-id", "C", "of this connection"},
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{"--sync", "S", "of this sync"},
	{NULL, NULL, NULL},
};

static int
value_read(const char *text, struct buf *out, struct err *err)
{
	struct json_fault fault;
	struct buf raw = {0};
	char block[4096];
	size_t n;

	if (strcmp(text, "-") != 0)
		buf_puts(&raw, text);
	else
		while (raw.len < (1u << 20) && (n = fread(block, 1, sizeof block, stdin)) > 0)
			buf_put(&raw, block, n);
	if (!json_check(buf_view(&raw), JSON_DEPTH_MAX, &fault)) {
		err_set(err, ERR_USAGE, "the value is no JSON: %s at byte %zu", fault.what, fault.at);
		buf_free(&raw);
		return -1;
	}
	json_compact(out, json_trim(buf_view(&raw)));
	buf_free(&raw);
	return 0;
}

static void
value_keep(void *arg, struct slice row)
{
	buf_slice(arg, row);
}

static int
state_ask(struct access *a, const char *query, const char *op, const struct connection_settings *k, struct slice value,
          struct buf *got, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	json_kv_str(&o, "op", op);
	json_kv_str(&o, "connection", k->name);
	json_kv_str(&o, "integration", k->integration->name);
	if (cli_value(a->cli, "--sync"))
		json_kv_str(&o, "sync", cli_value(a->cli, "--sync"));
	if (value.len)
		json_kv_raw(&o, "value", value);
	json_close(&o, '}');
	rc = access_ask(a, buf_view(&question), value_keep, got, &end, err);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* What metadata would be afterwards fits every sync that declares its shape. */
static int
metadata_fits(struct access *a, const char *op, const struct connection_settings *k, struct slice value,
              struct err *err)
{
	const struct manifest *m = host_manifest_of(a->host, k, err);
	struct buf now = {0}, merged = {0};
	int rc = m ? 0 : -1;

	if (m && strcmp(op, "update") == 0) {
		if (state_ask(a, "metadata", "get", k, SLICE(""), &now, err) != 0)
			rc = -1;
		json_merge_top(&merged, now.len ? buf_view(&now) : SLICE("{}"), value);
		value = buf_view(&merged);
	}
	for (size_t i = 0; rc == 0 && json_type(value) == JSON_OBJECT && i < m->n_syncs; i++)
		if (m->syncs[i].n_input && !fields_match(m->syncs[i].input, m->syncs[i].n_input, value, err)) {
			err->cls = ERR_USAGE;
			rc = err_prefix(err, "sync '%s' wants other metadata", m->syncs[i].name);
		}
	buf_free(&now);
	buf_free(&merged);
	return rc;
}

static int
sync_known(struct access *a, const struct connection_settings *k, struct err *err)
{
	const char *sync = cli_value(a->cli, "--sync");
	const struct manifest *m;

	if (!sync)
		return err_set(err, ERR_USAGE, "say which sync's checkpoint: --sync S");
	m = host_manifest_of(a->host, k, err);
	if (m && strncmp(sync, "webhook:", 8) == 0 && manifest_webhook(m, sync + 8))
		return 0;
	if (m && !manifest_sync(m, sync))
		return err_set(err, ERR_USAGE, "connector '%s' has no sync '%s'", m->name, sync);
	return m ? 0 : -1;
}

/* Of several connections that a checkpoint's flags fit, the one that has this sync. */
static const struct connection_settings *
connection_meant(struct access *a, bool checkpoint, struct err *err)
{
	const struct connection_settings *k = NULL;
	struct picks picks = {.looking = true};

	if (checkpoint && cli_value(a->cli, "--sync") && pick_syncs(a->cli, a->host, &picks, err) == 0 && picks.n == 1)
		k = picks.list[0].connection;
	free(picks.list);
	return k ? k : pick_connection(a->cli, err);
}

static int
state_do(struct access *a, const char *query, struct buf *got, struct err *err)
{
	struct cli *c = a->cli;
	const char *op = c->args[0];
	bool checkpoint = strcmp(query, "checkpoint") == 0,
	     value_wanted = strcmp(op, "set") == 0 || strcmp(op, "update") == 0;
	const struct connection_settings *k = connection_meant(a, checkpoint, err);
	struct buf value = {0};
	int rc = -1;

	if (!k || (checkpoint && sync_known(a, k, err) != 0))
		return -1;
	if (value_wanted != (c->n_args == 2))
		return err_set(err, ERR_USAGE, "usage: sluice %s %s", c->command->name, c->command->usage);
	if (value_wanted && value_read(c->args[1], &value, err) != 0)
		goto out;
	if (value_wanted && !checkpoint && metadata_fits(a, op, k, buf_view(&value), err) != 0)
		goto out;
	rc = state_ask(a, query, op, k, buf_view(&value), got, err);
out:
	buf_free(&value);
	return rc;
}

static int
state_run(struct cli *c, const char *query)
{
	bool get = strcmp(c->args[0], "get") == 0;
	struct buf got = {0};
	struct access a;
	struct err err;
	int code = 0;

	if (access_open(&a, c, !get, &err) != 0)
		return cli_fail(c, &err);
	if (state_do(&a, query, &got, &err) != 0)
		code = cli_fail(c, &err);
	else if (get)
		print_object(c, got.len ? buf_view(&got) : SLICE("null"));
	buf_free(&got);
	access_close(&a);
	return code;
}

static int
command_metadata_run(struct cli *c)
{
	return state_run(c, "metadata");
}

static int
command_checkpoint_run(struct cli *c)
{
	return state_run(c, "checkpoint");
}

const struct command command_metadata = {
	.name = "metadata",
	.usage = "get | set JSON | update JSON | clear  --connection-id C [--integration I]",
	.summary = "Reads or changes a connection's metadata: an object that its connector works by",
	.help = "set replaces, update merges the top level; a value of '-' is read from stdin.",
	.flags = metadata_flags,
	.args_min = 1,
	.args_max = 2,
	.run = command_metadata_run,
};

const struct command command_checkpoint = {
	.name = "checkpoint",
	.usage = "get | set JSON | clear  --connection-id C --sync S [--integration I]",
	.summary = "Reads or changes where a sync goes on in its next run",
	.help = "Clearing what never was is fine. A value of '-' is read from stdin.",
	.flags = checkpoint_flags,
	.args_min = 1,
	.args_max = 2,
	.run = command_checkpoint_run,
};
