/* config_ini.c - the INI reader: first its shortest use, then the six cases in which libinih alone is wrong (each shown
 * to be so by the same text through ini_parse), then what else files may hold. */
#include "config/ini.h"

#include <ini.h>
#include <unistd.h>
#include "base/mem.h"
#include "../tap.h"

/* Everything that was seen, one line each: "S section @1", "E name=value @2", "F what @3". */
static void
saw_section(void *arg, const char *name, unsigned line)
{
	buf_printf(arg, "S %s @%u\n", name ? name : "(faulty)", line);
}

static void
saw_entry(void *arg, const char *name, const char *value, unsigned line)
{
	buf_printf(arg, "E %s=%s @%u\n", name, value, line);
}

static void
saw_fault(void *arg, unsigned line, const char *what)
{
	buf_printf(arg, "F %s @%u\n", what, line);
}

static char *
read_text(struct slice text)
{
	struct buf seen = {0};
	char *copy = xmemdup(text.p, text.len + 1); /* an exact heap block: reading past it is seen by ASan */

	copy = xrealloc(copy, text.len ? text.len : 1);
	ini_read(slice_of(copy, text.len), &(struct ini_sink){saw_section, saw_entry, saw_fault, &seen});
	free(copy);
	return buf_take(&seen);
}

static int
plain_entry(void *arg, const char *section, const char *name, const char *value)
{
	buf_printf(arg, "%s|%s=%s\n", section, name, value);
	return 1;
}

/* What libinih itself makes of the text, by plain ini_parse of a file. Its return code is in front. */
static char *
plain_text(const char *text)
{
	char path[] = "/tmp/config_ini.XXXXXX";
	struct buf seen = {0};
	int fd = mkstemp(path);
	size_t n = strlen(text);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		abort();
	close(fd);
	int rc = ini_parse(path, plain_entry, &seen);
	unlink(path);
	if (rc != 0)
		buf_printf(&seen, "rc %d\n", rc);
	return buf_take(&seen);
}

#define CHECK_READ(text, expected) do { char *got_ = read_text(slice_str(text)); CHECK_STR(got_, expected); free(got_); } while (0)
#define CHECK_PLAIN(text, expected) do { char *got_ = plain_text(text); CHECK_STR(got_, expected); free(got_); } while (0)

TEST("sections, entries and their lines come in order")
{
	CHECK_READ("# a comment\n"
	           "[host]\n"
	           "retries = 5\n"
	           "\n"
	           "[connection acme : slack]   ; one account\n"
	           "token=abc\n",
	           "S host @2\nE retries=5 @3\nS connection acme : slack @5\nE token=abc @6\n");
}

/* ---- the six cases ---- */

TEST("case 1: a section name of any length stays whole; libinih cuts it at 49 bytes")
{
	const char *text = "[sync a-rather-long-customer-name : integration : channel-messages]\nevery = 1h\n";

	CHECK_PLAIN(text, "sync a-rather-long-customer-name : integration : |every=1h\n");
	CHECK_READ(text, "S sync a-rather-long-customer-name : integration : channel-messages @1\nE every=1h @2\n");
}

TEST("case 2: a line of any length stays whole; libinih cuts it at 199 bytes and reads the rest as another")
{
	struct buf text = {0}, expected = {0};
	char *plain;

	buf_puts(&text, "[s]\nlist = ");
	buf_puts(&expected, "S s @1\nE list=");
	for (int i = 0; i < 100 * 1024; i++)
		buf_putc(&text, (char)('a' + i % 26));
	buf_put(&expected, text.p + 11, text.len - 11);
	buf_puts(&expected, " @2\nE after=1 @3\n");
	buf_puts(&text, "\nafter = 1\n");
	plain = plain_text(buf_str(&text));
	CHECK(strlen(plain) < 300);
	CHECK(!strstr(plain, "after=1") || strstr(plain, "rc "));
	CHECK_READ(buf_str(&text), buf_str(&expected));
	free(plain);
	buf_free(&text);
	buf_free(&expected);
}

TEST("case 3: ; in quotes or brackets, or without white space before it, is no comment")
{
	const char *text = "[s]\na = \"x ; y\"\nb = [\"p ; q\", {\"r ;s\": 1} ] ; gone\nc = u;v\nd = w ;gone\ne = ;gone\n";

	CHECK_PLAIN(text, "s|a=\"x\ns|b=[\"p\ns|c=u;v\ns|d=w\ns|e=\n");
	CHECK_READ(text, "S s @1\nE a=\"x ; y\" @2\nE b=[\"p ; q\", {\"r ;s\": 1} ] @3\nE c=u;v @4\nE d=w @5\nE e= @6\n");
}

TEST("case 4: an indented entry is an entry, and continues a value only while that is open")
{
	const char *text = "[s]\na = 1\n  b = 2\nc = [\"x\",\n  \"y = z\"]\n";

	CHECK_PLAIN(text, "s|a=1\ns|a=b = 2\ns|c=[\"x\",\ns|c=\"y = z\"]\n");
	CHECK_READ(text, "S s @1\nE a=1 @2\nE b=2 @3\nE c=[\"x\", \"y = z\"] @4\n");
}

TEST("case 5: empty and repeated sections are seen")
{
	const char *text = "[empty]\n[s]\na = 1\n[empty]\n[s]\n";

	CHECK_PLAIN(text, "s|a=1\n");
	CHECK_READ(text, "S empty @1\nS s @2\nE a=1 @3\nS empty @4\nS s @5\n");
}

TEST("case 6: every entry knows the line in which it begins, after continued ones too")
{
	const char *text = "[s]\n\n# c\na = {\n\n  \"k\": [1,\n  2]\n}\nb = 2\n";

	CHECK_READ(text, "S s @1\nE a={ \"k\": [1, 2] } @4\nE b=2 @9\n");
	/* libinih's handler is given no line at all, and makes this of it: */
	CHECK_PLAIN(text, "s|a={\ns|a=\"k\": [1,\ns|a=2]\ns|b=2\nrc 8\n");
}

/* ---- values ---- */

TEST("# within a line is part of the value, first in a line it is a comment, indented too")
{
	CHECK_READ("[s]\nchannel = #general # x\n  # note = 1\n; note = 2\n", "S s @1\nE channel=#general # x @2\n");
}

TEST("a bare value may hold odd quotes and brackets, as passwords do")
{
	CHECK_READ("[s]\na = p\"w[d{ ; comment\nb = x]\n  c = 3\nd = it's (\n",
	           "S s @1\nE a=p\"w[d{ @2\nE b=x] @3\nE c=3 @4\nE d=it's ( @5\n");
}

TEST("a quoted value goes on in indented lines, each break being one blank")
{
	CHECK_READ("[s]\na = \"one\n    two = 2 ; three \\\" [\n\tfour\" ; comment\nb=1\n",
	           "S s @1\nE a=\"one two = 2 ; three \\\" [ four\" @2\nE b=1 @5\n");
}

TEST("comment lines and blank lines may stand within a bracket; the closing one need not be indented")
{
	CHECK_READ("[s]\na = [\n# first\n\n  \"#x\",\n; second\n  \"y\"\n]\nb = 1\n",
	           "S s @1\nE a=[ \"#x\", \"y\" ] @2\nE b=1 @9\n");
}

TEST("a bracket or quote that is never closed is told at its line, and the next entry is read")
{
	CHECK_READ("[s]\na = [1,\nb = 2\n[t]\nc = \"x\n",
	           "S s @1\nF the bracket that opens here is not closed (a value goes on only in indented lines) @2\n"
	           "E b=2 @3\nS t @4\nF the quote that opens here is not closed (a value goes on only in indented lines) @5\n");
}

TEST("only the first = separates; white space around names and values is dropped; values may be empty")
{
	CHECK_READ("[s]\n  a.b-c_1\t=\tx = y == \t\nempty =\nurl = http://h:1/p?a=b\n",
	           "S s @1\nE a.b-c_1=x = y == @2\nE empty= @3\nE url=http://h:1/p?a=b @4\n");
}

TEST("values around the length at which inih's own buffer ends are whole")
{
	for (int n = 150; n < 220; n++) {
		char *value = xcalloc(1, (size_t)n + 1), *text, *expected;
		memset(value, 'v', (size_t)n);
		text = xasprintf("[s]\nname = %s\nnext = 1\n", value);
		expected = xasprintf("S s @1\nE name=%s @2\nE next=1 @3\n", value);
		CHECK_READ(text, expected);
		free(value);
		free(text);
		free(expected);
	}
}

/* ---- files ---- */

TEST("CRLF, a byte order mark and a last line without end are fine")
{
	CHECK_READ("\xef\xbb\xbf[s]\r\na = 1\r\nb = [1,\r\n  2]\r\nc = 3", "S s @1\nE a=1 @2\nE b=[1, 2] @3\nE c=3 @5\n");
	CHECK_READ("\xef\xbb\xbf", "");
	CHECK_READ("", "");
	CHECK_READ("[s]", "S s @1\n");
	CHECK_READ("[s]\na = [1,\n  2]", "S s @1\nE a=[1, 2] @2\n");
}

TEST("a NUL byte anywhere refuses the whole text")
{
	static const char text[] = "[s]\na = 1\nb = x\0y\n";
	char *got = read_text(slice_of(text, sizeof(text) - 1));

	CHECK_STR(got, "F a NUL byte: this is no text file @3\n");
	free(got);
}

TEST("bytes that are not UTF-8 refuse the whole text; UTF-8 is fine")
{
	CHECK_READ("[s]\na = \xe4\n", "F not UTF-8: save the file in that encoding @2\n");
	CHECK_READ("[s]\n# \xc3\n", "F not UTF-8: save the file in that encoding @2\n");
	CHECK_READ("\xff\xfe[\n", "F not UTF-8: save the file in that encoding @1\n");
	CHECK_READ("[s]\na = gr\xc3\xbc\xc3\x9f\n", "S s @1\nE a=gr\xc3\xbc\xc3\x9f @2\n");
}

TEST("other control characters are refused, so no value can pass for the reader's own mark")
{
	CHECK_READ("[s]\na = \x01\nb = [1,\n \x1b[31m]\n  2]\nc = 1\rx = 2\n",
	           "S s @1\nF a control character: only tabs are allowed @2\nF a control character: only tabs are allowed @4\n"
	           "E b=[1, 2] @3\nF a control character: only tabs are allowed @6\n");
}

TEST("a faulty header is told, and what stands below it belongs nowhere")
{
	CHECK_READ("[open\na=1\n[]\n[ ]\n[s] x\n[s] ; fine\n",
	           "F the section's ']' is missing @1\nS (faulty) @1\nE a=1 @2\n"
	           "F the section has no name @3\nS (faulty) @3\nF the section has no name @4\nS (faulty) @4\n"
	           "F something stands after the section's ']' (a comment there begins with blank and ';') @5\nS (faulty) @5\n"
	           "S s @6\n");
}

TEST("a line without =, with : or with a bad name is told, and the others are read")
{
	CHECK_READ("[s]\njust text\na: 1\na b = 2\n= 3\n-x = 4\nok = 5\n",
	           "S s @1\nF no '=' in this line: neither [section] nor name = value @2\n"
	           "F no '=' in this line (a ':' does not separate name and value) @3\n"
	           "F what stands before '=' is no name (letters, digits and . _ -, at most 100) @4\n"
	           "F what stands before '=' is no name (letters, digits and . _ -, at most 100) @5\n"
	           "F what stands before '=' is no name (letters, digits and . _ -, at most 100) @6\nE ok=5 @7\n");
}

TEST("a thousand brackets and a thousand sections are read as they are")
{
	struct buf text = {0}, expected = {0};

	for (unsigned i = 1; i <= 1000; i++) {
		buf_printf(&text, "[s%u]\n", i);
		buf_printf(&expected, "S s%u @%u\n", i, i);
	}
	buf_puts(&text, "a = ");
	buf_puts(&expected, "E a=");
	for (int i = 0; i < 2000; i++) {
		buf_putc(&text, i < 1000 ? '[' : ']');
		buf_putc(&expected, i < 1000 ? '[' : ']');
	}
	buf_puts(&expected, " @1001\n");
	CHECK_READ(buf_str(&text), buf_str(&expected));
	buf_free(&text);
	buf_free(&expected);
}
