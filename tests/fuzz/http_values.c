/* http_values.c - fuzz target: what providers send as text, through the proxy's pure functions.
 *
 *   a wait is unknown or not negative; a date or number with blanks around it means the same;
 *   a URL that is accepted is http or https, has a host without upper case, and resolving a location against it never
 * yields user info; what is shown of it holds no query; header lines come out as lines: no control bytes, and as many
 * as there are line ends; inflating never gives more than its room and ends.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DFUZZING. As a plain program it replays the files named
 * as arguments. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/address.h"
#include "proxy/headers.h"
#include "proxy/inflate.h"
#include "proxy/proxy.h"
#include "proxy/retry.h"
#include "proxy/url.h"

#define assert(cond) ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_waits(struct slice text)
{
	struct wait_sources s = {.headers = text,
	                         .body = text,
	                         .body_path = "a",
	                         .reset = "reset",
	                         .retry_after = "x",
	                         .now_us = INT64_C(1700000000000000)};
	int64_t ms = wait_retry_after(text, s.now_us);
	struct buf padded = {0};

	assert(ms >= WAIT_UNKNOWN && wait_reset(text, s.now_us) >= WAIT_UNKNOWN && wait_asked(&s) >= WAIT_UNKNOWN);
	buf_putc(&padded, ' ');
	buf_slice(&padded, text);
	buf_puts(&padded, "\t ");
	assert(wait_retry_after(buf_view(&padded), s.now_us) == ms);
	buf_free(&padded);
}

static void
url_holds(const struct url *u)
{
	char *scheme = NULL, *user = NULL;

	assert(!curl_url_get(u->parts, CURLUPART_SCHEME, &scheme, 0) && !strcmp(scheme, u->tls ? "https" : "http"));
	assert(curl_url_get(u->parts, CURLUPART_USER, &user, 0) == CURLUE_NO_USER);
	for (const char *p = u->host; *p; p++)
		assert(!isupper((unsigned char)*p) && (unsigned char)*p > 0x20);
	assert(!strchr(u->shown, '?') && u->port);
	curl_free(scheme);
}

static void
try_urls(struct slice text)
{
	static const char *const bases[] = {"https://api.example/v1/", "http://[::1]:8080/p"};
	struct url base, u;

	if (!url_parse(&u, text, NULL)) {
		url_holds(&u);
		url_set_param(&u, "key", SLICE("a&b"));
		url_free(&u);
	}
	for (size_t i = 0; i < LENGTH(bases); i++) {
		if (url_parse(&base, slice_str(bases[i]), NULL))
			abort();
		if (!url_resolve(&u, &base, text, NULL)) {
			url_holds(&u);
			url_free(&u);
		}
		for (int answer = 0; answer < 2; answer++)
			if (!url_endpoint(&u, &base, text, (struct slice){0}, answer, NULL)) {
				url_holds(&u);
				/* Below base there is no way out to another place. */
				assert(url_same_origin(&u, &base) || memmem(text.p, text.len, "//", 2));
				url_free(&u);
			}
		url_free(&base);
	}
}

static void
try_headers(struct slice text)
{
	struct secret *secret = secret_dup(NULL);
	struct headers h = {.hide = secret, .hide_name = "x-key"};
	size_t lines = 0, ends = 0;

	for (const char *p = text.p, *end = text.p + text.len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)), *next = newline ? newline + 1 : end;

		if (headers_add(&h, slice_of(p, (size_t)(next - p)), NULL))
			break;
		lines++;
		p = next;
	}
	for (size_t i = 0; i < h.lines.len; i++) {
		ends += h.lines.p[i] == '\n';
		assert(h.lines.p[i] == '\n' || ((unsigned char)h.lines.p[i] >= 0x20 && h.lines.p[i] != 0x7f));
	}
	assert(ends <= lines);
	headers_find(buf_view(&h.lines), "a");
	headers_count(buf_view(&h.lines), "a");
	header_check(text, "x-key", NULL);
	headers_finish(&h);
	secret_free(secret);
}

static void
try_inflate(struct slice text)
{
	struct inflate f;
	char room[512];
	size_t got;

	if (inflate_init(&f, SLICE("gzip"), NULL))
		abort();
	do {
		if (inflate_step(&f, &text, room, sizeof room, &got, NULL))
			break;
		assert(got <= sizeof room);
	} while (text.len || got == sizeof room);
	inflate_end(&f, NULL);
	inflate_finish(&f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = size ? xmemdup(data, size) : NULL; /* of its exact size, for the sanitizer */
	char *text = xstrndup(copy ? copy : "", size);
	struct slice whole = slice_of(copy, size);
	struct buf out = {0};

	try_waits(whole);
	try_urls(whole);
	try_headers(whole);
	try_inflate(whole);
	template_fill(&out, text, SLICE("{\"a\":\"x/y\",\"b\":[1]}"), NULL);
	address_named(text, "api.example", 443, 443, size % 2);
	address_public_text(text);
	buf_free(&out);
	free(text);
	free(copy);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct buf b = {0};
		FILE *file = fopen(argv[i], "rb");
		int c;

		while (file && (c = getc(file)) != EOF)
			buf_putc(&b, (char)c);
		if (file)
			fclose(file);
		LLVMFuzzerTestOneInput((const uint8_t *)b.p, b.len);
		buf_free(&b);
	}
	return 0;
}
#endif
