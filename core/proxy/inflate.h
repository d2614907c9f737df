/* inflate.h - an answer's body from the wire to what was meant: one coding, gzip or none, with its proper end.
 *
 * Pull style, so that a paused stream can stop in the middle: feed input, take output, until both have run dry. */
#ifndef SLUICE_PROXY_INFLATE_H
#define SLUICE_PROXY_INFLATE_H

#include <stdbool.h>
#include <stdint.h>
#define ZLIB_CONST /* next_in is const */
#include <zlib.h>
#include "base/buf.h"
#include "base/err.h"

#define INFLATE_RATIO_MAX 200            /* decoded to encoded bytes, ... */
#define INFLATE_RATIO_FROM (1024 * 1024) /* ... once there are so many decoded ones */

struct inflate {
	z_stream z;
	bool gzip;        /* false: bytes are taken as they are */
	bool open;        /* z is initialised */
	bool member;      /* inside a gzip member: its trailer has not come yet */
	bool any;         /* a member ended properly */
	uint64_t in, out; /* bytes */
};

int inflate_init(struct inflate *f, struct slice coding, struct err *err); /* of Content-Encoding; empty: none */
/* Moves bytes of *in to out; *got says how many came. Again while in->len, or *got == room. ERR_DATA: broken, garbage
 * or a bomb. */
int inflate_step(struct inflate *f, struct slice *in, void *out, size_t room, size_t *got, struct err *err);
int inflate_end(const struct inflate *f, struct err *err); /* ERR_DATA: the proper end has not come */
void inflate_finish(struct inflate *f);

#endif
