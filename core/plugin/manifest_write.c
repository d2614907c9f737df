/* manifest_write.c - a manifest as JSON again: what `sluice describe` prints, and what manifest_parse reads back the
 * same.
 *
 * Members that say the usual (absent text, false, zero) are left out, as an author would. Shared with the worker. */
#include "plugin/rules.h"

#include <stdlib.h>
#include <sluice.h>
#include "base/json.h"
#include "base/mem.h"

static void
text_write(struct json_out *o, const char *key, const char *text)
{
	if (text)
		json_kv_str(o, key, text);
}

static void
texts_write(struct json_out *o, const char *key, char *const *list)
{
	if (!list || !list[0])
		return;
	json_key(o, key);
	json_open(o, '[');
	for (; *list; list++)
		json_put_str(o, *list);
	json_close(o, ']');
}

static void
flags_write(struct json_out *o, int flags, const struct manifest_word *words)
{
	for (; words->name; words++)
		if (flags & words->value)
			json_kv_bool(o, words->name, true);
}

static const char *
word_name(int value, const struct manifest_word *words)
{
	while (words->name && words->value != value)
		words++;
	return words->name;
}

/* "90s", "15m", "6h": the largest unit that divides it. */
static void
duration_write(struct json_out *o, const char *key, int64_t ms)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} units[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;
	char *text;

	while (ms % units[i].ms)
		i++;
	text = xasprintf("%lld%s", (long long)(ms / units[i].ms), units[i].unit);
	json_kv_str(o, key, text);
	free(text);
}

static void
fields_write(struct json_out *o, const char *key, const struct manifest_field *fields, size_t n)
{
	if (n == 0)
		return;
	json_key(o, key);
	json_open(o, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(o, '{');
		json_kv_str(o, "name", fields[i].name);
		json_kv_str(o, "type", manifest_type_name(fields[i].type));
		flags_write(o, fields[i].flags, manifest_field_flags);
		text_write(o, "description", fields[i].description);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
options_write(struct json_out *o, const char *key, const struct manifest_option *list, size_t n)
{
	json_key(o, key);
	json_open(o, '[');
	for (size_t i = 0; i < n; i++) {
		const struct manifest_option *option = &list[i];

		json_open(o, '{');
		json_kv_str(o, "name", option->name);
		json_kv_str(o, "type", manifest_type_name(option->type));
		flags_write(o, option->flags, manifest_option_flags);
		if (option->fallback)
			json_kv_raw(o, "default", slice_str(option->fallback));
		text_write(o, "form", option->form);
		text_write(o, "help", option->help);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
models_write(struct json_out *o, const struct manifest *m)
{
	json_key(o, "models");
	json_open(o, '[');
	for (size_t i = 0; i < m->n_models; i++) {
		json_open(o, '{');
		json_kv_str(o, "name", m->models[i].name);
		text_write(o, "description", m->models[i].description);
		fields_write(o, "fields", m->models[i].fields, m->models[i].n_fields);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
sync_write(struct json_out *o, const struct manifest *m, const struct manifest_sync *s)
{
	json_open(o, '{');
	json_kv_str(o, "name", s->name);
	json_kv_str(o, "kind", word_name(s->kind, manifest_kinds));
	json_key(o, "models");
	json_open(o, '[');
	for (size_t i = 0; i < s->n_models; i++)
		json_put_str(o, m->models[s->models[i]].name);
	json_close(o, ']');
	duration_write(o, "every", s->every_ms);
	flags_write(o, s->flags, manifest_sync_flags);
	if (s->priority)
		json_kv_int(o, "priority", s->priority);
	text_write(o, "endpoint", s->endpoint);
	text_write(o, "description", s->description);
	fields_write(o, "input", s->input, s->n_input);
	json_close(o, '}');
}

static void
action_write(struct json_out *o, const struct manifest_action *a)
{
	json_open(o, '{');
	json_kv_str(o, "name", a->name);
	text_write(o, "endpoint", a->endpoint);
	text_write(o, "description", a->description);
	json_kv_int(o, "timeout_ms", a->timeout_ms);
	flags_write(o, a->flags, manifest_action_flags);
	fields_write(o, "input", a->input, a->n_input);
	fields_write(o, "output", a->output, a->n_output);
	json_close(o, '}');
}

static void
webhook_write(struct json_out *o, const struct manifest *m, const struct manifest_webhook *w)
{
	json_open(o, '{');
	for (const struct manifest_text *t = manifest_webhook_texts; t->name; t++)
		text_write(o, t->name, *(char *const *)(const void *)((const char *)w + t->at));
	text_write(o, "description", w->as_sync.description);
	json_key(o, "models");
	json_open(o, '[');
	for (size_t i = 0; i < w->as_sync.n_models; i++)
		json_put_str(o, m->models[w->as_sync.models[i]].name);
	json_close(o, ']');
	texts_write(o, "types", w->types);
	flags_write(o, w->flags, manifest_webhook_flags);
	json_kv_int(o, "tolerance_s", w->tolerance_s);
	json_kv_int(o, "timeout_ms", w->timeout_ms);
	json_close(o, '}');
}

static void
groups_write(struct json_out *o, const struct manifest_rate *r)
{
	if (!r->n_groups)
		return;
	json_key(o, "groups");
	json_open(o, '[');
	for (size_t i = 0; i < r->n_groups; i++) {
		json_open(o, '{');
		json_kv_str(o, "match", r->groups[i].match);
		json_kv_int(o, "requests", (int64_t)r->groups[i].requests);
		json_kv_int(o, "per_ms", r->groups[i].per_ms);
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
rate_write(struct json_out *o, const struct manifest_rate *r)
{
	if (!r->requests && !r->n_groups && !r->remaining && !r->reset && !r->retry_after && !r->retry_body)
		return;
	json_key(o, "rate");
	json_open(o, '{');
	json_kv_int(o, "requests", (int64_t)r->requests);
	json_kv_int(o, "per_ms", r->per_ms);
	text_write(o, "remaining", r->remaining);
	text_write(o, "reset", r->reset);
	text_write(o, "retry_after", r->retry_after);
	text_write(o, "retry_body", r->retry_body);
	groups_write(o, r);
	json_close(o, '}');
}

static void
oauth_write(struct json_out *o, const struct manifest_oauth *a)
{
	if (!a->token_url && !a->authorize_url)
		return;
	json_key(o, "oauth");
	json_open(o, '{');
	text_write(o, "token_url", a->token_url);
	text_write(o, "authorize_url", a->authorize_url);
	texts_write(o, "scopes", a->scopes);
	flags_write(o, a->flags, manifest_oauth_flags);
	text_write(o, "authorize_params", a->authorize_params);
	text_write(o, "token_params", a->token_params);
	json_close(o, '}');
}

void
manifest_write(struct buf *out, const struct manifest *m)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "name", m->name);
	text_write(&o, "version", m->version);
	text_write(&o, "description", m->description);
	json_kv_int(&o, "abi_major", m->abi_major);
	json_kv_int(&o, "abi_minor", m->abi_minor);
	text_write(&o, "base_url", m->base_url);
	texts_write(&o, "hosts", m->hosts);
	json_kv_str(&o, "auth", word_name(m->auth, manifest_auths));
	text_write(&o, "auth_name", m->auth_name);
	text_write(&o, "auth_prefix", m->auth_prefix);
	texts_write(&o, "headers", m->headers);
	texts_write(&o, "scopes", m->scopes);
	rate_write(&o, &m->rate);
	oauth_write(&o, &m->oauth);
	json_kv_bool(&o, "check", m->has_check);
	options_write(&o, "options", m->options, m->n_options);
	models_write(&o, m);
	json_key(&o, "syncs");
	json_open(&o, '[');
	for (size_t i = 0; i < m->n_syncs; i++)
		sync_write(&o, m, &m->syncs[i]);
	json_close(&o, ']');
	json_key(&o, "actions");
	json_open(&o, '[');
	for (size_t i = 0; i < m->n_actions; i++)
		action_write(&o, &m->actions[i]);
	json_close(&o, ']');
	if (m->n_webhooks) {
		json_key(&o, "webhooks");
		json_open(&o, '[');
		for (size_t i = 0; i < m->n_webhooks; i++)
			webhook_write(&o, m, &m->webhooks[i]);
		json_close(&o, ']');
	}
	if (m->shaped) {
		json_key(&o, "dataset");
		sync_write(&o, m, &m->dataset);
		options_write(&o, "dataset_options", m->dataset_options, m->n_dataset_options);
	}
	json_close(&o, '}');
}
