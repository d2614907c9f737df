/* service.h - a real service under load, and the account of it: `sluice serve` with many connections against the scripted
 * provider, killed again and again when wanted, watched from outside, and then judged by its own history and by what the
 * provider says that it was asked.
 *
 * Each connection has the two syncs of tests/plugins/tick.c, of one request each to a path of its own. What counts:
 *   late      from the due time to the begin of the first run that met it
 *   lost      due times that nobody met: what is missing between two that one sync met, before its first one, or behind
 *             its last one
 *   doubled   runs of a due time that had been met with success before
 *   unasked   requests that the provider saw and no run accounts for; under kills those of the runs that were cut off
 * Growth is the slope of a line through the second half of the samples of the last host, per hour. */
#ifndef TESTS_HOSTILE_SERVICE_H
#define TESTS_HOSTILE_SERVICE_H

#include <dirent.h>
#include "../bench/stage.h"
#include "base/clock.h"
#include "base/json.h"
#include "run/member.h"
#include "store/store.h"

#define SERVICE_SAMPLES 8192
#define SAMPLE_US 200000

struct service_play {
	int connections, every_ms, seconds;
	int kill_ms;                      /* kill -9 of the host so often; 0: never */
	int max_runs;
};

struct service_sample {
	double at, anon, fds, threads;    /* seconds, MiB */
};

struct service_account {
	int hosts, ended_with;            /* hosts that were started; exit status of the last */
	long runs, met, resumed, cut, failed, lost, doubled;
	long asked, requests, unasked;    /* by the provider; by the history */
	double late_half, late_99, late_most; /* seconds */
	double anon, growth;              /* MiB of the last host at its end; MiB an hour */
	double fds, fds_before, threads, threads_before; /* fewest in the last and in the second quarter of the samples */
	double cpu, wall;                 /* seconds of host and workers; of everything */
	int64_t begin_us, end_us;         /* wall clock: the first host was started, the last one was asked to end */
	bool sound;                       /* store_verify */
	char trouble[256];                /* the first thing that was wrong with a run */
	struct service_sample samples[SERVICE_SAMPLES];
	size_t n_samples;
};

/* ---- the stage ---- */

static inline void
service_ini(const struct stage *st, const struct service_play *p)
{
	char *path = xasprintf("%s/sluice.ini", st->dir);
	FILE *f = fopen(path, "we");

	if (!f)
		die("cannot write %s", path);
	fprintf(f,
	        "[host]\nlisten = 127.0.0.1:0\ndata_dir = %s/store\nplugin_dir = %s/plugins\nworker = %s/sluice-worker\nlog_file = %s/log\nlog_level = warn\n"
	        "max_runs = %d\nmin_free = 0\nfail_pause = 200ms\nfirst_spread = %dms\n[integration tick]\nbase_url = http://127.0.0.1:%d\n",
	        st->dir, st->dir, st->build, st->dir, p->max_runs, p->every_ms, st->port);
	for (int i = 0; i < p->connections; i++)
		fprintf(f,
		        "[connection c%d : tick]\nwho = c%d\n[sync c%d : tick : even]\nevery = %dms\n"
		        "[sync c%d : tick : odd]\nevery = %dms\n",
		        i, i, i, p->every_ms, i, p->every_ms);
	fclose(f);
	free(path);
}

static inline void
service_stage(struct stage *st, const struct service_play *p)
{
	static const char answer[] = "{\"do\":\"reply\",\"match\":\"GET /tick/\",\"status\":200,\"body\":"
	                             "[{\"id\":\"1\",\"n\":1},{\"id\":\"2\",\"n\":2},{\"id\":\"3\",\"n\":3}]}";
	char *command;

	stage_init(st, 0);
	service_ini(st, p);
	command = xasprintf("mkdir %s/plugins && cp %s/tests/plugins/tick.so %s/plugins && %s/sluice-provider --control http://127.0.0.1:%d faults '%s' >/dev/null",
	                    st->dir, st->build, st->dir, st->build, st->port, answer);
	if (system(command) != 0)
		die("the connector is not there, or the provider takes no rules");
	free(command);
}

/* ---- watching ---- */

static inline double
entries_count(const char *of, pid_t pid)
{
	char path[64];
	double n = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/%s", pid, of);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 0 ? n - 2 : 0; /* . and .. */
}

static inline void
service_sample(struct service_account *a, pid_t pid, double from)
{
	if (a->n_samples == SERVICE_SAMPLES) { /* every second one goes: the line stays the same */
		for (size_t i = 0; i < SERVICE_SAMPLES / 2; i++)
			a->samples[i] = a->samples[i * 2];
		a->n_samples /= 2;
	}
	a->samples[a->n_samples++] = (struct service_sample){
		.at = wall_seconds() - from,
		.anon = status_mib(pid, "RssAnon:"),
		.fds = entries_count("fd", pid),
		.threads = entries_count("task", pid),
	};
}

/* The slope of the line through the samples from `first` on, an hour. */
static inline double
samples_growth(const struct service_account *a, size_t first)
{
	double n = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = first; i < a->n_samples; i++) {
		const struct service_sample *s = &a->samples[i];
		n++;
		x += s->at;
		y += s->anon;
		xx += s->at * s->at;
		xy += s->at * s->anon;
	}
	return n * xx - x * x > 0 ? (n * xy - x * y) / (n * xx - x * x) * 3600 : 0;
}

static inline void
samples_judge(struct service_account *a)
{
	size_t quarter = a->n_samples / 4;

	a->fds = a->fds_before = a->threads = a->threads_before = 1e9;
	for (size_t i = quarter; i < a->n_samples; i++) {
		const struct service_sample *s = &a->samples[i];
		bool early = i < quarter * 2, last = i >= quarter * 3;
		if (early && s->fds < a->fds_before)
			a->fds_before = s->fds;
		if (early && s->threads < a->threads_before)
			a->threads_before = s->threads;
		if (last && s->fds < a->fds)
			a->fds = s->fds;
		if (last && s->threads < a->threads)
			a->threads = s->threads;
	}
	if (a->n_samples)
		a->anon = a->samples[a->n_samples - 1].anon;
	a->growth = samples_growth(a, a->n_samples / 2);
}

/* ---- the play ---- */

static inline pid_t
serving_start(const struct stage *st, struct service_account *a)
{
	static const char *const serve[] = {"serve", NULL};

	a->hosts++;
	a->n_samples = 0;
	return program_start(st, serve, "out");
}

static inline void
serving_reap(struct service_account *a, pid_t pid)
{
	struct rusage use;

	wait4(pid, &a->ended_with, 0, &use);
	a->cpu += usage_seconds(&use);
}

/* Until the host would end by SIGTERM in good order: one that has hardly begun is ended by it like any program. */
static inline void
serving_settle(pid_t pid)
{
	char path[64], line[128];
	unsigned long caught = 0;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	for (int i = 0; i < 3000 && !(caught & 1ul << (SIGTERM - 1)); i++) {
		FILE *f = fopen(path, "re");

		while (f && fgets(line, sizeof line, f))
			if (strncmp(line, "SigCgt:", 7) == 0)
				caught = strtoul(line + 7, NULL, 16);
		if (f)
			fclose(f);
		if (!(caught & 1ul << (SIGTERM - 1)))
			nap(20000);
	}
}

/* Until `seconds` are over; each: what else is to be done, five times a second (may be NULL). */
static inline void
service_serve(const struct stage *st, const struct service_play *p, struct service_account *a,
              void (*each)(void *arg, pid_t host), void *arg)
{
	double from = wall_seconds(), killed = from;
	pid_t pid;

	a->begin_us = clock_wall_us(&clock_system);
	pid = serving_start(st, a);
	while (wall_seconds() - from < p->seconds) {
		nap(SAMPLE_US);
		service_sample(a, pid, from);
		if (each)
			each(arg, pid);
		if (!p->kill_ms || wall_seconds() - killed < p->kill_ms / 1e3)
			continue;
		killed = wall_seconds();
		kill(pid, SIGKILL);
		serving_reap(a, pid);
		pid = serving_start(st, a);
	}
	samples_judge(a);
	serving_settle(pid);
	a->end_us = clock_wall_us(&clock_system);
	kill(pid, SIGTERM);
	serving_reap(a, pid);
	a->wall = wall_seconds() - from;
}

/* ---- the account ---- */

struct run_fact {
	char who[40];           /* connection and sync */
	int64_t due_us, start_us;
	uint64_t run;
	bool good, resumes;
};

struct run_facts {
	struct run_fact *list;
	size_t n;
	struct service_account *account;
};

static inline void
run_trouble(struct service_account *a, struct slice row)
{
	if (!a->trouble[0])
		snprintf(a->trouble, sizeof a->trouble, "%.*s", (int)row.len, row.p);
}

static inline bool
run_note(void *arg, uint64_t run, struct slice row)
{
	struct run_facts *f = arg;
	struct service_account *a = f->account;
	char *connection = member_text(row, "connection"), *sync = member_text(row, "sync"),
	     *status = member_text(row, "status");
	struct run_fact *r;

	f->list = xrealloc(f->list, (f->n + 1) * sizeof *f->list);
	r = &f->list[f->n++];
	*r = (struct run_fact){.run = run,
	                       .due_us = member_time(row, "due_at"),
	                       .start_us = member_time(row, "started_at"),
	                       .good = strcmp(status, "success") == 0,
	                       .resumes = member_int(row, "resumes", 0) != 0};
	snprintf(r->who, sizeof r->who, "%s %s", connection, sync);
	a->runs++;
	a->resumed += r->resumes;
	a->requests += (long)member_int(member_raw(row, "counts"), "requests", 0);
	if (strcmp(status, "running") == 0 || strcmp(status, "stopped") == 0 || strcmp(status, "interrupted") == 0)
		a->cut++;
	else if (!r->good) {
		a->failed++;
		run_trouble(a, row);
	}
	free(connection);
	free(sync);
	free(status);
	return true;
}

static inline int
fact_compare(const void *a, const void *b)
{
	const struct run_fact *x = a, *y = b;
	int who = strcmp(x->who, y->who);

	return who ? who : x->due_us != y->due_us ? (x->due_us > y->due_us) - (x->due_us < y->due_us)
	                                          : (x->run > y->run) - (x->run < y->run);
}

/* Due times are an interval apart; only the step from a first run onto the grid is shorter, or a tenth longer. */
static inline long
gap_lost(int64_t from_us, int64_t to_us, int every_ms)
{
	double gap = (double)(to_us - from_us) / 1e3 / every_ms;

	return gap > 1.15 ? (long)(gap + 0.4) - 1 : 0;
}

static inline void
facts_judge(struct run_facts *f, const struct service_play *p)
{
	struct service_account *a = f->account;
	double *late = xcalloc(f->n + 1, sizeof *late);
	int64_t spread_us = (int64_t)p->every_ms * 1000;
	long syncs = 0;
	bool met = false;

	qsort(f->list, f->n, sizeof *f->list, fact_compare);
	for (size_t i = 0; i < f->n; i++) {
		const struct run_fact *r = &f->list[i], *before = i ? r - 1 : NULL, *next = i + 1 < f->n ? r + 1 : NULL;
		bool first = !before || strcmp(before->who, r->who) != 0, again = !first && before->due_us == r->due_us;

		a->doubled += again && met;
		met = r->good || (again && met);
		if (again)
			continue;
		late[a->met++] = (double)(r->start_us - r->due_us) / 1e6;
		syncs += first;
		a->lost += gap_lost(first ? a->begin_us + spread_us : before->due_us, r->due_us, p->every_ms);
		if (!next || strcmp(next->who, r->who) != 0)
			a->lost += gap_lost(r->due_us, a->end_us - p->every_ms * 100, p->every_ms);
	}
	a->lost += (p->connections * 2 - syncs) * (long)(a->wall * 1e3 / p->every_ms); /* those that never ran */
	qsort(late, (size_t)a->met, sizeof *late, number_compare);
	if (a->met) {
		a->late_half = late[a->met / 2];
		a->late_99 = late[a->met * 99 / 100];
		a->late_most = late[a->met - 1];
	}
	free(late);
}

static inline void
fault_note(void *arg, const char *text)
{
	struct service_account *a = arg;

	a->sound = false;
	snprintf(a->trouble, sizeof a->trouble, "%.250s", text);
}

/* How many due times may be lost: none. But a host that is kept from its work for longer than between two due times meets the
 * later one, as it should; on a machine that is so busy elsewhere some are forgiven. */
static inline long
lost_most(const struct service_account *a, const struct service_play *p)
{
	return a->late_most * 2e3 < p->every_ms ? 0 : a->met / 4;
}

/* What the provider was asked for, by its own account. */
static inline long
provider_asked(const struct stage *st)
{
	char *answer = stage_ask(st, "GET", "/_control/requests"), *p = answer ? strstr(answer, "\"total\":") : NULL;
	long n = p ? atol(p + 8) : -1;

	free(answer);
	return n;
}

/* After service_serve: reads the history of the store that the last host has left. */
static inline void
service_judge(const struct stage *st, const struct service_play *p, struct service_account *a)
{
	char *dir = xasprintf("%s/store", st->dir), *key = xasprintf("%s/store.key", st->dir);
	struct store_options o = {.dir = dir, .key_file = key};
	struct run_facts f = {.account = a};
	struct err err = {0};
	struct store *s = store_open(&o, &err);

	if (!s)
		die("the store does not open: %s", err.text);
	a->sound = true;
	if (store_verify(s, fault_note, a, &err) != 0)
		fault_note(a, err.text);
	for (uint64_t before = 0, got = 1; got; before = f.n ? f.list[f.n - 1].run : 0) {
		size_t had = f.n;
		if (store_runs(s, before, 1000, run_note, &f, &err) != 0)
			die("the history: %s", err.text);
		got = f.n - had;
		if (f.n && f.list[f.n - 1].run == 1)
			break;
	}
	store_close(s);
	facts_judge(&f, p);
	a->asked = provider_asked(st);
	a->unasked = a->asked - a->requests;
	free(f.list);
	free(dir);
	free(key);
}

#endif
