/* async_row.h - what the store keeps of an action that nobody waits for: a row of STATE_ACTION, scope 0, by its id.
 *
 *   {"state":"queued","connection","integration","action","input","retries","repeatable","asked_us"}     "begun": the same
 *   {"state":"done","connection","integration","action","asked_us","ended_us","reply","fetched_us"}
 *   {"state":"failed",...,"class","reason","timed_out","status","answer","headers"} */
#ifndef SLUICE_RUN_ASYNC_ROW_H
#define SLUICE_RUN_ASYNC_ROW_H

#include "run/async.h"

void async_queued_write(struct buf *row, const struct action_ask *a, bool repeatable, int64_t now_us);
/* before: its row while it was under way. */
void async_result_write(struct buf *row, struct slice before, const struct action_result *r, int64_t now_us);
void async_view_fill(struct async_view *v, bool failed); /* v->row is there */

#endif
