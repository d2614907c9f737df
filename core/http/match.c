/* match.c - see match.h. Rows are tried one after the other, the first that fits wins: some hundred of them take less time
 * than the headers' parsing, and the order in the tables is the whole rule.
 *
 * Awkward: a {name} segment is not empty and holds no slash; {name*} takes all that is left, slashes too, since clients send
 * connection ids as they are. */
#include "http/match.h"

#include <string.h>

static bool
var_put(struct http_match *m, struct slice name, struct slice text)
{
	if (!text.len || m->n_vars == MATCH_VARS_MAX)
		return false;
	m->vars[m->n_vars].name = name;
	m->vars[m->n_vars++].text = text;
	return true;
}

/* *row stands behind '{'; both are moved behind what was taken. */
static bool
var_take(struct http_match *m, const char **row, struct slice *path)
{
	const char *end = strchr(*row, '}'), *slash;
	struct slice name, text = *path;

	if (!end)
		return false;
	name = slice_of(*row, (size_t)(end - *row));
	*row = end + 1;
	if (name.len && name.p[name.len - 1] == '*') {
		name.len--;
		*path = slice_of(path->p + path->len, 0);
		return var_put(m, name, text);
	}
	slash = text.len ? memchr(text.p, '/', text.len) : NULL;
	if (slash)
		text.len = (size_t)(slash - text.p);
	*path = slice_of(path->p + text.len, path->len - text.len);
	return var_put(m, name, text);
}

static bool
path_fits(const char *row, struct slice path, struct http_match *m)
{
	m->n_vars = 0;
	while (*row) {
		if (*row == '{') {
			row++;
			if (!var_take(m, &row, &path))
				return false;
			continue;
		}
		if (!path.len || *path.p != *row)
			return (row[0] == '/' && !row[1] && !path.len); /* the row ends with a slash */
		row++;
		path = slice_of(path.p + 1, path.len - 1);
	}
	return !path.len || (path.len == 1 && *path.p == '/');
}

static bool
method_fits(const struct http_route *r, const char *method)
{
	return *r->method == '*' || strcmp(r->method, method) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0);
}

void
http_match(const struct http_route *const *tables, const char *method, struct slice path, struct http_match *m)
{
	*m = (struct http_match){0};
	for (; *tables; tables++)
		for (const struct http_route *r = *tables; r->method; r++) {
			if ((m->known && !method_fits(r, method)) || !path_fits(r->path, path, m))
				continue;
			m->known = true;
			if (method_fits(r, method)) {
				m->route = r;
				return;
			}
		}
}

static void
allow_add(struct buf *out, const char *method)
{
	if (strstr(buf_str(out), method))
		return;
	buf_printf(out, "%s%s", out->len ? ", " : "", method);
}

void
http_match_allow(const struct http_route *const *tables, struct slice path, struct buf *out)
{
	struct http_match m;

	for (; *tables; tables++)
		for (const struct http_route *r = *tables; r->method; r++) {
			if (!path_fits(r->path, path, &m))
				continue;
			allow_add(out, *r->method == '*' ? "GET, HEAD, POST, PUT, PATCH, DELETE" : r->method);
			if (strcmp(r->method, "GET") == 0)
				allow_add(out, "HEAD");
		}
	allow_add(out, "OPTIONS");
}
