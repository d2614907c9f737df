/* keep.h - limits outlive the process: what was sent lately, what the provider said, what a quota has counted.
 *
 * The keeper writes rows {name, JSON} down when asked to. Each row grants a lease: so many requests may be sent before the
 * next row is durable. A process that was killed can have sent no more than these, and the next one counts them all:
 * a restart never sends a burst, and never waits longer than the limit's own span. */
#ifndef SLUICE_PROXY_KEEP_H
#define SLUICE_PROXY_KEEP_H

#include "proxy/private.h"

void keep_soon(struct proxy *p); /* something changed */
void keep_init(struct proxy *p);

#endif
