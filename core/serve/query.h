/* query.h - the questions that a store can be asked, one table: by the command line in its own process, or over sluice.sock.
 *
 * A question is a JSON object {"query":"records", ...}; the answer is rows, each a JSON object, and then one more object, the end
 * ({"cursor":"...","more":true} where there are pages). Each question is bounded: whoever wants more asks again with the cursor. */
#ifndef SLUICE_SERVE_QUERY_H
#define SLUICE_SERVE_QUERY_H

#include "run/run.h"

/* Behind the name of a question that a host does not know; who asks tells by it that the host is of another version. So it
 * must stay as it is. */
#define QUERY_UNKNOWN "is no question that this host answers"

struct query_sink {
	void (*row)(void *arg, struct slice json); /* borrowed */
	void *arg;
};

/* text: unchecked. 0, or -1 with the reason (ERR_USAGE: no such query, connection, model; ERR_DATA: a cursor that is too old). end gets the
 * last object. */
int query_answer(struct host *h, struct slice text, const struct query_sink *sink, struct buf *end, struct err *err);

#endif
