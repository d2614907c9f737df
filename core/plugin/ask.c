/* ask.c - see ask.h: hello, the manifest, the worker's end.
 *
 * The answer is the first frame LOADED; the worker's end before it is the reason why there is none. It is given when the
 * worker has ended or has answered, whichever is first, and never from inside ask_start. */
#include "plugin/ask.h"

#include <stdlib.h>
#include "base/mem.h"
#include "wire/worker_process.h"

struct ask {
	struct ask_options o;
	struct worker_process *worker;
	bool done;
};

static void
ask_end(struct ask *a, struct manifest *m, const struct err *why)
{
	a->done = true;
	a->o.done(a->o.arg, m, why);
}

static void
on_frame(void *arg, const struct frame *f)
{
	struct ask *a = arg;
	struct reader r = reader_of(f->body);
	struct err err = {0};

	if (f->type != MSG_LOADED || a->done)
		return;
	reader_u16(&r);
	reader_u16(&r);
	ask_end(a, manifest_parse(reader_rest(&r), &err), &err);
}

static void
on_end(void *arg, const struct err *why)
{
	struct ask *a = arg;
	struct err err = {0};

	if (a->done)
		return;
	err_set(&err, why->cls ? why->cls : ERR_CONNECTOR, "%s", why->text);
	ask_end(a, NULL, &err);
}

static void
hello_send(struct worker_process *w, bool seccomp_only)
{
	struct buf b = {0};
	size_t begin = frame_begin(&b, MSG_HELLO, 0, 0);

	buf_u16(&b, WIRE_VERSION);
	buf_u8(&b, HELLO_DESCRIBE);
	buf_u8(&b, seccomp_only);
	buf_u64(&b, 0);
	buf_u64(&b, 0);
	buf_u64(&b, 0);
	buf_bytes(&b, SLICE(""));
	buf_bytes(&b, SLICE(""));
	frame_end(&b, begin);
	worker_process_send(w, &b);
}

struct ask *
ask_start(const struct ask_options *o, struct err *err)
{
	struct ask *a = XNEW(struct ask);
	const struct worker_process_options w = {.loop = o->loop,
	                                         .executable = o->worker,
	                                         .plugin_path = o->path,
	                                         .plugin_fd = o->fd,
	                                         .memory = o->memory,
	                                         .start_ms = o->start_ms,
	                                         .seccomp_only = o->seccomp_only,
	                                         .on_frame = on_frame,
	                                         .on_end = on_end,
	                                         .arg = a};

	a->o = *o;
	a->worker = worker_process_start(&w, err);
	if (!a->worker) {
		free(a);
		return NULL;
	}
	hello_send(a->worker, o->seccomp_only);
	return a;
}

void
ask_free(struct ask *a)
{
	if (!a)
		return;
	worker_process_free(a->worker);
	free(a);
}
