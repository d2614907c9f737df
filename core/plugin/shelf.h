/* shelf.h - the insides of the registry, for registry.c and watch.c only: a slot for each name that was asked for. */
#ifndef SLUICE_PLUGIN_SHELF_H
#define SLUICE_PLUGIN_SHELF_H

#include <sys/stat.h>
#include <sys/types.h>
#include "base/err.h"
#include "plugin/ask.h"
#include "plugin/registry.h"

struct identity { /* of a file; of none: all zero */
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

struct slot {
	struct slot *next;
	char *name;               /* of a plugin; or a path, of one that was asked for by it */
	struct identity seen;     /* the file that `good` or `err` is about */
	struct plugin_file *good; /* in use; NULL: none */
	struct manifest *learnt;  /* what another process uses under this name; NULL: nobody said */
	struct err err;           /* of the file seen; cls ERR_NONE: it is the one in use */
	struct identity told;     /* the file that the watch last told as broken ... */
	struct err told_why;      /* ... and why: what may pass is tried again, but not told again */
};

struct kept { /* given to somebody as borrowed, and replaced since */
	struct kept *next;
	struct plugin_file *file;
};

struct watching;

struct registry {
	char *dir, *worker;
	uint64_t memory;
	int64_t start_ms;
	bool seccomp_only;
	struct slot *slots;
	struct kept *kept;
	struct watching *watching; /* NULL: it is not */
};

struct slot *slot_find(const struct registry *r, const char *name);
struct slot *slot_make(struct registry *r, const char *name); /* found or made */
bool identity_same(const struct identity *a, const struct identity *b);
/* Opens and judges by its ELF header. -1: err, and the identity of what was looked at, if anything could be. The
 * descriptor is yours. */
int file_open(const char *path, struct identity *id, struct err *err);
struct plugin_file *file_new(const char *path, int fd, struct manifest *m); /* takes both */
/* 0, or -1: it calls itself otherwise than its file. */
int file_named(const char *path, const char *plugin, const struct manifest *m, struct err *err);
struct ask_options ask_options_of(const struct registry *r, const char *path, int fd);

#endif
