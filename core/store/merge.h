/* merge.h - one dataset out of several, kept up to date by the transactions that change its sources; private to the store.
 *
 *   members   d target              the definition, sealed JSON
 *             b target              how far building it has come; none: it is built
 *             k target key source row  -> sequence of that record: who makes up the merged record of this key
 *             r target source row      -> its id, sealed: which merged record a source's record belongs to
 *
 * `key` is a keyed hash of the merged record's id, so that it has one length and does not stand in clear. A change of a
 * record notes its old and its new merged record; at the end of the commit each that was noted is put together anew and
 * saved by the ordinary code, so its feed, its "unchanged" and its counters are those of any dataset.
 *
 * Building (a new or changed definition) is three walks in commits of bounded size:
 *   clear     what an older definition left;     changes of sources are not noted yet
 *   members   all records of all sources;        changes are noted, merged records stay as they were
 *   keys      every merged record is put together; then those that were not met are deleted */
#ifndef SLUICE_STORE_MERGE_H
#define SLUICE_STORE_MERGE_H

#include "store/apply.h"

enum merge_phase { MERGE_BUILT, MERGE_CLEAR, MERGE_MEMBERS, MERGE_KEYS };

struct merge_source {
	uint32_t dataset;
	char *name; /* "acme:close:Contact" */
};

struct merge {
	uint32_t target;
	char **keys;   /* NULL-terminated: dotted paths, the first that leads to one counts */
	char **fields; /* NULL-terminated; NULL: all */
	struct merge_source *sources; /* by priority */
	size_t n;
	enum merge_phase phase;
};

/* Loads them into the store's table when that is not as the file has it. Of the writer's thread. */
int merges_load(struct group *g);
void merges_free(struct merges *all);
bool merges_use(const struct merges *all, uint32_t dataset); /* one of them is made of it */
bool merges_make(const struct merges *all, uint32_t dataset); /* it is the target of one */
bool merge_parse(struct slice json, struct merge *m); /* yours, by merge_finish */
void merge_finish(struct merge *m);

/* A record of d has changed: its content, or json.p NULL: it was deleted. */
int merge_note(struct group *g, struct dataset *d, uint64_t row, uint64_t sequence, struct slice id, struct slice json);
int merge_note_for(struct group *g, const struct merge *m, size_t source, uint64_t row, uint64_t sequence, struct slice id,
                   struct slice json);
int merges_settle(struct group *g); /* at the end of a commit: what was noted is put together */
int merge_settle_one(struct group *g, const struct merge *m, struct slice id);

/* merge_compose.c: pure. */
/* The id of the merged record that this one belongs to. */
void merge_id(const struct merge *m, size_t source, struct slice id, struct slice json, struct buf *out);
/* json: by source; p NULL: none. */
void merge_compose(const struct merge *m, const struct slice *json, struct buf *out);

#define MERGE_KEY_SIZE (1 + 4 + SEAL_ID_SIZE + 2 + 8)
#define MERGE_ROW_SIZE (1 + 4 + 2 + 8)
struct merge_member {
	uint8_t hash[SEAL_ID_SIZE];
	uint16_t source;
	uint64_t row, sequence;
};
bool merge_member_get(struct slice key, struct slice value, struct merge_member *m);
void merge_row_key(const struct merge *m, size_t source, uint64_t row, uint8_t out[MERGE_ROW_SIZE]);

#endif
