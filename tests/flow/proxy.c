/* proxy.c - the proxy against a provider of raw bytes: what goes out, what comes back, and what is made of bad
 * answers. */
#include "proxy_env.h"

#define SAY(text)                                                                                                      \
	{                                                                                                              \
		.bytes = text                                                                                          \
	}
#define THEN(text, what)                                                                                               \
	{                                                                                                              \
		.bytes = text, .after = what                                                                           \
	}
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
#define STATUS(line, more) "HTTP/1.1 " line "\r\n" more "Content-Length: 0\r\n\r\n"

TEST("a GET is answered with status, body, headers and type")
{
	static const struct script scripts[] = {
	        {"/v1/x",
	         {SAY("HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nX-Thing:  two words \r\nSet-Cookie: "
	              "a=b\r\nContent-Length: 11\r\n\r\n{\"ok\":true}")}},
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
	        {{.kind = SLUICE_HEADER_KEY, .name = "X-Api-Key", .prefix = "Key "},
	         "\r\nX-Api-Key: Key s3cr3t/key\r\n"},
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
	}
}

TEST("a failure that passes is retried, and counted")
{
	static const struct script scripts[] = {
	        {"/a",
	         {SAY(STATUS("500 No", "")), SAY(STATUS("429 Slow", "")), THEN("", RESET), SAY(STATUS("503 No", "")),
	          SAY(OK_JSON)}},
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
}

/* ---- waits ---- */

static void
set_date(char *out, size_t room, int64_t seconds)
{
	time_t then = (time_t)(clock_wall_us(&clock_system) / 1000000 + seconds);
	struct tm tm;

	gmtime_r(&then, &tm);
	strftime(out, room, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

TEST("nothing is sent before the time that the provider asked for, in whatever form it asks")
{
	static char dated[200], body[] = "HTTP/1.1 429 Slow\r\nContent-Type: application/json\r\nContent-Length: "
	                                 "17\r\n\r\n{\"rate_reset\": 7}";
	static char epoch[200], millis[200], text[80];
	const struct script scripts[] = {
	        {"/seconds", {SAY(STATUS("429 Slow", "Retry-After: 7\r\n")), SAY(OK_JSON)}},
	        {"/503", {SAY(STATUS("503 Busy", "Retry-After: 7\r\n")), SAY(OK_JSON)}},
	        {"/date", {SAY(dated), SAY(OK_JSON)}},
	        {"/body", {SAY(body), SAY(OK_JSON)}},
	        {"/reset", {SAY(STATUS("429 Slow", "X-Reset: 7\r\n")), SAY(OK_JSON)}},
	        {"/epoch", {SAY(epoch), SAY(OK_JSON)}},
	        {"/millis", {SAY(millis), SAY(OK_JSON)}},
	        {"/longest", {SAY(STATUS("429 Slow", "Retry-After: 2\r\nX-Reset: 7\r\nX-Retry: 3\r\n")), SAY(OK_JSON)}},
	        {0},
	};

	for (size_t i = 0; scripts[i].path; i++) {
		struct env e;
		struct got g = {0};
		int64_t until, now = clock_wall_us(&clock_system);

		set_date(text, sizeof text, 8);
		snprintf(dated, sizeof dated, STATUS("429 Slow", "Retry-After: %s\r\n"), text);
		snprintf(epoch, sizeof epoch, STATUS("429 Slow", "X-Reset: %lld\r\n"), (long long)(now / 1000000 + 8));
		snprintf(millis, sizeof millis, STATUS("429 Slow", "X-Reset: %lld\r\n"),
		         (long long)(now / 1000 + 7500));
		env_open(&e, scripts, NULL);
		env_target(&e, &(struct proxy_target_options){.base_trusted = true,
		                                              .reset = "X-Reset",
		                                              .retry_after = "X-Retry",
		                                              .retry_body = "rate_reset"});
		send_to(e.target, (struct proxy_request){.endpoint = slice_str(scripts[i].path)}, &g);
		until = env_until(&e, &g, i == 1 ? WAIT_RETRY : WAIT_RATE);
		CHECK(until - now > 6900000 && until - env_wall(&e) < 8200000);
		e.ahead_ms += (until - env_wall(&e)) / 1000 - 3000; /* three seconds before it, so that a stall is not too late */
		proxy_poke(e.proxy);
		env_idle(&e, 20);
		CHECK_INT(server_count(e.server), 1);
		e.ahead_ms += 3100;
		proxy_poke(e.proxy);
		env_wait(&e, &g);
		CHECK_INT(g.status, 200);
		CHECK_INT(server_count(e.server), 2);
		CHECK(g.waits_ms[i == 1 ? WAIT_RETRY : WAIT_RATE] >= 7000);
		env_close(&e);
	}
}

TEST("a wait that makes no sense is the ordinary backoff")
{
	static const char *const odd[] = {"-1",  "0",    "1e99", "abc", "", "Mon, 01 Jan 2001 00:00:00 GMT",
	                                  "NaN", "12 34"};

	for (size_t i = 0; i < LENGTH(odd); i++) {
		static char reply[200];
		const struct script scripts[] = {{"/a", {SAY(reply), SAY(OK_JSON)}}, {0}};
		struct env e;
		struct got g = {0};

		snprintf(reply, sizeof reply, STATUS("429 Slow", "Retry-After: %s\r\n"), odd[i]);
		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a")}, &g);
		CHECK_INT(g.status, 200);
		env_close(&e);
	}
}

TEST("a wait longer than retry_max ends with ERR_RATE at once, for all who share the limit")
{
	static const struct script scripts[] = {
	        {"/a", {SAY(STATUS("429 Slow", "Retry-After: 86400\r\n"))}}, {"/b", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got g = {0}, other = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a?token=hidden")}, &g);
	CHECK_INT(g.err.cls, ERR_RATE);
	CHECK_HAS(g.err.text, "acme : test: GET http://127.0.0.1:");
	CHECK_HAS(g.err.text, "the provider asks to wait 1d, longer than 5m");
	CHECK(!strstr(g.err.text, "hidden"));
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/b")}, &other);
	CHECK_INT(other.err.cls, ERR_RATE);
	CHECK_INT(server_count(e.server), 1);
	env_close(&e);
}

TEST("a 429 pauses all calls of the same limit, and they do not start in one instant")
{
	static const struct script scripts[] = {
	        {"/first", {SAY(STATUS("429 Slow", "Retry-After: 1\r\n")), SAY(OK_JSON)}}, {"/a", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got first = {0}, others[20] = {{0}};
	int64_t early = INT64_MAX, late = 0;

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	send_to(e.target, (struct proxy_request){.endpoint = SLICE("/first")}, &first);
	env_until(&e, &first, WAIT_RATE);
	for (size_t i = 0; i < LENGTH(others); i++)
		send_to(e.target, (struct proxy_request){.endpoint = SLICE("/a")}, &others[i]);
	env_wait(&e, &first);
	for (size_t i = 0; i < LENGTH(others); i++) {
		env_wait(&e, &others[i]);
		CHECK_STR(others[i].err.text, "");
	}
	CHECK_INT(server_count(e.server), 22);
	for (unsigned i = 1; i < e.server->n_seen; i++) {
		int64_t at = e.server->seen[i].at_ms;

		CHECK(at - e.server->seen[0].at_ms >= 1000);
		early = at < early ? at : early;
		late = at > late ? at : late;
	}
	CHECK(late - early > 50);
	env_close(&e);
}

TEST("ten a second means at most eleven in any second")
{
	static const struct script scripts[] = {{"/a", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got g[50] = {{0}};

	env_open(&e, scripts, NULL);
	env_target(&e, &(struct proxy_target_options){.base_trusted = true, .rate_n = 10, .rate_ms = 1000});
	for (size_t i = 0; i < LENGTH(g); i++)
		send_to(e.target, (struct proxy_request){.endpoint = SLICE("/a")}, &g[i]);
	for (size_t i = 0; i < LENGTH(g); i++) {
		env_wait(&e, &g[i]);
		CHECK_STR(g[i].err.text, "");
	}
	CHECK_INT(server_count(e.server), 50);
	REQUIRE(server_count(e.server) == 50);
	for (unsigned i = 0; i < 50; i++) {
		unsigned n = 0;

		for (unsigned k = 0; k < 50; k++)
			n += e.server->seen[k].at_ms >= e.server->seen[i].at_ms &&
			     e.server->seen[k].at_ms < e.server->seen[i].at_ms + 1000;
		CHECK(n <= 11);
	}
	CHECK(e.server->seen[49].at_ms - e.server->seen[0].at_ms < 9000); /* 4.2 s on a quiet machine */
	env_close(&e);
}

TEST("when the provider says that none are left, nothing is sent until its reset")
{
	static const struct script scripts[] = {
	        {"/a", {SAY("HTTP/1.1 200 OK\r\nX-Left: 0\r\nX-Reset: 9\r\nContent-Length: 2\r\n\r\n{}")}},
	        {"/b", {SAY(OK_JSON)}},
	        {0}};
	struct env e;
	struct got g = {0}, next = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, &(struct proxy_target_options){.base_trusted = true, .remaining = "X-Left", .reset = "X-Reset"});
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/a")}, &g);
	CHECK_INT(g.status, 200);
	send_to(e.target, (struct proxy_request){.endpoint = SLICE("/b")}, &next);
	env_until(&e, &next, WAIT_RATE);
	env_idle(&e, 20);
	CHECK_INT(server_count(e.server), 1);
	e.ahead_ms += 9100;
	proxy_poke(e.proxy);
	env_wait(&e, &next);
	CHECK_INT(next.status, 200);
	env_close(&e);
}

TEST("after all retries a 5xx or 429 is the answer; 401 is never repeated")
{
	static const struct script scripts[] = {{"/500", {SAY(STATUS("500 No", ""))}},
	                                        {"/429", {SAY(STATUS("429 No", ""))}},
	                                        {"/401", {SAY(STATUS("401 No", ""))}},
	                                        {"/418", {SAY(STATUS("418 Tea", "")), SAY(OK_JSON)}},
	                                        {0}};
	static const struct {
		const char *path;
		int status;
		unsigned seen;
	} cases[] = {{"/500", 500, 6}, {"/429", 429, 6}, {"/401", 401, 1}, {"/418", 200, 2}};
	static const uint16_t also[] = {418, 401};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, &(struct proxy_options){.retry_base_ms = 1});
		env_target(&e, NULL);
		env_ask(&e,
		        (struct proxy_request){.endpoint = slice_str(cases[i].path), .retry_on = also, .n_retry_on = 2},
		        &g);
		CHECK_INT(g.err.cls, ERR_NONE);
		CHECK_INT(g.status, cases[i].status);
		CHECK_INT(server_count(e.server), cases[i].seen);
		env_close(&e);
	}
}

TEST("POST and PATCH are sent once unless they are safe; PUT and DELETE are repeated")
{
	static const struct script scripts[] = {{"/a", {SAY(STATUS("502 No", "")), SAY(OK_JSON)}},
	                                        {"/cut", {SAY(OK_JSON), THEN("", RESET), SAY(OK_JSON)}},
	                                        {0}};
	static const struct {
		const char *method;
		bool safe;
		unsigned seen;
	} cases[] = {
	        {"POST", false, 1}, {"PATCH", false, 1}, {"POST", true, 2}, {"PUT", false, 2}, {"DELETE", false, 2}};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct env e;
		struct got g = {0}, warm = {0}, cut = {0};
		struct proxy_request r = {.method = cases[i].method,
		                          .endpoint = SLICE("/a"),
		                          .body = SLICE("{\"a\":1}"),
		                          .safe = cases[i].safe};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		env_ask(&e, r, &g);
		CHECK_INT(server_count(e.server), cases[i].seen);
		CHECK_INT(g.status, cases[i].seen == 1 ? 502 : 200);
		CHECK_STR(e.server->seen[0].body, "{\"a\":1}");
		CHECK_HAS(e.server->seen[0].text, "\r\nContent-Type: application/json\r\n");
		/* Cut before an answer on a connection that was kept: libcurl would repeat that by itself. */
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/cut")}, &warm);
		r.endpoint = SLICE("/cut");
		env_ask(&e, r, &cut);
		CHECK_INT(server_count(e.server) - cases[i].seen - 1, cases[i].seen);
		CHECK_INT(cut.err.cls, cases[i].seen == 1 ? ERR_PROVIDER : ERR_NONE);
		env_close(&e);
	}
}

/* ---- bad answers ---- */

#define GZ "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
/* gzip of {"ok":true} and a newline */
#define GZ_BODY                                                                                                        \
	"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\xcf\x56\xb2\x2a\x29\x2a\x4d\xad\xe5\x02\x00\x88\x41\x7f" \
	"\xc2\x0c\x00\x00\x00"
#define BYTES(text, what)                                                                                              \
	{                                                                                                              \
		.bytes = text, .len = sizeof(text) - 1, .after = what                                                  \
	}

TEST("an answer that is cut, broken or too slow is refused by name")
{
	static char many[300 * 1024], interim[64 * 64 + 64];
	const struct script scripts[] = {
	        {"/short", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"a\":", CLOSE)}},
	        {"/chunk", {THEN("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n", CLOSE)}},
	        {"/json", {THEN("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[{\"a\":1},{\"b\"", CLOSE)}},
	        {"/csv", {THEN("HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\na,b\n1,2\n", CLOSE)}},
	        {"/gz-cut", {THEN(GZ "\r\n", CLOSE)}},
	        {"/gz-trailer",
	         {BYTES(GZ "Content-Length: "
	                   "29\r\n\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\xca\xcf\x56\xb2\x2a\x29\x2a\x4d"
	                   "\xad\xe5\x02\x00\x88\x41\x7f\xc2\x0c",
	                KEEP)}},
	        {"/gz-not", {SAY(GZ "Content-Length: 4\r\n\r\nplain")}},
	        {"/br", {SAY("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}")}},
	        {"/twice", {SAY("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 2\r\n\r\n{}")}},
	        {"/nothing", {THEN("", CLOSE)}},
	        {"/reset", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", RESET)}},
	        {"/silence", {THEN("", HANG)}},
	        {"/drip", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", DRIP)}},
	        {"/headers", {SAY(many)}},
	        {"/interim", {SAY(interim)}},
	        {"/interim2", {THEN("HTTP/1.1 103 Hints\r\nLink: a\r\n\r\n", HANG)}},
	        {"/large", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ENDLESS)}},
	        {"/endless", {THEN("HTTP/1.1 200 OK\r\n\r\n", ENDLESS)}},
	        {"/smtp", {THEN("220 mail.example ESMTP\r\n", CLOSE)}},
	        {0},
	};
	static const struct {
		enum err_class cls;
		const char *text;
		bool repeated;
	} want[] = {
	        {ERR_PROVIDER, "cut off", true},
	        {ERR_PROVIDER, "cut off", true},
	        {ERR_PROVIDER, "no length", true},
	        {ERR_PROVIDER, "no length", true},
	        {ERR_PROVIDER, "gzip data is cut off", true},
	        {ERR_PROVIDER, "gzip data is cut off", true},
	        {ERR_DATA, "says that it is gzip and is not", false},
	        {ERR_DATA, "encoded as 'br'", false},
	        {ERR_DATA, "encoded as 'gzip, gzip'", false},
	        {ERR_PROVIDER, "closed without an answer", true},
	        {ERR_PROVIDER, "cut off", true},
	        {ERR_PROVIDER, "timed out: no whole answer within 1s", true},
	        {ERR_PROVIDER, "timed out: no whole answer within 1s", true},
	        {ERR_DATA, "headers are larger than 256 KiB", false},
	        {ERR_DATA, "more than 20 interim", false},
	        {ERR_PROVIDER, "timed out", true},
	        {ERR_DATA, "larger than 1 MiB (max_answer)", false},
	        {ERR_DATA, "larger than 1 MiB (max_answer)", false},
	        {ERR_DATA, "not HTTP", true},
	};
	struct buf text = {0};

	buf_puts(&text, "HTTP/1.1 200 OK\r\n");
	while (text.len < sizeof many - 2000)
		buf_printf(&text, "X-%zu: %0900d\r\n", text.len, 1);
	buf_puts(&text, "\r\n");
	memcpy(many, buf_str(&text), text.len + 1);
	buf_clear(&text);
	for (int i = 0; i < 60; i++)
		buf_puts(&text, "HTTP/1.1 100 Continue\r\n\r\n");
	buf_puts(&text, OK_JSON);
	memcpy(interim, buf_str(&text), text.len + 1);
	buf_free(&text);
	for (size_t i = 0; i < LENGTH(want); i++) {
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, &(struct proxy_options){.retries = 1, .max_answer = 1 << 20, .retry_base_ms = 1});
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = slice_str(scripts[i].path), .timeout_ms = 1000}, &g);
		CHECK_INT(g.err.cls, want[i].cls);
		CHECK_HAS(g.err.text, want[i].text);
		CHECK_INT(g.attempts, want[i].repeated ? 2 : 1);
		CHECK_INT(g.times, 1);
		CHECK_INT(g.body.len, 0);
		if (tap_bad)
			printf("# %s: %s\n", scripts[i].path, g.err.text);
		env_close(&e);
	}
}

TEST("gzip, chunks, several members and a body that the end of the connection ends are read")
{
	static const struct script scripts[] = {
	        {"/gz", {BYTES(GZ "Content-Length: 32\r\n\r\n" GZ_BODY, KEEP)}},
	        {"/gz2", {BYTES(GZ "Content-Length: 64\r\n\r\n" GZ_BODY GZ_BODY, KEEP)}},
	        {"/gz-close", {BYTES(GZ "\r\n" GZ_BODY, CLOSE)}},
	        {"/chunked",
	         {SAY("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
	              "chunked\r\n\r\n5\r\n{\"ok\"\r\n7\r\n:true}\n\r\n0\r\nX-Trailer: 1\r\n\r\n")}},
	        {"/close", {THEN("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{\"ok\":true}\n", CLOSE)}},
	        {"/hints",
	         {SAY("HTTP/1.1 103 Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
	              "12\r\n\r\n{\"ok\":true}\n")}},
	        {0},
	};

	for (size_t i = 0; scripts[i].path; i++) {
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = slice_str(scripts[i].path)}, &g);
		CHECK_INT(g.err.cls, ERR_NONE);
		CHECK_STR(g.body.p, i == 1 ? "{\"ok\":true}\n{\"ok\":true}\n" : "{\"ok\":true}\n");
		CHECK(!strstr(g.headers.p, "trailer") && !strstr(g.headers.p, "early"));
		if (tap_bad)
			printf("# %s: %s\n", scripts[i].path, g.err.text);
		env_close(&e);
	}
}

TEST("who cannot be reached is named with host, port and reason")
{
	static const struct script scripts[] = {{0}};
	static const struct {
		const char *base, *text;
	} cases[] = {
	        {"http://127.0.0.1:1/stripe", "GET http://127.0.0.1:1/stripe/v1/customers: the connection was refused"},
	        {"http://name.invalid", "GET http://name.invalid:80/v1/customers: the name cannot be resolved (DNS)"},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, &(struct proxy_options){.retries = 2, .retry_base_ms = 1});
		env_target(&e, &(struct proxy_target_options){.base_trusted = true, .base_url = cases[i].base});
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/v1/customers?key=hidden")}, &g);
		CHECK_INT(g.err.cls, ERR_PROVIDER);
		CHECK_HAS(g.err.text, cases[i].text);
		CHECK_HAS(g.err.text, "after 3 attempts");
		CHECK(!strstr(g.err.text, "hidden"));
		env_close(&e);
	}
}

TEST("TLS is verified: a plain or unknown server is refused")
{
	static const struct script scripts[] = {{"/", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got g = {0};
	char base[64];

	env_open(&e, scripts, &(struct proxy_options){.retries = UINT64_MAX});
	snprintf(base, sizeof base, "https://127.0.0.1:%u", e.server->port);
	env_target(&e, &(struct proxy_target_options){.base_trusted = true, .base_url = base});
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/"), .timeout_ms = 2000}, &g);
	CHECK_INT(g.err.cls, ERR_PROVIDER);
	env_close(&e);
}

TEST("fifty pages come whole through a storm of 429, 500, cut connections and short answers")
{
	static const struct script scripts[] = {
	        {.path = "/storm",
	         .steps = {SAY(STATUS("429 Slow", "Retry-After: 0\r\n")), SAY(OK_JSON), SAY(STATUS("500 No", "")),
	                   THEN("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"ok\"", CLOSE), SAY(OK_JSON),
	                   THEN("", RESET),
	                   THEN("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"ok\":", CLOSE)}},
	        {0},
	};
	struct env e;
	unsigned attempts = 0;

	env_open(&e, scripts, &(struct proxy_options){.retries = 20, .retry_base_ms = 1, .retry_max_ms = 5});
	env_target(&e, NULL);
	for (int i = 0; i < 50; i++) {
		struct got g = {0};

		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/storm")}, &g);
		CHECK_STR(g.err.text, "");
		CHECK_STR(g.body.p, "{\"ok\":true}");
		attempts += g.attempts;
		got_free(&g);
	}
	CHECK_INT(server_count(e.server), attempts);
	CHECK(attempts > 150);
	env_close(&e);
}
