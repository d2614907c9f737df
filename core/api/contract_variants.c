/* contract_variants.c - the contract's variants of a sync: made and removed here; what else is done with one (trigger, pause, an
 * interval, its records) goes by its name where that of a sync goes.
 *
 * Guarantee: durable when it is answered. Awkward: removing one keeps its records, which are read as before, and one that is
 * made again goes on where it ended (run/variants.h); the contract leaves open what becomes of them, and nothing is to be lost
 * that nobody asked to lose. */
#include <stdlib.h>
#include <string.h>
#include "api/contract.h"
#include "api/contract_status.h"
#include "base/log.h"
#include "run/variants.h"

struct refusal {
	int status;
	const char *code;
};
static const struct refusal make_refusals[] = {
	[VARIANT_INVALID] = {400, "invalid_variant"}, [VARIANT_EXISTS] = {400, "sync_variant_already_exists"},
	[VARIANT_CAPPED] = {400, "resource_capped"},  [VARIANT_NO_SYNC] = {400, "unknown_sync"},
	[VARIANT_FAILED] = {0, NULL},
};
static const struct refusal remove_refusals[] = {
	[VARIANT_INVALID] = {400, "invalid_variant"}, [VARIANT_NONE] = {404, "not_found"}, [VARIANT_FAILED] = {0, NULL},
};

static void
variant_refuse(struct http_call *c, const struct refusal *r, const struct err *err)
{
	if (r->code)
		http_fail(c, r->status, r->code, "%s", err->text);
	else
		http_fail_err(c, err);
}

/* Who asks about which connection; NULL: there is none, and c is answered. */
static const struct connection_settings *
connection_named(const struct api *a, struct http_call *c)
{
	char *integration = http_field_text(c, "provider_config_key"), *connection = http_field_text(c, "connection_id");
	const struct connection_settings *k = contract_connection(a, connection, integration);

	if (!k)
		contract_unknown_connection(c, 400, connection, integration);
	free(integration);
	free(connection);
	return k;
}

static void
changed(struct api *a, const struct http_call *c, const struct connection_settings *k, const char *what)
{
	log_info("connection %s : %s: variant '%s' of sync '%s' is %s by key %s", k->name, k->integration->name,
	         http_param(c, "variant"), http_param(c, "name"), what, http_key_name(c) ? http_key_name(c) : "(none)");
	service_connections_changed(api_service(a));
}

static void
made_reply(struct api *a, struct http_call *c, const struct connection_settings *k)
{
	char *name = variant_join(http_param(c, "name"), http_param(c, "variant")), id[CONTRACT_ID_MAX];
	struct chosen chosen;
	struct buf json = {0};
	struct json_out o = json_out(&json);

	if (contract_sync(a, c, k->name, k->integration->name, name, &chosen)) {
		json_open(&o, '{');
		json_kv_str(&o, "id", contract_sync_id(id, &chosen));
		json_kv_str(&o, "name", chosen.sync->base);
		json_kv_str(&o, "variant", chosen.sync->variant);
		json_close(&o, '}');
		http_reply(c, 200, buf_view(&json));
	}
	free(name);
	buf_free(&json);
}

static void
variant_create(struct http_call *c, void *arg)
{
	const struct connection_settings *k = connection_named(arg, c);
	enum variant_fault f;
	struct err err = {0};

	if (!k)
		return;
	f = variant_make(api_host(arg), k, http_param(c, "name"), http_param(c, "variant"), &err);
	if (f != VARIANT_GOOD) {
		variant_refuse(c, &make_refusals[f], &err);
		return;
	}
	changed(arg, c, k, "made");
	made_reply(arg, c, k);
}

static void
variant_delete(struct http_call *c, void *arg)
{
	const struct connection_settings *k = connection_named(arg, c);
	enum variant_fault f;
	struct err err = {0};

	if (!k)
		return;
	f = variant_remove(api_host(arg), k, http_param(c, "name"), http_param(c, "variant"), &err);
	if (f != VARIANT_GOOD) {
		variant_refuse(c, &remove_refusals[f], &err);
		return;
	}
	changed(arg, c, k, "removed");
	http_reply(c, 200, SLICE("{\"success\":true}"));
}

static const struct http_param variant_params[] = {
	{.name = "name", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "of the sync"},
	{.name = "variant", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "letters, digits, _ and -; not base"},
	{0},
};
static const struct http_field variant_body[] = {
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_TEXT, .required = true, .help = "the connection"},
	{0},
};
static const struct http_schema variant_schema = {
	"SyncVariant",
	(const struct http_field[]){
		{.name = "id", .type = HTTP_TEXT, .required = true, .help = "as the list of syncs has it"},
		{.name = "name", .type = HTTP_NAME, .required = true, .help = "of the sync"},
		{.name = "variant", .type = HTTP_NAME, .required = true, .help = "of it"},
		{0}},
	false};
static const struct http_schema removed_schema = {
	"SyncVariantRemoved",
	(const struct http_field[]){{.name = "success", .type = HTTP_BOOL, .required = true, .help = "true"}, {0}},
	false};

#define VARIANT(method_, name_, summary_, help_, handle_, ...)                                                         \
	{.method = method_, .path = "/sync/{name}/variant/{variant}", .name = name_, .tag = "Syncs", .summary = summary_, \
	 .help = help_, .rights = RIGHT_WRITE, .params = variant_params, .body = variant_body,                         \
	 .answers = (const struct http_answer[]){__VA_ARGS__, {0}}, .handle = handle_}

const struct http_route contract_variants_routes[] = {
	VARIANT("POST", "createSyncVariant", "Makes a variant of one connection's sync",
	        "The same sync once more, with a schedule, a checkpoint and records of its own. Its connector is told its name.",
	        variant_create, {200, .schema = &variant_schema, .help = "it is durable, and scheduled"},
	        {400, .help = "invalid_variant, sync_variant_already_exists, resource_capped (100 of a sync), unknown_connection, "
	                      "unknown_sync"}),
	VARIANT("DELETE", "deleteSyncVariant", "Removes a variant; its records stay",
	        "A run under way is ended in good order. Made again, it goes on where it ended.", variant_delete,
	        {200, .schema = &removed_schema, .help = "it is durable"}, {404, .help = "not_found: there is no such variant"},
	        {400, .help = "invalid_variant: base cannot be removed; unknown_connection"}),
	{0},
};
