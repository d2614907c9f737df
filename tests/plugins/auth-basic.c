/* auth-basic.c - see auth.inc. */
#define KIND SLUICE_BASIC
#define KIND_NAME "basic"
#define KIND_PARAM NULL
#define KIND_PREFIX NULL
#include "auth.inc"
