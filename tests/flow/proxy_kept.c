/* proxy_kept.c - what may go over a connection that was kept, and how often it then arrives.
 *
 * libcurl sends a request of any method once more when a kept connection ends before the first byte of an answer. The
 * server here has read that request by then and may have acted on it; so what may not be repeated has a connection of
 * its own, and everything else does not pay for one. */
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

static const struct {
	const char *method;
	bool safe, once;
} methods[] = {{"POST", false, true}, {"PATCH", false, true},   {"POST", true, false}, {"PATCH", true, false},
               {"PUT", false, false}, {"DELETE", false, false}, {"GET", false, false}};

/* How many requests of that path the server has read. */
static unsigned
read_of(struct server *s, const char *path)
{
	unsigned n = 0, all = server_count(s);

	for (unsigned i = 0; i < all; i++)
		n += !strcmp(s->seen[i].path, path);
	return n;
}

static void
ask(struct env *e, size_t method, const char *path, bool streamed, struct got *g)
{
	env_ask(e,
	        (struct proxy_request){.method = methods[method].method,
	                               .endpoint = slice_str(path),
	                               .body = strcmp(methods[method].method, "GET") ? SLICE("{\"pay\":1}") : SLICE(""),
	                               .safe = methods[method].safe,
	                               .streamed = streamed},
	        g);
}

TEST("what may not be repeated is read once, also when the server ends a kept connection instead of answering")
{
	static const struct script scripts[] = {{"/warm", {SAY(OK_JSON)}},
	                                        {"/reset", {THEN("", RESET), SAY(OK_JSON)}},
	                                        {"/close", {THEN("", CLOSE), SAY(OK_JSON)}},
	                                        {0}};

	for (size_t i = 0; i < LENGTH(methods); i++)
		for (size_t way = 1; way < 3; way++)
			for (int streamed = 0; streamed < 2; streamed++) {
				struct env e;
				struct got warm = {0}, g = {0};

				env_open(&e, scripts, NULL);
				env_target(&e, NULL);
				env_ask(&e, (struct proxy_request){.endpoint = SLICE("/warm")}, &warm);
				CHECK_INT(warm.status, 200);
				ask(&e, i, scripts[way].path, streamed, &g);
				CHECK_INT(read_of(e.server, scripts[way].path), methods[i].once ? 1 : 2);
				CHECK_INT(g.attempts, methods[i].once ? 1 : 2);
				CHECK_INT(g.err.cls, methods[i].once ? ERR_PROVIDER : ERR_NONE);
				CHECK_INT(g.status, methods[i].once ? 0 : 200);
				if (tap_bad)
					printf("# %s %s: %s\n", methods[i].method, scripts[way].path, g.err.text);
				env_close(&e);
			}
}

TEST("only what may be repeated goes over a connection that was kept")
{
	static const struct script scripts[] = {{"/warm", {SAY(OK_JSON)}}, {"/next", {SAY(OK_JSON)}}, {0}};

	for (size_t i = 0; i < LENGTH(methods); i++) {
		struct env e;
		struct got warm = {0}, g = {0};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/warm")}, &warm);
		ask(&e, i, "/next", false, &g);
		CHECK_INT(g.status, 200);
		REQUIRE(server_count(e.server) == 2);
		CHECK_INT(e.server->seen[1].connection != e.server->seen[0].connection, methods[i].once);
		env_close(&e);
	}
}

/* Ends the server's side of all connections, as a server does that has waited long enough. */
static void
idle_end(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < 256; i++)
		if (s->fds[i] >= 0)
			shutdown(s->fds[i], SHUT_RDWR);
	pthread_mutex_unlock(&s->lock);
}

TEST("a kept connection that the server has closed meanwhile costs no request and repeats none")
{
	static const struct script scripts[] = {{"/warm", {SAY(OK_JSON)}}, {"/next", {SAY(OK_JSON)}}, {0}};

	for (size_t i = 0; i < LENGTH(methods); i++) {
		struct env e;
		struct got warm = {0}, g = {0};

		env_open(&e, scripts, NULL);
		env_target(&e, NULL);
		env_ask(&e, (struct proxy_request){.endpoint = SLICE("/warm")}, &warm);
		idle_end(e.server);
		ask(&e, i, "/next", false, &g);
		CHECK_STR(g.err.text, "");
		CHECK_INT(g.status, 200);
		CHECK_INT(read_of(e.server, "/next"), 1);
		env_close(&e);
	}
}
