/* writer.h - the writer thread and its queue; private to the store.
 *
 * Commits wait in the queue until the oldest is commit_delay old, commit_bytes are there, or one says `now`; then all
 * of them become one transaction. Finished ones go to a second list, whose callbacks store_poll runs on the loop's
 * thread. */
#ifndef SLUICE_STORE_WRITER_H
#define SLUICE_STORE_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include "store/commit.h"

struct writer {
	pthread_t thread;
	bool running;
	int64_t delay_ms;
	uint64_t bytes_max;
	void (*wake)(void *arg);
	void *wake_arg;
	atomic_uint_fast64_t commits, groups;
	atomic_uint_fast64_t took[STORE_TOOK_BOUNDS + 1]; /* transactions, by duration */
	atomic_uint_fast64_t took_us;
	atomic_int_fast64_t writing_ms; /* since when the group under way has waited or been written, monotonic; 0: none */
	atomic_uint_fast64_t full; /* bytes of the group that found no room; 0: none, or there is room again */

	pthread_mutex_t lock;   /* guards what follows */
	pthread_cond_t arrived; /* for the writer: something is in the queue, or stop */
	pthread_cond_t ended;   /* for waiters: a group is through */
	struct commit *first, **last;
	struct commit *done_first, **done_last;
	uint64_t bytes; /* in the queue */
	bool now, busy, stop;
	bool followed;
	uint32_t *changed; /* datasets, each once, that store_poll is to tell of */
	size_t n_changed, cap_changed;
	void (*tell)(void *arg, uint32_t dataset); /* the loop's, as its argument */
	void *tell_arg;
};

void writer_start(struct writer *w, struct store *s, const struct store_options *o); /* of a guest: without the thread */
void writer_stop(struct writer *w); /* after everything in the queue is written */

void writer_stats(struct store *s, struct store_stats *out); /* what of it the writer knows; any thread */

void writer_changed(struct writer *w, uint32_t dataset); /* something in it has become durable; for the writer's thread */

/* For this folder: a commit that hands out a number, waited for. 0: error. Takes c. */
uint64_t writer_number(struct store *s, struct commit *c, struct err *err);

#endif
