/* http_rig.h - a real server of core/http on 127.0.0.1:0 with a few routes, its loop in a thread of its own, and raw clients. */
#ifndef SLUICE_TESTS_HTTP_RIG_H
#define SLUICE_TESTS_HTTP_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "http/http.h"

#define KEY "5b0e2d8a-8b0f-4c55-9c37-0d6a52f7a001"
#define KEY_READ "5b0e2d8a-8b0f-4c55-9c37-0d6a52f7a002"
#define AUTH "Authorization: Bearer " KEY "\r\n"
#define STREAMS_MAX 1200

struct rig {
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t stop, poke;
	struct http *http;
	struct secret *reads;
	struct http_limits limits;
	const char *const *listen;
	const char *const *origins;
	unsigned port;
	bool up, keep;
	bool rekey;                             /* poke takes KEY away, KEY_READ stays */
	struct err err;
	pthread_mutex_t lock;
	pthread_cond_t ready;
	struct http_call *waiting[STREAMS_MAX]; /* the loop's */
	size_t n_waiting;
	struct http_call *streams[STREAMS_MAX];
	size_t n_streams;
	atomic_int asked, gone, drained, full, told, told_none;
	atomic_int holding;                     /* 1: the loop stands still in a route; 2: it may go on */
	const char *event;                      /* pushed to all streams by poke */
};

static struct rig *
rig_of(void *arg)
{
	return arg;
}

/* ---- routes ---- */

static void
hello_get(struct http_call *c, void *arg)
{
	(void)arg;
	http_reply(c, 200, SLICE("{\"hello\":true}"));
}

static void
echo_post(struct http_call *c, void *arg)
{
	(void)arg;
	http_answer_header(c, "X-Kept", "1");
	http_answer_header(c, "Transfer-Encoding", "odd");
	http_reply_bytes(c, 200, "application/octet-stream", http_body(c));
}

static void
object_post(struct http_call *c, void *arg)
{
	(void)arg;
	http_reply(c, 201, http_body(c));
}

static void
wait_gone(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	for (size_t i = 0; i < r->n_waiting; i++)
		if (r->waiting[i] == c)
			r->waiting[i] = r->waiting[--r->n_waiting];
	atomic_fetch_add(&r->gone, 1);
	http_reply(c, 200, SLICE("{\"late\":true}"));
}

static void
wait_get(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	http_on_gone(c, wait_gone, r);
	r->waiting[r->n_waiting++] = c;
	atomic_fetch_add(&r->asked, 1);
}

static void
slow_get(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	r->waiting[r->n_waiting++] = c;
	atomic_fetch_add(&r->asked, 1);
}

static void
stream_gone(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	for (size_t i = 0; i < r->n_streams; i++)
		if (r->streams[i] == c)
			r->streams[i] = r->streams[--r->n_streams];
	atomic_fetch_add(&r->gone, 1);
	http_stream_end(c, false);
}

static void
stream_drained(struct http_call *c, void *arg)
{
	(void)c;
	atomic_fetch_add(&rig_of(arg)->drained, 1);
}

static void
stream_get(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	r->streams[r->n_streams++] = c;
	http_stream(c, 200, "text/event-stream", stream_drained, stream_gone, r);
	atomic_fetch_add(&r->asked, 1);
}

static void
flood_get(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);
	char *piece = xcalloc(1, 64 << 10);

	memset(piece, 'x', 64 << 10);
	stream_get(c, arg);
	for (int i = 0; i < 100; i++)
		if (!http_stream_write(c, slice_of(piece, 64 << 10)))
			atomic_fetch_add(&r->full, 1);
	free(piece);
}

struct pulled {
	int left;
};

static bool
pull_some(void *arg, struct buf *out)
{
	struct pulled *p = arg;

	buf_printf(out, "{\"line\":%d,\"more\":\"and more and more and more\"}\n", p->left);
	return --p->left > 0;
}

static void
pull_get(struct http_call *c, void *arg)
{
	struct pulled *p = XNEW(struct pulled);

	(void)arg;
	p->left = (int)http_param_int(c, "lines", 1000);
	http_pull(c, 200, "application/x-ndjson", pull_some, p, free);
}

static void
read_answer(struct http_call *c, void *arg)
{
	(void)arg;
	http_fail(c, 404, "not_found", "read in the other thread");
}

static void
read_get(struct http_call *c, void *arg)
{
	(void)arg;
	http_read(c, read_answer, NULL, NULL);
}

static void
big_get(struct http_call *c, void *arg)
{
	size_t n = (size_t)http_param_int(c, "bytes", 4 << 20);
	char *bytes = xmalloc(n);

	(void)arg;
	memset(bytes, 'b', n);
	http_reply_bytes(c, 200, "application/octet-stream", slice_of(bytes, n));
	free(bytes);
}

static void
repeat_get(struct http_call *c, void *arg)
{
	struct buf text = {0};

	(void)arg;
	buf_puts(&text, "[0");
	for (int i = 0; i < 2000; i++)
		buf_puts(&text, ",12345");
	buf_puts(&text, "]");
	http_reply(c, 200, buf_view(&text));
	buf_free(&text);
}

static void
hold_get(struct http_call *c, void *arg)
{
	struct rig *r = rig_of(arg);

	atomic_store(&r->holding, 1);
	for (int ms = 0; atomic_load(&r->holding) == 1 && ms < 20000; ms++)
		usleep(1000);
	http_reply(c, 200, SLICE("{\"held\":true}"));
}

static bool
ahead_get(struct http_call *c, void *arg)
{
	if (http_param_int(c, "lines", 0))
		return false;
	hello_get(c, arg);
	return true;
}

static const struct http_param bytes_params[] = {
	{.name = "bytes", .type = HTTP_INT, .min = 1, .max = 64 << 20}, {.name = "lines", .type = HTTP_INT, .min = 1, .max = 1000000}, {0}};
static const struct http_field object_fields[] = {{.name = "name", .type = HTTP_TEXT, .required = true}, {0}};
static const struct http_route rig_routes[] = {
	{.method = "GET", .path = "/hello", .name = "hello", .handle = hello_get},
	{.method = "GET", .path = "/open/{id*}", .name = "open", .handle = hello_get},
	{.method = "GET", .path = "/mine", .name = "mine", .rights = RIGHT_READ, .handle = hello_get},
	{.method = "POST", .path = "/mine", .name = "change", .rights = RIGHT_WRITE, .body = object_fields, .handle = object_post},
	{.method = "POST", .path = "/echo", .name = "echo", .raw = true, .max_body = 100000, .handle = echo_post},
	{.method = "GET", .path = "/wait", .name = "wait", .handle = wait_get},
	{.method = "GET", .path = "/slow", .name = "slow", .handle = slow_get}, /* cannot be told to give up */
	{.method = "GET", .path = "/mine/stream", .name = "mineStream", .rights = RIGHT_READ, .handle = stream_get},
	{.method = "GET", .path = "/mine/wait", .name = "mineWait", .rights = RIGHT_READ, .handle = wait_get},
	{.method = "GET", .path = "/stream", .name = "stream", .handle = stream_get},
	{.method = "GET", .path = "/flood", .name = "flood", .handle = flood_get},
	{.method = "GET", .path = "/pull", .name = "pull", .params = bytes_params, .handle = pull_get},
	{.method = "GET", .path = "/read", .name = "read", .handle = read_get},
	{.method = "GET", .path = "/hold", .name = "hold", .handle = hold_get},
	{.method = "GET", .path = "/ahead", .name = "ahead", .params = bytes_params, .ahead = ahead_get, .handle = repeat_get},
	{.method = "GET", .path = "/big", .name = "big", .params = bytes_params, .handle = big_get},
	{.method = "GET", .path = "/repeat", .name = "repeat", .handle = repeat_get},
	{0},
};
static const struct http_route *const rig_tables[] = {rig_routes, NULL};

/* ---- the server ---- */

static void
rig_told(void *arg, const struct http_route *route, int status, int64_t took_us)
{
	(void)status, (void)took_us;
	atomic_fetch_add(route ? &rig_of(arg)->told : &rig_of(arg)->told_none, 1);
}

static void
rig_stop(uv_async_t *async)
{
	rig_of(async->data)->keep = false;
}

static void
rig_poked(uv_async_t *async)
{
	struct rig *r = rig_of(async->data);

	if (r->rekey) {
		http_keys_set(r->http, &(struct http_key){"reads", r->reads, RIGHT_READ}, 1);
		return;
	}
	for (size_t i = 0; i < r->n_streams; i++)
		http_stream_write(r->streams[i], slice_str(r->event));
	while (r->n_waiting)
		http_reply(r->waiting[--r->n_waiting], 200, SLICE("{\"woken\":true}"));
}

static void *
rig_run(void *arg)
{
	struct rig *r = arg;
	static const char *const anywhere[] = {"127.0.0.1:0", NULL};
	const struct http_options o = {
		.loop = &r->loop, .clock = &clock_system, .listen = r->listen ? r->listen : anywhere, .origins = r->origins,
		.routes = rig_tables, .limits = r->limits, .told = rig_told, .arg = r};
	struct secret *all = secret_new(SLICE(KEY)), *reads = secret_new(SLICE(KEY_READ));
	const struct http_key keys[] = {{"all", all, RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE | RIGHT_ADMIN}, {"reads", reads, RIGHT_READ}};

	r->reads = reads;
	uv_loop_init(&r->loop);
	uv_async_init(&r->loop, &r->stop, rig_stop);
	uv_async_init(&r->loop, &r->poke, rig_poked);
	r->stop.data = r->poke.data = r;
	r->http = http_open(&o, &r->err);
	if (r->http) {
		http_keys_set(r->http, keys, 2);
		http_ports(r->http, &r->port, 1);
	}
	r->keep = r->http != NULL;
	pthread_mutex_lock(&r->lock);
	r->up = true;
	pthread_cond_signal(&r->ready);
	pthread_mutex_unlock(&r->lock);
	while (r->keep)
		uv_run(&r->loop, UV_RUN_ONCE);
	http_close(r->http);
	uv_close((uv_handle_t *)&r->stop, NULL);
	uv_close((uv_handle_t *)&r->poke, NULL);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&r->loop), 0);
	secret_free(all);
	secret_free(reads);
	return NULL;
}

static void
rig_begin(struct rig *r)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->ready, NULL);
	pthread_create(&r->thread, NULL, rig_run, r);
	pthread_mutex_lock(&r->lock);
	while (!r->up)
		pthread_cond_wait(&r->ready, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

static void
rig_end(struct rig *r)
{
	if (r->http)
		uv_async_send(&r->stop);
	pthread_join(r->thread, NULL);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->ready);
}

/* ---- a client ---- */

static int
client_open(const struct rig *r)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)r->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
client_send(int fd, const char *text)
{
	size_t len = strlen(text);

	return send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Reads until `until` has come, the end, or ms are over. */
static bool
client_until(int fd, struct buf *got, const char *until, int ms)
{
	int64_t end = clock_mono_ms(&clock_system) + ms;
	char piece[16384];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		int64_t left = end - clock_mono_ms(&clock_system);
		ssize_t n;

		if (until && memmem(got->p ? got->p : "", got->len, until, strlen(until)))
			return true;
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return false;
		n = recv(fd, piece, sizeof piece, 0);
		if (n <= 0)
			return !until;
		buf_put(got, piece, (size_t)n);
	}
}

/* One request on a connection of its own, closed by the server; the whole answer. */
static const char *
ask(const struct rig *r, struct buf *got, const char *request)
{
	int fd = client_open(r);

	buf_clear(got);
	if (fd < 0)
		return "(no connection)";
	client_send(fd, request);
	if (!client_until(fd, got, NULL, 20000))
		buf_puts(got, "(no end)");
	close(fd);
	return buf_str(got);
}

#endif
