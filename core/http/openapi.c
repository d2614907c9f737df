/* openapi.c - see openapi.h. A walk over the rows, once for the schemas that they name (schema.c), once for
 * paths.
 *
 * Guarantee: what stands there is what dispatches and checks, since it is the same rows. Errors have one schema, and the
 * statuses that the server itself gives stand with each route that can have them.
 * Awkward: a path stands once with all its methods, wherever these are in the tables. {id*} is written {id}. Rows of method
 * "*" stand as GET, POST, PUT, PATCH and DELETE. */
#include "http/openapi.h"

#include <stdio.h>
#include <string.h>
#include "base/mem.h"
#include "http/schema.h"

struct document {
	const struct http_route *const *tables;
	struct json_out o;
	struct schemas schemas;
};

/* ---- errors ---- */

static const struct http_field problem_fields[] = {
	{"code", HTTP_TEXT, .required = true},
	{"message", HTTP_TEXT, .required = true},
	{"path", HTTP_ARRAY, .required = true, .help = "names and indices, from the outside in"},
	{0},
};
static const struct http_schema problem_schema = {"Problem", problem_fields, false};
static const struct http_field inner_fields[] = {
	{"code", HTTP_TEXT, .required = true, .help = "what programs branch on"},
	{"message", HTTP_TEXT, .required = true, .help = "what people read"},
	{"errors", HTTP_ARRAY, .of = &problem_schema},
	{0},
};
static const struct http_schema inner_schema = {"ErrorBody", inner_fields, true};
static const struct http_field error_fields[] = {{"error", HTTP_OBJECT, .required = true, .of = &inner_schema}, {0}};
static const struct http_schema error_schema = {"Error", error_fields, false};

/* ---- routes ---- */

static const struct { int status; const char *help; } common[] = {
	{400, "A parameter, header or the body is not as described"},
	{401, "There is no key, or a wrong one"},
	{403, "The key does not permit it"},
	{404, "What the path names is not there"},
	{413, "The body is too long"},
	{415, "The body is no JSON by its Content-Type"},
	{503, "The host ends, or too much waits; Retry-After says when to ask again"},
};

static bool
common_fits(const struct http_route *r, int status)
{
	for (const struct http_answer *a = r->answers; a && a->status; a++)
		if (a->status == status)
			return false;
	if (status == 401 || status == 403)
		return r->rights != 0;
	if (status == 404)
		return strchr(r->path, '{') != NULL;
	if (status == 413)
		return r->body || r->raw;
	return status != 415 || r->body;
}

static void
content_put(struct json_out *o, const struct http_answer *a)
{
	json_key(o, "content");
	json_open(o, '{');
	json_key(o, a->type ? a->type : "application/json");
	json_open(o, '{');
	json_key(o, "schema");
	if (a->schema && a->list)
		schema_put_list(o, a->schema);
	else if (a->schema)
		schema_put_ref(o, a->schema);
	else /* JSON without a schema: any value */
		schema_put_type(o, a->type && strcmp(a->type, "application/json") != 0 ? HTTP_TEXT : HTTP_ANY);
	json_close(o, '}');
	json_close(o, '}');
}

static void
answer_put(struct json_out *o, const struct http_answer *a)
{
	char status[8];

	snprintf(status, sizeof status, "%d", a->status);
	json_key(o, status);
	json_open(o, '{');
	json_kv_str(o, "description", a->help ? a->help : a->status < 300 ? "It was done" : "It was refused");
	if (a->schema || a->type)
		content_put(o, a);
	else if (a->status >= 400)
		content_put(o, &(struct http_answer){.schema = &error_schema});
	json_close(o, '}');
}

static void
answers_put(struct json_out *o, const struct http_route *r)
{
	json_key(o, "responses");
	json_open(o, '{');
	for (const struct http_answer *a = r->answers; a && a->status; a++)
		answer_put(o, a);
	for (size_t i = 0; i < LENGTH(common); i++)
		if (common_fits(r, common[i].status))
			answer_put(o, &(struct http_answer){.status = common[i].status, .help = common[i].help, .schema = &error_schema});
	json_close(o, '}');
}

static void
param_schema(struct json_out *o, const struct http_param *p)
{
	const struct http_field plain = {.type = p->type, .words = p->words, .min = p->min, .max = p->max};

	json_key(o, "schema");
	json_open(o, '{');
	if (p->brackets) {
		json_kv_str(o, "type", "object");
		json_key(o, "additionalProperties");
		schema_put_type(o, HTTP_TEXT);
	} else if (p->repeated || p->comma) {
		json_kv_str(o, "type", "array");
		json_key(o, "items");
		json_open(o, '{');
		schema_put_plain(o, &plain);
		json_close(o, '}');
	} else {
		schema_put_plain(o, &plain);
	}
	json_close(o, '}');
}

static void
param_put(struct json_out *o, const struct http_param *p)
{
	static const char *const places[] = {[IN_QUERY] = "query", [IN_PATH] = "path", [IN_HEADER] = "header"};

	json_open(o, '{');
	json_kv_str(o, "name", p->name);
	json_kv_str(o, "in", places[p->place]);
	if (p->help)
		json_kv_str(o, "description", p->help);
	if (p->required || p->place == IN_PATH)
		json_kv_bool(o, "required", true);
	if (p->brackets)
		json_kv_str(o, "style", "deepObject");
	if (p->comma && p->place == IN_QUERY && !p->repeated)
		json_kv_bool(o, "explode", false);
	param_schema(o, p);
	json_close(o, '}');
}

/* Parts of the path that no row describes are described here. */
static void
path_params(struct json_out *o, const struct http_route *r)
{
	for (const char *at = strchr(r->path, '{'); at; at = strchr(at + 1, '{')) {
		size_t len = strcspn(at + 1, "*}");
		const struct http_param *p = r->params;
		char name[64];

		snprintf(name, sizeof name, "%.*s", (int)len, at + 1);
		while (p && p->name && (p->place != IN_PATH || strcmp(p->name, name) != 0))
			p++;
		if (!p || !p->name)
			param_put(o, &(struct http_param){.name = name, .place = IN_PATH, .type = HTTP_TEXT});
	}
}

static void
body_put(struct json_out *o, const struct http_route *r)
{
	bool needed = false;

	if (!r->body && !r->raw)
		return;
	for (const struct http_field *f = r->body; f && f->name; f++)
		needed |= f->required;
	json_key(o, "requestBody");
	json_open(o, '{');
	json_kv_bool(o, "required", needed);
	json_key(o, "content");
	json_open(o, '{');
	json_key(o, r->raw ? "*/*" : "application/json");
	json_open(o, '{');
	json_key(o, "schema");
	if (r->raw)
		json_put_raw(o, SLICE("{}"));
	else
		schema_put_object(o, r->body, r->loose);
	json_close(o, '}');
	json_close(o, '}');
	json_close(o, '}');
}

static void
operation_put(struct json_out *o, const struct http_route *r, const char *method, bool many)
{
	char key[16], id[120];
	size_t i = 0;

	for (; method[i] && i < sizeof key - 1; i++)
		key[i] = (char)(method[i] | 0x20);
	key[i] = '\0';
	snprintf(id, sizeof id, many ? "%s_%s" : "%s", r->name, key);
	json_key(o, key);
	json_open(o, '{');
	json_kv_str(o, "operationId", id);
	if (r->tag) {
		json_key(o, "tags");
		json_open(o, '[');
		json_put_str(o, r->tag);
		json_close(o, ']');
	}
	json_kv_str(o, "summary", r->summary ? r->summary : r->name);
	if (r->help)
		json_kv_str(o, "description", r->help);
	json_key(o, "security");
	json_put_raw(o, r->rights ? SLICE("[{\"key\":[]}]") : SLICE("[]"));
	json_key(o, "parameters");
	json_open(o, '[');
	path_params(o, r);
	for (const struct http_param *p = r->params; p && p->name; p++)
		param_put(o, p);
	json_close(o, ']');
	if (strcmp(method, "GET") != 0)
		body_put(o, r);
	answers_put(o, r);
	json_close(o, '}');
}

static void
operations_put(struct json_out *o, const struct http_route *r)
{
	static const char *const all[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

	if (*r->method != '*') {
		operation_put(o, r, r->method, false);
		return;
	}
	for (size_t i = 0; i < LENGTH(all); i++)
		operation_put(o, r, all[i], true);
}

/* The next row that is shown, behind r; NULL: begin. */
static const struct http_route *
route_next(const struct document *d, size_t *table, const struct http_route *r)
{
	r = r ? r + 1 : d->tables[*table];
	while (r) {
		if (!r->method)
			r = d->tables[*table] ? d->tables[++*table] : NULL;
		else if (r->hidden)
			r++;
		else
			return r;
	}
	return NULL;
}

static bool
path_seen(const struct document *d, const struct http_route *until)
{
	size_t table = 0;

	for (const struct http_route *r = route_next(d, &table, NULL); r && r != until; r = route_next(d, &table, r))
		if (strcmp(r->path, until->path) == 0)
			return true;
	return false;
}

static void
path_put(struct document *d, const struct http_route *first)
{
	char path[300];
	size_t n = 0, table = 0;

	for (const char *p = first->path; *p && n < sizeof path - 1; p++)
		if (*p != '*')
			path[n++] = *p;
	path[n] = '\0';
	json_key(&d->o, path);
	json_open(&d->o, '{');
	for (const struct http_route *r = route_next(d, &table, NULL); r; r = route_next(d, &table, r))
		if (strcmp(r->path, first->path) == 0)
			operations_put(&d->o, r);
	json_close(&d->o, '}');
}

static void
route_collect(struct document *d, const struct http_route *r)
{
	schemas_add_fields(&d->schemas, r->body);
	for (const struct http_answer *a = r->answers; a && a->status; a++)
		if (a->schema)
			schemas_add(&d->schemas, a->schema);
}

static void
info_put(struct json_out *o, const char *version)
{
	json_kv_str(o, "openapi", "3.0.3");
	json_key(o, "info");
	json_open(o, '{');
	json_kv_str(o, "title", "Sluice");
	json_kv_str(o, "version", version);
	json_kv_str(o, "description", "Records of remote APIs, synced and with their changes. Errors have one shape; "
	                              "X-Request-Id of an answer names it in the log.");
	json_close(o, '}');
	json_key(o, "servers");
	json_put_raw(o, SLICE("[{\"url\":\"/\"}]"));
}

void
openapi_write(const struct http_route *const *tables, const char *version, struct buf *out)
{
	struct document d = {.tables = tables, .o = json_out(out)};
	size_t table = 0;

	schemas_add(&d.schemas, &error_schema);
	for (const struct http_route *r = route_next(&d, &table, NULL); r; r = route_next(&d, &table, r))
		route_collect(&d, r);
	json_open(&d.o, '{');
	info_put(&d.o, version);
	json_key(&d.o, "paths");
	json_open(&d.o, '{');
	table = 0;
	for (const struct http_route *r = route_next(&d, &table, NULL); r; r = route_next(&d, &table, r))
		if (!path_seen(&d, r))
			path_put(&d, r);
	json_close(&d.o, '}');
	json_key(&d.o, "components");
	json_open(&d.o, '{');
	json_key(&d.o, "securitySchemes");
	json_put_raw(&d.o, SLICE("{\"key\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
	json_key(&d.o, "schemas");
	schemas_put(&d.o, &d.schemas);
	json_close(&d.o, '}');
	json_close(&d.o, '}');
}
