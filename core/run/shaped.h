/* shaped.h - what a connection has besides what its connector declares: datasets that the operator names ([dataset] sections),
 * of connectors that declare a pattern for them, and variants of syncs (config/variant.h).
 *
 * A connection's manifest is its plugin's, a model and a sync for each of its datasets, and a sync for each variant. From there
 * on everything (schedule, runs, what people are shown) sees them as if the connector had declared them; the worker too sees
 * datasets, and of a variant the sync that it is one of. A variant whose sync there is no more is left out until it comes back. */
#ifndef SLUICE_RUN_SHAPED_H
#define SLUICE_RUN_SHAPED_H

#include "run/run.h"

struct shaped {
	struct manifest *manifest;
	char *text; /* with the datasets, as JSON, for the worker; NULL: there are none */
};
/* Does the connection have any? */
bool shaped_has(const struct settings *s, const struct connection_settings *c);
/* -1: a section that cannot be; err names file, line and remedy. Yours. */
struct shaped *shaped_make(const struct manifest *m, const struct settings *s, const struct connection_settings *c, struct err *err);
void shaped_free(struct shaped *s); /* NULL is fine */
/* Appends the options that the sync of this name gets: the connection's, and over them those of its dataset, checked. A sync that
 * is no dataset gets the connection's alone. */
int shaped_options(const struct manifest *m, const struct settings *s, const struct connection_settings *c, const char *sync,
                   struct slice options, struct buf *out, struct err *err);
/* Appends {"NAME": {those options, and the section's id}, ...} of all its datasets. For a sync, only of those that are right; else
 * one that is not is an error. */
int shaped_list(const struct manifest *m, const struct settings *s, const struct connection_settings *c, const char *sync,
                struct buf *out, struct err *err);

/* ---- for host.c: those made for people and the schedule, kept as long as they may be borrowed ---- */
struct shapes;
void shapes_free(struct host *h);

#endif
