/* store_kill.h - the store under SIGKILL: a writer saves pages with a checkpoint behind each, and is killed at random
 * times and at its Nth write or fdatasync; whatever is found after reopening must be one of the states between two
 * pages.
 *
 *   every invariant holds (store_verify)            no acknowledged page is lost
 *   records are exactly those of pages < checkpoint the feed tells the same, once a record
 *   the outbox has each change of these pages once, in their order, whatever was taken out of it between two kills
 *
 * What page p does is a function of p, so the state after c pages is known. SLUICE_SEED and SLUICE_KILLS change the
 * campaign. */
#ifndef SLUICE_STORE_KILL_H
#define SLUICE_STORE_KILL_H
#define TAP_NO_MAIN
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include "store_pages.h"
#include "store/layout.h"

#define PAGES_A_RUN 60
#define ROUNDS 12 /* kills before the store is made afresh */

static char program[PATH_MAX], shim_path[PATH_MAX + 32];
extern char **environ;

/* ---- the child: goes on from the checkpoint until it is killed or through ---- */

static void
say(const char *what, unsigned p)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %u\n", what, p);

	if (write(STDOUT_FILENO, line, (size_t)n) < 0)
		_exit(3);
}

static void
acked(void *arg, const struct commit_result *r)
{
	if (!r->err.cls)
		say("ack", (unsigned)(uintptr_t)arg);
	else
		say("fail", (unsigned)(uintptr_t)arg);
}

static int
child(const char *dir, const char *key_file)
{
	struct kit k = {.o = {.dir = dir, .key_file = key_file, .commit_delay_ms = 1, .map_bytes = 1 << 20}};
	uint32_t d = 0, scope = 0;
	struct fence fence;
	unsigned p, end = 0;

	if (!kit_open(&k) || !(d = kit_dataset(&k, "M")) || !(scope = kit_scope(&k, "sync")) ||
	    store_outbox_rules(k.s, &(struct outbox_rule){.name = "crm", .wants = 7, .batch = 7}, 1, &k.err) < 0)
		return 4;
	fence = (struct fence){scope, store_epoch_next(k.s, scope, &k.err)};
	for (p = checkpoint(k.s, scope), end = p + PAGES_A_RUN; p < end; p++) {
		struct commit *c = commit_new(k.s, fence);
		page_build(&k, c, d, scope, p);
		store_commit(k.s, c, p % 2 == 0, acked, (void *)(uintptr_t)p);
		if (p % 3 == 0)
			store_drain(k.s);
		store_poll(k.s);
		if (p % 3 == 0 && checkpoint(k.s, scope) != p + 1) {
			/* a commit failed: a new run, from where the store stands */
			p = checkpoint(k.s, scope) - 1;
			fence.epoch = store_epoch_next(k.s, scope, &k.err);
		}
	}
	store_drain(k.s);
	kit_close(&k);
	return 0;
}

/* ---- the parent ---- */

struct campaign {
	struct kit k;
	unsigned long seed;
	unsigned bad, kills, acked; /* acked: pages from 0 that were acknowledged */
	unsigned faults;
	uint64_t taken; /* changes taken out of the outbox; their sequences are 1 to this */
};

static unsigned
random_below(struct campaign *m, unsigned n)
{
	m->seed = m->seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(m->seed >> 33) % n;
}

static void
read_acks(struct campaign *m, int fd)
{
	FILE *f = fdopen(fd, "r");
	char line[128];
	unsigned p;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n'))
			break;
		if (sscanf(line, "ack %u", &p) == 1 && p + 1 > m->acked)
			m->acked = p + 1;
		m->faults += strncmp(line, "fail", 4) == 0;
	}
	if (f)
		fclose(f);
}

static void
nap(unsigned us)
{
	nanosleep(&(struct timespec){us / 1000000, us % 1000000 * 1000L}, NULL);
}

/* Runs the child with further environment; kills it after so many microseconds (0: not). Its status. */
static int
run_child(struct campaign *m, char *const *more, unsigned kill_us)
{
	char *argv[] = {program, (char *)(uintptr_t)"--child", m->k.dir, m->k.key_file, NULL};
	char *env[512];
	size_t n = 0;
	int fds[2], status = 0;
	posix_spawn_file_actions_t fa;
	pid_t pid;

	while (environ[n] && n < 480) {
		env[n] = environ[n];
		n++;
	}
	while (*more)
		env[n++] = *more++;
	env[n] = NULL;
	if (pipe2(fds, O_CLOEXEC) < 0)
		abort();
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, fds[1], STDOUT_FILENO);
	if (posix_spawn(&pid, program, &fa, NULL, argv, env) != 0)
		abort();
	posix_spawn_file_actions_destroy(&fa);
	close(fds[1]);
	fcntl(fds[0], F_SETPIPE_SZ, 1 << 18);
	if (kill_us) {
		nap(kill_us);
		kill(pid, SIGKILL);
	}
	read_acks(m, fds[0]);
	waitpid(pid, &status, 0);
	return status;
}

static void
violation(struct campaign *m, const char *what, unsigned a, unsigned b)
{
	if (!LAYOUT_CONTROL)
		printf("# kill %u: %s (%u, %u)\n", m->kills, what, a, b);
	m->bad++;
}

static bool
number_take(void *arg, const struct outbox_event *e)
{
	*(uint64_t *)arg = e->number;
	return true;
}

static void
check_outbox(struct campaign *m, unsigned pages)
{
	struct outbox_query q = {.endpoint = store_outbox_endpoint(m->k.s, "crm"), };
	struct told *t = XNEW(struct told);
	struct commit *c = kit_commit(&m->k);
	uint64_t first = 0, last = 0;

	told_pages(t, pages);
	t->at = buf_str(&t->list);
	for (uint64_t i = 0; i < m->taken; i++)
		t->at += strcspn(t->at, "\n") + 1;
	t->next = m->taken + 1;
	q.limit = 1;
	store_outbox_list(m->k.s, &q, number_take, &first, &m->k.err);
	q.limit = 1000000;
	store_outbox_list(m->k.s, &q, number_take, &last, &m->k.err);
	t->taken = m->taken;
	t->below = first + random_below(m, (unsigned)(last - first) + 2);
	if (store_outbox_list(m->k.s, &q, told_event, t, &m->k.err) < 0)
		violation(m, m->k.err.text, 0, 0);
	if (t->wrong || t->next != t->n + 1)
		violation(m, "the outbox has not each change once, in order", t->wrong, (unsigned)(t->n + 1 - t->next));
	for (uint64_t i = first; i && i < t->below; i++)
		commit_outbox_done(c, q.endpoint, i);
	if (store_commit_wait(m->k.s, c, NULL, &m->k.err) < 0)
		violation(m, m->k.err.text, 0, 0);
	m->taken = t->taken;
	buf_free(&t->list);
	free(t);
}

/* What must hold whenever the writer has died. */
static void
check_store(struct campaign *m)
{
	const char *what;
	uint32_t d, scope;
	unsigned c;

	if (!kit_open(&m->k)) {
		violation(m, "the store does not open", 0, 0);
		return;
	}
	if (!kit_verify(&m->k))
		violation(m, "an invariant is broken", 0, 0);
	d = kit_dataset(&m->k, "M");
	scope = kit_scope(&m->k, "sync");
	c = checkpoint(m->k.s, scope);
	if (m->acked > c)
		violation(m, "an acknowledged page is lost", m->acked, c);
	m->acked = c;
	what = records_differ(&m->k, d, c);
	if (what)
		violation(m, what, c, 0);
	check_outbox(m, c);
	kit_close(&m->k);
}

static void
fresh_store(struct campaign *m)
{
	if (m->k.dir[0])
		kit_finish(&m->k);
	kit_init(&m->k);
	m->k.o.clock = NULL;
	m->acked = 0;
	m->taken = 0;
}

static void
campaign_start(struct campaign *m, unsigned long salt)
{
	const char *seed = getenv("SLUICE_SEED");

	*m = (struct campaign){.seed = seed ? strtoul(seed, NULL, 10) : 20261123};
	printf("# seed %lu\n", m->seed);
	m->seed ^= salt;
	fresh_store(m);
}

static unsigned
kills_wanted(unsigned usual)
{
	const char *n = getenv("SLUICE_KILLS");

	return n ? (unsigned)strtoul(n, NULL, 10) : usual;
}

static void
campaign_end(struct campaign *m, const char *name)
{
	printf("# %s: %u kills, %u violations\n", name, m->kills, m->bad);
	if (LAYOUT_CONTROL)
		CHECK(m->bad > 0); /* a campaign that cannot fail proves nothing */
	else
		CHECK_INT(m->bad, 0);
	kit_finish(&m->k);
}

static uint64_t
calls_in_all(struct campaign *m)
{
	char count_path[256], var[300], preload[PATH_MAX + 64];
	char *env[] = {preload, var, (char *)(uintptr_t)"ASAN_OPTIONS=verify_asan_link_order=0", NULL};
	uint64_t n = 0;
	int fd, status;

	snprintf(count_path, sizeof(count_path), "%s.count", m->k.key_file);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", shim_path);
	snprintf(var, sizeof(var), "SHIM_COUNT_FILE=%s", count_path);
	status = run_child(m, env, 0);
	CHECK_INT(status, 0);
	fd = open(count_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &n, sizeof(n)) != sizeof(n))
		n = 0;
	if (fd >= 0)
		close(fd);
	return n;
}

/* One run of the child with the shim told `what`. */
static int
run_shimmed(struct campaign *m, const char *what, bool torn)
{
	char preload[PATH_MAX + 64], var[64];
	char *env[] = {preload, var, (char *)(uintptr_t)"ASAN_OPTIONS=verify_asan_link_order=0",
	               (char *)(uintptr_t)(torn ? "SHIM_TORN=1" : "SHIM_TORN=0"), NULL};

	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", shim_path);
	snprintf(var, sizeof(var), "%s", what);
	return run_child(m, env, 0);
}

static void
kill_at_random_times(void)
{
	struct campaign m;
	char *none[] = {NULL};
	unsigned wanted = kills_wanted(60);

	campaign_start(&m, 1);
	for (m.kills = 0; m.kills < wanted; m.kills++) {
		if (m.kills % ROUNDS == 0)
			fresh_store(&m);
		run_child(&m, none, 2000 + random_below(&m, 60000));
		check_store(&m);
	}
	campaign_end(&m, "random kills");
}

static void
kill_at_nth_call(void)
{
	struct campaign m;
	unsigned wanted = kills_wanted(60), first, later;

	campaign_start(&m, 2);
	first = (unsigned)calls_in_all(&m); /* of a run that makes the store */
	later = (unsigned)calls_in_all(&m);
	REQUIRE(first > 20 && later > 20);
	for (m.kills = 0; m.kills < wanted; m.kills++) {
		char what[64];
		bool make = m.kills % ROUNDS == 0;
		int status;
		if (make)
			fresh_store(&m);
		snprintf(what, sizeof(what), "SHIM_KILL_AT=%u", 1 + random_below(&m, make ? first : later * 9 / 10));
		status = run_shimmed(&m, what, random_below(&m, 2));
		CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 0); /* grouping varies: the last N may not come */
		check_store(&m);
	}
	campaign_end(&m, "kills at the Nth call");
}

int
main(int argc, char **argv)
{
	char *slash;

	if (argc == 4 && strcmp(argv[1], "--child") == 0)
		return child(argv[2], argv[3]);
	if (!realpath(argv[0], program))
		return 2;
	snprintf(shim_path, sizeof(shim_path), "%s", program);
	slash = strrchr(shim_path, '/');
	snprintf(slash, sizeof(shim_path) - (size_t)(slash - shim_path), "/../plugins/shim.so");
	return tap_main(argc, argv);
}

#endif
