/* contract_status.h - one sync of one connection as the contract describes it. */
#ifndef SLUICE_API_CONTRACT_STATUS_H
#define SLUICE_API_CONTRACT_STATUS_H

#include "api/contract.h"
#include "schedule/decided.h"

extern const struct http_schema contract_status_schema;
const char *contract_sync_id(char out[CONTRACT_ID_MAX], const struct chosen *c); /* always the same for the same names */
void contract_status_put(struct api *a, const struct chosen *chosen, struct json_out *o);
/* The sync of these names; false: there is none, and c is answered with 400 unknown_connection or unknown_sync. */
bool contract_sync(struct api *a, struct http_call *c, const char *connection, const char *integration, const char *sync,
                   struct chosen *out);

#endif
