/* fields.c - see fields.h: walks an object along its rows, downwards where a row says what is inside.
 *
 * Awkward: numbers go through no double, so an HTTP_INT is a whole number as it is written; texts are measured in bytes after
 * unescaping; "or_text" lets a plain string stand where an object or an array of objects is described. */
#include "http/fields.h"

#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "http/params.h"
#include "http/value.h"

#define TEXT_LONGEST (1 << 20)

static bool field_check(const struct http_field *row, struct slice value, const struct http_path *at, struct http_faults *f);

static bool
object_check(const struct http_field *fields, bool loose, struct slice object, const struct http_path *up, struct http_faults *f)
{
	struct json_iter it = json_iter(object);
	size_t before = f->n;
	struct slice value;

	for (const struct http_field *row = fields; row->name; row++) {
		const struct http_path at = {.up = up, .name = slice_str(row->name)};

		if (json_member(object, row->name, &value))
			field_check(row, value, &at, f);
		else if (row->required)
			http_fault(f, "invalid_type", &at, "Required");
	}
	while (!loose && json_next(&it)) {
		const struct http_path at = {.up = up, .name = it.key};
		const struct http_field *row = fields;

		while (row->name && !slice_is(it.key, row->name))
			row++;
		if (!row->name)
			http_fault(f, "unrecognized_keys", &at, "is no field of this body");
	}
	return f->n == before;
}

static bool
wrong(const char *wanted, const struct http_path *at, struct http_faults *f)
{
	http_fault(f, "invalid_type", at, "must be %s", wanted);
	return false;
}

/* What comes out of escapes: a NUL would cut a text short where C ends it, so that another one is used than was checked. */
static bool
text_whole(struct slice value, bool name, const struct http_path *at, struct http_faults *f)
{
	struct buf text = {0};
	bool whole;

	if (json_type(value) != JSON_STRING)
		return true;
	json_unquote(value, &text);
	whole = name ? http_text_clean(buf_view(&text)) : !text.len || !memchr(text.p, '\0', text.len);
	buf_free(&text);
	if (!whole)
		http_fault(f, "invalid_string", at, name ? "holds a control byte" : "holds a NUL byte");
	return whole;
}

static bool
scalar_check(const struct http_field *row, struct slice value, const struct http_path *at, struct http_faults *f)
{
	const struct value_rule rule = {row->type, row->min, row->max, TEXT_LONGEST, row->words};
	enum json_type type = json_type(value);
	struct value_found found;
	char *text;
	bool fits;

	if (row->type == HTTP_INT && type != JSON_NUMBER)
		return wrong("a number", at, f);
	if (row->type == HTTP_BOOL && type != JSON_TRUE && type != JSON_FALSE)
		return wrong("true or false", at, f);
	if (row->type == HTTP_DURATION ? type != JSON_STRING && type != JSON_NUMBER
	                               : row->type != HTTP_INT && row->type != HTTP_BOOL && type != JSON_STRING)
		return wrong("a string", at, f);
	if (!text_whole(value, row->type == HTTP_NAME, at, f))
		return false;
	text = json_text(value);
	fits = value_check(&rule, text, at, &found, f);
	free(text);
	return fits;
}

static bool
inside_check(const struct http_field *row, struct slice value, const struct http_path *at, struct http_faults *f)
{
	if (row->texts || (row->or_text && json_type(value) == JSON_STRING))
		return json_type(value) == JSON_STRING ? text_whole(value, false, at, f) : wrong("a string", at, f);
	if (!row->of)
		return true;
	if (json_type(value) != JSON_OBJECT)
		return wrong("an object", at, f);
	return object_check(row->of->fields, row->of->loose, value, at, f);
}

static bool
array_check(const struct http_field *row, struct slice value, const struct http_path *at, struct http_faults *f)
{
	const struct value_rule count = {.min = row->min, .max = row->max};
	struct json_iter it = json_iter(value);
	struct http_path item = {.up = at};
	bool fits = value_range(&count, (int64_t)json_count(value), " items", at, f);

	for (; fits && json_next(&it); item.index++)
		fits = inside_check(row, it.value, &item, f);
	return fits;
}

static bool
field_check(const struct http_field *row, struct slice value, const struct http_path *at, struct http_faults *f)
{
	enum json_type type = json_type(value);

	if (row->type == HTTP_ANY || (type == JSON_NULL && row->nullable))
		return true;
	if (row->or_text && type == JSON_STRING)
		return text_whole(value, false, at, f);
	if (row->type == HTTP_ARRAY)
		return type == JSON_ARRAY ? array_check(row, value, at, f) : wrong("an array", at, f);
	if (row->type == HTTP_OBJECT)
		return type == JSON_OBJECT ? inside_check(row, value, at, f) : wrong("an object", at, f);
	return scalar_check(row, value, at, f);
}

bool
http_fields_check(const struct http_field *fields, bool loose, struct slice object, struct http_faults *f)
{
	if (json_type(object) != JSON_OBJECT)
		return wrong("an object", NULL, f);
	return object_check(fields, loose, object, NULL, f);
}
