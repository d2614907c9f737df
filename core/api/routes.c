/* routes.c - all tables of routes, in the order in which they are tried. A new area is a line here and one in routes.h. */
#include "api/routes.h"

const struct http_route *const api_routes[] = {
	contract_records_routes,
	contract_prune_routes,
	contract_syncs_routes,
	contract_variants_routes,
	contract_metadata_routes, /* before {id*} of connections */
	contract_import_routes,
	contract_list_routes,
	contract_connection_routes,
	contract_integration_routes,
	contract_action_routes,
	contract_proxy_routes,
	contract_fixed_routes,
	v1_host_routes,
	v1_sync_routes,
	v1_connection_routes,
	v1_run_routes,
	v1_repair_routes,
	v1_delivery_routes,
	v1_feed_routes,
	v1_live_routes,
	connectors_routes,
	v1_event_routes,
	webhook_in_routes,
	health_routes,
	metrics_routes,
	document_routes,
	page_routes,
	0,
};
