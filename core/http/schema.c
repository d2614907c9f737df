/* schema.c - see schema.h. OpenAPI 3.0.3's dialect of JSON Schema.
 *
 * Guarantee: a schema stands in the document once, under its name, and every other place names it. Schemas may name each
 * other, in circles too: so they are collected before any is written.
 * Awkward: in this dialect nothing may stand beside a $ref, so one with a description is wrapped ("allOf"); and "nullable"
 * means something only beside a "type". */
#include "http/schema.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"

#define REF "#/components/schemas/"

/* ---- the set ---- */

void
schemas_add(struct schemas *all, const struct http_schema *s)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->list[i]->name, s->name) == 0)
			return;
	if (all->n == SCHEMAS_MAX)
		die("openapi: more than %d schemas", SCHEMAS_MAX);
	all->list[all->n++] = s;
	schemas_add_fields(all, s->fields);
}

void
schemas_add_fields(struct schemas *all, const struct http_field *fields)
{
	for (; fields && fields->name; fields++)
		if (fields->of)
			schemas_add(all, fields->of);
}

void
schemas_put(struct json_out *o, const struct schemas *all)
{
	json_open(o, '{');
	for (size_t i = 0; i < all->n; i++) {
		json_key(o, all->list[i]->name);
		schema_put_object(o, all->list[i]->fields, all->list[i]->loose);
	}
	json_close(o, '}');
}

/* ---- one value ---- */

void
schema_put_ref(struct json_out *o, const struct http_schema *s)
{
	char ref[200];

	snprintf(ref, sizeof ref, REF "%s", s->name);
	json_open(o, '{');
	json_kv_str(o, "$ref", ref);
	json_close(o, '}');
}

void
schema_put_list(struct json_out *o, const struct http_schema *items)
{
	json_open(o, '{');
	json_kv_str(o, "type", "array");
	json_key(o, "items");
	schema_put_ref(o, items);
	json_close(o, '}');
}

static const struct { const char *type, *format; } kinds[] = {
	[HTTP_TEXT] = {"string", NULL},      [HTTP_NAME] = {"string", NULL},          [HTTP_INT] = {"integer", NULL},
	[HTTP_BOOL] = {"boolean", NULL},     [HTTP_WORD] = {"string", NULL},          [HTTP_TIME] = {"string", "date-time"},
	[HTTP_DURATION] = {"string", NULL},  [HTTP_OBJECT] = {"object", NULL},        [HTTP_ARRAY] = {"array", NULL},
	[HTTP_ANY] = {NULL, NULL},
};

static void
type_put(struct json_out *o, enum http_type type)
{
	if (kinds[type].type)
		json_kv_str(o, "type", kinds[type].type);
	if (kinds[type].format)
		json_kv_str(o, "format", kinds[type].format);
}

void
schema_put_type(struct json_out *o, enum http_type type)
{
	json_open(o, '{');
	type_put(o, type);
	json_close(o, '}');
}

static void
words_put(struct json_out *o, const struct http_field *f)
{
	if (!f->words)
		return;
	json_key(o, "enum");
	json_open(o, '[');
	for (const char *const *word = f->words; *word; word++)
		json_put_str(o, *word);
	if (f->nullable)
		json_put_null(o);
	json_close(o, ']');
}

static void
range_put(struct json_out *o, const struct http_field *f)
{
	bool number = f->type == HTTP_INT, list = f->type == HTTP_ARRAY;

	if ((!f->min && !f->max) || f->type == HTTP_DURATION || f->type == HTTP_OBJECT || f->type == HTTP_ANY)
		return;
	json_kv_int(o, number ? "minimum" : list ? "minItems" : "minLength", f->min);
	if (f->max)
		json_kv_int(o, number ? "maximum" : list ? "maxItems" : "maxLength", f->max);
}

void
schema_put_plain(struct json_out *o, const struct http_field *f)
{
	type_put(o, f->type);
	words_put(o, f);
	range_put(o, f);
}

/* ---- an object's fields ---- */

static void
text_or_open(struct json_out *o)
{
	json_key(o, "oneOf");
	json_open(o, '[');
	schema_put_type(o, HTTP_TEXT);
}

static void
items_put(struct json_out *o, const struct http_field *f)
{
	if (f->or_text && f->of) {
		json_open(o, '{');
		text_or_open(o);
		schema_put_ref(o, f->of);
		json_close(o, ']');
		json_close(o, '}');
	} else if (f->of) {
		schema_put_ref(o, f->of);
	} else {
		schema_put_type(o, f->texts ? HTTP_TEXT : HTTP_ANY);
	}
}

/* The inner members of an array's schema. */
static void
array_put(struct json_out *o, const struct http_field *f)
{
	type_put(o, HTTP_ARRAY);
	json_key(o, "items");
	items_put(o, f);
	range_put(o, f);
}

static void
text_or_put(struct json_out *o, const struct http_field *f)
{
	text_or_open(o);
	if (f->type == HTTP_OBJECT && f->of) {
		schema_put_ref(o, f->of);
	} else if (f->type == HTTP_ARRAY) {
		json_open(o, '{');
		array_put(o, f);
		json_close(o, '}');
	} else {
		schema_put_type(o, f->type);
	}
	json_close(o, ']');
}

static void
field_put(struct json_out *o, const struct http_field *f)
{
	json_open(o, '{');
	if (f->help)
		json_kv_str(o, "description", f->help);
	if (f->nullable)
		json_kv_bool(o, "nullable", true);
	if (f->or_text) {
		text_or_put(o, f);
	} else if (f->type == HTTP_OBJECT && f->of) {
		if (f->nullable)
			type_put(o, HTTP_OBJECT);
		json_key(o, "allOf");
		json_open(o, '[');
		schema_put_ref(o, f->of);
		json_close(o, ']');
	} else if (f->type == HTTP_ARRAY) {
		array_put(o, f);
	} else {
		if (f->type == HTTP_ANY && f->nullable)
			type_put(o, HTTP_OBJECT);
		schema_put_plain(o, f);
	}
	json_close(o, '}');
}

static void
required_put(struct json_out *o, const struct http_field *fields)
{
	bool any = false;

	for (const struct http_field *f = fields; f && f->name; f++) {
		if (!f->required)
			continue;
		if (!any) {
			json_key(o, "required");
			json_open(o, '[');
		}
		any = true;
		json_put_str(o, f->name);
	}
	if (any)
		json_close(o, ']');
}

void
schema_put_object(struct json_out *o, const struct http_field *fields, bool loose)
{
	json_open(o, '{');
	type_put(o, HTTP_OBJECT);
	json_key(o, "properties");
	json_open(o, '{');
	for (const struct http_field *f = fields; f && f->name; f++) {
		json_key(o, f->name);
		field_put(o, f);
	}
	json_close(o, '}');
	required_put(o, fields);
	json_kv_bool(o, "additionalProperties", loose);
	json_close(o, '}');
}
