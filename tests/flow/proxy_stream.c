/* proxy_stream.c - bodies in pieces, pauses, cancelling in every state, and connections that are kept. */
#include <zlib.h>
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
#define LARGE (3 * 1024 * 1024)

static char *large, *large_gz; /* a whole answer each: LARGE bytes of digits */
static size_t large_len, large_gz_len;

static char *
answer_make(const char *coding, const void *body, size_t body_len, size_t *len)
{
	struct buf b = {0};

	buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n%sContent-Length: %zu\r\n\r\n", coding,
	           body_len);
	buf_put(&b, body, body_len);
	*len = b.len;
	return buf_take(&b);
}

static char
digit(size_t i)
{
	return (char)('0' + (i * 2654435761u >> 7) % 10);
}

static void
large_make(void)
{
	char *body = xmalloc(LARGE), *packed = xmalloc(LARGE);
	z_stream z = {0};

	if (large)
		goto out;
	for (size_t i = 0; i < LARGE; i++)
		body[i] = digit(i);
	deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)body;
	z.avail_in = LARGE;
	z.next_out = (unsigned char *)packed;
	z.avail_out = LARGE;
	deflate(&z, Z_FINISH);
	large = answer_make("", body, LARGE, &large_len);
	large_gz = answer_make("Content-Encoding: gzip\r\n", packed, z.total_out, &large_gz_len);
	deflateEnd(&z);
out:
	free(body);
	free(packed);
}

static bool
is_large(const struct buf *b)
{
	if (b->len != LARGE)
		return false;
	for (size_t i = 0; i < LARGE; i++)
		if (b->p[i] != digit(i))
			return false;
	return true;
}

static void
pause_it(struct got *g)
{
	if (g->n_pieces % 7 == 0 && g->call)
		proxy_pause(g->call, true);
}

TEST("a stream comes in order and whole, stops while paused, and ends with an end")
{
	struct script scripts[] = {{"/plain", {{0}}}, {"/gzip", {{0}}}, {0}};

	large_make();
	scripts[0].steps[0] = (struct step){.bytes = large, .len = large_len};
	scripts[1].steps[0] = (struct step){.bytes = large_gz, .len = large_gz_len};
	for (int i = 0; i < 2; i++) {
		struct env e;
		struct got g = {.on_piece = pause_it};
		unsigned pauses = 0;

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		send_to(e.target, (struct proxy_request){.endpoint = slice_str(scripts[i].path), .streamed = true}, &g);
		while (!g.times) {
			size_t before;

			env_idle(&e, 2);
			before = g.pieces.len;
			if (g.times || !g.n_pieces || g.n_pieces % 7)
				continue;
			env_idle(&e, pauses < 5 ? 10 : 0);
			CHECK_INT(g.pieces.len, before);
			CHECK_INT(g.ends, 0);
			pauses++;
			g.n_pieces++; /* so that the next pause is seven pieces away */
			proxy_pause(g.call, false);
		}
		CHECK(pauses > 5);
		CHECK_STR(g.err.text, "");
		CHECK_INT(g.status, 200);
		CHECK_INT(g.ends, 1);
		CHECK_INT(g.body.len, 0);
		CHECK(is_large(&g.pieces));
		env_close(&e);
	}
}

TEST("a stream is retried before its first piece only, and a cut one is no success")
{
	static const struct script scripts[] = {
	        {"/late", {SAY("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy"), SAY(OK_JSON)}},
	        {"/cut", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", CLOSE)}},
	        {"/close", {THEN("HTTP/1.1 200 OK\r\n\r\nabc", CLOSE)}},
	        {"/never", {SAY("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy")}},
	        {0},
	};
	static const struct {
		const char *pieces;
		enum err_class cls;
		unsigned attempts;
	} want[] = {{"{\"ok\":true}", ERR_NONE, 2}, {"abc", ERR_PROVIDER, 1}, {"abc", ERR_PROVIDER, 1},
	            {"busy", ERR_NONE, 6}};

	for (size_t i = 0; i < LENGTH(want); i++) {
		struct env e;
		struct got g = {0};

		env_open(&e, scripts, &(struct proxy_options){.retry_base_ms = 1});
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = slice_str(scripts[i].path), .streamed = true}, &g);
		CHECK_INT(g.err.cls, want[i].cls);
		CHECK_INT(g.attempts, want[i].attempts);
		CHECK_INT(g.ends, want[i].cls == ERR_NONE);
		CHECK_STR(buf_str(&g.pieces), want[i].pieces);
		env_close(&e);
	}
}

static int seen_status;
static char seen_type[64];

static void
head_it(struct got *g)
{
	struct slice headers, type;

	proxy_head(g->call, &seen_status, &headers);
	type = headers_find(headers, "content-type");
	snprintf(seen_type, sizeof seen_type, "%.*s", (int)type.len, type.p);
	g->on_piece = NULL;
}

TEST("whoever is given the first piece of a stream can ask for its status and headers")
{
	static const struct script scripts[] = {
	        {"/ok", {SAY(OK_JSON)}},
	        {"/no", {SAY("HTTP/1.1 404 No\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nno")}},
	        {"/busy", {SAY("HTTP/1.1 503 No\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nbusy")}},
	        {0},
	};
	static const struct {
		int status;
		const char *type;
	} want[] = {{200, "application/json"}, {404, "text/plain"}, {503, "text/x"}};

	for (size_t i = 0; i < LENGTH(want); i++) {
		struct env e;
		struct got g = {.on_piece = head_it};

		seen_status = 0;
		env_open(&e, scripts, &(struct proxy_options){.retries = 1, .retry_base_ms = 1});
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = slice_str(scripts[i].path), .streamed = true}, &g);
		CHECK_INT(g.err.cls, ERR_NONE);
		CHECK_INT(seen_status, want[i].status);
		CHECK_STR(seen_type, want[i].type);
		env_close(&e);
	}
}

TEST("a stream that only drips is given up; one that its receiver holds is not")
{
	struct script scripts[] = {
	        {"/drip", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", DRIP)}}, {"/held", {{0}}}, {0}};
	struct proxy_options slow = {.slow_bytes = 2000, .slow_seconds = 1};
	struct env e;
	struct got drip = {0}, held = {.on_piece = pause_it};

	large_make();
	scripts[1].steps[0] = (struct step){.bytes = large, .len = large_len};
	env_open(&e, scripts, &slow);
	env_target(&e, NULL);
	send_to(e.target, (struct proxy_request){.endpoint = SLICE("/held"), .streamed = true}, &held);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/drip"), .streamed = true}, &drip);
	CHECK_INT(drip.err.cls, ERR_PROVIDER);
	CHECK_HAS(drip.err.text, "less than 2000 bytes a second for 1s");
	CHECK(drip.pieces.len > 0);
	env_idle(&e, 2200);
	CHECK_INT(held.times, 0);
	held.on_piece = NULL;
	proxy_pause(held.call, false);
	env_wait(&e, &held);
	CHECK_INT(held.err.cls, ERR_NONE);
	CHECK(is_large(&held.pieces));
	env_close(&e);
}

static void
hold_it(struct got *g)
{
	proxy_pause(g->call, true);
	g->on_piece = NULL;
}

TEST("a stream has no time limit of its own, also when it is an error's answer that its receiver holds")
{
	static const struct script scripts[] = {
	        {"/busy", {SAY("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy")}}, {"/ok", {SAY(OK_JSON)}}, {0}};

	for (size_t i = 0; i < 2; i++) {
		struct env e;
		struct got g = {.on_piece = hold_it};

		/* the next try of /busy would come too late, so its answer, which was collected, stands */
		env_open(&e, scripts, &(struct proxy_options){.retry_base_ms = 200000, .request_ms = 1000});
		env_target(&e, NULL);
		send_to(e.target,
		        (struct proxy_request){.endpoint = slice_str(scripts[i].path),
		                               .streamed = true,
		                               .deadline_mono_ms = proxy_now(e.proxy) + 10000},
		        &g);
		env_idle(&e, 1500);
		CHECK_INT(g.times, 0);
		if (g.call)
			proxy_pause(g.call, false);
		env_wait(&e, &g);
		CHECK_INT(g.err.cls, ERR_NONE);
		CHECK_INT(g.status, i ? 200 : 503);
		env_close(&e);
	}
}

TEST("a large answer in one piece is whole, and its memory stays near its size")
{
	struct script scripts[] = {{"/plain", {{0}}}, {"/gzip", {{0}}}, {0}};
	struct env e;
	struct got plain = {0}, gzip = {0};

	large_make();
	scripts[0].steps[0] = (struct step){.bytes = large, .len = large_len};
	scripts[1].steps[0] = (struct step){.bytes = large_gz, .len = large_gz_len};
	env_open(&e, scripts, &(struct proxy_options){.max_answer = LARGE});
	env_target(&e, NULL);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/plain")}, &plain);
	CHECK(is_large(&plain.body));
	CHECK(plain.room < LARGE + LARGE / 5);
	CHECK(plain.bytes >= LARGE);
	env_ask(&e, (struct proxy_request){.endpoint = SLICE("/gzip")}, &gzip);
	CHECK(is_large(&gzip.body));
	CHECK(gzip.room < LARGE + LARGE / 5);
	CHECK(gzip.bytes < LARGE * 3 / 4);
	CHECK_INT(e.server->connections, 1); /* the second used the first one's */
	env_close(&e);
}

/* ---- cancelling ---- */

static void
cancel_it(struct got *g)
{
	if (g->call)
		proxy_cancel(g->call);
}

TEST("a call can be cancelled in every state, and ends with ERR_STOPPED, later and once")
{
	static const struct script scripts[] = {
	        {"/hang", {THEN("", HANG)}},
	        {"/head", {THEN("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab", HANG)}},
	        {"/wait", {SAY("HTTP/1.1 429 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n")}},
	        {"/ok", {SAY(OK_JSON)}},
	        {0}};
	static const struct {
		const char *path;
		int64_t idle_ms;
		bool streamed, bad;
	} cases[] = {
	        {"/ok", 0, false, false},    {"/ok", 0, false, true},    {"/hang", 5, false, false},
	        {"/head", 20, false, false}, {"/head", 20, true, false}, {"/wait", 30, false, false},
	        {"/ok", -1, false, false},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct env e;
		struct got g = {0}, before = {0}, after = {0};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		if (cases[i].idle_ms < 0) { /* in the queue behind a pause */
			send_to(e.target,
			        (struct proxy_request){.endpoint = SLICE("/wait"),
			                               .deadline_mono_ms = proxy_now(e.proxy) + 60000},
			        &before);
			env_until(&e, &before, WAIT_RATE);
		}
		send_to(e.target,
		        (struct proxy_request){.endpoint = slice_str(cases[i].path),
		                               .streamed = cases[i].streamed,
		                               .headers = slice_str(cases[i].bad ? "Host: x" : "")},
		        &g);
		env_idle(&e, cases[i].idle_ms > 0 ? cases[i].idle_ms : 0);
		CHECK_INT(g.times, 0);
		proxy_cancel(g.call);
		CHECK_INT(g.times, 0);
		env_wait(&e, &g);
		CHECK_INT(g.times, 1);
		CHECK_INT(g.err.cls, ERR_STOPPED);
		CHECK_INT(g.ends, 0);
		if (before.call) {
			proxy_cancel(before.call);
			env_wait(&e, &before);
		}
		env_idle(&e, 5);
		CHECK_INT(g.times, 1);
		if (cases[i].idle_ms >= 0 && strcmp(cases[i].path, "/wait")) {
			env_ask(&e, (struct proxy_request){.endpoint = SLICE("/ok")}, &after);
			CHECK_INT(after.status, 200);
		}
		env_close(&e);
	}
}

TEST("a stream can be cancelled from its own piece, also when paused, and gets no more")
{
	struct script scripts[] = {{"/gzip", {{0}}}, {0}};
	struct env e;
	struct got g = {.on_piece = cancel_it}, paused = {.on_piece = pause_it};
	unsigned pieces;

	large_make();
	scripts[0].steps[0] = (struct step){.bytes = large_gz, .len = large_gz_len};
	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	send_to(e.target, (struct proxy_request){.endpoint = SLICE("/gzip"), .streamed = true}, &g);
	env_wait(&e, &g);
	CHECK_INT(g.err.cls, ERR_STOPPED);
	CHECK_INT(g.n_pieces, 1);
	send_to(e.target, (struct proxy_request){.endpoint = SLICE("/gzip"), .streamed = true}, &paused);
	while (paused.n_pieces < 7)
		env_idle(&e, 1);
	pieces = paused.n_pieces;
	proxy_cancel(paused.call);
	env_wait(&e, &paused);
	CHECK_INT(paused.err.cls, ERR_STOPPED);
	CHECK_INT(paused.n_pieces, pieces);
	env_close(&e);
}

static void
free_the_proxy(void *arg, const struct proxy_answer *a)
{
	struct env *e = arg;

	(void)a;
	proxy_free(e->proxy);
	e->proxy = NULL;
}

TEST("freeing the proxy ends all its calls first, also from inside a done")
{
	static const struct script scripts[] = {
	        {"/hang", {THEN("", HANG)}},
	        {"/ok", {SAY(OK_JSON)}},
	        {"/wait", {SAY("HTTP/1.1 503 No\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n")}},
	        {0}};

	for (int i = 0; i < 3; i++) {
		struct env e;
		struct got a = {0}, b = {0};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		send_to(e.target, (struct proxy_request){.endpoint = SLICE("/hang")}, &a);
		send_to(e.target, (struct proxy_request){.endpoint = slice_str(i == 1 ? "/hang" : "/wait")}, &b);
		env_idle(&e, 20);
		if (i == 0)
			proxy_free(e.proxy);
		else /* from the engine; from an alarm */
			proxy_send(e.target,
			           &(struct proxy_request){.method = i == 1 ? "GET" : "NONSENSE",
			                                   .endpoint = SLICE("/hang"),
			                                   .timeout_ms = 5,
			                                   .retries = -1},
			           free_the_proxy, NULL, &e);
		for (int k = 0; k < 4000 && !b.times; k++)
			env_idle(&e, 5);
		e.proxy = NULL;
		CHECK_INT(a.times, 1);
		CHECK_INT(b.times, 1);
		CHECK_INT(a.err.cls, ERR_STOPPED);
		CHECK_INT(b.err.cls, ERR_STOPPED);
		env_close(&e);
	}
}

TEST("connections are kept: a hundred requests one after the other use one")
{
	static const struct script scripts[] = {{"/ok", {SAY(OK_JSON)}}, {0}};
	struct env e;

	env_open(&e, scripts, NULL);
	env_target(&e, NULL);
	for (int i = 0; i < 100; i++) {
		struct got g = {0};

		env_ask(&e,
		        (struct proxy_request){.endpoint = SLICE("/ok"),
		                               .method = i % 3 ? "GET" : "PUT",
		                               .body = slice_str(i % 3 ? "" : "{}")},
		        &g);
		CHECK_INT(g.status, 200);
		got_free(&g);
	}
	CHECK_INT(e.server->connections, 1);
	env_close(&e);
}

TEST("no wait goes beyond the deadline")
{
	static const struct script scripts[] = {
	        {"/hang", {THEN("", HANG)}},
	        {"/wait", {SAY("HTTP/1.1 429 No\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n")}},
	        {"/500", {SAY("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")}},
	        {0}};
	static const enum err_class want[] = {ERR_PROVIDER, ERR_RATE, ERR_NONE};

	for (size_t i = 0; i < LENGTH(want); i++) {
		struct env e;
		struct got g = {0};
		int64_t began = server_ms();

		env_open(&e, scripts, &(struct proxy_options){.retry_base_ms = 100000});
		env_target(&e, NULL);
		env_ask(&e,
		        (struct proxy_request){.endpoint = slice_str(scripts[i].path),
		                               .deadline_mono_ms = proxy_now(e.proxy) + 150},
		        &g);
		CHECK_INT(g.err.cls, want[i]);
		CHECK(server_ms() - began < 15000); /* of Retry-After: 20, and of a pause of 100 s */
		env_close(&e);
	}
}
