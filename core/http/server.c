/* server.c - the server as a whole: one libmicrohttpd daemon with a thread of its own for each place that is listened on, one
 * inbox on the loop for all of them.
 *
 * Guarantee: http_close returns when no thread and no handle of it is left. Awkward: libmicrohttpd must not be stopped while
 * a connection is suspended; so closing first asks every waiting call for its answer (http_calm), and a route whose code
 * never answers would keep the server: then it is said which one, and the process's end takes it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "http/inner.h"

#define SWEEP_MS 500
#define CLOSE_MS 10000             /* for calls to be answered */
#define LINGER_MS 2000             /* for answers to be taken */
#define OTHER_FILES 512            /* descriptors that the rest of the host may need */
#define MEMORY_OVER_HEADER (48 << 10)

/* ---- limits ---- */

static void
limits_fill(struct http_limits *l)
{
	const struct http_limits usual = {2000, 0, 16 << 10, 32 << 20, 30, 60, 1500};

	l->connections = l->connections ? l->connections : usual.connections;
	l->max_header = l->max_header ? l->max_header : usual.max_header;
	l->max_body = l->max_body ? l->max_body : usual.max_body;
	l->idle_s = l->idle_s ? l->idle_s : usual.idle_s;
	l->request_s = l->request_s ? l->request_s : usual.request_s;
	l->waiting = l->waiting ? l->waiting : usual.waiting;
}

/* Each connection is a descriptor, and the usual limit of a process is 1024 of them. */
static void
files_raise(struct http_limits *l)
{
	rlim_t wanted = (rlim_t)l->connections + OTHER_FILES;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
		return;
	files.rlim_cur = files.rlim_max == RLIM_INFINITY || files.rlim_max >= wanted ? wanted : files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur >= wanted)
		return;
	l->connections = files.rlim_cur > 2 * OTHER_FILES ? (unsigned)(files.rlim_cur - OTHER_FILES) : (unsigned)files.rlim_cur / 2;
	log_warn("http: %u connections at once and not more: the limit of open files is %llu", l->connections,
	         (unsigned long long)files.rlim_cur);
}

/* ---- the loop's side ---- */

static void
on_wake(uv_async_t *wake)
{
	calls_turn(wake->data);
}

static void
on_sweep(uv_timer_t *timer)
{
	sockets_sweep(timer->data);
	calls_turn(timer->data);
}

static void
on_held_back(uv_timer_t *timer)
{
	calls_delayed_turn(timer->data, false);
}

static void
handles_open(struct http *h)
{
	uv_async_init(h->loop, &h->wake, on_wake);
	uv_timer_init(h->loop, &h->sweep);
	uv_timer_init(h->loop, &h->held_back);
	h->wake.data = h->sweep.data = h->held_back.data = h;
	uv_timer_start(&h->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
	h->held_back.timer_cb = on_held_back;
	h->handles = 4;
}

static void
handle_closed(uv_handle_t *handle)
{
	struct http *h = handle->data;

	h->handles--;
}

static void
handles_close(struct http *h)
{
	uv_close((uv_handle_t *)&h->wake, handle_closed);
	uv_close((uv_handle_t *)&h->sweep, handle_closed);
	uv_close((uv_handle_t *)&h->held_back, handle_closed);
	uv_close((uv_handle_t *)&h->watch, handle_closed);
	while (h->handles)
		uv_run(h->loop, UV_RUN_ONCE);
	watch_close(h);
}

/* ---- libmicrohttpd ---- */

/* The threads of the server do not take the time of those that sync: they read for others, who can wait. */
static void *
daemon_first(void *cls, const char *target, struct MHD_Connection *connection)
{
	thread_yields();
	return call_new(cls, target, connection);
}

/* Paths and queries are decoded here (params.c): what the client wrote is wanted as it came. */
static size_t
leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls, (void)connection;
	return strlen(text);
}

static void daemon_says(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void
daemon_says(void *cls, const char *fmt, va_list ap)
{
	char text[400];

	(void)cls;
	vsnprintf(text, sizeof text, fmt, ap);
	log_debug("http: %.*s", (int)strcspn(text, "\n"), text);
}

static int
daemon_start(struct http *h, struct listener *l, struct err *err)
{
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	l->daemon = MHD_start_daemon(
		flags, 0, sockets_accept, h, call_heard, h,
		MHD_OPTION_LISTEN_SOCKET, l->fd,
		MHD_OPTION_CONNECTION_LIMIT, h->limits.connections + 8u, /* over ours, so that it is we who refuse */
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, h->limits.per_address,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, h->limits.max_header + MEMORY_OVER_HEADER,
		MHD_OPTION_CONNECTION_TIMEOUT, h->limits.idle_s,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, daemon_first, h,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, call_over, h,
		MHD_OPTION_NOTIFY_CONNECTION, sockets_notify, h,
		MHD_OPTION_EXTERNAL_LOGGER, daemon_says, NULL,
		MHD_OPTION_END);
	if (!l->daemon)
		return err_set(err, ERR_HOST, "listen %s: libmicrohttpd cannot begin: %s", l->text, strerror(errno));
	l->fd = -1; /* it closes it */
	return 0;
}

static void
daemons_stop(struct http *h)
{
	for (size_t i = 0; i < h->n_listeners; i++) {
		if (h->listeners[i].daemon)
			MHD_stop_daemon(h->listeners[i].daemon);
		listener_close(&h->listeners[i]);
	}
}

/* ---- the whole ---- */

static char **
texts_dup(const char *const *texts)
{
	size_t n = 0;
	char **copy;

	while (texts && texts[n])
		n++;
	copy = xcalloc(n + 1, sizeof *copy);
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(texts[i]);
	return copy;
}

static void
http_free(struct http *h)
{
	for (char **at = h->origins; *at; at++)
		free(*at);
	free(h->origins);
	free(h->listeners);
	keyring_finish(&h->keys);
	pthread_mutex_destroy(&h->lock);
	pthread_mutex_destroy(&h->sockets_lock);
	free(h);
}

static int
listen_all(struct http *h, const char *const *places, struct err *err)
{
	size_t n = 0;

	while (places && places[n])
		n++;
	h->listeners = xcalloc(n + 1, sizeof *h->listeners);
	/* all of them first: nobody shall be answered by a host that does not come up */
	for (; h->n_listeners < n; h->n_listeners++)
		if (listener_open(&h->listeners[h->n_listeners], places[h->n_listeners], err) != 0)
			return -1;
	for (size_t i = 0; i < n; i++)
		if (daemon_start(h, &h->listeners[i], err) != 0)
			return -1;
	return 0;
}

struct http *
http_open(const struct http_options *o, struct err *err)
{
	struct http *h = XNEW(struct http);

	*h = (struct http){.loop = o->loop, .clock = o->clock, .limits = o->limits, .routes = o->routes, .told = o->told, .arg = o->arg};
	limits_fill(&h->limits);
	files_raise(&h->limits);
	h->origins = texts_dup(o->origins);
	h->posted_end = &h->posted;
	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->sockets_lock, NULL);
	keyring_init(&h->keys);
	if (watch_open(h, err) != 0) {
		http_free(h);
		return NULL;
	}
	handles_open(h);
	if (listen_all(h, o->listen, err) == 0)
		return h;
	daemons_stop(h);
	handles_close(h);
	http_free(h);
	return NULL;
}

/* One that waits or streams, and whose key is no longer what let it in. */
static struct http_call *
call_unkeyed(struct http *h)
{
	struct http_call *c;

	pthread_mutex_lock(&h->lock);
	for (c = h->calls; c; c = c->next)
		if (c->owed && !c->left && c->gone && c->route->rights && !keyring_permits(&h->keys, c->key_hash, c->route->rights))
			break;
	pthread_mutex_unlock(&h->lock);
	return c;
}

void
http_keys_set(struct http *h, const struct http_key *keys, size_t n)
{
	struct http_call *c;

	pthread_mutex_lock(&h->lock);
	keyring_set(&h->keys, keys, n);
	pthread_mutex_unlock(&h->lock);
	while ((c = call_unkeyed(h))) /* from the start each time, as in http_calm */
		call_leave(c);
}

size_t
http_ports(const struct http *h, unsigned *ports, size_t n)
{
	for (size_t i = 0; i < h->n_listeners && i < n; i++)
		ports[i] = h->listeners[i].port;
	return h->n_listeners;
}

const struct http_route *const *
http_routes(const struct http *h)
{
	return h->routes;
}

/* ---- the end ---- */

static struct http_call *
call_owed(const struct http *h, bool told)
{
	for (struct http_call *c = h->calls; c; c = c->next)
		if (c->owed && (told || !c->left))
			return c;
	return NULL;
}

void
http_calm(struct http *h)
{
	struct http_call *c;

	pthread_mutex_lock(&h->lock);
	h->calm = true;
	pthread_mutex_unlock(&h->lock);
	while ((c = call_owed(h, false))) /* from the start each time: telling one may end others */
		call_leave(c);
}

static bool
sockets_send(struct http *h)
{
	bool sending = false;

	pthread_mutex_lock(&h->sockets_lock);
	for (struct http_socket *s = h->sockets; s && !sending; s = s->next)
		sending = s->sending;
	pthread_mutex_unlock(&h->sockets_lock);
	return sending;
}

static void
turn_until(struct http *h, int64_t ms, bool (*busy)(struct http *h))
{
	int64_t end = http_now(h) + ms;

	while (busy(h) && http_now(h) < end)
		uv_run(h->loop, UV_RUN_ONCE);
}

static bool
calls_owed(struct http *h)
{
	bool posted;

	pthread_mutex_lock(&h->lock);
	posted = h->posted != NULL;
	pthread_mutex_unlock(&h->lock);
	return posted || call_owed(h, true);
}

void
http_close(struct http *h)
{
	struct http_call *c;

	if (!h)
		return;
	http_calm(h);
	uv_timer_start(&h->sweep, on_sweep, 20, 20);
	turn_until(h, CLOSE_MS, calls_owed);
	c = call_owed(h, true);
	if (c) {
		log_error("http: %s was never answered; its connection ends with the process", c->route->name);
		return;
	}
	calls_delayed_turn(h, true);
	turn_until(h, LINGER_MS, sockets_send);
	daemons_stop(h);
	while (h->posted)
		calls_turn(h);
	handles_close(h);
	http_free(h);
}
