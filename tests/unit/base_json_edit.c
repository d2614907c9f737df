/* base_json_edit.c - reading in place, merging, and writing JSON. */
#include "../tap.h"
#include "base/json.h"
#include "base/mem.h"

TEST("members are visited in order")
{
	struct json_iter it = json_iter(SLICE(" { \"a\" : 1 , \"b\\n\" : [ 2 , { } ] , \"c\" : \"}\" } "));

	REQUIRE(json_next(&it));
	CHECK(slice_is(it.key, "a") && slice_is(it.value, "1"));
	REQUIRE(json_next(&it));
	CHECK(slice_is(it.key, "b\\n") && slice_is(it.value, "[ 2 , { } ]"));
	REQUIRE(json_next(&it));
	CHECK(slice_is(it.key, "c") && slice_is(it.value, "\"}\""));
	CHECK(!json_next(&it));
	CHECK(!json_next(&it));
}

TEST("elements are visited, and brackets or quotes in strings lead nobody astray")
{
	struct json_iter it = json_iter(SLICE("[\"]\",\"\\\"]\",[\"[\",[\"]]\"]],{\"{\":\"\\\\\"},-1.5e3,null,\"a longer string, with \\\" in it\"]"));
	const char *const want[] = {"\"]\"", "\"\\\"]\"", "[\"[\",[\"]]\"]]", "{\"{\":\"\\\\\"}", "-1.5e3", "null",
		"\"a longer string, with \\\" in it\""};

	for (size_t i = 0; i < LENGTH(want); i++) {
		REQUIRE(json_next(&it));
		CHECK_STR(slice_is(it.value, want[i]) ? "" : want[i], "");
		CHECK_INT(it.key.len, 0);
	}
	CHECK(!json_next(&it));
	it = json_iter(SLICE("\"[1]\""));
	CHECK(!json_next(&it));
	it = json_iter((struct slice){0});
	CHECK(!json_next(&it));
	CHECK_INT(json_count(SLICE("[]")), 0);
	CHECK_INT(json_count(SLICE(" [ ] ")), 0);
	CHECK_INT(json_count(SLICE("[1,[2,3]]")), 2);
	CHECK_INT(json_count(SLICE("{\"a\":{},\"b\":[1,2]}")), 2);
	CHECK_INT(json_count(SLICE("7")), 0);
}

TEST("a value's type is told by its first byte")
{
	CHECK_INT(json_type(SLICE(" null")), JSON_NULL);
	CHECK_INT(json_type(SLICE("false")), JSON_FALSE);
	CHECK_INT(json_type(SLICE("true")), JSON_TRUE);
	CHECK_INT(json_type(SLICE("-1")), JSON_NUMBER);
	CHECK_INT(json_type(SLICE("9")), JSON_NUMBER);
	CHECK_INT(json_type(SLICE("\n\"\"")), JSON_STRING);
	CHECK_INT(json_type(SLICE("[]")), JSON_ARRAY);
	CHECK_INT(json_type(SLICE("{}")), JSON_OBJECT);
	CHECK_INT(json_type(SLICE("")), JSON_INVALID);
	CHECK_INT(json_type(SLICE("x")), JSON_INVALID);
}

TEST("members are found by their exact name, escapes resolved")
{
	struct slice object = SLICE("{\"Id\":1,\"id\":2,\"\\u0069d2\":3,\"a.b\":{\"c\":[10,{\"d\":4}]},\"n\\u0000\":5}"), v = {0};

	CHECK(json_member(object, "id", &v) && slice_is(v, "2"));
	CHECK(json_member(object, "id2", &v) && slice_is(v, "3"));
	CHECK(!json_member(object, "ID", &v));
	CHECK(!json_member(object, "i", &v));
	CHECK(!json_member(object, "n", &v));
	CHECK(!json_member(SLICE("[1]"), "0", &v));
	CHECK(json_path(object, "a\\.b.c.1.d", &v) && slice_is(v, "4"));
	CHECK(json_path(object, "a\\.b.c.0", &v) && slice_is(v, "10"));
	CHECK(!json_path(object, "a.b.c", &v));
	CHECK(!json_path(object, "a\\.b.c.2", &v));
	CHECK(!json_path(object, "a\\.b.c.x", &v));
	CHECK(!json_path(object, "id.x", &v));
	CHECK(json_path(SLICE(" [1] "), "", &v) && slice_is(v, "[1]"));
}

TEST("strings are unescaped, NUL and surrogates included")
{
	struct buf b = {0};
	char *text;

	CHECK(json_unquote(SLICE("\"a\\u0000b\\ud83d\\ude00\\n\\/\\\\\\\"\\t\\b\\f\\r\\u00e9\""), &b));
	CHECK(slice_eq(buf_view(&b), SLICE("a\0b\xf0\x9f\x98\x80\n/\\\"\t\b\f\r\xc3\xa9")));
	CHECK(!json_unquote(SLICE("12"), &b));
	CHECK(json_unquote(SLICE("\"\""), &b));
	CHECK(json_string_is(SLICE("\"\\u0041b\""), "Ab"));
	CHECK(!json_string_is(SLICE("\"\\u0041b\""), "Abc"));
	CHECK(!json_string_is(SLICE("\"\\u0041bc\""), "Ab"));
	CHECK(!json_string_is(SLICE("\"a\\u0000\""), "a"));
	CHECK(!json_string_is(SLICE("1"), "1"));
	CHECK_STR(text = json_text(SLICE("\"a\\u00e9\"")), "a\xc3\xa9");
	free(text);
	CHECK_STR(text = json_text(SLICE(" 18446744073709551615 ")), "18446744073709551615");
	free(text);
	CHECK_STR(text = json_text(SLICE("{\"a\": 1}")), "{\"a\": 1}");
	free(text);
	buf_free(&b);
}

TEST("integers are taken exactly or not at all")
{
	static const struct { const char *text; bool fine; int64_t value; } table[] = {
		{"0", true, 0}, {"-0", true, 0}, {"42", true, 42}, {"-7", true, -7},
		{"9007199254740993", true, 9007199254740993},
		{"9223372036854775807", true, INT64_MAX}, {"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0}, {"18446744073709551615", false, 0}, {"1.0", false, 0},
		{"1e3", false, 0}, {"\"1\"", false, 0},
		{"null", false, 0}, {"-", false, 0}, {"", false, 0}, {"[1]", false, 0},
	};

	for (size_t i = 0; i < LENGTH(table); i++) {
		int64_t v = 0;
		CHECK_INT(json_int(slice_str(table[i].text), &v), table[i].fine);
		CHECK_INT(v, table[i].value);
	}
	bool truth = false;
	CHECK(json_bool(SLICE(" true"), &truth) && truth);
	CHECK(json_bool(SLICE("false"), &truth) && !truth);
	CHECK(!json_bool(SLICE("1"), &truth));
	CHECK(!json_bool(SLICE("\"true\""), &truth));
}

static const char *
merged(const char *base, const char *patch, bool deep)
{
	static struct buf b;

	buf_clear(&b);
	(deep ? json_merge : json_merge_top)(&b, slice_str(base), slice_str(patch));
	CHECK(json_check(buf_view(&b), 0, NULL));
	return buf_str(&b);
}

TEST("a patch is merged deeply, member by member")
{
	CHECK_STR(merged("{\"a\":1,\"b\":{\"c\":2,\"d\":3}}", "{\"b\":{\"d\":4,\"e\":5},\"f\":6}", true),
	          "{\"a\":1,\"b\":{\"c\":2,\"d\":4,\"e\":5},\"f\":6}");
	CHECK_STR(merged("{\"a\":{\"x\":1}}", "{\"a\":null}", true), "{\"a\":null}");
	CHECK_STR(merged("{\"a\":null}", "{\"a\":{\"x\":1}}", true), "{\"a\":{\"x\":1}}");
	CHECK_STR(merged("{\"a\":[1,2]}", "{\"a\":[3]}", true), "{\"a\":[3]}");
	CHECK_STR(merged("{\"a\":1}", "{}", true), "{\"a\":1}");
	CHECK_STR(merged("{}", "{\"a\":1}", true), "{\"a\":1}");
	CHECK_STR(merged("{}", "{}", true), "{}");
	CHECK_STR(merged("[1]", "{\"a\":1}", true), "{\"a\":1}");
	CHECK_STR(merged("{\"a\":1}", " 7 ", true), "7");
	CHECK_STR(merged("{\"\\u0061\":1}", "{\"a\":2}", true), "{\"\\u0061\":2}");
	CHECK_STR(merged(" { \"a\" : 9007199254740993 , \"b\" : 1.50 } ", "{\"c\":1e999}", true),
		"{\"a\":9007199254740993,\"b\":1.50,\"c\":1e999}");
}

TEST("the top-level merge replaces what the deep one would merge")
{
	CHECK_STR(merged("{\"a\":{\"x\":1},\"b\":2}", "{\"a\":{\"y\":3},\"c\":null}", false),
		"{\"a\":{\"y\":3},\"b\":2,\"c\":null}");
}

TEST("a patch of 50 000 members over as many does not take their product")
{
	struct buf base = {0}, patch = {0}, out = {0};
	int64_t v = 0;
	struct slice found;

	for (int i = 0; i < 50000; i++) {
		buf_printf(&base, "%c\"k%d\":%d", i ? ',' : '{', i, i);
		buf_printf(&patch, "%c\"k%d\":%d", i ? ',' : '{', 25000 + i, -i);
	}
	buf_putc(&base, '}');
	buf_putc(&patch, '}');
	json_merge(&out, buf_view(&base), buf_view(&patch));
	CHECK_INT(json_count(buf_view(&out)), 75000);
	CHECK(json_member(buf_view(&out), "k25001", &found) && json_int(found, &v));
	CHECK_INT(v, -1);
	CHECK(json_check(buf_view(&out), 0, NULL));
	buf_free(&base);
	buf_free(&patch);
	buf_free(&out);
}

TEST("white space is taken out and put in, and strings stay as they are")
{
	struct buf b = {0};

	json_compact(&b, SLICE(" { \"a b\" : [ 1 , \" x \\\" , \" , { } , [ ] ] ,\n\"c\":\tnull } "));
	CHECK_STR(buf_str(&b), "{\"a b\":[1,\" x \\\" , \",{},[]],\"c\":null}");
	buf_clear(&b);
	json_pretty(&b, SLICE("{\"a\":[1,{\"b\":\"x,y\"}],\"e\":{},\"f\":[]}"));
	CHECK_STR(buf_str(&b),
		"{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,y\"\n    }\n  ],\n  \"e\": {},\n  \"f\": []\n}");
	buf_clear(&b);
	json_compact(&b, SLICE("  7 "));
	CHECK_STR(buf_str(&b), "7");
	buf_free(&b);
}

TEST("the writer puts commas and quotes")
{
	struct buf b = {0};
	struct json_out o = json_out(&b);

	json_open(&o, '{');
	json_kv_str(&o, "text", "a\"b\\c\n\x01\x1f\x7f");
	json_kv_str(&o, "none", NULL);
	json_kv_slice(&o, "nul", SLICE("a\0b"));
	json_kv_int(&o, "least", INT64_MIN);
	json_key(&o, "most");
	json_put_uint(&o, UINT64_MAX);
	json_kv_bool(&o, "yes", true);
	json_key(&o, "list");
	json_open(&o, '[');
	json_put_null(&o);
	json_open(&o, '[');
	json_close(&o, ']');
	json_open(&o, '{');
	json_close(&o, '}');
	json_put_bool(&o, false);
	json_put_int(&o, -1);
	json_close(&o, ']');
	json_kv_raw(&o, "raw", SLICE("{\"x\":1}"));
	json_close(&o, '}');
	CHECK_STR(buf_str(&b),
		"{\"text\":\"a\\\"b\\\\c\\n\\u0001\\u001f\x7f\",\"none\":null,\"nul\":\"a\\u0000b\",\"least\":-9223372036854775808,"
	                       "\"most\":18446744073709551615,\"yes\":true,\"list\":[null,[],{},false,-1],\"raw\":{\"x\":1}}");
	CHECK(json_check(buf_view(&b), 0, NULL));
	buf_free(&b);
}

TEST("what is not UTF-8 is written as U+FFFD, byte by byte")
{
	struct buf b = {0};

	json_quote(&b, SLICE("ok \xc3\xa9 \xff\xfe \xe2\x82 \xed\xa0\x80 end"));
	CHECK_STR(buf_str(&b),
		"\"ok \xc3\xa9 \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end\"");
	CHECK(json_check(buf_view(&b), 0, NULL));
	buf_clear(&b);
	json_quote(&b, (struct slice){0});
	CHECK_STR(buf_str(&b), "\"\"");
	buf_free(&b);
}

TEST("every byte comes back from quoting and unquoting")
{
	struct buf plain = {0}, quoted = {0}, back = {0};

	for (int c = 0; c < 0x80; c++)
		buf_putc(&plain, (char)c);
	json_quote(&quoted, buf_view(&plain));
	CHECK(json_check(buf_view(&quoted), 0, NULL));
	CHECK(json_unquote(buf_view(&quoted), &back));
	CHECK(slice_eq(buf_view(&plain), buf_view(&back)));
	buf_free(&plain);
	buf_free(&quoted);
	buf_free(&back);
}
