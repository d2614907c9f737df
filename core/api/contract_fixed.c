/* contract_fixed.c - what the contract's clients may ask for and this host does not do: one table of answers that are always the
 * same, each with what to do instead. */
#include "api/contract.h"

#define READER (RIGHT_READ | RIGHT_WRITE | RIGHT_ADMIN)
#define WRITER (RIGHT_WRITE | RIGHT_ADMIN)

struct fixed {
	int status;
	const char *body;     /* JSON; NULL: an error, */
	const char *instead;  /* which says this */
};

static void
fixed_handle(struct http_call *c, void *arg)
{
	const struct fixed *f = http_route_of(c)->data;

	(void)arg;
	if (f->body)
		http_reply(c, f->status, slice_str(f->body));
	else
		http_fail(c, f->status, "not_supported", "%s", f->instead);
}

static const struct fixed no_variables = {.status = 200, .body = "[]"};
static const struct fixed no_templates = {.status = 200, .body = "{\"data\":[]}"};
static const struct fixed sessions = {
	.status = 501, .instead = "access is not permitted in a browser page of this host: run `sluice authorize CONNECTION`, or POST /connections "
	                          "with credentials that are there already"};
static const struct fixed functions = {
	.status = 501, .instead = "connectors are plugins in plugin_dir: put a .so there; GET /scripts/config says what each can do"};

static const struct http_field any_body[] = {{0}};
static const struct http_param integration_params[] = {
	{.name = "key", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "the integration"},
	{.name = "rest", .place = IN_PATH, .type = HTTP_TEXT, .help = "a function"}, {0}};
static const struct http_param key_params[] = {
	{.name = "key", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "the integration"}, {0}};
static const struct http_param provider_params[] = {
	{.name = "provider", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "the plugin"}, {0}};
static const struct http_answer unsupported[] = {{.status = 501, .help = "not_supported: with what to do instead"}, {0}};
static const struct http_answer empty[] = {{.status = 200, .type = "application/json", .help = "nothing, in the shape of a list"}, {0}};

const struct http_route contract_fixed_routes[] = {
	{.method = "GET", .path = "/environment-variables", .name = "getEnvironmentVariables", .tag = "Fixed answers",
	 .summary = "Plugins have no environment: always empty", .rights = READER, .answers = empty, .data = &no_variables,
	 .handle = fixed_handle},
	{.method = "GET", .path = "/providers/{provider}/templates", .name = "getProviderTemplates", .tag = "Fixed answers",
	 .summary = "There are no templates: always empty", .rights = READER, .params = provider_params, .answers = empty,
	 .data = &no_templates, .handle = fixed_handle},
	{.method = "POST", .path = "/connect/sessions", .name = "createConnectSession", .tag = "Fixed answers",
	 .summary = "Says how access is permitted here", .rights = WRITER, .body = any_body, .loose = true, .answers = unsupported,
	 .data = &sessions, .handle = fixed_handle},
	{.method = "POST", .path = "/connect/sessions/reconnect", .name = "createReconnectSession", .tag = "Fixed answers",
	 .summary = "Says how access is permitted here", .rights = WRITER, .body = any_body, .loose = true, .answers = unsupported,
	 .data = &sessions, .handle = fixed_handle},
	{.method = "GET", .path = "/integrations/{key}/functions", .name = "listFunctions", .tag = "Fixed answers",
	 .summary = "Says where connectors' code is", .rights = READER, .params = key_params, .loose = true, .answers = unsupported,
	 .data = &functions, .handle = fixed_handle},
	{.method = "GET", .path = "/integrations/{key}/functions/{rest*}", .name = "getFunction", .tag = "Fixed answers",
	 .summary = "Says where connectors' code is", .rights = READER, .params = integration_params, .loose = true, .answers = unsupported,
	 .data = &functions, .handle = fixed_handle},
	{.method = "DELETE", .path = "/integrations/{key}/functions/{rest*}", .name = "deleteFunction", .tag = "Fixed answers",
	 .summary = "Says where connectors' code is", .rights = WRITER, .params = integration_params, .loose = true, .answers = unsupported,
	 .data = &functions, .handle = fixed_handle},
	{0}};
