/* query.h - query parameters, headers and JSON bodies of requests out of the author's pairs. */
#ifndef SLUICE_WORKER_QUERY_H
#define SLUICE_WORKER_QUERY_H

#include <sluice.h>
#include "base/buf.h"
#include "base/err.h"
#include "worker/load.h"

void query_put(struct buf *query, const char *name, struct slice value); /* appends &name=value, escaped */
/* Appends the pairs, without those whose name is in `without` (NULL-terminated; may be NULL). */
void query_pairs(struct buf *query, const struct plugin *p, const struct sluice_pair *pairs, const char *const *without);
/* "name: value\n" lines. -1: a name or value cannot stand in a header. */
int header_pairs(struct buf *out, const struct plugin *p, const struct sluice_pair *pairs, struct err *err);
/* Moves a query that the endpoint holds into `query`, and cuts the fragment off. */
void endpoint_split(struct slice *endpoint, struct buf *query);
/* Resolves a link of an answer against the endpoint that gave it. Absolute ones stay as they are. */
void link_resolve(struct buf *out, struct slice endpoint, struct slice link);
struct slice link_path(struct slice link); /* path and query of an absolute URL; anything else stays as it is */
/* The value of rel="next" in the Link header lines of `headers`; false: none. */
bool link_header(const char *headers, struct slice *url);
/* {"a":{"b":VALUE}} for the dotted path "a.b", to be merged into a body. */
void json_at_path(struct buf *out, const char *path, struct slice value);

#endif
