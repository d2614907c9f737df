/* inflate.c - gzip by zlib, with the checks that libcurl leaves out.
 *
 * Guarantee: inflate_end is 0 only if every member's trailer (CRC and length) was there and right and nothing stood
 * behind it. libcurl takes a body that lacks its last bytes for success, which is why Accept-Encoding is set by hand
 * and the inflating done here.
 * Awkward: RFC 1952 allows several members one after the other, so bytes after a trailer must begin another one;
 * anything else is garbage. */
#include "proxy/inflate.h"

#include <string.h>
#include <strings.h>
#include "base/mem.h"

static bool
coding_is(struct slice coding, const char *name)
{
	return coding.len == strlen(name) && !strncasecmp(coding.p, name, coding.len);
}

int
inflate_init(struct inflate *f, struct slice coding, struct err *err)
{
	*f = (struct inflate){0};
	coding = slice_trim(coding);
	if (!coding.len || coding_is(coding, "identity"))
		return 0;
	if (!coding_is(coding, "gzip") && !coding_is(coding, "x-gzip"))
		return err_set(err, ERR_DATA, "the answer is encoded as '%.*s'; only gzip was offered",
		               (int)(coding.len < 60 ? coding.len : 60), coding.p);
	if (inflateInit2(&f->z, 16 + MAX_WBITS) != Z_OK)
		die("out of memory: zlib cannot start");
	f->gzip = f->open = true;
	return 0;
}

static int
step_plain(struct inflate *f, struct slice *in, void *out, size_t room, size_t *got)
{
	*got = in->len < room ? in->len : room;
	if (*got)
		memcpy(out, in->p, *got);
	in->p += *got;
	in->len -= *got;
	f->in += *got;
	f->out += *got;
	return 0;
}

static int
garbage(const struct inflate *f, struct err *err)
{
	if (f->any)
		return err_set(err, ERR_DATA, "the answer has bytes behind the end of its gzip data");
	return err_set(err, ERR_DATA, "the answer says that it is gzip and is not, or is damaged: %s",
	               f->z.msg ? f->z.msg : "bad data");
}

int
inflate_step(struct inflate *f, struct slice *in, void *out, size_t room, size_t *got, struct err *err)
{
	size_t most = in->len < UINT32_MAX ? in->len : UINT32_MAX;
	int rc;

	*got = 0;
	if (!f->gzip)
		return step_plain(f, in, out, room, got);
	if (!f->member) {
		if (!in->len)
			return 0;
		if (f->any && inflateReset(&f->z) != Z_OK)
			die("zlib cannot start again");
		f->member = true;
	}
	if (room > UINT32_MAX)
		room = UINT32_MAX;
	f->z.next_in = (z_const Bytef *)in->p;
	f->z.avail_in = (uInt)most;
	f->z.next_out = out;
	f->z.avail_out = (uInt)room;
	rc = inflate(&f->z, Z_NO_FLUSH);
	*got = room - f->z.avail_out;
	f->in += most - f->z.avail_in;
	f->out += *got;
	in->p += most - f->z.avail_in;
	in->len -= most - f->z.avail_in;
	if (rc == Z_STREAM_END) {
		f->member = false;
		f->any = true;
	} else if (rc == Z_MEM_ERROR) {
		die("out of memory: zlib cannot go on");
	} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
		return garbage(f, err);
	}
	if (f->out > INFLATE_RATIO_FROM && f->out / INFLATE_RATIO_MAX > f->in)
		return err_set(err, ERR_DATA, "the answer grows more than %d times by inflating: a decompression bomb",
		               INFLATE_RATIO_MAX);
	return 0;
}

int
inflate_end(const struct inflate *f, struct err *err)
{
	if (f->gzip && (f->member || !f->any))
		return err_set(err, ERR_PROVIDER, "the answer's gzip data is cut off after %llu bytes",
		               (unsigned long long)f->in);
	return 0;
}

void
inflate_finish(struct inflate *f)
{
	if (f->open)
		inflateEnd(&f->z);
	*f = (struct inflate){0};
}
