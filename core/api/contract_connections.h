/* contract_connections.h - a connection in the contract's shape, for the files that answer with one. */
#ifndef SLUICE_API_CONTRACT_CONNECTIONS_H
#define SLUICE_API_CONTRACT_CONNECTIONS_H

#include "api/contract.h"

/* What a list and a single connection have in common; the object stays open. */
void contract_connection_common(struct api *a, struct json_out *o, const struct connection_settings *c, struct slice labels);
/* And how the document tells of it. */
#define CONTRACT_CONNECTION_FIELDS \
	{.name = "id", .type = HTTP_INT, .required = true}, \
	{.name = "connection_id", .type = HTTP_TEXT, .required = true}, \
	{.name = "provider_config_key", .type = HTTP_TEXT, .required = true}, \
	{.name = "provider", .type = HTTP_TEXT, .required = true}, \
	{.name = "errors", .type = HTTP_ARRAY, .required = true, .help = "of its last runs: {\"type\":\"auth|sync\",\"log_id\"}"}, \
	{.name = "end_user", .type = HTTP_OBJECT, .required = true, .nullable = true}, \
	{.name = "tags", .type = HTTP_OBJECT, .required = true, .nullable = true}, \
	{.name = "metadata", .type = HTTP_OBJECT, .required = true, .nullable = true}

extern const struct http_schema contract_connection_schema;
/* Answers with the whole connection: now, or once its access token is there. Credentials beside their type only for a key of
 * scope admin. */
struct connection_wish {
	const char *connection, *integration;
	int status;           /* of the answer */
	bool renew, refresh;  /* OAuth 2: a new access token first; the refresh token too */
};
void contract_connection_show(struct api *a, struct http_call *c, const struct connection_wish *w);
/* What changing a stored connection came to, when it failed: one that INI names is 409 defined_in_config. */
void contract_connection_refuse(struct http_call *c, const struct err *err);

#endif
