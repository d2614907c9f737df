/* contract_connections.c - the contract's connections: shown, labelled and removed. They are made in contract_import.c, and
 * listed in contract_list.c.
 *
 * Guarantee: credentials leave only for a key of scope admin; every other key sees their type alone, so getConnection works for
 * it and getToken has nothing to give. Awkward: the contract numbers connections and dates them, and INI does neither: the
 * number is one that the names always give, and the date is that of the file. A connection of INI is INI's to change: 409. */
#include "api/contract_connections.h"

#include <stdlib.h>
#include <string.h>
#include "api/contract_labels.h"
#include "base/log.h"
#include "base/mem.h"
#include "run/connections.h"
#include "run/member.h"
#include "run/reveal.h"

/* ---- one connection ---- */

static uint64_t
number_of(const struct connection_settings *c)
{
	uint64_t n = UINT64_C(14695981039346656037); /* FNV-1a; 52 bits of it, which every client's numbers hold */

	for (const char *p = c->name; *p; p++)
		n = (n ^ (unsigned char)*p) * UINT64_C(1099511628211);
	n = (n ^ ':') * UINT64_C(1099511628211);
	for (const char *p = c->integration->name; *p; p++)
		n = (n ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return n >> 12;
}

static void
label_put(struct json_out *o, const char *name, struct slice labels, struct slice otherwise)
{
	struct slice value = member_raw(labels, name);

	json_kv_raw(o, name, value.len ? value : otherwise);
}

/* One of each kind: the last run of a sync of it failed. */
static void
errors_put(struct api *a, struct json_out *o, const struct connection_settings *c)
{
	const struct manifest *m = host_manifest_of(api_host(a), c, NULL);
	struct buf last = {0};
	bool told[2] = {false, false};

	json_key(o, "errors");
	json_open(o, '[');
	for (size_t i = 0; m && i < m->n_syncs; i++) {
		const struct scope_name name = {.connection = c->name, .integration = c->integration->name, .sync = m->syncs[i].name};
		uint32_t scope = store_scope_find(api_store(a), &name);
		char *cls, *run;
		bool auth;

		if (!scope || !store_state_get(api_store(a), scope, STATE_LAST, SLICE(""), &last) ||
		    member_int(buf_view(&last), "failures", 0) == 0)
			continue;
		cls = member_text(buf_view(&last), "class");
		auth = cls && !strcmp(cls, err_class_name(ERR_CREDENTIALS));
		free(cls);
		if (told[auth])
			continue;
		told[auth] = true;
		run = xasprintf("%lld", (long long)member_int(buf_view(&last), "run", 0));
		json_open(o, '{');
		json_kv_str(o, "type", auth ? "auth" : "sync");
		json_kv_str(o, "log_id", run);
		json_close(o, '}');
		free(run);
	}
	json_close(o, ']');
	buf_free(&last);
}

static void
metadata_put(struct api *a, struct json_out *o, const struct connection_settings *c)
{
	struct buf value = {0};

	json_kv_raw(o, "metadata", connection_metadata(api_store(a), c, &value) ? buf_view(&value) : SLICE("null"));
	buf_free(&value);
}

void
contract_connection_common(struct api *a, struct json_out *o, const struct connection_settings *c, struct slice labels)
{
	json_open(o, '{');
	json_kv_int(o, "id", (int64_t)number_of(c));
	json_kv_str(o, "connection_id", c->name);
	json_kv_str(o, "provider_config_key", c->integration->name);
	json_kv_str(o, "provider", c->integration->plugin);
	errors_put(a, o, c);
	label_put(o, "end_user", labels, SLICE("null"));
	label_put(o, "tags", labels, SLICE("{}"));
	metadata_put(a, o, c);
}

static void
config_put(struct json_out *o, const struct connection_settings *c)
{
	json_key(o, "connection_config");
	json_open(o, '{');
	for (size_t i = 0; i < c->n_options; i++)
		if (!c->options[i].resolved)
			json_kv_str(o, c->options[i].name, c->options[i].value);
	json_close(o, '}');
}

static void
whole_write(struct api *a, struct buf *out, const struct connection_settings *c, struct slice credentials)
{
	struct json_out o = json_out(out);
	struct buf labels = {0};
	char added[TIME_TEXT_MAX];
	char *updated;

	contract_labels(a, c, &labels);
	updated = member_text(buf_view(&labels), "updated_at");
	if (!connection_added_at(api_store(a), c, added))
		time_format(0, added);
	contract_connection_common(a, &o, c, buf_view(&labels));
	config_put(&o, c);
	label_put(&o, "webhook_url_override", buf_view(&labels), SLICE("null"));
	json_kv_str(&o, "created_at", added);
	json_kv_str(&o, "updated_at", updated ? updated : added);
	json_kv_str(&o, "last_fetched_at", NULL);
	json_kv_raw(&o, "credentials", credentials);
	json_close(&o, '}');
	free(updated);
	buf_free(&labels);
}

/* ---- shown ---- */

struct show {
	struct api *api;
	struct http_call *call;
	struct reveal *reveal;
	char *connection, *integration; /* settings may be others once the token is there */
	int status;
};

static void
show_free(struct show *s)
{
	free(s->connection);
	free(s->integration);
	free(s);
}

static void
show_answer(struct show *s, struct slice credentials)
{
	const struct connection_settings *c = contract_connection(s->api, s->connection, s->integration);
	struct buf body = {0};

	if (c) {
		whole_write(s->api, &body, c, credentials);
		http_reply(s->call, s->status, buf_view(&body));
	} else {
		http_fail(s->call, 404, "not_found", "there is no connection '%s' of integration '%s'", s->connection, s->integration);
	}
	buf_wipe(&body);
}

/* The connection goes along with the error, as the contract has it. */
static void
show_refuse(struct show *s, const struct err *err)
{
	const struct connection_settings *c = contract_connection(s->api, s->connection, s->integration);
	struct buf whole = {0}, error = {0};
	struct json_out o = json_out(&error);

	if (!c || err->cls != ERR_CREDENTIALS) {
		http_fail_err(s->call, err);
		return;
	}
	whole_write(s->api, &whole, c, SLICE("{}"));
	json_open(&o, '{');
	json_kv_str(&o, "code", "invalid_credentials");
	json_kv_str(&o, "message", err->text);
	json_key(&o, "payload");
	json_open(&o, '{');
	json_kv_raw(&o, "connection", buf_view(&whole));
	json_close(&o, '}');
	json_close(&o, '}');
	http_fail_json(s->call, 424, buf_view(&error));
	buf_free(&whole);
	buf_free(&error);
}

static void
revealed(void *arg, struct slice json, const struct err *err)
{
	struct show *s = arg;

	if (err->cls == ERR_NONE)
		show_answer(s, json);
	else
		show_refuse(s, err);
	show_free(s);
}

static void
asker_gone(struct http_call *c, void *arg)
{
	(void)c;
	reveal_leave(((struct show *)arg)->reveal);
}

void
contract_connection_show(struct api *a, struct http_call *c, const struct connection_wish *w)
{
	const struct connection_settings *k = contract_connection(a, w->connection, w->integration);
	const struct reveal_ask ask = {.connection = k, .renew = w->renew, .refresh = w->refresh};
	struct show *s = XNEW(struct show);
	struct reveal *reveal;
	char *type;

	s->api = a;
	s->call = c;
	s->status = w->status;
	s->connection = xstrdup(w->connection);
	s->integration = xstrdup(w->integration);
	if (k && (http_rights(c) & RIGHT_ADMIN)) {
		reveal = credentials_reveal(api_host(a), &ask, revealed, s);
		if (reveal) {
			s->reveal = reveal;
			http_on_gone(c, asker_gone, s);
		}
		return;
	}
	type = k ? xasprintf("{\"type\":\"%s\"}", credentials_type(api_host(a), k)) : NULL;
	show_answer(s, slice_str(type));
	free(type);
	show_free(s);
}

static void
get_handle(struct http_call *c, void *arg)
{
	const struct connection_wish w = {
		.connection = http_param(c, "id"),
		.integration = http_param(c, "provider_config_key"),
		.status = 200,
		.renew = http_param_bool(c, "force_refresh", false),
		.refresh = http_param_bool(c, "refresh_token", false),
	};

	if (contract_integration(arg, w.integration))
		contract_connection_show(arg, c, &w);
	else
		contract_unknown_integration(c, w.integration);
}

/* ---- labelled and removed ---- */

void
contract_connection_refuse(struct http_call *c, const struct err *err)
{
	static const char ini[] = "defined_in_config: ";

	if (err->cls == ERR_USAGE && !strncmp(err->text, ini, sizeof ini - 1))
		http_fail(c, 409, "defined_in_config", "%s", err->text + sizeof ini - 1);
	else
		http_fail_err(c, err);
}

static void
in_config(struct http_call *c, const struct connection_settings *k)
{
	char at[ORIGIN_MAX];

	http_fail(c, 409, "defined_in_config", "connection %s : %s stands in %s: change it there", k->name, k->integration->name,
	          origin_text(k->at, at));
}

static void
labelled(void *arg, const struct commit_result *r)
{
	if (r->err.cls == ERR_NONE)
		http_reply(arg, 200, SLICE("{\"success\":true}"));
	else
		http_fail_err(arg, &r->err);
}

static void
patch_handle(struct http_call *c, void *arg)
{
	const char *name = http_param(c, "id"), *key = http_param(c, "provider_config_key");
	const struct connection_settings *k = contract_connection(arg, name, key);
	const struct scope_name scope_name = {.connection = name, .integration = key};
	struct store *store = api_store(arg);
	struct buf patch = {0};
	struct commit *commit;
	struct err err = {0};
	uint32_t scope;

	if (!k || !k->stored) {
		if (k)
			in_config(c, k);
		else
			contract_unknown_connection(c, 404, name, key);
		return;
	}
	if (!contract_labels_read(arg, c, &patch))
		return;
	scope = store_scope(store, &scope_name, &err);
	if (!scope) {
		http_fail_err(c, &err);
		buf_free(&patch);
		return;
	}
	commit = commit_new(store, (struct fence){0, 0});
	commit_state_merge(commit, scope, STATE_CONNECTION, CONNECTION_LABELS, buf_view(&patch));
	store_commit(store, commit, true, labelled, c);
	buf_free(&patch);
}

static void
delete_handle(struct http_call *c, void *arg)
{
	const char *name = http_param(c, "id"), *key = http_param(c, "provider_config_key");
	struct err err = {0};

	if (!contract_connection(arg, name, key)) {
		contract_unknown_connection(c, 400, name, key);
	} else if (connection_remove(api_host(arg), name, key, &err) != 0) {
		contract_connection_refuse(c, &err);
	} else {
		log_info("connection %s : %s is removed by key %s", name, key, http_key_name(c));
		service_connections_changed(api_service(arg));
		http_reply(c, 200, SLICE("{\"success\":true}"));
	}
}

/* ---- the routes ---- */

#define ID {.name = "id", .place = IN_PATH, .type = HTTP_TEXT, .required = true, .help = "the connection, not encoded"}
#define KEY {.name = "provider_config_key", .place = IN_QUERY, .type = HTTP_NAME, .required = true, .help = "the integration"}

static const struct http_param get_params[] = {
	ID, KEY,
	{.name = "force_refresh", .type = HTTP_BOOL, .help = "OAuth 2: have a new access token first; at most one a minute"},
	{.name = "refresh_token", .type = HTTP_BOOL, .help = "OAuth 2: the refresh token too"},
	{.name = "refresh_github_app_jwt_token", .type = HTTP_BOOL, .help = "accepted, without effect"},
	{0}};
static const struct http_param id_params[] = {ID, KEY, {0}};

static const struct http_field patch_body[] = {CONTRACT_LABEL_FIELDS, {0}};

static const struct http_field whole_fields[] = {
	CONTRACT_CONNECTION_FIELDS,
	{.name = "connection_config", .type = HTTP_OBJECT, .required = true, .help = "its options, without those that are secret"},
	{.name = "webhook_url_override", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "created_at", .type = HTTP_TEXT, .required = true},
	{.name = "updated_at", .type = HTTP_TEXT, .required = true},
	{.name = "last_fetched_at", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "credentials", .type = HTTP_OBJECT, .required = true, .help = "their type; all of them for a key of scope admin"},
	{0}};
const struct http_schema contract_connection_schema = {.name = "Connection", .fields = whole_fields};

static const struct http_field success_fields[] = {{.name = "success", .type = HTTP_BOOL, .required = true}, {0}};
static const struct http_schema success_schema = {.name = "ConnectionChanged", .fields = success_fields};

static const struct http_answer get_answers[] = {
	{.status = 200, .schema = &contract_connection_schema},
	{.status = 404, .help = "there is no such connection"},
	{.status = 424, .help = "no access token is to be had"},
	{0}};
static const struct http_answer change_answers[] = {
	{.status = 200, .schema = &success_schema},
	{.status = 404, .help = "there is no such connection"},
	{.status = 409, .help = "defined_in_config: it stands in INI, which is the place to change it"},
	{0}};

#define ANYBODY (RIGHT_READ | RIGHT_WRITE | RIGHT_ADMIN)
#define WRITER (RIGHT_WRITE | RIGHT_ADMIN)

const struct http_route contract_connection_routes[] = {
	{.method = "GET", .path = "/connections/{id*}", .name = "getConnection", .tag = "Connections", .summary = "One connection",
	 .help = "Credentials are shown to a key of scope admin; any other key sees their type.", .rights = ANYBODY, .params = get_params,
	 .answers = get_answers, .handle = get_handle},
	{.method = "PATCH", .path = "/connections/{id*}", .name = "patchConnection", .tag = "Connections",
	 .summary = "Labels a connection that was made by the API or a command", .rights = WRITER, .params = id_params, .body = patch_body,
	 .answers = change_answers, .handle = patch_handle},
	{.method = "DELETE", .path = "/connections/{id*}", .name = "deleteConnection", .tag = "Connections",
	 .summary = "Forgets such a connection and its credentials; its records stay", .rights = WRITER, .params = id_params,
	 .answers = change_answers, .handle = delete_handle},
	{0}};
