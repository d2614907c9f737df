/* layout.h - what stands where in the LMDB file: the databases, their keys and the entries with fixed fields.
 *
 *   meta      "store"                           format, flags, the store's master key (wrapped by the operator's)
 *   names     kind, names                       number of a dataset or scope
 *   datasets  dataset                           counters, names                       (struct dataset_entry)
 *   scopes    scope                             newest epoch, count of letters, names (struct scope_entry)
 *   ids       dataset, id                       where the record is, content hash     (struct id_entry)
 *   rows      row                               sealed: id and JSON
 *   feed      dataset, sequence                 the head of the record whose latest change this is (struct feed_head)
 *   seen      dataset, page                     bitmap by the record's index in its dataset
 *   state     scope, kind, name                 sealed: name and value
 *   runs      run                               sealed JSON
 *   logs      run, number                       sealed JSON
 *   steps     run, step                         sealed JSON
 *   dead      number                            scope, dataset, mark; then sealed: the letter
 *   deadkey   dataset, mark, scope              number of the letter
 *   staged    dataset, number of arrival        sealed: what, hash, id and JSON; not for readers yet
 *   stagedids dataset, id                       number of arrival
 *   inbox     number                            scope, state; then sealed: the event
 *   inboxkey  see inbox.c                       events by their ids, and by scope those that wait or were put aside
 *   guards    see guard.c                       what pages that were asked for earlier must not overwrite
 *   members   see merge.h                       what merged datasets are made of
 *   outbox    see outbox.h                      events that wait for their endpoints
 *
 * Numbers in keys are big-endian, so that they sort; in values little-endian. A record's head stands in its feed entry,
 * not in its row: a delete, an undelete and a sweep then never touch the rows, which are nine tenths of the file. Every
 * head carries a MAC over its key and itself, every sealed value is bound to its key: an entry that was moved or
 * flipped is found on reading. */
#ifndef SLUICE_STORE_LAYOUT_H
#define SLUICE_STORE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "base/buf.h"
#include "base/json.h"

/* The control build commits checkpoints apart from their records, on purpose: the kill campaign must find it out. */
#ifndef SLUICE_CONTROL
#define SLUICE_CONTROL 0
#endif
enum { LAYOUT_CONTROL = SLUICE_CONTROL };

enum layout_db {
	DB_META,
	DB_NAMES,
	DB_DATASETS,
	DB_SCOPES,
	DB_IDS,
	DB_ROWS,
	DB_FEED,
	DB_SEEN,
	DB_STATE,
	DB_RUNS,
	DB_LOGS,
	DB_DEAD,
	DB_DEADKEY,
	DB_MEMBERS,
	DB_STEPS,
	DB_STAGED,
	DB_STAGEDIDS,
	DB_INBOX,
	DB_INBOXKEY,
	DB_GUARDS,
	DB_OUTBOX,
	DB_COUNT
};

#define LAYOUT_KEY_MAX 511 /* LMDB's own limit for keys */
#define LAYOUT_NAMES_MAX 500

struct layout_key {
	size_t len;
	uint8_t p[LAYOUT_KEY_MAX];
};

enum {
	ID_DELETED = 1,
	ID_SUSPECT = 2, /* absent from the last sweep that could not prove order */
	ID_HOLLOW = 4,  /* its content was pruned: `hash` is that of what it held, size is 0, its row is a layout_hollow */
};

struct id_entry {
	uint64_t row;
	uint64_t sequence; /* of its feed entry */
	uint32_t size;     /* bytes of JSON */
	uint32_t index;    /* in its dataset; for bitmaps; handed out in order of arrival */
	struct json_hash hash;
	uint8_t flags;
};
#define ID_ENTRY_SIZE 41

struct feed_head {
	uint8_t action; /* enum change_action */
	bool hollow;    /* as ID_HOLLOW */
	uint64_t row;
	int64_t first_us;    /* first seen */
	int64_t modified_us; /* this change; of a delete, when it was deleted */
	uint64_t first_seq;  /* birth */
	uint64_t life_seq;   /* the last undelete; first_seq when there was none */
	uint64_t gone_seq;   /* the delete before that; 0: none */
};
#define FEED_KEY_SIZE 12
#define FEED_MAC_SIZE 8
#define FEED_HEAD_MAX 57
#define FEED_REBORN 0x80 /* in the action's byte: life_seq and gone_seq follow */
#define FEED_HOLLOW 0x40

enum { DATASET_MARKING = 1 }; /* a generation is under way: saves mark what they saw */

struct dataset_entry {
	uint64_t live, gone, bytes, sequence, pruned;
	int64_t modified_us;
	uint64_t dead; /* letters with an id that would have gone here */
	uint32_t next_index;
	uint8_t flags;
};
#define DATASET_ENTRY_SIZE 61 /* then the names, each NUL-terminated */

struct scope_entry {
	uint64_t epoch; /* newest handed out */
	uint64_t dead;  /* letters */
};
#define SCOPE_ENTRY_SIZE 16 /* then the names */

static inline void
put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
}

static inline uint32_t
get_be32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline uint64_t
get_be64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return __builtin_bswap64(v);
}

void layout_id_put(uint8_t out[ID_ENTRY_SIZE], const struct id_entry *e);
bool layout_id_get(struct slice in, struct id_entry *e); /* false: not of this size */
/* Puts without the MAC, which the caller appends; gets with it, without checking it. */
size_t layout_head_put(uint8_t out[FEED_HEAD_MAX], const struct feed_head *h);
bool layout_head_get(struct slice in, struct feed_head *h);
void layout_dataset_put(uint8_t out[DATASET_ENTRY_SIZE], const struct dataset_entry *e);
bool layout_dataset_get(struct slice in, struct dataset_entry *e, struct slice *names);
void layout_scope_put(uint8_t out[SCOPE_ENTRY_SIZE], const struct scope_entry *e);
bool layout_scope_get(struct slice in, struct scope_entry *e, struct slice *names);

/* In the place of a record's JSON, where it was pruned: NUL, with which no JSON begins, and when. */
#define LAYOUT_HOLLOW_SIZE 9
void layout_hollow_put(uint8_t out[LAYOUT_HOLLOW_SIZE], int64_t pruned_us);
int64_t layout_hollow(struct slice *json); /* 0: it is none. Else *json becomes {} */

void layout_feed_key(uint8_t out[FEED_KEY_SIZE], uint32_t dataset, uint64_t sequence);
/* Four NUL-terminated names out of an entry's tail; false: damaged. Borrowed from it. */
bool layout_names_get(struct slice names, const char *out[4]);

#endif
