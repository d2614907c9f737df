/* counts.h - the figures of a run as others get them: as JSON, back from it, and as words.
 *
 * One table names them all, so the history, `sluice run` here or beside a host, and a run's log tell the same. */
#ifndef SLUICE_RUN_COUNTS_H
#define SLUICE_RUN_COUNTS_H

#include "run/run.h"

void counts_write(const struct run_counts *c, struct json_out *o);      /* members: "fetched", "saved", ... */
void counts_time_write(const struct run_counts *c, struct json_out *o); /* members: "server_ms", ...; without total_ms */
/* Of the objects that hold these members; what is missing is 0. */
void counts_read(struct run_counts *c, struct slice counts, struct slice time);
/* "303 fetched, 5 requests, 2 retries, 1 rate-limit hit, 205 KiB": zeros are left out, but for the requests. */
void counts_say(const struct run_counts *c, struct buf *out);
/* "1.4s waiting for the rate limit, 374ms committing": what took 100 ms or more; "" when nothing did. */
void counts_say_time(const struct run_counts *c, struct buf *out);

#endif
