/* waits.c - see waits.h. Waits stand in lists by dataset, and those with a time besides in a heap, whose first sets the timer.
 *
 * Awkward: who is woken may add itself again, or drop others. So those that a change wakes are first moved to a list of their
 * own, from which each is taken before it is told. */
#include <stdlib.h>
#include "api/waits.h"
#include "base/mem.h"

#define LISTS 256u

struct waits {
	const struct clock *clock;
	struct store *store;
	struct wait *lists[LISTS]; /* by dataset, each with others of the same remainder */
	struct heap times;
	uv_timer_t timer;
	size_t n;
	bool closed;
};

static void
list_put(struct wait **list, struct wait *w)
{
	w->next = *list;
	w->link = list;
	if (*list)
		(*list)->link = &w->next;
	*list = w;
}

static void
list_take(struct wait *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->next = NULL;
	w->link = NULL;
}

void
waits_drop(struct waits *all, struct wait *w)
{
	if (!w->link)
		return;
	list_take(w);
	heap_drop(&all->times, &w->until);
	all->n--;
}

static void
wake(struct waits *all, struct wait *w, bool late)
{
	waits_drop(all, w);
	w->woken(w->arg, late);
}

static void
dataset_changed(void *arg, uint32_t dataset)
{
	struct waits *all = arg;
	struct wait *woken = NULL, *next;

	for (struct wait *w = all->lists[dataset % LISTS]; w; w = next) {
		next = w->next;
		if (w->dataset != dataset)
			continue;
		list_take(w);
		list_put(&woken, w);
	}
	while (woken)
		wake(all, woken, false);
}

static void timer_set(struct waits *all);

static void
times_up(uv_timer_t *timer)
{
	struct waits *all = timer->data;
	int64_t now = clock_mono_ms(all->clock);
	struct heap_node *first;

	while ((first = heap_first(&all->times)) && first->key <= now)
		wake(all, first->owner, true);
	timer_set(all);
}

static void
timer_set(struct waits *all)
{
	const struct heap_node *first = heap_first(&all->times);
	int64_t ms;

	if (!first) {
		uv_timer_stop(&all->timer);
		return;
	}
	ms = first->key - clock_mono_ms(all->clock);
	uv_timer_start(&all->timer, times_up, ms > 0 ? (uint64_t)ms : 0, 0);
}

void
waits_add(struct waits *all, struct wait *w, uint32_t dataset, int64_t ms)
{
	waits_drop(all, w);
	w->dataset = dataset;
	list_put(&all->lists[dataset % LISTS], w);
	all->n++;
	if (ms <= 0)
		return;
	w->until.owner = w;
	heap_put(&all->times, &w->until, 0, clock_mono_ms(all->clock) + ms);
	if (heap_first(&all->times) == &w->until)
		timer_set(all);
}

size_t
waits_count(const struct waits *all)
{
	return all->n;
}

struct waits *
waits_new(uv_loop_t *loop, const struct clock *clock, struct store *s)
{
	struct waits *all = XNEW(struct waits);

	all->clock = clock;
	all->store = s;
	uv_timer_init(loop, &all->timer);
	all->timer.data = all;
	store_follow(s, dataset_changed, all);
	return all;
}

static void
timer_closed(uv_handle_t *handle)
{
	struct waits *all = handle->data;

	all->closed = true;
}

void
waits_free(struct waits *all)
{
	uv_loop_t *loop;

	if (!all)
		return;
	loop = all->timer.loop;
	store_follow(all->store, NULL, NULL);
	uv_close((uv_handle_t *)&all->timer, timer_closed);
	while (!all->closed)
		uv_run(loop, UV_RUN_ONCE);
	heap_finish(&all->times);
	free(all);
}
