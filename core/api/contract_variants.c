/* contract_variants.c - the contract's variants of a sync: a second one of the same name, with other metadata and datasets of
 * its own.
 *
 * There are none here: two connections to one account do the same, each with its own options, schedule and datasets. So what the
 * contract lets one create is refused with that remedy, after everything that is wrong with the request in any case; and there
 * is nothing that could be deleted. */
#include <stdlib.h>
#include <string.h>
#include "api/contract.h"
#include "api/contract_status.h"

static void
variant_create(struct http_call *c, void *arg)
{
	const char *variant = http_param(c, "variant");
	char *integration = http_field_text(c, "provider_config_key"), *connection = http_field_text(c, "connection_id");
	struct chosen chosen;

	if (strcmp(variant, CONTRACT_VARIANT) == 0)
		http_fail(c, 400, "invalid_variant", "'%s' is the variant that every sync has", variant);
	else if (contract_sync(arg, c, connection, integration, http_param(c, "name"), &chosen))
		http_fail(c, 400, "not_supported",
		          "a sync has one variant here: make a second connection to the account, with other options, and sync that");
	free(integration);
	free(connection);
}

static void
variant_delete(struct http_call *c, void *arg)
{
	(void)arg;
	if (strcmp(http_param(c, "variant"), CONTRACT_VARIANT) == 0)
		http_fail(c, 400, "invalid_variant", "the variant that every sync has cannot be deleted");
	else
		http_fail(c, 404, "not_found", "sync '%s' has no variant '%s'", http_param(c, "name"), http_param(c, "variant"));
}

static const struct http_param variant_params[] = {
	{.name = "name", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "of the sync"},
	{.name = "variant", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "its name"},
	{0},
};
static const struct http_field variant_body[] = {
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true, .help = "the integration"},
	{.name = "connection_id", .type = HTTP_TEXT, .required = true, .help = "the connection"},
	{0},
};

#define VARIANT(method_, name_, summary_, handle_, ...)                                                                \
	{.method = method_, .path = "/sync/{name}/variant/{variant}", .name = name_, .tag = "Syncs", .summary = summary_, \
	 .rights = RIGHT_WRITE, .params = variant_params, .body = variant_body,                                        \
	 .answers = (const struct http_answer[]){__VA_ARGS__, {0}}, .handle = handle_}

const struct http_route contract_variants_routes[] = {
	VARIANT("POST", "createSyncVariant", "Refused: a sync has one variant", variant_create,
	        {400, .help = "not_supported, invalid_variant, unknown_connection, unknown_sync"}),
	VARIANT("DELETE", "deleteSyncVariant", "There is no variant but base", variant_delete, {404, .help = "not_found"},
	        {400, .help = "invalid_variant"}),
	{0},
};
