/* worker_process.c - see worker_process.h: the host's end of one worker.
 *
 *   spawned -> READY (judged here) -> LOADED -> frames both ways -> ended
 *
 * Three descriptors: the channel (uv_poll, own reading and writing), the pidfd (uv_poll: readable when the process is
 * dead), stderr (a pipe of one page, read once, at the end). Reading is by plain read(2): descriptors that a plugin
 * passes along with its bytes have no control buffer to arrive in, and the kernel drops them. At most one frame and one
 * read are buffered, and at most TURN bytes are read before other handles get their turn. Awkward: the process's end
 * and its last bytes come by different descriptors. on_end waits for both: the exit status, and the channel read to its
 * end (unless we killed it; then nothing more is believed). And every callback may free or kill the worker, so after
 * each one the state is looked at again; the memory itself stays until libuv has closed all handles. */
#include "wire/worker_process.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/mem.h"
#include "wire/ending.h"
#include "wire/outgoing.h"
#include "wire/spawn.h"

#define READ_ROOM (256u << 10) /* bytes offered to one read */
#define TURN (2u << 20)        /* bytes read in one turn of the loop */
#define GRACE_MS 2000          /* between closing its channel and its end */

struct worker_process {
	struct worker_process_options o; /* its strings are not used after the start */
	struct spawned child;
	uv_poll_t channel, death;
	uv_timer_t timer; /* start limit, then the grace after a closed channel */
	uv_timer_t pump;  /* delivers what was held back, from the loop */
	int handles;      /* not closed yet */
	enum wire_phase phase;
	struct buf in;
	size_t taken; /* bytes at the front of `in` that are done with */
	struct outgoing out;
	struct err why; /* set by whoever decides its end first; cls ERR_NONE and no text: not decided */
	int status;     /* of waitid: si_code and si_status */
	int code;
	bool held, eof, dead, killed, told_to_exit, ended, freed;
};

/* ---- the end ---- */

static void
on_handle_closed(uv_handle_t *handle)
{
	struct worker_process *w = handle->data;

	if (--w->handles > 0 || !w->freed)
		return;
	free(w);
}

static void
handle_close(uv_handle_t *handle)
{
	if (!uv_is_closing(handle))
		uv_close(handle, on_handle_closed);
}

/* Everything but the memory and the watch on its death. */
static void
channel_close(struct worker_process *w)
{
	handle_close((uv_handle_t *)&w->channel);
	handle_close((uv_handle_t *)&w->timer);
	handle_close((uv_handle_t *)&w->pump);
	if (w->child.channel >= 0)
		close(w->child.channel);
	if (w->child.words >= 0)
		close(w->child.words);
	w->child.channel = w->child.words = -1;
	outgoing_free(&w->out);
	buf_free(&w->in);
	w->taken = 0;
}

/* Why it ended, when nobody decided that before. */
static void
why_work_out(struct worker_process *w)
{
	struct ending e = {.code = w->code,
	                   .status = w->status,
	                   .words = w->child.words,
	                   .phase = w->phase,
	                   .half = w->in.len > w->taken,
	                   .told = w->told_to_exit};

	ending_explain(&e, &w->why);
}

/* Once it is dead, and every frame that it sent has been seen. */
static void
end_if_over(struct worker_process *w)
{
	if (w->ended || w->freed || !w->dead || !(w->eof || w->killed))
		return;
	w->ended = true;
	if (w->why.text[0] == '\0')
		why_work_out(w);
	channel_close(w);
	w->o.on_end(w->o.arg, &w->why);
}

static void
signal_send(struct worker_process *w, int signal)
{
	if (!w->dead)
		syscall(SYS_pidfd_send_signal, w->child.pidfd, signal, NULL, 0);
}

void
worker_process_kill(struct worker_process *w, enum err_class cls, const char *reason)
{
	if (w->killed || w->ended || w->freed)
		return;
	if (w->why.text[0] == '\0')
		err_set(&w->why, cls, "%s", reason);
	w->killed = true;
	uv_poll_stop(&w->channel);
	signal_send(w, SIGKILL);
	uv_timer_start(&w->pump, w->pump.timer_cb, 0, 0); /* it may be dead already: on_end never comes from in here */
}

/* A frame that cannot be sent (no buffers in the kernel) would be waited for by the worker, for ever. */
static void
out_write(struct worker_process *w)
{
	int rc = outgoing_write(&w->out, w->child.channel);
	struct err why = {0};

	if (!rc)
		return;
	err_set(&why, ERR_HOST, "nothing can be sent to the worker: %s", strerror(rc));
	worker_process_kill(w, ERR_HOST, why.text);
}

/* Nonsense from the worker: its end, and the message is named. */
static void
break_off(struct worker_process *w, const struct err *err)
{
	struct err why = {0};

	err_set(&why, ERR_CONNECTOR, "the worker sent %s", err->text);
	worker_process_kill(w, ERR_CONNECTOR, why.text);
}

/* ---- frames from the worker ---- */

/* Is the sandbox what was asked for? */
static void
ready_judge(struct worker_process *w, const struct frame *f)
{
	struct reader r = reader_of(f->body);
	unsigned version = reader_u16(&r), landlock = reader_u16(&r), seccomp = reader_u8(&r), nnp = reader_u8(&r);
	unsigned tests = reader_u32(&r);
	struct err why = {0};

	if (version != WIRE_VERSION)
		err_set(&why, ERR_HOST, "the worker speaks wire version %u, this host %u: install both from one build",
		        version, WIRE_VERSION);
	else if ((landlock == 0 && !w->o.seccomp_only) || seccomp != 2 || nnp != 1 || tests == 0)
		err_set(&why, ERR_HOST,
		        "the worker's sandbox is not in force (landlock %u, seccomp %u, no_new_privs %u, self-tests "
		        "%u)",
		        landlock, seccomp, nnp, tests);
	if (why.text[0])
		worker_process_kill(w, ERR_HOST, why.text);
	else
		w->phase = PHASE_LOAD;
}

/* The end of a function; or, before there was one to call, the worker's words on why the plugin cannot be had. */
static void
step_end_note(struct worker_process *w, const struct frame *f)
{
	struct reader r = reader_of(f->body);
	struct err why = {0};
	struct slice reason;

	if (w->phase == PHASE_STEP) {
		w->phase = PHASE_IDLE;
		return;
	}
	reader_u32(&r);
	reader_u16(&r);
	reason = reader_bytes(&r, f->body.len);
	err_set(&why, ERR_CONNECTOR, "%.*s", (int)reason.len, reason.len ? reason.p : "");
	worker_process_kill(w, ERR_CONNECTOR,
	                    why.text[0] ? why.text : "the plugin could not be loaded, and did not say why");
}

/* What a frame means for the worker's life; then it goes to the owner. */
static void
frame_deliver(struct worker_process *w, const struct frame *f)
{
	if (f->type == MSG_READY)
		ready_judge(w, f);
	if (f->type == MSG_LOADED) {
		w->phase = PHASE_IDLE;
		uv_timer_stop(&w->timer);
	}
	if (f->type == MSG_STEP_END)
		step_end_note(w, f);
	if (!w->killed)
		w->o.on_frame(w->o.arg, f);
}

/* Hands out the whole frames that are there, until held, killed or freed. */
static void
frames_deliver(struct worker_process *w)
{
	struct frame f;
	struct err err;
	size_t used;
	int got = 1;

	while (!w->held && !w->killed && !w->freed) {
		got = frame_take(slice_of(w->in.p + w->taken, w->in.len - w->taken), TO_HOST, w->phase, &f, &used,
		                 &err);
		if (got < 0)
			break_off(w, &err);
		if (got <= 0)
			break;
		w->taken += used;
		frame_deliver(w, &f);
	}
	if (w->freed)
		return;
	w->in.len -= w->taken;
	if (w->taken && w->in.len)
		memmove(w->in.p, w->in.p + w->taken, w->in.len);
	w->taken = 0;
}

/* Reads once. false: nothing more for now. */
static bool
channel_read(struct worker_process *w)
{
	ssize_t n;

	buf_reserve(&w->in, READ_ROOM);
	n = read(w->child.channel, w->in.p + w->in.len, w->in.cap - w->in.len);
	if (n > 0)
		w->in.len += (size_t)n;
	else if (n == 0 || w->dead || (errno != EAGAIN && errno != EINTR))
		w->eof = true;
	return n > 0;
}

static void on_channel(uv_poll_t *handle, int status, int events);

static void
watch(struct worker_process *w)
{
	int events = (w->held || w->eof ? 0 : UV_READABLE) | (w->out.first ? UV_WRITABLE : 0);

	if (w->killed || w->ended || w->freed || uv_is_closing((uv_handle_t *)&w->channel))
		return;
	if (events)
		uv_poll_start(&w->channel, events, on_channel);
	else
		uv_poll_stop(&w->channel);
}

/* Reads and delivers up to a slice; after its death to the very end, for nothing more can follow. */
static void
channel_drain(struct worker_process *w)
{
	size_t before = 0;

	frames_deliver(w);
	while (!w->held && !w->killed && !w->freed && !w->eof && before < TURN) {
		size_t had = w->in.len;

		if (!channel_read(w))
			break;
		before += w->in.len - had;
		frames_deliver(w);
	}
	if (!w->freed && w->dead && !w->eof && !w->held)
		uv_timer_start(&w->pump, w->pump.timer_cb, 0, 0);
}

/* ---- frames to the worker ---- */

/* What is sent decides what may come back. */
static void
sent_note(struct worker_process *w, struct slice frames)
{
	while (frames.len >= FRAME_HEADER) {
		struct reader r = reader_of(frames);
		size_t length = FRAME_HEADER + (size_t)reader_u32(&r);
		unsigned type = reader_u16(&r);

		if (type == MSG_STEP)
			w->phase = PHASE_STEP;
		if (type == MSG_EXIT) {
			w->told_to_exit = true;
			w->phase = PHASE_DONE;
		}
		frames.p += length;
		frames.len -= length;
	}
}

void
worker_process_send(struct worker_process *w, struct buf *b)
{
	if (w->killed || w->ended || w->freed || b->len == 0) {
		buf_clear(b);
		return;
	}
	sent_note(w, buf_view(b));
	outgoing_put(&w->out, b);
	out_write(w);
	watch(w);
}

/* ---- the loop's callbacks ---- */

static void
on_channel(uv_poll_t *handle, int status, int events)
{
	struct worker_process *w = handle->data;

	if ((events & UV_WRITABLE) && !w->killed)
		out_write(w);
	if (!w->killed && (status < 0 || (events & UV_READABLE)))
		channel_drain(w);
	if (w->freed)
		return;
	if (w->eof && !w->dead && !w->ended)
		uv_timer_start(&w->timer, w->timer.timer_cb, GRACE_MS, 0);
	watch(w);
	end_if_over(w);
}

static void
on_pump(uv_timer_t *timer)
{
	struct worker_process *w = timer->data;

	if (!w->killed)
		channel_drain(w);
	if (w->freed)
		return;
	watch(w);
	end_if_over(w);
}

static void
on_timer(uv_timer_t *timer)
{
	struct worker_process *w = timer->data;
	struct err why = {0};

	if (w->eof)
		err_set(&why, ERR_CONNECTOR, "the worker closed its channel %s and lived on", ending_phase(w->phase));
	else
		err_set(&why, ERR_CONNECTOR, "the worker took longer than %lld ms %s", (long long)w->o.start_ms,
		        w->phase == PHASE_START ? "to build its sandbox"
		                                : "to load the plugin (a constructor that does not return?)");
	worker_process_kill(w, ERR_CONNECTOR, why.text);
}

static void
on_death(uv_poll_t *handle, int status, int events)
{
	struct worker_process *w = handle->data;
	siginfo_t info = {0};

	(void)status;
	(void)events;
	if (w->dead || waitid(P_PIDFD, (id_t)w->child.pidfd, &info, WEXITED | WNOHANG) || info.si_pid == 0)
		return;
	w->dead = true;
	w->code = info.si_code;
	w->status = info.si_status;
	handle_close((uv_handle_t *)&w->death);
	close(w->child.pidfd);
	w->child.pidfd = -1;
	if (w->freed)
		return;
	if (!w->killed)
		channel_drain(w);
	if (!w->freed)
		end_if_over(w);
}

/* ---- life ---- */

int
worker_process_pid(const struct worker_process *w)
{
	return w->child.pid;
}

static void
handles_init(struct worker_process *w)
{
	uv_poll_init(w->o.loop, &w->channel, w->child.channel);
	uv_poll_init(w->o.loop, &w->death, w->child.pidfd);
	uv_timer_init(w->o.loop, &w->timer);
	uv_timer_init(w->o.loop, &w->pump);
	w->channel.data = w->death.data = w->timer.data = w->pump.data = w;
	w->handles = 4;
	w->pump.timer_cb = on_pump;
	w->timer.timer_cb = on_timer;
	uv_poll_start(&w->channel, UV_READABLE, on_channel);
	uv_poll_start(&w->death, UV_READABLE, on_death);
	uv_timer_start(&w->timer, on_timer, (uint64_t)w->o.start_ms, 0);
}

struct worker_process *
worker_process_start(const struct worker_process_options *o, struct err *err)
{
	struct worker_process *w = XNEW(struct worker_process);

	w->o = *o;
	w->phase = PHASE_START;
	if (spawn_worker(&w->child, &(struct spawn_options){o->executable, o->plugin_path, o->plugin_fd, o->memory}, err)) {
		free(w);
		return NULL;
	}
	handles_init(w);
	return w;
}

void
worker_process_phase(struct worker_process *w, enum wire_phase phase)
{
	w->phase = phase;
}

size_t
worker_process_queued(const struct worker_process *w)
{
	return w->out.queued;
}

void
worker_process_hold(struct worker_process *w, bool hold)
{
	if (w->held == hold || w->ended || w->freed)
		return;
	w->held = hold;
	watch(w);
	if (!hold && !w->killed)
		uv_timer_start(&w->pump, w->pump.timer_cb, 0,
		               0); /* frames already read, and the end if that has come */
}

void
worker_process_free(struct worker_process *w)
{
	if (!w)
		return;
	signal_send(w, SIGKILL);
	w->freed = true;
	channel_close(w);
	if (w->handles == 0)
		free(w);
	/* else: the last handle's closing frees it; `death` stays until the child has been reaped */
}
