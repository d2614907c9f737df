/* outcome.h - what comes of a call when its exchange has ended. Either may end the call: it is gone when they return.
 */
#ifndef SLUICE_PROXY_OUTCOME_H
#define SLUICE_PROXY_OUTCOME_H

#include "proxy/call.h"

void outcome_settle(struct proxy_call *c, CURLcode rc); /* the exchange is over, with libcurl's result */
void outcome_stand(struct proxy_call *c);               /* the answer stands; again when its receiver goes on */

#endif
