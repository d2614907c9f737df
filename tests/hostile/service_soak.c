/* service_soak.c - a service that works hard for a while: twenty connections due every second, a worker killed every other
 * second; and nothing grows.
 *
 *   SOAK_SECONDS (15)
 *
 * What must stay as it is: descriptors and threads of the host, no child of it a zombie, its anonymous memory but for
 * GROWTH_MOST (a line through ten seconds says little about an hour, so quarters are compared), and the store's soundness.
 * A worker killed before it had come anywhere costs its run, which is tried again: no more runs fail than workers died. */
#define TAP_NO_MAIN
#include "../hostile/service.h"
#include "../tap.h"

#define GROWTH_MOST (SLUICE_SANITIZED ? 120.0 : 6.0) /* MiB between the second quarter and the last; the sanitizer keeps what is freed */
#define ZOMBIE_LOOKS 200 /* 10 s: on a loaded machine the host comes to it late */
#define KILL_EVERY_S 2.0

struct soak {
	double next_kill;
	int killed, zombies, looks;
};

static bool
is_zombie(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	if (f)
		fclose(f);
	return state == 'Z';
}

/* Workers live for milliseconds: one is looked for until there is one. */
static void
soak_look(void *arg, pid_t host)
{
	struct soak *s = arg;
	pid_t child = 0;

	s->looks++;
	child = child_of(host);
	for (int i = 0; i < ZOMBIE_LOOKS && child && is_zombie(child); i++) {
		nap(50000);
		s->zombies += i == ZOMBIE_LOOKS - 1 && is_zombie(child);
	}
	if (wall_seconds() < s->next_kill)
		return;
	for (int i = 0; i < 5000 && (child = child_of(host)) == 0; i++)
		nap(20);
	if (child > 0 && kill(child, SIGKILL) == 0)
		s->killed++;
	s->next_kill = wall_seconds() + KILL_EVERY_S;
}

static double
anon_between(const struct service_account *a, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += a->samples[i].anon;
	return to > from ? sum / (double)(to - from) : 0;
}

TEST("twenty connections every second, a worker killed every other second: nothing grows, and what died is made good")
{
	const char *seconds = getenv("SOAK_SECONDS");
	struct service_play p = {.connections = SLUICE_SANITIZED ? 5 : 20,
	                         .every_ms = 1000,
	                         .seconds = seconds ? atoi(seconds) : 15,
	                         .max_runs = 16};
	struct service_account *a = XNEW(struct service_account);
	struct soak soak = {.next_kill = wall_seconds() + 3};
	struct stage st;
	size_t quarter;
	double grown;

	service_stage(&st, &p);
	service_serve(&st, &p, a, soak_look, &soak);
	service_judge(&st, &p, a);
	stage_finish(&st);
	quarter = a->n_samples / 4;
	grown = anon_between(a, quarter * 3, a->n_samples) - anon_between(a, quarter, quarter * 2);
	printf("# %ld runs, %ld failed, %d workers killed, %.2f MiB at the end, %.2f more than before, %.1f MiB/h; late at most %.3f s\n",
	       a->runs, a->failed, soak.killed, a->anon, grown, a->growth, a->late_most);
	CHECK(a->sound);
	CHECK(a->failed <= soak.killed);
	CHECK(a->lost <= lost_most(a, &p));
	CHECK_INT(a->doubled, 0);
	CHECK_INT(a->ended_with, 0);
	CHECK_INT(soak.zombies, 0);
	CHECK(soak.killed > 0);
	CHECK(a->fds <= a->fds_before + 8);
	CHECK(a->threads <= a->threads_before + 8); /* those of a pool begin late on a busy machine */
	CHECK(grown < GROWTH_MOST);
	free(a);
}

int
main(int argc, char **argv)
{
	return tap_main(argc, argv);
}
