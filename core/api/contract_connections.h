/* contract_connections.h - a connection in the contract's shape, for the files that answer with one. */
#ifndef SLUICE_API_CONTRACT_CONNECTIONS_H
#define SLUICE_API_CONTRACT_CONNECTIONS_H

#include "api/contract.h"

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
