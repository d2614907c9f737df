/* headers.c - what goes up and what comes down, line by line.
 *
 * Guarantee: no line of a plugin can carry credentials, change the framing or the host, or smuggle a second line; no
 * line of an answer reaches a plugin that holds the credential, a cookie, or a byte that would end it early.
 * Awkward: libcurl hands over the headers of interim (1xx) answers, of the final one, and trailers, all through the
 * same callback; a status line begins a block, an empty line ends it. Old servers continue a value on the next line
 * (RFC 9112, 5.2): it is joined. */
#include "proxy/headers.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "proxy/url.h"

/* Request headers that are ours to set. A name that ends with '-' is a beginning. */
static const char *const ours[] = {
	"accept-encoding",   "authorization", "connection",     "content-length", "cookie",         "cookie2",
	"expect",            "forwarded",     "host",           "http2-settings", "keep-alive",     "proxy-",
	"sec-",              "set-cookie",    "te",             "trailer",        "transfer-encoding", "upgrade",
	"via",
};

/* Answer headers that are not shown to plugins. */
static const char *const hidden[] = {
	"authentication-info", "authorization", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
	"set-cookie",          "set-cookie2",
};

static bool
is_token(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
name_is(struct slice name, const char *s)
{
	return name.len == strlen(s) && !strncasecmp(name.p, s, name.len);
}

bool
header_split(struct slice line, struct slice *name, struct slice *value)
{
	const char *colon = line.len ? memchr(line.p, ':', line.len) : NULL;

	if (!colon || colon == line.p)
		return false;
	*name = slice_of(line.p, (size_t)(colon - line.p));
	*value = slice_of(colon + 1, line.len - name->len - 1);
	for (size_t i = 0; i < name->len; i++)
		if (!is_token((unsigned char)name->p[i]))
			return false;
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	*value = slice_trim(*value);
	return true;
}

int
header_check(struct slice line, const char *key_name, struct err *err)
{
	struct slice name, value;

	if (!header_split(line, &name, &value))
		return err_set(err, ERR_USAGE, "a request header is not of the form 'name: value', or holds a control byte");
	for (size_t i = 0; i < LENGTH(ours); i++) {
		size_t len = strlen(ours[i]);
		bool prefix = ours[i][len - 1] == '-';

		if (prefix ? name.len >= len && !strncasecmp(name.p, ours[i], len) : name_is(name, ours[i]))
			return err_set(err, ERR_USAGE, "the request header '%.*s' is the host's to set, not a connector's",
			               (int)(name.len < 60 ? name.len : 60), name.p);
	}
	if (key_name && name_is(name, key_name))
		return err_set(err, ERR_USAGE,
		               "the request header '%.60s' carries the credential and cannot be set by a connector",
		               key_name);
	return 0;
}

struct curl_slist *
header_put(struct curl_slist *list, struct slice line)
{
	size_t name = line.len ? (size_t)((const char *)memchr(line.p, ':', line.len) - line.p) + 1 : 0;
	struct slice value = slice_trim(slice_of(line.p + name, line.len - name));
	/* "Name;" is libcurl's spelling of a header without value. */
	char *text = value.len ? xasprintf("%.*s %.*s", (int)name, line.p, (int)value.len, value.p)
	                       : xasprintf("%.*s;", (int)name - 1, line.p);
	struct curl_slist *at = list;

	while (at && (strncasecmp(at->data, line.p, name - 1) || !strchr(":;", at->data[name - 1]) || !at->data[name - 1]))
		at = at->next;
	if (at) {
		curl_free(at->data);
		at->data = strdup(text); /* libcurl frees it by free() */
		if (!at->data)
			die("out of memory: a header could not be copied");
	} else {
		list = curl_slist_append(list, text);
		if (!list)
			die("out of memory: a header could not be added");
	}
	explicit_bzero(text, strlen(text));
	free(text);
	return list;
}

bool
header_has(const struct curl_slist *list, const char *name)
{
	size_t len = strlen(name);

	for (; list; list = list->next)
		if (!strncasecmp(list->data, name, len) && (list->data[len] == ':' || list->data[len] == ';'))
			return true;
	return false;
}

void
header_list_wipe(struct curl_slist *list)
{
	for (struct curl_slist *at = list; at; at = at->next)
		explicit_bzero(at->data, strlen(at->data));
	curl_slist_free_all(list);
}

/* ---- of an answer ---- */

void
headers_reset(struct headers *h)
{
	struct buf lines = h->lines;

	buf_clear(&lines);
	*h = (struct headers){.lines = lines, .hide_name = h->hide_name, .hide = h->hide};
}

void
headers_finish(struct headers *h)
{
	buf_free(&h->lines);
	*h = (struct headers){0};
}

static bool
line_hidden(const struct headers *h, struct slice name)
{
	for (size_t i = 0; i < LENGTH(hidden); i++)
		if (name_is(name, hidden[i]))
			return true;
	return h->hide_name && name_is(name, h->hide_name);
}

/* Overwrites a secret in what was added from `from` on: a next link with our key in its query stays a link. */
static void
secret_hide(struct buf *lines, size_t from, struct slice secret)
{
	char *at;

	while (secret.len >= 4 && (at = memmem(lines->p + from, lines->len - from, secret.p, secret.len))) {
		memset(at, '*', 3);
		memmove(at + 3, at + secret.len, (size_t)(lines->p + lines->len - (at + secret.len)));
		lines->len -= secret.len - 3;
	}
}

static void
secrets_hide(struct headers *h, size_t from)
{
	struct buf escaped = {0};

	secret_hide(&h->lines, from, secret_reveal(h->hide));
	buf_url(&escaped, secret_reveal(h->hide));
	secret_hide(&h->lines, from, buf_view(&escaped));
	buf_wipe(&escaped);
}

static void
put_value(struct buf *out, struct slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.p[i];

		buf_putc(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
	}
	buf_putc(out, '\n');
}

/* "HTTP/1.1 200 OK": a block begins. */
static int
block_begin(struct headers *h, struct slice line, struct err *err)
{
	const char *blank = memchr(line.p, ' ', line.len);
	size_t left = blank ? line.len - (size_t)(blank - line.p) : 0;

	if (h->status >= 100 && h->status < 200 && ++h->interim > HEADERS_INTERIM_MAX)
		return err_set(err, ERR_DATA, "more than %d interim (1xx) answers", HEADERS_INTERIM_MAX);
	buf_clear(&h->lines);
	h->status = 0;
	h->done = h->dropped = false;
	for (size_t i = 1; i < left && i < 4 && isdigit((unsigned char)blank[i]); i++)
		h->status = h->status * 10 + (blank[i] - '0');
	return 0;
}

static void
line_add(struct headers *h, struct slice line)
{
	const char *colon = memchr(line.p, ':', line.len);
	struct slice name, value;
	size_t start = h->lines.len;

	if (line.p[0] == ' ' || line.p[0] == '\t') {
		if (h->dropped || !h->lines.len)
			return;
		h->lines.p[h->lines.len - 1] = ' ';
		put_value(&h->lines, slice_trim(line));
		return;
	}
	if (!colon)
		return;
	name = slice_trim(slice_of(line.p, (size_t)(colon - line.p)));
	value = slice_trim(slice_of(colon + 1, line.len - (size_t)(colon - line.p) - 1));
	h->dropped = !name.len || line_hidden(h, name);
	for (size_t i = 0; i < name.len && !h->dropped; i++)
		h->dropped = !is_token((unsigned char)name.p[i]);
	if (h->dropped)
		return;
	for (size_t i = 0; i < name.len; i++)
		buf_putc(&h->lines, (char)tolower((unsigned char)name.p[i]));
	buf_puts(&h->lines, ": ");
	put_value(&h->lines, value);
	if (h->hide)
		secrets_hide(h, start);
}

int
headers_add(struct headers *h, struct slice line, struct err *err)
{
	h->bytes += line.len;
	if (h->bytes > HEADERS_BYTES_MAX)
		return err_set(err, ERR_DATA, "the answer's headers are larger than %d KiB", HEADERS_BYTES_MAX / 1024);
	if (++h->count > HEADERS_LINES_MAX)
		return err_set(err, ERR_DATA, "the answer has more than %d header lines", HEADERS_LINES_MAX);
	while (line.len && (line.p[line.len - 1] == '\n' || line.p[line.len - 1] == '\r'))
		line.len--;
	if (slice_starts(line, "HTTP/") && (!h->done || h->status < 200))
		return block_begin(h, line, err);
	if (h->done)
		return 0;
	if (!line.len)
		h->done = true;
	else
		line_add(h, line);
	return 0;
}

struct slice
headers_find(struct slice lines, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = lines.p, *end = p + lines.len; p && p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));

		if (!newline)
			break;
		if ((size_t)(newline - p) >= len + 2 && !strncasecmp(p, name, len) && p[len] == ':')
			return slice_of(p + len + 2, (size_t)(newline - p) - len - 2);
		p = newline + 1;
	}
	return (struct slice){0};
}

unsigned
headers_count(struct slice lines, const char *name)
{
	unsigned n = 0;

	for (;;) {
		struct slice value = headers_find(lines, name);

		if (!value.p)
			return n;
		n++;
		lines.len -= (size_t)(value.p + value.len - lines.p);
		lines.p = value.p + value.len;
		if (lines.len)
			lines.p++, lines.len--;
	}
}
