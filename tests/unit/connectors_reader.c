/* connectors_reader.c - plugins/csv/reader.h: rows are the same wherever the bytes are cut. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "../../plugins/csv/reader.c"
#include "../tap.h"

static char told[4096]; /* rows as <cell|cell>, ! before one with a fault */

static void
row_tell(void *arg, const struct row *row)
{
	(void)arg;
	for (size_t i = 0; i < row->count; i++)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%.*s", i ? "|" : row->fault ? "!<" : "<", (int)row->cells[i].len,
		         row->cells[i].p);
	snprintf(told + strlen(told), sizeof(told) - strlen(told), ">");
}

/* What comes of the text in pieces of at most so many bytes; each is a block of its own, so that nothing behind it is read unseen. */
static const char *
rows_of(const char *text, size_t len, size_t most, struct dialect dialect)
{
	struct reader *r = reader_new(&dialect, row_tell, NULL);
	int rc = 0;

	told[0] = '\0';
	for (size_t i = 0, n; i < len && rc == 0; i += n) {
		n = len - i < most ? len - i : most;
		char *piece = malloc(n);
		memcpy(piece, text + i, n);
		rc = reader_feed(r, piece, n);
		free(piece);
	}
	if (rc != 0 || reader_end(r) != 0)
		snprintf(told + strlen(told), sizeof(told) - strlen(told), " FAULT %s", reader_fault(r));
	reader_free(r);
	return told;
}

static const char *
rows(const char *text)
{
	return rows_of(text, strlen(text), 4096, (struct dialect){.quote = '"'});
}

TEST("rows are cells between delimiters")
{
	CHECK_STR(rows("a,b\n1,2\n"), "<a|b><1|2>");
	CHECK_STR(rows("a,b\r\n1,\r\n,2"), "<a|b><1|><|2>");
	CHECK_STR(rows("a\r\rb\n\n\"\"\n"), "<a><b><>");
	CHECK_STR(rows("a;b,c;d\n"), "<a|b,c|d>");
}

TEST("quotes enclose what would end a cell, and are doubled within")
{
	CHECK_STR(rows("\"a,\"\"b\"\"\nc\",d\n"), "<a,\"b\"\nc|d>");
	CHECK_STR(rows("a\"b,c\n"), "<a\"b|c>");
	CHECK_STR(rows("\"a\"b,c\nd,e\n"), "!<ab|c><d|e>");
	CHECK_STR(rows("a,\"b\n"), " FAULT line 1: a quote is opened here and never closed");
}

TEST("a delimiter within quotes of the first line is none")
{
	CHECK_STR(rows("\"a,b,c\";d\n1;2\n"), "<a,b,c|d><1|2>");
	CHECK_STR(rows_of("\"a\n,,\";d\n1;2\n", 13, 1, (struct dialect){.quote = '"'}), "<a\n,,|d><1|2>");
}

TEST("bytes that mean nothing are the fault of their row alone")
{
	CHECK_STR(rows("a\n\xff\nb\n"), "<a>!<\xff><b>");
	CHECK_STR(rows("a\n\xed\xa0\x80\nb\n"), "<a>!<\xed\xa0\x80><b>");
	CHECK_STR(rows_of("a\xc1\n", 3, 9, (struct dialect){.charset = charset_find("KOI8-R")}), "<a\xd0\xb0>");
}

TEST("wherever ten thousand random texts are cut, the rows are the same")
{
	static const char alphabet[] = "a,\"\r\n;\t|1\xc3\xa9\xff ";
	uint32_t seed = 5;
	bool same = true;

	for (int round = 0; round < 10000 && same; round++) {
		char text[80], whole[sizeof(told)];
		size_t len = 0;
		struct dialect dialect = {.quote = round % 4 ? '"' : '\0', .delimiter = round % 2 ? ',' : '\0'};

		for (seed = seed * 1664525u + 1013904223u; len < seed >> 26; len++) {
			uint32_t r = (seed >> 3) * 2654435761u + (uint32_t)len * 40503u * (seed | 1);
			text[len] = alphabet[(r >> 9) % (sizeof(alphabet) - 1)];
		}
		strcpy(whole, rows_of(text, len, 4096, dialect));
		same = strcmp(whole, rows_of(text, len, 1, dialect)) == 0 && strcmp(whole, rows_of(text, len, 3, dialect)) == 0;
	}
	CHECK(same);
}
