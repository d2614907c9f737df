/* params.c - see params.h.
 *
 * Guarantee: a value that a handler sees was named by its route's row, decoded once, and fits the row. Everything that is
 * wrong is found, not only the first.
 * Awkward: '+' is a blank in queries and a plus in paths. A comma list may come repeated and as a list at once. An escape of
 * NUL would cut a text short where C ends it: control bytes are refused, that one with them. */
#include "http/params.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "http/value.h"

#define TEXT_LONGEST 1000

bool
http_text_clean(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return utf8_valid(text);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *
http_decode(struct slice text, bool plus)
{
	char *out = xmalloc(text.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];

		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.p[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				goto bad;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = '\0';
	if (http_text_clean(slice_of(out, n)))
		return out;
bad:
	free(out);
	return NULL;
}

/* ---- keeping ---- */

static struct http_value *
value_new(struct http_values *v)
{
	if (v->n == v->cap) {
		v->cap = v->cap ? 2 * v->cap : 8;
		v->at = xrealloc(v->at, v->cap * sizeof *v->at);
	}
	v->at[v->n] = (struct http_value){0};
	return &v->at[v->n++];
}

/* Takes text. */
static void
value_put(struct http_values *v, const struct http_param *row, char *text, const struct http_path *at, struct http_faults *f)
{
	const struct value_rule rule = {row->type, row->min, row->max, TEXT_LONGEST, row->words};
	struct value_found found;
	struct http_value *value;

	if (v->n >= VALUES_MAX) {
		http_fault(f, "too_big", at, "more than %d values", VALUES_MAX);
		free(text);
		return;
	}
	value_check(&rule, text, at, &found, f); /* one that does not fit was given all the same: it is not missing besides */
	value = value_new(v);
	*value = (struct http_value){row->name, row, found.word ? xstrdup(found.word) : text, found.number};
	if (found.word)
		free(text);
}

/* Takes text. */
static void
value_split(struct http_values *v, const struct http_param *row, char *text, const struct http_path *at, struct http_faults *f)
{
	char *rest = text, *part;

	if (!row->comma) {
		value_put(v, row, text, at, f);
		return;
	}
	while ((part = strsep(&rest, ",")))
		if (*part)
			value_put(v, row, xstrdup(part), at, f);
	free(text);
}

const struct http_value *
http_values_get(const struct http_values *v, const char *name, size_t i)
{
	for (size_t k = 0; k < v->n; k++)
		if (strcmp(v->at[k].name, name) == 0 && i-- == 0)
			return &v->at[k];
	return NULL;
}

void
http_values_finish(struct http_values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		if (!v->at[i].row)
			free((void *)(uintptr_t)v->at[i].name);
		free(v->at[i].text);
	}
	free(v->at);
	*v = (struct http_values){0};
}

static void
required_check(const struct http_values *v, const struct http_route *r, enum http_place place, struct http_faults *f)
{
	for (const struct http_param *p = r->params; p && p->name; p++) {
		const struct http_path at = {.name = slice_str(p->name)};

		if (p->place == place && p->required && !http_values_get(v, p->name, 0))
			http_fault(f, "invalid_type", &at, "Required");
	}
}

/* ---- the three places ---- */

static const struct http_param *
row_find(const struct http_route *r, enum http_place place, struct slice name)
{
	for (const struct http_param *p = r->params; p && p->name; p++)
		if (p->place == place && slice_is(name, p->name))
			return p;
	return NULL;
}

void
http_values_path(struct http_values *v, const struct http_match *m, struct http_faults *f)
{
	for (size_t i = 0; i < m->n_vars; i++) {
		const struct http_param *row = row_find(m->route, IN_PATH, m->vars[i].name);
		const struct http_path at = {.name = m->vars[i].name};
		char *text = http_decode(m->vars[i].text, false);

		if (!text) {
			http_fault(f, "invalid_string", &at, "is no UTF-8 text without control bytes");
		} else if (row) {
			value_put(v, row, text, &at, f);
		} else {
			struct http_value *value = value_new(v);

			value->name = slice_dup(m->vars[i].name);
			value->text = text;
		}
	}
}

/* name[key] of a row with brackets; else the row of that name. */
static const struct http_param *
query_row(const struct http_route *r, const char *name, struct slice *key)
{
	const char *open = strchr(name, '[');
	size_t len = strlen(name);
	const struct http_param *row;

	*key = (struct slice){0};
	if (open && name[len - 1] == ']') {
		row = row_find(r, IN_QUERY, slice_of(name, (size_t)(open - name)));
		*key = slice_of(open + 1, len - (size_t)(open - name) - 2);
		if (row && (row->brackets || (row->repeated && !key->len)))
			return row;
	}
	row = row_find(r, IN_QUERY, slice_str(name));
	return row && !row->brackets ? row : NULL;
}

/* Takes text. */
static void
query_value(struct http_values *v, const struct http_route *r, const char *name, char *text, struct http_faults *f)
{
	const struct http_path at = {.name = slice_str(name)};
	struct slice key;
	const struct http_param *row = query_row(r, name, &key);

	if (row && row->brackets) {
		char *both = xasprintf("%.*s=%s", (int)key.len, key.p, text);

		free(text);
		value_put(v, row, both, &at, f);
	} else if (row && (row->repeated || !http_values_get(v, row->name, 0))) {
		if (*text || row->required || row->type == HTTP_TEXT)
			value_split(v, row, text, &at, f);
		else
			free(text);
	} else {
		if (row)
			http_fault(f, "invalid_type", &at, "is given more than once");
		else if (!r->loose)
			http_fault(f, "unrecognized_keys", &at, "is no parameter of this route");
		free(text);
	}
}

void
http_values_query(struct http_values *v, const struct http_route *r, const char *query, struct http_faults *f)
{
	while (query && *query) {
		const char *end = strchrnul(query, '&'), *equals = memchr(query, '=', (size_t)(end - query));
		const char *name_end = equals ? equals : end;
		char *name = http_decode(slice_of(query, (size_t)(name_end - query)), true);
		char *text = http_decode(equals ? slice_of(equals + 1, (size_t)(end - equals - 1)) : SLICE(""), true);

		if (name && text) {
			if (*name)
				query_value(v, r, name, text, f);
			else
				free(text);
		} else {
			const struct http_path at = {.name = slice_str(name ? name : "?")};

			if (!r->loose)
				http_fault(f, "invalid_string", &at, "is no UTF-8 text without control bytes");
			free(text);
		}
		free(name);
		query = *end ? end + 1 : end;
	}
	required_check(v, r, IN_QUERY, f);
}

void
http_values_headers(struct http_values *v, const struct http_route *r, const char *(*get)(const void *arg, const char *name),
                    const void *arg, struct http_faults *f)
{
	for (const struct http_param *p = r->params; p && p->name; p++) {
		const struct http_path at = {.name = slice_str(p->name)};
		const char *text = p->place == IN_HEADER ? get(arg, p->name) : NULL;

		if (text && *text && !http_text_clean(slice_str(text)))
			http_fault(f, "invalid_string", &at, "is no UTF-8 text without control bytes");
		else if (text && *text)
			value_split(v, p, xstrdup(text), &at, f);
	}
	required_check(v, r, IN_HEADER, f);
}
