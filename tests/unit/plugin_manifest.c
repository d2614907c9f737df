/* plugin_manifest.c - manifests: read, judged, written again; and fields against values. */
#include "plugin/manifest.h"

#include <sluice.h>
#include "base/mem.h"
#include "../tap.h"

#define MODEL "\"models\":[{\"name\":\"Ticket\",\"fields\":[{\"name\":\"id\",\"type\":\"string\",\"key\":true}]}]"

TEST("a manifest becomes a struct and the same JSON again")
{
	const char *json =
		"{\"name\":\"desk\",\"version\":\"1.2.0\",\"description\":\"Help desk\",\"abi_major\":1,\"abi_minor\":0,"
		"\"base_url\":\"https://api.desk.example\",\"hosts\":[\"cdn.desk.example\"],\"auth\":\"header\","
		"\"auth_name\":\"X-Key\",\"auth_prefix\":\"k \",\"headers\":[\"Accept: text/json\"],\"scopes\":[\"tickets:read\"],"
		"\"rate\":{\"requests\":50,\"per_ms\":60000,\"remaining\":\"x-left\",\"groups\":[{\"match\":\"GET /s*\",\"requests\":5,\"per_ms\":1000}]},\"check\":true,"
		"\"options\":[{\"name\":\"team\",\"type\":\"string\",\"required\":true,\"default\":\"a\\u0022b\",\"form\":\"all | <team>\",\"help\":\"which\"}],"
		"\"models\":[{\"name\":\"Ticket\",\"description\":\"one\",\"fields\":[{\"name\":\"id\",\"type\":\"integer\",\"key\":true},"
		"{\"name\":\"mail\",\"type\":\"string\",\"optional\":true,\"sensitive\":true,\"description\":\"who\"}]}],"
		"\"syncs\":[{\"name\":\"tickets\",\"kind\":\"full\",\"models\":[\"Ticket\"],\"every\":\"90s\",\"track_deletes\":true,"
		"\"priority\":-3,\"endpoint\":\"GET /tickets\",\"description\":\"all\",\"input\":[{\"name\":\"ids\",\"type\":\"array\"}]}],"
		"\"actions\":[{\"name\":\"close\",\"timeout_ms\":30000,\"repeatable\":true,\"input\":[{\"name\":\"id\",\"type\":\"any\"}],"
		"\"output\":[{\"name\":\"ok\",\"type\":\"boolean\"}]}]}";
	struct err err = {0};
	struct buf again = {0};
	struct manifest *m = manifest_parse(slice_str(json), &err);

	if (!m)
		printf("# %s\n", err.text);
	REQUIRE(m);
	CHECK_STR(m->name, "desk");
	CHECK_INT(m->auth, SLUICE_HEADER_KEY);
	CHECK_INT(m->rate.requests, 50);
	CHECK_STR(m->hosts[0], "cdn.desk.example");
	CHECK(m->hosts[1] == NULL);
	CHECK_INT(m->models[0].key, 0);
	CHECK_INT(m->models[0].fields[1].flags, SLUICE_OPTIONAL | SLUICE_SENSITIVE);
	CHECK_INT(m->syncs[0].every_ms, 90000);
	CHECK_INT(m->syncs[0].flags, SLUICE_TRACK_DELETES);
	CHECK(manifest_sync(m, "tickets") == &m->syncs[0] && !manifest_sync(m, "ticket"));
	CHECK(manifest_action(m, "close") && manifest_model(m, "Ticket", NULL) && manifest_option(m, "team"));
	CHECK(m->has_check);
	manifest_write(&again, m);
	CHECK_STR(buf_str(&again), json);
	buf_free(&again);
	manifest_free(m);
}

TEST("what is not said is the usual: hourly, 30 seconds, no authentication, a minute")
{
	struct manifest *m = manifest_parse(slice_str("{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Ticket\"]}],"
						      "\"actions\":[{\"name\":\"a\"}],\"version\":null}"), NULL);

	REQUIRE(m);
	CHECK_INT(m->syncs[0].every_ms, 3600000);
	CHECK_INT(m->syncs[0].kind, SLUICE_INCREMENTAL);
	CHECK_INT(m->actions[0].timeout_ms, 30000);
	CHECK_INT(m->auth, SLUICE_NONE);
	CHECK_INT(m->rate.per_ms, 60000);
	CHECK(!m->has_check && !m->base_url && !m->version && m->hosts[0] == NULL);
	manifest_free(m);
}

/* ---- each rule, broken once ---- */

#define SYNC(more) "{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Ticket\"]" more "}]}"
#define FIELDS(list) "{\"name\":\"x\",\"models\":[{\"name\":\"M\",\"fields\":[" list "]}]}"

static const struct {
	const char *json, *says;
} broken[] = {
	{"", "not JSON"},
	{"[1]", "no JSON object"},
	{"{\"name\":\"x\"", "not JSON"},
	{"{\"name\":\"x\",\"name\":\"y\"}", "duplicate"},
	{"{}", "has no name"},
	{"{\"name\":\"a/b\"}", "letters, digits and - only"},
	{"{\"name\":\"..\"}", "letters, digits"},
	{"{\"name\":7}", "name is no text"},
	{"{\"name\":\"x\",\"auth\":\"magic\"}", "'magic' is not known"},
	{"{\"name\":\"x\",\"auth\":\"header\"}", "needs .auth_name"},
	{"{\"name\":\"x\",\"auth\":\"query\",\"auth_name\":\"a b\"}", "needs .auth_name"},
	{"{\"name\":\"x\",\"base_url\":\"ftp://x\"}", "base_url"},
	{"{\"name\":\"x\",\"headers\":[\"no colon\"]}", "'Name: value'"},
	{"{\"name\":\"x\",\"headers\":[\"A: b\\r\\nC: d\"]}", "'Name: value'"},
	{"{\"name\":\"x\",\"hosts\":[\"https://a\"]}", "no host name"},
	{"{\"name\":\"x\",\"hosts\":\"a\"}", "hosts is no list"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"token\"}]}", "belongs to the host"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"integer\",\"default\":\"a\"}]}", "option 'n': the default \"a\" is not of type integer"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"17\"}]}", "type '17' is not known"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\"},{\"name\":\"n\"}]}", "two options are called 'n'"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"string\",\"form\":\"a [b\"}]}", "option 'n': its form 'a [b': [ and ] are not in pairs"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"boolean\",\"form\":\"a\"}]}", "option 'n': only a SLUICE_STRING or SLUICE_INTEGER"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"string\",\"form\":\"a | b\",\"default\":\"c\"}]}", "the default 'c' is not of the form 'a | b'"},
	{"{\"name\":\"x\",\"options\":[{\"name\":\"n\",\"type\":\"string\",\"form\":\"<dataset>\"}]}", "the form <dataset> is for .dataset_options"},
	{"{\"name\":\"x\",\"dataset\":{},\"dataset_options\":[{\"name\":\"n\",\"type\":\"integer\",\"form\":\"<9..1>\"}]}", "dataset option 'n': its form"},
	{"{\"name\":\"x\",\"models\":[{\"name\":\"9M\"}]}", "a letter first"},
	{FIELDS(""), "model 'M': has 0 fields with SLUICE_KEY"},
	{FIELDS("{\"name\":\"a\",\"type\":\"string\",\"key\":true},{\"name\":\"b\",\"type\":\"string\",\"key\":true}"), "has 2 fields"},
	{FIELDS("{\"name\":\"a\",\"type\":\"object\",\"key\":true}"), "SLUICE_STRING, SLUICE_INTEGER, or SLUICE_ANY"},
	{FIELDS("{\"name\":\"a\",\"type\":\"string\",\"key\":true,\"optional\":true}"), "cannot be SLUICE_OPTIONAL"},
	{FIELDS("{\"name\":\"a\",\"type\":\"string\",\"key\":true},{\"name\":\"a\"}"), "two fields are called 'a'"},
	{FIELDS("{\"type\":\"string\",\"key\":true}"), "field 1 has no name"},
	{FIELDS("{\"name\":\"owner.id\",\"type\":\"string\",\"key\":true}"), "members at the top of a record"},
	{FIELDS("{\"name\":\"a\",\"type\":\"string\",\"key\":1}"), "neither true nor false"},
	{SYNC(",\"every\":\"1x\""), "sync 't': every: '1x' is no duration"},
	{SYNC(",\"every\":\"0s\""), "no duration"},
	{SYNC(",\"kind\":\"some\""), "'some' is not known"},
	{SYNC(",\"priority\":1e9"), "priority"},
	{SYNC(",\"input\":[{\"name\":\"a\",\"key\":true}]"), "only a model's field may be SLUICE_KEY"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\"}]}", "names no model"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Tickets\"]}]}",
	 "connector 'x': sync 't': model 'Tickets' is not declared; did you mean 'Ticket'?"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Zebra\"]}]}", "declare it in .models"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Ticket\"],\"track_deletes\":true},{\"name\":\"u\",\"models\":[\"Ticket\"]}]}",
	 "sync 't': tracks deletes of model 'Ticket', which sync 'u' writes too"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Ticket\"]},{\"name\":\"u\",\"models\":[\"Ticket\"]},"
	 "{\"name\":\"v\",\"models\":[\"Ticket\"],\"track_deletes\":true}]}",
	 "sync 'v': tracks deletes of model 'Ticket', which sync 't' writes too"},
	{"{\"name\":\"x\"," MODEL ",\"syncs\":[{\"name\":\"t\",\"models\":[\"Ticket\",\"Ticket\"],\"track_deletes\":true}]}",
	 "sync 't': names model 'Ticket' twice"},
	{"{\"name\":\"x\",\"syncs\":[7]}", "not every element is an object"},
	{"{\"name\":\"x\",\"actions\":[{\"name\":\"a\",\"timeout_ms\":-1}]}", "timeout_ms is -1"},
	{"{\"name\":\"x\",\"rate\":{\"requests\":-4}}", "requests is -4"},
	{"{\"name\":\"x\",\"rate\":{\"groups\":[{\"match\":\"search\",\"requests\":1}]}}", "rate group 'search': .match is a path"},
	{"{\"name\":\"x\",\"rate\":{\"groups\":[{\"match\":\"GET /a\"}]}}", "rate group 'GET /a': has no .requests"},
	{"{\"name\":\"x\",\"rate\":{\"groups\":[{\"match\":\"/a\",\"requests\":1},{\"match\":\"/a\",\"requests\":2}]}}",
	 "two rate groups are called '/a'"},
};

TEST("each rule that is broken is named with its place")
{
	for (size_t i = 0; i < LENGTH(broken); i++) {
		struct err err = {0};
		struct manifest *m = manifest_parse(slice_str(broken[i].json), &err);

		CHECK(m == NULL);
		CHECK_HAS(err.text, broken[i].says);
		CHECK_INT(err.cls, ERR_CONNECTOR);
		manifest_free(m);
	}
}

TEST("a list of more than 1000, and text of more than 16 KiB, is refused")
{
	struct buf b = {0};
	struct err err = {0};

	buf_puts(&b, "{\"name\":\"x\",\"scopes\":[\"a\"");
	for (int i = 0; i < 1000; i++)
		buf_puts(&b, ",\"a\"");
	buf_puts(&b, "]}");
	CHECK(!manifest_parse(buf_view(&b), &err));
	CHECK_HAS(err.text, "longer than 1000");
	buf_clear(&b);
	buf_puts(&b, "{\"name\":\"x\",\"description\":\"");
	for (int i = 0; i < 16384; i++)
		buf_putc(&b, 'a');
	buf_puts(&b, "\"}");
	CHECK(!manifest_parse(buf_view(&b), &err));
	CHECK_HAS(err.text, "description");
	buf_free(&b);
}

/* ---- values ---- */

static const struct {
	int type, flags;
	const char *value;
	bool fits;
} values[] = {
	{SLUICE_ANY, 0, "null", true},           {SLUICE_STRING, 0, "\"a\"", true},   {SLUICE_STRING, 0, "1", false},
	{SLUICE_STRING, 0, "null", false},       {SLUICE_STRING, SLUICE_OPTIONAL, "null", true},
	{SLUICE_INTEGER, 0, "18446744073709551616", true}, {SLUICE_INTEGER, 0, "-0", true}, {SLUICE_INTEGER, 0, "1.0", false},
	{SLUICE_INTEGER, 0, "1e3", false},       {SLUICE_NUMBER, 0, "1e3", true},     {SLUICE_NUMBER, 0, "\"1\"", false},
	{SLUICE_BOOLEAN, 0, "false", true},      {SLUICE_BOOLEAN, 0, "0", false},
	{SLUICE_TIME, 0, "\"2026-11-23T06:55:17Z\"", true}, {SLUICE_TIME, 0, "\"2026-11-23T08:55:17.5+02:00\"", true},
	{SLUICE_TIME, 0, "1763880917.25", true}, {SLUICE_TIME, 0, "\"yesterday\"", false}, {SLUICE_TIME, 0, "\"\"", false},
	{SLUICE_OBJECT, 0, "{}", true},          {SLUICE_OBJECT, 0, "[]", false},     {SLUICE_ARRAY, 0, "[1]", true},
	{SLUICE_ARRAY, 0, "{}", false},          {99, 0, "1", false},
};

TEST("values match their declared types, integers of any length among them")
{
	for (size_t i = 0; i < LENGTH(values); i++)
		if (type_matches(values[i].type, values[i].flags, slice_str(values[i].value)) != values[i].fits)
			tap_fail(__FILE__, __LINE__, values[i].value);
}

TEST("an object that lacks a field, or holds another type, is refused by the field's name")
{
	char id[] = "id", note[] = "note";
	const struct manifest_field fields[] = {{id, NULL, SLUICE_INTEGER, 0}, {note, NULL, SLUICE_STRING, SLUICE_OPTIONAL}};
	struct err err = {0};

	CHECK(fields_match(fields, 2, slice_str(" {\"id\":1,\"more\":[]} "), &err));
	CHECK(fields_match(fields, 2, slice_str("{\"note\":null,\"id\":1}"), &err));
	CHECK(!fields_match(fields, 2, slice_str("{\"note\":\"a\"}"), &err));
	CHECK_HAS(err.text, "'id' is missing");
	CHECK(!fields_match(fields, 2, slice_str("{\"id\":\"7\"}"), &err));
	CHECK_HAS(err.text, "'id' is a string (\"7\"), not of type integer");
	CHECK(!fields_match(fields, 2, slice_str("[]"), &err));
	CHECK_HAS(err.text, "an array where an object is wanted");
}
