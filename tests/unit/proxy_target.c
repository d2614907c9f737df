/* proxy_target.c - whom a run may talk to, as a table: trust, credentials, ports, and never from https to http.
 *
 * Nothing is sent here; the same refusals before a real socket: tests/flow/proxy_guard.c. */
#include "../tap.h"
#include "base/mem.h"
#include "proxy/redirect.h"

static const char refused[] = "is not on an allowed host", downgrade[] = "would leave https for http";

static struct url
url_of(const char *text)
{
	struct url u = {0};
	struct err err = {0};

	if (url_parse(&u, slice_str(text), &err)) {
		printf("Bail out! %s: %s\n", text, err.text);
		exit(1);
	}
	return u;
}

/* A target with one declared host and one of the operator's. */
struct whom {
	struct proxy_target t;
	char *hosts[2], *allow[2];
};

static struct proxy_target *
whom_set(struct whom *w, const char *base, const char *host, const char *allow)
{
	static char name[] = "acme : test";

	*w = (struct whom){.t = {.name = name, .base = url_of(base)}};
	w->hosts[0] = host ? xstrdup(host) : NULL;
	w->allow[0] = allow ? xstrdup(allow) : NULL;
	w->t.hosts = w->hosts;
	w->t.allow_hosts = w->allow;
	return &w->t;
}

static void
whom_free(struct whom *w)
{
	url_free(&w->t.base);
	free(w->hosts[0]);
	free(w->allow[0]);
}

enum { CREDENTIALS = 1, TRUSTED = 2 };

struct row {
	const char *base, *host, *allow, *url;
	const char *asked, *answered; /* the refusal of a request of its own, and of one out of an answer; NULL: none */
	int gets;
};

#define API "https://api.acme.example"
#define PLAIN "http://api.acme.example"

static void
rows_check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int answer = 0; answer < 2; answer++) {
			const struct row *r = &rows[i];
			const char *want = answer ? r->answered : r->asked;
			struct whom w;
			struct url u = url_of(r->url);
			struct access a = {true, true};
			struct err err = {0};
			int rc, bad = tap_bad;

			rc = target_access(whom_set(&w, r->base, r->host, r->allow), &u, answer, &a, &err);
			CHECK_INT(rc, want ? -1 : 0);
			CHECK_INT(err.cls, want ? ERR_USAGE : ERR_NONE);
			CHECK_HAS(err.text, want ? want : "");
			CHECK_INT((a.credentials ? CREDENTIALS : 0) | (a.trusted ? TRUSTED : 0), want ? 0 : r->gets);
			if (tap_bad != bad)
				printf("# row %zu: %s, %s: %s\n", i, r->url, answer ? "out of an answer" : "asked",
				       err.text);
			url_free(&u);
			whom_free(&w);
		}
}

TEST("no request and no next link leaves https for http, whoever named the host")
{
	static const struct row rows[] = {
	        {API, "files.acme.example", NULL, "http://files.acme.example/a", downgrade, downgrade, 0},
	        {API, "files.acme.example:80", NULL, "http://files.acme.example/a", downgrade, downgrade, 0},
	        {API, "files.acme.example:8080", NULL, "http://files.acme.example:8080/a", downgrade, downgrade, 0},
	        {API, "api.acme.example", NULL, "http://api.acme.example/a", downgrade, downgrade, 0},
	        {API, NULL, "own.example", "http://own.example/a", downgrade, downgrade, 0},
	        {API, NULL, "own.example:8080", "http://own.example:8080/a", downgrade, downgrade, 0},
	        {API, NULL, "api.acme.example", "http://api.acme.example/a", downgrade, downgrade, 0},
	        {API, NULL, NULL, "http://api.acme.example/a", refused, refused, 0},
	        {API ":8443", "api.acme.example:8443", NULL, "http://api.acme.example:8443/a", downgrade, downgrade, 0},
	        /* From http nothing is left that was not open before. */
	        {PLAIN, "files.acme.example", NULL, "http://files.acme.example/a", NULL, NULL, CREDENTIALS},
	        {PLAIN, NULL, "own.example", "http://own.example/a", NULL, NULL, TRUSTED},
	        {PLAIN, NULL, NULL, "https://api.acme.example/a", NULL, NULL, CREDENTIALS},
	};

	rows_check(rows, LENGTH(rows));
}

TEST("a declared host without a port means the usual one, also for what a connector asks by itself")
{
	static const struct row rows[] = {
	        {API, "files.acme.example", NULL, "https://files.acme.example/a", NULL, NULL, CREDENTIALS},
	        {API, "files.acme.example", NULL, "https://files.acme.example:443/a", NULL, NULL, CREDENTIALS},
	        {API, "files.acme.example", NULL, "https://files.acme.example:8443/a", refused, refused, 0},
	        {API, "files.acme.example", NULL, "https://files.acme.example:80/a", refused, refused, 0},
	        {PLAIN, "files.acme.example", NULL, "http://files.acme.example:8080/a", refused, refused, 0},
	        {PLAIN, "files.acme.example", NULL, "http://files.acme.example:443/a", refused, refused, 0},
	        {API, "api.acme.example", NULL, "https://api.acme.example:8443/a", refused, refused, 0},
	        {API, "files.acme.example:8443", NULL, "https://files.acme.example:8443/a", NULL, NULL, CREDENTIALS},
	        {API, "files.acme.example:8443", NULL, "https://files.acme.example/a", refused, refused, 0},
	        /* The operator's word means any port when it is the connector that asks. */
	        {API, NULL, "own.example", "https://own.example:8443/a", NULL, refused, TRUSTED},
	        {API, NULL, "own.example", "https://own.example/a", NULL, NULL, TRUSTED},
	        {API, NULL, "own.example:8443", "https://own.example:8443/a", NULL, NULL, TRUSTED},
	        {API, "own.example", "own.example:8443", "https://own.example:8443/a", NULL, NULL, TRUSTED},
	};

	rows_check(rows, LENGTH(rows));
}

/* ---- redirects ---- */

/* Where a GET of `from` goes when it is sent to `to`; the refusal in *err. */
static int
follow(struct whom *w, const char *from, const char *to, struct buf *shown, struct err *err)
{
	struct proxy_call c = {.target = &w->t, .url = url_of(from), .method = "GET"};
	char line[256];
	int rc = -1;

	snprintf(line, sizeof line, "Location: %s\r\n", to);
	if (headers_add(&c.exchange.head, SLICE("HTTP/1.1 302 Found\r\n"), err) ||
	    headers_add(&c.exchange.head, slice_str(line), err) || headers_add(&c.exchange.head, SLICE("\r\n"), err) ||
	    !redirect_asked(&c))
		tap_fail(__FILE__, __LINE__, to);
	else
		rc = redirect_follow(&c, err);
	buf_clear(shown);
	buf_printf(shown, "%s", c.url.shown);
	url_free(&c.url);
	exchange_finish(&c.exchange);
	return rc;
}

TEST("no redirect leads from https to http, also where base_url itself says http")
{
	static const struct {
		const char *base, *host, *allow, *from, *to, *refusal;
	} rows[] = {
	        /* One that went up to https stays there, though a request of its own could ask http. */
	        {PLAIN, NULL, NULL, API "/a", PLAIN "/b", "from https to"},
	        {PLAIN, "files.acme.example", NULL, API "/a", "http://files.acme.example/b", "from https to"},
	        {PLAIN, NULL, "own.example", "https://own.example/a", "http://own.example/b", "from https to"},
	        {API, "files.acme.example", NULL, API "/a", "http://files.acme.example/b", "https"},
	        {API, NULL, "own.example", API "/a", "http://own.example/b", "https"},
	        {PLAIN, NULL, NULL, PLAIN "/a", API "/b", NULL},
	        {PLAIN, NULL, NULL, PLAIN "/a", PLAIN "/b", NULL},
	        {API, "files.acme.example", NULL, API "/a", "//files.acme.example/b", NULL},
	        {API, "files.acme.example", NULL, API "/a", "//files.acme.example:8443/b", refused},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct whom w;
		struct buf shown = {0};
		struct err err = {0};
		int rc, bad = tap_bad;

		whom_set(&w, rows[i].base, rows[i].host, rows[i].allow);
		rc = follow(&w, rows[i].from, rows[i].to, &shown, &err);
		CHECK_INT(rc, rows[i].refusal ? -1 : 0);
		CHECK_INT(err.cls, rows[i].refusal ? ERR_USAGE : ERR_NONE);
		CHECK_HAS(err.text, rows[i].refusal ? rows[i].refusal : "");
		CHECK_HAS(buf_str(&shown), rows[i].refusal ? "/a" : "/b"); /* refused: it stays where it was */
		if (tap_bad != bad)
			printf("# row %zu: %s to %s: %s\n", i, rows[i].from, rows[i].to, err.text);
		buf_free(&shown);
		whom_free(&w);
	}
}
