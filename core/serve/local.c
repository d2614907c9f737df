/* local.c - the listening side of sluice.sock, on the loop.
 *
 * An answer is made whole and then written, so no snapshot is held over a write; it is bounded because each question
 * is. Awkward: sun_path has room for 107 bytes only, and data directories may be deeper; such a path is reached through
 * an open descriptor of its directory. The socket file of a holder that was killed is still there: we have the store's
 * lock, so it is ours to replace. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "serve/local.h"
#include "serve/local_path.h"

#define QUESTION_MAX (1u << 20)
#define CALLERS_MAX 16
#define CALLER_MS 30000 /* for a question to be asked and its answer to be taken */

struct local {
	uv_loop_t *loop;
	struct host *host;
	uv_pipe_t pipe;
	struct local_path path;
	unsigned callers;
	bool closing, closed;
};

struct caller {
	struct local *local;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	struct buf in, out;
	int open; /* handles */
	bool answered;
};

static void
caller_gone(uv_handle_t *handle)
{
	struct caller *c = handle->data;

	if (--c->open)
		return;
	c->local->callers--;
	buf_wipe(&c->in); /* a question may hold the secrets of a connection */
	buf_free(&c->out);
	free(c);
}

static void
caller_close(struct caller *c)
{
	if (uv_is_closing((uv_handle_t *)&c->pipe))
		return;
	uv_close((uv_handle_t *)&c->pipe, caller_gone);
	uv_close((uv_handle_t *)&c->timer, caller_gone);
}

static void
caller_late(uv_timer_t *timer)
{
	caller_close(timer->data);
}

static void
answer_written(uv_write_t *write, int status)
{
	(void)status;
	caller_close(write->data);
}

static void
row_add(void *arg, struct slice json)
{
	struct caller *c = arg;

	buf_slice(&c->out, json);
	buf_putc(&c->out, '\n');
}

static void
error_add(struct buf *out, const struct err *err)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_key(&o, "error");
	json_open(&o, '{');
	json_kv_str(&o, "code", err_class_name(err->cls));
	json_kv_str(&o, "message", err->text);
	json_close(&o, '}');
	json_close(&o, '}');
	buf_putc(out, '\n');
}

static void
caller_answer(struct caller *c, size_t line)
{
	const struct query_sink sink = {row_add, c};
	struct buf end = {0};
	struct err err;
	uv_buf_t bytes;

	c->answered = true;
	if (query_answer(c->local->host, slice_of(c->in.p, line), &sink, &end, &err) == 0) {
		buf_puts(&c->out, "{\"end\":");
		buf_slice(&c->out, buf_view(&end));
		buf_puts(&c->out, "}\n");
	} else {
		error_add(&c->out, &err);
	}
	buf_free(&end);
	bytes = uv_buf_init(c->out.p, (unsigned)c->out.len);
	c->write.data = c;
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &bytes, 1, answer_written) != 0)
		caller_close(c);
}

static void
room_for(uv_handle_t *handle, size_t wish, uv_buf_t *room)
{
	struct caller *c = handle->data;

	(void)wish;
	buf_reserve(&c->in, 4096);
	*room = uv_buf_init(c->in.p + c->in.len, (unsigned)(c->in.cap - c->in.len));
}

static void
caller_heard(uv_stream_t *stream, ssize_t n, const uv_buf_t *room)
{
	struct caller *c = stream->data;
	const char *line;

	(void)room;
	if (n < 0 || c->in.len + (size_t)n > QUESTION_MAX) {
		caller_close(c);
		return;
	}
	c->in.len += (size_t)n;
	line = c->in.len ? memchr(c->in.p, '\n', c->in.len) : NULL;
	if (line && !c->answered) {
		uv_read_stop(stream);
		caller_answer(c, (size_t)(line - c->in.p));
	}
}

/* Of our own uid, or root. */
static bool
caller_known(uv_pipe_t *pipe)
{
	struct ucred who;
	socklen_t len = sizeof who;
	uv_os_fd_t fd;

	return uv_fileno((uv_handle_t *)pipe, &fd) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	       (who.uid == geteuid() || who.uid == 0);
}

static void
local_called(uv_stream_t *server, int status)
{
	struct local *l = server->data;
	struct caller *c;

	if (status != 0)
		return;
	c = XNEW(struct caller);
	c->local = l;
	c->open = 2;
	c->pipe.data = c->timer.data = c;
	l->callers++;
	uv_pipe_init(l->loop, &c->pipe, 0);
	uv_timer_init(l->loop, &c->timer);
	if (uv_accept(server, (uv_stream_t *)&c->pipe) != 0 || l->callers > CALLERS_MAX || l->closing ||
	    !caller_known(&c->pipe)) {
		caller_close(c);
		return;
	}
	uv_timer_start(&c->timer, caller_late, CALLER_MS, 0);
	uv_read_start((uv_stream_t *)&c->pipe, room_for, caller_heard);
}

static void
local_gone(uv_handle_t *handle)
{
	struct local *l = handle->data;

	l->closed = true;
}

struct local *
local_open(uv_loop_t *loop, struct host *h, struct err *err)
{
	struct local *l = XNEW(struct local);
	mode_t mask;
	int rc;

	l->loop = loop;
	l->host = h;
	uv_pipe_init(loop, &l->pipe, 0);
	l->pipe.data = l;
	if (local_path_open(&l->path, host_settings(h)->host.data_dir, err) != 0)
		goto out;
	unlink(l->path.text);
	mask = umask(0177);
	rc = uv_pipe_bind(&l->pipe, l->path.text);
	umask(mask);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&l->pipe, CALLERS_MAX, local_called);
	if (rc == 0)
		return l;
	err_set(err, ERR_HOST, "%s/sluice.sock cannot be made: %s", host_settings(h)->host.data_dir, uv_strerror(rc));
out:
	local_close(l);
	return NULL;
}

void
local_close(struct local *l)
{
	if (!l)
		return;
	l->closing = true;
	uv_close((uv_handle_t *)&l->pipe, local_gone); /* removes the file */
	while (!l->closed || l->callers)
		uv_run(l->loop, UV_RUN_ONCE);
	local_path_close(&l->path);
	free(l);
}
