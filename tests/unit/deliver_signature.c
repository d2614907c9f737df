/* deliver_signature.c - both schemes, against openssl's command line and the vector of the Standard Webhooks page. */
#include "../tap.h"
#include <unistd.h>
#include "base/mem.h"
#include "deliver/signature.h"

static struct secret *
secret_of(const char *text)
{
	return secret_new(slice_str(text));
}

static struct signatures
signed_by(const struct signing *by, const char *id, int64_t seconds, const char *body)
{
	struct signatures s;
	struct err err = {0};

	if (signatures_make(&s, by, slice_str(id), seconds, slice_str(body), &err) != 0)
		printf("# %s\n", err.text);
	return s;
}

TEST("an event is signed by its endpoint's secret, as the published libraries verify it")
{
	struct secret *key = secret_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	struct signing by = {.secret = key};
	struct signatures s = signed_by(&by, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}");

	CHECK_STR(buf_str(&s.standard), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	CHECK_STR(s.hmac, "");
	CHECK_STR(s.hash, "");
	buf_free(&s.standard);
	secret_free(key);
}

TEST("while a secret is rotated both sign, the new one first")
{
	struct secret *now = secret_of("the new one"), *before = secret_of("the one before");
	struct signing both = {.secret = now, .before = before}, one = {.secret = now}, other = {.secret = before};
	struct signatures s = signed_by(&both, "evt_1", 5, "{}"), a = signed_by(&one, "evt_1", 5, "{}"),
	                  b = signed_by(&other, "evt_1", 5, "{}");
	char *want = xasprintf("%s %s", buf_str(&a.standard), buf_str(&b.standard));

	CHECK_STR(buf_str(&s.standard), want);
	free(want);
	buf_free(&s.standard);
	buf_free(&a.standard);
	buf_free(&b.standard);
	secret_free(now);
	secret_free(before);
}

TEST("a whsec_ secret is base64 with or without padding, 24 to 64 bytes; what is none is refused without being told")
{
	static const struct {
		const char *text;
		size_t len; /* 0: refused */
	} cases[] = {
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 24},
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", 25},
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 25},
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
		{"whsec_", 0},
		{"whsec_not base64 at all, but long enough for it", 0},
		{"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0},
		{"plain text", 10},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct secret *secret = secret_of(cases[i].text);
		struct buf key = {0};
		struct err err = {0};
		int rc = signing_key(secret, &key, &err);

		CHECK_INT(rc, cases[i].len ? 0 : -1);
		CHECK_INT(key.len, cases[i].len);
		CHECK(rc == 0 || (strstr(err.text, "whsec_") && !strstr(err.text, "AAAA")));
		buf_wipe(&key);
		secret_free(secret);
	}
}

static void
shell_line(char *out, size_t size, const char *command)
{
	FILE *f = popen(command, "r");

	*out = '\0';
	if (f && fgets(out, (int)size, f))
		out[strcspn(out, "\r\n")] = '\0';
	if (f)
		pclose(f);
}

/* One kind of signature over the bytes of a file, by openssl. */
static void
judge(char *out, size_t size, const char *path, const char *how)
{
	char *command = xasprintf("{ %s; } 2>/dev/null", how);
	char *with_path = xasprintf("F=%s; %s", path, command);

	shell_line(out, size, with_path);
	free(command);
	free(with_path);
}

TEST("openssl computes the same, for both schemes, over every byte there is and a body of a megabyte")
{
	static const char key_text[] = "3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f";
	char path[] = "/tmp/sluice-sign-XXXXXX", got[512];
	size_t len = 1 << 20;
	char *body = xmalloc(len), *line;
	struct secret *secret = secret_of(key_text);
	struct signing by = {.secret = secret, .nango = secret};
	struct signatures s;
	struct err err;
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	REQUIRE(f != NULL);
	for (size_t i = 0; i < len; i++)
		body[i] = (char)(i * 31 + i / 256);
	fwrite(body, 1, len, f);
	fclose(f);
	REQUIRE(signatures_make(&s, &by, SLICE("evt_0a"), 1700000000, slice_of(body, len), &err) == 0);

	judge(got, sizeof got, path, "openssl dgst -sha256 -hmac 3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f -r <\"$F\" | cut -d' ' -f1");
	CHECK_STR(s.hmac, got);
	judge(got, sizeof got, path, "{ printf %s 3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f; cat \"$F\"; } | openssl dgst -sha256 -r | cut -d' ' -f1");
	CHECK_STR(s.hash, got);
	judge(got, sizeof got, path,
	      "{ printf %s evt_0a.1700000000.; cat \"$F\"; } |"
	      " openssl dgst -sha256 -hmac 3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f -binary | base64");
	line = xasprintf("v1,%s", got);
	CHECK_STR(buf_str(&s.standard), line);
	free(line);
	buf_free(&s.standard);
	secret_free(secret);
	free(body);
	unlink(path);
}
