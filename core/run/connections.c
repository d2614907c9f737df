/* connections.c - see connections.h.
 *
 * Awkward: a command's word must not outlive the operator's change of mind in the INI. So it is kept together with what
 * INI said at the time ("active"), and counts only as long as INI still says that. And a stored connection that is removed
 * or replaced may have a run under way: it is retired, and freed with the settings that the run holds. */
#include "run/connections.h"

#include <stdlib.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/mem.h"
#include "config/stored.h"
#include "run/host.h"
#include "run/member.h"
#include "run/options.h"
#include "run/target.h"
#include "run/tokens.h"
#include "run/variants.h"

/* Names in STATE_CONNECTION. */
#define CONTROL SLICE("control")
#define SETTINGS SLICE("settings")

static struct scope_name
connection_scope_name(const struct connection_settings *c)
{
	return (struct scope_name){.connection = c->name, .integration = c->integration->name};
}

bool
connection_enabled(struct store *s, const struct connection_settings *c)
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = s ? store_scope_find(s, &name) : 0;
	struct buf control = {0};
	bool enabled = c->active;

	if (scope && store_state_get(s, scope, STATE_CONNECTION, CONTROL, &control) &&
	    member_bool(buf_view(&control), "active", !c->active) == c->active)
		enabled = member_bool(buf_view(&control), "enabled", c->active);
	buf_free(&control);
	return enabled;
}

int
connection_enable(struct store *s, const struct connection_settings *c, bool enabled, struct err *err)
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = store_scope(s, &name, err);
	struct buf patch = {0};
	struct json_out o = json_out(&patch);
	struct commit *commit;

	if (!scope)
		return -1;
	json_open(&o, '{');
	json_kv_bool(&o, "enabled", enabled);
	json_kv_bool(&o, "active", c->active);
	json_close(&o, '}');
	commit = commit_new(s, (struct fence){0, 0});
	commit_state_merge(commit, scope, STATE_CONNECTION, CONTROL, buf_view(&patch));
	buf_free(&patch);
	return store_commit_wait(s, commit, NULL, err);
}

/* ---- what else is known of one ---- */

static bool
metadata_given(const struct connection_settings *c, struct buf *out)
{
	struct json_out o = json_out(out);

	if (!c->n_metadata)
		return false;
	json_open(&o, '{');
	for (size_t i = 0; i < c->n_metadata; i++)
		json_kv_raw(&o, c->metadata[i].name, slice_str(c->metadata[i].value));
	json_close(&o, '}');
	return true;
}

static bool
metadata_set(struct store *s, const struct connection_settings *c, struct buf *out)
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = s ? store_scope_find(s, &name) : 0;

	return scope && store_state_get(s, scope, STATE_METADATA, SLICE(""), out);
}

bool
connection_metadata(struct store *s, const struct connection_settings *c, struct buf *out)
{
	return metadata_set(s, c, out) || metadata_given(c, out);
}

/* The first merge into metadata that only INI gives merges into that. */
void
commit_metadata(struct commit *commit, struct store *s, const struct connection_settings *c, uint32_t scope, struct slice value,
                bool merge)
{
	struct buf base = {0};

	if (merge && !metadata_set(s, c, &base) && metadata_given(c, &base))
		commit_state_set(commit, scope, STATE_METADATA, SLICE(""), buf_view(&base));
	if (merge)
		commit_state_merge(commit, scope, STATE_METADATA, SLICE(""), value);
	else
		commit_state_set(commit, scope, STATE_METADATA, SLICE(""), value);
	buf_free(&base);
}

bool
file_changed_at(const struct origin *at, char out[TIME_TEXT_MAX])
{
	struct stat st;

	if (!at->file || stat(at->file, &st) != 0)
		return false;
	time_format((int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000, out);
	return true;
}

bool
connection_added_at(struct store *s, const struct connection_settings *c, char out[TIME_TEXT_MAX])
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = c->stored && s ? store_scope_find(s, &name) : 0;
	struct buf json = {0};
	int64_t us = 0;

	if (!c->stored)
		return file_changed_at(&c->at, out);
	if (scope && store_state_get(s, scope, STATE_CONNECTION, SETTINGS, &json))
		us = member_time(buf_view(&json), "added_at");
	buf_wipe(&json);
	if (us)
		time_format(us, out);
	return us != 0;
}

/* ---- those that were made by a command ---- */

struct loading {
	struct host *host;
	struct scope_name *list; /* of connections; the texts are ours */
	uint32_t *scopes;
	size_t n;
};

static bool
scope_keep(void *arg, uint32_t scope, const struct scope_name *n)
{
	struct loading *l = arg;

	if (n->sync && *n->sync)
		return true;
	l->list = xrealloc(l->list, (l->n + 1) * sizeof *l->list);
	l->scopes = xrealloc(l->scopes, (l->n + 1) * sizeof *l->scopes);
	l->scopes[l->n] = scope;
	l->list[l->n++] = (struct scope_name){.connection = xstrdup(n->connection), .integration = xstrdup(n->integration)};
	return true;
}

/* What was good when it was stored may not be for this program: an option's key that an older one does not know. */
static struct connection_settings *
stored_broken(struct settings *s, const struct scope_name *n, const struct err *why)
{
	struct connection_settings *c =
		stored_read(s, slice_str(n->connection), slice_str(n->integration), SLICE("{}"), NULL);

	if (c)
		c->broken = xstrdup(why->text);
	return c;
}

static void
stored_load(struct settings *s, const struct scope_name *n, struct slice json)
{
	const struct connection_settings *before = settings_connection(s, n->connection, n->integration);
	struct connection_settings *c;
	char at[ORIGIN_MAX];
	struct err err;

	if (before && !before->stored) {
		log_warn("connection %s : %s stands in %s, and in the store too: the stored one is not used; `sluice connections "
		         "remove` takes it away", n->connection, n->integration, origin_text(before->at, at));
		return;
	}
	c = stored_read(s, slice_str(n->connection), slice_str(n->integration), json, &err);
	if (!c)
		c = stored_broken(s, n, &err);
	if (c)
		settings_connection_put(s, c);
}

int
connections_load(struct host *h, struct settings *s, struct err *err)
{
	struct loading l = {.host = h};
	struct buf json = {0};
	int rc = h->store ? store_scopes(h->store, scope_keep, &l, err) : 0;

	for (size_t i = 0; i < l.n; i++) {
		if (rc == 0 && store_state_get(h->store, l.scopes[i], STATE_CONNECTION, SETTINGS, &json))
			stored_load(s, &l.list[i], buf_view(&json));
		if (rc == 0)
			rc = variants_load(h->store, l.scopes[i], s, &l.list[i], err);
		free((char *)(uintptr_t)l.list[i].connection);
		free((char *)(uintptr_t)l.list[i].integration);
	}
	buf_wipe(&json);
	free(l.list);
	free(l.scopes);
	return rc;
}

int
connection_judge(struct host *h, const struct connection_settings *c, struct err *err)
{
	const struct manifest *m = host_manifest_of(h, c, err);
	struct buf options = {0};
	struct proxy_auth auth;
	char at[ORIGIN_MAX];
	int rc = -1;

	if (!m)
		err_prefix(err, "%s: connection %s : %s", origin_text(c->at, at), c->name, c->integration->name);
	else if (options_build(m, c, &options, err) == 0 && target_credentials(m, c, buf_view(&options), &auth, err) == 0)
		rc = 0;
	buf_free(&options);
	return rc;
}

static int
in_config(const struct connection_settings *c, struct err *err)
{
	char at[ORIGIN_MAX];

	return err_set(err, ERR_USAGE, "defined_in_config: connection %s : %s stands in %s: change it there", c->name,
	               c->integration->name, origin_text(c->at, at));
}

static int
settings_write(struct host *h, const struct scope_name *name, const struct slice *json, bool forget, struct err *err)
{
	uint32_t scope = store_scope(h->store, name, err);
	struct commit *commit;

	if (!scope)
		return -1;
	commit = commit_new(h->store, (struct fence){0, 0});
	if (json)
		commit_state_set(commit, scope, STATE_CONNECTION, SETTINGS, *json);
	else
		commit_state_clear(commit, scope, STATE_CONNECTION, SETTINGS);
	if (forget && !json)
		commit_state_clear(commit, scope, STATE_TOKEN, SLICE("")); /* a credential too */
	if (forget) { /* that people have switched it on or off, and what they made of it */
		commit_state_clear(commit, scope, STATE_CONNECTION, CONTROL);
		commit_state_clear_all(commit, scope, STATE_VARIANT);
	}
	if (!json)
		commit_state_clear(commit, scope, STATE_CONNECTION, CONNECTION_LABELS);
	return store_commit_wait(h->store, commit, NULL, err);
}

int
connection_add(struct host *h, const char *name, const char *integration, struct slice json, bool replace, struct err *err)
{
	const struct connection_settings *before = settings_connection(h->settings, name, integration);
	struct connection_settings *c;
	struct scope_name scope;
	size_t integrations = h->settings->n_integrations;

	if (!h->store)
		return err_set(err, ERR_HOST, "there is no store to write to");
	if (before && !before->stored)
		return in_config(before, err);
	if (before && !replace)
		return err_set(err, ERR_USAGE, "connection %s : %s is there already; --replace puts this one in its place", name,
		               integration);
	c = stored_read(h->settings, slice_str(name), slice_str(integration), json, err);
	if (!c)
		goto refused;
	scope = connection_scope_name(c);
	if (connection_judge(h, c, err) != 0 || settings_write(h, &scope, &json, !before, err) != 0)
		goto refused;
	settings_connection_put(h->settings, c);
	return 0;
refused:
	connection_settings_free(c);
	settings_integrations_cut(h->settings, integrations);
	return -1;
}

static bool
is_stored(struct store *s, const struct scope_name *n)
{
	uint32_t scope = store_scope_find(s, n);
	struct buf json = {0};
	bool there = scope && store_state_get(s, scope, STATE_CONNECTION, SETTINGS, &json);

	buf_wipe(&json);
	return there;
}

int
connection_remove(struct host *h, const char *name, const char *integration, struct err *err)
{
	const struct connection_settings *c = settings_connection(h->settings, name, integration);
	const struct scope_name scope = {.connection = name, .integration = integration};

	if (!h->store)
		return err_set(err, ERR_HOST, "there is no store to write to");
	if (!is_stored(h->store, &scope))
		return c ? in_config(c, err)
		         : err_set(err, ERR_USAGE, "there is no connection %s : %s", name, integration);
	if (settings_write(h, &scope, NULL, !c || c->stored, err) != 0)
		return -1;
	tokens_forget(h, name, integration);
	if (c && c->stored)
		settings_connection_retire(h->settings, c);
	return 0;
}
