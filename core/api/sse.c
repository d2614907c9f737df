/* sse.c - see sse.h, and the HTML standard, 9.2. */
#include <string.h>
#include <stdlib.h>
#include "api/sse.h"
#include "base/mem.h"

#define BEAT_MS 15000
#define COME_BACK "retry: 2000\n: sluice\n\n"

struct sse_set {
	struct sse *first;
	uv_timer_t beat;
	bool closed;
};

static void
beat(uv_timer_t *timer)
{
	struct sse_set *set = timer->data;
	struct sse *next;

	for (struct sse *s = set->first; s; s = next) {
		next = s->next;
		if (!s->full)
			sse_write(s, SLICE(":\n\n"));
	}
}

struct sse_set *
sse_set_new(uv_loop_t *loop)
{
	struct sse_set *set = XNEW(struct sse_set);

	uv_timer_init(loop, &set->beat);
	set->beat.data = set;
	return set;
}

static void
beat_closed(uv_handle_t *handle)
{
	struct sse_set *set = handle->data;

	set->closed = true;
}

void
sse_set_free(struct sse_set *set)
{
	uv_loop_t *loop;

	if (!set)
		return;
	loop = set->beat.loop;
	uv_close((uv_handle_t *)&set->beat, beat_closed);
	while (!set->closed)
		uv_run(loop, UV_RUN_ONCE);
	free(set);
}

static void
sse_leave(struct sse *s)
{
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	s->link = NULL;
	if (!s->set->first)
		uv_timer_stop(&s->set->beat);
}

static void
sse_drained(struct http_call *c, void *arg)
{
	struct sse *s = arg;

	(void)c;
	s->full = false;
	s->ready(s);
}

static void
sse_gone(struct http_call *c, void *arg)
{
	struct sse *s = arg;

	sse_leave(s);
	http_stream_end(c, false);
	s->gone(s);
}

void
sse_begin(struct sse_set *set, struct sse *s, struct http_call *c)
{
	s->set = set;
	s->call = c;
	s->full = false;
	if (!set->first)
		uv_timer_start(&set->beat, beat, BEAT_MS, BEAT_MS);
	s->next = set->first;
	s->link = &set->first;
	if (s->next)
		s->next->link = &s->next;
	set->first = s;
	http_answer_header(c, "Cache-Control", "no-store");
	http_answer_header(c, "X-Accel-Buffering", "no");
	http_stream(c, 200, "text/event-stream", sse_drained, sse_gone, s);
	sse_write(s, SLICE(COME_BACK));
}

void
sse_write(struct sse *s, struct slice events)
{
	s->full = !http_stream_write(s->call, events);
}

void
sse_end(struct sse *s)
{
	sse_leave(s);
	http_stream_end(s->call, true);
}

void
sse_event(struct buf *out, const char *id, const char *event, struct slice data)
{
	if (id)
		buf_printf(out, "id: %s\n", id);
	if (event)
		buf_printf(out, "event: %s\n", event);
	if (data.len) {
		buf_puts(out, "data: ");
		if (memchr(data.p, '\n', data.len) || memchr(data.p, '\r', data.len))
			json_compact(out, data);
		else
			buf_slice(out, data);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
}
