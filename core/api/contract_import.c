/* contract_import.c - POST /connections: a connection with credentials that somebody has already, kept sealed in the store.
 *
 * What the contract calls by its own names becomes what a [connection] section would say (config/stored.h), judged against the
 * connector before anything is kept. Again with the same names: the new one takes the old one's place.
 *
 * Guarantee: durable, told to endpoints, and in the schedule, when it is answered; nothing is taken over from the one before, and an application's
 * key says nothing that is the operator's; no credential is in a log line or in an answer, but for a key of scope admin.
 * Awkward: an access token that is renewed is no setting: it goes where its keeper finds it (run/tokens.h). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "api/contract_connections.h"
#include "api/contract_labels.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/keys.h"
#include "run/connections.h"
#include "run/member.h"
#include "run/tokens.h"
#include "run/webhooks.h"

#define METADATA_MAX 65536u

/* The contract's member of `credentials`, and the key of [connection] that it is. */
static const struct {
	const char *type, *member, *key;
} named[] = {
	{"API_KEY", "apiKey", "api_key"},        {"API_KEY", "api_key", "api_key"},
	{"BASIC", "username", "username"},       {"BASIC", "password", "password"},
	{"OAUTH2", "refresh_token", "refresh_token"}, {"OAUTH2", "client_id", "client_id"},
	{"OAUTH2", "client_secret", "client_secret"}, {"OAUTH2_CC", "client_id", "client_id"},
	{"OAUTH2_CC", "client_secret", "client_secret"},
};
static const char *const types[] = {"API_KEY", "BASIC", "OAUTH2", "OAUTH2_CC", "NONE"};

struct import {
	struct api *api;
	struct http_call *call;
	char *name, *integration, *type;
	struct slice credentials;
	struct buf settings, labels;
	bool renewed; /* its access token is kept apart */
	bool kept;    /* and is */
	bool again;   /* it takes the place of one */
};

static void
import_free(struct import *x)
{
	free(x->name);
	free(x->integration);
	free(x->type);
	buf_wipe(&x->settings);
	buf_free(&x->labels);
}

/* ---- what is asked for ---- */

static char *
name_make(void)
{
	char random[2 * 16 + 1], id[CONTRACT_ID_MAX];
	uint8_t bytes[16];

	randombytes_buf(bytes, sizeof bytes);
	sodium_bin2hex(random, sizeof random, bytes, sizeof bytes);
	return xstrdup(contract_id(id, (const char *const[]){random, NULL}));
}

/* An integration that no section declares is one if a plugin has its name. */
static bool
integration_there(const struct api *a, const char *name)
{
	char **plugins = host_plugins(api_host(a));
	bool there = contract_integration(a, name);

	for (char **p = plugins; *p; p++) {
		there |= !strcmp(*p, name);
		free(*p);
	}
	free(plugins);
	return there;
}

static bool
type_known(const char *type)
{
	for (size_t i = 0; i < LENGTH(types); i++)
		if (!strcmp(types[i], type))
			return true;
	return false;
}

static void
credentials_put(struct json_out *o, struct import *x)
{
	struct slice value;
	bool oauth = !strcmp(x->type, "OAUTH2");

	json_key(o, "credentials");
	json_open(o, '{');
	for (size_t i = 0; i < LENGTH(named); i++)
		if (!strcmp(named[i].type, x->type) && json_member(x->credentials, named[i].member, &value) &&
		    json_type(value) == JSON_STRING)
			json_kv_raw(o, named[i].key, value);
	x->renewed = oauth && json_member(x->credentials, "refresh_token", &value) && json_type(value) == JSON_STRING;
	if (oauth && !x->renewed && json_member(x->credentials, "access_token", &value) && json_type(value) == JSON_STRING)
		json_kv_raw(o, "token", value);
	json_close(o, '}');
}

static void
options_put(struct json_out *o, struct slice config)
{
	json_key(o, "options");
	json_open(o, '{');
	for (struct json_iter it = json_iter(config); json_next(&it);) {
		char *name = slice_dup(it.key), *text = json_text(it.value);
		json_kv_str(o, name, text);
		free(name);
		free(text);
	}
	json_close(o, '}');
}

static void
settings_write(struct import *x)
{
	struct json_out o = json_out(&x->settings);
	struct slice metadata = http_field(x->call, "metadata");
	char now[TIME_TEXT_MAX];

	json_open(&o, '{');
	credentials_put(&o, x);
	options_put(&o, http_field(x->call, "connection_config"));
	if (json_type(metadata) == JSON_OBJECT)
		json_kv_raw(&o, "metadata", metadata);
	json_kv_str(&o, "added_at", time_format(api_now_us(x->api), now));
	json_kv_str(&o, "added_by", http_key_name(x->call));
	json_close(&o, '}');
}

/* ---- what is kept beside its settings ---- */

static int
token_keep(struct import *x, struct err *err)
{
	char *access = member_text(x->credentials, "access_token"), *refresh = member_text(x->credentials, "refresh_token");
	int64_t expires = member_time(x->credentials, "expires_at");
	struct buf json = {0};
	struct json_out o = json_out(&json);
	int rc = 0;

	if (x->renewed && access) {
		json_open(&o, '{');
		json_kv_str(&o, "access", access);
		json_kv_str(&o, "refresh", refresh);
		json_kv_int(&o, "expires_us", expires);
		json_close(&o, '}');
		rc = tokens_put(api_host(x->api), x->name, x->integration, buf_view(&json), err);
		x->kept = rc == 0;
	}
	buf_wipe(&json);
	if (access)
		sodium_memzero(access, strlen(access));
	if (refresh)
		sodium_memzero(refresh, strlen(refresh));
	free(access);
	free(refresh);
	return rc;
}

static int
labels_keep(struct import *x, struct err *err)
{
	const struct connection_settings *c = contract_connection(x->api, x->name, x->integration);
	const struct scope_name name = {.connection = x->name, .integration = x->integration};
	struct store *store = api_store(x->api);
	struct slice metadata = http_field(x->call, "metadata");
	uint32_t scope = store_scope(store, &name, err);
	struct commit *commit;

	if (!scope)
		return -1;
	commit = commit_new(store, (struct fence){0, 0});
	if (x->again && !x->kept) /* credentials are replaced whole: who sends none does not inherit another's */
		commit_state_clear(commit, scope, STATE_TOKEN, SLICE(""));
	commit_state_set(commit, scope, STATE_CONNECTION, CONNECTION_LABELS, buf_view(&x->labels));
	if (json_type(metadata) == JSON_OBJECT)
		commit_state_set(commit, scope, STATE_METADATA, SLICE(""), json_trim(metadata));
	if (c)
		webhook_connection(commit, api_host(x->api), c, x->again, buf_view(&x->labels));
	return store_commit_wait(store, commit, NULL, err);
}

/* ---- the route ---- */

/* A key of [connection], NULL: none. Where requests go and what is believed without a signature is the operator's to say: an
 * application's own base_url would be taken for trusted, and lead into the host's network with whatever credentials there are. */
static const char *
config_setting(struct slice config)
{
	const struct key *setting = NULL;

	for (struct json_iter it = json_iter(config); !setting && json_next(&it);) {
		char *name = slice_dup(it.key);

		setting = key_find(SECTION_CONNECTION, name);
		free(name);
	}
	return setting ? setting->name : NULL;
}

/* false: answered. */
static bool
import_good(struct import *x)
{
	const char *setting;

	if (!integration_there(x->api, x->integration))
		contract_unknown_integration(x->call, x->integration);
	else if (!type_known(x->type))
		http_fail(x->call, 400, "invalid_body",
		          "credentials.type: '%s' is none that is kept; use API_KEY, BASIC, OAUTH2, OAUTH2_CC or NONE", x->type);
	else if (!(http_rights(x->call) & RIGHT_ADMIN) && (setting = config_setting(http_field(x->call, "connection_config"))))
		http_fail(x->call, 403, "forbidden", "connection_config.%s: only a key of scope admin says this: it is no option of the "
		          "connector, but a setting of the host", setting);
	else if (http_field(x->call, "metadata").len > METADATA_MAX)
		http_fail(x->call, 400, "invalid_body", "metadata: is over 64 KiB");
	else
		return contract_labels_read(x->api, x->call, &x->labels);
	return false;
}

static void
import_do(struct import *x)
{
	const struct connection_wish w = {.connection = x->name, .integration = x->integration, .status = 201};
	struct host *h = api_host(x->api);
	struct err err = {0};

	settings_write(x);
	x->again = contract_connection(x->api, x->name, x->integration) != NULL;
	if (connection_add(h, x->name, x->integration, buf_view(&x->settings), true, &err) != 0) {
		contract_connection_refuse(x->call, &err);
		return;
	}
	tokens_forget(h, x->name, x->integration);
	if (token_keep(x, &err) != 0 || labels_keep(x, &err) != 0) {
		contract_connection_refuse(x->call, &err);
		return;
	}
	log_info("connection %s : %s is %s by key %s", x->name, x->integration, x->again ? "replaced" : "added",
	         http_key_name(x->call));
	service_connections_changed(api_service(x->api));
	contract_connection_show(x->api, x->call, &w);
}

static void
import_handle(struct http_call *c, void *arg)
{
	struct import x = {.api = arg, .call = c};

	x.name = http_field_text(c, "connection_id");
	x.integration = http_field_text(c, "provider_config_key");
	x.credentials = http_field(c, "credentials");
	x.type = json_type(x.credentials) == JSON_OBJECT ? member_text(x.credentials, "type") : NULL;
	if (!x.name)
		x.name = name_make();
	if (!x.type)
		x.type = xstrdup(json_type(x.credentials) == JSON_OBJECT ? "" : "NONE");
	if (import_good(&x))
		import_do(&x);
	import_free(&x);
}

static const struct http_field body[] = {
	{.name = "provider_config_key", .type = HTTP_NAME, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_NAME, .help = "its name; without it one is made"},
	{.name = "credentials", .type = HTTP_OBJECT, .nullable = true,
	 .help = "{\"type\":\"API_KEY\",\"apiKey\"}, {\"type\":\"BASIC\",\"username\",\"password\"}, "
	         "{\"type\":\"OAUTH2\",\"access_token\",\"refresh_token\",\"expires_at\"}, "
	         "{\"type\":\"OAUTH2_CC\",\"client_id\",\"client_secret\"} or {\"type\":\"NONE\"}"},
	{.name = "connection_config", .type = HTTP_OBJECT, .help = "options that its connector declares; with a key of scope admin also base_url and the like"},
	{.name = "metadata", .type = HTTP_OBJECT, .nullable = true, .help = "any members; at most 64 KiB"},
	CONTRACT_LABEL_FIELDS,
	{0}};

static const struct http_answer answers[] = {
	{.status = 201, .schema = &contract_connection_schema},
	{.status = 409, .help = "defined_in_config: INI has a connection of these names"},
	{0}};

const struct http_route contract_import_routes[] = {
	{.method = "POST", .path = "/connections", .name = "importConnection", .tag = "Connections",
	 .summary = "Makes a connection with credentials that are there already, or puts it in the place of one",
	 .rights = RIGHT_WRITE | RIGHT_ADMIN, .body = body, .answers = answers, .handle = import_handle},
	{0}};
