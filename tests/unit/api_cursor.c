/* Cursors of /api/v1: what was handed out comes back, and nothing else is taken for one. */
#include "api/cursor.h"
#include "store_kit.h"

static struct cursor
sample(uint32_t dataset)
{
	return (struct cursor){CURSOR_CHANGES, dataset, 123456789012345, 7, KIT_T0};
}

TEST("a cursor comes back as it was handed out, also after a restart")
{
	struct kit k;
	struct cursor was = sample(3), is = {.of = CURSOR_CHANGES, .dataset = 3};
	char text[CURSOR_TEXT_MAX];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	cursor_write(k.s, &was, text);
	REQUIRE(kit_reopen(&k));
	CHECK(cursor_read(k.s, text, &is, &k.err) == 0);
	CHECK_INT(is.after, was.after);
	CHECK_INT(is.began, was.began);
	CHECK_INT(is.at_us, was.at_us);
	kit_finish(&k);
}

TEST("one of another dataset, of records, or of another store is told by what it is not")
{
	struct kit k, other;
	struct cursor was = sample(3), is;
	char text[CURSOR_TEXT_MAX];

	kit_init(&k);
	kit_init(&other);
	REQUIRE(kit_open(&k) && kit_open(&other));
	cursor_write(k.s, &was, text);
	is = (struct cursor){.of = CURSOR_CHANGES, .dataset = 4};
	CHECK(cursor_read(k.s, text, &is, &k.err) != 0);
	CHECK_HAS(k.err.text, "of another dataset");
	is = (struct cursor){.of = CURSOR_RECORDS, .dataset = 3};
	CHECK(cursor_read(k.s, text, &is, &k.err) != 0);
	CHECK_HAS(k.err.text, "no cursor of records");
	is = (struct cursor){.of = CURSOR_CHANGES, .dataset = 3};
	CHECK(cursor_read(other.s, text, &is, &k.err) != 0);
	CHECK_HAS(k.err.text, "no cursor that this store gave");
	kit_finish(&k);
	kit_finish(&other);
}

TEST("not one changed character passes, and nothing longer, shorter or empty")
{
	static const char other[] = "Aa0_-=+/ \n%";
	struct kit k;
	struct cursor was = sample(3), is;
	char text[CURSOR_TEXT_MAX], bad[CURSOR_TEXT_MAX + 8];
	size_t len;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	len = strlen(cursor_write(k.s, &was, text));
	for (size_t i = 0; i < len; i++)
		for (const char *p = other; *p; p++) {
			strcpy(bad, text);
			if (bad[i] == *p)
				continue;
			bad[i] = *p;
			is = (struct cursor){.of = CURSOR_CHANGES, .dataset = 3};
			CHECK(cursor_read(k.s, bad, &is, &k.err) != 0);
			CHECK(k.err.cls == ERR_USAGE);
		}
	for (size_t i = 0; i < len; i++) {
		snprintf(bad, sizeof bad, "%.*s", (int)i, text);
		CHECK(cursor_read(k.s, bad, &is, &k.err) != 0);
	}
	snprintf(bad, sizeof bad, "%sA", text);
	CHECK(cursor_read(k.s, bad, &is, &k.err) != 0);
	snprintf(bad, sizeof bad, "%s=", text);
	CHECK(cursor_read(k.s, bad, &is, &k.err) != 0);
	kit_finish(&k);
}
