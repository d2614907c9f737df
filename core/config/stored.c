/* stored.c - see stored.h.
 *
 * Values are judged by the same table as those of the INI. Awkward: what was given as env: or file: was resolved when the
 * connection was made, so here "env:X" is text like any other; it goes to the parser as a JSON string, which says so. */
#include "config/stored.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/draft.h"
#include "config/value.h"
#include "config/variant.h"

#define NAME_MOST 255

static const struct origin in_store = {"the store", 0};

static const struct integration_settings *
integration_of(struct settings *s, struct slice name)
{
	struct integration_settings *i;

	for (size_t n = 0; n < s->n_integrations; n++)
		if (slice_is(name, s->integrations[n]->name))
			return s->integrations[n];
	i = XNEW(struct integration_settings);
	i->name = slice_dup(name);
	i->plugin = slice_dup(name);
	i->at = in_store;
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == SECTION_INTEGRATION && k->initial)
			key_parse(k, slice_str(k->initial), i, NULL);
	s->integrations = xrealloc(s->integrations, (s->n_integrations + 1) * sizeof(*s->integrations));
	return s->integrations[s->n_integrations++] = i;
}

static bool
hidden(struct slice json, const char *name)
{
	struct slice list;

	if (!json_member(json, "hidden", &list))
		return false;
	for (struct json_iter it = json_iter(list); json_next(&it);)
		if (json_string_is(it.value, name))
			return true;
	return false;
}

static void
pair_put(struct pair **list, size_t *n, char *name, char *value, bool resolved)
{
	*list = xrealloc(*list, (*n + 1) * sizeof(**list));
	(*list)[(*n)++] = (struct pair){name, value, resolved, in_store};
	if (resolved)
		log_secret(slice_str(value));
}

/* One member of "credentials" or "options". name: taken. */
static int
member_read(struct connection_settings *c, char *name, struct slice value, bool credential, struct slice json,
            struct err *err)
{
	const struct key *k = key_find(SECTION_CONNECTION, name);
	int rc = -1;

	if (json_type(value) != JSON_STRING)
		err_set(err, ERR_USAGE, "%s: is no text", name);
	else if (credential != (k && k->type == KEY_SECRET))
		err_set(err, ERR_USAGE, credential ? "%s: no credential is called so" : "%s: is a credential and no option", name);
	else if (k)
		rc = key_parse(k, value, c, err) == 0 ? 0 : err_prefix(err, "%s", name);
	else {
		pair_put(&c->options, &c->n_options, name, json_text(value), hidden(json, name));
		return 0;
	}
	free(name);
	return rc;
}

static int
members_read(struct connection_settings *c, struct slice json, const char *group, struct err *err)
{
	struct slice members;

	if (!json_member(json, group, &members))
		return 0;
	for (struct json_iter it = json_iter(members); json_next(&it);) {
		struct buf name = {0}, quoted = {0};
		buf_printf(&quoted, "\"%.*s\"", (int)it.key.len, it.key.p);
		json_unquote(buf_view(&quoted), &name);
		buf_free(&quoted);
		if (member_read(c, buf_take(&name), it.value, strcmp(group, "credentials") == 0, json, err) != 0)
			return -1;
	}
	return 0;
}

static void
metadata_read(struct connection_settings *c, struct slice json)
{
	struct slice members;

	if (!json_member(json, "metadata", &members))
		return;
	for (struct json_iter it = json_iter(members); json_next(&it);)
		pair_put(&c->metadata, &c->n_metadata, slice_dup(it.key), slice_dup(it.value), false);
}

/* Applications name connections after their own users' ids: more may stand in one than in a section of the INI; but nothing that
 * separates names where several stand together. */
static bool
name_good(struct slice name)
{
	if (draft_name_good(name))
		return true;
	for (size_t i = 0; i < name.len; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || strchr("\"\\:;,*#=[]", name.p[i]))
			return false;
	return name.len && name.len <= NAME_MOST;
}

struct connection_settings *
stored_read(struct settings *s, struct slice name, struct slice integration, struct slice json, struct err *err)
{
	struct connection_settings *c;

	if (!name_good(name) || !draft_name_good(integration)) {
		err_set(err, ERR_USAGE,
		        "'%.*s : %.*s' names no connection: blanks, bytes beyond ASCII and \" \\ : ; , * # = [ ] may not stand in a name",
		        (int)(name.len < 64 ? name.len : 64), name.p, (int)(integration.len < 64 ? integration.len : 64),
		        integration.p);
		return NULL;
	}
	c = XNEW(struct connection_settings);
	c->name = slice_dup(name);
	c->integration = integration_of(s, integration);
	c->stored = true;
	c->at = c->base_url_at = in_store;
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == SECTION_CONNECTION && k->initial)
			key_parse(k, slice_str(k->initial), c, NULL);
	if (members_read(c, json, "credentials", err) == 0 && members_read(c, json, "options", err) == 0) {
		metadata_read(c, json);
		return c;
	}
	err_prefix(err, "connection %s : %s", c->name, c->integration->name);
	connection_settings_free(c);
	return NULL;
}

void
settings_connection_put(struct settings *s, struct connection_settings *c)
{
	const struct connection_settings *before = settings_connection(s, c->name, c->integration->name);

	if (before) {
		variants_move((struct connection_settings *)(uintptr_t)before, c); /* ours, as all of s */
		settings_connection_retire(s, before);
	}
	s->connections = xrealloc(s->connections, (s->n_connections + 1) * sizeof(*s->connections));
	s->connections[s->n_connections++] = c;
}

void
settings_connection_retire(struct settings *s, const struct connection_settings *c)
{
	size_t i = 0;

	while (i < s->n_connections && s->connections[i] != c)
		i++;
	if (i == s->n_connections)
		return;
	s->retired = xrealloc(s->retired, (s->n_retired + 1) * sizeof(*s->retired));
	s->retired[s->n_retired++] = s->connections[i];
	s->n_connections--;
	memmove(&s->connections[i], &s->connections[i + 1], (s->n_connections - i) * sizeof(*s->connections));
}
