/* upkeep.c - see upkeep.h.
 *
 *   pause (a minute, then an hour) --> turn --committed, more--> short pause --> turn ... --no more--> pause
 *
 * Guarantee: nothing here waits. A round that fails (the disk is full) is said once and begins anew at the next hour. */
#include "schedule/upkeep.h"

#include <stdlib.h>
#include "base/mem.h"
#include "run/retention.h"

#define FIRST_MS (60 * 1000)
#define ROUND_MS (60 * 60 * 1000)
#define TURN_MS 50 /* between two turns of a round */

struct upkeep {
	struct host *host;
	struct retention *retention;
	uv_timer_t timer;
	bool closed;
};

static void
upkeep_turn(uv_timer_t *timer);

static void
turn_done(void *arg, bool more)
{
	struct upkeep *u = arg;

	uv_timer_start(&u->timer, upkeep_turn, more ? TURN_MS : ROUND_MS, 0);
}

static void
upkeep_turn(uv_timer_t *timer)
{
	struct upkeep *u = timer->data;

	retention_turn(u->retention, &host_settings(u->host)->host, clock_wall_us(host_clock(u->host)), turn_done, u);
}

struct upkeep *
upkeep_new(struct host *h, struct err *err)
{
	struct upkeep *u = XNEW(struct upkeep);

	u->host = h;
	if (uv_timer_init(host_loop(h), &u->timer) != 0) {
		err_set(err, ERR_HOST, "the event loop takes no more handles");
		free(u);
		return NULL;
	}
	u->timer.data = u;
	u->retention = retention_new(host_store(h));
	uv_timer_start(&u->timer, upkeep_turn, FIRST_MS, 0);
	return u;
}

static void
timer_closed(uv_handle_t *handle)
{
	struct upkeep *u = handle->data;

	u->closed = true;
}

void
upkeep_free(struct upkeep *u)
{
	if (!u)
		return;
	retention_free(u->retention);
	uv_close((uv_handle_t *)&u->timer, timer_closed);
	while (!u->closed)
		uv_run(host_loop(u->host), UV_RUN_ONCE);
	free(u);
}
