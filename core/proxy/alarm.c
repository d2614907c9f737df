/* alarm.c - a binary heap of wake-ups over one uv_timer.
 *
 * Guarantee: an alarm never rings before its time by our clock: libuv counts from the loop's cached time and may wake
 * us a millisecond early, so what is not due yet is waited for again.
 * Awkward: a ringing alarm may set itself to "now". Those wait for the next turn of the loop, or one busy call could
 * keep the loop from ever turning: a round takes only as many alarms as were there when it began. */
#include "proxy/alarm.h"

#include <assert.h>
#include <stdlib.h>
#include "base/mem.h"

static void
timer_fired(uv_timer_t *timer)
{
	alarms_ring(timer->data);
}

static void
timer_closed(uv_handle_t *handle)
{
	free(handle->data);
	free(handle);
}

int
alarms_init(struct alarms *a, uv_loop_t *loop, const struct clock *clock)
{
	int rc;

	*a = (struct alarms){.clock = clock, .timer = XNEW(uv_timer_t)};
	rc = uv_timer_init(loop, a->timer);
	if (rc) {
		free(a->timer);
		a->timer = NULL;
		return rc;
	}
	a->timer->data = a;
	return 0;
}

void
alarms_finish(struct alarms *a, void *owner)
{
	uv_timer_stop(a->timer);
	a->timer->data = owner;
	uv_close((uv_handle_t *)a->timer, timer_closed);
	for (size_t i = 0; i < a->count; i++)
		a->heap[i]->place = 0;
	free(a->heap);
	*a = (struct alarms){.clock = a->clock, .closed = true}; /* alarms_ring may be waiting to look at it */
}

int64_t
alarms_now(const struct alarms *a)
{
	return clock_mono_ms(a->clock);
}

static void
alarms_arm(struct alarms *a)
{
	int64_t wait;

	if (a->closed)
		return;
	if (!a->count) {
		uv_timer_stop(a->timer);
		return;
	}
	wait = a->heap[0]->at - alarms_now(a);
	uv_update_time(a->timer->loop);
	uv_timer_start(a->timer, timer_fired, wait > 0 ? (uint64_t)wait : 0, 0);
}

static void
heap_put(struct alarms *a, size_t i, struct alarm *alarm)
{
	a->heap[i] = alarm;
	alarm->place = i + 1;
}

static void
heap_up(struct alarms *a, size_t i)
{
	struct alarm *moving = a->heap[i];

	for (; i > 0 && a->heap[(i - 1) / 2]->at > moving->at; i = (i - 1) / 2)
		heap_put(a, i, a->heap[(i - 1) / 2]);
	heap_put(a, i, moving);
}

static void
heap_down(struct alarms *a, size_t i)
{
	struct alarm *moving = a->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= a->count)
			break;
		if (child + 1 < a->count && a->heap[child + 1]->at < a->heap[child]->at)
			child++;
		if (a->heap[child]->at >= moving->at)
			break;
		heap_put(a, i, a->heap[child]);
		i = child;
	}
	heap_put(a, i, moving);
}

static void
heap_remove(struct alarms *a, struct alarm *alarm)
{
	size_t i = alarm->place - 1;
	struct alarm *last = a->heap[--a->count];

	assert(alarm->place && a->heap[i] == alarm);
	alarm->place = 0;
	if (last == alarm)
		return;
	heap_put(a, i, last);
	heap_up(a, i);
	heap_down(a, last->place - 1);
}

void
alarm_set(struct alarms *a, struct alarm *alarm, int64_t at)
{
	if (a->closed)
		return;
	if (alarm->place)
		heap_remove(a, alarm);
	if (a->count == a->room) {
		a->room = a->room ? 2 * a->room : 16;
		a->heap = xrealloc(a->heap, a->room * sizeof *a->heap);
	}
	alarm->at = at;
	a->heap[a->count++] = alarm;
	heap_up(a, a->count - 1);
	if (a->heap[0] == alarm)
		alarms_arm(a);
}

void
alarm_clear(struct alarms *a, struct alarm *alarm)
{
	if (alarm->place)
		heap_remove(a, alarm);
}

void
alarms_ring(struct alarms *a)
{
	int64_t now = alarms_now(a);

	for (size_t most = a->count; most && a->count && a->heap[0]->at <= now; most--) {
		struct alarm *due = a->heap[0];

		heap_remove(a, due);
		due->ring(due->arg);
	}
	alarms_arm(a);
}
