/* connectors_skim.c - plugins/common/skim.h: what stands where in JSON text; nothing beyond its end is read, whatever it holds. */
#include "../../plugins/common/skim.h"
#include "../tap.h"

static const char text[] = "{\"data\":{\"items\":[{\"id\":1,\"tags\":[\"a]\",\"b\\\"}\"]},{\"id\":-2.5e3}],\"n\":null},\"a.b\":{\"0\":true},\"\":\"x\"} ";

static struct skim
whole(void)
{
	return skim_of(text, strlen(text));
}

static int
found(const char *path, const char *value)
{
	struct skim v = skim_get(whole(), path);

	return value ? skim_is(v, value) : v.p == NULL;
}

TEST("a path leads to the bytes of a value")
{
	CHECK(found("data.items.0.id", "1"));
	CHECK(found("data.items.1.id", "-2.5e3"));
	CHECK(found("data.items.0.tags.1", "\"b\\\"}\""));
	CHECK(found("data.n", "null"));
	CHECK(found("a\\.b.0", "true"));
	CHECK_INT(skim_count(skim_get(whole(), "data.items")), 2);
	CHECK_INT(skim_kind(skim_get(whole(), "data.items.1.id")), '0');
}

TEST("a path that leads nowhere finds nothing")
{
	CHECK(found("data.items.2", NULL));
	CHECK(found("data.items.x", NULL));
	CHECK(found("data.items.0.id.x", NULL));
	CHECK(found("a.b", NULL));
	CHECK(found("dat", NULL));
}

/* Walks over all that there is to find, at any depth. */
static size_t
walk_all(struct skim v, int depth)
{
	struct skim_walk w = skim_walk(v);
	size_t n = 0;

	while (depth < 20 && skim_next(&w))
		n += 1 + walk_all(w.value, depth + 1);
	return n;
}

TEST("text that is cut anywhere has no value, and no byte behind it is read")
{
	const size_t len = strlen(text) - 1; /* without the blank */

	for (size_t n = 0; n < len; n++) {
		char *copy = malloc(n ? n : 1); /* the sanitizer sees a byte too many */
		memcpy(copy, text, n);
		CHECK(skim_of(copy, n).p == NULL);
		walk_all((struct skim){copy, n}, 0);
		skim_get((struct skim){copy, n}, "data.items.0.tags.1");
		free(copy);
	}
}

TEST("what is no JSON has no members that go on for ever")
{
	static const char *const odd[] = {"{]", "[}", "{\"a\"}", "{\"a\":}", "{:1}", "[,,,]", "[1 2]", "{\"a\":1,}", "\"", "]", "}{", "[\"\\", "{\"a\":\"\\\"}", "<html>", "tru"};

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		size_t n = strlen(odd[i]);
		char *copy = malloc(n);
		memcpy(copy, odd[i], n);
		CHECK(walk_all(skim_of(copy, n), 0) <= n);
		CHECK(walk_all((struct skim){copy, n}, 0) <= n);
		free(copy);
	}
}
