/* base_json.c - what is JSON and what is not: a table of texts, each accepted or refused for the reason that is
 * named. */
#include "../tap.h"
#include "base/json.h"
#include "base/mem.h"

TEST("a record is checked, a member is read")
{
	struct slice record = SLICE("{\"id\":\"cus_1\",\"name\":\"Ann \\u0041\"}"), name;

	REQUIRE(json_check(record, JSON_DEPTH_MAX, NULL));
	REQUIRE(json_member(record, "name", &name));
	CHECK(json_string_is(name, "Ann A"));
}

#define T(literal) literal, sizeof(literal) - 1

static const struct {
	const char *text;
	size_t len;
} good[] = {
	{T("null")}, {T("true")}, {T("false")}, {T("0")}, {T("\"\"")}, {T("[]")}, {T("{}")},
	/* white space */
	{T(" null ")}, {T("\t\n\r []\r\n\t ")}, {T("[ ]")}, {T("{ }")}, {T("[ 1 , 2 ]")},
	{T("{ \"a\" : 1 , \"b\" : 2 }")}, {T("\n\n[\n1\n]\n")},
	/* numbers */
	{T("-0")}, {T("-1")}, {T("10")}, {T("123456789012345678901234567890")}, {T("18446744073709551615")},
	{T("-9223372036854775808")}, {T("9007199254740993")}, {T("0.1")}, {T("-0.0")}, {T("1.000")},
	{T("0.123456789012345678901234567890")}, {T("1e0")}, {T("1E0")}, {T("1e+5")}, {T("1e-5")}, {T("1.5E+10")},
	{T("1e999")},
	{T("-1e-999")}, {T("0e0")}, {T("0e+1")}, {T("0E1")}, {T("1e00")}, {T("[-0]")}, {T("[1e1]")}, {T("[20e1]")},
	{T("3.141592653589793238462643383279")}, {T("123.456e78")},
	/* escapes */
	{T("\"\\\"\"")}, {T("\"\\\\\"")}, {T("\"\\/\"")}, {T("\"\\b\\f\\n\\r\\t\"")}, {T("\"\\u0041\"")},
	{T("\"\\u0000\"")},
	{T("\"a\\u0000b\"")}, {T("\"\\uFFFF\"")}, {T("\"\\uabCD\"")}, {T("\"\\ud83d\\ude00\"")},
	{T("\"\\uD800\\uDC00\"")},
	{T("\"\\uDBFF\\uDFFF\"")}, {T("\"\\u2028\\u2029\"")}, {T("\"\\\\u0000\"")}, {T("\"\\\\a\"")},
	{T("\"\\u0022\"")},
	{T("\"\\u005C\"")}, {T("\"\\uFDD0\"")}, {T("\"\\uFFFE\"")}, {T("\"\\uD7FF\\uE000\"")}, {T("{\"\\u0000\":0}")},
	{T("{\"\":0}")},
	{T("{\"a\\\"b\":1}")},
	/* bytes over 0x7f, and those that only look odd */
	{T("\"\x7f\"")}, {T("\"\xc2\x80\"")}, {T("\"\xdf\xbf\"")}, {T("\"\xe0\xa0\x80\"")}, {T("\"\xed\x9f\xbf\"")},
	{T("\"\xee\x80\x80\"")}, {T("\"\xef\xbf\xbf\"")}, {T("\"\xf0\x90\x80\x80\"")}, {T("\"\xf4\x8f\xbf\xbf\"")},
	{T("\"\xe2\x80\xa8\"")}, {T("\"\xef\xbb\xbf\"")}, {T("\"12345678\xc3\xa9\"")},
	{T("\"1234567\xe2\x82\xac" "9\"")},
	{T("{\"\xc3\xa9\":\"\xf0\x9f\x98\x80\"}")}, {T("\" \"")}, {T("\"'\"")}, {T("\"// no comment\"")},
	{T("\"a string that is longer than any register, with nothing odd in it at all\"")},
	/* containers */
	{T("[null]")}, {T("[1,null,true,\"x\",[],{}]")}, {T("[[[]]]")}, {T("{\"a\":{\"a\":{}}}")}, {T("[{}]")},
	{T("{\"a\":[]}")},
	{T("{\"a\":1,\"b\":1}")}, {T("{\"a\":1,\"A\":2}")}, {T("[{\"a\":1},{\"a\":1}]")},
	{T("{\"a\":{\"a\":1},\"b\":{\"a\":1}}")},
	{T("{\"a\":1,\"a \":2}")}, {T("[\"a\",\"a\"]")}, {T("{\"\\u0061b\":1,\"a\":2}")},
	{T("{\"min\":-1.0e+28,\"max\":1.0e+28}")},
	{T("[1,[2,[3,[4,[5]]]]]")}, {T("[\"\",\"\",{}]")},
};

TEST("what RFC 8259 allows is accepted")
{
	struct json_fault fault;

	for (size_t i = 0; i < LENGTH(good); i++) {
		bool taken = json_check(slice_of(good[i].text, good[i].len), JSON_DEPTH_MAX, &fault);
		CHECK(taken);
		if (!taken)
			printf("#   %s: %s at %zu\n", good[i].text, fault.what, fault.at);
	}
	printf("# %zu texts\n", LENGTH(good));
}

#define CUT "too early"
static const struct {
	const char *text;
	size_t len;
	const char *why;
} bad[] = {
	/* cut short */
	{T(""), CUT}, {T(" "), CUT}, {T("\n"), CUT}, {T("["), CUT}, {T("{"), CUT}, {T("[1"), CUT}, {T("[1,"), CUT},
	{T("{\"a\""), CUT},
	{T("{\"a\":"), CUT}, {T("{\"a\":1"), CUT}, {T("{\"a\":1,"), CUT}, {T("\""), CUT}, {T("\"abc"), CUT},
	{T("\"\\"), CUT},
	{T("\"\\\""), CUT}, {T("nul"), CUT}, {T("t"), CUT}, {T("fals"), CUT}, {T("-"), CUT}, {T("1."), CUT},
	{T("1e"), CUT},
	{T("1e+"), CUT}, {T("[\"a"), CUT}, {T("[[]"), CUT}, {T("{\"a\":{}"), CUT}, {T("[\"a\\\\\""), CUT},
	/* numbers */
	{T("007"), "leading zero"}, {T("01"), "leading zero"}, {T("-01"), "leading zero"}, {T("00"), "leading zero"},
	{T("[012]"), "leading zero"},
	{T("1.]"), "lacks a digit"}, {T("[1.]"), "lacks a digit"}, {T("[-]"), "lacks a digit"},
	{T("[1.e1]"), "lacks a digit"},
	{T("[1e]"), "lacks a digit"}, {T("[1e+]"), "lacks a digit"}, {T("[1E-]"), "lacks a digit"},
	{T("[-a]"), "lacks a digit"},
	{T("[--1]"), "lacks a digit"}, {T("[-.5]"), "lacks a digit"}, {T("[- 1]"), "lacks a digit"},
	{T("+1"), "not a JSON value"}, {T(".5"), "not a JSON value"},
	{T("0x10"), "after the end"}, {T("1_000"), "after the end"}, {T("1 000"), "after the end"},
	{T("[1 000]"), "comma"}, {T("1.2.3"), "after the end"},
	{T("1e5.5"), "after the end"}, {T("1ee5"), "lacks a digit"}, {T("[1+2]"), "comma"},
	{T("NaN"), "not a JSON value"},
	{T("Infinity"), "not a JSON value"}, {T("-Infinity"), "lacks a digit"}, {T("[-NaN]"), "lacks a digit"},
	{T("\xef\xbc\x91"), "not a JSON value"},
	/* words */
	{T("True"), "not a JSON value"}, {T("NULL"), "not a JSON value"}, {T("nulL"), "not a JSON value"},
	{T("nulll"), "after the end"},
	{T("truefalse"), "after the end"}, {T("undefined"), "not a JSON value"}, {T("a"), "not a JSON value"},
	{T("'a'"), "not a JSON value"},
	{T("<html>"), "not a JSON value"}, {T("None"), "not a JSON value"}, {T("[,]"), "not a JSON value"},
	{T("[nan]"), "not a JSON value"},
	/* escapes */
	{T("\"\\x41\""), "does not know"}, {T("\"\\a\""), "does not know"}, {T("\"\\'\""), "does not know"},
	{T("\"\\0\""), "does not know"},
	{T("\"\\U0041\""), "does not know"}, {T("\"\\ \""), "does not know"}, {T("\"\\\n\""), "does not know"},
	{T("\"\\\0\""), "does not know"},
	{T("\"\\u\""), "hexadecimal"}, {T("\"\\u004\""), "hexadecimal"}, {T("\"\\u00G0\""), "hexadecimal"},
	{T("\"\\u 041\""), "hexadecimal"},
	{T("\"\\u{41}\""), "hexadecimal"}, {T("\"\\u004"), "hexadecimal"}, {T("\"\\\xc3\xa9\""), "does not know"},
	/* surrogates */
	{T("\"\\ud800\""), "lone surrogate"}, {T("\"\\udc00\""), "lone surrogate"},
	{T("\"\\ud800x\""), "lone surrogate"},
	{T("\"\\ud800\\n\""), "lone surrogate"}, {T("\"\\ud800\\u0041\""), "lone surrogate"},
	{T("\"\\ud800\\ud800\""), "lone surrogate"},
	{T("\"\\udc00\\ud800\""), "lone surrogate"}, {T("\"\\uDADA\""), "lone surrogate"},
	{T("{\"\\uDFAA\":0}"), "lone surrogate"},
	{T("\"\\ud83d\\ude00\\ude00\""), "lone surrogate"},
	/* UTF-8 */
	{T("\"\x80\""), "not UTF-8"}, {T("\"\xbf\""), "not UTF-8"}, {T("\"\xc0\xaf\""), "not UTF-8"},
	{T("\"\xc1\xbf\""), "not UTF-8"},
	{T("\"\xc2\""), "not UTF-8"}, {T("\"\xe0\x80\xaf\""), "not UTF-8"}, {T("\"\xe0\x9f\xbf\""), "not UTF-8"},
	{T("\"\xed\xa0\x80\""), "not UTF-8"},
	{T("\"\xed\xbf\xbf\""), "not UTF-8"}, {T("\"\xe2\x82\""), "not UTF-8"},
	{T("\"\xf0\x80\x80\x80\""), "not UTF-8"},
	{T("\"\xf0\x8f\xbf\xbf\""), "not UTF-8"}, {T("\"\xf4\x90\x80\x80\""), "not UTF-8"},
	{T("\"\xf5\x80\x80\x80\""), "not UTF-8"},
	{T("\"\xf8\x88\x80\x80\x80\""), "not UTF-8"}, {T("\"\xfe\""), "not UTF-8"}, {T("\"\xff\""), "not UTF-8"},
	{T("\"\xf0\x9f\x98\""), "not UTF-8"},
	{T("\"12345678\xff\""), "not UTF-8"}, {T("{\"\xe9\":1}"), "not UTF-8"}, {T("\"\xe9 latin 1\""), "not UTF-8"},
	{T("\"caf\xe9\""), "not UTF-8"},
	{T("\xe9"), "not a JSON value"}, {T("\"\xc3\xa9\xa9\""), "not UTF-8"},
	/* byte order marks and other encodings */
	{T("\xef\xbb\xbf{}"), "byte order mark"}, {T("\xef\xbb\xbf"), "byte order mark"},
	{T("\xff\xfe[\0]\0"), "not a JSON value"},
	{T("\0[\0]"), "not a JSON value"}, {T("{}\xef\xbb\xbf"), "after the end"},
	/* control bytes */
	{T("\"\0\""), "control byte"}, {T("\"\n\""), "control byte"}, {T("\"\t\""), "control byte"},
	{T("\"\x1f\""), "control byte"},
	{T("\"a\rb\""), "control byte"}, {T("\"12345678901234\x01\""), "control byte"},
	{T("{\"a\nb\":1}"), "control byte"},
	{T("[1\0]"), "comma"}, {T("\0"), "not a JSON value"}, {T("[\x0c]"), "not a JSON value"},
	{T("\x0b[]"), "not a JSON value"}, {T("\xc2\xa0[]"), "not a JSON value"},
	{T("[]\x0c"), "after the end"},
	/* more than one document, or something behind it */
	{T("1 2"), "after the end"}, {T("{}{}"), "after the end"}, {T("[] []"), "after the end"},
	{T("{} x"), "after the end"}, {T("[]]"), "after the end"},
	{T("{}}"), "after the end"}, {T("\"a\"b"), "after the end"}, {T("null,"), "after the end"},
	{T("{}\n{}"), "after the end"}, {T("[]\0"), "after the end"},
	{T("{}//"), "after the end"}, {T("{}#"), "after the end"}, {T("{};"), "after the end"},
	{T("\"\"\"\""), "after the end"},
	/* containers */
	{T("[1,]"), "not a JSON value"}, {T("[,1]"), "not a JSON value"}, {T("[1,,2]"), "not a JSON value"},
	{T("[1 2]"), "comma"}, {T("[1;2]"), "comma"},
	{T("[}"), "not a JSON value"}, {T("{]"), "key"}, {T("[1}"), "comma"}, {T("{\"a\":1]"), "comma"},
	{T("{,}"), "key"}, {T("{\"a\":1,}"), "key"},
	{T("{a:1}"), "key"}, {T("{'a':1}"), "key"}, {T("{1:1}"), "key"}, {T("{null:1}"), "key"},
	{T("{\"a\"}"), "colon"}, {T("{\"a\",1}"), "colon"},
	{T("{\"a\"=1}"), "colon"}, {T("{\"a\"::1}"), "not a JSON value"}, {T("{\"a\":}"), "not a JSON value"},
	{T("{\"a\":1 \"b\":2}"), "comma"}, {T("]"), "not a JSON value"},
	{T("}"), "not a JSON value"}, {T(","), "not a JSON value"}, {T(":"), "not a JSON value"},
	{T("[\"a\":1]"), "comma"}, {T("{[]:1}"), "key"},
	{T("{\"a\":1,\"b\"}"), "colon"}, {T("[/* */]"), "not a JSON value"}, {T("[...]"), "not a JSON value"},
	{T("[\"a\" \"b\"]"), "comma"}, {T("*"), "not a JSON value"},
	/* duplicate keys */
	{T("{\"a\":1,\"a\":1}"), "duplicate key"}, {T("{\"a\":1,\"\\u0061\":2}"), "duplicate key"},
	{T("{\"\":1,\"\":2}"), "duplicate key"},
	{T("[{\"b\":{\"c\":1,\"d\":2,\"c\":3}}]"), "duplicate key"},
	{T("{\"a\":1,\"b\":{\"a\":1},\"a\":2}"), "duplicate key"},
	{T("{\"\\/\":1,\"/\":2}"), "duplicate key"},
	{T("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}"), "duplicate key"},
	{T("{\"a\\u0000\":1,\"\\u0061\\u0000\":1}"), "duplicate key"},
};

TEST("what RFC 8259 forbids is refused, and the reason is named")
{
	struct json_fault fault;
	struct json_hash hash;

	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct slice text = slice_of(bad[i].text, bad[i].len);
		bool taken = json_check(text, JSON_DEPTH_MAX, &fault);
		CHECK(!taken);
		CHECK(!json_scan(text, JSON_DEPTH_MAX, &(struct json_seed){1, 2}, &hash, NULL));
		if (taken)
			printf("#   accepted: %s\n", bad[i].text);
		else if (!strstr(fault.what, bad[i].why))
			printf("#   %s\n", bad[i].text);
		CHECK_HAS(taken ? NULL : fault.what, bad[i].why);
		CHECK(fault.at <= text.len);
	}
	printf("# %zu texts\n", LENGTH(bad));
}

TEST("a fault says where it is, and which key was there twice")
{
	struct json_fault fault;

	CHECK(!json_check(SLICE("{\"a\": tru }"), 0, &fault));
	CHECK_INT(fault.at, 6);
	CHECK(!json_check(SLICE("{\"name\":1,\n\"na\\u006de\":2}"), 0, &fault));
	CHECK_INT(fault.at, 11);
	CHECK_STR(fault.key, "name");
	CHECK(!json_check(SLICE("{\"a\\nb\x7f\":1,\"a\\nb\x7f\":2}"), 0, &fault));
	CHECK_STR(fault.key, "a?b?");
	CHECK(json_check(SLICE("{}"), 0, &fault));
	CHECK(fault.what == NULL);
}

static void
nest(struct buf *b, const char *open, const char *close, unsigned depth)
{
	buf_clear(b);
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, open);
	buf_puts(b, "1");
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, close);
}

TEST("nesting is bounded, and a hundred thousand brackets cost nothing")
{
	struct buf b = {0};
	struct json_fault fault;

	nest(&b, "[", "]", 128);
	CHECK(json_check(buf_view(&b), JSON_DEPTH_MAX, NULL));
	nest(&b, "[", "]", 129);
	CHECK(!json_check(buf_view(&b), JSON_DEPTH_MAX, &fault));
	CHECK_STR(fault.what, "nested too deep");
	CHECK_INT(fault.at, 128);
	nest(&b, "{\"a\":", "}", 128);
	CHECK(json_check(buf_view(&b), 0, NULL));
	nest(&b, "{\"a\":", "}", 129);
	CHECK(!json_check(buf_view(&b), 0, NULL));
	nest(&b, "[", "]", 3);
	CHECK(json_check(buf_view(&b), 3, NULL));
	CHECK(!json_check(buf_view(&b), 2, NULL));
	nest(&b, "[", "]", 100000);
	CHECK(!json_check(buf_view(&b), JSON_DEPTH_MAX, &fault));
	CHECK_STR(fault.what, "nested far too deep");
	nest(&b, "[{\"a\":", "}]", 100000);
	CHECK(!json_check(buf_view(&b), JSON_DEPTH_MAX, NULL));
	buf_free(&b);
}

/* An object of n keys; the one numbered `twice` gets the name of `of`. */
static struct slice
wide(struct buf *b, unsigned n, unsigned twice, unsigned of)
{
	buf_clear(b);
	for (unsigned i = 0; i < n; i++)
		buf_printf(b, "%c\"key%u\":%u", i ? ',' : '{', i == twice ? of : i, i);
	buf_putc(b, '}');
	return buf_view(b);
}

TEST("a duplicate is found among a few keys and among 200 000")
{
	static const unsigned sizes[] = {2, 31, 32, 33, 34, 63, 64, 65, 66, 200, 1000, 200000};
	struct buf b = {0};
	struct json_fault fault;

	for (size_t i = 0; i < LENGTH(sizes); i++) {
		unsigned n = sizes[i];
		CHECK(json_check(wide(&b, n, n, 0), 0, &fault));
		CHECK(!json_check(wide(&b, n, n - 1, 0), 0, &fault));
		CHECK_STR(fault.what, "duplicate key");
		CHECK_STR(fault.key, "key0");
		CHECK(!json_check(wide(&b, n, n - 1, n - 2), 0, &fault));
		CHECK(!json_check(wide(&b, n, 1, 0), 0, &fault));
	}
	buf_free(&b);
}

TEST("of several duplicates the first in the text is named")
{
	static const unsigned sizes[] = {20, 500};
	struct buf b = {0};
	struct json_fault fault;

	for (size_t i = 0; i < LENGTH(sizes); i++)
		for (unsigned first = 0; first < 8; first++) {
			wide(&b, sizes[i], sizes[i] - 8, first);
			b.len--;
			for (unsigned k = 0; k < 8; k++)
				buf_printf(&b, ",\"key%u\":0", k);
			buf_putc(&b, '}');
			CHECK(!json_check(buf_view(&b), 0, &fault));
			CHECK_INT(fault.key[3] - '0', first);
		}
	buf_free(&b);
}

TEST("keys of an outer object survive a large inner one")
{
	struct buf b = {0}, inner = {0};
	struct json_fault fault;

	wide(&inner, 500, 500, 0);
	buf_printf(&b, "{\"a\":1,\"b\":%s,\"c\":%s,\"key1\":2}", buf_str(&inner), buf_str(&inner));
	CHECK(json_check(buf_view(&b), 0, NULL));
	b.len--;
	buf_puts(&b, ",\"a\":3}");
	CHECK(!json_check(buf_view(&b), 0, &fault));
	CHECK_STR(fault.key, "a");
	buf_free(&b);
	buf_free(&inner);
}

TEST("every proper prefix of a document is refused")
{
	static const char text[] =
		" {\"a\":[1,-2.5e+3,\"x\\u00e9\\ud83d\\ude00\\n\",null,true,false],\"b\":{\"c\":{}}}";

	CHECK(json_check(slice_str(text), 0, NULL));
	for (size_t n = 0; n < sizeof text - 1; n++)
		CHECK(!json_check(slice_of(text, n), 0, NULL));
}

TEST("a special byte is seen at every place in a string")
{
	static const struct { const char *what; bool fine; } odd[] = {
		{"\\n", true}, {"\\\"", true}, {"\xc3\xa9", true}, {"\x01", false}, {"\xff", false}, {"\x80", false},
		{"\"", false}};
	char text[64];

	for (size_t k = 0; k < LENGTH(odd); k++)
		for (int before = 0; before < 20; before++)
			for (int after = 0; after < 12; after++) {
				snprintf(text, sizeof text, "\"%.*s%s%.*s\"", before, "aaaaaaaaaaaaaaaaaaaa",
				         odd[k].what, after, "bbbbbbbbbbbb");
				if (json_check(slice_str(text), 0, NULL) != odd[k].fine)
					CHECK(!text[0]);
			}
}

TEST("each of the 256 bytes, alone among plain ones, is plain or special as RFC 8259 says")
{
	char text[] = "\"aaaaaaaaaaaaaaaaaaaaaaaa\"";

	for (int c = 0; c < 256; c++)
		for (size_t at = 1; at < 18; at++) {
			text[at] = (char)c;
			if (json_check(slice_of(text, sizeof text - 1), 0, NULL) !=
			    (c >= 0x20 && c < 0x80 && c != '"' && c != '\\'))
				CHECK_INT(c, at);
			text[at] = 'a';
		}
}

TEST("valid UTF-8 is told from the rest")
{
	CHECK(utf8_valid(SLICE("")));
	CHECK(utf8_valid((struct slice){0}));
	CHECK(utf8_valid(SLICE("plain text, longer than eight bytes \xe2\x82\xac and on")));
	CHECK(!utf8_valid(SLICE("\xe2\x82")));
	CHECK(!utf8_valid(SLICE("12345678\xed\xa0\x80")));
	CHECK(!utf8_valid(SLICE("\xf4\x90\x80\x80")));
	CHECK(utf8_valid(SLICE("\0\x7f")));
}
