/* http_params.c - core/http/params.h and fields.h: what a request brings, against the rows of its route. */
#include "http/fields.h"
#include "http/params.h"
#include "base/json.h"
#include "../tap.h"

static const char *const words[] = {"ADDED", "UPDATED", NULL};
static const struct http_param rows[] = {
	{.name = "model", .type = HTTP_NAME, .required = true},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = 100},
	{.name = "ids", .type = HTTP_TEXT, .repeated = true},
	{.name = "syncs", .type = HTTP_NAME, .comma = true},
	{.name = "filter", .type = HTTP_WORD, .words = words},
	{.name = "since", .type = HTTP_TIME},
	{.name = "wait", .type = HTTP_DURATION, .min = 0, .max = 60000},
	{.name = "force", .type = HTTP_BOOL},
	{.name = "tags", .type = HTTP_TEXT, .repeated = true, .brackets = true},
	{.name = "Connection-Id", .place = IN_HEADER, .type = HTTP_NAME, .required = true},
	{.name = "id", .place = IN_PATH, .type = HTTP_NAME, .max = 5},
	{0},
};
static const struct http_route route = {.method = "GET", .path = "/x/{id}/{other*}", .params = rows};

struct trial {
	struct http_values v;
	struct http_faults f;
};

static void
trial_end(struct trial *t)
{
	http_values_finish(&t->v);
	http_fault_finish(&t->f);
	*t = (struct trial){0};
}

static const char *
first_of(const struct trial *t, const char *name, size_t i)
{
	const struct http_value *v = http_values_get(&t->v, name, i);

	return v ? v->text : "(none)";
}

TEST("parameters are decoded once and have their types")
{
	struct trial t = {0};

	http_values_query(&t.v, &route, "model=a+b%2Bc&limit=7&force=true&since=2026-01-02T03:04:05Z&wait=30s&filter=added", &t.f);
	CHECK_INT(t.f.n, 0);
	CHECK_STR(first_of(&t, "model", 0), "a b+c");
	CHECK_INT(http_values_get(&t.v, "limit", 0)->number, 7);
	CHECK_INT(http_values_get(&t.v, "force", 0)->number, 1);
	CHECK_INT(http_values_get(&t.v, "since", 0)->number, 1767323045000000);
	CHECK_INT(http_values_get(&t.v, "wait", 0)->number, 30000);
	CHECK_STR(first_of(&t, "filter", 0), "ADDED");
	trial_end(&t);
}

TEST("lists come repeated, with commas, and in brackets")
{
	struct trial t = {0};

	http_values_query(&t.v, &route, "model=m&ids=1&ids=2,3&syncs=a,b::v,c&tags[one]=x&tags%5Btwo%5D=y%3Dz", &t.f);
	CHECK_INT(t.f.n, 0);
	CHECK_STR(first_of(&t, "ids", 1), "2,3");
	CHECK_STR(first_of(&t, "syncs", 1), "b::v");
	CHECK_STR(first_of(&t, "syncs", 2), "c");
	CHECK_STR(first_of(&t, "tags", 0), "one=x");
	CHECK_STR(first_of(&t, "tags", 1), "two=y=z");
	trial_end(&t);
}

static const struct { const char *query, *fault; } wrong[] = {
	{"", "model: Required"},
	{"model=", "model: must be at least 1 bytes long"},
	{"model=m&other=1", "other: is no parameter of this route"},
	{"model=m&model=n", "model: is given more than once"},
	{"model=m&limit=0", "limit: must be at least 1"},
	{"model=m&limit=101", "limit: must be at most 100"},
	{"model=m&limit=1e3", "limit: must be a whole number"},
	{"model=m&limit=99999999999999999999", "limit: must be a whole number"},
	{"model=m&filter=gone", "filter: must be one of: ADDED, UPDATED"},
	{"model=m&since=yesterday", "since: must be a time"},
	{"model=m&wait=61s", "wait: must be at most 60000 ms"},
	{"model=m&force=yes", "force: must be true or false"},
	{"model=%00", "model: is no UTF-8 text without control bytes"},
	{"model=%0a", "model: is no UTF-8 text"},
	{"model=%ff", "model: is no UTF-8 text"},
	{"model=%4", "model: is no UTF-8 text"},
	{"model=%zz", "model: is no UTF-8 text"},
	{"model=m&%ff=1", "?: is no UTF-8 text"},
	{"model=m&tags=x", "tags: is no parameter"},
	{"model=m&limit[a]=1", "limit[a]: is no parameter"},
};

TEST("whatever does not fit its row is a fault that names it")
{
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct trial t = {0};

		http_values_query(&t.v, &route, wrong[i].query, &t.f);
		CHECK_HAS(buf_str(&t.f.first), wrong[i].fault);
		trial_end(&t);
	}
}

TEST("all faults are told, with codes and paths, and never more than twenty")
{
	struct trial t = {0};
	struct buf error = {0}, query = {0};
	struct slice at;

	buf_puts(&query, "limit=x&force=maybe");
	for (int i = 0; i < 100; i++)
		buf_printf(&query, "&unknown%d=1", i);
	http_values_query(&t.v, &route, buf_str(&query), &t.f);
	http_fault_error(&t.f, "invalid_query_params", &error);
	REQUIRE(json_check(buf_view(&error), 0, NULL));
	CHECK(json_path(buf_view(&error), "code", &at) && json_string_is(at, "invalid_query_params"));
	CHECK(json_path(buf_view(&error), "errors.0.code", &at) && json_string_is(at, "invalid_type"));
	CHECK(json_path(buf_view(&error), "errors.0.path.0", &at) && json_string_is(at, "limit"));
	CHECK(json_path(buf_view(&error), "errors", &at) && json_count(at) == FAULTS_MAX);
	buf_free(&error);
	buf_free(&query);
	trial_end(&t);
}

static const char *
header_of(const void *arg, const char *name)
{
	return strcmp(name, "Connection-Id") == 0 ? arg : NULL;
}

TEST("a header without a value was not given")
{
	struct trial t = {0};

	http_values_headers(&t.v, &route, header_of, "", &t.f);
	CHECK_HAS(buf_str(&t.f.first), "Connection-Id: Required");
	trial_end(&t);
	http_values_headers(&t.v, &route, header_of, "acme", &t.f);
	CHECK_INT(t.f.n, 0);
	CHECK_STR(first_of(&t, "Connection-Id", 0), "acme");
	trial_end(&t);
}

TEST("a path's parts are decoded, checked where a row says how, and a plus stays one")
{
	const struct http_route *const tables[] = {(const struct http_route[]){route, {0}}, NULL};
	struct http_match m;
	struct trial t = {0};

	http_match(tables, "GET", SLICE("/x/a+b/c%2Fd/%C3%A4"), &m);
	REQUIRE(m.route);
	http_values_path(&t.v, &m, &t.f);
	CHECK_INT(t.f.n, 0);
	CHECK_STR(first_of(&t, "id", 0), "a+b");
	CHECK_STR(first_of(&t, "other", 0), "c/d/\xc3\xa4");
	trial_end(&t);
	http_match(tables, "GET", SLICE("/x/toolong/y"), &m);
	http_values_path(&t.v, &m, &t.f);
	CHECK_HAS(buf_str(&t.f.first), "id: must be at most 5");
	trial_end(&t);
}

/* ---- bodies ---- */

static const struct http_field sync_fields[] = {
	{.name = "name", .type = HTTP_TEXT, .required = true}, {.name = "variant", .type = HTTP_TEXT}, {0}};
static const struct http_schema sync_schema = {.name = "SyncName", .fields = sync_fields};
static const struct http_field body[] = {
	{.name = "syncs", .type = HTTP_ARRAY, .required = true, .max = 3, .of = &sync_schema, .or_text = true},
	{.name = "key", .type = HTTP_NAME, .required = true},
	{.name = "connection_id", .type = HTTP_NAME, .nullable = true},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = 10},
	{.name = "opts", .type = HTTP_OBJECT, .of = &sync_schema},
	{.name = "mode", .type = HTTP_WORD, .words = words},
	{.name = "input", .type = HTTP_ANY},
	{0},
};
static const struct { const char *json, *fault; } bodies[] = {
	{"{\"syncs\":[\"a\",{\"name\":\"b\",\"variant\":\"c\"}],\"key\":\"k\",\"connection_id\":null,\"input\":[1]}", NULL},
	{"[]", "must be an object"},
	{"{\"key\":\"k\"}", "syncs: Required"},
	{"{\"syncs\":\"a\",\"key\":\"k\"}", NULL},
	{"{\"syncs\":7,\"key\":\"k\"}", "syncs: must be an array"},
	{"{\"syncs\":[7],\"key\":\"k\"}", "syncs[0]: must be an object"},
	{"{\"syncs\":[\"a\",{\"variant\":\"c\"}],\"key\":\"k\"}", "syncs[1].name: Required"},
	{"{\"syncs\":[1,2,3,4],\"key\":\"k\"}", "syncs: must be at most 3 items"},
	{"{\"syncs\":[],\"key\":\"\"}", "key: must be at least 1 bytes"},
	{"{\"syncs\":[],\"key\":null}", "key: must be a string"},
	{"{\"syncs\":[],\"key\":\"k\",\"limit\":11}", "limit: must be at most 10"},
	{"{\"syncs\":[],\"key\":\"k\",\"limit\":1.5}", "limit: must be a whole number"},
	{"{\"syncs\":[],\"key\":\"k\",\"limit\":\"5\"}", "limit: must be a number"},
	{"{\"syncs\":[],\"key\":\"k\",\"opts\":{\"name\":\"x\",\"odd\":1}}", "opts.odd: is no field"},
	{"{\"syncs\":[],\"key\":\"k\",\"mode\":\"NEVER\"}", "mode: must be one of: ADDED, UPDATED"},
	{"{\"syncs\":[],\"key\":\"k\",\"extra\":1}", "extra: is no field of this body"},
	{"{\"syncs\":[],\"key\":\"k\\u0000other\"}", "key: holds a control byte"},
	{"{\"syncs\":[],\"key\":\"k\\nlog line\"}", "key: holds a control byte"},
	{"{\"syncs\":\"a\\u0000\",\"key\":\"k\"}", "syncs: holds a NUL byte"},
	{"{\"syncs\":[\"a\\u0000b\"],\"key\":\"k\"}", "syncs[0]: holds a NUL byte"},
	{"{\"syncs\":[{\"name\":\"a\\u0000b\"}],\"key\":\"k\"}", "syncs[0].name: holds a NUL byte"},
	{"{\"syncs\":[{\"name\":\"a\\nb\"}],\"key\":\"k\"}", NULL},
};

TEST("a body is checked along its rows, downwards, with the path to what is wrong")
{
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct http_faults f = {0};

		http_fields_check(body, false, slice_str(bodies[i].json), &f);
		if (bodies[i].fault)
			CHECK_HAS(buf_str(&f.first), bodies[i].fault);
		else
			CHECK_STR(buf_str(&f.first), "");
		http_fault_finish(&f);
	}
}

TEST("a loose route lets unknown fields through, and still checks the known ones")
{
	struct http_faults f = {0};

	CHECK(http_fields_check(body, true, SLICE("{\"syncs\":[],\"key\":\"k\",\"extra\":1}"), &f));
	CHECK(!http_fields_check(body, true, SLICE("{\"syncs\":[],\"key\":1,\"extra\":1}"), &f));
	http_fault_finish(&f);
}
