/* proxy_inflate.c - gzip read whole or refused: good, cut at every byte, damaged, bombs, garbage behind it. */
#include "../tap.h"
#include "base/mem.h"
#include "proxy/inflate.h"

static struct buf
gzip(const void *p, size_t len)
{
	struct buf out = {0};
	z_stream z = {0};

	deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	buf_grow(&out, deflateBound(&z, len) + 64);
	z.next_in = p;
	z.avail_in = (uInt)len;
	z.next_out = (unsigned char *)out.p;
	z.avail_out = (uInt)out.len;
	deflate(&z, Z_FINISH);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

/* Inflates in pieces of `in` and `out` bytes. 0: whole and good. */
static int
unpack(struct slice packed, const char *coding, size_t in, size_t out, struct buf *plain, struct err *err)
{
	struct inflate f;
	char room[70000];
	size_t got;
	int rc = inflate_init(&f, slice_str(coding), err);

	while (!rc && packed.len) {
		struct slice piece = slice_of(packed.p, packed.len < in ? packed.len : in);

		packed.p += piece.len;
		packed.len -= piece.len;
		do {
			rc = inflate_step(&f, &piece, room, out, &got, err);
			if (!rc && plain)
				buf_put(plain, room, got);
		} while (!rc && (piece.len || (f.gzip && got == out)));
	}
	if (!rc)
		rc = inflate_end(&f, err);
	inflate_finish(&f);
	return rc;
}

static const char text[] =
        "{\"records\":[{\"id\":1,\"name\":\"one\"},{\"id\":2,\"name\":\"two\"},{\"id\":3,\"name\":\"three\"}]}";

TEST("a good body comes out as it went in, whatever the pieces")
{
	static const size_t sizes[] = {1, 2, 7, 1000, 65536};
	struct buf packed = gzip(text, sizeof text);
	struct err err;

	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (size_t k = 0; k < LENGTH(sizes); k++) {
			struct buf plain = {0};

			CHECK_INT(unpack(buf_view(&packed), "gzip", sizes[i], sizes[k], &plain, &err), 0);
			CHECK(slice_eq(buf_view(&plain), slice_of(text, sizeof text)));
			buf_free(&plain);
		}
	buf_free(&packed);
}

TEST("a body that is cut at any byte is refused")
{
	struct buf packed = gzip(text, sizeof text);
	struct err err;

	for (size_t len = 0; len < packed.len; len++) {
		CHECK_INT(unpack(slice_of(packed.p, len), "gzip", 16, 64, NULL, &err), -1);
		CHECK_INT(err.cls, ERR_PROVIDER); /* it may come whole the next time */
	}
	buf_free(&packed);
}

TEST("a body with any one bit of data or trailer turned is refused, or the bit did not matter")
{
	struct buf packed = gzip(text, sizeof text);
	unsigned refused = 0;
	struct err err;

	for (size_t i = 10 * 8; i < packed.len * 8; i++) {
		packed.p[i / 8] = (char)(packed.p[i / 8] ^ 1 << i % 8);
		struct buf plain = {0};

		if (unpack(buf_view(&packed), "gzip", 4096, 4096, &plain, &err))
			refused++;
		else
			CHECK(slice_eq(buf_view(&plain), slice_of(text, sizeof text)));
		packed.p[i / 8] = (char)(packed.p[i / 8] ^ 1 << i % 8);
		buf_free(&plain);
	}
	CHECK(refused > (packed.len - 10) * 8 - 8); /* only the filling bits of the last byte are nobody's */
	buf_free(&packed);
}

TEST("several members are one body; anything else behind the end is refused")
{
	struct buf one = gzip(text, sizeof text), two = {0}, plain = {0};
	struct err err;

	buf_slice(&two, buf_view(&one));
	buf_slice(&two, buf_view(&one));
	CHECK_INT(unpack(buf_view(&two), "gzip", 33, 64, &plain, &err), 0);
	CHECK_INT(plain.len, 2 * sizeof text);
	CHECK_INT(unpack(slice_of(two.p, two.len - 1), "gzip", 33, 64, NULL, &err), -1);
	for (int c = 0; c < 256; c++) {
		buf_clear(&two);
		buf_slice(&two, buf_view(&one));
		buf_putc(&two, (char)c);
		CHECK_INT(unpack(buf_view(&two), "gzip", 4096, 4096, NULL, &err), -1);
	}
	buf_puts(&two, "garbage");
	CHECK_INT(unpack(buf_view(&two), "gzip", 4096, 4096, NULL, &err), -1);
	buf_free(&one);
	buf_free(&two);
	buf_free(&plain);
}

TEST("a bomb is stopped while it is small; what merely repeats itself is not one")
{
	static char zeros[8 << 20];
	struct buf packed = gzip(zeros, sizeof zeros), plain = {0}, small;
	struct err err;

	CHECK_INT(unpack(buf_view(&packed), "gzip", 1024, 65536, &plain, &err), -1);
	CHECK_HAS(err.text, "decompression bomb");
	CHECK(plain.len < 2 * INFLATE_RATIO_FROM);
	small = gzip(zeros, 1 << 20);
	CHECK_INT(unpack(buf_view(&small), "gzip", 1024, 65536, NULL, &err), 0);
	buf_free(&packed);
	buf_free(&plain);
	buf_free(&small);
}

TEST("gzip within gzip is unpacked once")
{
	struct buf inner = gzip(text, sizeof text), outer = gzip(inner.p, inner.len), plain = {0};
	struct err err;

	CHECK_INT(unpack(buf_view(&outer), "gzip", 4096, 4096, &plain, &err), 0);
	CHECK(slice_eq(buf_view(&plain), buf_view(&inner)));
	buf_free(&inner);
	buf_free(&outer);
	buf_free(&plain);
}

TEST("only gzip and nothing are codings")
{
	static const char *const good[] = {"", "identity", " Identity ", "gzip", "GZIP", "x-gzip"};
	static const char *const bad[] = {"br",         "deflate", "zstd",     "compress",
	                                  "gzip, gzip", "gzip,br", "gzip;q=1", "identity, gzip"};
	struct inflate f;
	struct err err;

	for (size_t i = 0; i < LENGTH(good); i++) {
		CHECK_INT(inflate_init(&f, slice_str(good[i]), &err), 0);
		inflate_finish(&f);
	}
	for (size_t i = 0; i < LENGTH(bad); i++) {
		CHECK_INT(inflate_init(&f, slice_str(bad[i]), &err), -1);
		CHECK_HAS(err.text, bad[i]);
	}
	CHECK_INT(unpack(SLICE("plain"), "", 2, 3, NULL, &err), 0);
}
