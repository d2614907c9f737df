/* drive.h - a worker driven directly by worker_process, for tests: hello, one step, and why it ended. */
#ifndef TESTS_HOSTILE_DRIVE_H
#define TESTS_HOSTILE_DRIVE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "wire/worker_process.h"

struct drive {
	/* what the test wants; zero is the usual */
	const char *plugin;   /* path of the .so */
	int mode;             /* HELLO_RUN unless said */
	bool seccomp_only, no_step, stop_after_loaded, never_hello;
	int64_t start_ms;     /* 10 000 */
	int64_t step_ms;      /* then it is killed, "deadline"; 10 000 */
	uint64_t memory;      /* 512 MiB */
	int hold_frames;      /* stop reading for ever after so many frames */
	/* what came of it */
	struct err why;
	int ends;             /* calls of on_end: exactly 1 */
	int frames[MESSAGES]; /* how many of each */
	struct buf text;      /* of logs and of step_end, one line each */
	int32_t step_status;
	struct buf manifest;
	/* inside */
	uv_loop_t loop;
	uv_timer_t deadline;
	struct worker_process *worker;
	int total;
};

static inline const char *
drive_build(void)
{
	return getenv("BUILD") ? getenv("BUILD") : "build";
}

/* Copies a plugin, with `site` written over the place that begins with the same 16 bytes: a worker has neither arguments nor
 * environment, so what a hostile plugin shall do is put into its file. */
static inline bool
drive_patch(const char *name, const void *site, size_t size, const char *to)
{
	char *path = xasprintf("%s/tests/hostile/plugins/%s.so", drive_build(), name);
	FILE *in = fopen(path, "rb"), *out;
	struct buf b = {0};
	char chunk[4096], *at;
	size_t n;
	bool good = false;

	while (in && (n = fread(chunk, 1, sizeof chunk, in)) > 0)
		buf_put(&b, chunk, n);
	if (in)
		fclose(in);
	at = b.len ? memmem(b.p, b.len, site, 16) : NULL;
	remove(to);
	out = at && size <= b.len - (size_t)(at - b.p) ? fopen(to, "wbe") : NULL;
	if (out) {
		memcpy(at, site, size);
		good = fwrite(b.p, 1, b.len, out) == b.len;
		good = !fclose(out) && !chmod(to, 0755) && good;
	}
	if (!good)
		printf("# %s could not be copied to %s\n", path, to);
	buf_free(&b);
	free(path);
	return good;
}

static inline void
drive_hello(struct drive *d)
{
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_HELLO, 0, 0);

	buf_u16(&b, WIRE_VERSION);
	buf_u8(&b, (uint8_t)(d->mode ? d->mode : HELLO_RUN));
	buf_u8(&b, d->seccomp_only);
	buf_u64(&b, 32 << 20);
	buf_u64(&b, 1 << 20);
	buf_u64(&b, 8 << 20);
	buf_bytes(&b, SLICE("probe"));
	buf_bytes(&b, SLICE(""));
	frame_end(&b, at);
	worker_process_send(d->worker, &b);
}

static inline void
drive_step(struct drive *d)
{
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_STEP, 0, 1);

	buf_u8(&b, STEP_SYNC);
	buf_bytes(&b, SLICE("things"));
	buf_u8(&b, 0);
	buf_u64(&b, UINT64_C(1763880917000000));
	buf_u64(&b, 0);
	buf_u32(&b, 0);
	buf_u32(&b, 0);
	buf_u32(&b, 0);
	buf_u8(&b, 0);
	buf_bytes(&b, SLICE("{\"connection\":\"c\",\"integration\":\"i\",\"options\":{}}"));
	buf_bytes(&b, SLICE("{}"));
	buf_bytes(&b, SLICE(""));
	buf_bytes(&b, SLICE(""));
	frame_end(&b, at);
	worker_process_send(d->worker, &b);
}

static inline void
drive_exit(struct drive *d)
{
	struct buf b = {0};

	frame_end(&b, frame_begin(&b, MSG_EXIT, 0, 0));
	worker_process_send(d->worker, &b);
}

static inline void
drive_on_frame(void *arg, const struct frame *f)
{
	struct drive *d = arg;
	struct reader r = reader_of(f->body);

	d->frames[f->type]++;
	if (f->type == MSG_LOADED) {
		reader_u32(&r);
		buf_slice(&d->manifest, reader_rest(&r));
		if (d->no_step)
			drive_exit(d);
		else if (!d->stop_after_loaded)
			drive_step(d);
	} else if (f->type == MSG_LOG) {
		reader_u8(&r);
		buf_slice(&d->text, reader_rest(&r));
		buf_putc(&d->text, '\n');
	} else if (f->type == MSG_STEP_END) {
		d->step_status = (int32_t)reader_u32(&r);
		reader_u16(&r);
		buf_slice(&d->text, reader_bytes(&r, f->body.len));
		buf_putc(&d->text, '\n');
		drive_exit(d);
	}
	if (d->hold_frames && ++d->total == d->hold_frames)
		worker_process_hold(d->worker, true);
}

static inline void
drive_on_end(void *arg, const struct err *why)
{
	struct drive *d = arg;

	d->why = *why;
	d->ends++;
	uv_timer_stop(&d->deadline);
	worker_process_free(d->worker);
	uv_close((uv_handle_t *)&d->deadline, NULL);
}

static inline void
drive_on_deadline(uv_timer_t *t)
{
	struct drive *d = t->data;

	worker_process_kill(d->worker, ERR_CONNECTOR, "deadline");
}

/* Runs the worker to its end. -1: it could not be started; why says so. */
static inline int
drive_run(struct drive *d)
{
	char *worker = xasprintf("%s/sluice-worker", drive_build());
	struct worker_process_options o = {
		.loop = &d->loop, .executable = worker, .plugin_path = d->plugin, .memory = d->memory ? d->memory : 512 << 20,
		.start_ms = d->start_ms ? d->start_ms : 10000, .seccomp_only = d->seccomp_only, .on_frame = drive_on_frame,
		.on_end = drive_on_end, .arg = d};

	uv_loop_init(&d->loop);
	d->worker = worker_process_start(&o, &d->why);
	if (d->worker) {
		uv_timer_init(&d->loop, &d->deadline);
		d->deadline.data = d;
		uv_timer_start(&d->deadline, drive_on_deadline, (uint64_t)(d->step_ms ? d->step_ms : 10000), 0);
		if (!d->never_hello)
			drive_hello(d);
	}
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
	free(worker);
	return d->worker ? 0 : -1;
}

static inline void
drive_finish(struct drive *d)
{
	buf_free(&d->text);
	buf_free(&d->manifest);
}

#endif
