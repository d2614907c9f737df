/* worker_process.h - starting, watching, feeding and ending one worker process, from the host's loop.
 *
 * posix_spawn (never fork: a large host would pay for its page tables), a stream socketpair as the child's fd 3, the plugin's file as fd 4, nothing
 * else open, an empty environment (LANG/TZ=UTC only). Its exit is watched by pidfd_open + uv_poll. Frames are checked
 * against the message table before anybody sees them; a worker that breaks it is killed, and the reason names the message.
 * on_end comes exactly once, after the last on_frame, with why: exit status, signal by name, broken frame, start timeout; when
 * it died by itself, also the first line that it wrote on stderr. It may free the process; so may on_frame.
 * The owner sends MSG_HELLO first. READY is judged here: a sandbox that is not in force ends the worker. READY, LOADED and STEP_END coming
 * in, MSG_STEP and MSG_EXIT going out move the phase on; worker_process_phase is for what an owner knows besides. */
#ifndef SLUICE_WIRE_WORKER_PROCESS_H
#define SLUICE_WIRE_WORKER_PROCESS_H

#include <uv.h>
#include "wire/message.h"

struct worker_process;

struct worker_process_options {
	uv_loop_t *loop;
	const char *executable;    /* sluice-worker */
	const char *plugin_path;   /* for messages; opened O_RDONLY|O_CLOEXEC here and passed as fd 4, unless there is */
	int plugin_fd;             /* an open descriptor of it, which stays yours; 0: none */
	uint64_t memory;           /* RLIMIT_AS bytes, set before the first byte is sent to it; 0: none (and never in sanitized builds) */
	int64_t start_ms;          /* until MSG_LOADED */
	bool seccomp_only;
	void (*on_frame)(void *arg, const struct frame *f); /* READY and LOADED included; the frame is borrowed */
	void (*on_end)(void *arg, const struct err *why);   /* why->cls ERR_NONE: exited 0 after MSG_EXIT */
	void *arg;
};
struct worker_process *worker_process_start(const struct worker_process_options *o, struct err *err);
void worker_process_phase(struct worker_process *w, enum wire_phase phase); /* host side: what may come now */
/* Queues frames (one or more, made by frame_begin/frame_end); takes the bytes of b and leaves it empty. */
void worker_process_send(struct worker_process *w, struct buf *b);
int worker_process_pid(const struct worker_process *w);                   /* as the kernel knows it; for people */
size_t worker_process_queued(const struct worker_process *w);             /* bytes not yet written */
void worker_process_hold(struct worker_process *w, bool hold);            /* stop reading: back-pressure */
void worker_process_kill(struct worker_process *w, enum err_class cls, const char *reason); /* SIGKILL; on_end gives this reason */
void worker_process_free(struct worker_process *w);                       /* kills when alive; no callbacks any more; NULL is fine */

#endif
