/* proxy.c - the proxy against a provider of raw bytes: what goes out, what comes back, and what is made of bad answers. */
#include "proxy_env.h"

#define SAY(text) {.bytes = text}
#define THEN(text, what) {.bytes = text, .after = what}
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
#define STATUS(line, more) "HTTP/1.1 " line "\r\n" more "Content-Length: 0\r\n\r\n"

TEST("a GET is answered with status, body, headers and type")
{
	static const struct script scripts[] = {
		{"/v1/x", {SAY("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-Thing:  two words \r\nSet-Cookie: a=b\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")}},
		{0},
	};
	struct env e;
	struct got g = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/v1/x"), .query = SLICE("a=1&b=%20")}, &g);
	CHECK_INT(g.err.cls, ERR_NONE);
	CHECK_INT(g.status, 201);
	CHECK_STR(g.body.p, "{\"ok\":true}");
	CHECK_STR(g.type, "application/json");
	CHECK_HAS(g.headers.p, "x-thing: two words\n");
	CHECK(!strstr(g.headers.p, "set-cookie"));
	CHECK_INT(g.attempts, 1);
	CHECK_STR(e.server->seen[0].path, "/v1/x?a=1&b=%20");
	CHECK_HAS(e.server->seen[0].text, "\r\nAccept-Encoding: gzip\r\n");
	CHECK(!strcasestr(e.server->seen[0].text, "\r\nauthorization:"));
	env_close(&e);
	got_free(&g);
}

TEST("each kind of credential goes out as declared")
{
	static const struct script scripts[] = {{"/a", {SAY(OK_JSON)}}, {0}};
	static const struct {
		struct proxy_auth auth;
		const char *sent;
	} kinds[] = {
		{{.kind = SLUICE_BEARER}, "\r\nAuthorization: Bearer s3cr3t/key\r\n"},
		{{.kind = SLUICE_BASIC}, "\r\nAuthorization: Basic czNjcjN0L2tleTo=\r\n"},
		{{.kind = SLUICE_HEADER_KEY, .name = "X-Api-Key", .prefix = "Key "}, "\r\nX-Api-Key: Key s3cr3t/key\r\n"},
		{{.kind = SLUICE_QUERY_KEY, .name = "api_key"}, "GET /a?b=2&api_key=s3cr3t%2fkey HTTP/1.1\r\n"},
	};

	for (size_t i = 0; i < LENGTH(kinds); i++) {
		struct env e;
		struct got g = {0};
		struct proxy_target_options o = {.base_trusted = true, .auth = kinds[i].auth};

		env_open(&e, scripts, NULL);
		o.auth.token = e.secret = secret_new(SLICE("s3cr3t/key"));
		env_target(&e, &o);
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a?b=2")}, &g);
		CHECK_INT(g.status, 200);
		CHECK_HAS(e.server->seen[0].text, kinds[i].sent);
		env_close(&e);
		got_free(&g);
	}
}

TEST("a failure that passes is retried, and counted")
{
	static const struct script scripts[] = {
		{"/a", {SAY(STATUS("500 No", "")), SAY(STATUS("429 Slow", "")), THEN("", RESET), SAY(STATUS("503 No", "")), SAY(OK_JSON)}},
		{0},
	};
	struct env e;
	struct got g = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a")}, &g);
	CHECK_INT(g.err.cls, ERR_NONE);
	CHECK_INT(g.status, 200);
	CHECK_INT(g.attempts, 5);
	CHECK_INT(g.retries, 4);
	CHECK_INT(g.rate_limited, 1);
	CHECK_INT(server_count(e.server), 5);
	env_close(&e);
	got_free(&g);
}
