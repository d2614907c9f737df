/* gzip.c - deflate by zlib; bombs by repetition.
 *
 * A bomb of a gigabyte is one compressed MiB of blanks, flushed so that it depends on nothing before it, written a
 * thousand times, with the checksum combined instead of computed. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/mem.h"
#include "gzip.h"

static const char gzip_head[10] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 0, 3};

static void
deflate_into(struct buf *out, const void *in, size_t len, int level, int flush)
{
	z_stream z = {0};

	if (deflateInit2(&z, level, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		die("deflateInit2 failed");
	size_t bound = deflateBound(&z, len) + 64;
	z.next_in = (Bytef *)(uintptr_t)in;
	z.avail_in = (uInt)len;
	z.next_out = buf_grow(out, bound);
	z.avail_out = (uInt)bound;
	deflate(&z, flush);
	out->len -= z.avail_out;
	deflateEnd(&z);
}

void
gzip_body(struct buf *body)
{
	struct buf out = {0};

	buf_put(&out, gzip_head, sizeof(gzip_head));
	deflate_into(&out, body->p, body->len, Z_BEST_SPEED, Z_FINISH);
	buf_u32(&out, (uint32_t)crc32(0, (const Bytef *)body->p, (uInt)body->len));
	buf_u32(&out, (uint32_t)body->len);
	buf_free(body);
	*body = out;
}

void
gzip_bomb(struct buf *body, uint64_t bytes)
{
	enum { MIB = 1 << 20 };
	uint64_t rounds = (bytes + MIB - 1) / MIB;
	struct buf piece = {0};
	char *blanks = xmalloc(MIB);

	memset(blanks, ' ', MIB);
	deflate_into(&piece, blanks, MIB, Z_BEST_COMPRESSION, Z_FULL_FLUSH);
	uLong one = crc32(0, (const Bytef *)blanks, MIB), sum = 0;
	buf_clear(body);
	buf_put(body, gzip_head, sizeof(gzip_head));
	for (uint64_t i = 0; i < rounds; i++) {
		buf_slice(body, buf_view(&piece));
		sum = crc32_combine(sum, one, MIB);
	}
	buf_put(body, "\x03\x00", 2); /* the last block, empty */
	buf_u32(body, (uint32_t)sum);
	buf_u32(body, (uint32_t)(rounds * MIB));
	buf_free(&piece);
	free(blanks);
}

void
gzip_reply(const struct request *r, struct reply *p)
{
	struct slice accepts;

	if (p->body.len < 1024 || !request_header(r, "accept-encoding", &accepts) ||
	    !memmem(accepts.p, accepts.len, "gzip", 4))
		return;
	gzip_body(&p->body);
	reply_header(p, "Content-Encoding", "gzip");
}
