/* request.c - what a route's code may ask of the request that it was handed: by the names that its row has declared.
 *
 * All of it was checked before (check.c, params.c, fields.c): a parameter has its type and stands within its range, a body
 * is JSON of the row's shape; only a raw route has the bytes as they came. What is given is borrowed from the call, and good
 * until that is answered; http_field_text makes a copy. May be asked on the loop and in the HTTP thread, wherever the call
 * is at the time. */
#include "http/inner.h"

const struct http_route *
http_route_of(const struct http_call *c)
{
	return c->route;
}

const char *
http_method(const struct http_call *c)
{
	return c->method;
}

const char *
http_id(const struct http_call *c)
{
	return c->id;
}

const char *
http_key_name(const struct http_call *c)
{
	return c->key_name;
}

unsigned
http_rights(const struct http_call *c)
{
	return c->rights;
}

const char *
http_header(const struct http_call *c, const char *name)
{
	return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

struct each_header {
	void (*each)(void *arg, const char *name, const char *value);
	void *arg;
};

static enum MHD_Result
header_give(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	const struct each_header *e = cls;

	(void)kind;
	e->each(e->arg, name, value ? value : "");
	return MHD_YES;
}

void
http_headers_each(const struct http_call *c, void (*each)(void *arg, const char *name, const char *value), void *arg)
{
	struct each_header e = {each, arg};

	MHD_get_connection_values(c->connection, MHD_HEADER_KIND, header_give, &e);
}

const char *
http_query(const struct http_call *c)
{
	return c->query;
}

const char *
http_target(const struct http_call *c)
{
	return c->target;
}

const char *
http_param_at(const struct http_call *c, const char *name, size_t i)
{
	const struct http_value *v = http_values_get(&c->values, name, i);

	return v ? v->text : NULL;
}

const char *
http_param(const struct http_call *c, const char *name)
{
	return http_param_at(c, name, 0);
}

int64_t
http_param_int(const struct http_call *c, const char *name, int64_t otherwise)
{
	const struct http_value *v = http_values_get(&c->values, name, 0);

	return v ? v->number : otherwise;
}

bool
http_param_bool(const struct http_call *c, const char *name, bool otherwise)
{
	return http_param_int(c, name, otherwise) != 0;
}

struct slice
http_body(const struct http_call *c)
{
	return buf_view(&c->body);
}

struct slice
http_field(const struct http_call *c, const char *name)
{
	struct slice value;

	return c->body.len && json_member(buf_view(&c->body), name, &value) ? value : (struct slice){0};
}

char *
http_field_text(const struct http_call *c, const char *name)
{
	struct slice value = http_field(c, name);

	return value.len && json_type(value) != JSON_NULL ? json_text(value) : NULL;
}
