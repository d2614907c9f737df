/* abi_unnamed.c - a shared object that exports something, but no sluice_connector. */
#include <sluice.h>

SLUICE_EXPORT const struct sluice_connector slice_connector = {SLUICE_ABI, .name = "abi-unnamed"};
