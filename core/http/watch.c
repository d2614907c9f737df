/* watch.c - who leaves while his call waits. libmicrohttpd does not look at a suspended connection, so its socket is put into
 * an epoll set of our own, for the end of the other side only; the loop watches that one set. A thousand waiting calls are a
 * thousand entries in the kernel and nothing here.
 *
 * Awkward: a client that has only stopped sending (half a close) counts as gone; its answer is still sent. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "http/inner.h"

static void
on_left(uv_poll_t *poll, int status, int events)
{
	struct http *h = poll->data;
	struct epoll_event event;

	(void)status, (void)events;
	/* one at a time: telling of one may end another */
	while (epoll_wait(h->watch_fd, &event, 1, 0) == 1) {
		struct http_call *c = event.data.ptr;

		pthread_mutex_lock(&h->lock);
		watch_drop(c);
		pthread_mutex_unlock(&h->lock);
		call_leave(c);
	}
}

int
watch_open(struct http *h, struct err *err)
{
	h->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->watch_fd < 0)
		return err_set(err, ERR_HOST, "epoll: %s", strerror(errno));
	uv_poll_init(h->loop, &h->watch, h->watch_fd);
	h->watch.data = h;
	uv_poll_start(&h->watch, UV_READABLE, on_left);
	return 0;
}

void
watch_add(struct http_call *c)
{
	struct epoll_event event = {.events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = c};

	c->watched = c->socket && epoll_ctl(c->http->watch_fd, EPOLL_CTL_ADD, c->socket->fd, &event) == 0;
}

void
watch_drop(struct http_call *c)
{
	struct epoll_event unused;

	if (c->watched)
		epoll_ctl(c->http->watch_fd, EPOLL_CTL_DEL, c->socket->fd, &unused);
	c->watched = false;
}

void
watch_close(struct http *h)
{
	if (h->watch_fd >= 0)
		close(h->watch_fd);
	h->watch_fd = -1;
}
