/* proxy_rate.c - what a provider says of its rate limit, and who waits for that: only while nothing is left, and only
 * who has the time.
 *
 * Time is moved by hand; "at once" means without moving it. */
#include "proxy_env.h"

#define SAY(text)                                                                                                      \
	{                                                                                                              \
		.bytes = text                                                                                          \
	}
#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
#define STATUS(line, more) "HTTP/1.1 " line "\r\n" more "Content-Length: 0\r\n\r\n"

static const struct proxy_target_options told = {.base_trusted = true, .remaining = "X-Left", .reset = "X-Reset"};

/* Does it end while our clock goes on by itself? What waits for a time far ahead does not, and is stopped. */
static bool
at_once(struct env *e, struct got *g)
{
	enum wait_reason reason;
	int64_t until_us = 0;

	while (!g->times) {
		reason = proxy_waiting(g->call, &until_us);
		if (reason != WAIT_CONNECT && reason != WAIT_SERVER && until_us > env_wall(e) + 10000000)
			break;
		uv_run(&e->loop, UV_RUN_ONCE);
	}
	if (g->times)
		return true;
	proxy_cancel(g->call);
	env_wait(e, g);
	return false;
}

static struct proxy_request
until(struct env *e, const char *path, int64_t ms)
{
	return (struct proxy_request){.endpoint = slice_str(path),
	                              .deadline_mono_ms = ms ? proxy_now(e->proxy) + ms : 0};
}

TEST("while none are left, who cannot wait until the reset is told so at once, and who can is sent after it")
{
	static const struct script scripts[] = {
	        {"/last", {SAY(STATUS("200 OK", "X-Left: 0\r\nX-Reset: 90\r\n"))}}, {"/next", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got last = {0}, hasty = {0}, patient = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, &told);
	env_ask(&e, until(&e, "/last", 0), &last);
	CHECK_INT(last.status, 200);
	send_to(e.target, until(&e, "/next", 120000), &patient);
	send_to(e.target, until(&e, "/next", 60000), &hasty);
	CHECK(at_once(&e, &hasty));
	CHECK_INT(hasty.err.cls, ERR_RATE);
	CHECK_HAS(hasty.err.text, "longer than the time that is left");
	CHECK_INT(patient.times, 0);
	CHECK_INT(server_count(e.server), 1);
	e.ahead_ms += 91000;
	proxy_poke(e.proxy);
	env_wait(&e, &patient);
	CHECK_INT(patient.status, 200);
	CHECK_INT(server_count(e.server), 2);
	env_close(&e);
}

TEST("a reset that is further away than retry_max is an ERR_RATE at once")
{
	static const struct script scripts[] = {
	        {"/last", {SAY(STATUS("200 OK", "X-Left: 0\r\nX-Reset: 3600\r\n"))}}, {"/next", {SAY(OK_JSON)}}, {0}};
	struct env e;
	struct got last = {0}, g = {0};

	env_open(&e, scripts, NULL);
	env_target(&e, &told);
	env_ask(&e, until(&e, "/last", 0), &last);
	send_to(e.target, until(&e, "/next", 0), &g);
	CHECK(at_once(&e, &g));
	CHECK_INT(g.err.cls, ERR_RATE);
	CHECK_HAS(g.err.text, "asks to wait 1h");
	CHECK((g.retry_at_us - env_wall(&e)) / 1000000 >= 3500 && (g.retry_at_us - env_wall(&e)) / 1000000 <= 3600);
	CHECK_HAS(g.err.text, "longer than 5m");
	CHECK_INT(server_count(e.server), 1);
	env_close(&e);
}

TEST("a pause ends the waiting of those whose deadline is before its end, at once, and of no others")
{
	static const struct script scripts[] = {
	        {"/slow", {SAY(STATUS("429 Slow", "Retry-After: 60\r\n")), SAY(OK_JSON)}}, {"/b", {SAY(OK_JSON)}}, {0}};
	/* In the order of the queue: the first, the middle and the last of it go; 0: no deadline. */
	static const int64_t times_ms[] = {30000, 0, 40000, 59000, 200000, 10000};
	struct env e;
	struct got slow = {0}, waits[LENGTH(times_ms)] = {{0}}, late = {0};

	env_open(&e, scripts, NULL);
	/* One in a while: the others are in the queue when the answer to the first one comes. */
	env_target(&e, &(struct proxy_target_options){.base_trusted = true, .rate_n = 1, .rate_ms = 5000});
	send_to(e.target, until(&e, "/slow", 0), &slow);
	for (size_t i = 0; i < LENGTH(waits); i++)
		send_to(e.target, until(&e, "/b", times_ms[i]), &waits[i]);
	for (size_t i = 0; i < LENGTH(waits); i++) {
		if (times_ms[i] == 0 || times_ms[i] > 60000)
			continue;
		CHECK(at_once(&e, &waits[i]));
		CHECK_INT(waits[i].err.cls, ERR_RATE);
		CHECK_HAS(waits[i].err.text, "longer than the time that is left");
	}
	send_to(e.target, until(&e, "/b", 20000), &late); /* comes while it lasts */
	CHECK(at_once(&e, &late));
	CHECK_INT(late.err.cls, ERR_RATE);
	CHECK_INT(server_count(e.server), 1);
	CHECK(!waits[1].times && !waits[4].times && !slow.times);
	for (int i = 0; i < 6 && !(waits[1].times && waits[4].times && slow.times); i++) {
		e.ahead_ms += i ? 6000 : 61500;
		proxy_poke(e.proxy);
		env_idle(&e, 100);
	}
	env_wait(&e, &waits[1]);
	env_wait(&e, &waits[4]);
	env_wait(&e, &slow);
	CHECK_INT(waits[1].status, 200);
	CHECK_INT(waits[4].status, 200);
	CHECK_INT(slow.status, 200);
	CHECK_INT(server_count(e.server), 4);
	env_close(&e);
}

TEST("a reset asks for a wait only when nothing is left, or with a 429")
{
	static const struct {
		const char *reply;
		bool waits;
	} cases[] = {
	        {STATUS("200 OK", "X-Left: 5\r\nX-Reset: 90\r\n"), false},
	        {STATUS("200 OK", "X-Left: 1\r\nX-Reset: 90\r\n"), false},
	        {STATUS("200 OK", "X-Reset: 90\r\n"), false},
	        {STATUS("200 OK", "X-Left: many\r\nX-Reset: 90\r\n"), false},
	        {STATUS("200 OK", "X-Left: 0\r\nX-Reset: 90\r\n"), true},
	        {STATUS("503 Busy", "X-Left: 5\r\nX-Reset: 90\r\n"), false},
	        {STATUS("503 Busy", "X-Reset: 90\r\n"), false},
	        {STATUS("503 Busy", "X-Left: 0\r\nX-Reset: 90\r\n"), true},
	        {STATUS("429 Slow", "X-Left: 5\r\nX-Reset: 90\r\n"), true},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		const struct script scripts[] = {{"/a", {{.bytes = cases[i].reply}, SAY(OK_JSON)}}, {0}};
		struct env e;
		struct got first = {0}, second = {0};
		bool waited;

		env_open(&e, scripts, NULL);
		env_target(&e, &told);
		send_to(e.target, until(&e, "/a", 0), &first);
		waited = !at_once(&e, &first);
		if (!waited) { /* then neither is the next one held up, not even when it could not wait */
			send_to(e.target, until(&e, "/a", 60000), &second);
			waited = !at_once(&e, &second) || second.err.cls == ERR_RATE;
		}
		CHECK_INT(waited, cases[i].waits);
		CHECK_INT(server_count(e.server), waited ? 1 : cases[i].reply[9] == '2' ? 2 : 3);
		if (tap_bad)
			printf("# case %zu: %s\n", i, cases[i].reply);
		env_close(&e);
	}
}
