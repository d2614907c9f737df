/* env.h - the LMDB environment: opening, growing its map, reopening it after a failure, and short reads in between.
 *
 * Any thread may read; only the writer thread writes, grows and reopens. Growing and reopening need that no read is
 * under way: the writer shuts the gate, waits for the reads that are inside (each a page, milliseconds), and opens it
 * again. A read begun inside the callback of another one passes a shut gate, or both would wait for ever.
 *
 * A guest reads, on one thread, what another process writes. LMDB lets several processes in: a reader holds no lock that a
 * writer waits for, and what a killed one leaves (a slot that keeps pages from being used again) the writer clears before
 * its next group. Awkward: the writer's map grows without the guest being asked; so it maps far more than there is, and
 * follows at its next read. */
#ifndef SLUICE_STORE_ENV_H
#define SLUICE_STORE_ENV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "store/layout.h"

struct env_read {
	MDB_txn *txn;
	pthread_t thread;
	int64_t begun_ms; /* monotonic */
	struct env_read *next;
};

struct env {
	MDB_env *mdb; /* NULL: reopening failed; tried again at the next commit */
	MDB_dbi db[DB_COUNT];
	char *dir;
	size_t map;           /* bytes */
	bool guest;           /* another process writes */
	pthread_mutex_t gate; /* guards what follows */
	pthread_cond_t moved;
	struct env_read *readers;
	bool shut;
};

int env_open(struct env *e, const char *dir, size_t map, struct err *err);
/* To read beside the process that has it. ERR_BUSY: that is only making it. */
int env_visit(struct env *e, const char *dir, struct err *err);
void env_close(struct env *e); /* of one never opened is fine */
int env_grow(struct env *e);   /* doubles the map; an LMDB code */
int env_reopen(struct env *e, struct err *err);
void env_readers_clear(struct env *e); /* of processes that were killed; before each group */

int env_read_begin(struct env *e, struct env_read *r, struct err *err);
/* Ends the process for want of memory: many readers can only say "there is none", which would then be believed. */
void env_memory(int rc);
void env_read_end(struct env *e, struct env_read *r);
int64_t env_oldest_read(struct env *e); /* ms that the read under way longest has lasted; 0: none */

/* Turns a code of LMDB or errno into a sentence; finds a full disk behind an I/O error. -1. need: bytes about to be
 * written. */
bool env_full(const struct env *e, int rc, uint64_t need); /* is that code a lack of room? */
int env_error(const struct env *e, int rc, const char *doing, uint64_t need, struct err *err);

static inline MDB_val
val_of(const void *p, size_t len)
{
	return (MDB_val){len, (void *)(uintptr_t)p}; /* LMDB does not write to what it is given */
}

static inline MDB_val
val_slice(struct slice s)
{
	return val_of(s.p, s.len);
}

static inline struct slice
slice_val(MDB_val v)
{
	return slice_of(v.mv_data, v.mv_size);
}

#endif
