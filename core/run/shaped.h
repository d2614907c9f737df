/* shaped.h - datasets that the operator names ([dataset] sections), of connectors that declare a pattern for them.
 *
 * A connection's manifest is its plugin's, and a model and a sync for each of its datasets. From there on everything (schedule,
 * runs, the worker, what people are shown) sees them as if the connector had declared them. */
#ifndef SLUICE_RUN_SHAPED_H
#define SLUICE_RUN_SHAPED_H

#include "run/run.h"

struct shaped {
	struct manifest *manifest;
	char *text; /* the same as JSON, for the worker */
};
/* Does the connection name any? */
bool shaped_has(const struct settings *s, const struct connection_settings *c);
/* -1: a section that cannot be; err names file, line and remedy. Yours. */
struct shaped *shaped_make(const struct manifest *m, const struct settings *s, const struct connection_settings *c, struct err *err);
void shaped_free(struct shaped *s); /* NULL is fine */
/* Appends the options that the sync of this name gets: the connection's, and over them those of its dataset, checked. A sync that
 * is no dataset gets the connection's alone. */
int shaped_options(const struct manifest *m, const struct settings *s, const struct connection_settings *c, const char *sync,
                   struct slice options, struct buf *out, struct err *err);
/* Appends {"NAME": {those options, and the section's id}, ...} of all its datasets. */
int shaped_list(const struct manifest *m, const struct settings *s, const struct connection_settings *c, struct buf *out, struct err *err);

/* ---- for host.c: those made for people and the schedule, kept as long as they may be borrowed ---- */
struct shapes;
void shapes_free(struct host *h);

#endif
