/* url.c - see url.h.
 *
 * A URL is taken apart into scheme, authority, path and the rest (query and fragment), each a stretch of the text.
 *
 * Guarantee: what comes out is never longer than base and ref together and three bytes.
 * Awkward: the base may have no scheme and no authority, for a connector is not told which host it is asking; a
 * reference then becomes a path, which is just what the host takes for a request. */
#define _GNU_SOURCE /* asprintf */
#include "url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct part {
	const char *p;
	int len;
};
struct url {
	struct part scheme, authority, path, query, fragment;
}; /* each with its delimiters: "https:" "//a" "?q" "#f" */

static struct part
part_take(const char **p, size_t len)
{
	const struct part taken = {*p, (int)len};

	*p += len;
	return taken;
}

static struct url
url_split(const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	struct url u = {{0}, {0}, {0}, {0}, {0}};
	size_t n = 0;

	while (n < len && (p[n] == '+' || p[n] == '-' || p[n] == '.' || (p[n] >= '0' && p[n] <= '9') ||
	                   ((p[n] | 32) >= 'a' && (p[n] | 32) <= 'z')))
		n++;
	if (n && n < len && p[n] == ':' && (*p | 32) >= 'a')
		u.scheme = part_take(&p, n + 1);
	if (end - p >= 2 && p[0] == '/' && p[1] == '/')
		u.authority = part_take(&p, 2 + strcspn(p + 2, "/?#"));
	if (p > end)
		p = end;
	n = strcspn(p, "?#");
	u.path = part_take(&p, n < (size_t)(end - p) ? n : (size_t)(end - p));
	n = strcspn(p, "#");
	u.query = part_take(&p, n < (size_t)(end - p) ? n : (size_t)(end - p));
	u.fragment = part_take(&p, (size_t)(end - p));
	return u;
}

/* "/a/b/../c/./d" becomes "/a/c/d" (5.2.4), in place. */
static void
dots_remove(char *path)
{
	char *out = path;

	for (const char *p = path; *p;) {
		size_t len = 1 + strcspn(p + 1, "/");

		if (len == 2 && p[0] == '/' && p[1] == '.') {
			p += 2;
			if (!*p)
				*out++ = '/';
		} else if (len == 3 && p[0] == '/' && p[1] == '.' && p[2] == '.') {
			p += 3;
			while (out > path && *--out != '/')
				;
			if (!*p)
				*out++ = '/';
		} else {
			memmove(out, p, len);
			out += len;
			p += len;
		}
	}
	*out = '\0';
}

char *
url_resolve(const char *base_text, const char *ref)
{
	const char *const white = " \t\r\n";
	size_t len;
	struct url b, r;
	char *path, *whole = NULL;
	int upto; /* of base's path, up to its last slash */

	ref += strspn(ref, white);
	for (len = strlen(ref); len && strchr(white, ref[len - 1]); len--)
		;
	r = url_split(ref, len);
	if (!base_text || r.scheme.len)
		return strndup(ref, len);
	b = url_split(base_text, strlen(base_text));
	if (r.authority.len) {
		b.authority = r.authority;
		b.path = r.path;
	} else if (r.path.len) {
		for (upto = b.path.len; upto && b.path.p[upto - 1] != '/'; upto--)
			;
		if (r.path.p[0] == '/')
			upto = 0;
		if (asprintf(&path, "%.*s%s%.*s", upto, b.path.p,
		             !upto && r.path.p[0] != '/' && b.authority.len ? "/" : "", r.path.len, r.path.p) < 0)
			abort();
		dots_remove(path);
		if (asprintf(&whole, "%.*s%.*s%s%.*s%.*s", b.scheme.len, b.scheme.p, b.authority.len, b.authority.p,
		             path, r.query.len, r.query.p, r.fragment.len, r.fragment.p) < 0)
			abort();
		free(path);
		return whole;
	} else if (!r.query.len) {
		r.query = b.query;
	}
	if (asprintf(&whole, "%.*s%.*s%.*s%.*s%.*s", b.scheme.len, b.scheme.p, b.authority.len, b.authority.p,
	             b.path.len, b.path.p, r.query.len, r.query.p, r.fragment.len, r.fragment.p) < 0)
		abort();
	return whole;
}

const char *
url_path(const char *url)
{
	const struct url u = url_split(url, strlen(url));

	if (!u.authority.len)
		return url;
	return u.path.len || u.query.len ? (u.path.len ? u.path.p : u.query.p) : "/";
}
