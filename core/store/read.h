/* read.h - what the reading calls share: a snapshot with a scratch buffer to unseal into; private to the store. */
#ifndef SLUICE_STORE_READ_H
#define SLUICE_STORE_READ_H

#include "store/inner.h"

struct snapshot {
	struct store *s;
	struct env_read env;
	struct buf scratch;
	int64_t pruned_us; /* of the row that was read last: when its content was pruned; 0: it is there */
};

int snapshot_begin(struct snapshot *p, struct store *s, struct err *err); /* on failure nothing needs ending */
void snapshot_end(struct snapshot *p);
int snapshot_get(struct snapshot *p, enum layout_db db, struct slice key, struct slice *value); /* MDB_NOTFOUND, ... */
int snapshot_cursor(struct snapshot *p, enum layout_db db, MDB_cursor **cur);
/* Both, for a walk over one database: 0, or -1 with err when there is nothing to end. doing: "cannot read runs". */
int walk_begin(struct snapshot *p, struct store *s, enum layout_db db, MDB_cursor **cur, const char *doing,
               struct err *err);
void walk_end(struct snapshot *p, MDB_cursor *cur);
/* Unseals into the scratch buffer; false: damaged, and said in err. */
bool snapshot_open(struct snapshot *p, enum seal_kind kind, struct slice key, struct slice sealed, struct slice *plain,
                   struct err *err);
bool snapshot_dataset(struct snapshot *p, uint32_t number, struct dataset_entry *e, struct slice *names);
bool snapshot_scope(struct snapshot *p, uint32_t number, struct scope_entry *e, struct slice *names);

/* For calls that can only say "none": a failure is logged, so that it is not taken for absence without a trace. */
void read_complain(const struct err *err);

/* A head and a row, checked. false: damaged. Of a row whose content was pruned json is {}. */
bool read_head(struct snapshot *p, struct slice key, struct slice value, struct feed_head *h);
bool read_row(struct snapshot *p, MDB_cursor *rows, uint32_t dataset, uint64_t row, struct slice *id,
              struct slice *json);

bool seen_marked(struct snapshot *p, uint32_t dataset, uint32_t index); /* seen.c */

/* stage.c: how many entries are damaged or not indexed, and how many are good. */
uint64_t staged_verify(struct snapshot *p, uint64_t *good);

uint64_t inbox_verify(struct snapshot *p, uint64_t *indexed); /* inbox.c: how many are damaged; entries of the index that there should be */

/* merge_verify.c: 0, or LMDB's code. */
int merges_verify(struct snapshot *p, MDB_cursor *rows, void (*fault)(void *arg, const char *text), void *arg);

/* outbox_verify.c: 0, or LMDB's code. */
int outbox_verify(struct snapshot *p, void (*fault)(void *arg, const char *text), void *arg);

/* dead.c: checks every letter, and counts the open ones: of a scope, or with an id of a dataset, or (0, 0) all. */
uint64_t dead_verify(struct snapshot *p, uint32_t scope, uint32_t dataset, void (*fault)(void *arg, uint64_t number),
                     void *arg);

#endif
