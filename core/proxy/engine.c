/* engine.c - libcurl drives, libuv watches.
 *
 * libcurl says which sockets to watch for what (engine_socket) and when it wants to be woken (engine_timer); the
 * loop's events go back by curl_multi_socket_action, and after each the finished transfers are read out.
 *
 * Guarantee: `done` is called with libcurl's stack unwound, so it may start and stop transfers, and may even free the
 * engine.
 * Awkward: libcurl closes a socket right after saying "remove"; the poll handle must have left epoll by then, which
 * uv_close does at once, while its memory lives on until the loop's close callback. */
#include "proxy/engine.h"

#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"

#define KEPT_HANDLES 64      /* idle easy handles: a reset one keeps its buffers, a new one costs several allocations */
#define KEPT_CONNECTIONS 64L /* idle connections; the oldest is closed when there are more */
#define MOST_CONNECTIONS 256L

struct engine {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	engine_done *done;
	CURL *kept[KEPT_HANDLES];
	unsigned n_kept;
	unsigned handles; /* of the loop that are still open: the timer, sockets */
	bool closed;      /* engine_free was called; memory goes when handles is 0 */
};

struct watch { /* one socket that libcurl wants watched */
	uv_poll_t poll;
	struct engine *engine;
	curl_socket_t fd;
};

static void
engine_let_go(struct engine *e)
{
	if (--e->handles == 0 && e->closed)
		free(e);
}

/* Tells libcurl what happened. A socket for which it has no memory would be watched by nobody, and its transfer never end. */
static void
engine_tell(struct engine *e, curl_socket_t fd, int what)
{
	int running;

	if (curl_multi_socket_action(e->multi, fd, what, &running) == CURLM_OUT_OF_MEMORY)
		die("out of memory: libcurl cannot go on");
}

/* Reads out what has finished. Each round may free the engine, so it is looked at again. */
static void
engine_collect(struct engine *e)
{
	CURLMsg *msg;
	int left;

	e->handles++; /* holds the memory while callbacks run */
	while (!e->closed && (msg = curl_multi_info_read(e->multi, &left))) {
		CURL *easy = msg->easy_handle;
		CURLcode rc = msg->data.result;
		void *arg = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &arg);
		curl_multi_remove_handle(e->multi, easy); /* msg is gone with it */
		e->done(arg, rc);
	}
	engine_let_go(e);
}

static void
watch_closed(uv_handle_t *handle)
{
	struct watch *w = handle->data;
	struct engine *e = w->engine;

	free(w);
	engine_let_go(e);
}

static void
watch_event(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	struct engine *e = w->engine;
	int what = 0;

	if (status < 0)
		what = CURL_CSELECT_ERR;
	if (events & (UV_READABLE | UV_DISCONNECT))
		what |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		what |= CURL_CSELECT_OUT;
	engine_tell(e, w->fd, what);
	engine_collect(e);
}

static int
engine_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct engine *e = arg;
	struct watch *w = known;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			curl_multi_assign(e->multi, fd, NULL);
			uv_close((uv_handle_t *)&w->poll, watch_closed);
		}
		return 0;
	}
	if (!w) {
		w = XNEW(struct watch);
		*w = (struct watch){.engine = e, .fd = fd};
		if (uv_poll_init_socket(e->loop, &w->poll, fd)) {
			free(w);
			return -1;
		}
		w->poll.data = w;
		e->handles++;
		curl_multi_assign(e->multi, fd, w);
	}
	return uv_poll_start(&w->poll,
	                     (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0),
	                     watch_event)
	               ? -1
	               : 0;
}

static void
timer_fired(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	engine_tell(e, CURL_SOCKET_TIMEOUT, 0);
	engine_collect(e);
}

static int
engine_timer(CURLM *multi, long ms, void *arg)
{
	struct engine *e = arg;

	(void)multi;
	if (ms < 0)
		return uv_timer_stop(&e->timer);
	uv_update_time(e->loop);
	return uv_timer_start(&e->timer, timer_fired, (uint64_t)ms, 0);
}

struct engine *
engine_new(uv_loop_t *loop, engine_done *done, struct err *err)
{
	struct engine *e = XNEW(struct engine);
	int rc;

	*e = (struct engine){.loop = loop, .done = done};
	rc = uv_timer_init(loop, &e->timer);
	if (rc) {
		free(e);
		err_set(err, ERR_HOST, "the proxy's timer cannot be made: %s", uv_strerror(rc));
		return NULL;
	}
	e->timer.data = e;
	e->handles = 1;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(e->multi = curl_multi_init()))
		die("libcurl cannot be started");
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETFUNCTION, engine_socket);
	curl_multi_setopt(e->multi, CURLMOPT_SOCKETDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERFUNCTION, engine_timer);
	curl_multi_setopt(e->multi, CURLMOPT_TIMERDATA, e);
	curl_multi_setopt(e->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	curl_multi_setopt(e->multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
	curl_multi_setopt(e->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, MOST_CONNECTIONS);
	return e;
}

void
engine_connections(struct engine *e, long most)
{
	curl_multi_setopt(e->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, most);
}

static void
timer_closed(uv_handle_t *handle)
{
	engine_let_go(handle->data);
}

void
engine_free(struct engine *e)
{
	if (!e)
		return;
	e->closed = true;
	for (unsigned i = 0; i < e->n_kept; i++)
		curl_easy_cleanup(e->kept[i]);
	curl_multi_cleanup(e->multi); /* closes the idle connections, with their watches */
	uv_timer_stop(&e->timer);
	uv_close((uv_handle_t *)&e->timer, timer_closed);
}

CURL *
engine_handle(struct engine *e)
{
	CURL *easy = e->n_kept ? e->kept[--e->n_kept] : curl_easy_init();

	if (!easy)
		die("out of memory: libcurl has no handle for us");
	return easy;
}

void
engine_text(CURL *easy, CURLoption option, const char *text)
{
	if (curl_easy_setopt(easy, option, text) == CURLE_OUT_OF_MEMORY)
		die("out of memory: libcurl cannot take an option");
}

void
engine_handle_return(struct engine *e, CURL *easy)
{
	if (!easy)
		return;
	curl_easy_reset(easy); /* forgets headers and secrets of the last request */
	if (e->closed || e->n_kept == KEPT_HANDLES)
		curl_easy_cleanup(easy);
	else
		e->kept[e->n_kept++] = easy;
}

void
engine_start(struct engine *e, CURL *easy)
{
	CURLMcode rc = curl_multi_add_handle(e->multi, easy);

	if (rc)
		die("libcurl refuses a transfer: %s", curl_multi_strerror(rc));
}

void
engine_stop(struct engine *e, CURL *easy)
{
	curl_multi_remove_handle(e->multi, easy);
}
