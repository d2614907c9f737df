/* access.c - questions to the store: answered in this process when it can have the store, else by whoever has it, over
 * sluice.sock.
 *
 * Both ways are the same code (serve/query.c). Awkward: others read as shortly as we do, so a store that is busy and a
 * socket where nobody listens are tried in turn for a few seconds before that counts as an answer. */
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>
#include "cli/cli.h"
#include "config/stored.h"
#include "config/variant.h"
#include "serve/local.h"

#define PATIENCE_MS 5000
#define PAUSE_MS 20

static struct host *
host_make(struct cli *c, bool read_only, bool no_store, bool beside, struct err *err)
{
	const struct host_options o = {
		.loop = &c->loop, .settings = c->settings, .read_only = read_only, .no_store = no_store, .beside = beside};

	return owner_become(c->settings->host.data_dir, err) == 0 ? host_new(&o, err) : NULL;
}

struct host *
host_patient(struct cli *c, bool read_only, bool beside, struct err *err)
{
	int64_t end = clock_mono_ms(&clock_system) + PATIENCE_MS / 2;
	struct host *h;

	while (!(h = host_make(c, read_only, false, beside, err)) && err->cls == ERR_BUSY && clock_mono_ms(&clock_system) < end)
		usleep(PAUSE_MS * 1000);
	return h;
}

int
busy_remedy(struct err *err, const char *remedy)
{
	return err->cls == ERR_BUSY ? err_set(err, ERR_BUSY, "%s: %s", err->text, remedy) : -1;
}

/* ---- what the host that has the store knows of connections, and we do not ---- */

static void
variants_learn(struct connection_settings *k, struct slice list)
{
	for (struct json_iter it = json_iter(list); json_next(&it);) {
		char *name = json_text(it.value);

		if (!variants_have(k, name))
			variants_put(k, name);
		free(name);
	}
}

static void
connection_learn(struct settings *s, struct slice row)
{
	char *name = member_text(row, "connection"), *integration = member_text(row, "integration");
	struct connection_settings *k =
		(struct connection_settings *)(uintptr_t)settings_connection(s, name, integration); /* of our own settings */

	if (!k && member_bool(row, "stored", false)) {
		k = stored_read(s, slice_str(name), slice_str(integration), member_raw(row, "settings"), NULL);
		if (k) {
			k->sealed = true;
			settings_connection_put(s, k);
		}
	}
	if (k && k->active != member_bool(row, "enabled", k->active)) {
		k->active = !k->active;
		k->switched = true;
	}
	if (k)
		variants_learn(k, member_raw(row, "variants"));
	free(name);
	free(integration);
}

static void
row_learn(void *arg, struct slice row)
{
	const struct access *a = arg;
	struct settings *s = a->cli->settings;
	struct slice manifest = member_raw(row, "manifest");
	char *plugin = manifest.len ? member_text(row, "plugin") : NULL;

	if (plugin)
		host_manifest_learn(a->host, plugin, manifest);
	else
		connection_learn(s, row);
	free(plugin);
}

static void
connections_learn(struct access *a)
{
	const struct query_sink sink = {row_learn, a};
	struct buf end = {0};

	local_ask(a->cli->settings->host.data_dir, SLICE("{\"query\":\"connections\",\"learn\":true}"), &sink, &end, NULL);
	buf_free(&end);
}

int
access_open(struct access *a, struct cli *c, bool write, struct err *err)
{
	*a = (struct access){.cli = c, .write = write};
	a->host = host_make(c, !write, false, false, err);
	if (!a->host && err->cls == ERR_BUSY) {
		a->remote = true;
		a->host = host_make(c, true, true, false, err);
		if (a->host)
			connections_learn(a);
	}
	return a->host ? 0 : -1;
}

void
person_name(char out[64])
{
	const struct passwd *p = getpwuid(getuid());

	if (p)
		snprintf(out, 64, "%.60s", p->pw_name);
	else
		snprintf(out, 64, "uid %u", (unsigned)getuid());
}

void
access_close(struct access *a)
{
	host_free(a->host);
	host_free(a->before);
	a->host = a->before = NULL;
}

int
access_ask(struct access *a, struct slice question, void (*row)(void *arg, struct slice json), void *arg,
           struct buf *end, struct err *err)
{
	const struct query_sink sink = {row, arg};
	int64_t until = clock_mono_ms(&clock_system) + PATIENCE_MS;
	struct host *mine;

	if (!a->remote && !host_store(a->host) && !a->noted) {
		a->noted = true;
		cli_note(a->cli, "there is no store in %s yet: `sluice run` makes it", a->cli->settings->host.data_dir);
	}
	for (;;) {
		buf_clear(end);
		if (!a->remote)
			return query_answer(a->host, question, &sink, end, err);
		if (local_ask(a->cli->settings->host.data_dir, question, &sink, end, err) == 0)
			return 0;
		if (err->cls != ERR_BUSY || clock_mono_ms(&clock_system) > until)
			return -1;
		usleep(PAUSE_MS * 1000);
		mine = host_make(a->cli, !a->write, false, false, err);
		if (mine) {
			a->before = a->host;
			a->host = mine;
			a->remote = false;
		} else if (err->cls != ERR_BUSY) {
			return -1;
		}
	}
}

void
row_none(void *arg, struct slice json)
{
	(void)arg;
	(void)json;
}
