/* post.h - one event sent to one endpoint: an HTTP POST on the loop, judged by its status.
 *
 * Guarantee: whatever the receiver does, `done` is called once within the time limit, and no more than 64 KiB of its answer
 * are read, none of them kept. No redirect is followed; no proxy, cookie or .netrc of the environment is used. The address is
 * the one given, private ones too: the operator wrote it, and nothing of a record or an answer ever becomes one.
 *
 * Awkward: once a 2xx stands in the status line the receiver has taken the event. An answer that then drips, lies about its
 * length or never ends costs its connection, and no repeat. */
#ifndef SLUICE_DELIVER_POST_H
#define SLUICE_DELIVER_POST_H

#include <uv.h>
#include "base/buf.h"
#include "base/err.h"

struct poster; /* what all posts of a host share: one engine with its idle connections */
struct post;

struct post_header {
	const char *name, *value; /* name NULL ends the list; a NULL or empty value: not sent */
};
struct post_ask { /* copied, but for body */
	const char *url;
	const struct post_header *headers;
	struct slice body;        /* borrowed until done or post_stop */
	int64_t timeout_ms;       /* for all of it */
	int64_t connect_ms;       /* of it, until there is a connection; 0: no limit of its own */
	const char *ca_file;      /* NULL: the system's */
	int64_t now_us;           /* for a Retry-After that is a date */
};
struct post_result {
	bool taken;               /* 2xx */
	int status;               /* 0: there was none */
	int64_t took_ms;
	int64_t retry_after_ms;   /* of 429 and 503; negative: none */
	const char *text;         /* why it was not taken, for people; borrowed until done returns */
};
typedef void post_done(void *arg, const struct post_result *r); /* the post is gone when it is called */

struct poster *poster_new(uv_loop_t *loop, struct err *err);
void poster_free(struct poster *p); /* no post under way; the loop must run once after it. NULL is fine */

struct post *post_begin(struct poster *p, const struct post_ask *ask, post_done *done, void *arg);
void post_stop(struct post *p); /* done is not called; NULL is fine; not from inside done of another */

#endif
