/* call.c - the life of one request, between the HTTP thread (H) and the loop (L).
 *
 *   H  LINE -> BODY -> HANDED ---------------------------------> ANSWERED -> SENDING
 *        |       |       |  \                                      ^  |
 *        |       |       |   '- READING (http_read's function) ----'  '-> OVER: posted to the loop, freed there
 *        '-------'-------'---- DELAYED (a wrong key's answer) -----'
 *   L                  handle ... http_reply
 *
 * Guarantees: a call is freed on the loop, when libmicrohttpd is done with it and the route's code too; so a pointer that
 * the route's code holds is good until it has answered, and one that is in the inbox always.
 * Awkward: the body of a refused request is read to its end when it is short, since a connection that is closed with bytes
 * unread resets the client before it has seen the answer. A longer one is cut off: it shall not be uploaded for nothing. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "http/inner.h"

#define TURN_MOST 256 /* posts in one turn of the loop */
#define OVER_MOST 32  /* calls that are over and have only to be freed and told: they may wait for so many, or for the sweep */

/* ---- in the HTTP thread ---- */

void *
call_new(void *cls, const char *target, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_call *c = XNEW(struct http_call);
	char *mark;

	c->http = cls;
	c->connection = connection;
	c->socket = info ? info->socket_context : NULL;
	c->begun_ns = uv_hrtime();
	c->target = xstrdup(target);
	mark = strchr(c->target, '?');
	if (mark)
		*mark = '\0';
	c->query = mark ? mark + 1 : "";
	if (c->socket)
		socket_begin(c->socket);
	return c;
}

void
call_post(struct http_call *c, unsigned what)
{
	struct http *h = c->http;

	if (!c->posts) {
		c->next_post = NULL;
		*h->posted_end = c;
		h->posted_end = &c->next_post;
	}
	c->posts |= what;
	if (what != POST_OVER || c->owed || ++h->n_over >= OVER_MOST) {
		h->n_over = 0;
		uv_async_send(&h->wake);
	}
}

/* False: the host ends. libmicrohttpd must not be stopped while a connection is suspended, so from then on none is. */
static bool
call_suspend(struct http_call *c, enum call_state to, unsigned post)
{
	struct http *h = c->http;
	bool calm;

	pthread_mutex_lock(&h->lock);
	calm = h->calm;
	if (!calm) {
		if (c->socket)
			socket_wait(c->socket);
		c->state = to;
		MHD_suspend_connection(c->connection);
		call_post(c, post);
	}
	pthread_mutex_unlock(&h->lock);
	return !calm;
}

static enum MHD_Result
call_refused(struct http_call *c)
{
	if (c->delay_ms && call_suspend(c, CALL_DELAYED, POST_DELAY))
		return MHD_YES;
	return answer_queue(c);
}

static bool
body_is_long(struct http_call *c)
{
	const char *length = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	const char *expect = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT);

	return expect || (length && strtoull(length, NULL, 10) > SWALLOW_MOST);
}

static enum MHD_Result
call_head(struct http_call *c, const char *method)
{
	strncpy(c->method, method, sizeof c->method - 1);
	call_check_head(c);
	if (c->answer.status && (c->answer.close || body_is_long(c))) {
		c->answer.close = true;
		return call_refused(c);
	}
	c->state = CALL_BODY;
	return MHD_YES;
}

/* Routes without a key (incoming webhooks) keep what anybody sends: all of them together are bounded. */
static bool
body_room(struct http_call *c, size_t n)
{
	struct http *h = c->http;
	bool room = true;

	if (c->key_name)
		return true;
	pthread_mutex_lock(&h->lock);
	room = h->strange + n <= STRANGE_MOST;
	if (room) {
		h->strange += n;
		c->strange += n;
	}
	pthread_mutex_unlock(&h->lock);
	return room;
}

static enum MHD_Result
body_take(struct http_call *c, const char *bytes, size_t *n)
{
	if (!c->answer.status && !body_room(c, *n))
		answer_fail(c, 503, "too_many_bodies", "Too much is being received from clients without a key; send it again in a moment");
	if (!c->answer.status && c->body.len + *n <= c->max_body) {
		buf_put(&c->body, bytes, *n);
	} else {
		if (!c->answer.status)
			answer_fail(c, 413, "payload_too_large", "The body is longer than %zu bytes", c->max_body);
		buf_wipe(&c->body);
		c->answer.close = true;
		c->swallowed += *n;
		if (c->swallowed > SWALLOW_MOST)
			return MHD_NO;
	}
	*n = 0;
	return MHD_YES;
}

static enum MHD_Result
body_end(struct http_call *c)
{
	if (!c->answer.status)
		call_check_body(c);
	if (c->answer.status)
		return call_refused(c);
	if (c->route->ahead) {
		c->state = CALL_READING;
		if (c->route->ahead(c, c->http->arg))
			return answer_queue(c);
	}
	if (call_suspend(c, CALL_HANDED, POST_HAND))
		return MHD_YES;
	answer_fail(c, 503, "stopped", "The host ends");
	c->answer.close = true;
	return answer_queue(c);
}

static enum MHD_Result
call_reads(struct http_call *c)
{
	c->read(c, c->read_arg);
	if (c->read_release)
		c->read_release(c->read_arg);
	c->read_release = NULL;
	if (!c->answer.status)
		answer_fail(c, 500, "server_error", "The answer was forgotten");
	return answer_queue(c);
}

enum MHD_Result
call_heard(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
           const char *bytes, size_t *n, void **context)
{
	struct http_call *c = *context;

	(void)cls, (void)connection, (void)url, (void)version;
	switch (c->state) {
	case CALL_LINE:
		return call_head(c, method);
	case CALL_BODY:
		return *n ? body_take(c, bytes, n) : body_end(c);
	case CALL_READING:
		return call_reads(c);
	case CALL_ANSWERED:
		return answer_queue(c);
	default:
		return MHD_NO;
	}
}

void
call_over(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code)
{
	struct http_call *c = *context;
	struct http *h = cls;

	(void)connection, (void)code;
	if (!c)
		return;
	*context = NULL;
	if (c->socket)
		socket_done(c->socket);
	pthread_mutex_lock(&h->lock);
	watch_drop(c);
	c->socket = NULL;
	if (!c->owed)
		buf_wipe(&c->answer.body); /* the rest is small, and may wait a moment for the loop */
	c->state = CALL_OVER;
	call_post(c, POST_OVER);
	pthread_mutex_unlock(&h->lock);
}

/* ---- between the threads ---- */

void
call_waits(struct http_call *c, bool yes)
{
	struct http *h = c->http;

	if (yes && !c->waits) {
		h->waiting++;
		/* who cannot be told to give up has done what was asked, or will: that answer is not taken away */
		c->turned_away = c->gone && h->waiting > h->limits.waiting;
		watch_add(c);
	} else if (!yes && c->waits) {
		h->waiting--;
	}
	c->waits = yes;
}

void
call_answered(struct http_call *c)
{
	if (c->state == CALL_READING)
		return; /* we are in the HTTP thread already */
	assert(c->state == CALL_HANDED);
	if (!c->stream.open) {
		call_waits(c, false);
		watch_drop(c);
		c->owed = false;
	}
	if (c->turned_away) {
		answer_fail(c, 503, "too_many_waiting", "Too many calls wait already; ask again later, or without waiting");
		c->stream.on = false;
	}
	c->state = CALL_ANSWERED;
	if (c->socket)
		socket_send(c->socket);
	MHD_resume_connection(c->connection);
}

/* ---- on the loop ---- */

void
call_leave(struct http_call *c)
{
	struct http *h = c->http;
	void (*gone)(struct http_call *, void *);
	bool tell;

	pthread_mutex_lock(&h->lock);
	tell = !c->left && c->owed;
	c->left = c->left || tell;
	gone = c->gone;
	pthread_mutex_unlock(&h->lock);
	if (tell && gone)
		gone(c, c->gone_arg);
}

void
http_on_gone(struct http_call *c, void (*gone)(struct http_call *c, void *arg), void *arg)
{
	c->gone = gone;
	c->gone_arg = arg;
}

bool
http_is_gone(const struct http_call *c)
{
	return c->left;
}

static void
call_hand(struct http_call *c)
{
	struct http *h = c->http;
	bool away;

	c->next = h->calls;
	c->self = &h->calls;
	if (c->next)
		c->next->self = &c->next;
	h->calls = c;
	c->owed = true;
	if (h->calm)
		http_fail(c, 503, "stopped", "The host ends");
	else
		c->route->handle(c, h->arg);
	pthread_mutex_lock(&h->lock);
	if (c->owed) /* else it was answered, and is the HTTP thread's by now */
		call_waits(c, true);
	away = c->turned_away && c->owed;
	pthread_mutex_unlock(&h->lock);
	if (away)
		call_leave(c);
}

static void
call_delay(struct http_call *c)
{
	struct http *h = c->http;

	c->delay_until_ms = http_now(h) + c->delay_ms;
	c->next_delayed = h->delayed;
	h->delayed = c;
	uv_timer_start(&h->held_back, h->held_back.timer_cb, 25, 25);
}

void
calls_delayed_turn(struct http *h, bool all)
{
	struct http_call **at = &h->delayed;
	int64_t now = http_now(h);

	while (*at) {
		struct http_call *c = *at;

		if (!all && now < c->delay_until_ms) {
			at = &c->next_delayed;
			continue;
		}
		*at = c->next_delayed;
		pthread_mutex_lock(&h->lock);
		h->n_delayed--;
		c->delay_ms = 0;
		c->state = CALL_ANSWERED;
		if (c->socket)
			socket_send(c->socket);
		MHD_resume_connection(c->connection);
		pthread_mutex_unlock(&h->lock);
	}
	if (!h->delayed)
		uv_timer_stop(&h->held_back);
}

void
call_free(struct http_call *c)
{
	if (c->self) {
		*c->self = c->next;
		if (c->next)
			c->next->self = c->self;
	}
	pthread_mutex_lock(&c->http->lock);
	c->http->strange -= c->strange;
	pthread_mutex_unlock(&c->http->lock);
	answer_finish(&c->answer);
	if (c->read_release)
		c->read_release(c->read_arg);
	buf_free(&c->stream.queue);
	buf_free(&c->pulled);
	squeeze_free(c->squeeze);
	http_values_finish(&c->values);
	buf_wipe(&c->body);
	free(c->key_name);
	free(c->target);
	free(c);
}

static void
call_ended(struct http_call *c)
{
	struct http *h = c->http;

	if (h->told)
		h->told(h->arg, c->route, c->state == CALL_OVER ? c->answer.status : 0, (int64_t)((uv_hrtime() - c->begun_ns) / 1000));
	c->over = c->telling = true;
	call_leave(c);
	c->telling = false;
	if (!c->owed)
		call_free(c);
}

static struct http_call *
post_take(struct http *h, unsigned *what)
{
	struct http_call *c;

	pthread_mutex_lock(&h->lock);
	c = h->posted;
	if (c) {
		h->posted = c->next_post;
		if (!h->posted)
			h->posted_end = &h->posted;
		*what = c->posts;
		c->posts = 0;
	}
	pthread_mutex_unlock(&h->lock);
	return c;
}

void
calls_turn(struct http *h)
{
	struct http_call *c;
	unsigned what;

	for (unsigned n = 0; n < TURN_MOST; n++) {
		c = post_take(h, &what);
		if (!c)
			return;
		if (what & POST_HAND)
			call_hand(c);
		if (what & POST_DELAY)
			call_delay(c);
		if (what & POST_LEAVE)
			call_leave(c);
		if (what & POST_DRAINED && c->stream.open && !c->left && c->stream.drained)
			c->stream.drained(c, c->stream.arg);
		if (what & POST_OVER)
			call_ended(c);
	}
	uv_async_send(&h->wake);
}
