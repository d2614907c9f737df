/* describe.c - see describe.h: the plugin's structs to manifest JSON, in the spelling of plugin/manifest_write.c.
 *
 * Awkward: a list of the plugin that lacks its end would be walked into whatever lies behind it. Each is given up after
 * MANIFEST_MANY elements, named in the error; what is read before that point can at worst crash this worker.
 * An option's fallback is JSON, or bare text for a string: what is no JSON is quoted, and manifest_parse sees whether
 * that fits. */
#include "worker/describe.h"

#include <stdio.h>
#include "base/json.h"
#include "base/mem.h"
#include "plugin/rules.h"

struct describing {
	const struct plugin *p;
	struct json_out o;
	struct err *err;
	bool failed; /* err is set; what is written no longer matters */
};

static bool
describe_fail(struct describing *d, const char *what, const char *name, const char *wrong)
{
	if (!d->failed)
		err_set(d->err, ERR_CONNECTOR, "%s '%s': %s", what, name, wrong);
	d->failed = true;
	return false;
}

/* May element i still be read? */
static bool
within(struct describing *d, size_t i, const char *what)
{
	return i <= MANIFEST_MANY || describe_fail(d, what, "?", "the list has no end; close it with { 0 }");
}

static void
flags_write(struct describing *d, int flags, const struct manifest_word *words)
{
	for (; words->name; words++)
		if (flags & words->value)
			json_kv_bool(&d->o, words->name, true);
}

static void
type_write(struct describing *d, int type)
{
	char number[24];

	snprintf(number, sizeof number, "%d", type);
	json_kv_str(&d->o, "type", manifest_type_name(type) ? manifest_type_name(type) : number);
}

static void
word_write(struct describing *d, const char *key, int value, const struct manifest_word *words)
{
	char number[24];

	snprintf(number, sizeof number, "%d", value);
	while (words->name && words->value != value)
		words++;
	json_kv_str(&d->o, key, words->name ? words->name : number);
}

/* A NULL-terminated list of texts. */
static void
texts_write(struct describing *d, const char *key, const char *const *list)
{
	json_key(&d->o, key);
	json_open(&d->o, '[');
	for (size_t i = 0; list && within(d, i, key) && list[i]; i++)
		json_put_str(&d->o, list[i]);
	json_close(&d->o, ']');
}

static void
fields_write(struct describing *d, const char *key, const struct sluice_field *fields)
{
	struct sluice_field f;

	json_key(&d->o, key);
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, key) && plugin_field(d->p, fields, i, &f); i++) {
		json_open(&d->o, '{');
		json_kv_str(&d->o, "name", f.name);
		type_write(d, f.type);
		flags_write(d, f.flags, manifest_field_flags);
		json_kv_str(&d->o, "description", f.description);
		json_close(&d->o, '}');
	}
	json_close(&d->o, ']');
}

static void
fallback_write(struct describing *d, const struct sluice_option *option)
{
	struct slice text = slice_str(option->fallback);
	bool quoted = text.len > 0 && text.p[0] == '"';
	bool json = text.len > 0 && json_check(text, JSON_DEPTH_MAX, NULL) && (quoted || option->type != SLUICE_STRING);

	if (!option->fallback)
		return;
	json_key(&d->o, "default");
	if (json)
		json_put_raw(&d->o, json_trim(text));
	else
		json_put_slice(&d->o, text);
}

static void
options_write(struct describing *d, const char *key, bool (*at)(const struct plugin *p, size_t i, struct sluice_option *out))
{
	struct sluice_option option;

	json_key(&d->o, key);
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, key) && at(d->p, i, &option); i++) {
		json_open(&d->o, '{');
		json_kv_str(&d->o, "name", option.name);
		type_write(d, option.type);
		flags_write(d, option.flags, manifest_option_flags);
		fallback_write(d, &option);
		if (option.form)
			json_kv_str(&d->o, "form", option.form);
		json_kv_str(&d->o, "help", option.help);
		json_close(&d->o, '}');
	}
	json_close(&d->o, ']');
}

static void
models_write(struct describing *d)
{
	struct sluice_model model;

	json_key(&d->o, "models");
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, "models") && plugin_model(d->p, i, &model); i++) {
		json_open(&d->o, '{');
		json_kv_str(&d->o, "name", model.name);
		json_kv_str(&d->o, "description", model.description);
		fields_write(d, "fields", model.fields);
		json_close(&d->o, '}');
	}
	json_close(&d->o, ']');
}

static void
sync_write(struct describing *d, const struct sluice_sync *s)
{
	json_open(&d->o, '{');
	json_kv_str(&d->o, "name", s->name);
	word_write(d, "kind", s->kind, manifest_kinds);
	json_key(&d->o, "models");
	json_open(&d->o, '[');
	if (s->model)
		json_put_str(&d->o, s->model);
	for (size_t i = 0; s->models && within(d, i, "models of a sync") && s->models[i]; i++)
		json_put_str(&d->o, s->models[i]);
	json_close(&d->o, ']');
	json_kv_str(&d->o, "every", s->every);
	flags_write(d, s->flags, manifest_sync_flags);
	json_kv_int(&d->o, "priority", s->priority);
	json_kv_str(&d->o, "endpoint", s->endpoint);
	json_kv_str(&d->o, "description", s->description);
	fields_write(d, "input", s->input);
	json_close(&d->o, '}');
}

static void
syncs_write(struct describing *d)
{
	struct sluice_sync s;

	json_key(&d->o, "syncs");
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, "syncs") && plugin_sync(d->p, i, &s); i++) {
		sync_write(d, &s);
		if (!s.fetch)
			describe_fail(d, "sync", s.name, ".fetch is NULL; name the function that does the work");
	}
	json_close(&d->o, ']');
}

static void
actions_write(struct describing *d)
{
	struct sluice_action a;

	json_key(&d->o, "actions");
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, "actions") && plugin_action(d->p, i, &a); i++) {
		json_open(&d->o, '{');
		json_kv_str(&d->o, "name", a.name);
		json_kv_str(&d->o, "endpoint", a.endpoint);
		json_kv_str(&d->o, "description", a.description);
		json_kv_int(&d->o, "timeout_ms", a.timeout_ms);
		flags_write(d, a.flags, manifest_action_flags);
		fields_write(d, "input", a.input);
		fields_write(d, "output", a.output);
		json_close(&d->o, '}');
		if (!a.call)
			describe_fail(d, "action", a.name, ".call is NULL; name the function that does the work");
	}
	json_close(&d->o, ']');
}

static void
webhook_write(struct describing *d, const struct sluice_webhook *w)
{
	const struct {
		const char *name, *text;
	} texts[] = {
		{"name", w->name}, {"description", w->description}, {"signature", w->signature},
		{"signature_key", w->signature_key}, {"signature_prefix", w->signature_prefix},
		{"signed_text", w->signed_text}, {"timestamp", w->timestamp}, {"timestamp_key", w->timestamp_key},
		{"id", w->id}, {"type", w->type}, {"time", w->time}, {"account", w->account},
		{"account_name", w->account_name}, {"challenge_type", w->challenge_type}, {"challenge", w->challenge},
	};

	json_open(&d->o, '{');
	for (size_t i = 0; i < LENGTH(texts); i++)
		if (texts[i].text)
			json_kv_str(&d->o, texts[i].name, texts[i].text);
	json_key(&d->o, "models");
	json_open(&d->o, '[');
	if (w->model)
		json_put_str(&d->o, w->model);
	for (size_t i = 0; w->models && within(d, i, "models of a webhook") && w->models[i]; i++)
		json_put_str(&d->o, w->models[i]);
	json_close(&d->o, ']');
	texts_write(d, "types", w->types);
	flags_write(d, w->flags, manifest_webhook_flags);
	json_kv_int(&d->o, "tolerance_s", w->tolerance_s);
	json_kv_int(&d->o, "timeout_ms", w->timeout_ms);
	json_close(&d->o, '}');
}

static void
webhooks_write(struct describing *d)
{
	struct sluice_webhook w;

	if (!plugin_webhook(d->p, 0, &w))
		return;
	json_key(&d->o, "webhooks");
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, "webhooks") && plugin_webhook(d->p, i, &w); i++) {
		webhook_write(d, &w);
		if (!w.handle)
			describe_fail(d, "webhook", w.name, ".handle is NULL; name the function that does the work");
	}
	json_close(&d->o, ']');
}

static void
dataset_write(struct describing *d)
{
	struct sluice_sync s;

	if (!plugin_dataset(d->p, &s))
		return;
	json_key(&d->o, "dataset");
	sync_write(d, &s);
	options_write(d, "dataset_options", plugin_dataset_option);
	if (!s.fetch)
		describe_fail(d, "dataset", "", ".fetch is NULL; name the function that does the work");
}

static void
groups_write(struct describing *d, const struct sluice_rate_group *groups)
{
	struct sluice_rate_group g;

	json_key(&d->o, "groups");
	json_open(&d->o, '[');
	for (size_t i = 0; within(d, i, "groups") && plugin_rate_group(d->p, groups, i, &g); i++) {
		json_open(&d->o, '{');
		json_kv_str(&d->o, "match", g.match);
		json_kv_int(&d->o, "requests", g.requests);
		json_kv_int(&d->o, "per_ms", g.per_ms);
		json_close(&d->o, '}');
	}
	json_close(&d->o, ']');
}

static void
rate_write(struct describing *d)
{
	struct sluice_rate rate;

	if (!plugin_rate(d->p, &rate))
		return;
	json_key(&d->o, "rate");
	json_open(&d->o, '{');
	json_kv_int(&d->o, "requests", rate.requests);
	json_kv_int(&d->o, "per_ms", rate.per_ms);
	json_kv_str(&d->o, "remaining", rate.remaining);
	json_kv_str(&d->o, "reset", rate.reset);
	json_kv_str(&d->o, "retry_after", rate.retry_after);
	json_kv_str(&d->o, "retry_body", rate.retry_body);
	groups_write(d, rate.groups);
	json_close(&d->o, '}');
}

static void
oauth_write(struct describing *d)
{
	struct sluice_oauth oauth;

	if (!plugin_oauth(d->p, &oauth))
		return;
	json_key(&d->o, "oauth");
	json_open(&d->o, '{');
	json_kv_str(&d->o, "token_url", oauth.token_url);
	json_kv_str(&d->o, "authorize_url", oauth.authorize_url);
	texts_write(d, "scopes", oauth.scopes);
	flags_write(d, oauth.flags, manifest_oauth_flags);
	json_kv_str(&d->o, "authorize_params", oauth.authorize_params);
	json_kv_str(&d->o, "token_params", oauth.token_params);
	json_close(&d->o, '}');
}

int
describe(const struct plugin *p, struct buf *json, struct err *err)
{
	const struct sluice_connector *c = &p->connector;
	struct describing d = {.p = p, .o = json_out(json), .err = err};

	json_open(&d.o, '{');
	json_kv_str(&d.o, "name", c->name);
	json_kv_str(&d.o, "version", c->version);
	json_kv_str(&d.o, "description", c->description);
	json_kv_int(&d.o, "abi_major", p->abi.major);
	json_kv_int(&d.o, "abi_minor", p->abi.minor);
	json_kv_str(&d.o, "base_url", c->base_url);
	texts_write(&d, "hosts", c->hosts);
	word_write(&d, "auth", c->auth, manifest_auths);
	json_kv_str(&d.o, "auth_name", c->auth_name);
	json_kv_str(&d.o, "auth_prefix", c->auth_prefix);
	texts_write(&d, "headers", c->headers);
	texts_write(&d, "scopes", c->scopes);
	rate_write(&d);
	oauth_write(&d);
	json_kv_bool(&d.o, "check", c->check != NULL);
	options_write(&d, "options", plugin_option);
	models_write(&d);
	syncs_write(&d);
	actions_write(&d);
	webhooks_write(&d);
	dataset_write(&d);
	json_close(&d.o, '}');
	return d.failed ? -1 : 0;
}
