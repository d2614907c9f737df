/* clock.c - the wall clock set back and forward by an hour while a service runs: no storm, no stall.
 *
 * The host stands in this process and is given a clock whose wall time the test moves; waits are on the real, monotonic
 * one. Twenty syncs are due every second. Whatever the clock does, in each stretch of real time each of them runs about
 * once a second: at least once in the bound, and never more often than seconds have passed, but for one that a jump
 * forward makes due and one at each edge.
 *
 * The same clock shows in seconds what alerts make of hours: of a success that comes late, and of an interval that an
 * application gave. */
#include <sys/stat.h>
#include <sys/wait.h>
#define TAP_NO_MAIN
#include "../hostile/service.h"
#include "base/log.h"
#include "schedule/alerts.h"
#include "schedule/service.h"
#include "../tap.h"

#define CONNECTIONS 10
#define SYNCS (CONNECTIONS * 2)
#define HOUR_US (INT64_C(3600) * 1000000)
#define STALL_S 20.0
#define STRETCH_S 2.5

struct moved {
	int64_t by_us;
};

static int64_t
moved_mono(void *arg)
{
	(void)arg;
	return clock_mono_ms(&clock_system);
}

static int64_t
moved_wall(void *arg)
{
	return clock_wall_us(&clock_system) + ((const struct moved *)arg)->by_us;
}

struct bed {
	struct stage st;
	struct moved moved;
	struct clock clock;
	uv_loop_t loop;
	uv_timer_t tick;
	struct settings *settings;
	struct host *host;
	struct service *service;
	bool idle;
};

static struct settings *
load_never(void *arg, struct err *err)
{
	(void)arg;
	err_set(err, ERR_USAGE, "not asked for here");
	return NULL;
}

static void
tick_nothing(uv_timer_t *timer)
{
	(void)timer;
}

static void
idle_note(void *arg)
{
	*(bool *)arg = true;
}

/* One connection, whose connector says when its syncs are due: each minute. */
static void
ini_bare(const struct stage *st)
{
	char *path = xasprintf("%s/sluice.ini", st->dir);
	FILE *f = fopen(path, "we");

	REQUIRE(f);
	fprintf(f,
	        "[host]\nlisten = none\ndata_dir = %s/store\nplugin_dir = %s/plugins\nworker = %s/sluice-worker\nmin_free = 0\n"
	        "first_spread = 0s\n[integration tick]\nbase_url = http://127.0.0.1:%d\n[connection c0 : tick]\nwho = c0\n",
	        st->dir, st->dir, st->build, st->port);
	fclose(f);
	free(path);
}

static void
bed_make(struct bed *b, bool bare)
{
	static const struct service_play play = {.connections = CONNECTIONS, .every_ms = 1000, .max_runs = 8};
	struct service_options o = {.loop = &b->loop, .load = load_never};
	struct settings_source from = {0};
	struct err err = {0};
	char *conf;

	log_setup(2, LOG_WARN, LOG_AUTO);
	*b = (struct bed){.clock = {moved_mono, moved_wall, NULL}};
	b->clock.arg = &b->moved;
	service_stage(&b->st, &play);
	if (bare)
		ini_bare(&b->st);
	from.conf = conf = xasprintf("%s/sluice.ini", b->st.dir);
	b->settings = settings_load(&from, &err);
	uv_loop_init(&b->loop);
	uv_timer_init(&b->loop, &b->tick);
	uv_timer_start(&b->tick, tick_nothing, 10, 10);
	o.host = b->settings ? host_new(&(struct host_options){.loop = &b->loop, .clock = &b->clock, .settings = b->settings}, &err) : NULL;
	b->host = o.host;
	b->service = o.host ? service_new(&o, &err) : NULL;
	CHECK_STR(err.text, "");
	REQUIRE(b->service);
	service_begin(b->service);
	free(conf);
}

static void
bed_free(struct bed *b)
{
	double from = wall_seconds();

	service_stop(b->service, "the test is over", idle_note, &b->idle);
	while (!b->idle && wall_seconds() - from < 60)
		uv_run(&b->loop, UV_RUN_ONCE);
	CHECK(b->idle);
	service_free(b->service);
	host_free(b->host);
	settings_free(b->settings);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&b->loop), 0);
	stage_finish(&b->st);
}

/* ---- counting ---- */

struct count {
	uint64_t after;          /* run numbers above this count */
	uint64_t newest;
	int n[SYNCS];
};

static bool
run_count(void *arg, uint64_t run, struct slice row)
{
	struct count *c = arg;
	char *connection = member_text(row, "connection"), *sync = member_text(row, "sync");

	if (run > c->newest)
		c->newest = run;
	if (run > c->after)
		c->n[atoi(connection + 1) * 2 + (*sync == 'o')]++;
	free(connection);
	free(sync);
	return run > c->after;
}

static struct count
counted(const struct bed *b, uint64_t after)
{
	struct count c = {.after = after, .newest = after};
	struct err err = {0};

	CHECK_INT(store_runs(host_store(b->host), 0, 10000, run_count, &c, &err), 0);
	return c;
}

static int
fewest(const struct count *c)
{
	int few = c->n[0];

	for (int i = 1; i < SYNCS; i++)
		few = c->n[i] < few ? c->n[i] : few;
	return few;
}

/* Turns for the stretch, and on until each sync has run, for as long as would be a stall. */
static uint64_t
stretch(struct bed *b, const char *what, uint64_t after)
{
	double from = wall_seconds(), took = 0;
	struct count c = {0};
	int most = 0;

	while ((took = wall_seconds() - from) < STRETCH_S || (fewest(&c) == 0 && took < STALL_S)) {
		uv_run(&b->loop, UV_RUN_ONCE);
		if (took >= STRETCH_S)
			c = counted(b, after);
	}
	c = counted(b, after);
	for (int i = 0; i < SYNCS; i++)
		most = c.n[i] > most ? c.n[i] : most;
	printf("# %s: in %.1f s each ran %d to %d times\n", what, took, fewest(&c), most);
	CHECK(fewest(&c) > 0);
	CHECK(most <= (int)took + 3);
	return c.newest;
}

TEST("the clock set back and forward by an hour, and by a day: each sync goes on about once a second")
{
	static const struct {
		const char *what;
		int64_t by_us;
	} moves[] = {
		{"as it is", 0},
		{"back by an hour", -HOUR_US},
		{"forward again", HOUR_US},
		{"forward by an hour", HOUR_US},
		{"back by two hours", -2 * HOUR_US},
		{"forward by a day", 24 * HOUR_US},
	};
	struct bed b;
	uint64_t run = 0;

	bed_make(&b, false);
	for (size_t i = 0; i < LENGTH(moves); i++) {
		b.moved.by_us += moves[i].by_us;
		run = stretch(&b, moves[i].what, run);
	}
	bed_free(&b);
}

/* ---- what alerts make of the time ---- */

#define LOOK_S 5.0 /* they are judged so often, besides at each run's end */
#define MINUTE_US (INT64_C(60) * 1000000)

struct told {
	int odd, blinks; /* incidents of "stale" of that sync; those that were over in the moment in which they began */
};

static void
stale_count(void *arg, const struct alert *a)
{
	struct told *t = arg;

	if (a->kind != ALERT_STALE)
		return;
	t->odd += a->sync && strcmp(a->sync, "odd") == 0;
	t->blinks += a->until_us && a->until_us - a->since_us < 1000;
	printf("# stale %s: %s, %s\n", a->until_us ? "over" : "begins", a->sync ? a->sync : "?", a->text);
}

static void
turn_until(struct bed *b, double at)
{
	while (wall_seconds() < at)
		uv_run(&b->loop, UV_RUN_ONCE);
}

static int
successes(const struct bed *b, int sync)
{
	return counted(b, 0).n[sync];
}

static void
turn_until_ran(struct bed *b, int sync, int times)
{
	double from = wall_seconds();

	while (successes(b, sync) < times && wall_seconds() - from < 60)
		turn_until(b, wall_seconds() + 0.05);
	CHECK(successes(b, sync) >= times);
}

TEST("a success after a long time is no news of staleness, nor is one that an application wants once a week stale after minutes")
{
	const struct service_ask odd = {.connection = "c0", .integration = "tick", .sync = "odd"};
	struct told told = {0};
	struct err err = {0};
	struct bed b;
	double from;

	bed_make(&b, true);
	from = wall_seconds();
	alerts_listen(b.service, stale_count, &told);
	CHECK_INT(service_frequency(b.service, &odd, INT64_C(7) * 86400000, &err), 0);
	turn_until_ran(&b, 0, 1);
	turn_until_ran(&b, 1, 1);
	turn_until(&b, from + LOOK_S + 0.3); /* so that the next look is far away */
	b.moved.by_us += 4 * MINUTE_US;
	turn_until_ran(&b, 0, 2);
	CHECK_INT(told.blinks, 0);
	turn_until(&b, from + 2 * LOOK_S + 0.3);
	CHECK_INT(successes(&b, 1), 1);
	alerts_listen(b.service, NULL, NULL);
	CHECK_INT(told.odd, 0);
	bed_free(&b);
}

int
main(int argc, char **argv)
{
	return tap_main(argc, argv);
}
