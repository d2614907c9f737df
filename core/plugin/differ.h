/* differ.h - what is other in one version of a connector than in another. */
#ifndef SLUICE_PLUGIN_DIFFER_H
#define SLUICE_PLUGIN_DIFFER_H

#include <stdbool.h>
#include "plugin/manifest.h"

/* A line for each difference: version, ABI, base URL, authentication, options, models and their fields, syncs, actions.
 * breaking: what an operator has or a reader relies on stops working. Returns how many are. */
unsigned manifest_differ(const struct manifest *before, const struct manifest *now,
                         void (*line)(void *arg, bool breaking, const char *text), void *arg);

#endif
