/* skim.h - looks into JSON text without making a tree of it: where a member stands, what a list begins with.
 *
 * For connectors that take any API's answers (rest, graphql). They look at a few members of an answer, and hand its
 * records on as they came; a tree would cost more than all the rest of the work.
 *
 * Guarantee: nothing is read beyond the end of the text, whatever it holds; what is no JSON is found to have no
 * members. It is no check: the host has checked pages, and says so where one is not sound. Awkward: names are compared
 * as they stand in the text, so a member whose name has escapes is not found. */
#ifndef CONNECTORS_SKIM_H
#define CONNECTORS_SKIM_H

#include <sluice_json.h>
#include <string.h>

struct skim {
	const char *p;
	size_t len;
}; /* a JSON value in somebody's text; .p NULL: there is none */

static inline const char *
skim_blank(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

static inline const char *
skim_string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : NULL;
}

/* Behind the value that begins at p; NULL: it has no end. */
static inline const char *
skim_end(const char *p, const char *end)
{
	size_t depth = 0;

	for (; p < end; p++) {
		if (*p == '"') {
			p = skim_string_end(p, end);
			if (!p || !depth)
				return p;
			p--;
		} else if (*p == '{' || *p == '[') {
			depth++;
		} else if (*p == '}' || *p == ']') {
			if (depth <= 1)
				return depth ? p + 1 : p;
			depth--;
		} else if (!depth && (*p == ',' || *p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
			return p;
		}
	}
	return depth ? NULL : p;
}

static inline struct skim
skim_of(const char *text, size_t len)
{
	const char *end = text + len, *p = skim_blank(text, end), *to = p < end ? skim_end(p, end) : NULL;

	return to ? (struct skim){p, (size_t)(to - p)} : (struct skim){NULL, 0};
}

/* '{' '[' '"' '0' (any number) 't' 'f' 'n'; 0: nothing. */
static inline char
skim_kind(struct skim v)
{
	char c = v.p && v.len ? *v.p : '\0';

	return c == '-' || (c >= '0' && c <= '9') ? '0' : c;
}

static inline int
skim_is(struct skim v, const char *text)
{
	return v.p && v.len == strlen(text) && !memcmp(v.p, text, v.len);
}

/* Members or elements, one by one: for (w = skim_walk(v); skim_next(&w);) use(w.key, w.value). */
struct skim_walk {
	const char *p, *end;
	int object;
	struct skim key, value;
};

static inline struct skim_walk
skim_walk(struct skim v)
{
	const char kind = skim_kind(v);
	struct skim_walk w = {v.p, v.p ? v.p + v.len : v.p, kind == '{', {NULL, 0}, {NULL, 0}};

	w.p = kind == '{' || kind == '[' ? w.p + 1 : w.end;
	return w;
}

static inline int
skim_next(struct skim_walk *w)
{
	const char *p = skim_blank(w->p, w->end), *to;

	if (p < w->end && *p == ',')
		p = skim_blank(p + 1, w->end);
	w->p = w->end;
	if (w->object) {
		to = p < w->end && *p == '"' ? skim_string_end(p, w->end) : NULL;
		if (!to)
			return 0;
		w->key = (struct skim){p + 1, (size_t)(to - p) - 2};
		p = skim_blank(to, w->end);
		if (p == w->end || *p != ':')
			return 0;
		p = skim_blank(p + 1, w->end);
	}
	to = p < w->end ? skim_end(p, w->end) : NULL;
	if (!to || to == p)
		return 0;
	w->value = (struct skim){p, (size_t)(to - p)};
	w->p = to;
	return 1;
}

static inline size_t
skim_count(struct skim v)
{
	struct skim_walk w = skim_walk(v);
	size_t n = 0;

	while (skim_next(&w))
		n++;
	return n;
}

/* One component of a path, unescaped into name; returns what is behind it, NULL at the end. */
static inline const char *
skim_component(const char *path, char *name, size_t room)
{
	size_t n = 0;

	for (; *path && *path != '.'; path++) {
		if (*path == '\\' && path[1])
			path++;
		if (n + 1 < room)
			name[n++] = *path;
	}
	name[n] = '\0';
	return *path ? path + 1 : NULL;
}

static inline struct skim
skim_member(struct skim v, const char *name)
{
	struct skim_walk w = skim_walk(v);
	size_t index = strspn(name, "0123456789") == strlen(name) ? strtoul(name, NULL, 10) : SIZE_MAX;

	for (size_t i = 0; skim_next(&w); i++)
		if (w.object ? skim_is(w.key, name) : i == index)
			return w.value;
	return (struct skim){NULL, 0};
}

/* What stands at a dotted path, as in sluice_page_request; "" is the value itself. */
static inline struct skim
skim_get(struct skim v, const char *path)
{
	char name[256];

	while (path && *path && v.p) {
		path = skim_component(path, name, sizeof(name));
		v = skim_member(v, name);
	}
	return v;
}

/* A string's text, anything else as it stands; NULL: there is nothing, or null. Lives until your function returns. */
static inline const char *
skim_text(struct sluice_run *run, struct skim v)
{
	const char kind = skim_kind(v), *text = NULL;
	cJSON *tree;

	if (!kind || kind == 'n')
		return NULL;
	if (kind != '"')
		return sluice_format(run, "%.*s", (int)v.len, v.p);
	if (!memchr(v.p, '\\', v.len))
		return sluice_format(run, "%.*s", (int)v.len - 2, v.p + 1);
	tree = cJSON_ParseWithLength(v.p, v.len);
	text = sluice_format(run, "%s", cJSON_IsString(tree) ? tree->valuestring : "");
	cJSON_Delete(tree);
	return text;
}

/* Two whole numbers, not negative, of any length: is a greater? -1: one of them is none. A double knows 15 digits. */
static inline int
skim_number_greater(struct skim a, struct skim b)
{
	struct skim *both[] = {&a, &b};

	for (int i = 0; i < 2; i++) {
		struct skim *v = both[i];
		if (skim_kind(*v) != '0')
			return -1;
		for (size_t at = 0; at < v->len; at++)
			if (v->p[at] < '0' || v->p[at] > '9')
				return -1;
	}
	return a.len != b.len ? a.len > b.len : memcmp(a.p, b.p, a.len) > 0; /* JSON has no leading zeros */
}

/* For messages: what kind of thing it is, and of a list how long. */
static inline const char *
skim_what(struct sluice_run *run, struct skim v)
{
	switch (skim_kind(v)) {
	case '{':
		return "object";
	case '[':
		return sluice_format(run, "list of %zu", skim_count(v));
	case '"':
		return "text";
	case '0':
		return "number";
	case 't':
	case 'f':
		return "yes or no";
	case 'n':
		return "null";
	default:
		return "nothing";
	}
}

/* For messages: "id, name, email (text), ..."; with kinds where asked. */
static inline const char *
skim_members(struct sluice_run *run, struct skim v, int kinds)
{
	struct skim_walk w = skim_walk(v);
	const char *list = "";
	int n = 0;

	while (skim_next(&w)) {
		if (n++ == 12)
			return sluice_format(run, "%s, and more", list);
		list = kinds ? sluice_format(run, "%s%s%.*s (%s)", list, n > 1 ? ", " : "", (int)w.key.len, w.key.p,
		                             skim_what(run, w.value))
		             : sluice_format(run, "%s%s%.*s", list, n > 1 ? ", " : "", (int)w.key.len, w.key.p);
	}
	return n ? list : "none";
}

/* For messages: what stands at the path where a list should be: "data.rows leads nowhere: data is an object with ...".
 */
static inline const char *
skim_missing(struct sluice_run *run, struct skim v, const char *path)
{
	const char *whole = path, *done = "";
	char name[256];
	struct skim next = v;

	while (path && *path) {
		path = skim_component(path, name, sizeof(name));
		next = skim_member(v, name);
		if (!next.p)
			break;
		v = next;
		done = sluice_format(run, "%s%s%s", done, *done ? "." : "", name);
	}
	done = next.p ? sluice_format(run, "%s is no list, but ", *whole ? whole : "the answer")
	              : sluice_format(run, "%s leads nowhere: %s is ", whole, *done ? done : "the answer");
	return skim_kind(v) == '{' ? sluice_format(run, "%san object with %s", done, skim_members(run, v, 1))
	                           : sluice_format(run, "%sa %s", done, skim_what(run, v));
}

#endif
