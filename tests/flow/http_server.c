/* http_server.c - core/http/http.h with real sockets: what a client sees, and what a bad one cannot do. */
#include <dirent.h>
#include "../tap.h"
#include "http_rig.h"

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" more "\r\n"

static double
cpu_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static bool
reaches(atomic_int *count, int wanted, int ms)
{
	for (; atomic_load(count) < wanted && ms > 0; ms -= 5)
		usleep(5000);
	return atomic_load(count) >= wanted;
}

TEST("a route answers, and every answer has its id and keeps a browser from guessing")
{
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
	REQUIRE(r.http);
	CHECK_HAS(ask(&r, &got, GET("/hello", "X-Request-Id: mine-1\r\n")), "HTTP/1.1 200 OK");
	CHECK_HAS(buf_str(&got), "X-Request-Id: mine-1\r\n");
	CHECK_HAS(buf_str(&got), "X-Content-Type-Options: nosniff\r\n");
	CHECK_HAS(buf_str(&got), "Cache-Control: no-store\r\n");
	CHECK_HAS(buf_str(&got), "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
	CHECK_HAS(buf_str(&got), "Cross-Origin-Resource-Policy: same-origin\r\n");
	CHECK_HAS(buf_str(&got), "\r\n\r\n{\"hello\":true}");
	CHECK_HAS(ask(&r, &got, GET("/hello", "X-Request-Id: not valid\r\n")), "X-Request-Id: ");
	CHECK(!strstr(buf_str(&got), "not valid"));
	CHECK_HAS(ask(&r, &got, "HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "Content-Length: 14\r\n");
	CHECK(!strstr(buf_str(&got), "{"));
	CHECK_HAS(ask(&r, &got, GET("/open/a/b%7C@{}", "")), " 200 ");
	CHECK_HAS(ask(&r, &got, GET("/read", "")), "read in the other thread");
	CHECK_HAS(ask(&r, &got, GET("/nowhere", "")), "\"code\":\"not_found\"");
	CHECK_HAS(ask(&r, &got, "PUT /mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "Allow: GET, HEAD, POST, OPTIONS\r\n");
	CHECK(reaches(&r.told, 5, 5000));
	CHECK(reaches(&r.told_none, 2, 5000));
	rig_end(&r);
	buf_free(&got);
}

TEST("what needs nothing of the loop is answered while the loop stands still, and all of it is told in the end")
{
	struct rig r = {0};
	struct buf got = {0};
	int held;

	rig_begin(&r);
	held = client_open(&r);
	CHECK(client_send(held, GET("/hold", "")));
	CHECK(reaches(&r.holding, 1, 10000));
	for (int i = 0; i < 50; i++)
		CHECK_HAS(ask(&r, &got, GET("/ahead", "")), "{\"hello\":true}");
	CHECK_INT(atomic_load(&r.told), 0);
	atomic_store(&r.holding, 2);
	buf_clear(&got);
	CHECK(client_until(held, &got, "{\"held\":true}", 10000));
	CHECK_HAS(ask(&r, &got, GET("/ahead?lines=1", "")), "12345,12345"); /* the other way: to the loop */
	CHECK(reaches(&r.told, 52, 5000));
	close(held);
	rig_end(&r);
	buf_free(&got);
}

/* Threads of this process that stand behind the one that asks. */
static int
threads_behind(void)
{
	int own = getpriority(PRIO_PROCESS, 0), n = 0;
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;

	while (d && (e = readdir(d)))
		n += *e->d_name != '.' && getpriority(PRIO_PROCESS, (id_t)atoi(e->d_name)) > own;
	if (d)
		closedir(d);
	return n;
}

TEST("the server's thread stands back behind the loop's and all others")
{
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	CHECK_INT(threads_behind(), getpriority(PRIO_PROCESS, 0) < 19);
	rig_end(&r);
	buf_free(&got);
}

TEST("a key opens what its rights say; wrong ones wait, right ones never")
{
	struct rig r = {0};
	struct buf got = {0};
	int64_t began;

	rig_begin(&r);
	CHECK_HAS(ask(&r, &got, GET("/mine", AUTH)), " 200 ");
	CHECK_HAS(ask(&r, &got, GET("/mine", "")), "missing_auth_header");
	CHECK_HAS(buf_str(&got), "WWW-Authenticate: Bearer");
	CHECK_HAS(ask(&r, &got, GET("/mine", "Authorization: Basic YTpi\r\n")), "malformed_auth_header");
	CHECK_HAS(ask(&r, &got, GET("/mine", AUTH AUTH)), "malformed_auth_header");
	CHECK_HAS(ask(&r, &got, "POST /mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " KEY_READ
	                        "\r\nContent-Length: 2\r\n\r\n{}"), "\"code\":\"forbidden\"");
	for (int i = 0; i < 6; i++)
		CHECK_HAS(ask(&r, &got, GET("/mine", "Authorization: Bearer wrong\r\n")), "unknown_account");
	began = clock_mono_ms(&clock_system);
	ask(&r, &got, GET("/mine", "Authorization: Bearer wrong\r\n"));
	CHECK(clock_mono_ms(&clock_system) - began >= 200);
	CHECK_HAS(ask(&r, &got, GET("/mine", AUTH)), " 200 ");
	rig_end(&r);
	buf_free(&got);
}

TEST("bodies: JSON by its rows, bytes as they are, chunks too, and too much of it is refused before it is sent")
{
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
#define POST(path, more, body) "POST " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" AUTH more "\r\n" body
	CHECK_HAS(ask(&r, &got, POST("/mine", "Content-Type: application/json\r\nContent-Length: 12\r\n", "{\"name\":\"a\"}")), " 201 ");
	CHECK_HAS(ask(&r, &got, POST("/mine", "Content-Length: 2\r\n", "{}")), "name: Required");
	CHECK_HAS(ask(&r, &got, POST("/mine", "", "")), "name: Required");
	CHECK_HAS(ask(&r, &got, POST("/mine", "Content-Length: 4\r\n", "{\"a\"")), "invalid_json");
	CHECK_HAS(ask(&r, &got, POST("/mine", "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}")), " 415 ");
	CHECK_HAS(ask(&r, &got, POST("/echo", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n")), "\r\n\r\nabcdefg");
	CHECK_HAS(buf_str(&got), "X-Kept: 1\r\n");
	CHECK(!strstr(buf_str(&got), "odd"));
	CHECK_HAS(ask(&r, &got, POST("/echo", "Content-Length: 100001\r\nExpect: 100-continue\r\n", "")), " 413 ");
	CHECK(!strstr(buf_str(&got), "100 Continue"));
	CHECK_HAS(ask(&r, &got, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"), " 200 ");
	CHECK_HAS(ask(&r, &got, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"), "takes no body");
	rig_end(&r);
	buf_free(&got);
}

TEST("a chunked body that grows over the limit is refused, and what is kept of it does not grow")
{
	struct rig r = {0};
	struct buf got = {0}, request = {0};

	rig_begin(&r);
	buf_puts(&request, "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 15; i++) {
		buf_puts(&request, "2710\r\n");
		memset(buf_grow(&request, 10000), 'z', 10000);
		buf_puts(&request, "\r\n");
	}
	buf_puts(&request, "0\r\n\r\n");
	CHECK_HAS(ask(&r, &got, buf_str(&request)), "payload_too_large");
	rig_end(&r);
	buf_free(&request);
	buf_free(&got);
}

static const struct { const char *request, *answer; } odd[] = {
	{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", " 400 "},
	{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 400 "},
	{"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", " 400 "},
	{"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", " 400 "},
	{"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", " 400 "},
	{"GET /hello HTTP/1.1\r\nConnection: close\r\nHost: x\r\nUser-Agent: \xff\xfe\r\n\r\n", "invalid_headers"},
	{"GET /hello?a=\x01 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", " 400 "},
	{"GET /hello?a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "invalid_query_params"},
	{"GET /open/%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "invalid_uri_params"},
	{"GET http://x/hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "invalid_uri_params"},
};

TEST("requests whose end or text is in doubt are refused, and their connection is closed")
{
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		CHECK_HAS(ask(&r, &got, odd[i].request), odd[i].answer);
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	rig_end(&r);
	buf_free(&got);
}

TEST("headers and request lines that are too long are refused")
{
	struct rig r = {0};
	struct buf got = {0}, request = {0};

	rig_begin(&r);
	buf_puts(&request, "GET /hello HTTP/1.1\r\nHost: x\r\nX-Long: ");
	memset(buf_grow(&request, 20000), 'h', 20000);
	buf_puts(&request, "\r\n\r\n");
	CHECK_HAS(ask(&r, &got, buf_str(&request)), "headers_too_large");
	buf_clear(&request);
	buf_puts(&request, "GET /hello?");
	memset(buf_grow(&request, 300000), 'q', 300000);
	buf_puts(&request, " HTTP/1.1\r\nHost: x\r\n\r\n");
	ask(&r, &got, buf_str(&request)); /* libmicrohttpd's own 414 or 431, or an end */
	CHECK(!strstr(buf_str(&got), " 200 "));
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	rig_end(&r);
	buf_free(&request);
	buf_free(&got);
}

TEST("requests in a row on one connection are answered in their order")
{
	struct rig r = {0};
	struct buf got = {0};
	const char *at;
	int fd;

	rig_begin(&r);
	fd = client_open(&r);
	CHECK(client_send(fd, "GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: 1\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\nX-Request-Id: 2\r\n"
	                      "Content-Length: 3\r\n\r\nabcGET /mine HTTP/1.1\r\nHost: x\r\nX-Request-Id: 3\r\n\r\n"
	                      "GET /read HTTP/1.1\r\nHost: x\r\nX-Request-Id: 4\r\nConnection: close\r\n\r\n"));
	CHECK(client_until(fd, &got, NULL, 20000));
	at = strstr(buf_str(&got), "X-Request-Id: 1");
	REQUIRE(at);
	at = strstr(at, "X-Request-Id: 2");
	REQUIRE(at);
	at = strstr(at, "X-Request-Id: 3");
	REQUIRE(at);
	CHECK_HAS(at, "X-Request-Id: 4");
	close(fd);
	rig_end(&r);
	buf_free(&got);
}

TEST("answers are compressed for those who ask, and long ones come whole")
{
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
	CHECK_HAS(ask(&r, &got, GET("/repeat", "Accept-Encoding: br, gzip\r\n")), "Content-Encoding: gzip\r\n");
	CHECK_HAS(buf_str(&got), "Vary: Accept-Encoding\r\n");
	CHECK(got.len < 2000);
	CHECK(!strstr(ask(&r, &got, GET("/repeat", "Accept-Encoding: gzip;q=0\r\n")), "Content-Encoding"));
	CHECK(got.len > 12000);
	CHECK(!strstr(ask(&r, &got, GET("/hello", "Accept-Encoding: gzip\r\n")), "Content-Encoding"));
	CHECK_HAS(ask(&r, &got, GET("/pull?lines=20000", "Accept-Encoding: gzip\r\n")), "Content-Encoding: gzip\r\n");
	CHECK_HAS(ask(&r, &got, GET("/pull?lines=20000", "")), "{\"line\":1,");
	CHECK(got.len > 20000 * 40);
	CHECK_HAS(ask(&r, &got, GET("/big?bytes=5000000", "")), "Content-Length: 5000000\r\n");
	CHECK(got.len > 5000000);
	rig_end(&r);
	buf_free(&got);
}

TEST("only configured sites may read answers from their pages, and ask beforehand without a key")
{
	static const char *const origins[] = {"https://app.example", NULL};
	struct rig r = {.origins = origins};
	struct buf got = {0};

	rig_begin(&r);
	CHECK_HAS(ask(&r, &got, "OPTIONS /mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://app.example\r\n"
	                        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n\r\n"), " 204 ");
	CHECK_HAS(buf_str(&got), "Access-Control-Allow-Origin: https://app.example\r\n");
	CHECK_HAS(buf_str(&got), "Access-Control-Allow-Headers: authorization\r\n");
	ask(&r, &got, "OPTIONS /mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n");
	CHECK(!strstr(buf_str(&got), "Access-Control"));
	CHECK_HAS(ask(&r, &got, GET("/hello", "Origin: https://app.example\r\n")), "Access-Control-Allow-Origin: https://app.example\r\n");
	CHECK(!strstr(ask(&r, &got, GET("/hello", "Origin: null\r\n")), "Access-Control"));
	rig_end(&r);
	buf_free(&got);
}

/* ---- waiting ---- */

TEST("HEAD has no body, of a stream or a long one neither: the next answer begins where it shall")
{
	static const char *const paths[] = {"/hello", "/big", "/pull", "/stream"};
	struct rig r = {0};
	struct buf got = {0};

	rig_begin(&r);
	for (size_t i = 0; i < 4; i++) {
		char *head = xasprintf("HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
		int fd = client_open(&r);
		const char *end;

		buf_clear(&got);
		client_send(fd, head);
		CHECK(client_until(fd, &got, "\r\n\r\n", 10000));
		client_until(fd, &got, "never", 200);
		end = strstr(buf_str(&got), "\r\n\r\n");
		CHECK_STR(end ? end + 4 : "(none)", "");
		close(fd);
		free(head);
	}
	rig_end(&r);
	buf_free(&got);
}

/* Until so many calls wait or stream with their route. */
static void
asked_wait(struct rig *r, int n)
{
	CHECK(reaches(&r->asked, n, 30000));
	usleep(50000); /* and are counted */
}

TEST("who leaves while his call waits is noticed, and costs nobody else anything")
{
	struct rig r = {0};
	struct buf got = {0};
	int fds[20], stays;

	rig_begin(&r);
	stays = client_open(&r);
	client_send(stays, GET("/wait", ""));
	for (int i = 0; i < 20; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], GET("/wait", ""));
	}
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	asked_wait(&r, 21);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	CHECK(reaches(&r.gone, 20, 10000));
	uv_async_send(&r.poke);
	buf_clear(&got);
	CHECK(client_until(stays, &got, "woken", 10000));
	CHECK_INT(atomic_load(&r.gone), 20);
	close(stays);
	rig_end(&r);
	buf_free(&got);
}

TEST("above the limit of waiting calls the next ones are told so, and the others wait on")
{
	struct rig r = {.limits.waiting = 3};
	struct buf got = {0};
	int fds[3];

	rig_begin(&r);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], i ? GET("/wait", "") : GET("/stream", ""));
	}
	asked_wait(&r, 3);
	CHECK_HAS(ask(&r, &got, GET("/wait", "")), "too_many_waiting");
	CHECK_HAS(buf_str(&got), "Retry-After: ");
	CHECK_HAS(ask(&r, &got, GET("/stream", "")), "too_many_waiting");
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	r.event = "data: 1\n\n";
	uv_async_send(&r.poke);
	for (int i = 0; i < 3; i++) {
		buf_clear(&got);
		CHECK(client_until(fds[i], &got, i ? "woken" : "data: 1", 10000));
		close(fds[i]);
	}
	rig_end(&r);
	buf_free(&got);
}

TEST("what cannot be given up is answered as it went, however many wait")
{
	struct rig r = {.limits.waiting = 1, .event = "data: 1\n\n"};
	struct buf got = {0};
	int fds[3];

	rig_begin(&r);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], i ? GET("/slow", "") : GET("/stream", ""));
		CHECK(i || client_until(fds[i], &got, "\r\n\r\n", 10000)); /* it has the only place */
	}
	asked_wait(&r, 3);
	uv_async_send(&r.poke);
	for (int i = 1; i < 3; i++) {
		buf_clear(&got);
		CHECK(client_until(fds[i], &got, "woken", 10000));
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	rig_end(&r);
	buf_free(&got);
}

TEST("with its key goes what waits or streams by it, and nothing else")
{
	static const char *const asked[] = {GET("/mine/stream", AUTH), GET("/mine/wait", AUTH), GET("/stream", AUTH),
	                                    GET("/mine/stream", "Authorization: Bearer " KEY_READ "\r\n")};
	struct rig r = {.event = "data: still\n\n"};
	struct buf got = {0};
	int fds[4];

	rig_begin(&r);
	for (int i = 0; i < 4; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], asked[i]);
		CHECK(i == 1 || client_until(fds[i], &got, "\r\n\r\n", 10000));
	}
	asked_wait(&r, 4);
	r.rekey = true;
	uv_async_send(&r.poke);
	buf_clear(&got);
	CHECK(client_until(fds[0], &got, NULL, 10000)); /* the end */
	CHECK(client_until(fds[1], &got, "late", 10000));
	r.rekey = false;
	uv_async_send(&r.poke);
	for (int i = 2; i < 4; i++) {
		buf_clear(&got);
		CHECK(client_until(fds[i], &got, "data: still", 10000));
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	rig_end(&r);
	buf_free(&got);
}

#define HAMMERS 16

struct hammer {
	const struct rig *rig;
	pthread_t thread;
	atomic_bool *stop;
	bool wrong; /* key */
};

/* Bodies that come in just now: what libmicrohttpd suspends while it is being ended. */
static void *
hammer_run(void *arg)
{
	const struct hammer *m = arg;
	char piece[4096];

	while (!atomic_load(m->stop)) {
		int fd = client_open(m->rig);

		if (fd < 0)
			continue;
		for (int i = 0; i < 50 && !atomic_load(m->stop); i++) {
			if (!client_send(fd, m->wrong ? "GET /mine HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\n\r\n"
			                              : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab"))
				break;
			usleep((useconds_t)(i * 37 % 1500));
			if ((!m->wrong && !client_send(fd, "cde")) || recv(fd, piece, sizeof piece, 0) <= 0)
				break;
		}
		close(fd);
	}
	return NULL;
}

TEST("the server ends under load, again and again")
{
	struct hammer hammers[HAMMERS];
	atomic_bool stop;

	for (int round = 0; round < 40; round++) {
		struct rig r = {0};

		atomic_store(&stop, false);
		rig_begin(&r);
		for (int i = 0; i < HAMMERS; i++) {
			hammers[i] = (struct hammer){.rig = &r, .stop = &stop, .wrong = i % 4 == 3};
			pthread_create(&hammers[i].thread, NULL, hammer_run, &hammers[i]);
		}
		usleep(20000 + 1000 * (useconds_t)round);
		rig_end(&r);
		atomic_store(&stop, true);
		for (int i = 0; i < HAMMERS; i++)
			pthread_join(hammers[i].thread, NULL);
	}
}

TEST("an event reaches its reader at once, and the end of the host ends stream and wait")
{
	struct rig r = {.event = "data: now\n\n"};
	struct buf got = {0};
	int stream, wait;
	int64_t began;

	rig_begin(&r);
	stream = client_open(&r);
	wait = client_open(&r);
	client_send(stream, GET("/stream", ""));
	CHECK(client_until(stream, &got, "\r\n\r\n", 10000));
	began = clock_mono_ms(&clock_system);
	uv_async_send(&r.poke);
	CHECK(client_until(stream, &got, "data: now", 10000));
	CHECK(clock_mono_ms(&clock_system) - began < 5000); /* the next beat of a quiet stream would be later */
	client_send(wait, GET("/wait", ""));
	asked_wait(&r, 2);
	rig_end(&r);
	buf_clear(&got);
	CHECK(client_until(wait, &got, "late", 10000));
	buf_clear(&got);
	client_until(stream, &got, NULL, 10000);
	CHECK(!memmem(got.p ? got.p : "", got.len, "0\r\n\r\n", 5)); /* cut off, and not ended as if that were all */
	close(stream);
	close(wait);
	buf_free(&got);
}

/* Of this process; rig_begin has made it as many as it may. */
static int
descriptors_most(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur < 100000 ? (int)files.rlim_cur : 100000;
}

TEST("a thousand idle streams cost less than a hundredth of a core")
{
	struct rig r = {.event = "data: all\n\n"};
	struct buf got = {0};
	int *fds = xcalloc(1000, sizeof *fds), reached = 0, n;
	double before, used;

	rig_begin(&r);
	n = descriptors_most() < 2200 ? (descriptors_most() - 200) / 2 : 1000; /* both ends of each are ours */
	CHECK(n > 100);
	for (int i = 0; i < n; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], GET("/stream", ""));
	}
	for (int i = 0; i < n; i++) {
		buf_clear(&got);
		reached += client_until(fds[i], &got, "\r\n\r\n", 20000);
	}
	CHECK_INT(reached, n);
	usleep(200000);
	before = cpu_seconds();
	sleep(4);
	used = (cpu_seconds() - before) / 4;
	printf("# %.3f %% of a core\n", used * 100);
	CHECK(used < 0.01 * (SLUICE_SANITIZED ? 4 : 1));
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	uv_async_send(&r.poke);
	reached = 0;
	for (int i = 0; i < n; i++) {
		buf_clear(&got);
		reached += client_until(fds[i], &got, "data: all", 20000);
		close(fds[i]);
	}
	CHECK_INT(reached, n);
	CHECK(reaches(&r.gone, n, 20000));
	rig_end(&r);
	free(fds);
	buf_free(&got);
}

/* ---- slow and greedy ones ---- */

TEST("two hundred slow senders are dropped by the time of the whole request, and hinder nobody meanwhile")
{
	struct rig r = {.limits.request_s = 2};
	struct buf got = {0};
	int fds[200], left = 200, asked = 0, quick = 0;
	int64_t began = clock_mono_ms(&clock_system), worst = 0;

	rig_begin(&r);
	for (int i = 0; i < 200; i++) {
		fds[i] = client_open(&r);
		client_send(fds[i], i % 3 == 0   ? "GE"
		                    : i % 3 == 1 ? "GET /hello HTTP/1.1\r\nHost: x\r\nX-"
		                                 : "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n");
	}
	while (left && clock_mono_ms(&clock_system) - began < 60000) {
		int64_t from = clock_mono_ms(&clock_system), took;

		CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
		took = clock_mono_ms(&clock_system) - from;
		worst = took > worst ? took : worst;
		asked++;
		quick += took < 500; /* a quarter of what a slow one is let */
		for (int i = 0; i < 200; i++) {
			char byte;

			if (fds[i] < 0)
				continue;
			if (recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0 || !client_send(fds[i], "a")) {
				close(fds[i]);
				fds[i] = -1;
				left--;
			}
		}
		usleep(100000);
	}
	CHECK_INT(left, 0);
	printf("# the slowest answer meanwhile: %lld ms; all dropped after %lld ms\n", (long long)worst,
	       (long long)(clock_mono_ms(&clock_system) - began));
	CHECK(quick * 2 > asked); /* a busy machine may hold up some */
	for (int i = 0; i < 200; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	rig_end(&r);
	buf_free(&got);
}

static bool
dropped(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};

	return poll(&p, 1, ms) == 1;
}

TEST("a client that does not take its answer is dropped, streamed or not")
{
	struct rig r = {.limits.request_s = 1};
	struct buf got = {0};
	int big, flood;

	rig_begin(&r);
	big = client_open(&r);
	client_send(big, GET("/big?bytes=33554432", ""));
	flood = client_open(&r);
	client_send(flood, GET("/flood", ""));
	CHECK(dropped(big, 20000));
	CHECK(dropped(flood, 20000));
	CHECK(reaches(&r.gone, 1, 10000));
	CHECK(atomic_load(&r.full) > 0);
	CHECK_HAS(ask(&r, &got, GET("/hello", "")), " 200 ");
	close(big);
	close(flood);
	rig_end(&r);
	buf_free(&got);
}

TEST("who writes more than the client takes is told to hold on, and told again when it was taken")
{
	struct rig r = {0};
	struct buf got = {0};
	int fd;

	rig_begin(&r);
	fd = client_open(&r);
	client_send(fd, GET("/flood", ""));
	for (int i = 0; i < 30 && got.len <= 100 * (64 << 10); i++)
		client_until(fd, &got, NULL, 1000);
	CHECK(got.len > 100 * (64 << 10));
	CHECK(reaches(&r.drained, 1, 10000));
	CHECK(atomic_load(&r.full) > 0);
	close(fd);
	CHECK(reaches(&r.gone, 1, 5000));
	rig_end(&r);
	buf_free(&got);
}

TEST("above the limit of connections the last places are for those who have shown a key")
{
	struct rig r = {.limits.connections = 40};
	struct buf got = {0};
	int fds[36], dropped_ones = 0, known = -1;

	rig_begin(&r);
	known = client_open(&r);
	client_send(known, "GET /mine HTTP/1.1\r\nHost: x\r\n" AUTH "\r\n");
	CHECK(client_until(known, &got, "hello", 10000));
	for (int i = 0; i < 36; i++)
		fds[i] = client_open(&r);
	for (int i = 0; i < 36; i++)
		dropped_ones += fds[i] >= 0 && dropped(fds[i], i ? 200 : 10000);
	CHECK(dropped_ones > 0);
	buf_clear(&got);
	client_send(known, "GET /mine HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" AUTH "\r\n");
	CHECK(client_until(known, &got, "hello", 10000));
	for (int i = 0; i < 36; i++)
		close(fds[i]);
	close(known);
	rig_end(&r);
	buf_free(&got);
}

/* ---- places to listen ---- */

TEST("a unix socket is the group's, takes the place of a dead one, and of nothing else")
{
	char dir[] = "/tmp/sluice-http-XXXXXX", *path, *place;
	const char *listen[2] = {0};
	struct rig r = {0}, second = {0};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct buf got = {0};
	struct stat st;
	int fd;

	REQUIRE(mkdtemp(dir));
	path = xasprintf("%s/http.sock", dir);
	place = xasprintf("unix:%s", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_INT(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
	close(fd); /* left behind by one that died */
	listen[0] = place;
	r.listen = second.listen = listen;
	rig_begin(&r);
	REQUIRE(r.http);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_INT(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
	client_send(fd, GET("/hello", ""));
	CHECK(client_until(fd, &got, "hello", 10000));
	close(fd);
	rig_begin(&second);
	CHECK(!second.http);
	CHECK_HAS(second.err.text, "another process listens there");
	rig_end(&second);
	rig_end(&r);
	CHECK(stat(path, &st) != 0);
	rmdir(dir);
	free(path);
	free(place);
	buf_free(&got);
}

TEST("a port that is taken is an error that names it")
{
	struct rig r = {0}, second = {0};
	const char *listen[2] = {0};
	char *place;

	rig_begin(&r);
	place = xasprintf("127.0.0.1:%u", r.port);
	listen[0] = place;
	second.listen = listen;
	rig_begin(&second);
	CHECK(!second.http);
	CHECK_INT(second.err.cls, ERR_USAGE);
	CHECK_HAS(second.err.text, place);
	rig_end(&second);
	rig_end(&r);
	free(place);
}
