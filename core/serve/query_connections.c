/* query_connections.c - the questions behind `sluice connections`: which there are, making and removing one in the store,
 * and switching one on or off.
 *
 * What a person decided is durable when the answer goes out, and a service has its schedule follow. A connection that is
 * switched off is not begun again; a run of it that is under way ends by itself. Guarantee: no answer holds a secret, also
 * not for the command line of the same user; credentials are told by name. */
#include <stdlib.h>
#include "base/log.h"
#include "config/keys.h"
#include "plugin/registry.h"
#include "run/connections.h"
#include "run/webhooks.h"
#include "schedule/service.h"
#include "serve/question.h"
#include "store/events_out.h"

static const struct secret *
secret_at(const struct connection_settings *c, const struct key *k)
{
	const struct secret *s;

	memcpy(&s, (const char *)c + k->offset, sizeof s);
	return s;
}

static void
credentials_put(struct json_out *o, const struct connection_settings *c)
{
	json_key(o, "credentials");
	json_open(o, '[');
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == SECTION_CONNECTION && k->type == KEY_SECRET && secret_at(c, k))
			json_put_str(o, k->name);
	json_close(o, ']');
}

static void
options_put(struct json_out *o, const struct connection_settings *c, bool all)
{
	json_key(o, "options");
	json_open(o, '{');
	if (c->base_url)
		json_kv_str(o, "base_url", c->base_url);
	for (size_t i = 0; i < c->n_options; i++)
		if (all || !c->options[i].resolved)
			json_kv_str(o, c->options[i].name, c->options[i].resolved ? "***" : c->options[i].value);
	json_close(o, '}');
}

static void
metadata_put(struct json_out *o, const struct connection_settings *c)
{
	json_key(o, "metadata");
	json_open(o, '{');
	for (size_t i = 0; i < c->n_metadata; i++)
		if (!c->metadata[i].resolved)
			json_kv_raw(o, c->metadata[i].name, slice_str(c->metadata[i].value));
	json_close(o, '}');
}

static void
detail_put(struct json_out *o, const struct connection_settings *c)
{
	credentials_put(o, c);
	options_put(o, c, true);
	metadata_put(o, c);
	json_kv_str(o, "trouble", c->broken);
}

/* For a command line beside us: a stored one as settings, without what is secret. */
static void
learnt_put(struct json_out *o, const struct connection_settings *c)
{
	json_key(o, "settings");
	json_open(o, '{');
	options_put(o, c, false);
	metadata_put(o, c);
	json_close(o, '}');
}

static void
connection_row(struct question *q, const struct connection_settings *c)
{
	struct json_out o = json_out(&q->row);
	char at[ORIGIN_MAX];

	json_open(&o, '{');
	json_kv_str(&o, "connection", c->name);
	json_kv_str(&o, "integration", c->integration->name);
	json_kv_str(&o, "plugin", c->integration->plugin);
	json_kv_bool(&o, "enabled", connection_enabled(q->store, c));
	json_kv_bool(&o, "active", c->active);
	json_kv_bool(&o, "usable", !c->broken);
	json_kv_bool(&o, "stored", c->stored);
	json_kv_str(&o, "from", origin_text(c->at, at));
	if (member_bool(q->json, "detail", false))
		detail_put(&o, c);
	if (c->stored && member_bool(q->json, "learn", false))
		learnt_put(&o, c);
	json_key(&o, "variants");
	json_open(&o, '[');
	for (size_t i = 0; i < c->n_variants; i++)
		json_put_str(&o, c->variants[i]);
	json_close(&o, ']');
	json_close(&o, '}');
	question_row(q);
}

static bool
plugin_seen(const struct question *q, size_t before, const char *plugin)
{
	for (size_t i = 0; i < before; i++)
		if (strcmp(q->settings->connections[i]->integration->plugin, plugin) == 0)
			return true;
	return false;
}

/* For the same: what a plugin in use declares whose file cannot be used any more. Who describes it anew would know no sync of it. */
static void
plugins_rows(struct question *q)
{
	for (size_t i = 0; i < q->settings->n_connections; i++) {
		const char *plugin = q->settings->connections[i]->integration->plugin;
		const struct plugin_file *used = host_plugin_look(q->host, plugin);
		struct json_out o = json_out(&q->row);
		struct buf manifest = {0};

		if (!used || !host_plugin_trouble(q->host, plugin, NULL) || plugin_seen(q, i, plugin))
			continue;
		manifest_write(&manifest, used->manifest);
		json_open(&o, '{');
		json_kv_str(&o, "plugin", plugin);
		json_kv_raw(&o, "manifest", buf_view(&manifest));
		json_close(&o, '}');
		question_row(q);
		buf_free(&manifest);
	}
}

int
ask_connections(struct question *q)
{
	for (size_t i = 0; i < q->settings->n_connections; i++) {
		const struct connection_settings *c = q->settings->connections[i];
		if (name_fits(q->connection, c->name) && name_fits(q->integration, c->integration->name))
			connection_row(q, c);
	}
	if (member_bool(q->json, "learn", false))
		plugins_rows(q);
	return 0;
}

/* ---- switching ---- */

/* A service also has its schedule follow. */
static int
enabled_put(struct question *q, const struct connection_settings *c, bool enabled)
{
	const struct service_ask a = {.connection = c->name, .integration = c->integration->name};

	if (host_service(q->host))
		return service_enable(host_service(q->host), &a, enabled, q->err);
	return connection_enable(q->store, c, enabled, q->err);
}

int
ask_enable(struct question *q)
{
	const struct connection_settings *c =
		q->connection ? settings_connection(q->settings, q->connection, q->integration) : NULL;

	if (!c)
		return err_set(q->err, ERR_USAGE, "the question names no connection, or none that this host knows");
	if (!q->store)
		return err_set(q->err, ERR_HOST, "there is no store to write to");
	if (enabled_put(q, c, member_bool(q->json, "enabled", true)) != 0)
		return -1;
	connection_row(q, c);
	return 0;
}

/* ---- made and removed ---- */

static int
changed(struct question *q, const char *what)
{
	char *who = member_text(q->json, "who");

	log_info("connection %s : %s is %s by %s", q->connection, q->integration, what, who ? who : "somebody");
	free(who);
	if (host_service(q->host))
		service_connections_changed(host_service(q->host));
	return 0;
}

/* To endpoints that want it. */
static int
added_tell(struct question *q, const struct connection_settings *c, bool again)
{
	struct commit *commit;

	if (!store_outbox_wanted(q->store, WEBHOOK_AUTH))
		return 0;
	commit = commit_new(q->store, (struct fence){0, 0});
	webhook_connection(commit, q->host, c, again, (struct slice){0});
	return store_commit_wait(q->store, commit, NULL, q->err);
}

int
ask_add_connection(struct question *q)
{
	const bool again = q->connection && settings_connection(q->settings, q->connection, q->integration);
	struct slice json = member_raw(q->json, "settings");
	const struct connection_settings *c;

	if (!q->connection || !q->integration || json_type(json) != JSON_OBJECT)
		return err_set(q->err, ERR_USAGE, "the question names no connection and integration, or has no settings");
	if (connection_add(q->host, q->connection, q->integration, json, member_bool(q->json, "replace", false), q->err) != 0)
		return -1;
	c = settings_connection(q->settings, q->connection, q->integration);
	if (c && added_tell(q, c, again) != 0)
		return -1;
	if (c)
		connection_row(q, c);
	return changed(q, "added");
}

int
ask_remove_connection(struct question *q)
{
	struct json_out o = json_out(&q->row);

	if (!q->connection || !q->integration)
		return err_set(q->err, ERR_USAGE, "the question names no connection and integration");
	if (connection_remove(q->host, q->connection, q->integration, q->err) != 0)
		return -1;
	json_open(&o, '{');
	json_kv_str(&o, "connection", q->connection);
	json_kv_str(&o, "integration", q->integration);
	json_kv_bool(&o, "removed", true);
	json_close(&o, '}');
	question_row(q);
	return changed(q, "removed");
}
