/* arena.h - memory that lives until the plugin's function returns: what it is given, and what it formats. */
#ifndef SLUICE_WORKER_ARENA_H
#define SLUICE_WORKER_ARENA_H

#include <stdarg.h>
#include "base/buf.h"

struct arena {
	struct arena_block *blocks; /* newest first */
};

void *arena_alloc(struct arena *a, size_t n);
char *arena_dup(struct arena *a, struct slice text); /* and a NUL behind it */
char *arena_format(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0))); /* never NULL */
void arena_free(struct arena *a);

#endif
