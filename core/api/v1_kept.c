/* v1_kept.c - what /api/v1 keeps between calls: who waits for a dataset, who reads a stream, who watches live. */
#include <stdlib.h>
#include "api/live.h"
#include "api/streams.h"
#include "base/mem.h"

struct v1 {
	struct waits *waits;
	struct sse_set *sse;
	struct streams *streams;
	struct live *live;
};

struct v1 *
v1_new(uv_loop_t *loop, struct host *h)
{
	struct v1 *v = XNEW(struct v1);

	v->waits = waits_new(loop, host_clock(h), host_store(h));
	v->sse = sse_set_new(loop);
	v->streams = streams_new(loop, v->waits, v->sse);
	v->live = live_new(loop, h, v->sse);
	return v;
}

void
v1_free(struct v1 *v)
{
	if (!v)
		return;
	live_free(v->live);
	streams_free(v->streams);
	sse_set_free(v->sse);
	waits_free(v->waits);
	free(v);
}

struct waits *
v1_waits(const struct v1 *v)
{
	return v->waits;
}

struct sse_set *
v1_sse(const struct v1 *v)
{
	return v->sse;
}

struct streams *
v1_streams(const struct v1 *v)
{
	return v->streams;
}

struct live *
v1_live(const struct v1 *v)
{
	return v->live;
}
