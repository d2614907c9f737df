/* outgoing.h - bytes for a worker that its socket has not taken yet. */
#ifndef SLUICE_WIRE_OUTGOING_H
#define SLUICE_WIRE_OUTGOING_H

#include "base/buf.h"

struct chunk;
struct outgoing { /* zero: nothing waits */
	struct chunk *first, *last;
	size_t queued; /* bytes */
};
void outgoing_put(struct outgoing *o, struct buf *b);    /* takes b's memory; b is empty then */
int outgoing_write(struct outgoing *o, int channel);     /* what the socket takes now; never blocks. 0 or errno */
void outgoing_free(struct outgoing *o);                  /* what waits is thrown away */

#endif
