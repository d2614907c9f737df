/* limit.h - what an answer tells of the provider's rate limit. */
#ifndef SLUICE_PROXY_LIMIT_H
#define SLUICE_PROXY_LIMIT_H

#include "proxy/call.h"

#define LIMIT_PAUSE_MAX_MS (24 * 3600 * INT64_C(1000)) /* a longer one is asked about again after a day */

void limit_learn(struct proxy_call *c);          /* for those who share the limit */
int64_t limit_asked(const struct proxy_call *c); /* milliseconds that it asks to wait, or WAIT_UNKNOWN */

#endif
