/* auth-query.c - see auth.inc. */
#define KIND SLUICE_QUERY_KEY
#define KIND_NAME "query"
#define KIND_PARAM "api_key"
#define KIND_PREFIX NULL
#include "auth.inc"
