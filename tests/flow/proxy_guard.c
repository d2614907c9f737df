/* proxy_guard.c - where the proxy does not go, and what it does not take there: redirects, addresses, credentials.
 *
 * `inside` is a server that must not be reached; every case ends with looking whether it was. */
#include <locale.h>
#include "proxy/address.h"
#include "proxy_env.h"

#define SAY(text)                                                                                                      \
	{                                                                                                              \
		.bytes = text                                                                                          \
	}
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"

static const struct script inside_scripts[] = {{"/secret", {SAY(OK_JSON)}}, {"/", {SAY(OK_JSON)}}, {0}};

static char redirect_text[2048];

/* Copies with the port in place of @@. */
static const char *
port_fill(char *out, size_t room, const char *text, unsigned port)
{
	struct buf b = {0};

	for (const char *p = text; *p; p++)
		if (*p == '@' && p[1] == '@')
			buf_printf(&b, "%u", port), p++;
		else
			buf_putc(&b, *p);
	snprintf(out, room, "%s", buf_str(&b));
	buf_free(&b);
	return out;
}

static void
redirect_make(int status, const char *to, unsigned port)
{
	char place[512];

	snprintf(redirect_text, sizeof redirect_text, "HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
	         status, port_fill(place, sizeof place, to, port));
}

TEST("a redirect leads to no other port, host or scheme, however it is written")
{
	static const struct script scripts[] = {{"/go", {SAY(redirect_text)}}, {"/secret", {SAY(OK_JSON)}}, {0}};
	static const char *const places[] = {
	        /* @@ is the port of the server inside */
	        "http://127.0.0.1:@@/secret",
	        "http://localhost:@@/secret",
	        "//127.0.0.1:@@/secret",
	        "//localhost:@@/secret",
	        "http:\\\\127.0.0.1:@@\\secret",
	        "/\\127.0.0.1:@@/secret",
	        "http://good@127.0.0.1:@@/secret",
	        "http://good:pw@127.0.0.1:@@/secret",
	        "http://[::1]:@@/secret",
	        "https://127.0.0.1:@@/secret",
	        "file:///etc/passwd",
	        "ftp://127.0.0.1:@@/secret",
	        "gopher://127.0.0.1:@@/secret",
	        "dict://127.0.0.1:@@/",
	        "http://2130706433:@@/secret",
	        "http://0x7f.1:@@/secret",
	        "http://127.0.0.1:@@#@good/secret",
	        "http://%31%32%37.0.0.1:@@/secret",
	        "javascript:alert(1)://x",
	        "http://127.0.0.1:@@\t/secret",
	};

	for (size_t i = 0; i < LENGTH(places); i++) {
		struct server *inside = server_start(inside_scripts);
		struct env e;
		struct got g = {0};

		redirect_make(i % 2 ? 302 : 307, places[i], inside->port);
		env_open(&e, scripts, &(struct proxy_options){.retries = UINT64_MAX});
		e.secret = secret_new(SLICE("canary-key"));
		env_target(&e, &(struct proxy_target_options){
		                       .base_trusted = true,
		                       .auth = {.kind = SLUICE_HEADER_KEY, .name = "X-Api-Key", .token = e.secret}});
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/go")}, &g);
		/* What is no URL of its own is a path on our own host, and harmless; nothing else may succeed. */
		CHECK(g.err.cls == ERR_USAGE || g.status == 404);
		CHECK_INT(server_count(inside), 0);
		CHECK(!strstr(g.err.text, "canary-key"));
		if (tap_bad)
			printf("# %s: %d %s\n", places[i], g.status, g.err.text);
		env_close(&e);
		server_end(inside);
	}
}

TEST("a redirect to an allowed host is followed without our key, to our own with it")
{
	static const struct script scripts[] = {{"/go", {SAY(redirect_text)}}, {"/own", {SAY(OK_JSON)}}, {0}};
	static const struct proxy_auth kinds[] = {{.kind = SLUICE_HEADER_KEY, .name = "X-Api-Key"},
	                                          {.kind = SLUICE_BEARER},
	                                          {.kind = SLUICE_BASIC},
	                                          {.kind = SLUICE_QUERY_KEY, .name = "key"}};
	static const char *const also[] = {"X-Tenant: 42", NULL};

	for (size_t i = 0; i < LENGTH(kinds); i++) {
		struct server *other = server_start(inside_scripts);
		char named[64];
		const char *const allow[] = {named, NULL};
		struct env e;
		struct got g = {0}, own = {0};
		struct proxy_target_options o = {
		        .base_trusted = true, .auth = kinds[i], .allow_hosts = allow, .headers = also};

		snprintf(named, sizeof named, "localhost:%u", other->port);
		env_open(&e, scripts, NULL);
		o.auth.token = e.secret = secret_new(SLICE("canary-key"));
		env_target(&e, &o);
		redirect_make(302, "http://localhost:@@/secret?key=canary-key&a=1", other->port);
		env_ask(&e,
		        (struct proxy_request){.endpoint = SLICE("/go"),
		                               .headers = SLICE("X-Mine: 1\nAccept: text/x\n")},
		        &g);
		CHECK_STR(g.err.text, "");
		CHECK_INT(g.status, 200);
		REQUIRE(server_count(other) == 1);
		CHECK(!strstr(other->seen[0].text, "canary-key") && !strstr(other->seen[0].text, "Y2FuYXJ5LWtleTo"));
		CHECK(!strcasestr(other->seen[0].text, "authorization") &&
		      !strcasestr(other->seen[0].text, "x-tenant") && !strcasestr(other->seen[0].text, "x-mine"));
		CHECK_HAS(other->seen[0].text, "\r\nAccept: text/x\r\n");
		CHECK_HAS(e.server->seen[0].text, "\r\nX-Tenant: 42\r\n");
		redirect_make(303, "own?x=1", 0);
		env_ask(&e, (struct proxy_request){.method = "POST", .body = SLICE("{}"), .endpoint = SLICE("/go")},
		        &own);
		CHECK_INT(own.status, 200);
		CHECK_INT(own.attempts, 2);
		CHECK_STR(e.server->seen[2].method, "GET");
		CHECK(!strcasestr(e.server->seen[2].text, "content-length"));
		CHECK_HAS(e.server->seen[2].text, kinds[i].kind == SLUICE_BASIC ? "Y2FuYXJ5LWtleTo=" : "canary-key");
		env_close(&e);
		server_end(other);
	}
}

TEST("redirects end after five, and a POST is not taken along")
{
	static const struct script scripts[] = {{"/go", {SAY(redirect_text)}}, {0}};
	struct env e;
	struct got g = {0}, post = {0}, safe = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	redirect_make(307, "/go", 0);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/go")}, &g);
	CHECK_INT(g.err.cls, ERR_PROVIDER);
	CHECK_HAS(g.err.text, "more than 5 redirects");
	CHECK_INT(g.attempts, 6);
	env_ask(&e, (struct proxy_request){.method = "POST", .endpoint = SLICE("/go")}, &post);
	CHECK_INT(post.status, 307);
	CHECK_INT(post.attempts, 1);
	env_ask(&e,
	        (struct proxy_request){
	                .method = "POST", .safe = true, .body = SLICE("{\"q\":1}"), .endpoint = SLICE("/go")},
	        &safe);
	CHECK_INT(safe.err.cls, ERR_PROVIDER);
	CHECK_STR(e.server->seen[12].method, "POST");
	CHECK_STR(e.server->seen[12].body, "{\"q\":1}");
	env_close(&e);
}

/* ---- spellings of addresses that are not public; all lead to this machine or an inside ---- */

static const char *const spellings[] = {
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "0",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "127.0.0.1.",
        "127.255.255.254",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "192.0.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "[fc00::1]",
        "[fd12:3456::1]",
        "[fe80::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[2001::1]",
        "[::]",
        "[ff02::1]",
        "%31%32%37.0.0.1",
        "127%2e0%2e0%2e1",
        "127%2E1",
        "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1",
        "\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1",
        "127\xe3\x80\x82"
        "0\xe3\x80\x82"
        "0\xe3\x80\x82"
        "1",
        "[2001:db8::1]",
        "192.0.2.1",
};

TEST("no spelling of a private address is connected to when the operator did not name it")
{
	struct server *inside = server_start(inside_scripts);
	unsigned refused = 0;

	setlocale(LC_ALL, "C.UTF-8"); /* else libcurl refuses names beyond ASCII before it would map their digits */
	for (size_t i = 0; i < LENGTH(spellings); i++) {
		struct env e;
		struct got g = {0};
		char base[160];
		struct proxy_target_options o = {.base_url = base};

		env_open(&e, inside_scripts, &(struct proxy_options){.retries = UINT64_MAX, .connect_ms = 2000});
		snprintf(base, sizeof base, "http://%s:%u", spellings[i], inside->port);
		if (env_target(&e, &o)) {
			env_ask(&e, (struct proxy_request){.endpoint = SLICE("/secret")}, &g);
			CHECK(g.err.cls == ERR_USAGE ||
			      (g.err.cls == ERR_PROVIDER && strstr(g.err.text, "cannot be resolved")));
			refused += g.err.cls == ERR_USAGE && strstr(g.err.text, "not a public address");
			if (tap_bad)
				printf("# %s: %d %s\n", base, g.status, g.err.text);
		}
		env_close(&e);
	}
	CHECK(refused >= 40);
	CHECK_INT(inside->connections, 0);
	server_end(inside);
}

TEST("user names, backslashes and fragments do not turn an endpoint to another host")
{
	static const char *const tricks[] = {
	        "http://good@127.0.0.1:@@/secret",
	        "http://127.0.0.1:@@#@good.example/",
	        "http://127.0.0.1:@@\\@good.example/",
	        "http://good.example\\@127.0.0.1:@@/",
	        "//127.0.0.1:@@/secret",
	        "///127.0.0.1:@@/secret",
	        "http:///127.0.0.1:@@/secret",
	        "@127.0.0.1:@@/secret",
	        "http://good.example@127.0.0.1:@@/secret",
	        "http://127.0.0.1:@@?@good.example/",
	        "HTTP://127.0.0.1:@@/secret",
	        "http://127.0.0.1\r\n:@@/",
	        "http://[::ffff:127.0.0.1%25lo]:@@/",
	};
	static const struct script scripts[] = {{"/", {SAY(OK_JSON)}}, {0}};
	struct server *inside = server_start(inside_scripts);

	for (size_t i = 0; i < LENGTH(tricks); i++)
		for (int answer = 0; answer < 2; answer++) {
			struct env e;
			struct got g = {0};
			char endpoint[160];

			env_open(&e, scripts, &(struct proxy_options){.retries = UINT64_MAX});
			e.secret = secret_new(SLICE("canary-key"));
			env_target(&e,
			           &(struct proxy_target_options){.base_trusted = true,
			                                          .auth = {.kind = SLUICE_BEARER, .token = e.secret}});
			port_fill(endpoint, sizeof endpoint, tricks[i], inside->port);
			env_ask(&e, (struct proxy_request){.endpoint = slice_str(endpoint), .from_answer = answer}, &g);
			CHECK(g.err.cls == ERR_USAGE || (g.status == 404 && tricks[i][0] == '@'));
			if (tap_bad)
				printf("# %s: %d %s\n", endpoint, g.status, g.err.text);
			env_close(&e);
		}
	CHECK_INT(inside->connections, 0);
	server_end(inside);
}

TEST("a next link on the operator's own host and port is followed, its word for other hosts does not count for answers")
{
	static const struct script scripts[] = {{"/api/next", {SAY(OK_JSON)}}, {0}};
	struct server *other = server_start(inside_scripts);
	static const char *const allow[] = {"localhost", NULL};
	struct env e;
	struct got own = {0}, asked = {0}, answered = {0};
	char base[64], link[64], elsewhere[64];

	env_open(&e, scripts, NULL);
	snprintf(base, sizeof base, "http://127.0.0.1:%u/api/", e.server->port);
	snprintf(link, sizeof link, "http://127.0.0.1:%u/api/next?c=2", e.server->port);
	snprintf(elsewhere, sizeof elsewhere, "http://localhost:%u/secret", other->port);
	env_target(&e, &(struct proxy_target_options){.base_trusted = true, .base_url = base, .allow_hosts = allow});
	env_ask(&e, (struct proxy_request){.endpoint = slice_str(link), .from_answer = true}, &own);
	CHECK_INT(own.status, 200);
	CHECK_STR(e.server->seen[0].path, "/api/next?c=2"); /* base's path is not there twice */
	env_ask(&e, (struct proxy_request){.endpoint = slice_str(elsewhere)}, &asked);
	CHECK_INT(asked.status, 200);
	env_ask(&e, (struct proxy_request){.endpoint = slice_str(elsewhere), .from_answer = true}, &answered);
	CHECK_INT(answered.err.cls, ERR_USAGE);
	CHECK_HAS(answered.err.text, "is not on an allowed host");
	CHECK_INT(server_count(other), 1);
	env_close(&e);
	server_end(other);
}

TEST("a connection that was opened with trust is not used without it")
{
	static const struct script scripts[] = {{"/a", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got trusted = {0}, other = {0};
	struct proxy_target *t;
	struct err err = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a")}, &trusted);
	CHECK_INT(trusted.status, 200);
	t = proxy_target_new(e.proxy, &(struct proxy_target_options){.name = "other", .base_url = e.base}, &err);
	REQUIRE(t != NULL);
	send_to(t, (struct proxy_request){.endpoint = SLICE("/a")}, &other);
	env_wait(&e, &other);
	CHECK_INT(other.err.cls, ERR_USAGE);
	CHECK_HAS(other.err.text, "127.0.0.1, which is not a public address");
	CHECK_INT(server_count(e.server), 1);
	proxy_target_free(t);
	env_close(&e);
}

TEST("headers that are the host's, and headers that hide a second line, are refused")
{
	static const struct script scripts[] = {{"/a",
	                                         {SAY("HTTP/1.1 200 OK\r\nX-Api-Key: echo\r\nX-Debug: got canary-key "
	                                              "here\r\nAuthorization: x\r\nContent-Length: 0\r\n\r\n")}},
	                                        {0}};
	static const char *const bad[] = {
	        "Host: evil",
	        "authorization: Bearer x",
	        "COOKIE: a=b",
	        "Proxy-Authorization: x",
	        "Proxy-Connection: x",
	        "Content-Length: 4",
	        "Transfer-Encoding: chunked",
	        "Connection: close",
	        "Accept-Encoding: br",
	        "x-api-key: mine",
	        "No colon",
	        ": empty",
	        "Bad name: x",
	        "A: b\rB: c",
	        "A: b\vc",
	        "Te: trailers",
	        "Upgrade: h2c",
	        "Expect: 100-continue",
	};
	struct env e;
	struct got good = {0};

	env_open(&e, scripts, NULL);
	e.secret = secret_new(SLICE("canary-key"));
	env_target(&e, &(struct proxy_target_options){
	                       .base_trusted = true,
	                       .auth = {.kind = SLUICE_HEADER_KEY, .name = "X-Api-Key", .token = e.secret}});
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct got g = {0};

		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a"), .headers = slice_str(bad[i])}, &g);
		CHECK_INT(g.err.cls, ERR_USAGE);
		if (tap_bad)
			printf("# %s: %s\n", bad[i], g.err.text);
		got_free(&g);
	}
	CHECK_INT(server_count(e.server), 0);
	env_ask(&e,
	        (struct proxy_request){.endpoint = SLICE("/a"),
	                               .headers = SLICE("X-One: 1\nAccept: a/b\nx-one: 2\nX-Empty:\n")},
	        &good);
	CHECK_INT(good.status, 200);
	CHECK_HAS(e.server->seen[0].text, "\r\nx-one: 2\r\n");
	CHECK(!strstr(e.server->seen[0].text, "X-One: 1"));
	CHECK_HAS(e.server->seen[0].text, "\r\nX-Empty:\r\n");
	CHECK(!strstr(good.headers.p, "echo") && !strstr(good.headers.p, "canary") &&
	      !strstr(good.headers.p, "authorization"));
	env_close(&e);
}

TEST("the environment's proxies and netrc are not used")
{
	static const struct script scripts[] = {{"/a", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got g = {0};

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a")}, &g);
	CHECK_INT(g.status, 200);
	env_close(&e);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

TEST("no request and no next link of an https base_url goes out as http, and nothing is connected for it")
{
	static const struct script scripts[] = {{"/", {SAY(OK_JSON)}}, {0}};
	struct server *inside = server_start(inside_scripts);
	char named[64], base[64], link[96];
	const char *const list[] = {named, NULL};

	snprintf(named, sizeof named, "localhost:%u", inside->port);
	snprintf(link, sizeof link, "http://localhost:%u/secret", inside->port);
	for (int i = 0; i < 4; i++) {
		bool answer = i & 1, declared = i & 2;
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, &(struct proxy_options){.retries = UINT64_MAX});
		snprintf(base, sizeof base, "https://127.0.0.1:%u", e.server->port);
		env_target(&e, &(struct proxy_target_options){.base_trusted = true,
		                                              .base_url = base,
		                                              .hosts = declared ? list : NULL,
		                                              .allow_hosts = declared ? NULL : list});
		env_ask(&e, (struct proxy_request){.endpoint = slice_str(link), .from_answer = answer}, &g);
		CHECK_INT(g.err.cls, ERR_USAGE);
		CHECK_HAS(g.err.text, "would leave https for http, which is never done");
		CHECK_INT(e.server->connections, 0);
		env_close(&e);
	}
	CHECK_INT(inside->connections, 0);
	server_end(inside);
}
