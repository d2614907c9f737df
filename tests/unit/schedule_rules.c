/* schedule_rules.c - the rules of the schedule, each with a clock that the test moves. The day of ten thousand connections
 * is in schedule_day.c. */
#include "schedule/schedule.h"

#include "base/mem.h"
#include "../tap.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define START_US INT64_C(1780000000000000) /* 2026-05-28T20:26:40Z */

static int64_t mono, wall; /* ms, us */
static int64_t fake_mono(void *arg) { (void)arg; return mono; }
static int64_t fake_wall(void *arg) { (void)arg; return wall; }
static const struct clock fake = {.mono_ms = fake_mono, .wall_us = fake_wall};

static struct schedule *s;
static struct schedule_begin begun[64];
static size_t begins;
static bool refuse;

static void
pass(int64_t ms)
{
	mono += ms;
	wall += ms * 1000;
}

static void
set_up(uint64_t max_runs)
{
	struct schedule_options o = {.clock = &fake, .max_runs = max_runs, .first_spread_ms = 0, .fail_pause_ms = MINUTE,
	                             .fail_pause_max_ms = 6 * HOUR, .seed = 7};
	mono = 1000000;
	wall = START_US;
	refuse = false;
	s = schedule_new(&o);
}

static bool
note(void *arg, const struct schedule_begin *b)
{
	(void)arg;
	if (refuse)
		return false;
	REQUIRE(begins < LENGTH(begun));
	begun[begins++] = *b;
	return true;
}

static size_t
turn(void)
{
	begins = 0;
	schedule_turn(s, note, NULL);
	return begins;
}

/* Time passes in steps until something begins, at most so long; how long it took. */
static int64_t
until_begin(int64_t most)
{
	int64_t from = mono;

	while (!turn() && mono - from < most)
		pass(500);
	return mono - from;
}

static void
end(struct schedule_item *i, enum err_class cls)
{
	schedule_ended(s, i, &(struct schedule_outcome){.cls = cls});
}

static struct schedule_plan
hourly(void)
{
	return (struct schedule_plan){.every_ms = HOUR, .active = true, .auto_sync = true, .auto_start = true,
	                              .connection_runs = 1, .run_retries = 3};
}

static struct schedule_item *
put(const char *connection, const char *sync, struct schedule_plan p, const struct schedule_past *past)
{
	struct err err;
	struct schedule_item *i = schedule_put(s, &(struct schedule_name){connection, "api", sync}, &p, past, &err);

	REQUIRE(i);
	return i;
}

static struct schedule_view
look(const struct schedule_item *i)
{
	struct schedule_view v;

	schedule_look(s, i, &v);
	return v;
}

TEST("a sync begins, ends, and begins again when it is due")
{
	set_up(4);
	struct schedule_item *i = put("acme", "contacts", hourly(), NULL);
	CHECK_INT(turn(), 1);
	CHECK(begun[0].item == i && begun[0].cause == CAUSE_DUE && begun[0].due_us == wall);
	CHECK_INT(look(i).state, SCHEDULE_RUNNING);
	end(i, ERR_NONE);
	CHECK_INT(look(i).state, SCHEDULE_WAITING);
	int64_t next = look(i).next_us;
	CHECK(next >= wall + HOUR * 100 && next <= wall + HOUR * 1100);
	until_begin(2 * HOUR);
	CHECK(wall >= next && wall <= next + 1000000);
	CHECK_INT(begun[0].due_us, next);
	end(i, ERR_NONE);
	CHECK_INT(look(i).next_us, next + HOUR * 1000);
	schedule_free(s);
}

TEST("cron is met as written, and a cron or zone that is none is refused")
{
	set_up(4);
	struct schedule_plan p = hourly();
	struct err err = {0};
	p.every_ms = 0;
	p.cron = "30 2 * * *";
	p.zone = "Europe/Berlin";
	struct schedule_item *i = put("acme", "contacts", p, NULL);
	CHECK_INT(look(i).next_us, INT64_C(1780014600000000));
	CHECK_INT(turn(), 0);
	until_begin(24 * HOUR);
	CHECK_INT(begun[0].due_us, INT64_C(1780014600000000));
	p.zone = "Europe/Berlim";
	CHECK(!schedule_put(s, &(struct schedule_name){"a", "b", "c"}, &p, NULL, &err));
	CHECK_HAS(err.text, "Europe/Berlin");
	p.zone = NULL;
	p.cron = "0 0 30 2 *";
	CHECK_INT(schedule_check(&p, &err), -1);
	CHECK_HAS(err.text, "never due");
	schedule_free(s);
}

TEST("limits hold: of the connection, the integration and the host, and the view names them")
{
	set_up(3);
	struct schedule_plan p = hourly();
	p.integration_runs = 2;
	struct schedule_item *a = put("a", "x", p, NULL), *b = put("a", "y", p, NULL), *c = put("b", "x", p, NULL);
	struct schedule_item *d = put("c", "x", p, NULL);
	CHECK_INT(turn(), 2);
	struct schedule_item *other = look(a).state == SCHEDULE_RUNNING ? b : a;
	CHECK_STR(look(other).limit, "connection");
	struct schedule_item *third = look(c).state == SCHEDULE_RUNNING ? d : c;
	CHECK_INT(look(third).state, SCHEDULE_QUEUED);
	CHECK_STR(look(third).limit, "integration");
	struct schedule_options o = {.max_runs = 2, .fail_pause_ms = MINUTE, .fail_pause_max_ms = HOUR};
	p.integration_runs = 0;
	put("c", "x", p, NULL);
	schedule_limits(s, &o);
	CHECK_STR(look(third).limit, "host");
	CHECK_INT(turn(), 0);
	end(begun[0].item ? begun[0].item : a, ERR_NONE);
	CHECK_INT(turn(), 1);
	schedule_free(s);
}

TEST("within a connection priority decides, then who waits longest; among connections who waits longest")
{
	set_up(1);
	struct schedule_plan p = hourly(), urgent = hourly();
	urgent.priority = 5;
	struct schedule_past ago = {.due_us = START_US - 90 * MINUTE * 1000, .started_us = 1, .finished_us = 1};
	struct schedule_item *item[] = {put("a", "low", p, &ago), put("a", "high", urgent, &ago), put("b", "x", p, &ago)};
	struct schedule_item *low = item[0], *high = item[1], *b = item[2];
	int64_t high_due = look(high).next_us, b_due = look(b).next_us;
	pass(HOUR);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == (high_due <= b_due ? high : b));
	CHECK(begun[0].item != low);
	for (struct schedule_item *was = begun[0].item; begins; was = begun[0].item) {
		end(was, ERR_NONE);
		turn();
		if (was == b && begins)
			CHECK(begun[0].item != b);
		if (begins && begun[0].item == low)
			CHECK(look(high).state == SCHEDULE_WAITING);
	}
	CHECK_INT(look(low).state, SCHEDULE_WAITING);
	schedule_free(s);
}

TEST("whoever was asked for begins first, once, even when it is paused; its wishes add up")
{
	set_up(1);
	struct schedule_plan manual = hourly(), off = hourly();
	struct err err = {0};
	manual.auto_sync = false;
	off.active = false;
	struct schedule_item *due = put("a", "x", hourly(), NULL), *i = put("b", "x", manual, NULL), *o = put("c", "x", off, NULL);
	CHECK_INT(look(i).state, SCHEDULE_MANUAL);
	CHECK_INT(look(o).state, SCHEDULE_INACTIVE);
	schedule_pause(s, i, true);
	CHECK_INT(schedule_ask(s, i, false, true, &err), 0);
	CHECK_INT(schedule_ask(s, i, true, false, &err), 0);
	CHECK_INT(schedule_ask(s, o, true, false, &err), -1);
	CHECK_INT(err.cls, ERR_USAGE);
	CHECK(look(i).asked && look(i).state == SCHEDULE_QUEUED);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == i && begun[0].cause == CAUSE_ASKED && begun[0].full_refresh && begun[0].reset && !begun[0].due_us);
	end(i, ERR_NONE);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == due);
	end(due, ERR_NONE);
	schedule_ask(s, i, false, false, NULL);
	schedule_unask(s, i);
	CHECK_INT(turn(), 0);
	schedule_free(s);
}

TEST("a failed run is tried again after a pause that doubles, as often as allowed, then at its next due time")
{
	set_up(4);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	end(i, ERR_NONE);
	until_begin(2 * HOUR);
	int64_t due = begun[0].due_us;
	for (unsigned n = 1; n <= 3; n++) {
		end(i, ERR_DATA);
		CHECK_INT(look(i).state, SCHEDULE_FAILING);
		CHECK_INT(look(i).failures, n);
		int64_t pause = MINUTE << (n - 1), waited = until_begin(HOUR);
		CHECK(waited >= pause && waited <= pause + pause / 10 + 500);
		CHECK(begun[0].cause == CAUSE_RETRY && begun[0].attempt == n && begun[0].due_us == due);
	}
	end(i, ERR_DATA);
	until_begin(2 * HOUR);
	CHECK(begun[0].cause == CAUSE_DUE && begun[0].attempt == 0);
	CHECK_INT(begun[0].due_us, due + HOUR * 1000);
	end(i, ERR_NONE);
	CHECK_INT(look(i).failures, 0);
	CHECK_INT(look(i).state, SCHEDULE_WAITING);
	schedule_free(s);
}

TEST("a failure of the provider pauses the connection, another only its sync; several at once are one")
{
	set_up(8);
	struct schedule_plan p = hourly();
	p.connection_runs = 3;
	struct schedule_item *a = put("a", "x", p, NULL), *b = put("a", "y", p, NULL), *c = put("a", "z", p, NULL);
	struct schedule_item *other = put("b", "x", p, NULL);
	CHECK_INT(turn(), 4);
	end(a, ERR_PROVIDER);
	end(b, ERR_RATE);
	end(other, ERR_NONE);
	CHECK_INT(look(b).state, SCHEDULE_FAILING);
	CHECK(look(b).until_us <= wall + MINUTE * 1100);
	end(c, ERR_STOPPED);
	CHECK_INT(look(c).state, SCHEDULE_FAILING);
	CHECK_INT(look(other).state, SCHEDULE_WAITING);
	CHECK_INT(turn(), 0);
	CHECK(until_begin(HOUR) <= MINUTE * 11 / 10 + 500);
	CHECK_INT(begins, 3);
	end(a, ERR_CONNECTOR);
	end(b, ERR_NONE);
	CHECK_INT(look(a).state, SCHEDULE_FAILING);
	CHECK_INT(look(b).state, SCHEDULE_WAITING);
	schedule_free(s);
}

TEST("until the time that the provider named nothing of the connection begins, after a restart either")
{
	set_up(8);
	struct schedule_plan p = hourly();
	p.connection_runs = 2;
	struct schedule_item *a = put("a", "x", p, NULL), *b = put("a", "y", p, NULL), *other = put("b", "x", p, NULL);
	struct schedule_outcome quota = {.cls = ERR_RATE, .not_before_us = wall + 9 * HOUR * 1000};
	CHECK_INT(turn(), 3);
	end(b, ERR_PROVIDER); /* its own pause is short, and is under way */
	schedule_ended(s, a, &quota);
	CHECK_INT(look(a).state, SCHEDULE_FAILING);
	CHECK(look(b).until_us >= quota.not_before_us && look(b).until_us <= quota.not_before_us + MINUTE * 110);
	end(other, ERR_NONE);
	while (wall < quota.not_before_us) {
		for (turn(); begins; begins--) {
			CHECK(begun[begins - 1].item == other);
			end(other, ERR_NONE);
		}
		pass(MINUTE / 4);
	}
	CHECK(until_begin(HOUR) <= MINUTE);
	schedule_free(s);

	set_up(4);
	struct schedule_past past = {.due_us = START_US - HOUR * 1000, .started_us = START_US - HOUR * 1000,
	                             .finished_us = START_US - MINUTE * 1000, .failures = 1, .cls = ERR_RATE,
	                             .not_before_us = START_US + 5 * HOUR * 1000};
	put("a", "x", hourly(), &past);
	CHECK(until_begin(24 * HOUR) >= 5 * HOUR);
	CHECK(wall <= past.not_before_us + MINUTE * 1000);
	schedule_free(s);
}

TEST("refused credentials wait for a person, over a restart too, and end by asking, forgiving or success")
{
	set_up(4);
	struct schedule_item *a = put("a", "x", hourly(), NULL), *b = put("a", "y", hourly(), NULL);
	REQUIRE(turn() == 1);
	struct schedule_item *ran = begun[0].item, *other = ran == a ? b : a;
	end(ran, ERR_CREDENTIALS);
	CHECK_INT(look(ran).state, SCHEDULE_ATTENTION);
	CHECK_INT(look(other).state, SCHEDULE_ATTENTION);
	CHECK_INT(look(other).next_us, 0);
	CHECK(until_begin(5 * HOUR) >= 5 * HOUR);
	schedule_forgive(s, "a", "api");
	CHECK_INT(turn(), 1);
	end(begun[0].item, ERR_CREDENTIALS);
	REQUIRE(schedule_ask(s, other, false, false, NULL) == 0);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == other);
	end(other, ERR_NONE);
	CHECK_INT(turn(), 1);
	schedule_free(s);

	set_up(4);
	struct schedule_past refused = {.due_us = START_US - 1, .started_us = START_US - 9, .finished_us = START_US - 5,
	                                .failures = 1, .cls = ERR_CREDENTIALS};
	struct schedule_past well = {.due_us = START_US - 1, .started_us = START_US - 9, .finished_us = START_US - 3,
	                             .success_us = START_US - 3};
	a = put("a", "x", hourly(), &refused);
	CHECK_INT(look(a).state, SCHEDULE_ATTENTION);
	put("a", "y", hourly(), &well); /* the credentials held later on */
	CHECK(look(a).state != SCHEDULE_ATTENTION);
	schedule_free(s);
}

TEST("after waits for the other's end of the same round, and for its success if so wished")
{
	set_up(4);
	struct schedule_plan p = hourly();
	p.connection_runs = 4;
	struct schedule_item *first = put("a", "first", p, NULL);
	p.after = (struct schedule_name){"a", "api", "first"};
	struct schedule_item *then = put("a", "then", p, NULL);
	p.after_any = true;
	struct schedule_item *any = put("a", "any", p, NULL);
	REQUIRE(schedule_order_check(s, NULL) == 0);
	CHECK_INT(turn(), 1);
	CHECK(begun[0].item == first);
	CHECK_INT(look(then).state, SCHEDULE_AFTER);
	REQUIRE(look(then).after);
	CHECK_STR(look(then).after->sync, "first");
	CHECK_INT(look(then).after_state, SCHEDULE_RUNNING);
	CHECK_INT(look(then).until_us, 0); /* nobody knows */
	end(first, ERR_DATA);
	CHECK_INT(look(then).after_state, SCHEDULE_FAILING);
	CHECK_INT(look(then).until_us, look(first).until_us);
	schedule_pause(s, first, true);
	CHECK_INT(look(then).after_state, SCHEDULE_PAUSED);
	CHECK_INT(look(then).until_us, 0);
	schedule_pause(s, first, false);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == any);
	end(any, ERR_NONE);
	until_begin(HOUR);
	CHECK(begun[0].item == first && begun[0].cause == CAUSE_RETRY);
	end(first, ERR_NONE);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == then);
	end(then, ERR_NONE);
	for (int round = 0; round < 5; round++) {
		until_begin(2 * HOUR);
		REQUIRE(begins == 1);
		CHECK(begun[0].item == first);
		pass(MINUTE);
		CHECK_INT(turn(), 0);
		end(first, ERR_NONE);
		CHECK_INT(turn(), 2);
		end(then, ERR_NONE);
		end(any, ERR_NONE);
	}
	REQUIRE(schedule_ask(s, then, false, false, NULL) == 0);
	CHECK_INT(turn(), 1); /* alone: now */
	end(then, ERR_NONE);
	schedule_ask(s, then, false, false, NULL);
	schedule_ask(s, first, false, false, NULL);
	REQUIRE(turn() == 1); /* together: in order */
	CHECK(begun[0].item == first);
	end(first, ERR_NONE);
	CHECK_INT(turn(), 1);
	schedule_free(s);
}

TEST("a circle of after is named, and so is what is not there")
{
	set_up(4);
	struct schedule_plan p = hourly();
	struct err err = {0};
	p.after = (struct schedule_name){"a", "api", "two"};
	put("a", "one", p, NULL);
	CHECK_INT(schedule_order_check(s, &err), -1);
	CHECK_HAS(err.text, "a:api:one: after: there is no sync a:api:two");
	p.after.sync = "three";
	put("a", "two", p, NULL);
	p.after.sync = "one";
	struct schedule_item *three = put("a", "three", p, NULL);
	CHECK_INT(schedule_order_check(s, &err), -1);
	CHECK_HAS(err.text, "a:api:one after a:api:two after a:api:three after a:api:one");
	schedule_remove(s, three);
	p.after.connection = NULL;
	put("a", "three", p, NULL);
	CHECK_INT(schedule_order_check(s, &err), 0);
	schedule_free(s);
}

TEST("a stopped run goes on at once, a cancelled one at its next due time, one whose time was up in its turn")
{
	set_up(1);
	struct schedule_item *a = put("a", "x", hourly(), NULL), *b = put("b", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	struct schedule_item *one = begun[0].item, *two = one == a ? b : a;
	end(one, ERR_STOPPED);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == one && begun[0].cause == CAUSE_RESUME);
	schedule_ended(s, one, &(struct schedule_outcome){.cls = ERR_STOPPED, .more = true}); /* run_limit */
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == two && begun[0].cause == CAUSE_DUE);
	end(two, ERR_NONE);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == one && begun[0].cause == CAUSE_RESUME);
	schedule_ended(s, one, &(struct schedule_outcome){.cls = ERR_STOPPED, .by_person = true});
	CHECK_INT(turn(), 0);
	CHECK_INT(look(one).state, SCHEDULE_WAITING);
	schedule_free(s);

	set_up(1);
	struct schedule_past due = {.due_us = START_US - 9 * HOUR * 1000, .started_us = 1, .finished_us = 1, .success_us = 1};
	struct schedule_past cut = {.due_us = START_US - 1000, .started_us = 2, .interrupted = true};
	put("a", "x", hourly(), &due);
	struct schedule_item *i = put("b", "x", hourly(), &cut);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == i && begun[0].cause == CAUSE_RESUME && begun[0].due_us == START_US - 1000);
	schedule_free(s);
}

TEST("cancelled after its next due time has come, a run does not begin again at once")
{
	set_up(1);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	pass(3 * HOUR);
	turn();
	schedule_ended(s, i, &(struct schedule_outcome){.cls = ERR_STOPPED, .by_person = true});
	CHECK_INT(turn(), 0);
	CHECK(until_begin(2 * HOUR) <= HOUR * 11 / 10);
	CHECK_INT(begins, 1);
	schedule_free(s);
}

static bool
end_at_once(void *arg, const struct schedule_begin *b)
{
	(void)arg;
	begins++;
	schedule_ended(s, b->item, &(struct schedule_outcome){.more = true});
	return true;
}

TEST("a run that ends within the call is one that ended, and one that always wants more does not hold the loop up")
{
	set_up(4);
	put("a", "x", hourly(), NULL);
	begins = 0;
	CHECK(schedule_turn(s, end_at_once, NULL) <= mono + 1);
	CHECK_INT(begins, 4);
	schedule_free(s);
}

TEST("what was missed is met once: after a sleep, a pause, and a run longer than its interval")
{
	set_up(4);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	end(i, ERR_NONE);
	int64_t grid = look(i).next_us;
	wall += 10 * HOUR * 1000; /* the machine slept: the monotonic clock stood still */
	REQUIRE(turn() == 1);
	CHECK_INT((begun[0].due_us - grid) % (HOUR * 1000), 0);
	CHECK(begun[0].due_us <= wall && begun[0].due_us > wall - HOUR * 1000);
	pass(5 * HOUR + MINUTE);
	CHECK_INT(turn(), 0);
	end(i, ERR_NONE);
	REQUIRE(turn() == 1);
	CHECK(begun[0].due_us <= wall && begun[0].due_us > wall - HOUR * 1000);
	end(i, ERR_NONE);
	CHECK_INT(turn(), 0);
	schedule_pause(s, i, true);
	CHECK_INT(look(i).state, SCHEDULE_PAUSED);
	pass(7 * HOUR);
	CHECK_INT(turn(), 0);
	schedule_pause(s, i, false);
	CHECK_INT(turn(), 1);
	end(i, ERR_NONE);
	CHECK_INT(turn(), 0);
	schedule_free(s);
}

static void
clock_back(int64_t by_ms, int64_t least, int64_t most)
{
	set_up(4);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	end(i, ERR_NONE);
	until_begin(2 * HOUR);
	end(i, ERR_NONE);
	pass(5000);
	turn();
	wall -= by_ms * 1000;
	int64_t waited = until_begin(3 * HOUR) + 5000;
	if (waited < least || waited > most)
		printf("# back %lld ms: %lld ms\n", (long long)by_ms, (long long)waited);
	CHECK(waited >= least && waited <= most);
	schedule_free(s);
}

TEST("set back, by seconds or years, the wall clock makes nothing begin twice or wait longer than its interval and a tenth")
{
	static const int64_t steps[] = {2000, 6000, 3 * MINUTE, 30 * MINUTE, 58 * MINUTE, HOUR, 24 * HOUR, 1000 * 24 * HOUR};

	for (size_t n = 0; n < LENGTH(steps); n++)
		clock_back(steps[n], HOUR / 10 - 1000, HOUR * 11 / 10 + 1000);
}

TEST("a clock that is set back twice, or while a run waits for room, makes nobody wait longer either")
{
	set_up(1);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	end(i, ERR_NONE);
	until_begin(2 * HOUR);
	end(i, ERR_NONE);
	for (int n = 0; n < 2; n++) {
		pass(5000);
		turn();
		wall -= 3 * HOUR * 1000;
		turn();
	}
	CHECK(look(i).next_us <= wall + HOUR * 1100);
	struct schedule_item *busy = put("b", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == busy);
	pass(2 * HOUR);
	turn();
	CHECK_INT(look(i).state, SCHEDULE_QUEUED);
	wall -= 3 * HOUR * 1000;
	turn();
	end(busy, ERR_NONE);
	turn();
	REQUIRE(begins >= 1 && begun[0].item == i);
	CHECK(begun[0].due_us <= wall);
	CHECK(look(i).next_us <= wall + HOUR * 1100);
	schedule_free(s);
}

TEST("a restart after the clock was set back waits no longer than an interval and a tenth")
{
	set_up(4);
	struct schedule_past ahead = {.due_us = START_US + 1000 * HOUR * 1000, .started_us = START_US + 1000 * HOUR * 1000,
	                              .finished_us = START_US + 1000 * HOUR * 1000, .failures = 5, .cls = ERR_DATA};
	struct schedule_item *i = put("a", "x", hourly(), &ahead);
	CHECK(look(i).next_us <= wall + HOUR * 1100);
	CHECK(until_begin(3 * HOUR) <= HOUR * 11 / 10 + 1000);
	schedule_free(s);
}

TEST("a cron job of the night runs once when the clock is set back an hour after it")
{
	set_up(4);
	struct schedule_plan p = hourly();
	p.every_ms = 0;
	p.cron = "30 2 * * *";
	struct schedule_item *i = put("a", "x", p, NULL);
	until_begin(30 * HOUR);
	end(i, ERR_NONE);
	pass(5000);
	turn();
	wall -= HOUR * 1000;
	int64_t waited = until_begin(30 * HOUR);
	CHECK(waited > 24 * HOUR && waited < 26 * HOUR);
	end(i, ERR_NONE);
	schedule_free(s);
}

TEST("pauses and attempts are known after a restart")
{
	set_up(4);
	struct schedule_past failed = {.due_us = START_US - MINUTE * 1000, .started_us = START_US - MINUTE * 1000,
	                               .finished_us = START_US - 30 * 1000000, .failures = 2, .cls = ERR_DATA};
	struct schedule_item *i = put("a", "x", hourly(), &failed);
	CHECK_INT(look(i).state, SCHEDULE_FAILING);
	CHECK_INT(turn(), 0);
	int64_t waited = until_begin(HOUR);
	CHECK(waited >= MINUTE && waited <= 2 * MINUTE);
	CHECK(begun[0].cause == CAUSE_RETRY && begun[0].attempt == 2 && begun[0].due_us == failed.due_us);
	schedule_free(s);
}

TEST("auto_start = no waits for the first start, and then begins at once")
{
	set_up(4);
	struct schedule_plan p = hourly();
	p.auto_start = false;
	struct schedule_item *i = put("a", "x", p, NULL);
	CHECK(until_begin(2 * HOUR) >= 2 * HOUR);
	CHECK_INT(look(i).state, SCHEDULE_UNSTARTED);
	schedule_start(s, i);
	CHECK_INT(turn(), 1);
	end(i, ERR_NONE);
	CHECK_INT(look(i).state, SCHEDULE_WAITING);
	struct schedule_past past = {.begun = true};
	struct schedule_item *j = put("b", "x", p, &past);
	CHECK(look(j).state != SCHEDULE_UNSTARTED);
	schedule_free(s);
}

TEST("what is removed while it runs counts until it ends, and configured again does not run twice")
{
	set_up(1);
	struct schedule_item *a = put("a", "x", hourly(), NULL);
	REQUIRE(turn() == 1);
	schedule_remove(s, a);
	CHECK(!schedule_find(s, &(struct schedule_name){"a", "api", "x"}));
	struct schedule_item *b = put("b", "x", hourly(), NULL);
	CHECK_INT(turn(), 0);
	struct schedule_item *again = put("a", "x", hourly(), NULL);
	CHECK_INT(look(again).state, SCHEDULE_RUNNING);
	end(a, ERR_NONE);
	REQUIRE(turn() == 1);
	CHECK(begun[0].item == b);
	CHECK_INT(look(again).state, SCHEDULE_WAITING);
	schedule_remove(s, b);
	end(b, ERR_NONE);
	CHECK_INT(turn(), 0);
	schedule_free(s);
}

TEST("put again unchanged, an item keeps its due time and its failures; a new rule moves it")
{
	set_up(4);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	turn();
	end(i, ERR_DATA);
	struct schedule_view before = look(i);
	CHECK(put("a", "x", hourly(), NULL) == i);
	struct schedule_view now = look(i);
	CHECK(before.next_us == now.next_us && before.state == now.state && now.failures == 1);
	struct schedule_plan p = hourly();
	p.every_ms = MINUTE;
	put("a", "x", p, NULL);
	schedule_forgive(s, "a", "api");
	turn();
	end(i, ERR_NONE);
	CHECK(look(i).next_us <= wall + MINUTE * 1100);
	schedule_free(s);
}

TEST("when the host is short of something, nothing is lost and it is asked again within a second")
{
	set_up(4);
	struct schedule_item *i = put("a", "x", hourly(), NULL);
	refuse = true;
	begins = 0;
	int64_t due = look(i).next_us;
	CHECK(schedule_turn(s, note, NULL) <= mono + 1000);
	CHECK_INT(look(i).state, SCHEDULE_QUEUED);
	CHECK_INT(look(i).next_us, due);
	pass(1000);
	refuse = false;
	REQUIRE(turn() == 1);
	CHECK_INT(begun[0].due_us, due);
	schedule_free(s);
}

TEST("a run that somebody else began counts for the limits")
{
	set_up(1);
	struct schedule_item *a = put("a", "x", hourly(), NULL), *b = put("b", "x", hourly(), NULL);
	schedule_began(s, a);
	CHECK_INT(look(a).state, SCHEDULE_RUNNING);
	CHECK_INT(turn(), 0);
	end(a, ERR_NONE);
	CHECK_INT(turn(), 1);
	(void)b;
	schedule_free(s);
}

TEST("first runs come, spread, though the host is restarted again and again within first_spread")
{
	struct schedule_options o = {.clock = &fake, .max_runs = 64, .first_spread_ms = MINUTE, .fail_pause_ms = MINUTE,
	                             .fail_pause_max_ms = HOUR, .seed = 7};
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
	bool ran[LENGTH(names)] = {0};
	size_t n = 0, most = 0;

	set_up(1);
	schedule_free(s);
	for (int restart = 0; restart < 14; restart++) {
		s = schedule_new(&o);
		for (size_t i = 0; i < LENGTH(names); i++)
			if (!ran[i])
				put(names[i], "x", hourly(), NULL);
		for (int tick = 0; tick < 19; tick++, pass(500)) {
			turn();
			n += begins;
			most = begins > most ? begins : most;
			for (size_t i = 0; i < begins; i++)
				ran[schedule_item_name(begun[i].item)->connection[0] - 'a'] = true;
		}
		schedule_free(s);
	}
	CHECK_INT(n, LENGTH(names));
	CHECK(most <= 3);
}

TEST("names are walked in order")
{
	set_up(1);
	put("b", "x", hourly(), NULL);
	put("a", "y", hourly(), NULL);
	put("a", "x", hourly(), NULL);
	struct schedule_item *i = schedule_next(s, NULL);
	CHECK_STR(schedule_item_name(i)->sync, "x");
	i = schedule_next(s, i);
	CHECK_STR(schedule_item_name(i)->sync, "y");
	i = schedule_next(s, i);
	CHECK_STR(schedule_item_name(i)->connection, "b");
	CHECK(!schedule_next(s, i));
	schedule_free(s);
}
