/* steps.c - a run cut into steps, with a real host, real workers and a provider that is told how to fail.
 *
 * The host stands in this process, so that the test sees each turn of its loop: it kills workers where it means to, and
 * knows what a run looked like meanwhile. Durations of the configuration are small; no bound of a test is. */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "run/run.h"
#include "wire/message.h"
#include "../tap.h"

#define STEPS_MOST 2000

struct seen_step {
	uint64_t number, attempt, calls, worker;
	char status[16], error[256], before[128], after[128];
};

struct bed {
	char dir[64], at[64];
	pid_t provider;
	uv_loop_t loop;
	struct settings *settings;
	struct host *host;

	bool over;
	struct run_result last;
	struct run_counts sum;         /* of its steps */
	struct seen_step steps[STEPS_MOST];
	size_t n_steps;

	uint64_t kill_every, kill_most; /* workers: those with a number that it divides */
	uint64_t killed, killed_last, requests_then;
};

static const char *
build(void)
{
	return getenv("BUILD") ? getenv("BUILD") : "build";
}

static void
control(struct bed *b, const char *what)
{
	char *line = xasprintf("%s/sluice-provider --control %s %s >/dev/null", build(), b->at, what);

	CHECK(system(line) == 0);
	free(line);
}

static void
provider_start(struct bed *b, const char *faults, unsigned records)
{
	char program[256], file[128], script[128], n[48], line[32] = "";
	FILE *f;

	snprintf(program, sizeof program, "%s/sluice-provider", build());
	snprintf(file, sizeof file, "%s/port", b->dir);
	snprintf(script, sizeof script, "%s/faults.json", b->dir);
	f = fopen(script, "w");
	REQUIRE(f && fputs(faults ? faults : "[]", f) >= 0 && fclose(f) == 0);
	b->provider = fork();
	if (b->provider == 0) {
		execl(program, program, "--port-file", file, "--exit-with-parent", "--quiet", script, NULL);
		_exit(127);
	}
	for (int i = 0; i < 3000 && !strchr(line, '\n'); i++) {
		f = fopen(file, "r");
		if (f) {
			if (!fgets(line, sizeof line, f))
				line[0] = 0;
			fclose(f);
		}
		usleep(10000);
	}
	snprintf(b->at, sizeof b->at, "http://127.0.0.1:%d", atoi(line));
	REQUIRE(atoi(line) > 0);
	snprintf(n, sizeof n, "set plain.records=%u", records);
	control(b, n);
}

static void
bed_make(struct bed *b, const char *host_lines, const char *sync_lines, const char *faults, unsigned records)
{
	char path[128], cwd[512];
	struct err err = {0};
	FILE *f;

	*b = (struct bed){.dir = "/tmp/sluice-steps-XXXXXX"};
	REQUIRE(mkdtemp(b->dir) && getcwd(cwd, sizeof cwd));
	provider_start(b, faults, records);
	snprintf(path, sizeof path, "%s/sluice.ini", b->dir);
	f = fopen(path, "w");
	REQUIRE(f);
	fprintf(f,
	        "[host]\ndata_dir = %s/store\nplugin_dir = %s%s%s/tests/plugins\nworker = %s%s%s/sluice-worker\n"
	        "log_level = error\n%s\n[integration steps]\nbase_url = %s\n",
	        b->dir, build()[0] == '/' ? "" : cwd, build()[0] == '/' ? "" : "/", build(),
	        build()[0] == '/' ? "" : cwd, build()[0] == '/' ? "" : "/", build(), host_lines, b->at);
	for (int i = 0; i < 20; i++)
		fprintf(f, "[connection c%d : steps]\n", i);
	fprintf(f, "[sync c0 : steps : list]\n%s\n[sync c0 : steps : whole]\n%s\n", sync_lines, sync_lines);
	fclose(f);
	b->settings = settings_load(&(struct settings_source){.conf = path}, &err);
	CHECK_STR(err.text, "");
	REQUIRE(b->settings);
	uv_loop_init(&b->loop);
	b->host = host_new(&(struct host_options){.loop = &b->loop, .clock = &clock_system, .settings = b->settings},
	                   &err);
	CHECK_STR(err.text, "");
	REQUIRE(b->host);
}

static void
bed_free(struct bed *b)
{
	char *line = xasprintf("rm -rf %s", b->dir);

	host_free(b->host);
	settings_free(b->settings);
	for (int i = 0; i < 100 && uv_loop_close(&b->loop) != 0; i++)
		uv_run(&b->loop, UV_RUN_NOWAIT);
	kill(b->provider, SIGKILL);
	waitpid(b->provider, NULL, 0);
	CHECK(system(line) == 0);
	free(line);
}

static const struct connection_settings *
connection(struct bed *b, const char *name)
{
	return settings_connection(b->settings, name, "steps");
}

/* ---- one run ---- */

/* Of this process's children the worker; there is one at a time. */
static void
worker_kill(const struct bed *b)
{
	char path[64], comm[32];
	FILE *f, *one;
	int pid;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", getpid(), getpid());
	f = fopen(path, "r");
	while (f && fscanf(f, "%d", &pid) == 1) {
		snprintf(path, sizeof path, "/proc/%d/comm", pid);
		one = fopen(path, "r");
		if (one && fgets(comm, sizeof comm, one) && pid != b->provider && strncmp(comm, "sluice-work", 11) == 0)
			kill(pid, SIGKILL);
		if (one)
			fclose(one);
	}
	if (f)
		fclose(f);
}

static void
each_turn(struct bed *b, const struct run *r)
{
	struct run_counts c;
	enum run_state state;
	enum wait_reason why;
	int64_t until;

	run_look(r, &state, &c, &why, &until);
	if (c.workers != b->killed_last) {
		b->killed_last = c.workers;
		b->requests_then = c.requests;
	}
	if (b->kill_every && c.workers % b->kill_every == 0 && b->killed < b->kill_most && state == RUN_STEPPING &&
	    c.requests >= b->requests_then + 4) {
		worker_kill(b);
		b->killed++;
		b->requests_then = UINT64_MAX / 2;
	}
}

static void
run_ended(void *arg, const struct run_result *result)
{
	struct bed *b = arg;

	b->over = true;
	b->last = *result;
	b->last.warnings = NULL;
}

static const struct {
	const char *name;
	size_t at;
} summed[] = {
	{"requests", offsetof(struct run_counts, requests)},   {"retries", offsetof(struct run_counts, retries)},
	{"bytes", offsetof(struct run_counts, bytes)},         {"pages", offsetof(struct run_counts, pages)},
	{"fetched", offsetof(struct run_counts, fetched)},     {"saved", offsetof(struct run_counts, saved)},
	{"rejected", offsetof(struct run_counts, rejected)},   {"added", offsetof(struct run_counts, added)},
	{"updated", offsetof(struct run_counts, updated)},     {"unchanged", offsetof(struct run_counts, unchanged)},
	{"deleted", offsetof(struct run_counts, deleted)},     {"rate_limited", offsetof(struct run_counts, rate_limited)},
	{"missing", offsetof(struct run_counts, missing)},
};

static uint64_t
summed_of(const struct run_counts *c, size_t i)
{
	return *(const uint64_t *)(const void *)((const char *)c + summed[i].at);
}

static int64_t
number(struct slice json, const char *path)
{
	struct slice v;
	int64_t n = -1;

	if (!json_path(json, path, &v) || !json_int(v, &n))
		tap_fail(__FILE__, __LINE__, path);
	return n;
}

static void
text(struct slice json, const char *path, char *out, size_t size)
{
	struct slice v;
	struct buf b = {0};

	if (json_path(json, path, &v) && json_unquote(v, &b))
		snprintf(out, size, "%s", buf_str(&b));
	buf_free(&b);
}

static bool
step_add(void *arg, uint64_t n, struct slice json)
{
	struct bed *b = arg;
	struct seen_step *s = &b->steps[b->n_steps++];
	char path[64];

	*s = (struct seen_step){.number = n};
	CHECK_INT(number(json, "step"), n);
	s->attempt = (uint64_t)number(json, "attempt");
	s->calls = (uint64_t)number(json, "calls");
	s->worker = (uint64_t)number(json, "worker.number");
	CHECK(number(json, "worker.pid") > 1);
	text(json, "status", s->status, sizeof s->status);
	text(json, "error.message", s->error, sizeof s->error);
	text(json, "position.before", s->before, sizeof s->before);
	text(json, "position.after", s->after, sizeof s->after);
	for (size_t i = 0; i < LENGTH(summed); i++) {
		snprintf(path, sizeof path, "counts.%s", summed[i].name);
		*(uint64_t *)(void *)((char *)&b->sum + summed[i].at) += (uint64_t)number(json, path);
	}
	return b->n_steps < STEPS_MOST;
}

/* Runs it to its end, and reads its steps; they add up to it, always. */
static void
sync_run(struct bed *b, const char *sync)
{
	const struct run_request q = {.connection = connection(b, "c0"), .name = sync, .what = STEP_SYNC};
	struct err err = {0};
	struct run *r;

	b->over = false;
	b->killed_last = b->n_steps = 0;
	b->sum = (struct run_counts){0};
	r = run_start(b->host, &q, run_ended, b, &err);
	CHECK_STR(err.text, "");
	REQUIRE(r);
	while (!b->over) {
		uv_run(&b->loop, UV_RUN_ONCE);
		if (!b->over)
			each_turn(b, r);
	}
	CHECK(store_steps(host_store(b->host), b->last.run, 0, STEPS_MOST, step_add, b, &err) == 0);
	CHECK_INT(b->n_steps, b->last.counts.steps);
	for (size_t i = 0; i < LENGTH(summed); i++)
		if (summed_of(&b->sum, i) != summed_of(&b->last.counts, i)) {
			printf("# %s: steps %llu, run %llu\n", summed[i].name,
			       (unsigned long long)summed_of(&b->sum, i),
			       (unsigned long long)summed_of(&b->last.counts, i));
			tap_fail(__FILE__, __LINE__, "the steps add up to the run");
		}
}

static size_t
steps_of(const struct bed *b, const char *status)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_steps; i++)
		n += strcmp(b->steps[i].status, status) == 0;
	return n;
}

static bool
live_of(void *arg, const struct dataset_info *i)
{
	*(uint64_t *)arg += i->live;
	return true;
}

static uint64_t
live(struct bed *b)
{
	struct err err = {0};
	uint64_t n = 0;

	CHECK(store_datasets(host_store(b->host), live_of, &n, &err) == 0);
	return n;
}

static struct bed *
bed(void)
{
	static struct bed b; /* one test at a time, and too large for a stack */

	return &b;
}

/* ---- the tests ---- */

TEST("the steps of a run are recorded one by one, follow each other, and add up to it")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 3", NULL, 2000);
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(live(b), 2000);
	CHECK_INT(b->last.counts.added, 2000);
	CHECK(b->n_steps >= 6 && b->n_steps <= 8);
	CHECK_INT(steps_of(b, "done"), b->n_steps);
	CHECK_INT(b->last.counts.workers, 1);
	CHECK_STR(b->steps[0].before, "");
	for (size_t i = 0; i < b->n_steps; i++) {
		CHECK_INT(b->steps[i].number, i + 1);
		CHECK_INT(b->steps[i].attempt, 1);
		CHECK_INT(b->steps[i].calls, 3);
		CHECK(i == 0 || strcmp(b->steps[i].before, b->steps[i - 1].after) == 0);
		CHECK_HAS(b->steps[i].after, ": ");
	}
	CHECK_HAS(b->steps[b->n_steps - 1].after, ": finished");
	sync_run(b, "list");
	CHECK_INT(b->sum.unchanged, 2000);
	bed_free(b);
}

TEST("a sync of 100 000 records outlives the death of every second worker, and shows each step")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 10\nstep_worker = yes", NULL, 100000);
	b->kill_every = 2;
	b->kill_most = UINT64_MAX;
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(live(b), 100000);
	CHECK_INT(b->last.counts.added, 100000);
	CHECK_INT(b->last.counts.saved, b->last.counts.added + b->last.counts.unchanged);
	CHECK(b->last.complete);
	CHECK(b->killed >= 50);
	CHECK(steps_of(b, "failed") >= 45);
	CHECK_INT(steps_of(b, "failed") + steps_of(b, "done"), b->n_steps);
	CHECK_INT(b->last.counts.workers, b->n_steps);
	printf("# %llu workers, %llu killed, %llu steps, %llu ms\n", (unsigned long long)b->last.counts.workers,
	       (unsigned long long)b->killed, (unsigned long long)b->n_steps,
	       (unsigned long long)b->last.counts.total_ms);
	bed_free(b);
}

TEST("a step that hangs in the provider is ended after step_limit, and done again")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 3\nstep_limit = 3s",
	         "[{\"match\":\"GET /plain/cursor\",\"nth\":[4],\"do\":\"silence\"}]", 1000);
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(live(b), 1000);
	CHECK_INT(steps_of(b, "failed"), 1);
	CHECK_INT(b->last.counts.workers, 2);
	for (size_t i = 0; i < b->n_steps; i++)
		if (strcmp(b->steps[i].status, "failed") == 0)
			CHECK_HAS(b->steps[i].error, "step_limit");
	bed_free(b);
}

TEST("a step that the provider fails is tried again after a pause that doubles")
{
	struct bed *b = bed();

	bed_make(b, "retries = 0\nretry_base = 100ms", "step_calls = 3",
	         "[{\"match\":\"GET /plain/cursor\",\"nth\":[3,4,5],\"do\":\"500\"}]", 1000);
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(live(b), 1000);
	CHECK_INT(steps_of(b, "failed"), 3);
	CHECK_INT(b->steps[3].attempt, 4);
	CHECK_STR(b->steps[3].status, "done");
	CHECK_INT(b->last.counts.workers, 4);
	CHECK(b->last.counts.wait_ms[WAIT_RETRY] >= 400); /* 100 after the one that came further, 100, 200 or more */
	bed_free(b);
}

TEST("step_retries = 0: the first failure ends the run, and names the provider")
{
	struct bed *b = bed();

	bed_make(b, "retries = 0\nretry_base = 1ms", "step_calls = 3\nstep_retries = 0",
	         "[{\"match\":\"GET /plain/cursor\",\"from\":1,\"do\":\"500\"}]", 1000);
	sync_run(b, "list");
	CHECK_INT(b->last.err.cls, ERR_PROVIDER);
	CHECK_INT(b->n_steps, 1);
	CHECK_STR(b->steps[0].status, "failed");
	CHECK_INT(b->last.counts.requests, 1);
	bed_free(b);
}

TEST("refused credentials are not tried again, however many retries there are")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 3\nstep_retries = 9",
	         "[{\"match\":\"GET /plain/cursor\",\"from\":1,\"do\":\"401\"}]", 1000);
	sync_run(b, "list");
	CHECK_INT(b->last.err.cls, ERR_CREDENTIALS);
	CHECK_INT(b->n_steps, 1);
	CHECK_INT(b->last.counts.requests, 1);
	bed_free(b);
}

TEST("the calls of a step follow step_time, by no more than twice at once")
{
	struct bed *b = bed();
	uint64_t most = 0;

	bed_make(b, "retry_base = 1ms", "step_calls = 2\nstep_time = 500ms",
	         "[{\"match\":\"GET /plain/cursor\",\"from\":1,\"do\":\"delay\",\"ms\":20}]", 10000);
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(b->steps[0].calls, 2);
	for (size_t i = 0; i < b->n_steps; i++) {
		CHECK(i == 0 || b->steps[i].calls <= 2 * b->steps[i - 1].calls);
		most = b->steps[i].calls > most ? b->steps[i].calls : most;
	}
	CHECK(most > 2 && most <= 25);
	bed_free(b);
}

TEST("step_worker = yes: as many workers as steps, and nothing is lost between them")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 3\nstep_worker = yes", NULL, 2000);
	sync_run(b, "list");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(live(b), 2000);
	CHECK(b->last.complete);
	CHECK_INT(b->last.counts.workers, b->n_steps);
	CHECK_INT(b->last.counts.fetched, 2000);
	bed_free(b);
}

TEST("no step begins within run_buffer: the run ends in good order, and the next ones go on")
{
	struct bed *b = bed();
	unsigned runs = 0;

	bed_make(b, "retry_base = 1ms", "step_calls = 5\nrun_limit = 11s\nrun_buffer = 10s",
	         "[{\"match\":\"GET /plain/cursor\",\"from\":1,\"do\":\"delay\",\"ms\":40}]", 6000);
	do {
		sync_run(b, "list");
		CHECK(b->last.err.cls == ERR_NONE || (b->last.err.cls == ERR_STOPPED && b->last.more));
		CHECK(b->last.counts.total_ms < 11000 || b->last.err.cls == ERR_NONE);
		CHECK_INT(steps_of(b, "done"), b->n_steps);
		CHECK_INT(b->last.resumed, runs > 0);
	} while (b->last.err.cls == ERR_STOPPED && ++runs < 40);
	CHECK(runs >= 1);
	CHECK(b->last.complete && !b->last.more);
	CHECK_INT(live(b), 6000);
	bed_free(b);
}

TEST("a sync in one piece is begun anew once, and no more")
{
	struct bed *b = bed();

	bed_make(b, "retry_base = 1ms", "step_calls = 3", "[{\"match\":\"GET /plain/cursor\",\"from\":1,\"do\":\"delay\",\"ms\":5}]", 1500);
	b->kill_every = 1;
	b->kill_most = 1;
	sync_run(b, "whole");
	CHECK_STR(b->last.err.text, "");
	CHECK_INT(b->killed, 1);
	CHECK_INT(b->n_steps, 2);
	CHECK_INT(b->steps[1].calls, 0);
	CHECK(b->last.complete);
	CHECK_INT(live(b), 1500);
	b->kill_most = 9;
	sync_run(b, "whole");
	CHECK_INT(b->last.err.cls, ERR_CONNECTOR);
	CHECK_INT(b->n_steps, 2);
	CHECK_INT(live(b), 1500);
	bed_free(b);
}

/* ---- a start ---- */

static void
start_ended(void *arg, const struct run_result *result)
{
	CHECK_STR(result->err.text, "");
	--*(int *)arg;
}

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static int64_t
all_start(struct bed *b, bool first)
{
	int64_t longest = 0, began;
	int left = 20;

	for (int i = 0; i < 20; i++) {
		char name[16];
		struct run_request q = {.name = "list", .what = STEP_SYNC};
		struct run_counts c;
		struct err err = {0};
		enum run_state state;
		enum wait_reason why;
		int64_t until, took;
		struct run *r;

		snprintf(name, sizeof name, "c%d", i);
		q.connection = connection(b, name);
		began = now_us();
		r = run_start(b->host, &q, start_ended, &left, &err);
		took = now_us() - began;
		CHECK_STR(err.text, "");
		REQUIRE(r);
		run_look(r, &state, &c, &why, &until);
		CHECK_INT(state, first ? RUN_QUEUED : RUN_SPAWNING);
		longest = i && took > longest ? took : longest; /* the first has the connector described */
	}
	while (left)
		uv_run(&b->loop, UV_RUN_ONCE);
	return longest;
}

TEST("a run's start does not wait for the disk, not even the first one of its sync")
{
	struct bed *b = bed();
	int64_t first, again;

	bed_make(b, "retry_base = 1ms", "", NULL, 300);
	first = all_start(b, true);
	again = all_start(b, false);
	printf("# run_start took at most %lld us the first time, %lld us again\n", (long long)first, (long long)again);
	CHECK_INT(live(b), 20 * 300);
	bed_free(b);
}

TEST("a run that is stopped while its names are on their way to the disk ends behind them")
{
	struct bed *b = bed();
	struct run_request q = {.name = "list", .what = STEP_SYNC};
	const struct scope_name name = {.connection = "c0", .integration = "steps", .sync = "list"};
	struct err err = {0};
	struct run *r;

	bed_make(b, "commit_delay = 300ms", "", NULL, 100);
	q.connection = connection(b, "c0");
	b->over = false;
	r = run_start(b->host, &q, run_ended, b, &err);
	CHECK_STR(err.text, "");
	REQUIRE(r);
	for (int i = 0; i < 3; i++)
		uv_run(&b->loop, UV_RUN_NOWAIT);
	run_stop(r, "enough");
	while (!b->over)
		uv_run(&b->loop, UV_RUN_ONCE);
	CHECK_INT(b->last.err.cls, ERR_STOPPED);
	CHECK(store_scope_find(host_store(b->host), &name) != 0); /* else the store would still tell a run of it that is gone */
	bed_free(b);
}
