/* channel.c - see channel.h: the worker's end of the socketpair.
 *
 * Bytes are received into one buffer and handed out from it in place; it is moved to the front only when more must be
 * received, so that a frame's body stays where it is until the next call. sendto and recvfrom rather than write and
 * read, because the system-call filter can then tie them to this descriptor and refuse addresses, and because a host
 * that is gone must be an error, not SIGPIPE. */
#include "worker/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE (128u << 10) /* bytes of room offered to one recv */

void
worker_end(enum worker_exit status, const char *fmt, ...)
{
	struct err e;
	va_list ap;
	size_t n;
	ssize_t written;

	va_start(ap, fmt);
	err_setv(&e, ERR_HOST, fmt, ap); /* one line, printable */
	va_end(ap);
	n = strlen(e.text);
	e.text[n] = '\n';
	written = write(STDERR_FILENO, e.text, n + 1);
	(void)written; /* there is nobody else to tell */
	_exit(status);
}

void
channel_init(struct channel *ch, int fd)
{
	*ch = (struct channel){.fd = fd, .phase = PHASE_START};
}

uint32_t
channel_serial(struct channel *ch)
{
	if (++ch->serial == 0)
		ch->serial = 1;
	return ch->serial;
}

/* Waits until the socket can be read or written; it only ever says EAGAIN when a plugin meddled with it. */
static void
channel_wait(struct channel *ch, short events)
{
	struct pollfd p = {.fd = ch->fd, .events = events};

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		worker_end(EXIT_LOST, "cannot wait for the host: %s", strerror(errno));
}

void
channel_send(struct channel *ch, struct buf *frames)
{
	size_t at = 0;

	while (at < frames->len) {
		ssize_t n = send(ch->fd, frames->p + at, frames->len - at, MSG_NOSIGNAL);

		if (n >= 0)
			at += (size_t)n;
		else if (errno == EAGAIN)
			channel_wait(ch, POLLOUT);
		else if (errno != EINTR)
			worker_end(EXIT_LOST, "the host is gone: %s", strerror(errno));
	}
	buf_clear(frames);
}

/* Moves what was not taken yet to the front. */
static void
channel_compact(struct channel *ch)
{
	if (ch->taken == 0)
		return;
	ch->in.len -= ch->taken;
	memmove(ch->in.p, ch->in.p + ch->taken, ch->in.len);
	ch->taken = 0;
}

/* Receives once. false: nothing there (only with MSG_DONTWAIT). */
static bool
channel_receive(struct channel *ch, int flags)
{
	ssize_t n;

	channel_compact(ch);
	buf_reserve(&ch->in, RECEIVE);
	do
		n = recv(ch->fd, ch->in.p + ch->in.len, ch->in.cap - ch->in.len, flags);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		ch->in.len += (size_t)n;
	else if (n == 0)
		worker_end(EXIT_LOST, "the host closed the channel");
	else if (errno == EAGAIN && (flags & MSG_DONTWAIT))
		return false;
	else if (errno == EAGAIN)
		channel_wait(ch, POLLIN);
	else
		worker_end(EXIT_LOST, "the host is gone: %s", strerror(errno));
	return true;
}

/* Is a whole frame in the buffer? Broken ones end the process. */
static bool
channel_take(struct channel *ch, struct frame *f, size_t *used)
{
	struct err err;
	int got;

	got = frame_take(slice_of(ch->in.p + ch->taken, ch->in.len - ch->taken), TO_WORKER, ch->phase, f, used, &err);
	if (got < 0)
		worker_end(EXIT_PROTOCOL, "the host sent %s", err.text);
	return got == 1;
}

void
channel_next(struct channel *ch, struct frame *f)
{
	size_t used;

	while (!channel_take(ch, f, &used))
		channel_receive(ch, 0);
	ch->taken += used;
	if (f->type == MSG_EXIT)
		_exit(EXIT_DONE);
}

bool
channel_poll(struct channel *ch)
{
	struct frame f;
	size_t used;

	while (!channel_take(ch, &f, &used))
		if (!channel_receive(ch, MSG_DONTWAIT))
			return false;
	return true;
}
