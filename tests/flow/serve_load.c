/* serve_load.c - thirty connections with two syncs each, every three seconds, and the host is killed again and again: no
 * due time is lost, none is met twice, and the provider was asked by nobody who is not in the history.
 *
 * The same for ten minutes and a thousand connections is measured by tests/bench/service.c. Awkward: on a machine that is
 * busy elsewhere runs begin late; the bound here is far from what is usual, which is milliseconds, and there are so few
 * connections that a twentieth of a core is enough. Under the sanitizers, where a worker costs ten times as much, still fewer. */
#define TAP_NO_MAIN
#include "../hostile/service.h"
#include "../tap.h"

#define MAX_RUNS 16
#define LATE_MOST 10.0 /* seconds */
#define GROWTH_FDS 8
#define GROWTH_THREADS 8 /* those of a pool begin late on a busy machine */

static struct service_play
play_of(int seconds, int kill_ms)
{
	return (struct service_play){.connections = SLUICE_SANITIZED ? 10 : 30,
	                             .every_ms = 3000,
	                             .seconds = seconds,
	                             .kill_ms = kill_ms,
	                             .max_runs = MAX_RUNS};
}

static struct service_account *
played(const struct service_play *p)
{
	struct service_account *a = XNEW(struct service_account);
	struct stage st;

	service_stage(&st, p);
	service_serve(&st, p, a, NULL, NULL);
	service_judge(&st, p, a);
	stage_finish(&st);
	printf("# %ld due times met by %ld runs of %d hosts: %ld cut off, %ld taken up again; late by %.3f s, 99 %% %.3f, at most "
	       "%.3f; %.2f ms of CPU a run; %ld lost; %ld requests beyond the history\n",
	       a->met, a->runs, a->hosts, a->cut, a->resumed, a->late_half, a->late_99, a->late_most,
	       a->cpu * 1e3 / (double)a->runs, a->lost, a->unasked);
	return a;
}

static void
account_check(const struct service_account *a, const struct service_play *p)
{
	CHECK_STR(a->trouble, "");
	CHECK(a->sound);
	CHECK_INT(a->failed, 0);
	CHECK(a->lost <= lost_most(a, p));
	CHECK_INT(a->doubled, 0);
	CHECK_INT(a->ended_with, 0);
	CHECK(a->late_99 < LATE_MOST);
}

TEST("thirty connections are synced every three seconds: nothing lost or doubled, descriptors and threads stay as many")
{
	struct service_play p = play_of(9, 0);
	struct service_account *a = played(&p);

	account_check(a, &p);
	CHECK(a->met > p.connections * 2 * 3 / 2);
	CHECK_INT(a->unasked, 0);
	CHECK(a->fds <= a->fds_before + GROWTH_FDS);
	CHECK(a->threads <= a->threads_before + GROWTH_THREADS);
	free(a);
}

TEST("the same with the host killed again and again")
{
	struct service_play p = play_of(14, 3300);
	struct service_account *a = played(&p);

	account_check(a, &p);
	CHECK(a->hosts >= 4);
	CHECK(a->met > p.connections * 2 * 2);
	CHECK(a->unasked >= 0 && a->unasked <= (a->hosts - 1) * MAX_RUNS);
	free(a);
}

int
main(int argc, char **argv)
{
	return tap_main(argc, argv);
}
