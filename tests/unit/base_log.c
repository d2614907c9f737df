/* base_log.c - what a log line looks like, and that no secret is in it, however it is spelled. */
#include "../tap.h"
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"

static int fd = -1;

/* A fresh file that the log writes into. */
static void
fresh(enum log_level least, enum log_format format)
{
	log_secrets_forget();
	log_tap(NULL, NULL);
	if (fd >= 0)
		close(fd);
	fd = memfd_create("log", MFD_CLOEXEC);
	REQUIRE(fd >= 0);
	log_setup(fd, least, format);
}

/* What was written since. */
static const char *
written(void)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	CHECK(ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return text;
}

TEST("a line has its time, level, message and fields")
{
	const struct log_field fields[] = {{"connection", "acme", 0}, {"records", NULL, 42}, {"step", "a b\"", 0},
		{NULL, NULL, 0}};
	const char *line;

	fresh(LOG_INFO, LOG_TEXT);
	log_line(LOG_WARN, fields, "saved %d records", 42);
	line = written();
	CHECK_STR(line + 24, " warn  saved 42 records connection=acme records=42 step=\"a b\\\"\"\n");
	CHECK(line[10] == 'T' && line[23] == 'Z');
}

TEST("a JSON line is JSON, whatever the message holds")
{
	const struct log_field fields[] = {{"run", "r\"1", 0}, {"duration_ms", NULL, INT64_MIN}, {NULL, NULL, 0}};
	struct slice line, v = {0};
	const char *text;

	fresh(LOG_DEBUG, LOG_JSON);
	log_line(LOG_DEBUG, fields, "quote \" slash \\ line\nfeed \xff \x01");
	text = written();
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
	line = slice_str(text);
	REQUIRE(json_check(line, 0, NULL));
	line = json_trim(line);
	CHECK(json_member(line, "level", &v) && json_string_is(v, "debug"));
	CHECK(json_member(line, "msg", &v) && json_string_is(v, "quote \" slash \\ line\nfeed \xef\xbf\xbd \x01"));
	CHECK(json_member(line, "run", &v) && json_string_is(v, "r\"1"));
	CHECK(json_member(line, "duration_ms", &v) && slice_is(v, "-9223372036854775808"));
	CHECK(json_member(line, "ts", &v));
}

TEST("a line below the level is not written; a file gets JSON when nobody chose")
{
	fresh(LOG_WARN, LOG_AUTO);
	log_debug("one");
	log_info("two");
	CHECK_STR(written(), "");
	log_error("three");
	CHECK(json_check(slice_str(written()), 0, NULL));
}

TEST("control bytes reach no terminal, and a line stays one line")
{
	const struct log_field fields[] = {{"error", "x\x1b[2J\ny", 0}, {NULL, NULL, 0}};
	const char *line;

	fresh(LOG_INFO, LOG_TEXT);
	log_line(LOG_INFO, fields, "\x1b[31mred\r\nforged \x7f \xc2\x9b");
	line = written();
	CHECK(strchr(line, '\n') == line + strlen(line) - 1);
	CHECK(!strchr(line, 0x1b) && !strchr(line, '\r') && !strstr(line, "\xc2\x9b"));
	CHECK_HAS(line, "\\x1b[31mred\\x0d\\nforged");
}

/* One secret, and how it looks in other clothes (made by coreutils and Python, not by the code under test). */
#define SECRET "s3cr3t/Key+with \"quotes\" & more?"
static const char *const spellings[] = {
	SECRET,
	"s3cr3t/Key+with \\\"quotes\\\" & more?",
	"czNjcjN0L0tleSt3aXRoICJxdW90ZXMiICYgbW9yZT8=",
	"czNjcjN0L0tleSt3aXRoICJxdW90ZXMiICYgbW9yZT8",
	"7333637233742f4b65792b77697468202271756f746573222026206d6f72653f",
	"7333637233742F4B65792B77697468202271756F746573222026206D6F72653F",
	"s3cr3t%2FKey%2Bwith%20%22quotes%22%20%26%20more%3F",
	"s3cr3t%2fKey%2bwith%20%22quotes%22%20%26%20more%3f",
	"s3cr3t%2FKey%2Bwith+%22quotes%22+%26+more%3F",
};

TEST("a secret is blanked in every spelling, in text and in JSON, in message and field")
{
	for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
		fresh(LOG_INFO, format);
		log_secret(SLICE(SECRET));
		for (size_t i = 0; i < LENGTH(spellings); i++) {
			const struct log_field fields[] = {{"url", spellings[i], 0}, {NULL, NULL, 0}};
			const char *line;
			log_line(LOG_INFO, fields, "<%s>", spellings[i]);
			line = written();
			CHECK_HAS(line, "<***");
			CHECK(!strstr(line, spellings[i]));
			CHECK(!strstr(line, "s3cr3t") && !strstr(line, "czNjcjN0") && !strstr(line, "7333637233"));
			CHECK_HAS(line, format == LOG_JSON ? "\"url\":\"***" : "url=***");
			if (format == LOG_JSON)
				CHECK(json_check(slice_str(line), 0, NULL));
		}
	}
}

TEST("a password is blanked inside the base64 of basic authentication")
{
	/* user:, us:, u: and the password, in the three alignments */
	static const char *const headers[] = {"dXNlcjpjb3JyZWN0aG9yc2U=", "dXM6Y29ycmVjdGhvcnNl",
		"dTpjb3JyZWN0aG9yc2U=", "dXNyOmNvcnJlY3Rob3JzZTp4",
	                                      "OmNvcnJlY3Rob3JzZQ=="};

	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("correcthorse"));
	for (size_t i = 0; i < LENGTH(headers); i++) {
		const char *line;
		log_info("Authorization: Basic %s", headers[i]);
		line = written();
		CHECK_HAS(line, "***");
		CHECK(!strstr(line, headers[i]));
		CHECK(!strstr(line, "cmVjdGhv") && !strstr(line, "JlY3Rob3") && !strstr(line, "yZWN0aG9"));
	}
}

TEST("a base64 of the other alphabet is blanked too")
{
	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("\xfb\xff\xfe\xfb\xff\xfe\xfb\xff"));
	log_info("a -__--__--_8= b +//++//++/8= c");
	CHECK_HAS(written(), "a *** b *** c");
}

TEST("a secret that is spread over two fields is blanked")
{
	const struct log_field fields[] = {{"a", "left", 0}, {"b", "right", 0}, {NULL, NULL, 0}};
	const struct log_field number[] = {{"records", NULL, 12345678}, {NULL, NULL, 0}};

	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("left b=right"));
	log_line(LOG_INFO, fields, "x");
	CHECK_HAS(written(), "x a=***\n");
	log_secret(SLICE("left\",\"b\":\"right"));
	log_setup(fd, LOG_INFO, LOG_JSON);
	log_line(LOG_INFO, fields, "x");
	CHECK_HAS(written(), "\"a\":\"***\"}");
	log_secret(SLICE("12345678"));
	log_line(LOG_INFO, number, "x");
	CHECK_HAS(written(), "\"records\":\"***\"");
}

TEST("the longer of two secrets wins, and time and level are never blanked")
{
	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("token"));
	log_secret(SLICE("token-of-acme"));
	log_secret(SLICE("info"));
	log_secret(SLICE("abc"));
	log_info("token-of-acme token info abc");
	const char *line = written();
	CHECK_STR(line + 24, " info  *** *** *** abc\n");
}

TEST("secrets can be forgotten, and a text that goes elsewhere is blanked in place")
{
	struct buf b = {0};

	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("hunter22"));
	log_secret(SLICE("hunter22"));
	buf_puts(&b, "hunter22 and hunter22hunter22!");
	log_blank(&b);
	CHECK_STR(buf_str(&b), "*** and ******!");
	log_secrets_forget();
	buf_clear(&b);
	buf_puts(&b, "hunter22");
	log_blank(&b);
	CHECK_STR(buf_str(&b), "hunter22");
	buf_free(&b);
}

TEST("a thousand secrets are all found")
{
	struct buf b = {0};
	char secret[32];

	fresh(LOG_INFO, LOG_TEXT);
	for (int i = 0; i < 1000; i++) {
		snprintf(secret, sizeof secret, "secret-%d-%d", i * 7919, i);
		log_secret(slice_str(secret));
	}
	for (int i = 0; i < 1000; i++) {
		buf_clear(&b);
		buf_printf(&b, "a secret-%d-%d.", i * 7919, i);
		log_blank(&b);
		CHECK(!strstr(buf_str(&b), "secret-"));
	}
	buf_free(&b);
}

struct tapped {
	int lines;
	char msg[64], field[64];
};

static void
tap_line(void *arg, enum log_level level, const char *msg, const struct log_field *fields)
{
	struct tapped *t = arg;

	(void)level;
	t->lines++;
	snprintf(t->msg, sizeof t->msg, "%s", msg);
	snprintf(t->field, sizeof t->field, "%s", fields[0].key ? fields[0].text : "");
	log_error("the tap failed"); /* must neither deadlock nor come back here */
}

TEST("tens of thousands of tokens that begin alike cost no more than others, and the longest still wins")
{
	struct buf b = {0};
	char token[48];
	clock_t from;

	fresh(LOG_INFO, LOG_TEXT);
	from = clock();
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(token, sizeof token, "xoxb-1234567890-%06u-abcdefghij", i);
		log_secret(slice_str(token));
	}
	log_secret(slice_str("xoxb-1234567890-000007"));
	for (unsigned i = 0; i < 20000; i += 7) {
		buf_clear(&b);
		buf_printf(&b, "a xoxb-1234567890-%06u-abcdefghij, xoxb-1234567890-000007-abc, xoxb-12", i);
		log_blank(&b);
		CHECK(slice_is(buf_view(&b), "a ***, ***-abc, xoxb-12"));
	}
	CHECK((double)(clock() - from) / CLOCKS_PER_SEC < 5); /* a walk over all of them: half a minute */
	buf_free(&b);
	log_secrets_forget();
}

TEST("the tap sees blanked lines that pass the level, and may log itself")
{
	const struct log_field fields[] = {{"url", "https://x/?key=hunter22", 0}, {NULL, NULL, 0}};
	struct tapped t = {0};

	fresh(LOG_INFO, LOG_TEXT);
	log_secret(SLICE("hunter22"));
	log_tap(tap_line, &t);
	log_debug("not this");
	log_line(LOG_INFO, fields, "key hunter22");
	CHECK_INT(t.lines, 1);
	CHECK_STR(t.msg, "key ***");
	CHECK_STR(t.field, "https://x/?key=***");
	CHECK_HAS(written(), "the tap failed");
	log_tap(NULL, NULL);
}

static void *
chatter(void *arg)
{
	for (int i = 0; i < 500; i++)
		log_info("thread %d says %d hunter22", *(int *)arg, i);
	return NULL;
}

TEST("lines of several threads are whole")
{
	pthread_t threads[4];
	int names[4], lines = 0;
	const char *text;

	fresh(LOG_INFO, LOG_JSON);
	log_secret(SLICE("hunter22"));
	for (int i = 0; i < 4; i++) {
		names[i] = i;
		REQUIRE(pthread_create(&threads[i], NULL, chatter, &names[i]) == 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	text = written();
	CHECK(!strstr(text, "hunter22"));
	for (const char *end; (end = strchr(text, '\n')); text = end + 1, lines++)
		CHECK(json_check(slice_of(text, (size_t)(end - text)), 0, NULL));
	CHECK_INT(lines, 2000);
}

TEST("levels have names")
{
	enum log_level level = LOG_DEBUG;

	for (enum log_level i = LOG_DEBUG; i <= LOG_ERROR; i++)
		CHECK(log_level_find(slice_str(log_level_name(i)), &level) && level == i);
	CHECK(!log_level_find(SLICE("loud"), &level));
	CHECK(!log_level_find(SLICE(""), &level));
}
