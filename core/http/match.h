/* match.h - which row of the route tables a request means. */
#ifndef SLUICE_HTTP_MATCH_H
#define SLUICE_HTTP_MATCH_H

#include "base/buf.h"
#include "http/route.h"

#define MATCH_VARS_MAX 6

struct http_match {
	const struct http_route *route; /* NULL: none */
	bool known;                     /* a row has the path, though not the method */
	struct { struct slice name, text; } vars[MATCH_VARS_MAX]; /* of {name}; text as it came, not decoded; borrowed */
	size_t n_vars;
};
/* path: as it came, without the query. HEAD means GET. One slash at the end makes no difference. */
void http_match(const struct http_route *const *tables, const char *method, struct slice path, struct http_match *m);
void http_match_allow(const struct http_route *const *tables, struct slice path, struct buf *out); /* "GET, HEAD, PATCH" */

#endif
