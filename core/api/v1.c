/* v1.c - see v1.h: parameters become a question, rows become an answer.
 *
 * Awkward: a question says only "usage" when something is not there. Which of its routes mean 404 by that stands in the
 * route's own row; and a connection that the path names is looked up here, so that a mistyped one is never a 400. */
#include <string.h>
#include <stdlib.h>
#include "api/v1.h"
#include "base/mem.h"
#include "serve/query.h"

const struct http_param v1_of_connection[] = {V1_CONNECTION, V1_INTEGRATION, {0}};
const struct http_param v1_of_sync[] = {V1_CONNECTION, V1_INTEGRATION, V1_SYNC, {0}};
const struct http_field v1_any_object[] = {{0}};

static const struct http_field done_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .help = "what it was about"},
	{0},
};
static const struct http_schema done_schema = {.name = "Done", .fields = done_fields, .loose = true};
const struct http_answer v1_done[] = {{.status = 200, .schema = &done_schema}, {0}};

/* ---- the question ---- */

static void
key_put(struct json_out *o, const char *name, const char *unit)
{
	char key[64];

	snprintf(key, sizeof key, "%s%s", name, unit);
	json_key(o, key);
}

static void
param_put(struct http_call *c, struct json_out *o, const struct http_param *p)
{
	const char *text = http_param(c, p->name);

	if (!text)
		return;
	key_put(o, p->name, p->type == HTTP_TIME ? "_us" : p->type == HTTP_DURATION ? "_ms" : "");
	switch (p->type) {
	case HTTP_INT:
	case HTTP_TIME:
	case HTTP_DURATION:
		json_put_int(o, http_param_int(c, p->name, 0));
		break;
	case HTTP_BOOL:
		json_put_bool(o, http_param_bool(c, p->name, false));
		break;
	default:
		json_put_str(o, text);
	}
}

static void
list_put(struct http_call *c, struct json_out *o, const struct http_param *p)
{
	const char *text;

	if (!http_param_at(c, p->name, 0))
		return;
	json_key(o, p->name);
	json_open(o, '[');
	for (size_t i = 0; (text = http_param_at(c, p->name, i)); i++)
		json_put_str(o, text);
	json_close(o, ']');
}

static void
field_put(struct http_call *c, struct json_out *o, const struct http_field *f)
{
	struct slice raw = http_field(c, f->name);
	char *text;
	int64_t v = 0;

	if (!raw.len || json_type(raw) == JSON_NULL)
		return;
	if (f->type != HTTP_TIME && f->type != HTTP_DURATION) {
		json_kv_raw(o, f->name, raw);
		return;
	}
	text = json_text(raw); /* checked by its row */
	if (f->type == HTTP_TIME)
		time_parse(slice_str(text), &v);
	else
		duration_parse(slice_str(text), &v);
	key_put(o, f->name, f->type == HTTP_TIME ? "_us" : "_ms");
	json_put_int(o, v);
	free(text);
}

void
v1_members(const struct api *a, struct http_call *c, struct json_out *o)
{
	const struct http_route *route = http_route_of(c);
	char who[128];

	(void)a;
	for (const struct http_param *p = route->params; p && p->name; p++)
		if (p->repeated)
			list_put(c, o, p);
		else
			param_put(c, o, p);
	for (const struct http_field *f = route->body; f && f->name; f++)
		field_put(c, o, f);
	snprintf(who, sizeof who, "key %s", http_key_name(c) ? http_key_name(c) : "(none)");
	json_kv_str(o, "who", who);
	json_kv_str(o, "by", who);
}

/* ---- the answer ---- */

struct answering {
	struct buf out;
	struct json_out json;
	bool list;
	size_t rows;
};

static void
row_take(void *arg, struct slice row)
{
	struct answering *w = arg;

	if (w->list || w->rows == 0)
		json_put_raw(&w->json, row);
	w->rows++;
}

/* The members of the end beside "data". */
static void
end_put(struct answering *w, struct slice end)
{
	struct json_iter it = json_iter(end);

	while (json_next(&it)) {
		char *key = slice_dup(it.key); /* the questions' own names: nothing in them is escaped */
		json_kv_raw(&w->json, key, it.value);
		free(key);
	}
}

static void
answer_fail(struct http_call *c, const struct v1_question *how, const struct err *err)
{
	if (how->missing && err->cls == ERR_USAGE)
		http_fail(c, 404, "not_found", "%s", err->text);
	else if (err->cls == ERR_USAGE)
		http_fail(c, 400, "invalid_request", "%s", err->text);
	else
		http_fail_err(c, err);
}

void
v1_answer(struct api *a, struct http_call *c, struct slice question, const struct v1_question *how)
{
	struct answering w = {.list = how->shape == V1_LIST};
	const struct query_sink sink = {row_take, &w};
	struct buf end = {0};
	struct err err = {0};
	int rc;

	w.json = json_out(&w.out);
	json_open(&w.json, '{');
	json_key(&w.json, "data");
	if (w.list)
		json_open(&w.json, '[');
	rc = query_answer(api_host(a), question, &sink, &end, &err);
	if (w.list)
		json_close(&w.json, ']');
	else if (!w.rows)
		json_put_null(&w.json);
	if (rc == 0)
		end_put(&w, buf_view(&end));
	json_close(&w.json, '}');
	if (rc != 0)
		answer_fail(c, how, &err);
	else if (how->shape == V1_ONE && !w.rows)
		http_fail(c, 404, "not_found", "there is no such thing");
	else
		http_reply(c, how->status ? how->status : 200, buf_view(&w.out));
	buf_free(&w.out);
	buf_free(&end);
}

bool
v1_connection_known(struct api *a, struct http_call *c)
{
	const char *connection = http_param(c, "connection"), *integration = http_param(c, "integration");

	if (!connection || settings_connection(host_settings(api_host(a)), connection, integration))
		return true;
	http_fail(c, 404, "unknown_connection", "there is no connection %s : %s: /api/v1/connections lists them", connection,
	          integration ? integration : "?");
	return false;
}

static bool
path_names_connection(const struct http_route *route)
{
	for (const struct http_param *p = route->params; p && p->name; p++)
		if (p->place == IN_PATH && strcmp(p->name, "connection") == 0)
			return true;
	return false;
}

void
v1_ask(struct http_call *c, void *arg)
{
	const struct v1_question *how = http_route_of(c)->data;
	struct api *a = arg;
	struct buf question = {0};
	struct json_out o = json_out(&question);

	if (!how->stranger && path_names_connection(http_route_of(c)) && !v1_connection_known(a, c))
		return;
	json_open(&o, '{');
	json_kv_str(&o, "query", how->query);
	v1_members(a, c, &o);
	if (how->whole)
		json_kv_raw(&o, "value", http_body(c));
	if (how->with)
		buf_printf(&question, ",%s", how->with);
	json_close(&o, '}');
	v1_answer(a, c, buf_view(&question), how);
	buf_free(&question);
}
