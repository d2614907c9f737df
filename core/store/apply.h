/* apply.h - one group of commits inside one LMDB transaction; private to the store.
 *
 * The group keeps its cursors, the entries of the datasets it touched and their bitmap pages in memory, and writes
 * entries and pages once at the end, however many records there were. Functions here return 0, an LMDB code (the
 * transaction is then aborted, by apply_group), or APPLY_REFUSED after group_refuse has said why: that costs the one
 * commit. */
#ifndef SLUICE_STORE_APPLY_H
#define SLUICE_STORE_APPLY_H

#include "store/inner.h"

enum { APPLY_REFUSED = -1 };

struct heard;

struct dataset {
	uint32_t number;
	struct dataset_entry e;
	uint64_t was; /* sequence before this group */
	bool dirty;
	bool merged;        /* a merged dataset is made of it */
	enum { GUARDED_UNKNOWN, GUARDED_NONE, GUARDED_SOME } guarded; /* see guard.c */
	struct heard *heard; /* NULL: no endpoint wants it. See outbox.h */
	struct slice names; /* owned */
	uint8_t **page;     /* by page number; NULL: not loaded */
	bool *page_dirty;
	uint32_t n_pages;
	uint64_t next_staged; /* 0: not looked up */
};

struct outbox_work;

struct group {
	struct store *s;
	MDB_txn *txn;
	const MDB_dbi *db;
	MDB_cursor *ids, *rows, *feed;
	struct seal_nonce nonce;
	int64_t now_us;
	uint64_t next_row;
	uint32_t feed_end; /* dataset whose entries end the feed: its new ones are appended */
	struct dataset **ds, *last;
	size_t n_ds, cap_ds;
	struct err why; /* of APPLY_REFUSED */
	struct buf scratch, merged;
	struct voice voice; /* whose word the records are that follow, in the commit at hand */
	struct outbox_work *outbox; /* NULL: no event yet */
	struct buf touched; /* merged records to be put together at the commit's end: target, id */
};

/* Applies all commits of the list that have no error yet, and commits. On APPLY_REFUSED the refused one has got its
 * error. */
int apply_group(struct store *s, struct commit *list);
/* A commit of this run failed: what it submitted behind that one is refused, or its checkpoint would overtake the lost
 * data. */
void fence_break(struct store *s, struct fence fence);

int group_refuse(struct group *g, enum err_class cls, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int group_dataset(struct group *g, uint32_t number, struct dataset **d);
int group_get(struct group *g, enum layout_db db, struct slice key, MDB_val *v);
int group_put(struct group *g, enum layout_db db, struct slice key, struct slice value);
int group_put_sealed(struct group *g, enum layout_db db, enum seal_kind kind, struct slice key, struct slice plain);
int group_del(struct group *g, enum layout_db db, struct slice key); /* none there is fine */
int group_del_prefix(struct group *g, enum layout_db db, struct slice prefix,
                     struct slice from);                          /* keys with prefix, from `from` on */
int group_last(struct group *g, enum layout_db db, MDB_val *key); /* key.mv_size 0: empty */
int64_t group_now(struct group *g, struct dataset *d);            /* last-modified of the dataset's next change */

/* record.c */
size_t record_key(const struct seal *seal, bool hash_ids, uint32_t dataset, struct slice id,
                  uint8_t out[4 + STORE_ID_MAX]);
int record_row_put(struct group *g, struct dataset *d, uint64_t row, struct slice body, unsigned flags);
/* What apply_save and apply_delete do. body: length of id (1 byte), id, JSON. */
int record_save(struct group *g, uint32_t dataset, struct slice body, const struct json_hash *hash, struct commit_counts *n);
int record_delete(struct group *g, uint32_t dataset, struct slice id, struct commit_counts *n);
/* A row as it stands; borrowed from the group's scratch or the map. */
int record_read(struct group *g, uint32_t dataset, uint64_t row, struct slice *id, struct slice *json);

/* The patch merged into json, as a body, into g->merged; what comes out too large or too deep is refused. */
int record_merge(struct group *g, struct slice id, struct slice json, struct slice patch, struct json_hash *hash);

/* head.c: a record's entry in the feed */
int head_get(struct group *g, struct dataset *d, const struct id_entry *e, struct feed_head *h); /* leaves the feed's cursor on it */
int head_put(struct group *g, struct dataset *d, uint64_t sequence, const struct feed_head *h);
int head_hollow(struct group *g, struct dataset *d, const struct id_entry *e, bool hollow); /* in its place */

int stage_forget(struct group *g, struct dataset *d); /* stage.c */
int sweep_run(struct group *g, const struct sweep *how, struct commit_counts *n); /* sweep.c */

/* guard.c: has an event said something newer of this record than the voice that speaks now? If not, and an event speaks, the
 * record is guarded from here on. */
int guard_meet(struct group *g, uint32_t dataset, struct slice id, bool *barred);
int record_modified(struct group *g, uint32_t dataset, struct slice id, int64_t *us); /* record.c: its last change; 0: it never was there */
int record_barred(struct group *g, uint32_t dataset, struct slice id, struct commit_counts *n); /* record.c: what then becomes of it */

/* seen.c */
int seen_mark(struct group *g, struct dataset *d, uint32_t index, bool *fresh);
int seen_test(struct group *g, struct dataset *d, uint32_t index, bool *seen);
int seen_forget(struct group *g, struct dataset *d);
int seen_flush(struct group *g, struct dataset *d);
void seen_free(struct dataset *d);

/* dead.c */
int dead_resolve(struct group *g, struct dataset *d, struct slice id);

/* The operations, each in the file of its noun. The code byte has been read. */
typedef int apply_fn(struct group *g, struct commit *c, struct reader *r);
apply_fn apply_save, apply_update, apply_delete, apply_seen; /* record.c */
apply_fn apply_stage_save, apply_stage_update, apply_stage_delete, apply_publish; /* stage.c */
apply_fn apply_seen_begin, apply_sweep;          /* seen.c, sweep.c */
apply_fn apply_state_set, apply_state_merge, apply_state_clear, apply_state_clear_all,
	apply_positions_drop;                     /* state.c */
apply_fn apply_dead, apply_dead_change;           /* dead.c */
apply_fn apply_run, apply_log, apply_step;        /* history.c */
apply_fn apply_dataset, apply_scope, apply_epoch; /* names.c */
apply_fn apply_record_prune;                       /* hollow.c */
apply_fn apply_tombstone_drop, apply_run_drop, apply_log_drop; /* prune.c */
apply_fn apply_merge_define, apply_merge_drop, apply_merge_build; /* merge_build.c */
apply_fn apply_event;                             /* outbox_event.c */
apply_fn apply_outbox_rules, apply_outbox_change; /* outbox_rules.c, outbox.c */
apply_fn apply_room;                              /* job.c */
apply_fn apply_rekey;                             /* store.c */
apply_fn apply_voice;                             /* guard.c */
apply_fn apply_inbox, apply_inbox_change;         /* inbox.c */

#endif
