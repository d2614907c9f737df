/* retention.h - what is old goes: tombstones, settled letters, events given up, runs with their steps, lines of logs.
 *
 * One step looks at a bounded piece in short snapshots and says in a commit of the caller's what is to go; so the loop is
 * never held, and a kill between two steps leaves a whole store. `prune` asks for steps one by one; a service has a
 * struct retention, which goes through all that its settings limit, a step a turn, and waits for no commit. */
#ifndef SLUICE_RUN_RETENTION_H
#define SLUICE_RUN_RETENTION_H

#include "config/settings.h"
#include "store/store.h"

/* Runs that stay whatever their age: the newest (numbers go on from it), and each that is under way or interrupted, which
 * its sync's STATE_RUN names. Those that begin later are newer than the newest. */
struct kept_runs {
	uint64_t newest;
	uint64_t *list; /* sorted */
	size_t n;
};
int kept_runs_find(struct store *s, struct kept_runs *k, struct err *err);
void kept_runs_finish(struct kept_runs *k);

enum retained { RETAIN_DELETED, RETAIN_LETTERS, RETAIN_EVENTS, RETAIN_RUNS, RETAIN_LOGS, RETAIN_LOG_BYTES, RETAINED };

struct retention_step {
	enum retained what;
	int64_t before_us;      /* deleted, settled, given up, ended before then */
	int64_t logs_before_us; /* RETAIN_RUNS: the lines of runs that ended before then are not counted: RETAIN_LOGS did */
	uint64_t most_bytes;    /* RETAIN_LOG_BYTES: until the lines of all runs together take no more; the oldest run's first */
	const struct kept_runs *kept; /* for runs and lines */
	uint32_t dataset;       /* where it goes on; all 0: at the beginning. Moved on */
	uint64_t after;
	bool more;              /* there may be other work behind it */
	uint64_t tombstones, letters, events, runs, lines; /* of this step */
};
/* commit NULL: counts only. 0 or -1. */
int retention_step(struct store *s, struct retention_step *step, struct commit *commit, struct err *err);

struct retention;
struct retention *retention_new(struct store *s);
/* A turn: the next step of a round through everything that `keep` limits (read at the round's first turn); its commit is on
 * its way when this returns. done is called once that is durable or there was nothing to commit: at once then, and from
 * store_poll otherwise; more: this round has not come to its end. A commit that fails ends the round, with a warning.
 * Not to be called before the last turn is done. */
void retention_turn(struct retention *r, const struct host_settings *keep, int64_t now_us,
                    void (*done)(void *arg, bool more), void *arg);
void retention_free(struct retention *r); /* waits for what is on its way; NULL is fine */

#endif
