/* commit.h - a commit as a list of encoded operations; private to the store.
 *
 * One growing buffer of bytes: a batch of records is copied once, and freed at once. Each operation is a code byte and
 * its fields (it is read by the function of its name, apply.h). The fields were written by this process: they are
 * trusted. */
#ifndef SLUICE_STORE_COMMIT_H
#define SLUICE_STORE_COMMIT_H

#include "store/store.h"

enum op {
	OP_SAVE = 1,
	OP_UPDATE,
	OP_DELETE,
	OP_STAGE_SAVE, /* these three: as the three above, in their order */
	OP_STAGE_UPDATE,
	OP_STAGE_DELETE,
	OP_PUBLISH,
	OP_SEEN_BEGIN,
	OP_SWEEP,
	OP_STATE_SET,
	OP_STATE_MERGE,
	OP_STATE_CLEAR,
	OP_STATE_CLEAR_ALL,
	OP_POSITIONS_DROP,
	OP_DEAD,
	OP_DEAD_CHANGE,
	OP_RUN,
	OP_LOG,
	OP_STEP,
	OP_DATASET, /* the three that hand out a number: see commit.number */
	OP_SCOPE,
	OP_EPOCH,
	OP_TOMBSTONE_DROP,
	OP_RUN_DROP,
	OP_LOG_DROP,
	OP_RECORD_PRUNE,
	OP_ROOM,
	OP_REKEY,
	OP_SEEN,
	OP_MERGE_DEFINE,
	OP_MERGE_DROP,
	OP_MERGE_BUILD,
	OP_VOICE,
	OP_INBOX,
	OP_INBOX_CHANGE,
	OP_EVENT,
	OP_OUTBOX_RULES,
	OP_OUTBOX_CHANGE,
	OP_COUNT
};

struct commit {
	struct store *s;
	struct fence fence;
	struct buf ops;
	struct buf early; /* in the control build: what says how far a sync has come; else empty */
	size_t air;       /* what its small records weigh besides their bytes */
	bool staged;      /* records put now are staged */
	struct voice voice; /* whose records are put now */
	bool now;
	commit_done *done;
	void *arg;
	int64_t submitted_ms;

	/* what became of it */
	bool finished, waited; /* waited: somebody blocks on it, no callback */
	struct err err;
	uint64_t number; /* of OP_DATASET, OP_SCOPE, OP_EPOCH */
	uint64_t dead, known;
	struct commit_counts *counts;
	size_t n_counts, cap_counts;
	struct commit *next;
};

void commit_reset(struct commit *c); /* before it is applied (again) */
struct commit_counts *commit_counts_of(struct commit *c, uint32_t dataset);
void commit_name(struct commit *c, enum op op, struct slice names); /* OP_DATASET, OP_SCOPE */
void commit_room(struct commit *c); /* OP_ROOM: the map grows now, since it cannot while a long read lasts */
void commit_merge(struct commit *c, enum op op, uint32_t target, struct slice json); /* OP_MERGE_*; json: of a definition */
void commit_rekey(struct commit *c, struct slice wrapped);
void commit_outbox_rules(struct commit *c, size_t n, struct slice rules);

#endif
