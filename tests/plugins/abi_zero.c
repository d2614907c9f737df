/* abi_zero.c - the author forgot SLUICE_ABI: all sizes are zero. */
#include <sluice.h>

SLUICE_EXPORT const struct sluice_connector sluice_connector = {.abi_major = 1, .name = "abi-zero"};
