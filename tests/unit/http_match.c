/* http_match.c - core/http/match.h, and the document written from the same rows. */
#include "base/json.h"
#include "http/match.h"
#include "http/openapi.h"
#include "../tap.h"

static const struct http_field inner[] = {{.name = "name", .type = HTTP_TEXT, .required = true}, {0}};
static const struct http_schema thing = {.name = "Thing", .fields = inner};
static const struct http_answer answers[] = {{.status = 200, .schema = &thing}, {0}};
static const struct http_route first[] = {
	{.method = "GET", .path = "/things", .name = "listThings", .rights = RIGHT_READ, .answers = answers},
	{.method = "POST", .path = "/things/labels", .name = "setLabels", .rights = RIGHT_WRITE, .body = inner},
	{.method = "GET", .path = "/things/{id*}", .name = "getThing"},
	{.method = "DELETE", .path = "/things/{id*}", .name = "dropThing"},
	{0},
};
static const struct http_route second[] = {
	{.method = "GET", .path = "/a/{b}/c/{d}", .name = "getD"},
	{.method = "GET", .path = "/hidden", .name = "getHidden", .hidden = true},
	{.method = "*", .path = "/proxy/{rest*}", .name = "proxy", .raw = true},
	{.method = "GET", .path = "/", .name = "index"},
	{0},
};
static const struct http_route *const tables[] = {first, second, NULL};

static const char *
found(const char *method, const char *path, struct http_match *m)
{
	http_match(tables, method, slice_str(path), m);
	return m->route ? m->route->name : m->known ? "(405)" : "(404)";
}

TEST("a path and a method mean one row")
{
	struct http_match m;

	CHECK_STR(found("GET", "/things", &m), "listThings");
	CHECK_STR(found("HEAD", "/things", &m), "listThings");
	CHECK_STR(found("GET", "/things/", &m), "listThings");
	CHECK_STR(found("POST", "/things", &m), "(405)");
	CHECK_STR(found("GET", "/thing", &m), "(404)");
	CHECK_STR(found("GET", "/thingss", &m), "(404)");
	CHECK_STR(found("GET", "/", &m), "index");
	CHECK_STR(found("GET", "//", &m), "index");
	CHECK_STR(found("GET", "", &m), "index");
	CHECK_STR(found("PATCH", "/proxy/x", &m), "proxy");
	CHECK_STR(found("PATCH", "/proxy/", &m), "(404)");
}

TEST("a tail takes slashes and all else, a segment does not")
{
	struct http_match m;

	CHECK_STR(found("GET", "/things/a/b|c@{d}", &m), "getThing");
	CHECK_INT(m.n_vars, 1);
	CHECK(slice_is(m.vars[0].name, "id"));
	CHECK(slice_is(m.vars[0].text, "a/b|c@{d}"));
	CHECK_STR(found("GET", "/a/1/c/2", &m), "getD");
	CHECK(slice_is(m.vars[0].text, "1") && slice_is(m.vars[1].text, "2"));
	CHECK_STR(found("GET", "/a/1/c/2/", &m), "getD");
	CHECK_STR(found("GET", "/a/1/c/2/3", &m), "(404)");
	CHECK_STR(found("GET", "/a//c/2", &m), "(404)");
	CHECK_STR(found("GET", "/a/1/c", &m), "(404)");
}

TEST("the first row that fits wins, and another method's row does not stand in its way")
{
	struct http_match m;

	CHECK_STR(found("POST", "/things/labels", &m), "setLabels");
	CHECK_STR(found("GET", "/things/labels", &m), "getThing");
	CHECK_STR(found("PUT", "/things/labels", &m), "(405)");
}

TEST("what a path answers is listed for 405 and OPTIONS")
{
	struct buf allow = {0};

	http_match_allow(tables, SLICE("/things/labels"), &allow);
	CHECK_STR(buf_str(&allow), "POST, GET, HEAD, DELETE, OPTIONS");
	buf_free(&allow);
}

TEST("the document has each path once, its methods, its schemas, and nothing hidden")
{
	struct buf text = {0};
	struct slice at, doc;

	openapi_write(tables, "1.2", &text);
	doc = buf_view(&text);
	REQUIRE(json_check(doc, 0, NULL));
	CHECK(json_path(doc, "paths./things.get.responses.200.content.application/json.schema.$ref", &at) &&
	      json_string_is(at, "#/components/schemas/Thing"));
	CHECK(json_path(doc, "paths./things/{id}.get", &at));
	CHECK(json_path(doc, "paths./things/{id}.delete.parameters.0.required", &at) && slice_is(at, "true"));
	CHECK(json_path(doc, "paths./things.get.security.0.key", &at));
	CHECK(json_path(doc, "paths./things.get.responses.401", &at));
	CHECK(!json_path(doc, "paths./a/{b}/c/{d}.get.responses.401", &at));
	CHECK(json_path(doc, "paths./things/labels.post.requestBody.content.application/json.schema.required.0", &at) &&
	      json_string_is(at, "name"));
	CHECK(json_path(doc, "paths./proxy/{rest}.patch", &at));
	CHECK(!json_path(doc, "paths./hidden", &at));
	CHECK(json_path(doc, "components.schemas.Error.properties.error", &at));
	buf_free(&text);
}
