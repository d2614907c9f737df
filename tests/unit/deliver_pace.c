/* deliver_pace.c - when an endpoint is tried again, without waiting for it. */
#include "../tap.h"
#include "base/mem.h"
#include "deliver/pace.h"

#define NOW INT64_C(1700000000000000)
#define SECOND_US INT64_C(1000000)
#define MIDDLE (UINT32_MAX / 2)

TEST("each failure in a row makes the wait longer, up to six hours; a success ends it")
{
	static const int64_t seconds[] = {5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 21600, 21600};
	struct pace p = {0};

	CHECK_INT(pace_wait_ms(&p, NOW), 0);
	for (size_t i = 0; i < LENGTH(seconds); i++) {
		pace_failed(&p, NOW, -1, MIDDLE);
		CHECK(pace_wait_ms(&p, NOW) > seconds[i] * 1000 - 10 && pace_wait_ms(&p, NOW) <= seconds[i] * 1000);
		CHECK_INT(pace_open(&p), i + 1 >= PACE_OPEN);
		CHECK_INT(pace_wait_ms(&p, NOW + seconds[i] * SECOND_US), 0);
	}
	pace_well(&p);
	CHECK_INT(pace_wait_ms(&p, NOW), 0);
	CHECK(!pace_open(&p));
	CHECK_INT(p.failures, 0);
}

TEST("the wait varies by a quarter to both sides, and no further")
{
	static const uint32_t dice[] = {0, 1, MIDDLE, UINT32_MAX - 1, UINT32_MAX};
	int64_t least = INT64_MAX, most = 0;

	for (size_t i = 0; i < LENGTH(dice); i++) {
		struct pace p = {.failures = 1};

		pace_failed(&p, NOW, -1, dice[i]);
		least = pace_wait_ms(&p, NOW) < least ? pace_wait_ms(&p, NOW) : least;
		most = pace_wait_ms(&p, NOW) > most ? pace_wait_ms(&p, NOW) : most;
	}
	CHECK_INT(least, 22500);
	CHECK_INT(most, 37500);
}

TEST("a Retry-After makes it later, never earlier, and by a day at most")
{
	struct pace p = {0};

	pace_failed(&p, NOW, 90000, MIDDLE);
	CHECK_INT(pace_wait_ms(&p, NOW), 90000);
	p = (struct pace){0};
	pace_failed(&p, NOW, 1000, 0);
	CHECK_INT(pace_wait_ms(&p, NOW), 3750);
	pace_failed(&p, NOW, INT64_MAX, 0);
	CHECK_INT(pace_wait_ms(&p, NOW), PACE_ASKED_MAX_MS);
}

TEST("failing_us is of the first failure in a row")
{
	struct pace p = {0};

	pace_failed(&p, NOW, -1, 0);
	pace_failed(&p, NOW + SECOND_US, -1, 0);
	CHECK_INT(p.failing_us, NOW);
}

TEST("a clock that is set back by a year makes nobody wait longer than a day")
{
	struct pace p = {0};

	pace_failed(&p, NOW, -1, MIDDLE);
	CHECK_INT(pace_wait_ms(&p, NOW - 365 * 86400 * SECOND_US), PACE_ASKED_MAX_MS);
}

TEST("one that is gone is not tried until somebody says so")
{
	struct pace p = {.gone = true};

	CHECK_INT(pace_wait_ms(&p, NOW), PACE_NEVER);
	CHECK(pace_open(&p));
	pace_failed(&p, NOW, -1, 0);
	pace_again(&p);
	CHECK_INT(pace_wait_ms(&p, NOW), 0);
	CHECK_INT(p.failures, 1); /* the next wait goes on from here, should it fail again */
}
