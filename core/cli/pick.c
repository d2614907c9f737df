/* pick.c - which connections and syncs a command line means: --connection-id, --integration and --sync, each leaving
 * out means all. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "run/connections.h"
#include "sluice.h"

static bool
wanted(const struct cli *c, const struct connection_settings *k)
{
	const char *name = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration");

	return (!name || strcmp(name, k->name) == 0) &&
	       (!integration || strcmp(integration, k->integration->name) == 0);
}

static int
inactive(const struct connection_settings *k, const char *has, const char *sync, struct err *err)
{
	char at[ORIGIN_MAX];

	if (k->active || k->switched)
		return err_set(err, ERR_USAGE,
		               "connection %s : %s is switched off: `sluice connections enable --connection-id %s "
		               "--integration %s`",
		               k->name, k->integration->name, k->name, k->integration->name);
	return err_set(err, ERR_USAGE,
	               "connection %s : %s%s%s is inactive (active = no, %s): say --connection-id %s --integration "
	               "%s, or active = yes",
	               k->name, k->integration->name, has, sync, origin_text(k->at, at), k->name,
	               k->integration->name);
}

static int
nobody(const struct cli *c, struct err *err)
{
	const struct settings *s = c->settings;
	const char *name = cli_value(c, "--connection-id"), *integration = cli_value(c, "--integration"), *near = NULL;
	const char **names = xcalloc(s->n_connections + 1, sizeof *names);

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *k = s->connections[i];
		names[i] = k->name;
		if (wanted(c, k)) { /* and yet not meant: it is switched off */
			free(names);
			return inactive(k, "", "", err);
		}
	}
	if (name)
		near = nearest(name, names);
	free(names);
	if (!s->n_connections)
		return err_set(err, ERR_USAGE,
		               "no connection is configured: write a [connection NAME : INTEGRATION] section");
	if (!name)
		return err_set(err, ERR_USAGE, "there is no connection of integration '%s'", integration);
	return err_set(err, ERR_USAGE, "there is no connection '%s'%s%s%s%s%s", name,
	               integration ? " of integration " : "", integration ? integration : "",
	               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

const struct connection_settings *
pick_connection(struct cli *c, struct err *err)
{
	const struct connection_settings *found = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->settings->n_connections; i++)
		if (wanted(c, c->settings->connections[i])) {
			found = c->settings->connections[i];
			n++;
		}
	if (n == 1)
		return found;
	if (n == 0)
		nobody(c, err);
	else
		err_set(err, ERR_USAGE, "%zu connections fit: choose one with --connection-id and --integration", n);
	return NULL;
}

static void
pick_add(struct picks *p, const struct pick *pick)
{
	p->list = xrealloc(p->list, (p->n + 1) * sizeof *p->list);
	p->list[p->n++] = *pick;
}

static void
syncs_add(struct cli *c, const struct connection_settings *k, const struct manifest *m, struct picks *out)
{
	const char *sync = cli_value(c, "--sync");

	for (size_t i = 0; i < m->n_syncs; i++) {
		const struct manifest_sync *s = &m->syncs[i];
		if (sync ? strcmp(sync, s->name) == 0 : out->manual || !(s->flags & SLUICE_MANUAL))
			pick_add(out, &(struct pick){k, m, s});
	}
}

/* A connection's syncs one after the other, those of higher priority first; connections in the order of the files. */
static void
picks_sort(struct picks *p)
{
	for (size_t i = 1; i < p->n; i++) {
		struct pick x = p->list[i];
		size_t k = i;
		for (; k > 0 && p->list[k - 1].connection == x.connection &&
		       p->list[k - 1].sync->priority < x.sync->priority;
		     k--)
			p->list[k] = p->list[k - 1];
		p->list[k] = x;
	}
}

static int
no_sync(struct cli *c, struct host *h, struct err *err)
{
	const char *sync = cli_value(c, "--sync"), *near = NULL;
	const char *names[256];
	size_t n = 0;

	if (!sync)
		return err_set(err, ERR_USAGE, "nothing to run: no active connection has a sync that starts by itself");
	for (size_t i = 0; i < c->settings->n_connections; i++) {
		const struct connection_settings *k = c->settings->connections[i];
		const struct manifest *m = wanted(c, k) ? host_manifest_of(h, k, NULL) : NULL;
		if (m && !k->active && manifest_sync(m, sync))
			return inactive(k, ", which has the sync ", sync, err);
		for (size_t s = 0; m && s < m->n_syncs && n < LENGTH(names) - 1; s++)
			names[n++] = m->syncs[s].name;
	}
	names[n] = NULL;
	near = nearest(sync, names);
	return err_set(err, ERR_USAGE, "no connection has a sync '%s'%s%s%s", sync, near ? "; did you mean '" : "",
	               near ? near : "", near ? "'?" : "");
}

int
connection_broken(struct cli *c, const struct connection_settings *k)
{
	struct err err;
	int code = 0;

	for (const char *line = k->broken, *end; line && *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		err_set(&err, ERR_USAGE, "%.*s", (int)(end - line), line);
		code = cli_fail(c, &err);
	}
	return code;
}

int
pick_syncs(struct cli *c, struct host *h, struct picks *out, struct err *err)
{
	bool named = cli_value(c, "--connection-id") != NULL, any = false;
	char at[ORIGIN_MAX];
	struct err why;

	for (size_t i = 0; i < c->settings->n_connections; i++) {
		const struct connection_settings *k = c->settings->connections[i];
		const struct manifest *m;
		if (!wanted(c, k) || (!named && !connection_enabled(host_store(h), k)))
			continue;
		any = true;
		m = host_manifest_of(h, k, &why);
		if (m && k->broken && !out->looking) {
			if (!cli_value(c, "--sync") || manifest_sync(m, cli_value(c, "--sync")))
				out->exit = exit_worst(out->exit, connection_broken(c, k));
		} else if (m) {
			syncs_add(c, k, m, out);
		} else {
			err_prefix(&why, "%s: connection %s : %s", origin_text(k->at, at), k->name, k->integration->name);
			out->exit = exit_worst(out->exit, cli_fail(c, &why));
		}
	}
	picks_sort(out);
	if (!any)
		return nobody(c, err);
	return out->n || out->exit ? 0 : no_sync(c, h, err);
}

void
pick_names_put(struct json_out *o, const struct pick *p)
{
	json_kv_str(o, "connection", p->connection->name);
	json_kv_str(o, "integration", p->connection->integration->name);
	json_kv_str(o, "sync", p->sync->name);
}

void
picks_question(const struct picks *picks, size_t from, size_t most, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "status");
	json_key(&o, "syncs");
	json_open(&o, '[');
	for (size_t i = from; i < picks->n && i - from < most; i++) {
		json_open(&o, '{');
		pick_names_put(&o, &picks->list[i]);
		json_close(&o, '}');
	}
	json_close(&o, ']');
	json_close(&o, '}');
}
