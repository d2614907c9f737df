/* auth-bearer.c - see auth.inc. */
#define KIND SLUICE_BEARER
#define KIND_NAME "bearer"
#define KIND_PARAM NULL
#define KIND_PREFIX NULL
#include "auth.inc"
