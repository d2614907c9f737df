/* contract_metadata.c - POST and PATCH /connections/metadata: set, or merged into what is there, for one connection or several.
 *
 * Guarantee: all of them or none: an unknown connection costs the whole request, and the rest is one commit. Awkward: a merge is of
 * the top level only, as the contract has it, and the first one merges into what INI gives. */
#include <stdlib.h>
#include "api/contract.h"
#include "base/mem.h"
#include "run/connections.h"

#define METADATA_MAX 65536u
#define IDS_MOST 1000u

struct change {
	struct http_call *call;
	int status;
	struct buf body; /* echoed */
};

static void
change_durable(void *arg, const struct commit_result *r)
{
	struct change *x = arg;

	if (r->err.cls == ERR_NONE)
		http_reply(x->call, x->status, buf_view(&x->body));
	else
		http_fail_err(x->call, &r->err);
	buf_free(&x->body);
	free(x);
}

/* NULL: answered. */
static const struct connection_settings *
connection_find(struct api *a, struct http_call *c, const char *id, const char *integration)
{
	const struct connection_settings *k = contract_connection(a, id, integration);

	if (!k)
		contract_unknown_connection(c, 404, id, integration);
	return k;
}

/* One id's part of the commit. false: answered. */
static bool
change_put(struct api *a, struct http_call *c, struct commit *commit, struct slice id_json, const char *integration, bool merge)
{
	char *id = json_text(id_json);
	const struct connection_settings *k = connection_find(a, c, id, integration);
	const struct scope_name name = {.connection = id, .integration = integration};
	struct err err = {0};
	uint32_t scope = k ? store_scope(api_store(a), &name, &err) : 0;

	if (scope)
		commit_metadata(commit, api_store(a), k, scope, json_trim(http_field(c, "metadata")), merge);
	else if (k)
		http_fail_err(c, &err);
	free(id);
	return scope != 0;
}

static bool
changes_put(struct api *a, struct http_call *c, struct commit *commit, const char *integration, bool merge)
{
	struct slice ids = json_trim(http_field(c, "connection_id"));

	if (json_type(ids) == JSON_STRING)
		return change_put(a, c, commit, ids, integration, merge);
	if (json_count(ids) == 0 || json_count(ids) > IDS_MOST) {
		http_fail(c, 400, "invalid_body", "connection_id: between 1 and %u connections", IDS_MOST);
		return false;
	}
	for (struct json_iter it = json_iter(ids); json_next(&it);)
		if (!change_put(a, c, commit, it.value, integration, merge))
			return false;
	return true;
}

static void
change_handle(struct http_call *c, struct api *a, bool merge)
{
	char *integration = http_field_text(c, "provider_config_key");
	struct commit *commit = commit_new(api_store(a), (struct fence){0, 0});
	struct change *x;

	if (http_field(c, "metadata").len > METADATA_MAX) {
		http_fail(c, 400, "invalid_body", "metadata: is over 64 KiB");
		commit_free(commit);
	} else if (!changes_put(a, c, commit, integration, merge)) {
		commit_free(commit);
	} else {
		x = XNEW(struct change);
		x->call = c;
		x->status = merge ? 200 : 201;
		buf_slice(&x->body, http_body(c));
		store_commit(api_store(a), commit, true, change_durable, x);
	}
	free(integration);
}

static void
set_handle(struct http_call *c, void *arg)
{
	change_handle(c, arg, false);
}

static void
update_handle(struct http_call *c, void *arg)
{
	change_handle(c, arg, true);
}

static const struct http_field fields[] = {
	{.name = "provider_config_key", .type = HTTP_NAME, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_ARRAY, .texts = true, .or_text = true, .required = true, .help = "a connection, or several"},
	{.name = "metadata", .type = HTTP_OBJECT, .required = true, .help = "any members; at most 64 KiB"},
	{0}};
static const struct http_schema schema = {.name = "ConnectionMetadata", .fields = fields};

static const struct http_answer set_answers[] = {
	{.status = 201, .schema = &schema, .help = "the request's body"},
	{.status = 404, .help = "one of the connections is unknown: nothing was changed"},
	{0}};
static const struct http_answer update_answers[] = {
	{.status = 200, .schema = &schema, .help = "the request's body"},
	{.status = 404, .help = "one of the connections is unknown: nothing was changed"},
	{0}};

#define WRITER (RIGHT_WRITE | RIGHT_ADMIN)

const struct http_route contract_metadata_routes[] = {
	{.method = "POST", .path = "/connections/metadata", .name = "setMetadata", .tag = "Connections",
	 .summary = "Replaces the metadata of connections", .rights = WRITER, .body = fields, .answers = set_answers, .handle = set_handle},
	{.method = "PATCH", .path = "/connections/metadata", .name = "updateMetadata", .tag = "Connections",
	 .summary = "Merges members into the metadata of connections", .rights = WRITER, .body = fields, .answers = update_answers,
	 .handle = update_handle},
	{0}};
