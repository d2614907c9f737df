/* sockets.c - the connections, and how long each may take: libmicrohttpd knows idle ones only, and who sends a byte every few
 * seconds is never idle.
 *
 *   a request's first line is in    the rest of it has request_s
 *   the host works or waits         no limit: that is the host's own
 *   an answer is sent               each piece of it (PIECE_SIZE) has request_s to be taken
 *   between requests                request_s for the next first line; without a byte, idle_s (libmicrohttpd)
 *
 * Who is over it is shut down by the loop's timer; libmicrohttpd then sees the end and cleans up. The last RESERVE places are
 * for clients that have shown a key on their connection: when only these are left, a connection that has not has a second for a
 * request to come in whole. Guarantee: a descriptor in the list is open, since it leaves the list before it is closed. */
#include "base/mem.h"
#include "http/inner.h"

#include <stdlib.h>

#define RESERVE 64
#define CROWDED_MS 1000

int64_t
http_now(const struct http *h)
{
	return clock_mono_ms(h->clock);
}

static size_t
reserve_of(const struct http *h)
{
	return h->limits.connections / 8 < RESERVE ? h->limits.connections / 8 : RESERVE;
}

static void
deadline_set(struct http_socket *s, bool asking, bool none)
{
	struct http *h = s->http;
	int64_t now = http_now(h);

	pthread_mutex_lock(&h->sockets_lock);
	s->asking = asking;
	s->sending = false;
	s->since_ms = now;
	s->deadline_ms = none ? 0 : now + (int64_t)h->limits.request_s * 1000;
	pthread_mutex_unlock(&h->sockets_lock);
}

static void
socket_new(struct http *h, struct MHD_Connection *connection, void **context)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct http_socket *s = XNEW(struct http_socket);

	*s = (struct http_socket){.http = h, .fd = info ? info->connect_fd : -1};
	deadline_set(s, false, false);
	pthread_mutex_lock(&h->sockets_lock);
	s->next = h->sockets;
	s->self = &h->sockets;
	if (s->next)
		s->next->self = &s->next;
	h->sockets = s;
	h->n_sockets++;
	pthread_mutex_unlock(&h->sockets_lock);
	*context = s;
}

static void
socket_gone(struct http *h, struct http_socket *s)
{
	pthread_mutex_lock(&h->sockets_lock);
	*s->self = s->next;
	if (s->next)
		s->next->self = s->self;
	h->n_sockets--;
	pthread_mutex_unlock(&h->sockets_lock);
	free(s);
}

void
sockets_notify(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		socket_new(cls, connection, context);
	else if (*context)
		socket_gone(cls, *context);
}

/* The limit is of all listening places together. */
enum MHD_Result
sockets_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
	struct http *h = cls;
	bool room;

	(void)address, (void)len;
	pthread_mutex_lock(&h->sockets_lock);
	room = h->n_sockets < h->limits.connections;
	pthread_mutex_unlock(&h->sockets_lock);
	return room ? MHD_YES : MHD_NO;
}

void
socket_begin(struct http_socket *s)
{
	deadline_set(s, true, false);
}

void
socket_wait(struct http_socket *s)
{
	deadline_set(s, true, true);
}

void
socket_send(struct http_socket *s)
{
	deadline_set(s, true, false);
	pthread_mutex_lock(&s->http->sockets_lock);
	s->sending = true;
	pthread_mutex_unlock(&s->http->sockets_lock);
}

void
socket_done(struct http_socket *s)
{
	deadline_set(s, false, false);
}

void
socket_known(struct http_socket *s)
{
	pthread_mutex_lock(&s->http->sockets_lock);
	s->known = true;
	pthread_mutex_unlock(&s->http->sockets_lock);
}

bool
sockets_crowded(struct http *h)
{
	bool crowded;

	pthread_mutex_lock(&h->sockets_lock);
	crowded = h->n_sockets + reserve_of(h) > h->limits.connections;
	pthread_mutex_unlock(&h->sockets_lock);
	return crowded;
}

/* With a reset behind it: what the kernel still holds for one who takes nothing is freed at once. */
static void
socket_drop(const struct http_socket *s)
{
	const struct linger none = {.l_onoff = 1};

	if (s->asking)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	shutdown(s->fd, SHUT_RDWR);
}

void
sockets_sweep(struct http *h)
{
	int64_t now = http_now(h);
	bool crowded = sockets_crowded(h);

	pthread_mutex_lock(&h->sockets_lock);
	for (struct http_socket *s = h->sockets; s; s = s->next) {
		bool late = s->deadline_ms && now > s->deadline_ms;

		if (late || (crowded && s->deadline_ms && !s->known && now > s->since_ms + CROWDED_MS))
			socket_drop(s);
	}
	pthread_mutex_unlock(&h->sockets_lock);
}
