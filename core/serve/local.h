/* local.h - sluice.sock: whoever has the store open answers the others' questions over it.
 *
 * One question a connection: a JSON line goes in, JSON lines come out, the last of them {"end":{...}} or
 * {"error":{"code","message"}}. The socket is 0600 in a directory of 0700, and the caller must be of our uid or root. */
#ifndef SLUICE_SERVE_LOCAL_H
#define SLUICE_SERVE_LOCAL_H

#include "serve/query.h"

struct local;
struct local *local_open(uv_loop_t *loop, struct host *h, struct err *err); /* h must have a store, and outlive this */
void local_close(struct local *l);                                          /* turns the loop until all is closed; NULL is fine */

/* The other side; blocks, at most 30 s a piece. ERR_BUSY: nobody listens there (now). Else as query_answer. */
int local_ask(const char *data_dir, struct slice question, const struct query_sink *sink, struct buf *end, struct err *err);

#endif
