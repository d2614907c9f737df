/* schedule_day.c - a day of ten thousand connections with two syncs each, on a clock that the test moves: random lengths of
 * runs, failures, interruptions, clocks set by an hour in both directions, a host that was down.
 *
 * What is checked at every begin is what the schedule promises: no limit exceeded, no sync twice at a time, no due time met
 * twice, none forgotten; and, while limits are ample, nobody later than two seconds. */
#include "schedule/schedule.h"

#include <time.h>
#include "base/mem.h"
#include "../tap.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define START_US INT64_C(1780000000000000)
#define CONNECTIONS 10000
#define ITEMS (CONNECTIONS * 2)
#define RUNNING_MAX 4096

static int64_t mono, wall;
static int64_t fake_mono(void *arg) { (void)arg; return mono; }
static int64_t fake_wall(void *arg) { (void)arg; return wall; }
static const struct clock fake = {.mono_ms = fake_mono, .wall_us = fake_wall};

struct sync { /* what the test knows of each */
	struct schedule_item *item;
	char connection[16];
	const char *name;
	int64_t every, began, due_us, ends;
	bool running, failed, by_due;
	unsigned runs, failures;
};
static struct sync *syncs;
static struct schedule *s;
static uint64_t max_runs, running, dice = 1;
static uint64_t begun_now, begun_most; /* within one second */
static int64_t second;
static uint64_t runs, twice, over, early, repeated;
static struct sync *ending[RUNNING_MAX];
static int64_t length_most;
static unsigned fail_percent;
static uint64_t *late; /* by 100 ms; the last: more */
#define LATE 600
static bool clock_moved;

static uint64_t
roll(uint64_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return dice % sides;
}

static bool
begin(void *arg, const struct schedule_begin *b)
{
	const struct schedule_name *n = schedule_item_name(b->item);
	struct sync *y = &syncs[(size_t)atoi(n->connection + 1) * 2 + (n->sync[0] == 'b')];

	(void)arg;
	twice += y->running;
	over += running >= max_runs;
	if (b->cause == CAUSE_DUE) {
		int64_t lateness = (wall - b->due_us) / 1000 / 100;
		if (y->runs && !clock_moved && y->due_us >= b->due_us)
			repeated++;
		if (y->by_due && !clock_moved && mono - y->began < y->every / 10)
			early++;
		late[lateness < 0 ? 0 : lateness > LATE ? LATE : lateness]++;
		y->due_us = b->due_us;
	}
	y->by_due = b->cause == CAUSE_DUE; /* a second attempt may well be just before the next due time */
	if (mono / SECOND != second) {
		second = mono / SECOND;
		begun_now = 0;
	}
	if (++begun_now > begun_most)
		begun_most = begun_now;
	y->running = true;
	y->began = mono;
	y->ends = mono + 10 + (int64_t)roll((uint64_t)length_most);
	y->runs++;
	runs++;
	REQUIRE(running < RUNNING_MAX);
	ending[running++] = y;
	return true;
}

static void
sync_end(struct sync *y)
{
	enum err_class cls = roll(100) < fail_percent ? (roll(2) ? ERR_PROVIDER : ERR_DATA) : roll(200) ? ERR_NONE : ERR_STOPPED;

	y->running = false;
	y->failed = cls != ERR_NONE && cls != ERR_STOPPED;
	y->failures = y->failed ? y->failures + 1 : 0;
	schedule_ended(s, y->item, &(struct schedule_outcome){.cls = cls});
}

static int64_t
ends_next(void)
{
	int64_t next = INT64_MAX;

	for (uint64_t n = 0; n < running; n++)
		next = ending[n]->ends < next ? ending[n]->ends : next;
	return next;
}

static void
ends_now(void)
{
	for (uint64_t n = 0; n < running;)
		if (ending[n]->ends <= mono) {
			struct sync *y = ending[n];
			ending[n] = ending[--running];
			sync_end(y);
		} else
			n++;
}

/* Time jumps from event to event. */
static uint64_t
live(int64_t for_ms)
{
	int64_t to = mono + for_ms;
	uint64_t turns = 0;

	while (mono < to) {
		int64_t next = schedule_turn(s, begin, NULL), end = ends_next();
		turns++;
		next = next < end ? next : end;
		next = next < to ? next : to;
		next = next <= mono ? mono + 1 : next;
		wall += (next - mono) * 1000;
		mono = next;
		ends_now();
	}
	return turns;
}

static void
set_up(uint64_t most, bool known)
{
	struct schedule_options o = {.clock = &fake, .max_runs = most, .first_spread_ms = MINUTE, .fail_pause_ms = MINUTE,
	                             .fail_pause_max_ms = 6 * HOUR, .seed = 11};
	s = schedule_new(&o);
	max_runs = most;
	running = runs = twice = over = early = repeated = begun_now = begun_most = 0;
	memset(late, 0, (LATE + 1) * sizeof *late);
	for (size_t n = 0; n < ITEMS; n++) {
		struct sync *y = &syncs[n];
		struct schedule_past past = {.due_us = y->due_us, .started_us = y->due_us, .finished_us = y->due_us, .success_us = y->due_us};
		if (!known)
			*y = (struct sync){.every = n % 2 ? HOUR : 15 * MINUTE + (int64_t)(n % 7) * MINUTE, .name = n % 2 ? "b" : "a"};
		y->running = y->by_due = false;
		snprintf(y->connection, sizeof y->connection, "c%zu", n / 2);
		struct schedule_plan p = {.every_ms = y->every, .active = true, .auto_sync = true, .auto_start = true,
		                          .connection_runs = 2, .run_retries = 3};
		y->item = schedule_put(s, &(struct schedule_name){y->connection, n % 14 < 7 ? "crm" : "shop", y->name}, &p,
		                       known ? &past : NULL, NULL);
		REQUIRE(y->item);
	}
}

static void
promises_check(void)
{
	CHECK_INT(twice, 0);
	CHECK_INT(over, 0);
	CHECK_INT(early, 0);
	CHECK_INT(repeated, 0);
}

/* Nobody was forgotten: everybody began within its interval and a tenth, and a second. */
static void
nobody_lost(int64_t grace)
{
	size_t lost = 0;

	for (size_t n = 0; n < ITEMS; n++)
		lost += mono - syncs[n].began > syncs[n].every * 11 / 10 + grace;
	CHECK_INT(lost, 0);
}

static double
late_share(uint64_t than)
{
	uint64_t all = 0, later = 0;

	for (uint64_t n = 0; n <= LATE; n++) {
		all += late[n];
		later += n >= than ? late[n] : 0;
	}
	return all ? (double)later / (double)all : 0;
}

TEST("a day of ten thousand connections: nothing lost, nothing doubled, nobody late, no limit exceeded")
{
	clock_t cpu = clock();

	syncs = xcalloc(ITEMS, sizeof *syncs);
	late = xcalloc(LATE + 1, sizeof *late);
	mono = 5000000;
	wall = START_US;
	length_most = 4 * SECOND;
	fail_percent = 0;
	set_up(1000, false);
	uint64_t turns = live(24 * HOUR);
	promises_check();
	nobody_lost(2 * SECOND);
	CHECK(late_share(20) < 0.01);
	printf("# %llu runs in %llu turns, %.1f s of CPU; %.3f %% later than 2 s; at most %llu begun in a second\n",
	       (unsigned long long)runs, (unsigned long long)turns, (double)(clock() - cpu) / CLOCKS_PER_SEC, 100 * late_share(20),
	       (unsigned long long)begun_most);
	CHECK(begun_most < 400); /* of 20 000: the spread, and the retries of nobody */
}

TEST("after three hours of downtime everybody catches up once, and limits bound the storm")
{
	schedule_free(s);
	mono = 77000;
	wall += 3 * HOUR * 1000;
	set_up(200, true);
	clock_moved = false;
	live(5 * MINUTE);
	promises_check();
	uint64_t caught = runs;
	CHECK(caught >= ITEMS && caught < ITEMS * 3 / 2); /* some are due again by now; three hours of all would be 200 000 */
	printf("# %llu runs in five minutes, at most %llu begun in a second\n", (unsigned long long)caught,
	       (unsigned long long)begun_most);
	live(2 * HOUR);
	promises_check();
	nobody_lost(2 * MINUTE);
	schedule_free(s);
}

TEST("failures, interruptions and a clock set by an hour forward and back lose and double nothing")
{
	mono = 5000000;
	wall = START_US;
	length_most = 4 * SECOND;
	fail_percent = 5;
	set_up(1000, false);
	live(3 * HOUR);
	promises_check();
	clock_moved = true;
	wall += HOUR * 1000;
	live(10 * MINUTE);
	wall -= HOUR * 1000;
	live(10 * MINUTE);
	wall -= HOUR * 1000;
	live(2 * HOUR);
	CHECK_INT(twice, 0);
	CHECK_INT(over, 0);
	size_t lost = 0;
	for (size_t n = 0; n < ITEMS; n++)
		lost += syncs[n].failures == 0 && mono - syncs[n].began > syncs[n].every * 11 / 10 + 3 * MINUTE;
	CHECK(lost < ITEMS / 100); /* the other sync of its connection failed, and paused it */
	clock_moved = false;
	fail_percent = 0;
	schedule_free(s);
}

TEST("a turn in which nothing is due costs nothing, though twenty thousand wait")
{
	set_up(8, false);
	length_most = 1;
	live(10 * MINUTE);
	for (size_t n = 0; n < ITEMS; n++)
		schedule_pause(s, syncs[n].item, n % 2);
	uint64_t before = runs;
	struct timespec from, to;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int n = 0; n < 100000; n++)
		schedule_turn(s, begin, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	double each = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 100000;
	printf("# %.0f ns a turn\n", each);
	CHECK(each < 20000); /* a walk over twenty thousand takes longer even on a fast machine */
	CHECK(runs - before <= 8);
	schedule_free(s);
	free(syncs);
	free(late);
}
