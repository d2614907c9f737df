/* worker_host.h - a host to play against: the runtime runs in a forked child, the script and the "store" are here.
 *
 * fake_step() starts a worker when there is none, hands it the committed positions, sends one MSG_STEP and serves it until
 * STEP_END, the cut, or the child's end. What a real host would commit is kept: saves become part of the store at
 * each position and at the end of a step; a cut drops what came since. So a test can kill the worker behind any frame
 * and look whether the next run makes up for it. Linked with the worker's library only. */
#ifndef WORKER_HOST_H
#define WORKER_HOST_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sluice.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../tap.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "worker/describe.h"
#include "worker/step.h"

struct fake;

struct fake_request {
	const char *method;
	const char *endpoint, *query, *body, *headers; /* NUL-terminated */
	uint8_t flags;
	bool link;
	const char *url; /* endpoint?query */
};
struct fake_answer {
	int status;              /* 0: failure, by cls and error */
	enum err_class cls;
	const char *error, *headers;
	struct buf body;
	bool silent;             /* no answer at all, for now */
};

struct list { char **v; size_t n, cap; };

struct fake {
	const struct sluice_connector *connector;
	void (*serve)(struct fake *f, const struct fake_request *r, struct fake_answer *a);
	void *arg;
	/* the next step */
	const char *sync;            /* NULL: "s" */
	int what;
	bool full;
	uint32_t calls, time_ms, page_size;
	const char *connection, *input;
	long cut;                    /* kill the worker instead of taking its frame number `cut` (over the whole run); 0: never */
	int stop_at, stop_reason;    /* send MSG_STOP before answering request number stop_at; 0: never */
	uint64_t max_record;
	uint64_t memory;             /* bytes of address space that the worker may have; 0: any (and in a sanitized build) */
	uint64_t most_requests;      /* more of them mean that the run does not end; 0: 20 000, or with count_only a million */
	/* the store */
	struct list store, pending;  /* "Model op id json" */
	struct list positions;       /* name \0-free: hex depth + key, "=", state */
	char *metadata, *checkpoint;
	char *metadata_pending, *checkpoint_pending;
	uint64_t n_saved;            /* records that came */
	bool count_only;             /* do not keep the texts of records */
	/* what came */
	struct list requests, dead, logs, trace;
	char *reply;
	long frames;
	uint64_t n_requests, n_positions, n_finished, n_closed, n_save_frames, n_more, n_progress, n_full_done;
	int worst;                   /* highest shape */
	int drops;
	/* how the step ended */
	bool ended, yielded, incomplete, died, runaway;
	int status, exit_status;
	char *reason;
	/* inside */
	pid_t pid;
	int fd;
	struct buf in, out;
	size_t sent;
	unsigned n_steps, n_workers;
	struct buf stream; size_t streamed; uint32_t stream_serial; bool stream_cut;
	struct list stored;          /* answers to MSG_GET: "id json" pairs */
};

static inline void
list_add(struct list *l, char *text)
{
	if (l->n == l->cap)
		l->v = xrealloc(l->v, (l->cap = l->cap ? 2 * l->cap : 64) * sizeof *l->v);
	l->v[l->n++] = text;
}

static inline void
list_clear(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct list){0};
}

static int
list_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted and without repetitions, as one text: yours. */
static inline char *
list_set(const struct list *l)
{
	struct list s = {xmemdup(l->v ? (void *)l->v : "", l->n * sizeof *l->v), l->n, l->n};
	struct buf b = {0};

	qsort(s.v, s.n, sizeof *s.v, list_compare);
	for (size_t i = 0; i < s.n; i++)
		if (!i || strcmp(s.v[i], s.v[i - 1]))
			buf_printf(&b, "%s\n", s.v[i]);
	free(s.v);
	return buf_take(&b);
}

static inline bool
list_has(const struct list *l, const char *part)
{
	for (size_t i = 0; i < l->n; i++)
		if (strstr(l->v[i], part))
			return true;
	return false;
}

/* ---- the worker's side ---- */

static _Noreturn void
fake_child(struct fake *f, int fd)
{
	struct channel ch;
	struct worker w = {.ch = &ch, .mode = HELLO_RUN, .max_answer = 32 << 20, .max_record = f->max_record};
	struct buf json = {0};
	struct frame fr;
	struct err err;

	if (f->memory && !SLUICE_SANITIZED)
		setrlimit(RLIMIT_AS, &(struct rlimit){f->memory, f->memory});
	channel_init(&ch, fd);
	if (plugin_accept(&w.plugin, f->connector, &err) || describe(&w.plugin, &json, &err) ||
	    !(w.manifest = manifest_parse(buf_view(&json), &err))) {
		fprintf(stderr, "%s\n", err.text);
		_exit(99);
	}
	ch.phase = PHASE_IDLE;
	for (;;) {
		channel_next(&ch, &fr);
		if (fr.type == MSG_POSITION_IS)
			buf_slice(&w.positions, fr.body);
		if (fr.type != MSG_STEP)
			continue;
		fr.body.p = xmemdup(fr.body.p, fr.body.len);
		ch.phase = PHASE_STEP;
		if (step_run(&w, &fr))
			_exit(98);
		ch.phase = PHASE_IDLE;
	}
}

/* ---- the host's side ---- */

static char *
text_of(struct slice s)
{
	return slice_dup(s);
}

static void
fake_commit(struct fake *f)
{
	for (size_t i = 0; i < f->pending.n; i++)
		list_add(&f->store, f->pending.v[i]);
	f->pending.n = 0;
	if (f->metadata_pending) {
		free(f->metadata);
		f->metadata = f->metadata_pending;
		f->metadata_pending = NULL;
	}
	if (f->checkpoint_pending) {
		free(f->checkpoint);
		f->checkpoint = *f->checkpoint_pending ? f->checkpoint_pending : (free(f->checkpoint_pending), NULL);
		f->checkpoint_pending = NULL;
	}
}

static void
fake_answer_send(struct fake *f, uint32_t serial, const struct fake_answer *a, bool streamed)
{
	size_t at = frame_begin(&f->out, MSG_ANSWER, 0, 0), sent = 0;

	buf_u32(&f->out, serial);
	buf_u16(&f->out, (uint16_t)a->status);
	buf_u8(&f->out, (uint8_t)a->cls);
	buf_bytes(&f->out, slice_str(a->error));
	buf_bytes(&f->out, slice_str(a->headers));
	buf_u64(&f->out, streamed ? UINT64_MAX : a->body.len);
	buf_u32(&f->out, 0);
	frame_end(&f->out, at);
	if (!a->status || streamed)
		return;
	do {
		size_t n = a->body.len - sent < FRAME_MAX - 64 ? a->body.len - sent : FRAME_MAX - 64;
		at = frame_begin(&f->out, MSG_BODY, sent + n == a->body.len ? FRAME_LAST : 0, 0);
		buf_u32(&f->out, serial);
		if (n)
			buf_put(&f->out, a->body.p + sent, n);
		frame_end(&f->out, at);
		sent += n;
	} while (sent < a->body.len);
}

static void
fake_stop(struct fake *f, int reason, const char *text)
{
	size_t at = frame_begin(&f->out, MSG_STOP, 0, 0);

	buf_u8(&f->out, (uint8_t)reason);
	buf_bytes(&f->out, slice_str(text));
	frame_end(&f->out, at);
}

static void
take_request(struct fake *f, const struct frame *fr, struct reader *r)
{
	static const char *const names[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"};
	struct fake_request q = {0};
	struct fake_answer a = {.status = 200, .headers = "content-type: application/json\n"};
	uint8_t method = reader_u8(r);

	q.method = names[method];
	q.flags = reader_u8(r);
	reader_u8(r);
	reader_u32(r);
	q.endpoint = text_of(reader_bytes(r, FRAME_MAX));
	q.query = text_of(reader_bytes(r, FRAME_MAX));
	q.headers = text_of(reader_bytes(r, FRAME_MAX));
	reader_bytes(r, FRAME_MAX);
	reader_bytes(r, FRAME_MAX);
	q.body = text_of(reader_bytes(r, FRAME_MAX));
	q.link = reader_u8(r);
	q.url = *q.query ? xasprintf("%s?%s", q.endpoint, q.query) : xstrdup(q.endpoint);
	if (!f->count_only)
		list_add(&f->requests, xasprintf("%s %s%s%s", q.method, q.url, *q.body ? " " : "", q.body));
	f->n_requests++;
	f->runaway = f->n_requests > (f->most_requests ? f->most_requests : f->count_only ? 1000000 : 20000);
	if (f->stop_at && (int)f->n_requests == f->stop_at)
		fake_stop(f, f->stop_reason, "stopped by the test");
	f->serve(f, &q, &a);
	if (!a.silent)
		fake_answer_send(f, fr->serial, &a, q.flags & REQUEST_STREAM);
	if (q.flags & REQUEST_STREAM) {
		buf_free(&f->stream);
		f->stream = a.body;
		f->streamed = 0;
		f->stream_serial = fr->serial;
	} else {
		buf_free(&a.body);
	}
	free((void *)(uintptr_t)q.endpoint);
	free((void *)(uintptr_t)q.query);
	free((void *)(uintptr_t)q.headers);
	free((void *)(uintptr_t)q.body);
	free((void *)(uintptr_t)q.url);
}

static void
take_read(struct fake *f, struct reader *r)
{
	uint32_t of = reader_u32(r), max = reader_u32(r);
	size_t n = f->stream.len - f->streamed < max ? f->stream.len - f->streamed : max, at;

	if (f->stream_cut && f->streamed == f->stream.len) {
		struct fake_answer a = {.cls = ERR_DATA, .error = "the body was cut off", .headers = ""};
		fake_answer_send(f, of, &a, true);
		return;
	}
	at = frame_begin(&f->out, MSG_BODY, !f->stream_cut && f->streamed + n == f->stream.len ? FRAME_LAST : 0, 0);
	buf_u32(&f->out, of);
	if (n)
		buf_put(&f->out, f->stream.p + f->streamed, n);
	f->streamed += n;
	frame_end(&f->out, at);
}

static void
take_save(struct fake *f, const struct frame *fr, struct reader *r)
{
	uint16_t model = reader_u16(r);
	uint8_t op = reader_u8(r);
	uint32_t n = reader_u32(r);

	f->n_save_frames++;
	f->n_more += fr->flags & FRAME_MORE;
	for (; n; n--, f->n_saved++) {
		struct slice id = reader_bytes(r, FRAME_RECORD_MAX), json = reader_bytes(r, FRAME_RECORD_MAX);
		if (!f->count_only)
			list_add(&f->pending, xasprintf("%u %u %.*s %.*s", model, op, (int)id.len, id.p, (int)json.len, json.len ? json.p : ""));
	}
}

/* The depth as a digit, then the key. */
static void
take_position(struct fake *f, struct reader *r)
{
	struct slice name = reader_bytes(r, FRAME_MAX);
	uint8_t finished = reader_u8(r);
	uint32_t items = reader_u32(r);
	struct slice state = reader_bytes(r, FRAME_MAX);
	uint8_t drop = reader_u8(r), shape = reader_u8(r);
	char *entry = xasprintf("%c%.*s=", name.p[0] + '0', (int)name.len - 1, name.p + 1);
	size_t keep = 0;

	f->n_positions++;
	f->n_finished += finished;
	f->drops += drop;
	f->worst = shape > f->worst ? shape : f->worst;
	if (!f->count_only) {
		list_add(&f->trace, xasprintf("%s%u %u %u", entry, finished, items, shape));
		for (size_t i = 0; i < f->positions.n; i++)
			if (!strncmp(f->positions.v[i], entry, strlen(entry)) || (drop && f->positions.v[i][0] > entry[0]))
				free(f->positions.v[i]);
			else
				f->positions.v[keep++] = f->positions.v[i];
		f->positions.n = keep;
		list_add(&f->positions, xasprintf("%s%.*s", entry, (int)state.len, state.p));
	}
	free(entry);
	fake_commit(f);
}

static void
take_get(struct fake *f, const struct frame *fr, struct reader *r)
{
	uint16_t model = reader_u16(r);
	uint8_t what = reader_u8(r);
	uint64_t cursor = reader_u64(r);
	uint32_t limit = reader_u32(r), n = reader_u32(r), got = 0;
	size_t at = frame_begin(&f->out, MSG_RECORDS, 0, 0);
	struct buf body = {0};

	(void)model;
	for (size_t i = 0; i < f->stored.n; i++) {
		struct slice id = slice_of(f->stored.v[i], strcspn(f->stored.v[i], " "));
		struct reader ids = *r;
		bool wanted = what == 1 && i >= cursor && got < limit;
		for (uint32_t k = 0; k < n && what == 0; k++)
			wanted |= slice_eq(reader_bytes(&ids, 255), id);
		if (!wanted)
			continue;
		got++;
		buf_bytes(&body, id);
		buf_bytes(&body, slice_str(f->stored.v[i] + id.len + 1));
	}
	buf_u32(&f->out, fr->serial);
	buf_u64(&f->out, cursor + got);
	buf_u32(&f->out, got);
	buf_slice(&f->out, buf_view(&body));
	frame_end(&f->out, at);
	buf_free(&body);
}

static void
take_metadata(struct fake *f, struct reader *r)
{
	uint8_t merge = reader_u8(r);
	struct slice json = reader_rest(r);
	struct buf b = {0};
	const char *base = f->metadata_pending ? f->metadata_pending : f->metadata ? f->metadata : "{}";

	if (merge)
		json_merge_top(&b, slice_str(base), json);
	else
		buf_slice(&b, json);
	free(f->metadata_pending);
	f->metadata_pending = buf_take(&b);
}

static void
take_end(struct fake *f, struct reader *r)
{
	f->status = (int)reader_u32(r);
	f->yielded = reader_u8(r);
	f->incomplete |= reader_u8(r);
	free(f->reason);
	f->reason = text_of(reader_bytes(r, FRAME_MAX));
	f->ended = true;
	fake_commit(f);
}

static void
take_dead(struct fake *f, struct reader *r)
{
	uint16_t model = reader_u16(r);
	struct slice id = reader_bytes(r, FRAME_MAX), reason = reader_bytes(r, FRAME_MAX), raw = reader_rest(r);

	list_add(&f->dead, xasprintf("%u [%.*s] %.*s | %.*s", model, (int)id.len, id.p, (int)reason.len, reason.p,
	                             (int)(raw.len > 200 ? 200 : raw.len), raw.p));
}

static void
fake_take(struct fake *f, const struct frame *fr)
{
	struct reader r = reader_of(fr->body);

	switch (fr->type) {
	case MSG_REQUEST: take_request(f, fr, &r); break;
	case MSG_READ: take_read(f, &r); break;
	case MSG_CLOSE: f->n_closed++; break;
	case MSG_SAVE: take_save(f, fr, &r); break;
	case MSG_DEAD: take_dead(f, &r); break;
	case MSG_POSITION: take_position(f, &r); break;
	case MSG_METADATA: take_metadata(f, &r); break;
	case MSG_CHECKPOINT: {
		uint8_t clear = reader_u8(&r);
		free(f->checkpoint_pending);
		f->checkpoint_pending = clear ? xstrdup("") : text_of(reader_rest(&r));
		break;
	}
	case MSG_FULL_DONE: f->n_full_done++; break;
	case MSG_GET: take_get(f, fr, &r); break;
	case MSG_LOG: reader_u8(&r); list_add(&f->logs, text_of(reader_rest(&r))); break;
	case MSG_PROGRESS: f->n_progress++; break;
	case MSG_REPLY: free(f->reply); f->reply = text_of(reader_rest(&r)); break;
	case MSG_STEP_END: take_end(f, &r); break;
	default: break;
	}
}

static void
fake_reap(struct fake *f, bool by_force)
{
	if (f->pid <= 0)
		return;
	if (by_force) {
		kill(f->pid, SIGKILL);
	} else {
		size_t at = frame_begin(&f->out, MSG_EXIT, 0, 0);
		frame_end(&f->out, at);
		send(f->fd, f->out.p + f->sent, f->out.len - f->sent, MSG_NOSIGNAL);
	}
	close(f->fd);
	waitpid(f->pid, &f->exit_status, 0);
	f->pid = 0;
	buf_free(&f->in);
	buf_free(&f->out);
	f->sent = 0;
}

static void
fake_spawn(struct fake *f)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
		abort();
	fflush(NULL);
	f->pid = fork();
	if (f->pid == 0) {
		close(fd[0]);
		fake_child(f, fd[1]);
	}
	close(fd[1]);
	f->fd = fd[0];
	fcntl(f->fd, F_SETFL, O_NONBLOCK);
	f->n_workers++;
	for (size_t i = 0; i < f->positions.n; i++) {
		const char *entry = f->positions.v[i], *state = strstr(entry, "={");
		struct buf name = {0};
		size_t at = frame_begin(&f->out, MSG_POSITION_IS, 0, 0);
		buf_u8(&name, (uint8_t)(entry[0] - '0'));
		buf_put(&name, entry + 1, (size_t)(state - entry) - 1);
		buf_bytes(&f->out, buf_view(&name));
		buf_bytes(&f->out, slice_str(state + 1));
		frame_end(&f->out, at);
		buf_free(&name);
	}
}

static void
fake_step_send(struct fake *f)
{
	size_t at = frame_begin(&f->out, MSG_STEP, 0, 0);

	buf_u8(&f->out, (uint8_t)f->what);
	buf_bytes(&f->out, slice_str(f->sync ? f->sync : "s"));
	buf_u8(&f->out, f->full);
	buf_u64(&f->out, 1763884800000000);
	buf_u64(&f->out, 1763800000000000);
	buf_u32(&f->out, f->calls);
	buf_u32(&f->out, f->time_ms);
	buf_u32(&f->out, f->page_size);
	buf_u8(&f->out, 0);
	buf_bytes(&f->out, slice_str(f->connection ? f->connection : "{\"connection\":\"c\",\"integration\":\"i\",\"options\":{}}"));
	buf_bytes(&f->out, slice_str(f->metadata ? f->metadata : "{}"));
	buf_bytes(&f->out, slice_str(f->checkpoint));
	buf_bytes(&f->out, slice_str(f->input));
	frame_end(&f->out, at);
}

/* One pass of reading and writing. false: the worker is gone. */
static bool
fake_pump(struct fake *f)
{
	struct pollfd p = {.fd = f->fd, .events = (short)(POLLIN | (f->sent < f->out.len ? POLLOUT : 0))};
	char *room;
	ssize_t n;

	poll(&p, 1, -1);
	if (p.revents & POLLOUT) {
		n = send(f->fd, f->out.p + f->sent, f->out.len - f->sent, MSG_NOSIGNAL);
		f->sent += n > 0 ? (size_t)n : 0;
		if (f->sent == f->out.len) {
			buf_clear(&f->out);
			f->sent = 0;
		}
	}
	if (!(p.revents & (POLLIN | POLLHUP)))
		return true;
	room = buf_grow(&f->in, 256 << 10);
	n = read(f->fd, room, 256 << 10);
	f->in.len -= (256 << 10) - (n > 0 ? (size_t)n : 0);
	return n > 0 || (n < 0 && errno == EAGAIN);
}

/* Takes the frames that are there. false: the cut came. */
static bool
fake_frames(struct fake *f)
{
	size_t used, done = 0;
	struct frame fr;
	struct err err;
	int got = 0;

	while (!f->ended && (got = frame_take(slice_of(f->in.p + done, f->in.len - done), TO_HOST, PHASE_STEP, &fr, &used, &err)) == 1) {
		if (f->cut && ++f->frames == f->cut)
			return false;
		fake_take(f, &fr);
		done += used;
		if (f->runaway) {
			printf("# %llu requests: the run does not end\n", (unsigned long long)f->n_requests);
			return false;
		}
	}
	if (got < 0) {
		printf("# the worker broke the protocol: %s\n", err.text);
		return false;
	}
	if (done)
		memmove(f->in.p, f->in.p + done, f->in.len - done);
	f->in.len -= done;
	return true;
}

/* What was not committed is gone. */
static inline void
fake_forget(struct fake *f)
{
	for (size_t i = 0; i < f->pending.n; i++)
		free(f->pending.v[i]);
	f->pending.n = 0;
	free(f->metadata_pending);
	free(f->checkpoint_pending);
	f->metadata_pending = f->checkpoint_pending = NULL;
}

static inline void
fake_step(struct fake *f)
{
	f->ended = f->yielded = f->died = false;
	f->n_steps++;
	if (f->pid <= 0)
		fake_spawn(f);
	fake_step_send(f);
	while (!f->ended) {
		bool alive = fake_pump(f);
		if (!fake_frames(f) || (!alive && !f->ended)) {
			fake_reap(f, true);
			f->died = true;
			fake_forget(f);
			return;
		}
	}
}

/* Steps until the run is over: ended or failed; a worker that died is replaced. */
static inline void
fake_run(struct fake *f)
{
	do {
		fake_step(f);
		if (f->died && (!f->cut || f->runaway))
			return;
		if (f->died)
			f->cut = 0;
	} while ((f->yielded || f->died) && f->n_steps < (f->count_only ? 200000 : 20000));
	if (!f->yielded && !f->died)
		fake_reap(f, false);
}

static inline void
fake_finish(struct fake *f)
{
	fake_reap(f, true);
	fake_forget(f);
	list_clear(&f->store);
	list_clear(&f->pending);
	list_clear(&f->positions);
	list_clear(&f->requests);
	list_clear(&f->dead);
	list_clear(&f->logs);
	list_clear(&f->trace);
	list_clear(&f->stored);
	free(f->metadata);
	free(f->checkpoint);
	free(f->reply);
	free(f->reason);
	buf_free(&f->stream);
}

/* The value of a query parameter, or fallback. */
static inline long
query_long(const struct fake_request *r, const char *name, long fallback)
{
	struct buf want = {0};
	const char *p;
	long v = fallback;

	buf_printf(&want, "%s=", name);
	for (p = r->query; (p = strstr(p, buf_str(&want))); p++)
		if (p == r->query || p[-1] == '&') {
			v = atol(p + want.len);
			break;
		}
	buf_free(&want);
	return v;
}

#endif
