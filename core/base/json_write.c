/* json_write.c - JSON out: quoting and commas.
 *
 * Guarantee: whatever bytes go in, the quoted string is valid JSON in valid UTF-8; each byte that is not UTF-8 becomes
 * U+FFFD, since dropping it could join what was apart.
 * Awkward: the writer keeps one bit, whether a comma is due; that is enough as long as brackets are closed in order,
 * which is the caller's code and not data. */
#include "base/json_lex.h"

static const char escape_of[0x20] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

/* How many bytes at p need no quoting at all. */
static size_t
plain_run(const char *p, const char *end)
{
	const char *from = p;

	while (end - p >= 8 && !special8(load8(p)))
		p += 8;
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return (size_t)(p - from);
}

static void
quote_ascii(struct buf *b, unsigned char c)
{
	if (c == '"' || c == '\\') {
		buf_putc(b, '\\');
		buf_putc(b, (char)c);
	} else if (escape_of[c]) {
		buf_putc(b, '\\');
		buf_putc(b, escape_of[c]);
	} else {
		buf_printf(b, "\\u%04x", c);
	}
}

void
json_quote(struct buf *b, struct slice s)
{
	const char *p = s.p, *end = s.len ? p + s.len : p;

	buf_reserve(b, s.len + 2);
	buf_putc(b, '"');
	while (p < end) {
		size_t n = plain_run(p, end);
		buf_put(b, p, n);
		if (n) {
			p += n;
		} else if ((unsigned char)*p < 0x80) {
			quote_ascii(b, (unsigned char)*p++);
		} else {
			n = utf8_length((const unsigned char *)p, (const unsigned char *)end);
			buf_put(b, n ? p : "\xef\xbf\xbd", n ? n : 3);
			p += n ? n : 1;
		}
	}
	buf_putc(b, '"');
}

struct json_out
json_out(struct buf *b)
{
	return (struct json_out){.b = b};
}

/* Before each value. */
static void
out_begin(struct json_out *o)
{
	if (o->comma)
		buf_putc(o->b, ',');
	o->comma = true;
}

void
json_open(struct json_out *o, char bracket)
{
	out_begin(o);
	buf_putc(o->b, bracket);
	o->comma = false;
}

void
json_close(struct json_out *o, char bracket)
{
	buf_putc(o->b, bracket);
	o->comma = true;
}

void
json_key(struct json_out *o, const char *key)
{
	out_begin(o);
	json_quote(o->b, slice_str(key));
	buf_putc(o->b, ':');
	o->comma = false;
}

void
json_put_str(struct json_out *o, const char *s)
{
	if (s)
		json_put_slice(o, slice_str(s));
	else
		json_put_null(o);
}

void
json_put_slice(struct json_out *o, struct slice s)
{
	out_begin(o);
	json_quote(o->b, s);
}

static void
digits_put(struct buf *b, uint64_t v)
{
	char text[20], *p = text + sizeof text;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	buf_put(b, p, (size_t)(text + sizeof text - p));
}

void
json_put_int(struct json_out *o, int64_t v)
{
	out_begin(o);
	if (v < 0)
		buf_putc(o->b, '-');
	digits_put(o->b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
json_put_uint(struct json_out *o, uint64_t v)
{
	out_begin(o);
	digits_put(o->b, v);
}

void
json_put_bool(struct json_out *o, bool v)
{
	out_begin(o);
	buf_puts(o->b, v ? "true" : "false");
}

void
json_put_null(struct json_out *o)
{
	out_begin(o);
	buf_puts(o->b, "null");
}

void
json_put_raw(struct json_out *o, struct slice json)
{
	out_begin(o);
	buf_slice(o->b, json);
}

void
json_kv_str(struct json_out *o, const char *key, const char *s)
{
	json_key(o, key);
	json_put_str(o, s);
}

void
json_kv_slice(struct json_out *o, const char *key, struct slice s)
{
	json_key(o, key);
	json_put_slice(o, s);
}

void
json_kv_int(struct json_out *o, const char *key, int64_t v)
{
	json_key(o, key);
	json_put_int(o, v);
}

void
json_kv_bool(struct json_out *o, const char *key, bool v)
{
	json_key(o, key);
	json_put_bool(o, v);
}

void
json_kv_raw(struct json_out *o, const char *key, struct slice json)
{
	json_key(o, key);
	json_put_raw(o, json);
}
