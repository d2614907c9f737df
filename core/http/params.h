/* params.h - parameters of a request, decoded and checked by the rows of its route.
 *
 * Pure: text in, values and faults out; no server is needed to try it. Every value is UTF-8 without control bytes. */
#ifndef SLUICE_HTTP_PARAMS_H
#define SLUICE_HTTP_PARAMS_H

#include "http/fault.h"
#include "http/match.h"
#include "http/route.h"

#define VALUES_MAX 512 /* of one request */

struct http_value {
	const char *name;         /* the row's; of a path: without a row its own, yours */
	const struct http_param *row; /* NULL: a part of the path that no row describes */
	char *text;               /* decoded; of a word: as the row writes it; of brackets: "key=value" */
	int64_t number;           /* of HTTP_INT, HTTP_BOOL, HTTP_TIME (us), HTTP_DURATION (ms) */
};
struct http_values {
	struct http_value *at;
	size_t n, cap;
};
void http_values_path(struct http_values *v, const struct http_match *m, struct http_faults *f);
void http_values_query(struct http_values *v, const struct http_route *r, const char *query, struct http_faults *f);
/* get(arg, name): the header's value or NULL. One without bytes is one that was not given. */
void http_values_headers(struct http_values *v, const struct http_route *r, const char *(*get)(const void *arg, const char *name),
                         const void *arg, struct http_faults *f);
const struct http_value *http_values_get(const struct http_values *v, const char *name, size_t i); /* NULL: no such */
void http_values_finish(struct http_values *v);

bool http_text_clean(struct slice text); /* UTF-8, no control bytes */
/* %XX and, with plus, '+' as a blank. NULL: a broken escape, or bytes that are no clean text. Yours. */
char *http_decode(struct slice text, bool plus);

#endif
