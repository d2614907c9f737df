/* contract_integrations.c - the contract's integrations, providers and scripts: what INI and the plugins say, in its shapes.
 *
 * Integrations are sections of the configuration, so they are read here and changed there: 409 defined_in_config. A provider is a
 * plugin. Guarantee: no secret of an app is in any answer; of its credentials the client id alone, for a key of scope admin. */
#include <stdlib.h>
#include <string.h>
#include "api/contract.h"
#include "base/mem.h"
#include "run/connections.h"
#include "sluice.h"

#define READER (RIGHT_READ | RIGHT_WRITE | RIGHT_ADMIN)

static void
data_reply(struct http_call *c, struct buf *body)
{
	http_reply(c, 200, buf_view(body));
	buf_free(body);
}

/* ---- integrations ---- */

static void
integration_put(struct api *a, struct json_out *o, const struct integration_settings *i)
{
	const struct manifest *m = host_manifest(api_host(a), i->plugin, NULL);
	char at[TIME_TEXT_MAX];

	if (!file_changed_at(&i->at, at))
		time_format(0, at);
	json_open(o, '{');
	json_kv_str(o, "unique_key", i->name);
	json_kv_str(o, "provider", i->plugin);
	json_kv_str(o, "display_name", m && m->description ? m->description : i->plugin);
	json_kv_str(o, "logo", "");
	json_kv_bool(o, "forward_webhooks", false);
	json_kv_str(o, "created_at", at);
	json_kv_str(o, "updated_at", at);
}

static void
integrations_handle(struct http_call *c, void *arg)
{
	const struct settings *s = host_settings(api_host(arg));
	struct buf body = {0};
	struct json_out o = json_out(&body);

	json_open(&o, '{');
	json_key(&o, "data");
	json_open(&o, '[');
	for (size_t i = 0; i < s->n_integrations; i++) {
		integration_put(arg, &o, s->integrations[i]);
		json_close(&o, '}');
	}
	json_close(&o, ']');
	json_close(&o, '}');
	data_reply(c, &body);
}

static const struct integration_settings *
integration_find(struct api *a, const char *key)
{
	const struct settings *s = host_settings(api_host(a));

	for (size_t i = 0; i < s->n_integrations; i++)
		if (!strcmp(s->integrations[i]->name, key))
			return s->integrations[i];
	return NULL;
}

static void
credentials_put(struct json_out *o, const struct http_call *c, const struct integration_settings *i)
{
	bool oauth = i->client_id != NULL;

	json_key(o, "credentials");
	if (!oauth || !(http_rights(c) & RIGHT_ADMIN)) {
		json_put_null(o);
		return;
	}
	json_open(o, '{');
	json_kv_str(o, "type", "OAUTH2");
	json_kv_slice(o, "client_id", secret_reveal(i->client_id));
	json_kv_str(o, "client_secret", NULL);
	json_kv_str(o, "scopes", i->oauth_scopes);
	json_close(o, '}');
}

static bool
included(const struct http_call *c, const char *what)
{
	const char *one;

	for (size_t i = 0; (one = http_param_at(c, "include", i)); i++)
		if (!strcasecmp(one, what))
			return true;
	return false;
}

static void
integration_handle(struct http_call *c, void *arg)
{
	const char *key = http_param(c, "key");
	const struct integration_settings *i = integration_find(arg, key);
	struct buf body = {0};
	struct json_out o = json_out(&body);

	if (!i) {
		http_fail(c, 404, "not_found", "there is no integration '%s'", key);
		return;
	}
	json_open(&o, '{');
	json_key(&o, "data");
	integration_put(arg, &o, i);
	if (included(c, "webhook")) {
		char *url = xasprintf("/webhook/%s", i->name);
		json_kv_str(&o, "webhook_url", url);
		free(url);
	}
	if (included(c, "credentials"))
		credentials_put(&o, c, i);
	json_close(&o, '}');
	json_close(&o, '}');
	data_reply(c, &body);
}

static void
integration_change_handle(struct http_call *c, void *arg)
{
	const char *key = http_param(c, "key");

	if (key && !integration_find(arg, key))
		http_fail(c, 404, "not_found", "there is no integration '%s'", key);
	else
		http_fail(c, 409, "defined_in_config",
		          "integrations are sections of the configuration: write [integration %s] there, then `sluice reload`",
		          key ? key : "NAME");
}

/* ---- providers ---- */

static const char *const auth_modes[] = {
	[SLUICE_NONE] = "NONE",           [SLUICE_BEARER] = "API_KEY",    [SLUICE_BASIC] = "BASIC",
	[SLUICE_HEADER_KEY] = "API_KEY", [SLUICE_QUERY_KEY] = "API_KEY", [SLUICE_OAUTH2] = "OAUTH2",
	[SLUICE_ANY_AUTH] = "API_KEY",
};

static void
provider_put(struct json_out *o, const char *name, const struct manifest *m)
{
	const char *mode = m && m->auth >= 0 && (size_t)m->auth < LENGTH(auth_modes) ? auth_modes[m->auth] : NULL;

	json_open(o, '{');
	json_kv_str(o, "name", name);
	json_kv_str(o, "display_name", m && m->description ? m->description : name);
	json_kv_str(o, "auth_mode", mode ? mode : "NONE");
	json_kv_str(o, "docs", "");
	json_kv_str(o, "logo_url", "");
	json_key(o, "categories");
	json_open(o, '[');
	json_close(o, ']');
	json_close(o, '}');
}

static void
providers_handle(struct http_call *c, void *arg)
{
	char **plugins = host_plugins(api_host(arg));
	const char *part = http_param(c, "search");
	struct buf body = {0};
	struct json_out o = json_out(&body);

	json_open(&o, '{');
	json_key(&o, "data");
	json_open(&o, '[');
	for (char **p = plugins; *p; p++) {
		const struct manifest *m = !part || strcasestr(*p, part) ? host_manifest(api_host(arg), *p, NULL) : NULL;

		if (m)
			provider_put(&o, *p, m);
		free(*p);
	}
	json_close(&o, ']');
	json_close(&o, '}');
	free(plugins);
	data_reply(c, &body);
}

static bool
plugin_there(struct api *a, const char *name)
{
	char **plugins = host_plugins(api_host(a));
	bool there = false;

	for (char **p = plugins; *p; p++) {
		there |= !strcmp(*p, name);
		free(*p);
	}
	free(plugins);
	return there;
}

static void
provider_handle(struct http_call *c, void *arg)
{
	const char *name = http_param(c, "provider");
	struct buf body = {0};
	struct json_out o = json_out(&body);

	if (!plugin_there(arg, name)) {
		http_fail(c, 404, "not_found", "there is no plugin '%s'", name);
		return;
	}
	json_open(&o, '{');
	json_key(&o, "data");
	provider_put(&o, name, host_manifest(api_host(arg), name, NULL));
	json_close(&o, '}');
	data_reply(c, &body);
}

/* ---- scripts ---- */

static const char *const json_types[] = { /* of JSON Schema; of any type: none */
	[SLUICE_STRING] = "string",   [SLUICE_INTEGER] = "integer", [SLUICE_NUMBER] = "number", [SLUICE_BOOLEAN] = "boolean",
	[SLUICE_TIME] = "string",     [SLUICE_OBJECT] = "object",   [SLUICE_ARRAY] = "array",
};

static void
fields_schema(struct json_out *o, const struct manifest_field *f, size_t n)
{
	json_open(o, '{');
	json_kv_str(o, "type", "object");
	json_key(o, "properties");
	json_open(o, '{');
	for (size_t i = 0; i < n; i++) {
		const char *type = f[i].type >= 0 && (size_t)f[i].type < LENGTH(json_types) ? json_types[f[i].type] : NULL;

		json_key(o, f[i].name);
		json_open(o, '{');
		if (type)
			json_kv_str(o, "type", type);
		if (f[i].type == SLUICE_ARRAY)
			json_kv_raw(o, "items", SLICE("{}"));
		if (f[i].description)
			json_kv_str(o, "description", f[i].description);
		json_close(o, '}');
	}
	json_close(o, '}');
	json_key(o, "required");
	json_open(o, '[');
	for (size_t i = 0; i < n; i++)
		if (!(f[i].flags & SLUICE_OPTIONAL))
			json_put_str(o, f[i].name);
	json_close(o, ']');
	json_close(o, '}');
}

static void
sync_put(struct json_out *o, const struct manifest *m, const struct manifest_sync *s)
{
	char every[TIME_TEXT_MAX];
	char *runs = xasprintf("every %s", duration_format(s->every_ms > 0 ? s->every_ms : INT64_C(3600000), every));

	json_open(o, '{');
	json_kv_str(o, "name", s->name);
	json_kv_str(o, "type", "sync");
	json_kv_str(o, "description", s->description ? s->description : "");
	json_kv_str(o, "version", m->version);
	json_kv_str(o, "runs", runs);
	json_kv_bool(o, "auto_start", true);
	json_kv_bool(o, "enabled", true);
	json_kv_bool(o, "track_deletes", s->flags & SLUICE_TRACK_DELETES);
	json_kv_str(o, "sync_type", s->kind == SLUICE_INCREMENTAL ? "incremental" : "full");
	json_key(o, "returns");
	json_open(o, '[');
	for (size_t i = 0; i < s->n_models; i++)
		json_put_str(o, m->models[s->models[i]].name);
	json_close(o, ']');
	json_key(o, "input");
	fields_schema(o, s->input, s->n_input);
	json_close(o, '}');
	free(runs);
}

static void
action_put(struct json_out *o, const struct manifest *m, const struct manifest_action *a)
{
	json_open(o, '{');
	json_kv_str(o, "name", a->name);
	json_kv_str(o, "type", "action");
	json_kv_str(o, "description", a->description ? a->description : "");
	json_kv_str(o, "version", m->version);
	json_kv_bool(o, "enabled", true);
	json_kv_bool(o, "repeatable", a->flags & SLUICE_REPEATABLE);
	json_key(o, "input");
	fields_schema(o, a->input, a->n_input);
	json_key(o, "output");
	fields_schema(o, a->output, a->n_output);
	json_close(o, '}');
}

static void
scripts_put(struct json_out *o, const struct integration_settings *i, const struct manifest *m)
{
	json_open(o, '{');
	json_kv_str(o, "providerConfigKey", i->name);
	json_kv_str(o, "provider", i->plugin);
	json_key(o, "syncs");
	json_open(o, '[');
	for (size_t k = 0; k < m->n_syncs; k++)
		sync_put(o, m, &m->syncs[k]);
	json_close(o, ']');
	json_key(o, "actions");
	json_open(o, '[');
	for (size_t k = 0; k < m->n_actions; k++)
		action_put(o, m, &m->actions[k]);
	json_close(o, ']');
	json_key(o, "on-events");
	json_open(o, '[');
	json_close(o, ']');
	json_close(o, '}');
}

/* Actions as tools of a language model. */
static void
tools_put(struct json_out *o, const struct integration_settings *i, const struct manifest *m)
{
	(void)i;
	for (size_t k = 0; k < m->n_actions; k++) {
		const struct manifest_action *a = &m->actions[k];

		json_open(o, '{');
		json_kv_str(o, "type", "function");
		json_key(o, "function");
		json_open(o, '{');
		json_kv_str(o, "name", a->name);
		json_kv_str(o, "description", a->description ? a->description : "");
		json_key(o, "parameters");
		fields_schema(o, a->input, a->n_input);
		json_close(o, '}');
		json_close(o, '}');
	}
}

static void
scripts_handle(struct http_call *c, void *arg)
{
	const struct settings *s = host_settings(api_host(arg));
	const char *format = http_param(c, "format");
	bool openai = format && !strcasecmp(format, "openai");
	struct buf body = {0};
	struct json_out o = json_out(&body);

	if (openai) {
		json_open(&o, '{');
		json_key(&o, "data");
	}
	json_open(&o, '[');
	for (size_t i = 0; i < s->n_integrations; i++) {
		const struct manifest *m = host_manifest(api_host(arg), s->integrations[i]->plugin, NULL);

		if (m)
			(openai ? tools_put : scripts_put)(&o, s->integrations[i], m);
	}
	json_close(&o, ']');
	if (openai)
		json_close(&o, '}');
	data_reply(c, &body);
}

/* ---- the routes ---- */

#define INTEGRATION {.name = "key", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "the integration"}
static const struct http_param key_params[] = {INTEGRATION, {0}};
static const char *const includes[] = {"webhook", "credentials", NULL};
static const struct http_param get_params[] = {
	INTEGRATION,
	{.name = "include", .type = HTTP_WORD, .words = includes, .repeated = true, .comma = true,
	 .help = "webhook: the path that takes its events; credentials: its client id, for a key of scope admin"},
	{0}};
static const struct http_param provider_params[] = {
	{.name = "provider", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "the plugin"}, {0}};
static const struct http_param search_params[] = {{.name = "search", .type = HTTP_TEXT, .max = 255, .help = "part of the name"}, {0}};
static const char *const formats[] = {"nango", "openai", NULL};
static const struct http_param format_params[] = {
	{.name = "format", .type = HTTP_WORD, .words = formats, .help = "openai: actions as tools; usually nango"}, {0}};

static const struct http_field integration_fields[] = {
	{.name = "unique_key", .type = HTTP_TEXT, .required = true},
	{.name = "provider", .type = HTTP_TEXT, .required = true},
	{.name = "display_name", .type = HTTP_TEXT, .required = true},
	{.name = "logo", .type = HTTP_TEXT, .required = true},
	{.name = "forward_webhooks", .type = HTTP_BOOL, .required = true},
	{.name = "created_at", .type = HTTP_TEXT, .required = true, .help = "the time of the file that declares it"},
	{.name = "updated_at", .type = HTTP_TEXT, .required = true},
	{.name = "webhook_url", .type = HTTP_TEXT, .help = "with include=webhook: the path"},
	{.name = "credentials", .type = HTTP_OBJECT, .nullable = true, .help = "with include=credentials"},
	{0}};
static const struct http_schema integration_schema = {.name = "Integration", .fields = integration_fields};
static const struct http_field list_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &integration_schema}, {0}};
static const struct http_schema list_schema = {.name = "IntegrationList", .fields = list_fields};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &integration_schema}, {0}};
static const struct http_schema one_schema = {.name = "OneIntegration", .fields = one_fields};
static const struct http_field provider_fields[] = {
	{.name = "name", .type = HTTP_TEXT, .required = true},
	{.name = "display_name", .type = HTTP_TEXT, .required = true},
	{.name = "auth_mode", .type = HTTP_TEXT, .required = true},
	{.name = "docs", .type = HTTP_TEXT},
	{.name = "logo_url", .type = HTTP_TEXT},
	{.name = "categories", .type = HTTP_ARRAY, .texts = true},
	{0}};
static const struct http_schema provider_schema = {.name = "Provider", .fields = provider_fields};
static const struct http_field providers_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &provider_schema}, {0}};
static const struct http_schema providers_schema = {.name = "ProviderList", .fields = providers_fields};
static const struct http_field one_provider_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &provider_schema}, {0}};
static const struct http_schema one_provider_schema = {.name = "OneProvider", .fields = one_provider_fields};

static const struct http_answer list_answers[] = {{.status = 200, .schema = &list_schema}, {0}};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {.status = 404, .help = "there is none"}, {0}};
static const struct http_answer providers_answers[] = {{.status = 200, .schema = &providers_schema}, {0}};
static const struct http_answer provider_answers[] = {
	{.status = 200, .schema = &one_provider_schema}, {.status = 404, .help = "there is none"}, {0}};
static const struct http_field script_fields[] = {
	{.name = "providerConfigKey", .type = HTTP_TEXT, .required = true, .help = "the integration"},
	{.name = "provider", .type = HTTP_TEXT, .required = true, .help = "its plugin"},
	{.name = "syncs", .type = HTTP_ARRAY, .required = true},
	{.name = "actions", .type = HTTP_ARRAY, .required = true},
	{.name = "on-events", .type = HTTP_ARRAY, .required = true},
	{0}};
static const struct http_schema script_schema = {.name = "Scripts", .fields = script_fields};
static const struct http_answer scripts_answers[] = {
	{.status = 200, .schema = &script_schema, .list = true, .help = "with format=openai {\"data\":[...]}, a tool for each action"}, {0}};
static const struct http_answer change_answers[] = {
	{.status = 404, .help = "there is none"}, {.status = 409, .help = "defined_in_config: with what to do"}, {0}};
static const struct http_field any_body[] = {{0}};

const struct http_route contract_integration_routes[] = {
	{.method = "GET", .path = "/integrations", .name = "listIntegrations", .tag = "Integrations", .summary = "Which integrations there are",
	 .rights = READER, .answers = list_answers, .handle = integrations_handle},
	{.method = "GET", .path = "/integrations/{key}", .name = "getIntegration", .tag = "Integrations", .summary = "One integration",
	 .rights = READER, .params = get_params, .answers = one_answers, .handle = integration_handle},
	{.method = "POST", .path = "/integrations", .name = "createIntegration", .tag = "Integrations",
	 .summary = "Says where integrations are made", .rights = RIGHT_WRITE | RIGHT_ADMIN, .body = any_body, .loose = true,
	 .answers = change_answers, .handle = integration_change_handle},
	{.method = "POST", .path = "/integrations/quickstart", .name = "createQuickstartIntegration", .tag = "Integrations",
	 .summary = "Says where integrations are made", .rights = RIGHT_WRITE | RIGHT_ADMIN, .body = any_body, .loose = true,
	 .answers = change_answers, .handle = integration_change_handle},
	{.method = "PATCH", .path = "/integrations/{key}", .name = "updateIntegration", .tag = "Integrations",
	 .summary = "Says where integrations are changed", .rights = RIGHT_WRITE | RIGHT_ADMIN, .params = key_params, .body = any_body,
	 .loose = true, .answers = change_answers, .handle = integration_change_handle},
	{.method = "DELETE", .path = "/integrations/{key}", .name = "deleteIntegration", .tag = "Integrations",
	 .summary = "Says where integrations are removed", .rights = RIGHT_WRITE | RIGHT_ADMIN, .params = key_params,
	 .answers = change_answers, .handle = integration_change_handle},
	{.method = "GET", .path = "/providers", .name = "listProviders", .tag = "Integrations", .summary = "Which plugins there are",
	 .rights = READER, .params = search_params, .answers = providers_answers, .handle = providers_handle},
	{.method = "GET", .path = "/providers/{provider}", .name = "getProvider", .tag = "Integrations", .summary = "One plugin",
	 .rights = READER, .params = provider_params, .answers = provider_answers, .handle = provider_handle},
	{.method = "GET", .path = "/scripts/config", .name = "getScriptsConfig", .tag = "Integrations",
	 .summary = "The syncs and actions of each integration", .rights = READER, .params = format_params, .answers = scripts_answers,
	 .handle = scripts_handle},
	{0}};
