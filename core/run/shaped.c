/* shaped.c - see shaped.h.
 *
 * The manifest is put together as JSON and read by manifest_parse like a plugin's own, so the same rules judge it, here and in
 * the worker.
 *
 * Awkward: manifests are lent out (host_manifest_of) to whoever builds lists of syncs, and what they were made from may be
 * replaced meanwhile. Each therefore holds its settings and its plugin's file, and goes two replacements after it was last
 * asked for; the schedule asks anew after each. */
#include "run/shaped.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/variant.h"
#include "run/host.h"
#include "run/options.h"
#include "sluice.h"

static bool
datasets_have(const struct settings *s, const struct connection_settings *c)
{
	for (size_t i = 0; i < s->n_datasets; i++)
		if (s->datasets[i]->connection == c)
			return true;
	return false;
}

bool
shaped_has(const struct settings *s, const struct connection_settings *c)
{
	return c->n_variants || datasets_have(s, c);
}

static int
dataset_fault(const struct dataset_settings *d, struct err *err)
{
	char at[ORIGIN_MAX];

	return err_prefix(err, "%s: [dataset %s : %s : %s]", origin_text(d->at, at), d->connection->name,
	                  d->connection->integration->name, d->name);
}

/* ---- fields ---- */

/* A dotted path leads to what the connector then puts under "id". */
static const char *
key_of(const struct dataset_settings *d)
{
	return d->id && !strchr(d->id, '.') ? d->id : "id";
}

/* "age:integer?": name, type, and whether it may be missing. */
static int
field_write(struct json_out *o, struct slice text, const char *key, bool *keyed, struct err *err)
{
	const char *colon = memchr(text.p, ':', text.len);
	bool optional = text.len && text.p[text.len - 1] == '?';
	struct slice name = slice_trim(slice_of(text.p, colon ? (size_t)(colon - text.p) : text.len - optional)),
	             type = colon ? slice_trim(slice_of(colon + 1, text.len - optional - (size_t)(colon + 1 - text.p))) : SLICE("any");
	const char *blank = colon ? NULL : memrchr(name.p, ' ', name.len);
	char *word = slice_dup(type);
	bool known = false, forgot = false; /* "age integer": a name may hold blanks, and hardly ends so */

	for (int t = 0; manifest_type_name(t); t++) {
		known |= slice_is(type, manifest_type_name(t));
		forgot |= blank && slice_is(slice_of(blank + 1, name.len - (size_t)(blank + 1 - name.p)), manifest_type_name(t));
	}
	if (!name.len || !known || forgot) {
		err_set(err, ERR_USAGE, "fields: '%.*s' is no field; say for example email:string, or age:integer? where it may be missing",
		        (int)text.len, text.p);
		free(word);
		return -1;
	}
	json_open(o, '{');
	json_kv_slice(o, "name", name);
	json_kv_str(o, "type", word);
	if (slice_is(name, key))
		json_kv_bool(o, "key", *keyed = true);
	else if (optional)
		json_kv_bool(o, "optional", true);
	json_close(o, '}');
	free(word);
	return 0;
}

static int
fields_write(struct json_out *o, const struct dataset_settings *d, struct err *err)
{
	const char *from = d->fields ? d->fields : "", *key = key_of(d);
	bool keyed = false;

	json_key(o, "fields");
	json_open(o, '[');
	for (const char *end = from + strlen(from), *to; from < end; from = to + 1) {
		to = memchr(from, ',', (size_t)(end - from));
		to = to ? to : end;
		if (field_write(o, slice_trim(slice_of(from, (size_t)(to - from))), key, &keyed, err) != 0)
			return -1;
	}
	if (!keyed) {
		json_open(o, '{');
		json_kv_str(o, "name", key);
		json_kv_str(o, "type", "any");
		json_kv_bool(o, "key", true);
		json_close(o, '}');
	}
	json_close(o, ']');
	return 0;
}

/* ---- the manifest ---- */

static int
model_write(struct json_out *o, const struct dataset_settings *d, struct err *err)
{
	json_open(o, '{');
	json_kv_str(o, "name", d->name);
	if (d->description)
		json_kv_str(o, "description", d->description);
	if (fields_write(o, d, err) != 0)
		return -1;
	json_close(o, '}');
	return 0;
}

static void
sync_write(struct json_out *o, const struct manifest *m, const struct dataset_settings *d)
{
	bool full = d->kind ? strcmp(d->kind, "full") == 0 : m->dataset.kind == SLUICE_FULL;
	bool track = d->track_deletes ? strcmp(d->track_deletes, "yes") == 0 : full;
	char *every = xasprintf("%llds", (long long)((d->every_ms ? d->every_ms : m->dataset.every_ms) / 1000));

	json_open(o, '{');
	json_kv_str(o, "name", d->name);
	json_kv_str(o, "kind", full ? "full" : "incremental");
	json_key(o, "models");
	json_open(o, '[');
	json_put_str(o, d->name);
	json_close(o, ']');
	json_kv_str(o, "every", every);
	if (track)
		json_kv_bool(o, "track_deletes", true);
	if (m->dataset.flags & SLUICE_MANUAL)
		json_kv_bool(o, "manual", true);
	if (m->dataset.flags & SLUICE_WHOLE)
		json_kv_bool(o, "whole", true);
	if (d->description)
		json_kv_str(o, "description", d->description);
	json_close(o, '}');
	free(every);
}

/* The list as it stands in the plugin's manifest, and one more for each dataset. */
static int
list_write(struct json_out *o, struct slice list, bool models, const struct manifest *m, const struct settings *s,
           const struct connection_settings *c, struct err *err)
{
	json_open(o, '[');
	for (struct json_iter it = json_iter(list); json_next(&it);)
		json_put_raw(o, it.value);
	for (size_t i = 0; i < s->n_datasets; i++) {
		const struct dataset_settings *d = s->datasets[i];

		if (d->connection != c)
			continue;
		if (!models)
			sync_write(o, m, d);
		else if (model_write(o, d, err) != 0)
			return dataset_fault(d, err);
	}
	json_close(o, ']');
	return 0;
}

static int
text_write(const struct manifest *m, const struct settings *s, const struct connection_settings *c, struct buf *out, struct err *err)
{
	struct json_out o = json_out(out);
	struct buf own = {0};
	int rc = 0;

	manifest_write(&own, m);
	json_open(&o, '{');
	for (struct json_iter it = json_iter(buf_view(&own)); json_next(&it) && rc == 0;) {
		bool models = slice_is(it.key, "models"), syncs = slice_is(it.key, "syncs");
		char *key = slice_dup(it.key);

		json_key(&o, key);
		free(key);
		if (models || syncs)
			rc = list_write(&o, it.value, models, m, s, c, err);
		else
			json_put_raw(&o, it.value);
	}
	json_close(&o, '}');
	buf_free(&own);
	return rc;
}

/* One that shares all with its sync but the name (manifest.c knows). */
static void
variant_add(struct manifest *m, const char *name)
{
	char *base = slice_dup(variant_base(name));
	const struct manifest_sync *of = manifest_sync(m, base);
	struct manifest_sync *s;
	size_t at;

	if (!of) {
		free(base);
		return;
	}
	at = (size_t)(of - m->syncs);
	m->syncs = xrealloc(m->syncs, (m->n_syncs + 1) * sizeof *m->syncs);
	s = &m->syncs[m->n_syncs++];
	*s = m->syncs[at];
	s->name = xstrdup(name);
	s->base = base;
	s->variant = xstrdup(variant_of(name));
}

struct shaped *
shaped_make(const struct manifest *m, const struct settings *s, const struct connection_settings *c, struct err *err)
{
	struct shaped *shaped = NULL;
	struct manifest *made = NULL;
	struct buf text = {0};
	const struct dataset_settings *first = NULL;

	for (size_t i = 0; i < s->n_datasets && !first; i++)
		if (s->datasets[i]->connection == c)
			first = s->datasets[i];
	if (first && !m->shaped) {
		err_set(err, ERR_USAGE, "connector '%s' has datasets of its own, and takes no others; `sluice describe %s` lists its syncs",
		        m->name, m->name);
		dataset_fault(first, err);
		return NULL;
	}
	if (text_write(m, s, c, &text, err) == 0)
		made = manifest_parse(buf_view(&text), err);
	if (made) {
		for (size_t i = 0; i < c->n_variants; i++)
			variant_add(made, c->variants[i]);
		shaped = XNEW(struct shaped);
		*shaped = (struct shaped){made, first ? buf_take(&text) : NULL};
	} else if (err && err->cls == ERR_CONNECTOR) { /* the rules of a manifest, and it is the operator who broke them */
		err->cls = ERR_USAGE;
		if (first)
			dataset_fault(first, err);
	}
	buf_free(&text);
	return shaped;
}

void
shaped_free(struct shaped *s)
{
	if (!s)
		return;
	manifest_free(s->manifest);
	free(s->text);
	free(s);
}

/* Its options, and the path of its records' id. */
static int
dataset_build(const struct manifest *m, const struct dataset_settings *d, struct buf *out, struct err *err)
{
	struct buf own = {0}, id = {0};
	struct json_out o = json_out(&id);
	int rc = dataset_options_build(m, d, &own, err);

	json_open(&o, '{');
	json_kv_str(&o, "id", d->id ? d->id : "id");
	json_close(&o, '}');
	if (rc == 0)
		json_merge_top(out, buf_view(&own), buf_view(&id));
	buf_free(&own);
	buf_free(&id);
	return rc;
}

int
shaped_options(const struct manifest *m, const struct settings *s, const struct connection_settings *c, const char *sync,
               struct slice options, struct buf *out, struct err *err)
{
	const struct dataset_settings *d = sync ? settings_dataset(s, c, sync) : NULL;
	struct buf own = {0};
	int rc = 0;

	if (!d) {
		buf_slice(out, options);
		return 0;
	}
	rc = dataset_build(m, d, &own, err);
	if (rc == 0)
		json_merge_top(out, options, buf_view(&own));
	buf_free(&own);
	return rc;
}

/* What is wrong with one keeps the others from nothing. */
int
shaped_list(const struct manifest *m, const struct settings *s, const struct connection_settings *c, const char *sync,
            struct buf *out, struct err *err)
{
	struct json_out o = json_out(out);
	struct buf own = {0};
	int rc = 0;

	json_open(&o, '{');
	for (size_t i = 0; i < s->n_datasets && rc == 0; i++) {
		if (s->datasets[i]->connection != c)
			continue;
		buf_clear(&own);
		if (dataset_build(m, s->datasets[i], &own, sync ? NULL : err) == 0)
			json_kv_raw(&o, s->datasets[i]->name, buf_view(&own));
		else if (!sync)
			rc = -1;
	}
	json_close(&o, '}');
	buf_free(&own);
	return rc;
}

/* ---- lent out ---- */

struct shapes {
	struct shapes *next;
	struct settings *settings; /* held */
	struct plugin_file *plugin; /* held */
	const struct connection_settings *connection; /* in settings */
	unsigned variants_turn;    /* the connection's when it was made */
	struct shaped *shaped;
	struct err err;            /* shaped NULL: why */
	unsigned age;
};

static void
shape_free(struct shapes *s)
{
	shaped_free(s->shaped);
	plugin_file_drop(s->plugin);
	settings_free(s->settings);
	free(s);
}

static struct shapes *
shape_find(struct host *h, const struct settings *settings, const struct connection_settings *c, struct plugin_file *plugin)
{
	struct shapes *s = h->shapes;

	while (s && !(s->connection == c && s->plugin == plugin && s->settings == settings && s->variants_turn == c->variants_turn))
		s = s->next;
	if (s)
		return s;
	s = XNEW(struct shapes);
	s->settings = settings_hold(settings);
	s->plugin = plugin_file_hold(plugin);
	s->connection = c;
	s->variants_turn = c->variants_turn;
	s->shaped = shaped_make(plugin->manifest, settings, c, &s->err);
	s->next = h->shapes;
	h->shapes = s;
	return s;
}

const struct manifest *
host_manifest_of(struct host *h, const struct connection_settings *c, struct err *err)
{
	return host_manifest_in(h, h->settings, c, err);
}

const struct manifest *
host_manifest_in(struct host *h, const struct settings *settings, const struct connection_settings *c, struct err *err)
{
	struct plugin_file *plugin;
	struct shapes *s;

	if (!shaped_has(settings, c))
		return host_manifest(h, c->integration->plugin, err);
	plugin = host_plugin(h, c->integration->plugin, err);
	if (!plugin)
		return NULL;
	s = shape_find(h, settings, c, plugin);
	plugin_file_drop(plugin);
	s->age = 0;
	if (!s->shaped && err)
		*err = s->err;
	return s->shaped ? s->shaped->manifest : NULL;
}

void
host_manifests_age(struct host *h)
{
	struct shapes **at = &h->shapes, *s;

	while ((s = *at))
		if (++s->age > 2) {
			*at = s->next;
			shape_free(s);
		} else {
			at = &s->next;
		}
}

void
shapes_free(struct host *h)
{
	struct shapes *s;

	while ((s = h->shapes)) {
		h->shapes = s->next;
		shape_free(s);
	}
}
