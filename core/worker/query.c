/* query.c - text that goes into URLs, headers and bodies.
 *
 * Guarantee: no byte of a value can end its parameter or header early. Values are escaped here; the endpoint is the
 * author's, escaped already. Awkward: an endpoint may hold a query of its own, which then comes first. */
#include "worker/query.h"

#include <string.h>
#include <strings.h>
#include "base/json.h"

void
query_put(struct buf *query, const char *name, struct slice value)
{
	if (query->len)
		buf_putc(query, '&');
	/* Brackets stay readable, as in created[gte]: providers compare the raw name. */
	for (const char *p = name; *p; p++)
		if (*p == '[' || *p == ']')
			buf_putc(query, *p);
		else
			buf_url(query, slice_of(p, 1));
	buf_putc(query, '=');
	buf_url(query, value);
}

static bool
listed(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

void
query_pairs(struct buf *query, const struct plugin *p, const struct sluice_pair *pairs, const char *const *without)
{
	struct sluice_pair pair;

	for (size_t i = 0; plugin_pair(p, pairs, i, &pair); i++)
		if (pair.value && !listed(without, pair.name))
			query_put(query, pair.name, slice_str(pair.value));
}

/* A token by RFC 9110. */
static bool
header_name(const char *s)
{
	size_t n = strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n && !s[n];
}

int
header_pairs(struct buf *out, const struct plugin *p, const struct sluice_pair *pairs, struct err *err)
{
	struct sluice_pair pair;

	for (size_t i = 0; plugin_pair(p, pairs, i, &pair); i++) {
		if (!pair.value)
			continue;
		if (!header_name(pair.name) || strpbrk(pair.value, "\r\n"))
			return err_set(err, ERR_CONNECTOR,
			               "header number %zu cannot be sent: its name is no token, or its "
			               "value holds a line break",
			               i + 1);
		buf_puts(out, pair.name);
		buf_puts(out, ": ");
		buf_puts(out, pair.value);
		buf_putc(out, '\n');
	}
	return 0;
}

void
endpoint_split(struct slice *endpoint, struct buf *query)
{
	const char *hash = memchr(endpoint->p, '#', endpoint->len), *mark;

	if (hash)
		endpoint->len = (size_t)(hash - endpoint->p);
	mark = memchr(endpoint->p, '?', endpoint->len);
	if (!mark)
		return;
	buf_put(query, mark + 1, endpoint->len - (size_t)(mark + 1 - endpoint->p));
	endpoint->len = (size_t)(mark - endpoint->p);
}

/* RFC 3986, 3.1: letters, digits, + - . before a colon. */
static bool
has_scheme(struct slice link)
{
	for (size_t i = 0; i < link.len; i++) {
		char c = link.p[i] | 0x20;
		if (link.p[i] == ':')
			return i > 0;
		if (!((c >= 'a' && c <= 'z') || (i && ((c >= '0' && c <= '9') || strchr("+-.", link.p[i])))))
			return false;
	}
	return false;
}

struct slice
link_path(struct slice link)
{
	size_t at = 0;

	while (at < link.len && link.p[at] != ':')
		at++;
	if (!has_scheme(link) || link.len - at < 3 || memcmp(link.p + at, "://", 3) != 0)
		return link;
	for (at += 3; at < link.len && link.p[at] != '/' && link.p[at] != '?'; at++)
		;
	return slice_of(link.p + at, link.len - at);
}

void
link_resolve(struct buf *out, struct slice endpoint, struct slice link)
{
	size_t keep;

	if (has_scheme(link) || (link.len && link.p[0] == '/')) {
		buf_slice(out, link);
		return;
	}
	for (keep = 0; keep < endpoint.len && endpoint.p[keep] != '?' && endpoint.p[keep] != '#'; keep++)
		;
	if (link.len && link.p[0] != '?')
		while (keep && endpoint.p[keep - 1] != '/')
			keep--;
	buf_put(out, endpoint.p, keep);
	buf_slice(out, link);
}

/* Does the part behind <...>, up to the next comma, say rel=next? rel may hold several words. */
static bool
rel_next(const char *p, const char *end)
{
	for (; p + 4 <= end; p++) {
		if (strncasecmp(p, "rel", 3) || (p[-1] != ';' && p[-1] != ' ' && p[-1] != '\t'))
			continue;
		for (p += 3; p < end && (*p == ' ' || *p == '='); p++)
			;
		if (p < end && *p == '"')
			p++;
		while (p + 4 <= end && *p != '"' && *p != ';') {
			size_t n = 0;
			while (p + n < end && !strchr(" \";,\n", p[n]))
				n++;
			if (n == 4 && !strncasecmp(p, "next", 4))
				return true;
			p += n + (p + n < end && p[n] == ' ');
			if (!n)
				break;
		}
		return false;
	}
	return false;
}

bool
link_header(const char *headers, struct slice *url)
{
	for (const char *line = headers; line && *line;) {
		const char *end = strchrnul(line, '\n');
		const char *p = strncasecmp(line, "link:", 5) ? end : line + 5;
		while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
			const char *close = memchr(p, '>', (size_t)(end - p)), *stop;
			if (!close)
				break;
			stop = memchr(close, '<', (size_t)(end - close));
			if (rel_next(close + 1, stop ? stop : end)) {
				*url = slice_of(p + 1, (size_t)(close - p - 1));
				return true;
			}
			p = close;
		}
		line = *end ? end + 1 : end;
	}
	return false;
}

void
json_at_path(struct buf *out, const char *path, struct slice value)
{
	size_t depth = 1;
	struct buf name = {0};

	for (const char *p = path;; p++) {
		if (*p == '\\' && p[1]) {
			buf_putc(&name, *++p);
		} else if (*p && *p != '.') {
			buf_putc(&name, *p);
		} else {
			buf_putc(out, '{');
			json_quote(out, buf_view(&name));
			buf_putc(out, ':');
			buf_clear(&name);
			if (!*p)
				break;
			depth++;
		}
	}
	buf_slice(out, value);
	while (depth--)
		buf_putc(out, '}');
	buf_free(&name);
}
