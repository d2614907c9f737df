/* main.c - sluice-worker: one connector, locked in before a byte of it runs, at the other end of a socket.
 *
 * Not a user's command: the host starts it with the channel as fd 3 and the plugin's file as fd 4, no arguments and no
 * environment.
 *
 *   START  HELLO ->                 limits and purpose
 *          sandbox, self-test       failing ends the process: one line on stderr, which the host quotes
 *          -> READY
 *   LOAD   dlopen (constructors run), ABI, tighten, describe
 *          -> LOADED                or STEP_END with the reason, and the end
 *   IDLE   POSITION_IS -> kept      STEP -> step_run -> STEP_END      EXIT -> exit 0
 *
 * Awkward: from LOAD on, whatever this process says may be the plugin speaking. The host believes nothing of it; READY,
 * which tells about the sandbox, is sent before any of the plugin's code is mapped. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sluice.h>
#include "base/mem.h"
#include "worker/describe.h"
#include "worker/sandbox.h"
#include "worker/worker.h"

static void
hello_read(struct worker *w)
{
	struct frame f;
	struct reader r;
	uint16_t version;

	channel_next(w->ch, &f);
	r = reader_of(f.body);
	version = reader_u16(&r);
	if (version != WIRE_VERSION)
		worker_end(EXIT_PROTOCOL,
		           "the host speaks wire version %u, this worker %u: install both from one build", version,
		           WIRE_VERSION);
	w->mode = reader_u8(&r);
	w->seccomp_only = reader_u8(&r) != 0;
	w->max_answer = reader_u64(&r);
	w->max_record = reader_u64(&r);
	reader_u64(&r); /* max_batch: how much the host lets wait for its disk; its own business */
	w->name = slice_dup(reader_bytes(&r, f.body.len));
	buf_slice(&w->shaped, reader_bytes(&r, f.body.len));
}

static void
ready_send(struct worker *w, const struct sandbox *s)
{
	struct buf out = {0};
	size_t at = frame_begin(&out, MSG_READY, 0, 0);

	buf_u16(&out, WIRE_VERSION);
	buf_u16(&out, (uint16_t)s->landlock);
	buf_u8(&out, (uint8_t)s->seccomp);
	buf_u8(&out, (uint8_t)s->no_new_privs);
	buf_u32(&out, s->tests);
	frame_end(&out, at);
	channel_send(w->ch, &out);
	buf_free(&out);
}

/* Tells the host why there is nothing to run, and ends. */
static _Noreturn void
load_failed(struct worker *w, const struct err *err)
{
	struct buf out = {0};
	size_t at = frame_begin(&out, MSG_STEP_END, 0, 0);

	buf_u32(&out, (uint32_t)SLUICE_EFAILED);
	buf_u8(&out, 0);
	buf_u8(&out, 1);
	buf_bytes(&out, slice_str(err->text));
	frame_end(&out, at);
	channel_send(w->ch, &out);
	_exit(EXIT_PLUGIN);
}

/* Struct and JSON of what the plugin declares, by the rules that the host applies again. */
static int
manifest_make(struct worker *w, struct buf *json, struct err *err)
{
	if (describe(&w->plugin, json, err))
		return -1;
	if (json->len > FRAME_MAX - 64)
		return err_set(err, ERR_CONNECTOR, "what it declares takes %zu bytes of JSON, more than %u", json->len,
		               FRAME_MAX - 64);
	w->manifest = manifest_parse(buf_view(json), err);
	if (w->manifest && w->shaped.len) {
		manifest_free(w->manifest);
		w->manifest = manifest_parse(buf_view(&w->shaped), err);
		buf_free(&w->shaped);
	}
	return w->manifest ? 0 : -1;
}

static void
loaded_send(struct worker *w, const struct buf *json)
{
	struct buf out = {0};
	size_t at = frame_begin(&out, MSG_LOADED, 0, 0);

	buf_u16(&out, w->plugin.abi.major);
	buf_u16(&out, w->plugin.abi.minor);
	if (w->mode == HELLO_DESCRIBE)
		buf_slice(&out, buf_view(json));
	frame_end(&out, at);
	channel_send(w->ch, &out);
	buf_free(&out);
}

static void
load(struct worker *w, struct sandbox *s)
{
	struct buf json = {0};
	struct err err;

	if (plugin_load(&w->plugin, PLUGIN_FD, &err))
		load_failed(w, &err);
	if (sandbox_tighten(s, &err))
		load_failed(w, &err);
	if (manifest_make(w, &json, &err))
		load_failed(w, &err);
	loaded_send(w, &json);
	buf_free(&json);
}

/* The step's body must outlive the frames that are taken during the step. */
static void
step_serve(struct worker *w, const struct frame *f)
{
	struct frame step = *f;
	char *copy = xmemdup(f->body.p, f->body.len);

	step.body.p = copy;
	w->ch->phase = PHASE_STEP;
	if (step_run(w, &step))
		worker_end(EXIT_PROTOCOL, "the host asked for a step that cannot be begun");
	w->ch->phase = PHASE_IDLE;
	free(copy);
}

int
main(void)
{
	struct channel ch;
	struct worker w = {.ch = &ch};
	struct sandbox sandbox;
	struct err err;
	struct frame f;

	if (fcntl(CHANNEL_FD, F_GETFD) < 0 || fcntl(PLUGIN_FD, F_GETFD) < 0)
		worker_end(EXIT_PROTOCOL, "sluice-worker is started by sluice, not by hand: see `sluice run --help`");
	channel_init(&ch, CHANNEL_FD);
	hello_read(&w);
	if (sandbox_enter(&sandbox, w.seccomp_only, &err))
		worker_end(EXIT_SANDBOX, "the sandbox cannot be built: %s", err.text);
	ready_send(&w, &sandbox);
	ch.phase = PHASE_LOAD;
	load(&w, &sandbox);
	ch.phase = PHASE_IDLE;
	for (;;) { /* channel_next sees MSG_EXIT */
		channel_next(&ch, &f);
		if (f.type == MSG_STEP)
			step_serve(&w, &f);
		else if (f.type == MSG_POSITION_IS)
			buf_slice(&w.positions, f.body);
		/* else a late answer to a request that was closed, or a stop that came too late: nothing to do */
	}
}
