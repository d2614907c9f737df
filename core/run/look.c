/* look.c - runs under way, looked at from outside: which there are, how far each is, and what it waits for.
 *
 * Guarantee: nothing here changes a run; all of it may be called from any callback of the loop.
 *
 * Awkward: a dry run and a check are under way too (run_next), but do not stand in the way of a sync (host_run). */
#include <string.h>
#include "run/inside.h"

static const char *const state_names[RUN_STATES] = {
	[RUN_QUEUED] = "queued",     [RUN_SPAWNING] = "starting",     [RUN_LOADING] = "loading",
	[RUN_STEPPING] = "stepping", [RUN_COMMITTING] = "committing", [RUN_DONE] = "done",
};

const char *
run_state_name(enum run_state s)
{
	return s < RUN_STATES ? state_names[s] : "?";
}

struct run *
host_run(const struct host *h, const char *connection, const char *integration, const char *sync)
{
	struct run *r = h->runs;

	while (r && !(r->sync && !r->webhook && !r->request.dry && strcmp(r->connection->name, connection) == 0 &&
	              strcmp(r->connection->integration->name, integration) == 0 && strcmp(r->request.name, sync) == 0))
		r = r->next;
	return r;
}

struct run *
run_next(const struct host *h, const struct run *r)
{
	return r ? r->next : h->runs;
}

const struct run_request *
run_asked(const struct run *r)
{
	return &r->request;
}

uint64_t
run_number(const struct run *r)
{
	return r->number;
}

void
run_progress(const struct run *r, uint64_t *done, uint64_t *total)
{
	*done = r->progress_done;
	*total = r->progress_total;
}

const char *
run_position(struct run *r)
{
	return buf_str(&r->position);
}

uint64_t
run_step(const struct run *r)
{
	return r->steps.begun;
}

void
run_look(const struct run *r, enum run_state *state, struct run_counts *so_far, enum wait_reason *waiting,
         int64_t *until_us)
{
	const char *what;

	*state = r->state;
	*so_far = r->counts;
	so_far->total_ms = clock_mono_ms(r->host->clock) - r->start_ms;
	*waiting = run_waits(r, until_us, &what);
}

enum wait_reason
run_waits(const struct run *r, int64_t *until_us, const char **what)
{
	return requests_waiting(r, until_us, what);
}
