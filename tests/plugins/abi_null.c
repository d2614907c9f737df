/* abi_null.c - every pointer that may be NULL is: a connector that declares nothing but its name. */
#include <sluice.h>

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_option options[] = {{.name = "anything"}, {0}};
static const struct sluice_rate rate = {0};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "abi-null", .rate = &rate, .options = options, .models = models};
