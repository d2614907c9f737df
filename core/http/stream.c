/* stream.c - bodies that are longer than one piece: kept whole, pulled out of a function, or pushed from the loop.
 *
 * A stream without anything to send is suspended by its own reader, under the lock under which the next write looks whether it
 * is: so no write is missed, and no reader is asked again and again for bytes that are not there (libmicrohttpd would, at full
 * speed). Guarantee: who does not take what is written is dropped: by time (sockets.c), and at STREAM_MOST bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "http/inner.h"

static ssize_t
piece_copy(struct http_call *c, const char *from, size_t have, char *out, size_t max)
{
	size_t n = have < max ? have : max;

	if (c->socket)
		socket_send(c->socket);
	memcpy(out, from, n);
	return (ssize_t)n;
}

ssize_t
body_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct http_call *c = cls;

	if (at >= c->answer.body.len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return piece_copy(c, c->answer.body.p + at, c->answer.body.len - at, out, max);
}

/* ---- pulled ---- */

static bool
pull_more(struct http_call *c)
{
	struct buf piece = {0};

	buf_clear(&c->pulled);
	c->pulled_at = 0;
	if (!c->squeeze) {
		c->pulled_all = !c->answer.pull(c->answer.arg, &c->pulled);
		return c->pulled.len || c->pulled_all;
	}
	c->pulled_all = !c->answer.pull(c->answer.arg, &piece);
	if (piece.len || c->pulled_all)
		squeeze_put(c->squeeze, buf_view(&piece), c->pulled_all, &c->pulled);
	buf_free(&piece);
	return c->pulled.len || c->pulled_all;
}

ssize_t
pull_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct http_call *c = cls;
	ssize_t n;

	(void)at;
	if (c->pulled_at == c->pulled.len) {
		if (c->pulled_all)
			return MHD_CONTENT_READER_END_OF_STREAM;
		if (!pull_more(c))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		if (!c->pulled.len)
			return MHD_CONTENT_READER_END_OF_STREAM;
	}
	n = piece_copy(c, c->pulled.p + c->pulled_at, c->pulled.len - c->pulled_at, out, max);
	c->pulled_at += (size_t)n;
	return n;
}

/* ---- pushed ---- */

ssize_t
stream_read(void *cls, uint64_t at, char *out, size_t max)
{
	struct http_call *c = cls;
	struct stream *s = &c->stream;
	ssize_t n = 0;

	(void)at;
	pthread_mutex_lock(&c->http->lock);
	if (s->taken < s->queue.len) {
		n = piece_copy(c, s->queue.p + s->taken, s->queue.len - s->taken, out, max);
		s->taken += (size_t)n;
		if (s->full && s->queue.len - s->taken < STREAM_HIGH / 2) {
			s->full = false;
			call_post(c, POST_DRAINED);
		}
	} else if (s->ended) {
		n = s->whole ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
	} else {
		s->asleep = true;
		if (c->socket)
			socket_wait(c->socket);
		MHD_suspend_connection(c->connection);
	}
	pthread_mutex_unlock(&c->http->lock);
	return n;
}

static void
stream_wake(struct http_call *c)
{
	if (!c->stream.asleep)
		return;
	c->stream.asleep = false;
	if (c->socket)
		socket_send(c->socket);
	MHD_resume_connection(c->connection);
}

void
stream_cut(struct http_call *c)
{
	c->stream.ended = true;
	c->stream.whole = false;
	buf_clear(&c->stream.queue);
	c->stream.taken = 0;
	stream_wake(c);
}

void
http_stream(struct http_call *c, int status, const char *type, void (*drained)(struct http_call *c, void *arg),
            void (*gone)(struct http_call *c, void *arg), void *arg)
{
	struct http *h = c->http;

	answer_set(c, status, type, (struct slice){0});
	pthread_mutex_lock(&h->lock);
	c->stream = (struct stream){.on = true, .open = true, .drained = drained, .arg = arg};
	c->gone = gone;
	c->gone_arg = arg;
	call_waits(c, true);
	if (c->turned_away)
		call_post(c, POST_LEAVE);
	call_answered(c);
	pthread_mutex_unlock(&h->lock);
}

static void
queue_put(struct stream *s, struct slice bytes)
{
	if (s->taken == s->queue.len) {
		buf_clear(&s->queue);
		s->taken = 0;
	} else if (s->taken > s->queue.len / 2) {
		memmove(s->queue.p, s->queue.p + s->taken, s->queue.len - s->taken);
		s->queue.len -= s->taken;
		s->taken = 0;
	}
	buf_slice(&s->queue, bytes);
}

bool
http_stream_write(struct http_call *c, struct slice bytes)
{
	struct http *h = c->http;
	struct stream *s = &c->stream;
	bool room;

	pthread_mutex_lock(&h->lock);
	if (s->on && !s->ended && !c->left && bytes.len) {
		queue_put(s, bytes);
		s->full = s->queue.len - s->taken > STREAM_HIGH;
		stream_wake(c);
		if (s->queue.len - s->taken > STREAM_MOST) {
			stream_cut(c);
			call_post(c, POST_LEAVE);
		}
	}
	room = !s->full;
	pthread_mutex_unlock(&h->lock);
	return room;
}

void
http_stream_end(struct http_call *c, bool whole)
{
	struct http *h = c->http;

	assert(c->stream.open);
	pthread_mutex_lock(&h->lock);
	call_waits(c, false);
	c->stream.open = c->owed = false;
	if (!c->stream.ended)
		c->stream.whole = whole;
	c->stream.ended = true;
	stream_wake(c);
	pthread_mutex_unlock(&h->lock);
	if (c->over && !c->telling)
		call_free(c);
}
