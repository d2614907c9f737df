/* fault.h - what is wrong with a request, all of it: the rows of "errors" in an answer.
 *
 * Each row has a code of a small fixed set (invalid_type, invalid_string, invalid_enum_value, too_small, too_big,
 * unrecognized_keys), a sentence, and the path to the faulty place. At most FAULTS_MAX are kept: a hostile request shall not
 * make a long answer. */
#ifndef SLUICE_HTTP_FAULT_H
#define SLUICE_HTTP_FAULT_H

#include "base/buf.h"

#define FAULTS_MAX 20

struct http_path { /* from the inside out; on the stack of whoever walks down */
	const struct http_path *up;
	struct slice name; /* empty: it is an index */
	size_t index;
};
struct http_faults {
	struct buf rows;   /* JSON objects, a comma between */
	struct buf first;  /* the first one's sentence, with its place before it */
	size_t n;
};
void http_fault(struct http_faults *f, const char *code, const struct http_path *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* {"code":code,"message":...,"errors":[...]}: the inside of an error answer. */
void http_fault_error(struct http_faults *f, const char *code, struct buf *out);
void http_fault_finish(struct http_faults *f);

#endif
