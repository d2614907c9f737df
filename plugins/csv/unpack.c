/* unpack.c - see unpack.h. zlib is inside of the plugin, and hidden.
 *
 * What is compressed for the way (Content-Encoding) the host has inflated. This is for files that are gzip themselves
 * (application/gzip, report.csv.gz): known by their first two bytes, which no text begins with, whatever the answer
 * calls them. A file may be several gzip files one behind the other (RFC 1952, 2.2).
 *
 * Guarantee: memory is bounded however much comes out; a file whose end is missing is an error. */
#include "unpack.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

struct unpack {
	unpack_bytes bytes;
	void *arg;
	enum { FIRST = 0, SECOND, AS_IS, GZIP } kind;
	bool inside; /* of a gzip file that has not ended */
	z_stream stream;
};

struct unpack *
unpack_new(unpack_bytes bytes, void *arg)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (!u)
		abort();
	u->bytes = bytes;
	u->arg = arg;
	return u;
}

void
unpack_free(struct unpack *u)
{
	if (u && u->kind == GZIP)
		inflateEnd(&u->stream);
	free(u);
}

static int
gzip_feed(struct unpack *u, const char *p, size_t len)
{
	char out[16384];

	u->stream.next_in = (const unsigned char *)p;
	u->stream.avail_in = (uInt)len;
	do {
		int rc, said;

		if (!u->inside && u->stream.avail_in) { /* another one behind the last */
			inflateReset(&u->stream);
			u->inside = true;
		}
		u->stream.next_out = (unsigned char *)out;
		u->stream.avail_out = sizeof(out);
		rc = inflate(&u->stream, Z_NO_FLUSH);
		if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
			return -1;
		if (rc == Z_STREAM_END)
			u->inside = false;
		said = u->bytes(u->arg, out, sizeof(out) - u->stream.avail_out);
		if (said)
			return said;
	} while (u->stream.avail_in || u->stream.avail_out == 0);
	return 0;
}

int
unpack_feed(struct unpack *u, char *p, size_t len)
{
	static const char magic[] = "\x1f\x8b";

	while (u->kind <= SECOND && len) {
		if (*p != magic[u->kind]) {
			const int said = u->kind == SECOND ? u->bytes(u->arg, magic, 1) : 0;

			u->kind = AS_IS;
			if (said)
				return said;
		} else if (u->kind++ == SECOND) {
			u->kind = GZIP;
			u->inside = true;
			if (inflateInit2(&u->stream, 15 + 16) != Z_OK)
				abort();
			if (gzip_feed(u, magic, 1)) /* the first of them; the second stands here */
				return -1;
		} else {
			p++;
			len--;
		}
	}
	if (!len)
		return 0;
	return u->kind == GZIP ? gzip_feed(u, p, len) : u->bytes(u->arg, p, len);
}

int
unpack_end(struct unpack *u)
{
	if (u->kind == SECOND)
		return u->bytes(u->arg, "\x1f", 1);
	return u->kind == GZIP && u->inside ? -1 : 0;
}
