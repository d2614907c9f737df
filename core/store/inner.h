/* inner.h - struct store, for the files of this folder. */
#ifndef SLUICE_STORE_INNER_H
#define SLUICE_STORE_INNER_H

#include "store/env.h"
#include "store/seal.h"
#include "store/store.h"
#include "store/writer.h"

struct endpoint;
struct job;
struct merge;

struct merges { /* see merge.h */
	struct merge *list;
	size_t n;
	bool loaded; /* false: what stands here may not be what stands in the file */
};

struct outbox { /* see outbox.h */
	struct endpoint *list;
	size_t n;
	bool loaded;                 /* as above */
	atomic_uint wants;           /* all that was asked for by store_outbox_rules */
	atomic_uint_fast64_t added;  /* events made durable */
};

struct store {
	struct env env;
	struct seal seal;
	struct writer writer;
	const struct clock *clock;
	char *dir;
	int lock_fd; /* open and locked as long as the store is */
	bool hash_ids;
	uint64_t next_run;    /* the loop's */
	struct fence *broken; /* the writer's: runs of which a commit failed, newest epoch a scope; see fence_break */
	size_t n_broken;
	struct merges merges; /* the writer's */
	struct outbox outbox; /* the writer's */
	struct job *job; /* the last one begun; NULL: none. See job.c */
};

/* job.c */
void job_finish(struct store *s);         /* ends it early, and waits for that */
bool job_stopping(const struct store *s); /* asked by the job's own thread now and then */

#endif
