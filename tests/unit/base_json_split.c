/* base_json_split.c - a page is cut into its records, and nothing incomplete is taken for a page. */
#include "../tap.h"
#include "base/json.h"
#include "base/mem.h"

struct seen {
	struct buf all;   /* the elements, each in <>; a flawed one with its reason behind it */
	unsigned count, stop_at;
};

static bool
note(void *arg, const struct json_item *item)
{
	struct seen *s = arg;

	buf_printf(&s->all, "<%.*s>", (int)item->text.len, item->text.p);
	if (item->fault)
		buf_printf(&s->all, "!%s@%zu", item->fault->what, item->fault->at);
	return ++s->count != s->stop_at;
}

/* What each() saw, or "-" and the fault. The text lives until the next call. */
static const char *
split(const char *text, const char *path)
{
	static struct seen s;
	struct json_split how = {.each = note, .arg = &s};
	struct json_fault fault;

	buf_clear(&s.all);
	s.count = 0;
	if (!json_split(slice_str(text), path, &how, &fault)) {
		buf_clear(&s.all);
		buf_printf(&s.all, "-%s@%zu", fault.what, fault.at);
	}
	return buf_str(&s.all);
}

TEST("a page is cut into its elements")
{
	CHECK_STR(split("{\"data\":[{\"id\":1},{\"id\":2}],\"more\":true}", "data"), "<{\"id\":1}><{\"id\":2}>");
}

TEST("paths lead through objects, odd names and arrays")
{
	CHECK_STR(split("[1,2]", ""), "<1><2>");
	CHECK_STR(split("{\"a\":{\"x\":[0],\"b\":{\"c\":[1]}}}", "a.b.c"), "<1>");
	CHECK_STR(split("{\"a.b\":[1],\"a\":{\"b\":[2]}}", "a\\.b"), "<1>");
	CHECK_STR(split("{\"a.b\":[1],\"a\":{\"b\":[2]}}", "a.b"), "<2>");
	CHECK_STR(split("{\"\\u0064ata\":[1]}", "data"), "<1>");
	CHECK_STR(split("{\"a\":[{\"b\":[1]},{\"b\":[2]}]}", "a.1.b"), "<2>");
	CHECK_STR(split("[[1],[2]]", "1"), "<2>");
	CHECK_STR(split("{\"0\":[1]}", "0"), "<1>");
	CHECK_STR(split("{\"\":[1]}", "."), "-nothing at this path@0");
	CHECK_STR(split("{\"\":{\"\":[1]}}", "."), "<1>");
	CHECK_STR(split("{\"data\":[]}", "data"), "");
	CHECK_STR(split(" { \"data\" : [ 1 , { } , \"x\" ] } \n", "data"), "<1><{ }><\"x\">");
}

TEST("what is no array at the path is named")
{
	CHECK_STR(split("{\"data\":{\"a\":1}}", "data"), "-no array at this path@8");
	CHECK_STR(split("{\"data\":\"x\"}", "data"), "-no array at this path@8");
	CHECK_STR(split("{\"data\":null}", "data"), "-no array at this path@8");
	CHECK_STR(split("{\"dat\":[1]}", "data"), "-nothing at this path@0");
	CHECK_STR(split("{\"data\":1}", "data.items"), "-nothing at this path@0");
	CHECK_STR(split("{\"data\":[1]}", "data.items"), "-nothing at this path@0");
	CHECK_STR(split("{\"data\":[1]}", "data.3"), "-nothing at this path@0");
	CHECK_STR(split("{}", "data"), "-nothing at this path@0");
	CHECK_STR(split("{\"data\":[1]}", ""), "-no array at this path@0");
	CHECK_STR(split("\"login\"", ""), "-no array at this path@0");
}

TEST("null is an empty array only when that was asked for")
{
	struct seen s = {0};
	struct json_split how = {.each = note, .arg = &s, .null_is_empty = true};

	CHECK(json_split(SLICE("{\"data\":null}"), "data", &how, NULL));
	CHECK(json_split(SLICE("null"), "", &how, NULL));
	CHECK(!json_split(SLICE("{\"data\":nul}"), "data", &how, NULL));
	CHECK(!json_split(SLICE("{\"data\":0}"), "data", &how, NULL));
	CHECK(!json_split(SLICE("{}"), "data", &how, NULL));
	CHECK_INT(s.count, 0);
}

TEST("a flawed element is handed over with its fault, and the others are whole")
{
	CHECK_STR(split("[1,{\"a\":1,\"a\":2},3]", ""), "<1><{\"a\":1,\"a\":2}>!duplicate key@10<3>");
	CHECK_STR(split("[1,\"\\ud800\",3]", ""), "<1><\"\\ud800\">!a lone surrogate@4<3>");
	CHECK_STR(split("[1,\"\xff\",3]", ""), "<1><\"\xff\">!bytes that are not UTF-8@4<3>");
	CHECK_STR(split("[1,\"a\nb\",3]", ""), "<1><\"a\nb\">!a control byte in a string@5<3>");
	CHECK_STR(split("[\"\xe2\x82\",2]", ""), "<\"\xe2\x82\">!bytes that are not UTF-8@2<2>");
	CHECK_STR(split("{\"d\":[{\"x\":[{\"b\":1,\"b\":2}]},{}]}", "d"),
		"<{\"x\":[{\"b\":1,\"b\":2}]}>!duplicate key@19<{}>");
}

TEST("an element nested too deep is flawed; its neighbour of the greatest depth is not")
{
	struct buf b = {0};
	struct seen s = {0};
	struct json_split how = {.each = note, .arg = &s, .depth = 2};

	buf_puts(&b, "{\"d\":[[[]],[[[]]],1]}");
	CHECK(json_split(buf_view(&b), "d", &how, NULL));
	CHECK_STR(buf_str(&s.all), "<[[]]><[[[]]]>!nested too deep@13<1>");
	for (unsigned depth = 999; depth <= 1001; depth++) {
		buf_clear(&b);
		buf_putc(&b, '[');
		for (unsigned i = 0; i < depth; i++)
			buf_putc(&b, '[');
		for (unsigned i = 0; i < depth; i++)
			buf_putc(&b, ']');
		buf_puts(&b, ",7]");
		s.count = 0;
		CHECK(json_split(buf_view(&b), "", &how, NULL) == (depth <= 1000));
		CHECK_INT(s.count, depth <= 1000 ? 2 : 0);
	}
	buf_free(&b);
	buf_free(&s.all);
}

TEST("a fault of structure ends the page, wherever it is")
{
	static const char *const broken[] = {
		"{\"data\":[1,{\"a\":tru},3]}", "{\"data\":[1,01,3]}", "{\"data\":[1,\"\\x\",3]}", "{\"data\":[1 2]}",
		"{\"data\":[1,]}",
		"{\"data\":[1],\"b\":}", "{\"data\":[1],\"b\":2}}", "{\"data\":[1]} x", "{\"data\":[1]}{}",
		"{\"a\":[,\"data\":[1]}", "{\"data\":[1],}",
		"{\"data\":[1}", "{\"data\":[1]]", "{\"data\":[{\"a\":1]}", "\xef\xbb\xbf{\"data\":[1]}",
		"[{\"data\":[1]}", "",
		" ", "<html>", "{\"data\":[{'a':1}]}",
	};

	for (size_t i = 0; i < LENGTH(broken); i++) {
		const char *got = split(broken[i], "data");
		if (got[0] != '-') {
			printf("#   %s gave %s\n", broken[i], got);
			CHECK(false);
		}
	}
}

TEST("a flaw outside of the elements is a fault of the page")
{
	CHECK_STR(split("{\"data\":[1],\"data\":[2]}", "data"), "-duplicate key@12");
	CHECK_STR(split("{\"data\":[1],\"x\":\"\xff\"}", "data"), "-bytes that are not UTF-8@17");
	CHECK_STR(split("{\"x\":{\"a\":1,\"a\":1},\"data\":[1]}", "data"), "-duplicate key@12");
	CHECK_STR(split("{\"x\":1,\"data\":[1],\"x\":2}", "data"), "-duplicate key@18");
	CHECK_STR(split("{\"d\":{\"i\":[1],\"y\":1,\"y\":2}}", "d.i"), "-duplicate key@20");
	CHECK_STR(split("{\"a\\ud800\":[1],\"data\":[1]}", "data"), "-a lone surrogate@3");
	CHECK_STR(split("{\"d\":[1],\"d\":{\"i\":[1]}}", "d.i"), "-duplicate key@9");
	CHECK_STR(split("[\"\xff\",[1]]", "1"), "-bytes that are not UTF-8@2");
}

TEST("a duplicate among many keys beside the array is a fault of the page")
{
	struct buf b = {0};

	for (int i = 0; i < 50; i++)
		buf_printf(&b, "%c\"key%d\":%d", i ? ',' : '{', i == 48 ? 7 : i, i);
	buf_puts(&b, ",\"data\":[1]}");
	CHECK_HAS(split(buf_str(&b), "data"), "-duplicate key@");
	buf_free(&b);
}

TEST("every proper prefix of a page is refused, and a page with anything behind it")
{
	static const char page[] = "{\"object\":\"list\",\"data\":[{\"id\":\"a\",\"n\":[1,2.5e1,{}]},{\"id\":\"\\u00e9\xc3\xa9\"},"
				   "null,true],\"has_more\":false,\"meta\":{\"next\":\"c2\",\"total\":120}}";
	struct seen s = {0};
	struct json_split how = {.each = note, .arg = &s};
	char longer[sizeof page + 1];

	CHECK(json_split(slice_str(page), "data", &how, NULL));
	CHECK_INT(s.count, 4);
	for (size_t n = 0; n < sizeof page - 1; n++) {
		char *exact = xmemdup(page, n); /* so that a sanitizer sees a byte read too far */
		if (json_split(slice_of(exact, n), "data", &how, NULL)) {
			printf("#   %zu bytes were taken\n", n);
			CHECK(false);
		}
		free(exact);
	}
	for (int c = 0; c < 256; c++) {
		snprintf(longer, sizeof longer, "%s%c", page, c);
		CHECK(json_split(slice_of(longer, sizeof page), "data", &how, NULL) == (c && strchr(" \t\r\n", c)));
	}
	buf_free(&s.all);
}

TEST("each may stop the walk")
{
	struct seen s = {.stop_at = 2};
	struct json_split how = {.each = note, .arg = &s};

	CHECK(json_split(SLICE("{\"a\":{\"b\":[1,2,3,broken"), "a.b", &how, NULL));
	CHECK_STR(buf_str(&s.all), "<1><2>");
	buf_free(&s.all);
}

TEST("a page of 100 000 records is cut without recursion or copies")
{
	struct buf b = {0};
	struct seen s = {0};
	struct json_split how = {.each = note, .arg = &s};

	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&b, "%c{\"id\":%u}", i ? ',' : '[', i);
	buf_putc(&b, ']');
	CHECK(json_split(buf_view(&b), "", &how, NULL));
	CHECK_INT(s.count, 100000);
	buf_free(&b);
	buf_free(&s.all);
}
