/* manifest_read.c - manifest JSON to a struct, by every rule that a connector's declarations must keep. Shared with the
 * worker.
 *
 * The first broken rule is kept and named with its place; later ones are not looked for, so the code below needs
 * no error branches: text_of and friends yield NULL or 0 once p->failed is set, and manifest_parse looks once at the
 * end. Awkward: this runs on what a hostile worker claims. Sizes are capped before anything is allocated, and nothing
 * that is only known to the plugin (function pointers, sizes) is in the JSON. */
#include "plugin/manifest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sluice.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/rules.h"

#define HOUR_MS 3600000
#define ACTION_MS 30000
#define MINUTE_MS 60000
#define TOLERANCE_S 300

static const struct manifest_word auth_words[] = {{"none", SLUICE_NONE},       {"bearer", SLUICE_BEARER},
                                                  {"basic", SLUICE_BASIC},     {"header", SLUICE_HEADER_KEY},
                                                  {"query", SLUICE_QUERY_KEY}, {"oauth2", SLUICE_OAUTH2},
                                                  {"any", SLUICE_ANY_AUTH},
                                                  {NULL, 0}};
static const struct manifest_word kind_words[] = {
        {"incremental", SLUICE_INCREMENTAL}, {"full", SLUICE_FULL}, {NULL, 0}};

const struct manifest_word manifest_field_flags[] = {
        {"key", SLUICE_KEY}, {"optional", SLUICE_OPTIONAL}, {"sensitive", SLUICE_SENSITIVE}, {NULL, 0}};
const struct manifest_word manifest_option_flags[] = {
        {"required", SLUICE_REQUIRED}, {"optional", SLUICE_OPTIONAL}, {"sensitive", SLUICE_SENSITIVE}, {NULL, 0}};
const struct manifest_word manifest_sync_flags[] = {
        {"track_deletes", SLUICE_TRACK_DELETES}, {"manual", SLUICE_MANUAL}, {"whole", SLUICE_WHOLE}, {NULL, 0}};
const struct manifest_word manifest_action_flags[] = {{"repeatable", SLUICE_REPEATABLE}, {NULL, 0}};
const struct manifest_word manifest_webhook_flags[] = {{"base64", SLUICE_BASE64}, {NULL, 0}};
#define WEBHOOK(member) {#member, offsetof(struct manifest_webhook, member)}
const struct manifest_text manifest_webhook_texts[] = {
	WEBHOOK(name), WEBHOOK(signature), WEBHOOK(signature_key), WEBHOOK(signature_prefix), WEBHOOK(signed_text),
	WEBHOOK(timestamp), WEBHOOK(timestamp_key), WEBHOOK(id), WEBHOOK(type), WEBHOOK(time), WEBHOOK(account),
	WEBHOOK(account_name), WEBHOOK(challenge_type), WEBHOOK(challenge), {NULL, 0}};
#undef WEBHOOK
const struct manifest_word manifest_oauth_flags[] = {{"basic", SLUICE_OAUTH_BASIC}, {NULL, 0}};
const struct manifest_word *const manifest_auths = auth_words, *const manifest_kinds = kind_words;

/* ---- members of an object ---- */

static char *
text_of(struct parse *p, struct slice object, const char *key)
{
	struct slice value;

	if (p->failed || !json_member(object, key, &value) || json_type(value) == JSON_NULL)
		return NULL;
	if (json_type(value) != JSON_STRING || value.len > MANIFEST_TEXT)
		return parse_fail(p, "%s is no text, or longer than %d bytes", key, MANIFEST_TEXT), NULL;
	return json_text(value);
}

static int64_t
int_of(struct parse *p, struct slice object, const char *key, int64_t least, int64_t most)
{
	struct slice value;
	int64_t v = 0;

	if (p->failed || !json_member(object, key, &value))
		return 0;
	if (json_type(value) != JSON_NUMBER || !json_int(value, &v) || v < least || v > most)
		parse_fail(p, "%s is %.*s; it may be %lld to %lld", key, (int)(value.len < 40 ? value.len : 40),
		           value.p, (long long)least, (long long)most);
	return v;
}

static int
flags_of(struct parse *p, struct slice object, const struct manifest_word *words)
{
	struct slice value;
	int flags = 0;
	bool on;

	for (; words->name; words++) {
		if (p->failed || !json_member(object, words->name, &value))
			continue;
		if (!json_bool(value, &on))
			parse_fail(p, "%s is neither true nor false", words->name);
		else if (on)
			flags |= words->value;
	}
	return flags;
}

/* One of some words; absent: 0. */
static int
word_of(struct parse *p, struct slice object, const char *key, const struct manifest_word *words)
{
	char *text = text_of(p, object, key);
	int v = 0;

	if (text) {
		while (words->name && strcmp(words->name, text))
			words++;
		if (words->name)
			v = words->value;
		else
			parse_fail(p, "%s '%s' is not known to this host", key, text);
	}
	free(text);
	return v;
}

static int
type_of(struct parse *p, struct slice object)
{
	char *text = text_of(p, object, "type");
	int type = 0;

	if (text) {
		while (manifest_type_name(type) && strcmp(manifest_type_name(type), text))
			type++;
		if (!manifest_type_name(type))
			parse_fail(p, "type '%s' is not known to this host", text);
	}
	free(text);
	return type;
}

/* An array's elements; 0 when absent. */
static size_t
list_of(struct parse *p, struct slice object, const char *key, struct slice *array)
{
	if (p->failed || !json_member(object, key, array))
		return 0;
	if (json_type(*array) == JSON_ARRAY && json_count(*array) <= MANIFEST_MANY)
		return json_count(*array);
	parse_fail(p, "%s is no list, or longer than %d", key, MANIFEST_MANY);
	return 0;
}

static char **
texts_of(struct parse *p, struct slice object, const char *key)
{
	struct slice array;
	size_t n = list_of(p, object, key, &array), i = 0;
	char **list = xcalloc(n + 1, sizeof *list);
	struct json_iter it;

	if (!n)
		return list;
	for (it = json_iter(array); json_next(&it) && i < n;) {
		if (json_type(it.value) != JSON_STRING)
			parse_fail(p, "%s: not every element is text", key);
		else
			list[i++] = json_text(it.value);
	}
	return list;
}

/* ---- the parts of a manifest ---- */

static struct manifest_field *
fields_of(struct parse *p, struct slice object, const char *key, size_t *n)
{
	struct slice array;
	size_t count = list_of(p, object, key, &array), i = 0;
	struct manifest_field *fields = xcalloc(count + 1, sizeof *fields);
	struct json_iter it;

	*n = count;
	if (!count)
		return fields;
	for (it = json_iter(array); json_next(&it) && i < count; i++) {
		struct manifest_field *f = &fields[i];

		f->name = text_of(p, it.value, "name");
		f->description = text_of(p, it.value, "description");
		f->type = type_of(p, it.value);
		f->flags = flags_of(p, it.value, manifest_field_flags);
	}
	return fields;
}

static void
model_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_model *m = into;

	m->name = text_of(p, object, "name");
	parse_at(p, "model", m->name);
	m->description = text_of(p, object, "description");
	m->fields = fields_of(p, object, "fields", &m->n_fields);
	for (size_t i = m->n_fields; i-- > 0;)
		if (m->fields[i].flags & SLUICE_KEY)
			m->key = i;
}

static void
option_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_option *o = into;
	struct slice fallback;

	o->name = text_of(p, object, "name");
	parse_at(p, "option", o->name);
	o->help = text_of(p, object, "help");
	o->form = text_of(p, object, "form");
	o->type = type_of(p, object);
	o->flags = flags_of(p, object, manifest_option_flags);
	if (!p->failed && json_member(object, "default", &fallback)) {
		if (!type_matches(o->type, 0, fallback))
			parse_fail(p, "the default %.*s is not of type %s",
			           (int)(fallback.len < 60 ? fallback.len : 60), fallback.p,
			           manifest_type_name(o->type));
		o->fallback = slice_dup(fallback);
	}
}

/* Names of models become indexes. */
static void
sync_models_read(struct parse *p, struct slice object, struct manifest_sync *s)
{
	char **names = texts_of(p, object, "models");
	size_t n = 0;

	while (names[n])
		n++;
	s->models = xcalloc(n + 1, sizeof *s->models);
	for (; s->n_models < n && !p->failed; s->n_models++)
		if (!manifest_model(p->m, names[s->n_models], &s->models[s->n_models]))
			rule_unknown_model(p, names[s->n_models]);
	texts_free(names);
}

static void
sync_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_sync *s = into;
	char *every;

	s->name = text_of(p, object, "name");
	parse_at(p, "sync", s->name);
	s->endpoint = text_of(p, object, "endpoint");
	s->description = text_of(p, object, "description");
	s->kind = word_of(p, object, "kind", kind_words);
	s->flags = flags_of(p, object, manifest_sync_flags);
	s->priority = (int)int_of(p, object, "priority", -1000000, 1000000);
	every = text_of(p, object, "every");
	s->every_ms = HOUR_MS;
	if (every && (!duration_parse(slice_str(every), &s->every_ms) || s->every_ms <= 0))
		parse_fail(p, "every: '%s' is no duration; say for example \"every 15 minutes\"", every);
	free(every);
	sync_models_read(p, object, s);
	s->input = fields_of(p, object, "input", &s->n_input);
}

static void
action_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_action *a = into;

	a->name = text_of(p, object, "name");
	parse_at(p, "action", a->name);
	a->endpoint = text_of(p, object, "endpoint");
	a->description = text_of(p, object, "description");
	a->input = fields_of(p, object, "input", &a->n_input);
	a->output = fields_of(p, object, "output", &a->n_output);
	a->flags = flags_of(p, object, manifest_action_flags);
	a->timeout_ms = int_of(p, object, "timeout_ms", 0, 24 * HOUR_MS);
	if (a->timeout_ms == 0)
		a->timeout_ms = ACTION_MS;
}

static void
webhook_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_webhook *w = into;

	for (const struct manifest_text *t = manifest_webhook_texts; t->name; t++)
		*(char **)(void *)((char *)w + t->at) = text_of(p, object, t->name);
	parse_at(p, "webhook", w->name);
	w->as_sync.name = w->name ? xstrdup(w->name) : NULL;
	w->as_sync.description = text_of(p, object, "description");
	w->as_sync.flags = SLUICE_WHOLE | SLUICE_MANUAL;
	sync_models_read(p, object, &w->as_sync);
	w->types = texts_of(p, object, "types");
	w->flags = flags_of(p, object, manifest_webhook_flags);
	w->tolerance_s = int_of(p, object, "tolerance_s", 0, 24 * 3600);
	w->timeout_ms = int_of(p, object, "timeout_ms", 0, HOUR_MS);
	if (w->tolerance_s == 0)
		w->tolerance_s = TOLERANCE_S;
	if (w->timeout_ms == 0)
		w->timeout_ms = MINUTE_MS;
}

static void
oauth_read(struct parse *p, struct slice object, struct manifest_oauth *a)
{
	parse_at(p, "oauth", NULL);
	a->token_url = text_of(p, object, "token_url");
	a->authorize_url = text_of(p, object, "authorize_url");
	a->authorize_params = text_of(p, object, "authorize_params");
	a->token_params = text_of(p, object, "token_params");
	a->scopes = texts_of(p, object, "scopes");
	a->flags = flags_of(p, object, manifest_oauth_flags);
}

/* A list of objects, each read by its function into an element of `size` bytes. */
static void *
objects_of(struct parse *p, struct slice root, const char *key, size_t size, size_t *n,
           void (*read)(struct parse *, struct slice, void *))
{
	struct slice array;
	size_t count = list_of(p, root, key, &array);
	char *list = xcalloc(count + 1, size);
	struct json_iter it;

	*n = count;
	if (count == 0)
		return list;
	it = json_iter(array);
	for (size_t i = 0; i < count && json_next(&it); i++) {
		parse_at(p, key, NULL);
		if (json_type(it.value) != JSON_OBJECT)
			parse_fail(p, "not every element is an object");
		read(p, it.value, list + i * size);
	}
	parse_at(p, NULL, NULL);
	return list;
}

static void
group_read(struct parse *p, struct slice object, void *into)
{
	struct manifest_rate_group *g = into;

	g->match = text_of(p, object, "match");
	parse_at(p, "rate group", g->match);
	g->requests = (uint64_t)int_of(p, object, "requests", 0, INT32_MAX);
	g->per_ms = int_of(p, object, "per_ms", 0, INT32_MAX);
	if (g->per_ms == 0)
		g->per_ms = MINUTE_MS;
}

static void
rate_read(struct parse *p, struct slice object, struct manifest_rate *r)
{
	parse_at(p, "rate", NULL);
	r->requests = (uint64_t)int_of(p, object, "requests", 0, INT32_MAX);
	r->per_ms = int_of(p, object, "per_ms", 0, INT32_MAX);
	if (r->per_ms == 0)
		r->per_ms = MINUTE_MS;
	r->remaining = text_of(p, object, "remaining");
	r->reset = text_of(p, object, "reset");
	r->retry_after = text_of(p, object, "retry_after");
	r->retry_body = text_of(p, object, "retry_body");
	r->groups = objects_of(p, object, "groups", sizeof *r->groups, &r->n_groups, group_read);
}

static void
root_read(struct parse *p, struct slice root)
{
	struct manifest *m = p->m;
	struct slice rate, oauth, check, dataset;

	m->name = text_of(p, root, "name");
	m->version = text_of(p, root, "version");
	m->description = text_of(p, root, "description");
	m->base_url = text_of(p, root, "base_url");
	m->abi_major = (uint16_t)int_of(p, root, "abi_major", 0, UINT16_MAX);
	m->abi_minor = (uint16_t)int_of(p, root, "abi_minor", 0, UINT16_MAX);
	m->hosts = texts_of(p, root, "hosts");
	m->headers = texts_of(p, root, "headers");
	m->scopes = texts_of(p, root, "scopes");
	m->auth = word_of(p, root, "auth", auth_words);
	m->auth_name = text_of(p, root, "auth_name");
	m->auth_prefix = text_of(p, root, "auth_prefix");
	m->has_check = json_member(root, "check", &check) && json_type(check) == JSON_TRUE;
	m->rate.per_ms = MINUTE_MS;
	if (json_member(root, "rate", &rate))
		rate_read(p, rate, &m->rate);
	if (json_member(root, "oauth", &oauth) && json_type(oauth) == JSON_OBJECT)
		oauth_read(p, oauth, &m->oauth);
	parse_at(p, NULL, NULL);
	m->options = objects_of(p, root, "options", sizeof *m->options, &m->n_options, option_read);
	m->models = objects_of(p, root, "models", sizeof *m->models, &m->n_models, model_read);
	m->syncs = objects_of(p, root, "syncs", sizeof *m->syncs, &m->n_syncs, sync_read);
	m->actions = objects_of(p, root, "actions", sizeof *m->actions, &m->n_actions, action_read);
	m->webhooks = objects_of(p, root, "webhooks", sizeof *m->webhooks, &m->n_webhooks, webhook_read);
	m->shaped = json_member(root, "dataset", &dataset) && json_type(dataset) == JSON_OBJECT;
	if (m->shaped)
		sync_read(p, dataset, &m->dataset);
	m->dataset_options = objects_of(p, root, "dataset_options", sizeof *m->dataset_options, &m->n_dataset_options, option_read);
}

struct manifest *
manifest_parse(struct slice json, struct err *err)
{
	struct parse p = {.m = XNEW(struct manifest), .err = err};
	struct json_fault fault;

	json = json_trim(json);
	if (!json_check(json, MANIFEST_DEPTH, &fault))
		parse_fail(&p, "the manifest is not JSON: %s at byte %zu", fault.what, fault.at);
	else if (json_type(json) != JSON_OBJECT)
		parse_fail(&p, "the manifest is no JSON object");
	else
		root_read(&p, json);
	if (!p.failed)
		rules_check(&p);
	if (!p.failed)
		return p.m;
	manifest_free(p.m);
	return NULL;
}
