/* abi_major.c - another major version: only the frozen prefix may be looked at, the rest would be misread. */
#include "abi_kit.h"

SLUICE_EXPORT const struct { struct abi_prefix prefix; long long rest[4]; } sluice_connector = {
	{SLUICE_ABI_MAJOR + 1, 3, 72, 8, 8, 8, 8, 8, 8, SIZES_OF_CALLS}, {-1, -1, -1, -1}};
