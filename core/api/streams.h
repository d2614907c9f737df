/* streams.h - the readers of change feeds by server-sent events, as /api/v1 keeps them; see v1_stream.c. */
#ifndef SLUICE_API_STREAMS_H
#define SLUICE_API_STREAMS_H

#include "api/v1.h"

struct streams;
struct streams *streams_new(uv_loop_t *loop, struct waits *waits, struct sse_set *set);
void streams_free(struct streams *all); /* none may be left; turns the loop. NULL is fine */
void streams_turn(uv_idle_t *idle);

#endif
