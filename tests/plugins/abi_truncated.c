/* abi_truncated.c - a connector whose struct ends before its first member, as a damaged build might have it. */
#include "abi_kit.h"

SLUICE_EXPORT const struct abi_prefix sluice_connector = {
	1, 0, sizeof(struct abi_prefix), sizeof(struct sluice_field), sizeof(struct sluice_model), sizeof(struct sluice_option),
	sizeof(struct sluice_sync), sizeof(struct sluice_action), sizeof(struct sluice_rate), SIZES_OF_CALLS};
