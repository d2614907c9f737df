/* routes.h - the tables of routes, a line for each area that has no header of its own. */
#ifndef SLUICE_API_ROUTES_H
#define SLUICE_API_ROUTES_H

#include "api/page.h"
#include "api/v1.h"
#include "http/route.h"

extern const struct http_route contract_records_routes[], contract_prune_routes[], contract_syncs_routes[],
	contract_variants_routes[], contract_list_routes[], contract_connection_routes[],
	contract_metadata_routes[], contract_import_routes[], contract_integration_routes[], contract_fixed_routes[], contract_action_routes[],
	contract_proxy_routes[]; /* the contract, by area */
extern const struct http_route v1_event_routes[], webhook_in_routes[], health_routes[], metrics_routes[];
extern const struct http_route document_routes[]; /* /openapi.json */

extern const struct http_route *const api_routes[]; /* all of them; ends with NULL */

#endif
