/* base_json_hash.c - when two texts are the same JSON value, and when they are not. */
#include "../tap.h"
#include "base/json.h"
#include "base/mem.h"

static const struct json_seed seed = {42, 4711};

static bool
same(const char *a, const char *b)
{
	struct json_hash one, other;

	REQUIRE(json_scan(slice_str(a), 0, &seed, &one, NULL));
	REQUIRE(json_scan(slice_str(b), 0, &seed, &other, NULL));
	CHECK(json_equal(slice_str(a), slice_str(b)) == (one.low == other.low && one.high == other.high));
	CHECK((one.low == other.low) == (one.high == other.high));
	return one.low == other.low;
}

TEST("two spellings of a value have one hash")
{
	CHECK(same("{\"a\":1,\"b\":[true]}", " { \"b\" : [ true ] , \"\\u0061\" : 1 } "));
}

TEST("members count in any order, at every level")
{
	CHECK(same("{\"a\":{\"x\":1,\"y\":2},\"b\":3}", "{\"b\":3,\"a\":{\"y\":2,\"x\":1}}"));
	CHECK(same("[{\"a\":1,\"b\":{\"c\":[{\"d\":1,\"e\":2}]}}]", "[{\"b\":{\"c\":[{\"e\":2,\"d\":1}]},\"a\":1}]"));
	CHECK(!same("{\"a\":1,\"b\":2}", "{\"a\":2,\"b\":1}"));
	CHECK(!same("{\"a\":{\"b\":1},\"c\":{}}", "{\"a\":{},\"c\":{\"b\":1}}"));
}

TEST("elements count in their order")
{
	CHECK(!same("[1,2]", "[2,1]"));
	CHECK(!same("[[1],[2]]", "[[1,2]]"));
	CHECK(!same("[[1],[2]]", "[[2],[1]]"));
	CHECK(!same("[1,1]", "[1]"));
	CHECK(!same("[[],[[]]]", "[[[]],[]]"));
}

TEST("strings count by what they say, numbers by how they are written")
{
	CHECK(same("\"\\u0041\"", "\"A\""));
	CHECK(same("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""));
	CHECK(same("\"\\/\"", "\"/\""));
	CHECK(same("\"\\u00E9\"", "\"\\u00e9\""));
	CHECK(same("\"\\u00e9\"", "\"\xc3\xa9\""));
	CHECK(!same("\"a\\u0000b\"", "\"a\""));
	CHECK(!same("\"a\\u0000b\"", "\"a\\u0000c\""));
	CHECK(!same("\"e\\u0301\"", "\"\\u00e9\""));
	CHECK(!same("1.0", "1"));
	CHECK(!same("1e2", "100"));
	CHECK(!same("-0", "0"));
	CHECK(!same("9007199254740993", "9007199254740992"));
	CHECK(!same("18446744073709551615", "18446744073709551614"));
	CHECK(!same("0.123456789012345678901234567890", "0.123456789012345678901234567891"));
}

TEST("small values that are easily mixed up all differ")
{
	static const char *const values[] = {
		"null", "true", "false", "0", "\"\"", "[]", "{}", "\"null\"", "\"true\"", "\"0\"", "\"[]\"", "\"{}\"",
		"[null]", "[[]]", "[{}]",
		"[\"\"]", "[0]", "{\"\":null}", "{\"\":\"\"}", "{\"\":0}", "{\"\":{}}", "{\"\":[]}", "[[[]]]",
		"[[],[]]", "{\"a\":{\"b\":1}}",
		"{\"b\":{\"a\":1}}", "{\"a\":1,\"b\":1}", "{\"a\":{},\"b\":1}", "{\"a\":{\"b\":{}}}",
		"[{\"a\":1},{\"b\":1}]", "[{\"a\":1,\"b\":1}]",
		"{\"a\":[1]}", "[\"a\",1]", "[[\"a\",1]]", "{\"a\":1}", "{\"a\":\"1\"}", "{\"1\":\"a\"}",
		"{\"a\":null}", "[null,null]", "{\"a\":true}",
		"[1,[2,3]]", "[[1,2],3]", "[1,2,3]", "[[1],2,3]", "{\"a\":[],\"b\":{}}", "{\"a\":{},\"b\":[]}",
	};

	for (size_t i = 0; i < LENGTH(values); i++)
		for (size_t k = 0; k < LENGTH(values); k++)
			if (same(values[i], values[k]) != (i == k)) {
				printf("#   %s and %s\n", values[i], values[k]);
				CHECK(false);
			}
}

TEST("another seed, in either half, gives another hash")
{
	static const char *const texts[] = {"1", "\"\"", "[\"\"]", "{\"a\":[1,2]}"};

	for (size_t i = 0; i < LENGTH(texts); i++) {
		struct json_hash a, b, c;
		json_hash_value(slice_str(texts[i]), &seed, &a);
		json_hash_value(slice_str(texts[i]), &(struct json_seed){seed.low + 1, seed.high}, &b);
		json_hash_value(slice_str(texts[i]), &(struct json_seed){seed.low, seed.high + 1}, &c);
		CHECK(a.low != b.low);
		CHECK((a.low != c.low) == (i > 1)); /* scalars use the low half, containers both */
	}
}

TEST("the hash is that of yesterday: it is stored")
{
	struct json_hash h;

	REQUIRE(json_scan(SLICE("{\"id\":\"a\",\"n\":[1,2.50,null,true],\"s\":\"\\u00e9\"}"), 0, &seed, &h, NULL));
	CHECK(h.low == UINT64_C(0xdbfcaac23b5a1c2b));
	CHECK(h.high == UINT64_C(0xd811532d0c6309f5));
}

/* ---- generated values ---- */

struct node {
	enum json_type type;
	char text[40]; /* a scalar as JSON; a string's plain bytes */
	unsigned count;
	struct node *all;        /* elements or members' values */
	char (*keys)[24];
};

static uint64_t dice;

static unsigned
roll(unsigned sides)
{
	dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(dice >> 33) % sides;
}

static void
node_make(struct node *n, unsigned depth, unsigned *scalars)
{
	static const char *const words[] = {"", "a", "Gr\xc3\xb6\xc3\x9f-", "\xf0\x9f\x98\x80", "tab\there",
		"quote\"d", "back\\slash", "\x7f"};

	*n = (struct node){.type = (enum json_type)(JSON_NULL + roll(depth ? 7 : 5))};
	if (n->type < JSON_ARRAY)
		++*scalars;
	if (n->type == JSON_NUMBER)
		snprintf(n->text, sizeof n->text, "%u%s", roll(1000000), roll(2) ? ".50" : "");
	if (n->type == JSON_STRING)
		snprintf(n->text, sizeof n->text, "%s%u", words[roll(LENGTH(words))], roll(100));
	if (n->type < JSON_ARRAY)
		return;
	n->count = roll(6);
	n->all = xcalloc(n->count, sizeof *n->all);
	n->keys = xcalloc(n->count, sizeof *n->keys);
	for (unsigned i = 0; i < n->count; i++) {
		snprintf(n->keys[i], sizeof n->keys[i], "%s%u", words[roll(LENGTH(words))], i);
		node_make(&n->all[i], depth - 1, scalars);
	}
}

static void
node_free(struct node *n)
{
	for (unsigned i = 0; i < n->count; i++)
		node_free(&n->all[i]);
	free(n->all);
	free(n->keys);
}

static void
put_space(struct buf *b)
{
	for (unsigned n = roll(3); n > 0; n--)
		buf_putc(b, " \t\r\n"[roll(4)]);
}

/* ASCII now and then as \u00XX. */
static void
put_string(struct buf *b, const char *s)
{
	struct buf quoted = {0};

	json_quote(&quoted, slice_str(s));
	for (size_t i = 0; i < quoted.len; i++) {
		char c = quoted.p[i];
		if (c == '\\') {
			buf_put(b, quoted.p + i, quoted.p[i + 1] == 'u' ? 6 : 2);
			i += quoted.p[i + 1] == 'u' ? 5 : 1;
		} else if (((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) && roll(3) == 0) {
			buf_printf(b, roll(2) ? "\\u%04x" : "\\u%04X", (unsigned)c);
		} else {
			buf_putc(b, c);
		}
	}
	buf_free(&quoted);
}

/* Some spelling of the value; the scalar numbered `mutant` becomes another one. */
static void
node_write(struct buf *b, const struct node *n, int *mutant)
{
	static const char *const literals[] = {[JSON_NULL] = "null", [JSON_FALSE] = "false", [JSON_TRUE] = "true"};
	unsigned start = n->count ? roll(n->count) : 0, step = roll(2) ? 1 : n->count - 1;

	put_space(b);
	if (n->type < JSON_ARRAY && (*mutant)-- == 0)
		buf_puts(b, "\"mutant\"");
	else if (n->type <= JSON_TRUE)
		buf_puts(b, literals[n->type]);
	else if (n->type == JSON_NUMBER)
		buf_puts(b, n->text);
	else if (n->type == JSON_STRING)
		put_string(b, n->text);
	else
		buf_putc(b, n->type == JSON_OBJECT ? '{' : '[');
	for (unsigned i = 0; i < n->count; i++) {
		unsigned at = n->type == JSON_OBJECT ? (start + i * step) % n->count : i;
		if (i)
			buf_putc(b, ',');
		put_space(b);
		if (n->type == JSON_OBJECT) {
			put_string(b, n->keys[at]);
			put_space(b);
			buf_putc(b, ':');
		}
		node_write(b, &n->all[at], mutant);
	}
	if (n->type >= JSON_ARRAY)
		buf_putc(b, n->type == JSON_OBJECT ? '}' : ']');
	put_space(b);
}

TEST("3 000 generated values: every spelling has one hash, every changed scalar another")
{
	struct buf b = {0};

	for (unsigned round = 0; round < 3000; round++) {
		struct json_hash first, h;
		struct json_fault fault = {0};
		struct node n;
		unsigned scalars = 0;
		int none = -1, which;

		dice = round;
		node_make(&n, 4, &scalars);
		for (int spelling = 0; spelling < 4; spelling++) {
			buf_clear(&b);
			node_write(&b, &n, &none);
			if (!json_scan(buf_view(&b), 0, &seed, &h, &fault))
				printf("# %s at %zu: %s\n", fault.what, fault.at, buf_str(&b));
			REQUIRE(fault.what == NULL);
			if (spelling == 0)
				first = h;
			CHECK(first.low == h.low && first.high == h.high);
		}
		if (scalars) {
			which = (int)roll(scalars);
			buf_clear(&b);
			node_write(&b, &n, &which);
			REQUIRE(json_scan(buf_view(&b), 0, &seed, &h, NULL));
			CHECK(first.low != h.low && first.high != h.high);
		}
		node_free(&n);
	}
	buf_free(&b);
}
