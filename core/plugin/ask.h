/* ask.h - asking one plugin's file what it declares: a sandboxed worker describes it, on the caller's loop. */
#ifndef SLUICE_PLUGIN_ASK_H
#define SLUICE_PLUGIN_ASK_H

#include <stdbool.h>
#include <uv.h>
#include "plugin/manifest.h"

struct ask;
struct ask_options {
	uv_loop_t *loop;
	const char *worker;  /* the executable */
	const char *path;    /* for messages */
	int fd;              /* open, and judged by elf_check */
	uint64_t memory;
	int64_t start_ms;
	bool seccomp_only;
	/* Once, from the loop: the manifest (yours), or NULL and why not. It may call ask_free. */
	void (*done)(void *arg, struct manifest *m, const struct err *why);
	void *arg;
};
struct ask *ask_start(const struct ask_options *o, struct err *err); /* NULL: done is not called */
void ask_free(struct ask *a); /* before done: it is never called; NULL is fine */

#endif
