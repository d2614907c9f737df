/* sse.h - server-sent events: what a stream of them needs besides its events.
 *
 * One timer writes a comment to all of them every 15 seconds, so that those between us and a client do not take the silence
 * for an end, and a client that has gone is noticed. Nobody is written to while more than the server's share waits for him
 * (http.h): he is asked again by `ready`. */
#ifndef SLUICE_API_SSE_H
#define SLUICE_API_SSE_H

#include "http/http.h"

struct sse_set;

struct sse { /* inside of what streams; zero it; ready and gone are yours to set */
	void (*ready)(struct sse *s); /* what was written has been taken */
	void (*gone)(struct sse *s);  /* the client has left, or the host ends: free what is yours; it is ended already */
	struct sse_set *set;
	struct http_call *call;
	struct sse *next, **link;
	bool full;                    /* hold on until ready */
};

struct sse_set *sse_set_new(uv_loop_t *loop);
void sse_set_free(struct sse_set *set); /* turns the loop until its timer is closed; none may be left. NULL is fine */
void sse_begin(struct sse_set *set, struct sse *s, struct http_call *c); /* the answer begins: 200, and how to come back */
void sse_write(struct sse *s, struct slice events);
void sse_end(struct sse *s); /* in good order; gone is not called */
/* One event. id, event NULL: without. data: JSON, in one line of which the text has no other. */
void sse_event(struct buf *out, const char *id, const char *event, struct slice data);

#endif
