/* exit.c - one exit code for one run, and one for several: the one that asks most of whoever called.
 *
 * A signal goes before all; then what has to be repaired by a person (70 broken, 2 configuration, 3 credentials), then
 * what time heals (4 already running, 75 temporary), then 1: finished, but not everything is well. */
#include "base/mem.h"
#include "cli/cli.h"

static const int order[] = {0, 1, 75, 4, 3, 2, 70, 143, 130};

static size_t
rank(int code)
{
	for (size_t i = 0; i < LENGTH(order); i++)
		if (order[i] == code)
			return i;
	return LENGTH(order);
}

int
exit_worst(int a, int b)
{
	return rank(a) > rank(b) ? a : b;
}

/* Nothing that was lost, skipped or held back exits 0. */
int
exit_of(const struct run_result *r)
{
	if (r->err.cls == ERR_STOPPED)
		return 75; /* whoever stopped it by a signal says so himself */
	if (r->err.cls != ERR_NONE)
		return err_exit_code(r->err.cls);
	return r->counts.rejected || r->counts.held || r->incomplete || r->partial;
}

const char *
status_of(const struct run_result *r)
{
	if (r->err.cls == ERR_STOPPED)
		return "stopped";
	if (r->err.cls != ERR_NONE)
		return "error";
	return exit_of(r) ? "partial" : "success";
}
