/* dir.h - the store's directory: made, judged and locked; and the operator's key; private to the store. */
#ifndef SLUICE_STORE_DIR_H
#define SLUICE_STORE_DIR_H

#include "store/seal.h"
#include "store/store.h"

/* Makes it (0700) when missing; refuses loose modes, other owners and network file systems. */
int dir_prepare(const char *dir, struct err *err);
/* The descriptor that holds the lock, or -1; ERR_BUSY names the holder's process. */
int dir_lock(const char *dir, struct err *err);
int dir_sync(const char *dir); /* names of new files become durable */
#define STORE_PART ".new"      /* a store is made in this subdirectory, */
/* and takes its place in dir by one rename, which is durable on return. */
int dir_place(const char *part, const char *dir, struct err *err);
void dir_leavings_remove(const char *dir); /* what opening a store leaves beside its data.mdb */
/* The key that the options name. fresh: there is no store yet, a missing file may be made. */
int dir_key(const struct store_options *o, bool fresh, uint8_t key[SEAL_KEY_SIZE], struct err *err);

#endif
