/* live.h - what happens now, for the dashboard, as server-sent events; see v1_live.c. */
#ifndef SLUICE_API_LIVE_H
#define SLUICE_API_LIVE_H

#include "api/v1.h"

struct live;
struct live *live_new(uv_loop_t *loop, struct host *h, struct sse_set *set);
void live_free(struct live *l); /* nobody may listen any more; turns the loop. NULL is fine */

#endif
