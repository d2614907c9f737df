/* proxy_url.c - URLs joined, compared and refused; templates; answer headers. */
#include "../tap.h"
#include "base/mem.h"
#include "proxy/headers.h"
#include "proxy/proxy.h"
#include "proxy/url.h"

static char whole[8192];

/* The text that would be asked for, or "!reason". */
static const char *
joined(const char *base, const char *endpoint, const char *query, bool from_answer)
{
	struct url b, u;
	struct err err = {0};
	char *text = NULL;

	if (url_parse(&b, slice_str(base), &err)) {
		snprintf(whole, sizeof whole, "!%s", err.text);
		return whole;
	}
	if (url_endpoint(&u, &b, slice_str(endpoint), slice_str(query), from_answer, &err)) {
		snprintf(whole, sizeof whole, "!%s", err.text);
	} else {
		curl_url_get(u.parts, CURLUPART_URL, &text, 0);
		snprintf(whole, sizeof whole, "%s", text);
		curl_free(text);
		url_free(&u);
	}
	url_free(&b);
	return whole;
}

TEST("an endpoint goes below base_url's path; an absolute one is taken as it is")
{
	CHECK_STR(joined("https://api.example", "/v1/x", "", false), "https://api.example:443/v1/x");
	CHECK_STR(joined("https://api.example/", "v1/x", "a=1", false), "https://api.example:443/v1/x?a=1");
	CHECK_STR(joined("http://127.0.0.1:1/stripe", "/v1/customers", "limit=2", false),
	          "http://127.0.0.1:1/stripe/v1/customers?limit=2");
	CHECK_STR(joined("http://127.0.0.1:1/stripe/", "/v1?a=1", "b=2", false),
	          "http://127.0.0.1:1/stripe/v1?a=1&b=2");
	CHECK_STR(joined("http://h:1/p", "", "b=2", false), "http://h:1/p?b=2");
	CHECK_STR(joined("http://h:1/p", "?a=1", "b=2", false), "http://h:1/p?a=1&b=2");
	CHECK_STR(joined("http://h:1/p", "http://h:1/p/v1/x?c=3", "", true), "http://h:1/p/v1/x?c=3");
	CHECK_STR(joined("http://h:1/p", "/p/v1/x", "", true), "http://h:1/p/v1/x");
	CHECK_STR(joined("http://h:1/p", "/p/v1/x", "", false), "http://h:1/p/p/v1/x");
	CHECK_STR(joined("http://h:1/p", "/pv/x", "", true), "http://h:1/p/pv/x");
	CHECK_STR(joined("http://h:1", "/a#fragment", "b=1", false), "http://h:1/a?b=1");
	CHECK_STR(joined("http://[::1]:8080/x", "/a", "", false), "http://[::1]:8080/x/a");
	CHECK_STR(joined("http://h:1", "/t/2026-01-01 00:00/\xc3\xa4", "q=a b", false),
	          "http://h:1/t/2026-01-01%2000:00/%c3%a4?q=a+b");
}

TEST("text that could mean two things is refused")
{
	static const char *const bad[] = {"/a\r\nHost: x", "/a\\b",           "http://u@h/",
	                                  "http://u:p@h/", "ftp://h/",        "file:///etc/passwd",
	                                  "http://",       "http://h:99999/", "http://h:x/",
	                                  "/a\x01",        "/a\x7f",          "http://[fe80::1%25lo]/",
	                                  "http://a b/",   "dict://h:1/"};

	for (size_t i = 0; i < LENGTH(bad); i++) {
		CHECK_INT(joined("http://h:1", bad[i], "", i % 2)[0], '!');
		if (tap_bad)
			printf("# %s: %s\n", bad[i], whole);
	}
	CHECK_HAS(joined("http://h:1", "/a", "b=1#c", false), "escape it as %23");
	CHECK_HAS(joined("api.example", "/a", "", false), "!");
	CHECK_HAS(joined("https://user:pw@api.example", "/a", "", false), "user name or password");
	CHECK(!strstr(joined("https://user:canary@api.example", "/a", "", false), "canary"));
}

TEST("hosts compare in one form, origins by scheme, host and port")
{
	struct url a, b;
	struct err err;

	REQUIRE(!url_parse(&a, SLICE("HTTPS://API.Example./x"), &err) &&
	        !url_parse(&b, SLICE("https://api.example:443"), &err));
	CHECK(url_same_origin(&a, &b));
	CHECK_STR(a.host, "api.example");
	CHECK_STR(b.shown, "https://api.example:443/");
	url_free(&b);
	REQUIRE(!url_parse(&b, SLICE("http://api.example:443/?secret=1"), &err));
	CHECK(!url_same_origin(&a, &b) && url_same_place(&a, &b));
	CHECK(!strstr(b.shown, "secret"));
	url_free(&a);
	url_free(&b);
}

TEST("a parameter is replaced wherever it stood, and taken away")
{
	struct url u;
	struct err err;
	char *query = NULL;

	REQUIRE(!url_parse(&u, SLICE("http://h/?key=old&a=1&key=older&keys=2"), &err));
	url_set_param(&u, "key", SLICE("n&w=="));
	curl_url_get(u.parts, CURLUPART_QUERY, &query, 0);
	CHECK_STR(query, "a=1&keys=2&key=n%26w%3d%3d");
	curl_free(query);
	url_set_param(&u, "key", (struct slice){0});
	curl_url_get(u.parts, CURLUPART_QUERY, &query, 0);
	CHECK_STR(query, "a=1&keys=2");
	curl_free(query);
	url_free(&u);
}

static const char *
filled(const char *text, const char *options)
{
	struct buf out = {0};
	struct err err = {0};

	snprintf(whole, sizeof whole, "!%s", template_fill(&out, text, slice_str(options), &err) ? err.text : "");
	if (!err.cls)
		snprintf(whole, sizeof whole, "%s", buf_str(&out));
	buf_free(&out);
	return whole;
}

TEST("a template is filled from options, escaped, and says what is missing")
{
	CHECK_STR(filled("https://${sub}.example/${n}", "{\"sub\":\"acme\",\"n\":12345678901234567890}"),
	          "https://acme.example/12345678901234567890");
	CHECK_STR(filled("https://${sub}.example", "{\"sub\":\"evil.org/#\"}"), "https://evil.org%2F%23.example");
	CHECK_HAS(joined(filled("https://${sub}.example", "{\"sub\":\"evil.org/#\"}"), "/a", "", false), "!");
	CHECK_STR(filled("${instance}/services", "{\"instance\":\"https://acme.my.example\"}"),
	          "https://acme.my.example/services");
	CHECK_STR(filled("${instance}/x", "{\"instance\":\"https://u@evil\"}"), "https%3A%2F%2Fu%40evil/x");
	CHECK_STR(filled("a $ {b} $", "{}"), "a $ {b} $");
	CHECK_HAS(filled("https://${sub}.example", "{}"), "!the option 'sub' is needed and not set");
	CHECK_HAS(filled("https://${sub}.example", "{\"sub\":null}"), "not set");
	CHECK_HAS(filled("https://${sub}.example", "{\"sub\":\"\"}"), "is empty");
	CHECK_HAS(filled("https://${sub}.example", "{\"sub\":[1]}"), "is a list or an object");
	CHECK_HAS(filled("https://${sub", "{}"), "without its }");
}

TEST("answer headers: last block only, lower case, joined, bounded, and no byte that could end a line")
{
	static const char *const lines[] = {"HTTP/1.1 103 Hints\r\n", "Early: 1\r\n",      "\r\n",
	                                    "HTTP/1.1 200 OK\r\n",    "X-A: one\r\n",      "  two\r\n",
	                                    "Bad name: x\r\n",        "Set-Cookie: c\r\n", "\tcontinued\r\n",
	                                    "X-B:\ra\tb\r\n",         "nothing\r\n",       "\r\n",
	                                    "X-Trailer: 1\r\n"};
	struct headers h = {0};
	struct err err = {0};

	for (size_t i = 0; i < LENGTH(lines); i++)
		CHECK_INT(headers_add(&h, slice_str(lines[i]), &err), 0);
	CHECK_STR(buf_str(&h.lines), "x-a: one two\nx-b: a b\n");
	CHECK_INT(h.status, 200);
	CHECK(slice_is(headers_find(buf_view(&h.lines), "x-b"), "a b") && !headers_find(buf_view(&h.lines), "x").p);
	for (int i = 0; i < HEADERS_LINES_MAX && !err.cls; i++)
		headers_add(&h, SLICE("A: b\r\n"), &err);
	CHECK_HAS(err.text, "more than 1000 header lines");
	headers_finish(&h);
}
