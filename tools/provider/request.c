/* request.c - reading HTTP/1.1 requests by hand.
 *
 * Enough of RFC 9112 for the clients that a test has: request line, headers, bodies by Content-Length or in chunks,
 * keep-alive, "Expect: 100-continue". Lenient on purpose where a scripted provider need not judge (any method, any
 * target), strict where a mistake would hide a fault of the client (a head without end, a length that is no number). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "request.h"

static bool
slice_is_nocase(struct slice s, const char *name)
{
	return strlen(name) == s.len && strncasecmp(s.p, name, s.len) == 0;
}

static struct slice
slice_between(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
		to--;
	return slice_of(from, (size_t)(to - from));
}

bool
request_header(const struct request *r, const char *name, struct slice *value)
{
	for (size_t i = 0; i < r->header_count; i++)
		if (slice_is_nocase(r->headers[i].name, name)) {
			*value = r->headers[i].value;
			return true;
		}
	*value = (struct slice){0};
	return false;
}

bool
request_is(const struct request *r, const char *method)
{
	return slice_is(r->method, method);
}

static bool
head_parse(struct request *r, const char *p, const char *end)
{
	const char *line = memchr(p, '\n', (size_t)(end - p));
	const char *blank = line ? memchr(p, ' ', (size_t)(line - p)) : NULL;
	const char *blank2 = blank ? memchr(blank + 1, ' ', (size_t)(line - blank - 1)) : NULL;

	if (!blank2 || line - blank2 < 9 || memcmp(blank2 + 1, "HTTP/1.", 7) != 0)
		return false;
	r->method = slice_of(p, (size_t)(blank - p));
	r->target = slice_of(blank + 1, (size_t)(blank2 - blank - 1));
	const char *mark = memchr(r->target.p, '?', r->target.len);
	r->path = mark ? slice_of(r->target.p, (size_t)(mark - r->target.p)) : r->target;
	r->query = mark ? slice_of(mark + 1, r->target.len - r->path.len - 1) : (struct slice){0};
	r->keep_alive = blank2[8] != '0';
	r->head = slice_of(line + 1, (size_t)(end - line - 1));
	r->header_count = 0;
	for (p = line + 1; p < end; p = line + 1) {
		line = memchr(p, '\n', (size_t)(end - p));
		const char *colon = memchr(p, ':', (size_t)(line - p));
		if (!colon || r->header_count == REQUEST_HEADERS_MAX)
			return false;
		r->headers[r->header_count++] =
		        (struct header){slice_of(p, (size_t)(colon - p)), slice_between(colon + 1, line)};
	}
	return true;
}

/* A body in chunks: 1 whole, 0 partial, -1 wrong. */
static int
chunks_parse(const char *p, const char *end, struct buf *out, const char **after)
{
	buf_clear(out);
	for (;;) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		if (!line)
			return 0;
		char *stop;
		unsigned long size = strtoul(p, &stop, 16);
		if (stop == p || size > REQUEST_BODY_MAX || out->len + size > REQUEST_BODY_MAX)
			return -1;
		p = line + 1;
		if ((size_t)(end - p) < size + 2)
			return 0;
		if (size == 0) {
			*after = p + 2; /* no trailers: no client of ours sends any */
			return 1;
		}
		buf_put(out, p, size);
		p += size + 2;
	}
}

static enum request_state
body_parse(struct request *r, const char *p, const char *end, struct buf *chunks, const char **after)
{
	struct slice v;
	bool expects = request_header(r, "expect", &v) && p == end;

	if (request_header(r, "transfer-encoding", &v)) {
		int got = slice_is_nocase(v, "chunked") ? chunks_parse(p, end, chunks, after) : -1;
		r->body = buf_view(chunks);
		return got > 0 ? REQUEST_WHOLE : got < 0 ? REQUEST_BAD : expects ? REQUEST_EXPECTS : REQUEST_PARTIAL;
	}
	uint64_t length = 0;
	if (request_header(r, "content-length", &v)) {
		if (v.len == 0 || v.len > 9)
			return REQUEST_BAD;
		for (size_t i = 0; i < v.len; i++) {
			if (!isdigit((unsigned char)v.p[i]))
				return REQUEST_BAD;
			length = length * 10 + (uint64_t)(v.p[i] - '0');
		}
	}
	if (length > REQUEST_BODY_MAX)
		return REQUEST_BAD;
	if ((uint64_t)(end - p) < length)
		return expects ? REQUEST_EXPECTS : REQUEST_PARTIAL;
	r->body = slice_of(p, length);
	*after = p + length;
	return REQUEST_WHOLE;
}

enum request_state
request_parse(struct request *r, struct slice bytes, struct buf *chunks, size_t *used)
{
	const char *end = bytes.len ? memmem(bytes.p, bytes.len, "\r\n\r\n", 4) : NULL;
	const char *after = NULL;
	struct slice v;

	if (!end)
		return bytes.len > REQUEST_HEAD_MAX ? REQUEST_BAD : REQUEST_PARTIAL;
	if (!head_parse(r, bytes.p, end + 2))
		return REQUEST_BAD;
	if (request_header(r, "connection", &v))
		r->keep_alive = slice_is_nocase(v, "close") ? false : slice_is_nocase(v, "keep-alive") || r->keep_alive;
	r->bend = BEND_NONE;
	r->bend_no = 0;
	enum request_state state = body_parse(r, end + 4, bytes.p + bytes.len, chunks, &after);
	if (state == REQUEST_WHOLE)
		*used = (size_t)(after - bytes.p);
	return state;
}

/* ---- parameters ---- */

static int
hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static size_t
percent_decode(struct slice s, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < cap; i++) {
		char c = s.p[i];
		if (c == '+')
			c = ' ';
		if (c == '%' && i + 2 < s.len && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0) {
			c = (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	out[n] = 0;
	return n;
}

static bool
form_find(struct slice form, const char *name, char *out, size_t cap)
{
	const char *p = form.p, *end = form.p + form.len;

	while (p < end) {
		const char *amp = memchr(p, '&', (size_t)(end - p));
		const char *stop = amp ? amp : end;
		const char *eq = memchr(p, '=', (size_t)(stop - p));
		char key[128];
		percent_decode(slice_of(p, (size_t)((eq ? eq : stop) - p)), key, sizeof(key));
		if (strcmp(key, name) == 0) {
			percent_decode(eq ? slice_of(eq + 1, (size_t)(stop - eq - 1)) : (struct slice){0}, out, cap);
			return true;
		}
		p = stop + 1;
	}
	return false;
}

bool
request_param(const struct request *r, const char *name, char *out, size_t cap)
{
	struct slice type;

	if (form_find(r->query, name, out, cap))
		return true;
	if (r->body.len && request_header(r, "content-type", &type) &&
	    slice_starts(type, "application/x-www-form-urlencoded") && form_find(r->body, name, out, cap))
		return true;
	out[0] = 0;
	return false;
}

int64_t
request_number(const struct request *r, const char *name, int64_t otherwise)
{
	char text[32], *end;

	if (!request_param(r, name, text, sizeof(text)))
		return otherwise;
	int64_t v = strtoll(text, &end, 10);
	return end == text || *end ? otherwise : v;
}

int64_t
request_limit(const struct request *r, const char *name, int64_t otherwise, int64_t most)
{
	int64_t v = request_number(r, name, otherwise);

	return v < 1 ? otherwise : v > most ? most : v;
}

/* ---- credentials ---- */

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static size_t
base64_decode(struct slice s, char *out, size_t cap)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < s.len && n + 1 < cap; i++) {
		int v = base64_value(s.p[i]);
		if (v < 0)
			break;
		bits = bits << 6 | (unsigned)v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (char)(bits >> have & 0xff);
		}
	}
	out[n] = 0;
	return n;
}

bool
request_token(const struct request *r, char *out, size_t cap)
{
	struct slice v;

	out[0] = 0;
	if (!request_header(r, "authorization", &v))
		return false;
	if (v.len > 7 && strncasecmp(v.p, "bearer ", 7) == 0) {
		struct slice token = slice_between(v.p + 7, v.p + v.len);
		size_t n = token.len < cap - 1 ? token.len : cap - 1;
		memcpy(out, token.p, n);
		out[n] = 0;
		return n > 0;
	}
	if (v.len > 6 && strncasecmp(v.p, "basic ", 6) == 0) {
		base64_decode(slice_of(v.p + 6, v.len - 6), out, cap);
		char *colon = strchr(out, ':');
		if (colon)
			*colon = 0;
		return out[0] != 0;
	}
	return false;
}
