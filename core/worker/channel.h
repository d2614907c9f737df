/* channel.h - frames over fd 3, from the worker's side: blocking, checked against the message table, one thread.
 *
 * There is nobody to report a broken channel to, so none of these calls can fail: a host that is gone, that breaks the
 * protocol, or that says MSG_EXIT ends this process at once, with one line on stderr (the host quotes it) and
 * one of the statuses of enum worker_exit. Writing may block for as long as the host holds us back: that is the back-pressure. */
#ifndef SLUICE_WORKER_CHANNEL_H
#define SLUICE_WORKER_CHANNEL_H

#include "wire/message.h"

#define CHANNEL_FD 3
#define PLUGIN_FD 4

enum worker_exit {
	EXIT_DONE = 0,      /* told to, by MSG_EXIT */
	EXIT_SANDBOX = 71,  /* the sandbox could not be built, or failed its self-test */
	EXIT_PLUGIN = 72,   /* the plugin could not be loaded, or is not what this host understands */
	EXIT_LOST = 73,     /* the host closed the channel or is gone */
	EXIT_PROTOCOL = 74, /* the host sent something that is not in the table */
};

struct channel {
	int fd;
	enum wire_phase phase; /* what may come now; moved on by main.c */
	uint32_t serial;       /* last one handed out */
	struct buf in;         /* received, not all taken yet */
	size_t taken;          /* bytes at the front of `in` that channel_next has handed out */
};

void channel_init(struct channel *ch, int fd);
uint32_t channel_serial(struct channel *ch);                    /* the next serial: 1, 2, ... never 0 */
void channel_send(struct channel *ch, struct buf *frames);      /* all of it, then empties the buffer (memory kept) */
void channel_next(struct channel *ch, struct frame *f);         /* waits; the body is valid until the next call here or of channel_poll */
bool channel_poll(struct channel *ch);                          /* is a whole frame here? Never waits; channel_next then gives it */
/* One line on stderr, made of printable characters, and the end of the process. */
_Noreturn void worker_end(enum worker_exit status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
