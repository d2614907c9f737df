/* options.h - a connection's options as its connector wants them. */
#ifndef SLUICE_RUN_OPTIONS_H
#define SLUICE_RUN_OPTIONS_H

#include "base/buf.h"
#include "config/settings.h"
#include "plugin/manifest.h"

/* Appends {"name": value, ...}: every option that the connector declares and that is given or has a fallback. -1: an option that
 * nobody declared, one of the wrong type, or a required one that is missing; err names file, line and remedy. Never credentials. */
int options_build(const struct manifest *m, const struct connection_settings *c, struct buf *out, struct err *err);
/* The same of a dataset that the operator named, by the connector's dataset_options. */
int dataset_options_build(const struct manifest *m, const struct dataset_settings *d, struct buf *out, struct err *err);
/* {"connection":"acme","integration":"slack","options":{...}}: what the plugin gets to see of its connection; in a run of a variant
 * of a sync also "variant", its name. */
void connection_write(const struct connection_settings *c, const char *variant, struct slice options, struct slice datasets,
                      struct buf *out);
/* One option's text from the INI as JSON of its type; false: it is no such thing. */
bool option_value(const struct manifest_option *o, const char *text, struct buf *out);

#endif
