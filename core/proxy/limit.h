/* limit.h - one call and the rate limits that it counts under. */
#ifndef SLUICE_PROXY_LIMIT_H
#define SLUICE_PROXY_LIMIT_H

#include "proxy/call.h"

#define LIMIT_PAUSE_MAX_MS (24 * 3600 * INT64_C(1000)) /* a longer one is asked about again after a day */

struct queue *limit_of(const struct proxy_call *c, size_t i); /* its target's i-th; NULL: it does not count there */
struct queue *limit_nearest(const struct proxy_call *c); /* the most specific that is no quota: an answer speaks of this one */
void limit_sent(const struct proxy_call *c, bool again); /* the request is on the wire; again: without having been asked */
void limit_landed(const struct proxy_call *c);           /* the sending is over, whether it came to anything or not */

void limit_learn(struct proxy_call *c);          /* what the answer says of the limit, for those who share it */
int64_t limit_asked(const struct proxy_call *c); /* milliseconds that the answer asks to wait, or WAIT_UNKNOWN */

int64_t limit_pause(int64_t ms); /* LIMIT_PAUSE_MAX_MS at most */
bool limit_can_wait(const struct proxy_call *c, int64_t until); /* within retry_max and its deadline */
void limit_wait(struct proxy_call *c, int64_t ms);              /* so long, from now, nothing shall be sent, however this call ends */
void limit_error(struct proxy_call *c, int64_t wait_ms);        /* the error of a wait that is too long */

#endif
