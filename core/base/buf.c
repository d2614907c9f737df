/* buf.c - slices, the buffer that grows, and the reader that cannot run over.
 *
 * Guarantee: sizes that would overflow end the process before anything is written; a reader never forms a pointer
 * outside its bytes. Integers are copied as bytes and turned when the machine's order is another one, so
 * alignment does not matter either; with the size known where they are inlined, that is one move.
 * Awkward: a slice of length 0 may hold NULL, which memcpy and memcmp may not be given. */
#include "base/buf.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define INLINED __attribute__((always_inline)) inline
#define BUF_FIRST 64 /* bytes of a buffer's first allocation */

/* ---- slices ---- */

struct slice
slice_str(const char *s)
{
	return (struct slice){s, s ? strlen(s) : 0};
}

struct slice
slice_of(const void *p, size_t len)
{
	return (struct slice){p, len};
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.p, b.p, a.len));
}

bool
slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

bool
slice_starts(struct slice a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && (n == 0 || !memcmp(a.p, prefix, n));
}

struct slice
slice_trim(struct slice a)
{
	while (a.len && (unsigned char)a.p[0] <= ' ')
		a.p++, a.len--;
	while (a.len && (unsigned char)a.p[a.len - 1] <= ' ')
		a.len--;
	return a;
}

char *
slice_dup(struct slice a)
{
	return xstrndup(a.p, a.len);
}

/* ---- buffer ---- */

void
buf_free(struct buf *b)
{
	free(b->p);
	*b = (struct buf){0};
}

void
buf_wipe(struct buf *b)
{
	if (b->p)
		explicit_bzero(b->p, b->cap);
	buf_free(b);
}

void
buf_clear(struct buf *b)
{
	b->len = 0;
}

void
buf_reserve(struct buf *b, size_t more)
{
	size_t need, cap;

	if (b->p && more <= b->cap - b->len)
		return;
	if (__builtin_add_overflow(b->len, more, &need) || need > SIZE_MAX / 4)
		die("a buffer of %zu bytes cannot grow by %zu", b->len, more);
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < need)
		cap *= 2;
	b->p = xrealloc(b->p, cap);
	b->cap = cap;
}

void *
buf_grow(struct buf *b, size_t n)
{
	char *at;

	buf_reserve(b, n);
	at = b->p + b->len;
	b->len += n;
	return at;
}

void
buf_put(struct buf *b, const void *p, size_t n)
{
	if (n)
		memcpy(buf_grow(b, n), p, n);
}

void
buf_putc(struct buf *b, char c)
{
	*(char *)buf_grow(b, 1) = c;
}

void
buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.p, s.len);
}

void
buf_url(struct buf *b, struct slice s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    (c && strchr("-._~", c))) {
			buf_putc(b, (char)c);
			continue;
		}
		buf_putc(b, '%');
		buf_putc(b, hex[c >> 4]);
		buf_putc(b, hex[c & 15]);
	}
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	buf_reserve(b, BUF_FIRST);
	n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	if (n < 0)
		die("a text could not be formatted: %s", fmt);
	if ((size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n + 1);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	b->len += (size_t)n;
	va_end(again);
	va_end(ap);
}

const char *
buf_str(struct buf *b)
{
	buf_reserve(b, 1);
	b->p[b->len] = '\0';
	return b->p;
}

char *
buf_take(struct buf *b)
{
	char *p;

	buf_str(b);
	p = b->p;
	*b = (struct buf){0};
	return p;
}

struct slice
buf_view(const struct buf *b)
{
	return (struct slice){b->p, b->len};
}

/* ---- integers out ---- */

INLINED static void
buf_little(struct buf *b, uint64_t v, unsigned bytes)
{
	v = htole64(v);
	memcpy(buf_grow(b, bytes), &v, bytes);
}

INLINED static void
buf_big(struct buf *b, uint64_t v, unsigned bytes)
{
	v = htobe64(v);
	memcpy(buf_grow(b, bytes), (const char *)&v + sizeof v - bytes, bytes);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	buf_little(b, v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
	buf_little(b, v, 2);
}

void
buf_u32(struct buf *b, uint32_t v)
{
	buf_little(b, v, 4);
}

void
buf_u64(struct buf *b, uint64_t v)
{
	buf_little(b, v, 8);
}

void
buf_be32(struct buf *b, uint32_t v)
{
	buf_big(b, v, 4);
}

void
buf_be64(struct buf *b, uint64_t v)
{
	buf_big(b, v, 8);
}

void
buf_bytes(struct buf *b, struct slice s)
{
	if (s.len > UINT32_MAX)
		die("a field of %zu bytes does not fit its length", s.len);
	buf_u32(b, (uint32_t)s.len);
	buf_slice(b, s);
}

/* ---- reader ---- */

struct reader
reader_of(struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;

	return (struct reader){.p = p, .end = s.len ? p + s.len : p};
}

/* The next n bytes, or NULL once anything was missing. */
static const uint8_t *
reader_take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > (size_t)(r->end - r->p)) {
		r->bad = true;
		return NULL;
	}
	if (n)
		r->p += n;
	return p;
}

INLINED static uint64_t
reader_little(struct reader *r, unsigned bytes)
{
	const uint8_t *p = reader_take(r, bytes);
	uint64_t v = 0;

	if (p)
		memcpy(&v, p, bytes);
	return le64toh(v);
}

INLINED static uint64_t
reader_big(struct reader *r, unsigned bytes)
{
	const uint8_t *p = reader_take(r, bytes);
	uint64_t v = 0;

	if (p)
		memcpy((char *)&v + sizeof v - bytes, p, bytes);
	return be64toh(v);
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)reader_little(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)reader_little(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)reader_little(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return reader_little(r, 8);
}

uint32_t
reader_be32(struct reader *r)
{
	return (uint32_t)reader_big(r, 4);
}

uint64_t
reader_be64(struct reader *r)
{
	return reader_big(r, 8);
}

struct slice
reader_raw(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);

	return r->bad ? (struct slice){0} : slice_of(p, n);
}

struct slice
reader_bytes(struct reader *r, size_t max)
{
	uint32_t n = reader_u32(r);

	if (n > max)
		r->bad = true;
	return reader_raw(r, n);
}

struct slice
reader_rest(struct reader *r)
{
	return reader_raw(r, r->bad ? 0 : (size_t)(r->end - r->p));
}

bool
reader_end(const struct reader *r)
{
	return !r->bad && r->p == r->end;
}
