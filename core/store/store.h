/* store.h - the embedded store: datasets of records, their change feed, and all state that must not be lost.
 *
 * Speaks of commits, datasets, cursors and runs, and names no type of the library behind it: a second implementation
 * can stand behind this header and the same tests.
 *
 * Events have headers of their own: store/events_in.h, store/events_out.h. Their commits are these.
 *
 * Guarantees. All operations of one `struct commit` become durable together or not at all, in the order given, and
 * commits in the order submitted; several may share one transaction (group commit). When a commit's callback says 0,
 * its content survives power loss. A record whose content hash is unchanged causes no write but its `seen` mark.
 * Sequence numbers are per dataset, without gaps in commit order; the feed is compacted (one entry a record, its
 * latest).
 *
 * Damage. Records, heads of the feed and all sealed values carry a tag or MAC bound to their place: what flipped or was
 * moved does not open, and no reader is given other data for it. Entries of the index (where an id's record is, its
 * content hash), counters of datasets and scopes, and marks of a generation carry none, since each unchanged save would
 * have to check it. A reader who comes by the index is still only shown a record whose row and head say that they are
 * its own; but a bit that flipped there can make a save take a record for changed or unchanged, or a sweep for seen or
 * absent. store_verify finds such a bit in an index entry or a counter; in a mark, an epoch or a state's absence
 * nothing can.
 *
 * Threads. store_open starts one writer thread. Everything else here is for the thread that opened the store ("the
 * loop"), except the reading calls, which any thread may make. Callbacks of commits run inside store_poll, on the
 * loop's thread; the writer calls `wake` (from its own thread) when there is something to poll.
 *
 * Awkward: a failed commit closes and reopens the environment (an fsync that failed once may lie the next time), and a
 * map that is full is grown and the group replayed; both unseen by callers except as time. After ENOSPC (which the
 * library reports as EIO) the error says "no space left on DIR", class ERR_HOST, and reading goes on. */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/secret.h"

struct store;
struct commit;

#define STORE_FORMAT 1             /* format version in `meta`; another one is refused by name */
#define STORE_ID_MAX 255           /* bytes of a record's id */
#define STORE_RECORD_MAX (8 << 20) /* bytes that updates may make of a record; smaller limits are the caller's */

struct store_options {
	const char *dir; /* made with mode 0700 when missing; refused when group or others may enter it */
	const struct secret *key; /* 32 bytes; NULL with key_file: read from there, or made there (0600) at first */
	const char *key_file;
	bool plain;              /* no sealing (encryption_key = none) */
	bool hash_ids;           /* for a new store only: ids in keys are keyed hashes, ids stand sealed in the rows */
	int64_t commit_delay_ms; /* 0: 50 */
	uint64_t commit_bytes;   /* 0: 4 MiB */
	uint64_t map_bytes;      /* first size of the map; 0: 1 GiB; tests use small ones */
	bool guest;                /* another process has it: read beside that, on one thread. No lock is taken, nothing is
	                              made or written, and a commit fails (ERR_BUSY); it shows what that process commits */
	const struct clock *clock; /* NULL: the system's */
	void (*wake)(void *arg);   /* called from the writer thread; NULL: the caller polls or waits by itself */
	void *arg;
};

/* Opens (makes) the store, takes the exclusive lock, checks format and key. ERR_BUSY: another process has it (its pid
 * in the text); of a guest: it is being made. ERR_USAGE: wrong key, wrong format, loose modes, network file system. ERR_HOST: disk. */
struct store *store_open(const struct store_options *o, struct err *err);
void store_close(struct store *s); /* commits what was submitted, then joins the writer; NULL is fine */
void store_poll(struct store *s);  /* runs the callbacks of finished commits */
void store_drain(struct store *s); /* blocks until everything submitted is durable, and polls */
const struct json_seed *store_seed(const struct store *s); /* for json_scan: the store's content hash */
const char *store_dir(const struct store *s);
/* A MAC over any bytes (up to 32) under a key of this store and its backups: for cursors that are handed out. */
uint64_t store_stamp(const struct store *s, struct slice bytes);

/* From now on store_poll, behind the callbacks, says each dataset of which a change has become durable since it did so last, once;
 * also what somebody waited for by store_commit_wait, and merged datasets. One follower; changed NULL: none any more. */
void store_follow(struct store *s, void (*changed)(void *arg, uint32_t dataset), void *arg);

/* ---- names: each maps to a small number for good, handed out on first use (that call commits, about 1 ms) ---- */

struct dataset_name {
	const char *connection, *integration, *model, *variant; /* NULL variant: "base" */
};
uint32_t store_dataset(struct store *s, const struct dataset_name *n, struct err *err); /* 0: error */
uint32_t store_dataset_find(struct store *s, const struct dataset_name *n);             /* 0: none */
/* Scope of state: a connection (sync NULL) or one of its syncs. A variant of a sync is one of them, under its whole name. */
struct scope_name {
	const char *connection, *integration, *sync, *variant;
};
uint32_t store_scope(struct store *s, const struct scope_name *n, struct err *err); /* 0: error */
uint32_t store_scope_find(struct store *s, const struct scope_name *n);             /* 0: none */
/* sync "": the scope of a connection. */
int store_scopes(struct store *s, bool (*each)(void *arg, uint32_t scope, const struct scope_name *n), void *arg,
                 struct err *err);

/* The same as part of a commit, for who does not want to wait: 0, or -1 (ERR_USAGE: too long). The numbers are found by
 * store_dataset_find and store_scope_find once it is durable. */
int commit_dataset(struct commit *c, const struct dataset_name *n, struct err *err);
int commit_scope(struct commit *c, const struct scope_name *n, struct err *err);

struct dataset_info {
	uint32_t dataset;
	const char *connection, *integration, *model, *variant; /* borrowed until the callback returns */
	uint64_t live, gone;                                    /* records now, tombstones; exact */
	uint64_t bytes;                                         /* of live JSON */
	uint64_t sequence;                                      /* last handed out; 0: none */
	uint64_t pruned;                                        /* cursors below this are too old; 0: none */
	int64_t modified_us;                                    /* time of the last change */
};
int store_datasets(struct store *s, bool (*each)(void *arg, const struct dataset_info *), void *arg, struct err *err);
bool store_dataset_info(struct store *s, uint32_t dataset, void (*fn)(void *arg, const struct dataset_info *),
                        void *arg);

/* ---- state: small values by scope, kind and name ---- */

enum state_kind {
	STATE_CHECKPOINT = 1, /* scope of a sync; name "" */
	STATE_METADATA,       /* scope of a connection; name "" */
	STATE_POSITION,       /* scope of a sync; name: depth byte, then the pagination's key */
	STATE_RUN,            /* scope of a sync; the run under way or interrupted; name "" */
	STATE_LAST,           /* scope of a sync; facts of the last runs (last success, failures in a row); name "" */
	STATE_HELD,           /* scope of a sync; name: model; deletes held back */
	STATE_SCHEDULE,       /* scope of a sync; paused, started, asked for; name "" */
	STATE_CONNECTION,     /* scope of a connection; name "settings": one made by a command; "control": enabled,
	                         attention, pause after failures */
	STATE_TOKEN,          /* scope of a connection; OAuth 2 tokens; name "" */
	STATE_RATE,           /* scope 0; name: limit; what was sent lately and may be sent */
	STATE_CONDITION,      /* scope of a sync; name: hash of a request; validators and what its answer held */
	STATE_INCIDENT,       /* scope of a sync; name: kind of alert; open ones */
	STATE_ENDPOINT,       /* scope 0; name: an application's endpoint; how it stands with its receiver */
	STATE_ACTION,         /* scope 0; name: id; an action that nobody waits for, then its result */
	STATE_APIKEY,         /* scope 0; name "": the API's key that was made where none is configured */
	STATE_VARIANT,        /* scope of a connection; name: of a variant of a sync, "leads::eu" */
};
/* False: none. */
bool store_state_get(struct store *s, uint32_t scope, enum state_kind kind, struct slice name, struct buf *value);
int store_state_list(struct store *s, uint32_t scope, enum state_kind kind,
                     bool (*each)(void *arg, struct slice name, struct slice value), void *arg, struct err *err);

/* ---- writing ---- */

/* A run that writes holds a fence: its sync's scope and an epoch. A commit whose epoch is not the scope's newest is
 * refused whole with ERR_BUSY "superseded by a later run": a zombie cannot write. After a commit failed, those that its
 * run had submitted behind it are refused too (ERR_HOST), until the run takes a new epoch: several may be on the way,
 * and a later page's checkpoint must not become durable without the page before it. scope 0: no fence, and no such
 * order. */
struct fence {
	uint32_t scope;
	uint64_t epoch;
};
uint64_t store_epoch_next(struct store *s, uint32_t scope, struct err *err); /* durable when it returns; 0: error */
void commit_epoch(struct commit *c, uint32_t scope);                         /* the same, in a commit: it becomes store_epoch() + 1 */
uint64_t store_epoch(struct store *s, uint32_t scope);                       /* the newest; 0: none yet */

struct commit *commit_new(struct store *s, struct fence fence); /* yours until store_commit */
void commit_free(struct commit *c);                             /* of one never submitted; NULL is fine */
size_t commit_bytes(const struct commit *c);                    /* so far, for flow control: a record is at least 1 KiB */
bool commit_empty(const struct commit *c);

/* Records. Everything is copied. json has passed json_scan under store_seed() and hash is its result. */
void commit_save(struct commit *c, uint32_t dataset, struct slice id, struct slice json, const struct json_hash *hash);
/* Deep merge; unknown or deleted ids are counted `missing`; a merge over STORE_RECORD_MAX or JSON_DEPTH_MAX costs the
 * commit (ERR_DATA). */
void commit_update(struct commit *c, uint32_t dataset, struct slice id, struct slice patch);
/* Keeps the last payload; unknown or deleted ids are counted `missing`. */
void commit_delete(struct commit *c, uint32_t dataset, struct slice id);

/* Staged records: what is put into this commit from here on is durable with it, and no reader, count, cursor or update
 * outside shows it, until commit_publish makes all of the dataset's ordinary changes, in order of arrival, in its own
 * transaction. Counted now: saved, fresh, unchanged, missing; by publish: added, updated, deleted. Of an id only the
 * latest is kept; one that is as readers see it is only marked seen. commit_seen_begin forgets what is staged. */
void commit_staged(struct commit *c, bool on);
void commit_publish(struct commit *c, uint32_t dataset); /* nothing staged is fine */

/* Whose word the records are that are put into this commit from here on. What a page that was asked for earlier says of a
 * record that an event wrote is passed over: counted `unchanged`, marked seen where it lives; and so is an event that happened
 * before the last one of that record. Staged records keep it until they are published. */
enum voice_whose { VOICE_NOBODY, VOICE_PAGE, VOICE_EVENT };
struct voice {
	enum voice_whose whose;
	int64_t at_us;    /* a page: when it was asked for; an event: when it happened */
	int64_t until_us; /* an event: pages asked for before then are older */
	int64_t keep_us;  /* an event: for so long that is remembered: longer than any run lasts */
};
void commit_voice(struct commit *c, const struct voice *v);

/* Generations. begin forgets the dataset's `seen` marks; from then on every save and update marks its record. sweep
 * deletes what is not marked and ends the generation, or holds it back (the marks then stay, for a sweep with `force`),
 * in this same transaction. Without a generation it does nothing. All is exact over restarts: marks are durable with
 * their saves. */
void commit_seen_begin(struct commit *c, uint32_t dataset);
/* Listed, and the same as before, says the provider: as a save of what is stored. When it is not there, or deleted, the
 * commit is refused whole (ERR_BUSY). */
void commit_seen(struct commit *c, uint32_t dataset, struct slice id);
struct sweep {
	uint32_t dataset;
	double share;   /* 0 with least 0 holds everything. Hold back when more than share of the live records and more
	                   than `least` would go, */
	uint64_t least; /* also when all would go, and when more than half of ten or more would */
	bool twice;     /* the listing cannot prove order (page numbers): delete only what was absent from the previous
	                   sweep too */
	bool force;     /* confirmed by a person: no brake */
	uint64_t most;  /* 0: any number. Else what that person saw: the commit is refused whole (ERR_BUSY) when more
	                   would go, or when the generation is over */
};
void commit_sweep(struct commit *c, const struct sweep *sweep);

void commit_state_set(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice value);
/* By json_merge_top into what is there, or {}. */
void commit_state_merge(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice patch);
/* Exactly this name; none is fine. */
void commit_state_clear(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name);
void commit_state_clear_all(struct commit *c, uint32_t scope, enum state_kind kind);
/* STATE_POSITION names whose depth byte is greater. */
void commit_positions_drop(struct commit *c, uint32_t scope, unsigned deeper_than);

/* Dead letters: keyed by sync, model and id (or the raw bytes' hash without one): the same again counts an attempt. A
 * later save of that id resolves its letter. */
struct dead_letter {
	uint32_t scope;         /* the sync's */
	uint32_t dataset;       /* where the record would have gone */
	struct slice model, id; /* id empty: it has none that can be read */
	struct slice raw;       /* any bytes; kept up to 64 KiB, with the full length noted */
	struct slice reason;    /* one sentence */
	uint64_t run;
};
void commit_dead(struct commit *c, const struct dead_letter *d);
/* What people do with one, by its number. A settled letter is kept as it is, counts nowhere, and is no longer met by a
 * save, nor by the same record failing again (that makes a new letter). But for DEAD_DROP, a commit whose letter is gone
 * or settled is refused whole (ERR_USAGE): so a record tried again never overwrites what a run has saved since. */
enum dead_change {
	DEAD_SETTLE, /* text: who */
	DEAD_AGAIN,  /* an attempt by hand failed; text: the reason now */
	DEAD_TAKE,   /* away: this same commit saves its record */
	DEAD_DROP,   /* away; gone is fine */
};
void commit_dead_change(struct commit *c, uint64_t number, enum dead_change how, struct slice text);

void commit_run(struct commit *c, uint64_t run, struct slice json); /* puts or replaces the run's record */
void commit_log(struct commit *c, uint64_t run, struct slice json); /* appends a line to the run's log */
void commit_step(struct commit *c, uint64_t run, uint64_t step, struct slice json); /* puts or replaces a step's record; from 1 */
uint64_t store_run_next(struct store *s); /* a new run number; from 1, ascending, never reused once committed */

struct commit_counts { /* of one dataset in one commit */
	uint32_t dataset;
	uint64_t saved; /* records handed to commit_save */
	uint64_t fresh; /* saved or updated, and not yet marked seen since commit_seen_begin; outside a generation: all */
	uint64_t added, updated, unchanged, deleted, missing; /* added counts the undeleted too */
	uint64_t absent, held;                                /* by sweep: not seen; not deleted because of the brake */
};
struct commit_result {
	struct err err;                     /* cls ERR_NONE: durable */
	const struct commit_counts *counts; /* borrowed until the callback returns */
	size_t n_counts;
	uint64_t dead; /* letters written */
	uint64_t known; /* events for the inbox that were there already */
};
typedef void commit_done(void *arg, const struct commit_result *result);
/* Takes c. now: do not wait for the group (a run's end, a person waiting). done may be NULL. */
void store_commit(struct store *s, struct commit *c, bool now, commit_done *done, void *arg);
/* The same and waits: 0 or -1. For the command line and tests. counts may be NULL, else takes the first dataset's. */
int store_commit_wait(struct store *s, struct commit *c, struct commit_counts *counts, struct err *err);

/* ---- reading: each call is one short snapshot; slices are borrowed until the callback returns. A callback may read
 * on, but must not wait for a commit (the writer may be waiting for the reads to end). What does not open is logged and
 * counts as absent where a call can only say true or false. ---- */

enum change_action { CHANGE_ADDED = 1, CHANGE_UPDATED, CHANGE_DELETED };
const char *change_name(enum change_action a); /* "added" "updated" "deleted" */

struct record {
	uint32_t dataset;
	uint64_t sequence;         /* of its latest change */
	enum change_action action; /* seen from the cursor that was given; of a single record: its latest */
	struct slice id, json;     /* a deleted record keeps its last payload */
	int64_t first_seen_us, modified_us, deleted_us; /* deleted_us 0: live */
	int64_t pruned_us;         /* when its content was pruned, which then reads {}; 0: it is there */
};

struct feed_query {
	uint32_t dataset;
	uint64_t after; /* sequence; 0: from the beginning */
	size_t limit;   /* entries, 0: 100; at most 10 000 */
	size_t bytes;   /* stop after so many bytes of JSON; 0: 4 MiB */
	bool live_only; /* list records: leave out the deleted */
	uint64_t began; /* the dataset's pruned mark when this reader began at 0; a reader in the middle has missed no delete since */
	int64_t at_us;  /* nothing up to `after` changed later than this when the reader was given it; 0: not known. What has is of
	                   another history: a backup was restored since, and sequences were handed out anew */
	int64_t *passed_us; /* gets the time of the last change up to *next, shown or not, as far as it was met; else it stays. NULL: not wanted */
	bool all;       /* what is there, whatever the cursor: also tombstones of records born after it; `action` is then the last */
	unsigned actions; /* only these: bits 1 << enum change_action of what would be shown; 0: all */
	int64_t since_us; /* only what changed then or later; found without reading what is before; 0: all */
};
/* Calls each for every entry; *next is the cursor to go on from, *more whether anything behind it is to be shown (or so many
 * entries were looked through that the caller should ask again). ERR_DATA
 * when `after` is older than what was pruned ("cursor_expired"; not for live_only, which shows no deletes), or newer than
 * the dataset or of another history ("cursor_unknown"). each returns false to stop.
 */
int store_feed(struct store *s, const struct feed_query *q, bool (*each)(void *arg, const struct record *r), void *arg,
               uint64_t *next, bool *more, struct err *err);
/* False: none; deleted ones are found, deleted_us set. */
bool store_record(struct store *s, uint32_t dataset, struct slice id, void (*fn)(void *arg, const struct record *r),
                  void *arg);

/* For dry runs: what a save would do, and the record's index in its dataset (for a bitmap of the caller). */
struct peek {
	bool known, deleted, same;
	uint32_t index;
	struct json_hash hash;
};
struct peek store_peek(struct store *s, uint32_t dataset, struct slice id, const struct json_hash *hash);
/* What a held sweep would delete, by the marks that still stand (dataset and twice of `sweep` count), in the order of the
 * index, behind the record of id `after` (empty: from the beginning). */
int store_absent(struct store *s, const struct sweep *sweep, struct slice after, size_t limit,
                 bool (*each)(void *arg, const struct record *r), void *arg, struct err *err);
uint32_t store_index_end(struct store *s, uint32_t dataset); /* all indexes are below this */
/* In pages: no long snapshot. */
int store_ids(struct store *s, uint32_t dataset, bool (*each)(void *arg, struct slice id, uint32_t index, bool deleted),
              void *arg, struct err *err);

struct dead_info {
	uint64_t number; /* names the letter for `dead-letters show` */
	uint32_t scope;
	const char *connection, *integration, *sync;
	struct slice model, id, raw, reason;
	uint64_t raw_len; /* before the cut */
	uint64_t attempts, run;
	int64_t first_us, last_us;
	int64_t settled_us;   /* 0: open */
	struct slice settler; /* who */
};
/* Scope 0: all. */
int store_dead(struct store *s, uint32_t scope, uint64_t after, size_t limit,
               bool (*each)(void *arg, const struct dead_info *), void *arg, struct err *err);
bool store_dead_get(struct store *s, uint64_t number, void (*fn)(void *arg, const struct dead_info *), void *arg);
uint64_t store_dead_count(struct store *s, uint32_t scope); /* the open ones; scope 0: all */

bool store_run_get(struct store *s, uint64_t run, struct buf *json);
/* Newest first; before 0: from the newest. */
int store_runs(struct store *s, uint64_t before, size_t limit, bool (*each)(void *arg, uint64_t run, struct slice json),
               void *arg, struct err *err);
int store_log(struct store *s, uint64_t run, uint64_t after, size_t limit,
              bool (*each)(void *arg, uint64_t n, struct slice json), void *arg, struct err *err);

#define STORE_TOOK_BOUNDS 9
extern const double store_took_bounds[STORE_TOOK_BOUNDS]; /* seconds */
struct store_stats {
	uint64_t file_bytes, used_bytes, map_bytes, free_disk;
	uint64_t commits, groups;
	uint64_t took[STORE_TOOK_BOUNDS + 1]; /* transactions by duration: up to each of store_took_bounds, and above */
	int64_t took_us;                      /* all of them together */
	int64_t oldest_reader_ms;             /* the snapshot under way longest; 0: none but this one */
	int64_t oldest_waiting_ms;            /* the commit that has waited longest for the writer, its transaction included; 0: none */
};

void store_stats(struct store *s, struct store_stats *out);
bool store_full(const struct store *s); /* commits failed for lack of room; none as large came through since, nor was there much room at one */

/* ---- pruning: what is old is looked for in short snapshots, and dropped by commits that the caller bounds ---- */

/* The content of old records is given up, and only that: sequence, times and index stay, no reader is told, and the same
 * content saved again is unchanged, but stored. An update of one has nothing to merge into: `missing`. */
struct prunable_query {
	uint32_t dataset;
	uint64_t after, until; /* sequences: behind the one, up to the other */
	size_t limit;
};
/* Sequences of those that still have their content. *next: the sequence to go on behind; *more: there may be others behind it. */
int store_prunable(struct store *s, const struct prunable_query *q, void (*each)(void *arg, uint64_t sequence), void *arg,
                   uint64_t *next, bool *more, struct err *err);
/* Counted `deleted`; when it has changed by then, or was pruned before, `missing`. What is merged, or a merge's own, is
 * refused (ERR_USAGE). */
void commit_record_prune(struct commit *c, uint32_t dataset, uint64_t sequence);

struct tombstone_query {
	uint32_t dataset;
	uint64_t after; /* sequence */
	int64_t before_us; /* deleted before then */
	size_t limit;
};
/* *next: the sequence to go on behind; *more: there may be others behind it. */
int store_tombstones(struct store *s, const struct tombstone_query *q, void (*each)(void *arg, uint64_t sequence),
                     void *arg, uint64_t *next, bool *more, struct err *err);
/* The deleted record goes for good, and cursors from before its delete are refused from now on. Counted `deleted`; when
 * it lives again or is gone by then, `missing`. */
void commit_tombstone_drop(struct commit *c, uint32_t dataset, uint64_t sequence);
int store_runs_oldest(struct store *s, uint64_t after, size_t limit,
                      bool (*each)(void *arg, uint64_t run, struct slice json), void *arg, struct err *err);
/* Steps of a run whose number is above `after`, in order. limit 0: 100. */
int store_steps(struct store *s, uint64_t run, uint64_t after, size_t limit,
                bool (*each)(void *arg, uint64_t step, struct slice json), void *arg, struct err *err);
/* Numbers of the lines of a run's log; false: none. */
bool store_log_span(struct store *s, uint64_t run, uint64_t *first, uint64_t *last);
uint64_t store_log_bytes(struct store *s); /* room that all lines take in the file */
bool store_log_next(struct store *s, uint64_t after, uint64_t *run); /* the first run above `after` that has lines; false: none */
/* Not of the newest run: numbers of runs go on from it. */
void commit_run_drop(struct commit *c, uint64_t run);
void commit_log_drop(struct commit *c, uint64_t run, uint64_t first, uint64_t last); /* both included */

/* ---- merges: datasets that are made out of others, by a common identifier ----
 *
 * Kept up to date by the transactions that change their sources; a merged dataset is read like any other, under
 * connection "merge", integration "merge" and its name. */
struct store_merge {
	const char *name;                    /* the model */
	const struct dataset_name *sources;  /* in order of priority: each field comes from the first that has it; 1 to 32 */
	size_t n;
	const char *const *keys;             /* NULL-terminated: dotted paths to the common identifier, a string or number;
	                                        the first that leads to one counts */
	const char *const *fields;           /* NULL-terminated; NULL: all */
};
/* These there are from now on. Those that are defined as before go on; new and changed ones are to be built; others are
 * forgotten, and their datasets stay as they are. Waits for its commits. */
int store_merges(struct store *s, const struct store_merge *list, size_t n, struct err *err);
uint32_t store_merge_unbuilt(struct store *s); /* the dataset of one that is still to be built; 0: none */
/* Builds a piece of it, in a commit of its own: until store_merge_unbuilt names it no more. */
void store_merge_build(struct store *s, uint32_t dataset, commit_done *done, void *arg);

/* ---- all of it ---- */

/* Walks everything and checks every invariant: ids <-> rows <-> feed one to one, counts exact, sequences within bounds,
 * seals intact, nothing unreachable. Calls fault for each violation; 0 when there was none. */
int store_verify(struct store *s, void (*fault)(void *arg, const char *text), void *arg, struct err *err);

/* ---- long work beside the commits, on a thread of its own: one at a time ---- */

enum store_job { JOB_VERIFY = 1, JOB_BACKUP };
struct store_job_ask {
	enum store_job what;
	const char *token; /* the asker's own: a result is for whoever asked, and nobody else */
	const char *dir;   /* JOB_BACKUP: data.mdb is made in it, whole, durable and consistent; it must exist */
};
struct store_job_state {
	bool done;
	struct err err;     /* of the job; cls ERR_NONE: it went well (JOB_VERIFY: no violation) */
	uint64_t faults;    /* JOB_VERIFY */
	struct slice lines; /* JOB_VERIFY: the first faults, a line each; borrowed until the next call */
};
/* The first call with a token starts the job, the others look. ERR_BUSY: another one is under way. store_close ends it
 * early, and leaves no data.mdb then. */
int store_job(struct store *s, const struct store_job_ask *ask, struct store_job_state *out, struct err *err);

/* Puts the copy that JOB_BACKUP made in `from` into o->dir, which must be absent or empty: verified first, then by one
 * rename. The directory's lock is held, so nobody opens it meanwhile; killed at any moment, the directory holds the whole
 * store or none. */
int store_restore(const struct store_options *o, const char *from, uint64_t *bytes, struct err *err);
/* Opens a backup where it stands and walks through all of it; leaves no other file there. */
int store_backup_check(const struct store_options *o, const char *dir, uint64_t *bytes, struct err *err);

/* The operator's key is exchanged, in one transaction: from its end on only the new one opens the store. was: the
 * options that it was opened with; now: key or key_file (made when missing). The data stays as it is: the operator's key
 * wraps the store's own. */
int store_rekey(struct store *s, const struct store_options *was, const struct store_options *now, struct err *err);

#endif
