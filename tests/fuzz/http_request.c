/* http_request.c - any bytes as a request's target and body against route tables: no row is met with a value that it forbids.
 *
 * The first line is "METHOD target", the rest is the body. */
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "http/fields.h"
#include "http/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[] = {"ADDED", "UPDATED", NULL};
static const struct http_param params[] = {
	{.name = "id", .place = IN_PATH, .type = HTTP_NAME, .max = 20},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = 100},
	{.name = "ids", .type = HTTP_TEXT, .repeated = true},
	{.name = "syncs", .type = HTTP_NAME, .comma = true},
	{.name = "filter", .type = HTTP_WORD, .words = words},
	{.name = "since", .type = HTTP_TIME},
	{.name = "wait", .type = HTTP_DURATION, .max = 60000},
	{.name = "tags", .type = HTTP_TEXT, .repeated = true, .brackets = true},
	{0},
};
static const struct http_field inner[] = {{.name = "name", .type = HTTP_TEXT, .required = true}, {0}};
static const struct http_schema schema = {.name = "Inner", .fields = inner};
static const struct http_field body[] = {
	{.name = "list", .type = HTTP_ARRAY, .max = 5, .of = &schema, .or_text = true},
	{.name = "one", .type = HTTP_OBJECT, .of = &schema},
	{.name = "n", .type = HTTP_INT, .min = -3, .max = 3},
	{.name = "when", .type = HTTP_TIME, .nullable = true},
	{0},
};
static const struct http_route routes[] = {
	{.method = "GET", .path = "/a/{id}/b", .params = params},
	{.method = "POST", .path = "/a/{id*}", .params = params, .body = body},
	{.method = "*", .path = "/", .params = params},
	{0},
};
static const struct http_route *const tables[] = {routes, NULL};

static void
values_judge(const struct http_values *v)
{
	for (size_t i = 0; i < v->n; i++) {
		const struct http_value *value = &v->at[i];

		if (!http_text_clean(slice_str(value->text)))
			die("a value with control bytes got through");
		if (value->row && value->row->type == HTTP_INT && (value->number < value->row->min || value->number > value->row->max))
			die("a number out of its range got through");
		if (value->row && value->row->type == HTTP_WORD && strcmp(value->text, "ADDED") != 0 && strcmp(value->text, "UPDATED") != 0)
			die("a word that is none got through");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
	size_t line = end ? (size_t)(end - data) : size;
	char *text = xstrndup((const char *)data, line), *path = strchr(text, ' '), *query;
	struct slice rest = end ? slice_of(end + 1, size - line - 1) : (struct slice){0};
	struct http_values v = {0};
	struct http_faults f = {0};
	struct buf out = {0};
	struct http_match m;

	if (path)
		*path++ = '\0';
	query = path ? strchr(path, '?') : NULL;
	if (query)
		*query++ = '\0';
	http_match(tables, text, slice_str(path), &m);
	if (m.route) {
		http_values_path(&v, &m, &f);
		http_values_query(&v, m.route, query, &f);
		if (!f.n)
			values_judge(&v);
		if (m.route->body && json_check(rest, 0, NULL))
			http_fields_check(m.route->body, m.route->loose, rest, &f);
	}
	if (f.n) {
		http_fault_error(&f, "invalid", &out);
		if (!json_check(buf_view(&out), 0, NULL))
			die("an error answer that is no JSON");
	}
	buf_free(&out);
	http_values_finish(&v);
	http_fault_finish(&f);
	free(text);
	return 0;
}
