/* outgoing.c - see outgoing.h. What is handed over is kept in the pieces in which it came: nothing is copied, however large a
 * page is.
 *
 * Awkward: a worker that is gone is noticed by its death, not here; what cannot be written is as good as sent. */
#include "wire/outgoing.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "base/mem.h"

struct chunk {
	struct chunk *next;
	struct buf bytes;
	size_t sent;
};

static void
first_drop(struct outgoing *o)
{
	struct chunk *c = o->first;

	o->first = c->next;
	if (!o->first)
		o->last = NULL;
	buf_free(&c->bytes);
	free(c);
}

void
outgoing_put(struct outgoing *o, struct buf *b)
{
	struct chunk *c = XNEW(struct chunk);

	c->bytes = *b;
	*b = (struct buf){0};
	o->queued += c->bytes.len;
	*(o->last ? &o->last->next : &o->first) = c;
	o->last = c;
}

int
outgoing_write(struct outgoing *o, int channel)
{
	while (o->first) {
		struct chunk *c = o->first;
		ssize_t n = send(channel, c->bytes.p + c->sent, c->bytes.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n < 0 && errno != EPIPE && errno != ECONNRESET)
			return errno;
		if (n < 0) /* nobody is there: its end is told by the channel and by its death */
			n = (ssize_t)(c->bytes.len - c->sent);
		c->sent += (size_t)n;
		o->queued -= (size_t)n;
		if (c->sent == c->bytes.len)
			first_drop(o);
	}
	return 0;
}

void
outgoing_free(struct outgoing *o)
{
	while (o->first)
		first_drop(o);
	o->queued = 0;
}
