/* base_buf.c - slices, the growing buffer, the bounded reader; and errors, memory, secrets, which are as small. */
#include "../tap.h"
#include <sys/wait.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"

TEST("what was put into a buffer is read back")
{
	struct buf b = {0};

	buf_u16(&b, 0x1234);
	buf_bytes(&b, SLICE("name"));
	buf_be64(&b, 7);

	struct reader r = reader_of(buf_view(&b));
	CHECK_INT(reader_u16(&r), 0x1234);
	CHECK(slice_is(reader_bytes(&r, 255), "name"));
	CHECK_INT(reader_be64(&r), 7);
	CHECK(reader_end(&r));
	buf_free(&b);
}

TEST("integers have the byte order that the header promises")
{
	struct buf b = {0};

	buf_u8(&b, 0xab);
	buf_u16(&b, 0x0102);
	buf_u32(&b, 0x01020304);
	buf_u64(&b, UINT64_C(0x0102030405060708));
	buf_be32(&b, 0x01020304);
	buf_be64(&b, UINT64_C(0x0102030405060708));
	CHECK(slice_eq(buf_view(&b),
		SLICE("\xab\x02\x01\x04\x03\x02\x01\x08\x07\x06\x05\x04\x03\x02\x01\x01\x02\x03\x04"
	                                   "\x01\x02\x03\x04\x05\x06\x07\x08")));
	struct reader r = reader_of(buf_view(&b));
	CHECK_INT(reader_u8(&r), 0xab);
	CHECK_INT(reader_u16(&r), 0x0102);
	CHECK_INT(reader_u32(&r), 0x01020304);
	CHECK(reader_u64(&r) == UINT64_C(0x0102030405060708));
	CHECK_INT(reader_be32(&r), 0x01020304);
	CHECK(reader_be64(&r) == UINT64_C(0x0102030405060708));
	CHECK(reader_end(&r));
	buf_free(&b);
}

TEST("a reader that was asked for too much yields zeros and empty slices from then on")
{
	struct reader r = reader_of(SLICE("\x01\x02\x03"));

	CHECK_INT(reader_u16(&r), 0x0201);
	CHECK_INT(reader_u16(&r), 0);
	CHECK(r.bad);
	CHECK_INT(reader_u8(&r), 0);
	CHECK_INT(reader_raw(&r, 1).len, 0);
	CHECK_INT(reader_rest(&r).len, 0);
	CHECK_INT(reader_u64(&r), 0);
	CHECK(!reader_end(&r));
}

TEST("bytes left over are an error, and so is a length over the limit or over what is there")
{
	struct reader r = reader_of(SLICE("\x01\x02"));

	CHECK_INT(reader_u8(&r), 1);
	CHECK(!reader_end(&r));
	CHECK(slice_is(reader_rest(&r), "\x02"));
	CHECK(reader_end(&r));
	r = reader_of(SLICE("\x04\0\0\0abcd"));
	CHECK_INT(reader_bytes(&r, 3).len, 0);
	CHECK(!reader_end(&r));
	r = reader_of(SLICE("\x04\0\0\0abcd"));
	CHECK_INT(reader_bytes(&r, 4).len, 4);
	CHECK(reader_end(&r));
	r = reader_of(SLICE("\x05\0\0\0abcd"));
	CHECK_INT(reader_bytes(&r, 100).len, 0);
	CHECK(r.bad);
	r = reader_of(SLICE("\xff\xff\xff\xff" "abcd"));
	CHECK_INT(reader_bytes(&r, SIZE_MAX).len, 0);
	CHECK(r.bad);
	r = reader_of(SLICE("abc"));
	CHECK_INT(reader_raw(&r, SIZE_MAX).len, 0);
	CHECK(r.bad);
	r = reader_of((struct slice){0});
	CHECK(reader_end(&r));
	CHECK_INT(reader_raw(&r, 0).len, 0);
	CHECK(reader_end(&r));
	CHECK_INT(reader_u32(&r), 0);
	CHECK(!reader_end(&r));
}

TEST("a buffer grows over its first size, by text, bytes and format")
{
	struct buf b = {0};

	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%d,", i);
	CHECK_INT(b.len, 3890);
	CHECK_HAS(buf_str(&b), ",998,999,");
	CHECK_INT(strlen(buf_str(&b)), 3890);
	buf_clear(&b);
	CHECK_STR(buf_str(&b), "");
	buf_printf(&b, "%0200d", 7);
	CHECK_INT(b.len, 200);
	buf_put(&b, NULL, 0);
	buf_slice(&b, (struct slice){0});
	CHECK_INT(b.len, 200);
	memset(buf_grow(&b, 10), 'x', 10);
	char *mine = buf_take(&b);
	CHECK_INT(strlen(mine), 210);
	CHECK(b.p == NULL && b.len == 0);
	free(mine);
	CHECK(buf_grow(&b, 0) != NULL);
	buf_wipe(&b);
	CHECK(b.p == NULL && b.cap == 0);
	buf_wipe(&b);
}

TEST("slices compare by their bytes")
{
	char *copy;

	CHECK(slice_eq(SLICE("a\0b"), slice_of("a\0b", 3)));
	CHECK(!slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	CHECK(!slice_is(SLICE("a\0"), "a"));
	CHECK(slice_is((struct slice){0}, ""));
	CHECK(slice_eq(slice_str(NULL), SLICE("")));
	CHECK(slice_starts(SLICE("file:x"), "file:"));
	CHECK(!slice_starts(SLICE("fil"), "file:"));
	CHECK(slice_starts((struct slice){0}, ""));
	CHECK_STR(copy = slice_dup(SLICE("abc")), "abc");
	free(copy);
}

TEST("a slice is trimmed at both ends, and escaped for a URL")
{
	struct buf b = {0};

	CHECK(slice_is(slice_trim(SLICE(" \t a b\r\n")), "a b"));
	CHECK_INT(slice_trim(SLICE(" \t ")).len, 0);
	CHECK_INT(slice_trim((struct slice){0}).len, 0);
	buf_url(&b, SLICE("aZ09-._~ /?&=%\xc3\xa4\0"));
	CHECK_STR(buf_str(&b), "aZ09-._~%20%2F%3F%26%3D%25%C3%A4%00");
	buf_free(&b);
}

TEST("an error keeps its class, and words can be put before it")
{
	struct err e = {0};

	CHECK_INT(err_set(&e, ERR_USAGE, "every: '%s' is no duration", "1x"), -1);
	CHECK_INT(err_prefix(&e, "%s:%d", "sluice.ini", 12), -1);
	CHECK_STR(e.text, "sluice.ini:12: every: '1x' is no duration");
	CHECK_INT(e.cls, ERR_USAGE);
	err_set(&e, ERR_DATA, "again: %s", e.text);
	CHECK_STR(e.text, "again: sluice.ini:12: every: '1x' is no duration");
	CHECK_INT(err_set(NULL, ERR_HOST, "nobody listens"), -1);
	CHECK_INT(err_prefix(NULL, "nobody"), -1);
}

TEST("an error is one line, cut at a character's end")
{
	struct err e = {0};
	char longer[2000];

	err_set(&e, ERR_DATA, "first\nsecond\x1b[31m");
	CHECK_STR(e.text, "first second [31m");
	for (size_t i = 0; i + 2 < sizeof longer; i += 2)
		memcpy(longer + i, "\xc3\xa9", 3);
	err_set(&e, ERR_DATA, "%s", longer);
	CHECK_INT(strlen(e.text), 1022);
	CHECK_INT((unsigned char)e.text[1021], 0xa9);
	err_set(&e, ERR_DATA, "x%s", longer);
	CHECK_INT(strlen(e.text), 1023);
	err_prefix(&e, "a long %s", longer);
	CHECK(strlen(e.text) < sizeof e.text);
}

TEST("every class has a name that finds it, and the exit code of the manual")
{
	static const int codes[ERR_CLASSES] = {0, 2, 3, 4, 75, 75, 1, 1, 75, 130};

	for (unsigned i = 0; i < ERR_CLASSES; i++) {
		CHECK_INT(err_class_find(err_class_name((enum err_class)i)), i);
		CHECK_INT(err_exit_code((enum err_class)i), codes[i]);
	}
	CHECK_INT(err_class_find("nonsense"), ERR_NONE);
	CHECK_INT(err_class_find(NULL), ERR_NONE);
}

TEST("memory that cannot be had ends the process with one line and 70")
{
	int fds[2], status;
	char text[200] = "";
	pid_t child;

	REQUIRE(pipe(fds) == 0);
	child = fork();
	if (child == 0) {
		volatile size_t n = SIZE_MAX / 4;
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		struct buf b = {.len = SIZE_MAX - 8, .cap = SIZE_MAX - 8, .p = text};
		buf_reserve(&b, n);
		_exit(0);
	}
	close(fds[1]);
	CHECK(read(fds[0], text, sizeof text - 1) > 0);
	close(fds[0]);
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 70);
	CHECK_HAS(text, "cannot grow");
	CHECK(strchr(text, '\n') == text + strlen(text) - 1);
}

TEST("memory of no bytes is still memory")
{
	void *p = xmalloc(0), *q = xcalloc(0, 8), *r = xrealloc(NULL, 0), *s = xmemdup(NULL, 0);
	char *t = xstrndup(NULL, 0), *u = xasprintf("%d", 7);

	CHECK(p && q && r && s);
	CHECK_STR(t, "");
	CHECK_STR(u, "7");
	free(p);
	free(q);
	free(r);
	free(s);
	free(t);
	free(u);
}

TEST("a secret is revealed, copied, compared and blanked, and nothing else")
{
	struct secret *s = secret_new(SLICE("hunter2\0x")), *copy = secret_dup(s);
	struct buf line = {0};

	CHECK(slice_eq(secret_reveal(s), SLICE("hunter2\0x")));
	CHECK(slice_eq(secret_reveal(copy), SLICE("hunter2\0x")));
	CHECK(secret_eq(s, SLICE("hunter2\0x")));
	CHECK(!secret_eq(s, SLICE("hunter2\0y")));
	CHECK(!secret_eq(s, SLICE("hunter2")));
	CHECK(!secret_eq(s, SLICE("hUnter2\0x")));
	CHECK(!secret_eq(NULL, SLICE("")));
	CHECK(secret_dup(NULL) == NULL);
	CHECK_INT(secret_reveal(NULL).len, 0);
	buf_slice(&line, SLICE("key=hunter2\0x;"));
	log_blank(&line);
	CHECK_STR(buf_str(&line), "key=***;");
	buf_free(&line);
	secret_free(s);
	secret_free(copy);
	secret_free(NULL);
	log_secrets_forget();
}
