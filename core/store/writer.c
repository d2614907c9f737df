/* writer.c - the one thread that writes, and what happens to a group that fails.
 *
 *   map full           abort, double the map, replay the group: unseen by callers except as time
 *   one commit refused abort, mark that one, replay the others: a fence or damaged record costs its own commit only
 *   anything else      abort, close and reopen the environment, report to all: an fsync that failed once may lie the
 * next time
 *
 * Awkward: the delay is real time, whatever clock the store was given: it bounds how long others wait for durability.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "base/log.h"
#include "base/mem.h"
#include "store/apply.h"
#include "store/inner.h"

#define DELAY_MS 50
#define BYTES_MAX (4 << 20)

static uint64_t
list_bytes(const struct commit *list)
{
	uint64_t n = 0;

	for (; list; list = list->next)
		n += list->ops.len;
	return n;
}

static void
list_fail(struct store *s, struct commit *list, const struct err *err)
{
	for (struct commit *c = list; c; c = c->next) {
		if (c->err.cls)
			continue;
		c->err = *err;
		fence_break(s, c->fence);
	}
}

static bool
list_any_good(const struct commit *list)
{
	for (; list; list = list->next)
		if (!list->err.cls)
			return true;
	return false;
}

/* A small group may find room where a large one did not: only one as large, or much free room, ends it. */
static void
full_end(struct store *s, uint64_t written)
{
	uint64_t need = atomic_load(&s->writer.full);

	if (need && (written >= need || !env_full(&s->env, EIO, need)))
		atomic_store(&s->writer.full, 0);
}

static void
group_write(struct store *s, struct commit *list)
{
	struct err err = {0}, again = {0};
	int rc = 0;

	if (!s->env.mdb && env_reopen(&s->env, &err) < 0) {
		list_fail(s, list, &err);
		return;
	}
	env_readers_clear(&s->env);
	while (list_any_good(list)) {
		rc = apply_group(s, list);
		if (rc == MDB_MAP_FULL)
			rc = env_grow(&s->env);
		else if (rc != APPLY_REFUSED)
			break;
		if (rc && rc != APPLY_REFUSED)
			break;
	}
	if (!rc) {
		atomic_fetch_add(&s->writer.groups, 1);
		full_end(s, list_bytes(list));
	}
	if (!rc || rc == APPLY_REFUSED)
		return;
	if (env_full(&s->env, rc, list_bytes(list)))
		atomic_store(&s->writer.full, list_bytes(list) + 1);
	env_error(&s->env, rc, "cannot write", list_bytes(list), &err);
	if (env_reopen(&s->env, &again) < 0)
		log_error("%s", again.text);
	list_fail(s, list, &err);
}

static void
until(struct timespec *t, int64_t ms)
{
	t->tv_sec = ms / 1000;
	t->tv_nsec = ms % 1000 * 1000000;
}

const double store_took_bounds[STORE_TOOK_BOUNDS] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};

static void
group_took(struct writer *w, int64_t us)
{
	size_t i = 0;

	while (i < STORE_TOOK_BOUNDS && (double)us / 1e6 > store_took_bounds[i])
		i++;
	atomic_fetch_add(&w->took[i], 1);
	atomic_fetch_add(&w->took_us, (uint64_t)us);
}

static int64_t
mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Waits until a group is due and takes it; NULL: stop. Called locked. */
static struct commit *
group_take(struct writer *w)
{
	struct timespec due;
	struct commit *list;

	while (!w->first && !w->stop)
		pthread_cond_wait(&w->arrived, &w->lock);
	while (w->first && !w->stop && !w->now && w->bytes < w->bytes_max) {
		until(&due, w->first->submitted_ms + w->delay_ms);
		if (pthread_cond_timedwait(&w->arrived, &w->lock, &due) == ETIMEDOUT)
			break;
	}
	list = w->first;
	w->first = NULL;
	w->last = &w->first;
	w->bytes = 0;
	w->now = false;
	w->busy = list != NULL;
	return list;
}

/* Hands the finished back: those that somebody waits for by their flag, the others by the list. Called locked.
 * A waiter frees its commit once it is marked, so the next one is read before. */
static bool
group_return(struct writer *w, struct commit *list)
{
	bool poll = false;

	for (struct commit *c = list, *next; c; c = next) {
		next = c->next;
		c->next = NULL;
		atomic_fetch_add(&w->commits, !c->err.cls);
		if (!c->waited) {
			*w->done_last = c;
			w->done_last = &c->next;
			poll = true;
		}
		c->finished = true;
	}
	w->busy = false;
	pthread_cond_broadcast(&w->ended);
	return poll || w->n_changed;
}

static void *
writer_main(void *arg)
{
	struct store *s = arg;
	struct writer *w = &s->writer;
	struct commit *list;

	pthread_mutex_lock(&w->lock);
	while ((list = group_take(w))) {
		int64_t begun = mono_us();
		bool poll;
		atomic_store(&w->writing_ms, list->submitted_ms);
		pthread_mutex_unlock(&w->lock);
		group_write(s, list);
		group_took(w, mono_us() - begun);
		pthread_mutex_lock(&w->lock);
		atomic_store(&w->writing_ms, 0);
		poll = group_return(w, list);
		if (poll && w->wake) {
			pthread_mutex_unlock(&w->lock);
			w->wake(w->wake_arg);
			pthread_mutex_lock(&w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

void
writer_start(struct writer *w, struct store *s, const struct store_options *o)
{
	pthread_condattr_t attr;

	w->delay_ms = o->commit_delay_ms ? o->commit_delay_ms : DELAY_MS;
	w->bytes_max = o->commit_bytes ? o->commit_bytes : BYTES_MAX;
	w->wake = o->wake;
	w->wake_arg = o->arg;
	w->last = &w->first;
	w->done_last = &w->done_first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->arrived, &attr);
	pthread_cond_init(&w->ended, NULL);
	pthread_condattr_destroy(&attr);
	if (o->guest)
		return; /* it has no writer: see refuse */
	if (pthread_create(&w->thread, NULL, writer_main, s) != 0)
		die("store: cannot start the writer thread");
	w->running = true;
}

void
writer_stop(struct writer *w)
{
	if (w->running) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->arrived);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	pthread_cond_destroy(&w->ended);
	pthread_cond_destroy(&w->arrived);
	pthread_mutex_destroy(&w->lock);
	free(w->changed);
	w->running = false;
}

/* Of a guest: nobody would ever write it. */
static void
refuse(struct writer *w, struct commit *c, const char *dir)
{
	err_set(&c->err, ERR_BUSY, "the store %s is open in another process, and is only read here", dir);
	c->finished = true;
	if (c->waited)
		return;
	*w->done_last = c;
	w->done_last = &c->next;
	if (w->wake)
		w->wake(w->wake_arg);
}

static void
submit(struct store *s, struct commit *c, bool now)
{
	struct writer *w = &s->writer;

	if (!w->running) {
		refuse(w, c, s->dir);
		return;
	}
	c->now = now;
	c->submitted_ms = clock_mono_ms(&clock_system);
	pthread_mutex_lock(&w->lock);
	*w->last = c;
	w->last = &c->next;
	w->bytes += commit_bytes(c);
	w->now |= now;
	pthread_cond_signal(&w->arrived);
	pthread_mutex_unlock(&w->lock);
}

bool
store_full(const struct store *s)
{
	return atomic_load(&s->writer.full) != 0;
}

void
store_commit(struct store *s, struct commit *c, bool now, commit_done *done, void *arg)
{
	c->done = done;
	c->arg = arg;
	submit(s, c, now);
}

void
writer_stats(struct store *s, struct store_stats *out)
{
	struct writer *w = &s->writer;
	int64_t since;

	out->commits = atomic_load(&w->commits);
	out->groups = atomic_load(&w->groups);
	for (size_t i = 0; i <= STORE_TOOK_BOUNDS; i++)
		out->took[i] = atomic_load(&w->took[i]);
	out->took_us = (int64_t)atomic_load(&w->took_us);
	pthread_mutex_lock(&w->lock);
	since = atomic_load(&w->writing_ms);
	if (!since && w->first)
		since = w->first->submitted_ms;
	pthread_mutex_unlock(&w->lock);
	out->oldest_waiting_ms = since ? clock_mono_ms(&clock_system) - since : 0;
}

static void
wait_for(struct store *s, struct commit *c)
{
	struct writer *w = &s->writer;

	c->waited = true;
	submit(s, c, true);
	pthread_mutex_lock(&w->lock);
	while (!c->finished)
		pthread_cond_wait(&w->ended, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

int
store_commit_wait(struct store *s, struct commit *c, struct commit_counts *counts, struct err *err)
{
	int rc = 0;

	wait_for(s, c);
	if (counts)
		*counts = c->n_counts && !c->err.cls ? c->counts[0] : (struct commit_counts){0};
	if (c->err.cls) {
		if (err)
			*err = c->err;
		rc = -1;
	}
	commit_free(c);
	return rc;
}

uint64_t
writer_number(struct store *s, struct commit *c, struct err *err)
{
	uint64_t number;

	wait_for(s, c);
	number = c->err.cls ? 0 : c->number;
	if (c->err.cls && err)
		*err = c->err;
	commit_free(c);
	return number;
}

void
writer_changed(struct writer *w, uint32_t dataset)
{
	size_t i = 0;

	pthread_mutex_lock(&w->lock);
	while (i < w->n_changed && w->changed[i] != dataset)
		i++;
	if (w->followed && i == w->n_changed) {
		if (w->n_changed == w->cap_changed) {
			w->cap_changed = w->cap_changed ? w->cap_changed * 2 : 16;
			w->changed = xrealloc(w->changed, w->cap_changed * sizeof *w->changed);
		}
		w->changed[w->n_changed++] = dataset;
	}
	pthread_mutex_unlock(&w->lock);
}

void
store_follow(struct store *s, void (*changed)(void *arg, uint32_t dataset), void *arg)
{
	struct writer *w = &s->writer;

	w->tell = changed;
	w->tell_arg = arg;
	pthread_mutex_lock(&w->lock);
	w->followed = changed != NULL;
	w->n_changed = 0;
	pthread_mutex_unlock(&w->lock);
}

static void
changes_tell(struct writer *w)
{
	uint32_t *changed;
	size_t n;

	pthread_mutex_lock(&w->lock);
	changed = w->changed;
	n = w->n_changed;
	w->changed = NULL;
	w->n_changed = w->cap_changed = 0;
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < n && w->tell; i++)
		w->tell(w->tell_arg, changed[i]);
	free(changed);
}

void
store_poll(struct store *s)
{
	struct writer *w = &s->writer;
	struct commit *list;

	pthread_mutex_lock(&w->lock);
	list = w->done_first;
	w->done_first = NULL;
	w->done_last = &w->done_first;
	pthread_mutex_unlock(&w->lock);
	for (struct commit *c = list, *next; c; c = next) {
		struct commit_result r = {c->err, c->counts, c->err.cls ? 0 : c->n_counts, c->err.cls ? 0 : c->dead, c->err.cls ? 0 : c->known};
		next = c->next;
		if (c->done)
			c->done(c->arg, &r);
		commit_free(c);
	}
	changes_tell(w);
}

void
store_drain(struct store *s)
{
	struct writer *w = &s->writer;
	bool more = true;

	while (more) {
		pthread_mutex_lock(&w->lock);
		w->now = w->first != NULL;
		pthread_cond_signal(&w->arrived);
		while (w->first || w->busy)
			pthread_cond_wait(&w->ended, &w->lock);
		pthread_mutex_unlock(&w->lock);
		store_poll(s); /* whose callbacks may submit more */
		pthread_mutex_lock(&w->lock);
		more = w->first || w->busy || w->done_first;
		pthread_mutex_unlock(&w->lock);
	}
}
