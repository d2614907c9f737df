/* loaded.c - settings once they are loaded: held, looked up and freed. settings.c makes them.
 *
 * Guarantee: what one holder has stays as it is until the last of them has freed it, whatever is loaded meanwhile; and what was
 * secret in it is wiped before its memory goes back. Which members are to be freed is read from the table of keys (keys.c), so a
 * new key needs no line here.
 *
 * Awkward: a connection's name alone may stand for several (one each integration); then it names none. And a sync without a
 * section has settings too: those of the table. */
#include "config/loaded.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/stored.h"
#include "config/value.h"
#include "config/variant.h"

/* ---- held and freed ---- */

static void
section_free(enum section_kind kind, void *at)
{
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == kind)
			key_unset(k, at);
}

static void
pairs_free(struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(pairs[i].name);
		explicit_bzero(pairs[i].value, strlen(pairs[i].value));
		free(pairs[i].value);
	}
	free(pairs);
}

void
connection_settings_free(struct connection_settings *c)
{
	if (!c)
		return;
	section_free(SECTION_CONNECTION, c);
	pairs_free(c->options, c->n_options);
	pairs_free(c->metadata, c->n_metadata);
	variants_free(c);
	free(c->broken);
	free(c->name);
	free(c);
}

struct settings *
settings_hold(const struct settings *s)
{
	struct settings *held = (struct settings *)(uintptr_t)s; /* const to its readers; the count is ours */

	held->holders++;
	return held;
}

void
settings_integrations_cut(struct settings *s, size_t n)
{
	while (s->n_integrations > n) {
		struct integration_settings *i = s->integrations[--s->n_integrations];

		section_free(SECTION_INTEGRATION, i);
		free(i->name);
		free(i);
	}
}

static void
key_finish(struct key_settings *k)
{
	section_free(SECTION_KEY, k);
	free(k->name);
	free(k->broken);
}

static void
sync_free(struct sync_settings *y)
{
	section_free(SECTION_SYNC, y);
	free(y->sync);
	for (size_t i = 0; i < LENGTH(y->after_parts); i++)
		free(y->after_parts[i]);
	free(y);
}

static void
dataset_free(struct dataset_settings *d)
{
	section_free(SECTION_DATASET, d);
	pairs_free(d->options, d->n_options);
	free(d->name);
	free(d);
}

static void
limit_free(struct limit_settings *l)
{
	section_free(SECTION_LIMIT, l);
	free(l->name);
	free(l);
}

static void
merge_free(struct merge_settings *m)
{
	section_free(SECTION_MERGE, m);
	free(m->name);
	free(m);
}

static void
webhook_free(struct webhook_settings *w)
{
	section_free(SECTION_WEBHOOK, w);
	free(w->broken);
	free(w->name);
	free(w);
}

/* What the sections made. */
static void
sections_free(struct settings *s)
{
	section_free(SECTION_HOST, &s->host);
	section_free(SECTION_ALERT, &s->alert);
	for (size_t i = 0; i < s->n_keys; i++)
		key_finish(&s->keys[i]);
	settings_integrations_cut(s, 0);
	for (size_t i = 0; i < s->n_connections; i++)
		connection_settings_free(s->connections[i]);
	for (size_t i = 0; i < s->n_retired; i++)
		connection_settings_free(s->retired[i]);
	for (size_t i = 0; i < s->n_syncs; i++)
		sync_free(s->syncs[i]);
	for (size_t i = 0; i < s->n_datasets; i++)
		dataset_free(s->datasets[i]);
	for (size_t i = 0; i < s->n_limits; i++)
		limit_free(s->limits[i]);
	for (size_t i = 0; i < s->n_merges; i++)
		merge_free(s->merges[i]);
	for (size_t i = 0; i < s->n_webhooks; i++)
		webhook_free(s->webhooks[i]);
}

void
settings_free(struct settings *s)
{
	struct loaded *all = (struct loaded *)s;

	if (!s)
		return;
	if (s->holders) {
		s->holders--;
		return;
	}
	sections_free(s);
	for (size_t i = 0; i < s->n_shown; i++) {
		free(s->shown[i].section);
		free(s->shown[i].value);
	}
	for (size_t i = 0; i < all->n_files; i++)
		free(all->files[i]);
	free(all->files);
	free(s->keys);
	free(s->integrations);
	free(s->connections);
	free(s->retired);
	free(s->datasets);
	free(s->syncs);
	free(s->limits);
	free(s->merges);
	free(s->webhooks);
	free(s->shown);
	free(all);
}

/* ---- looked up ---- */

const struct connection_settings *
settings_connection(const struct settings *s, const char *name, const char *integration)
{
	const struct connection_settings *found = NULL;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *c = s->connections[i];
		if (strcmp(c->name, name) || (integration && strcmp(c->integration->name, integration)))
			continue;
		if (found)
			return NULL;
		found = c;
	}
	return found;
}

const struct dataset_settings *
settings_dataset(const struct settings *s, const struct connection_settings *c, const char *name)
{
	struct slice base = variant_base(name);

	for (size_t i = 0; i < s->n_datasets; i++)
		if (s->datasets[i]->connection == c && slice_is(base, s->datasets[i]->name))
			return s->datasets[i];
	return NULL;
}

const struct sync_settings *
settings_sync(const struct settings *s, const struct connection_settings *c, const char *sync)
{
	struct slice base = variant_base(sync);

	for (size_t i = 0; i < s->n_syncs; i++)
		if (s->syncs[i]->connection == c && slice_is(base, s->syncs[i]->sync))
			return s->syncs[i];
	return NULL;
}

void
settings_sync_fill(const struct settings *s, const struct connection_settings *c, const char *sync,
                   struct sync_settings *out)
{
	const struct sync_settings *given = settings_sync(s, c, sync);

	if (given) {
		*out = *given;
		return;
	}
	*out = (struct sync_settings){
		.connection = c, .max_delete_share = -1, .max_rejected = -1, .priority = PRIORITY_UNSET};
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == SECTION_SYNC && k->initial)
			key_parse(k, slice_str(k->initial), out, NULL);
}
