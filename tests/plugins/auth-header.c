/* auth-header.c - see auth.inc. */
#define KIND SLUICE_HEADER_KEY
#define KIND_NAME "header"
#define KIND_PARAM "X-Api-Key"
#define KIND_PREFIX "Key "
#include "auth.inc"
