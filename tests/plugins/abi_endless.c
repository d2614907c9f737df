/* abi_endless.c - a list without its end: 1 001 fields. */
#include <sluice.h>

static const struct sluice_field fields[1001] = {[0 ... 1000] = {.name = "id", .type = SLUICE_STRING}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "abi-endless", .models = models};
