/* v1_connections.c - /api/v1 about connections: which there are, made and removed, switched, and their metadata.
 *
 * Guarantee: no answer holds a credential; they are told by name. What a connection needs is written by an admin's key only. */
#include "api/connection_check.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}

static const struct http_param filters[] = {V1_FILTERS, {0}};

static const struct http_field connection_fields[] = {
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "plugin", .type = HTTP_TEXT, .required = true},
	{.name = "enabled", .type = HTTP_BOOL, .required = true, .help = "as a person switched it, else as the configuration says"},
	{.name = "active", .type = HTTP_BOOL, .required = true, .help = "as the configuration says"},
	{.name = "usable", .type = HTTP_BOOL, .required = true, .help = "false: something that it needs is missing"},
	{.name = "stored", .type = HTTP_BOOL, .required = true, .help = "made by a command or this API, not by the INI"},
	{.name = "from", .type = HTTP_TEXT, .required = true, .help = "where it is written"},
	{.name = "variants", .type = HTTP_ARRAY, .required = true, .texts = true, .help = "of its syncs: NAME::VARIANT"},
	{.name = "credentials", .type = HTTP_ARRAY, .texts = true, .help = "their names, never their values"},
	{.name = "options", .type = HTTP_OBJECT},
	{.name = "metadata", .type = HTTP_OBJECT, .help = "the first value, of the configuration"},
	{.name = "trouble", .type = HTTP_TEXT, .nullable = true},
	{0},
};
static const struct http_schema connection_schema = {.name = "ConnectionState", .fields = connection_fields, .loose = true};
static const struct http_field list_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &connection_schema}, {0}};
static const struct http_schema list_schema = {.name = "ConnectionStates", .fields = list_fields};
static const struct http_answer list_answers[] = {{.status = 200, .schema = &list_schema}, {0}};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &connection_schema}, {0}};
static const struct http_schema one_schema = {.name = "ConnectionStateAnswer", .fields = one_fields};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};
static const struct http_field object_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .nullable = true}, {0}};
static const struct http_schema object_schema = {.name = "Metadata", .fields = object_fields};
static const struct http_answer object_answers[] = {{.status = 200, .schema = &object_schema}, {0}};

static const struct http_field settings_fields[] = {
	{.name = "settings", .type = HTTP_OBJECT, .required = true, .help = "what the INI would say: token, options, metadata"},
	{.name = "replace", .type = HTTP_BOOL, .help = "one of the store that is there already"},
	{0},
};

static void
test_ask(struct http_call *c, void *arg)
{
	connection_check(c, arg, http_param(c, "connection"), http_param(c, "integration"));
}

#define ONE "/api/v1/connections/{connection}/{integration}"

const struct http_route v1_connection_routes[] = {
	{.method = "GET", .path = "/api/v1/connections", .name = "listConnectionStates", .tag = "Connections", .rights = RIGHT_READ,
	 .summary = "Which connections there are, and whether each is switched on and usable", .params = filters,
	 .answers = list_answers, .data = ASK("connections"), .handle = v1_ask},
	{.method = "GET", .path = ONE, .name = "getConnectionState", .tag = "Connections", .rights = RIGHT_READ,
	 .summary = "One connection with its options and the names of its credentials", .params = v1_of_connection,
	 .answers = one_answers, .data = ASK("connections", .shape = V1_ONE, .with = "\"detail\":true"), .handle = v1_ask},
	{.method = "PUT", .path = ONE, .name = "addConnection", .tag = "Connections", .rights = RIGHT_ADMIN,
	 .summary = "Makes a connection in the store; one that the INI names stays the INI's", .params = v1_of_connection,
	 .body = settings_fields, .answers = one_answers,
	 .data = ASK("add_connection", .shape = V1_ONE, .stranger = true), .handle = v1_ask},
	{.method = "DELETE", .path = ONE, .name = "removeConnection", .tag = "Connections", .rights = RIGHT_ADMIN,
	 .summary = "Removes a connection of the store; its records stay", .params = v1_of_connection, .answers = v1_done,
	 .data = ASK("remove_connection"), .handle = v1_ask},
	{.method = "POST", .path = ONE "/enable", .name = "enableConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Switches it on; holds until the configuration's active changes", .params = v1_of_connection,
	 .answers = one_answers, .data = ASK("enable", .shape = V1_ONE, .with = "\"enabled\":true"), .handle = v1_ask},
	{.method = "POST", .path = ONE "/disable", .name = "disableConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Switches it off: nothing of it begins; a run under way ends by itself", .params = v1_of_connection,
	 .answers = one_answers, .data = ASK("enable", .shape = V1_ONE, .with = "\"enabled\":false"), .handle = v1_ask},
	{.method = "POST", .path = ONE "/test", .name = "testConnection", .tag = "Connections", .rights = RIGHT_WRITE,
	 .summary = "Asks the provider whether its credentials are good, by the connector's own check", .params = v1_of_connection,
	 .answers = connection_check_answers, .handle = test_ask},
	{.method = "GET", .path = ONE "/token", .name = "getTokenState", .tag = "Connections", .rights = RIGHT_READ,
	 .summary = "How its access token is, and until when; never the token", .params = v1_of_connection, .answers = v1_done,
	 .data = ASK("token"), .handle = v1_ask},
	{.method = "GET", .path = ONE "/metadata", .name = "getConnectionMetadata", .tag = "State", .rights = RIGHT_READ,
	 .summary = "The connection's metadata; null: none", .params = v1_of_connection, .answers = object_answers,
	 .data = ASK("metadata", .shape = V1_MAYBE), .handle = v1_ask},
	{.method = "PUT", .path = ONE "/metadata", .name = "setConnectionMetadata", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Replaces the metadata by this object", .params = v1_of_connection, .body = v1_any_object, .loose = true,
	 .answers = v1_done, .data = ASK("metadata", .with = "\"op\":\"set\"", .whole = true), .handle = v1_ask},
	{.method = "PATCH", .path = ONE "/metadata", .name = "updateConnectionMetadata", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Replaces those members of the metadata that this object has", .params = v1_of_connection,
	 .body = v1_any_object, .loose = true, .answers = v1_done,
	 .data = ASK("metadata", .with = "\"op\":\"update\"", .whole = true), .handle = v1_ask},
	{.method = "DELETE", .path = ONE "/metadata", .name = "clearConnectionMetadata", .tag = "State", .rights = RIGHT_WRITE,
	 .summary = "Forgets the metadata; what the configuration gives holds again", .params = v1_of_connection,
	 .answers = v1_done, .data = ASK("metadata", .with = "\"op\":\"clear\""), .handle = v1_ask},
	{0},
};
