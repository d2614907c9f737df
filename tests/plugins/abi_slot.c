/* abi_slot.c - a sync whose function is NULL. */
#include <sluice.h>

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "things", .model = "Thing"}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "abi-slot", .models = models, .syncs = syncs};
