/* rates.h - rate limits and quotas in the store, so that neither a restart nor a crash sends a burst. */
#ifndef SLUICE_RUN_RATES_H
#define SLUICE_RUN_RATES_H

struct host;

void rates_begin(struct host *h); /* gives the new proxy what the store holds, and keeps it from now on; no store: nothing */
void rates_end(struct host *h);   /* the last word of a process that ends in good order */

#endif
