/* json_string.c - what stands between the quotes, with its escapes resolved.
 *
 * Works on text whose escapes are well-formed. Guarantee all the same: nothing is read behind the end, nothing written
 * beyond the length of the escaped text, which the unescaped one never exceeds.
 * Awkward: a lone surrogate has no UTF-8. The scanner calls it a flaw, but keys of flawed records are compared as well;
 * so it becomes the three bytes that it would have, which no valid text contains. */
#include "base/json_lex.h"

static unsigned
hex_value(uchar c)
{
	if (c <= '9')
		return c - '0';
	return (c | 0x20u) - 'a' + 10;
}

/* The four digits behind \u. */
static uint32_t
hex4(const uchar *p)
{
	return (hex_value(p[0]) << 12 | hex_value(p[1]) << 8 | hex_value(p[2]) << 4 | hex_value(p[3])) & 0xffff;
}

static size_t
utf8_encode(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

size_t
unit_next(const uchar **at, const uchar *end, char out[4])
{
	static const char letters[128] = {['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};
	const uchar *p = *at;
	uint32_t c, low;

	if (*p != '\\' || end - p < 2) {
		out[0] = (char)*p;
		*at = p + 1;
		return 1;
	}
	if (p[1] != 'u' || end - p < 6) {
		out[0] = p[1] < 128 && letters[p[1]] ? letters[p[1]] : (char)p[1];
		*at = p + 2;
		return 1;
	}
	c = hex4(p + 2);
	p += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex4(p + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
	}
	*at = p;
	return utf8_encode(c, out);
}

size_t
unit_all(struct slice raw, char *out)
{
	const uchar *p = (const uchar *)raw.p, *end = raw.len ? p + raw.len : p;
	size_t len = 0;

	while (p < end) {
		const uchar *slash = memchr(p, '\\', (size_t)(end - p));
		size_t n = (size_t)((slash ? slash : end) - p);
		char unit[4];

		memcpy(out + len, p, n);
		len += n;
		p += n;
		if (!slash)
			break;
		n = unit_next(&p, end, unit);
		memcpy(out + len, unit, n);
		len += n;
	}
	return len;
}

bool
raw_is(struct slice raw, struct slice plain)
{
	const uchar *p = (const uchar *)raw.p, *end = raw.len ? p + raw.len : p;
	size_t done = 0;

	if (raw.len == 0 || !memchr(raw.p, '\\', raw.len))
		return slice_eq(raw, plain);
	while (p < end) {
		char unit[4];
		size_t n = unit_next(&p, end, unit);
		if (n > plain.len - done || memcmp(plain.p + done, unit, n) != 0)
			return false;
		done += n;
	}
	return done == plain.len;
}

bool
raw_eq(struct slice a, struct slice b)
{
	const uchar *pa = (const uchar *)a.p, *pb = (const uchar *)b.p;
	const uchar *enda = a.len ? pa + a.len : pa, *endb = b.len ? pb + b.len : pb;
	char ua[4], ub[4];
	size_t na = 0, nb = 0, ia = 0, ib = 0;

	if (slice_eq(a, b))
		return true;
	for (;;) {
		if (ia == na && pa < enda) {
			na = unit_next(&pa, enda, ua);
			ia = 0;
		}
		if (ib == nb && pb < endb) {
			nb = unit_next(&pb, endb, ub);
			ib = 0;
		}
		if (ia == na || ib == nb)
			return ia == na && ib == nb;
		if (ua[ia++] != ub[ib++])
			return false;
	}
}
