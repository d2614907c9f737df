/* proxy_retry.c - waits as providers write them, the decision, and the window of a rate limit. */
#include "../tap.h"
#include "base/clock.h"
#include "base/mem.h"
#include "proxy/bucket.h"
#include "proxy/retry.h"

#define NOW INT64_C(1700000000000000) /* µs: Tue, 14 Nov 2023 22:13:20 GMT */

TEST("Retry-After is seconds or a date, and nothing else")
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
	        {"0", 0},
	        {"1", 1000},
	        {" 30 ", 30000},
	        {"1.5", 1500},
	        {"0.0001", 1},
	        {"86400", 86400000},
	        {"007", 7000},
	        {"99999999999999999999999", INT64_MAX},
	        {"9223372036854775807", INT64_MAX},
	        {"Tue, 14 Nov 2023 22:13:27 GMT", 7000},
	        {"Tuesday, 14-Nov-23 22:13:27 GMT", 7000},
	        {"Tue Nov 14 22:13:27 2023", 7000},
	        {"Tue, 14 Nov 2023 22:13:20 GMT", WAIT_UNKNOWN},
	        {"Mon, 01 Jan 2001 00:00:00 GMT", WAIT_UNKNOWN},
	        {"", WAIT_UNKNOWN},
	        {"-1", WAIT_UNKNOWN},
	        {"-86400", WAIT_UNKNOWN},
	        {"+5", WAIT_UNKNOWN},
	        {"1e99", WAIT_UNKNOWN},
	        {"1e3", WAIT_UNKNOWN},
	        {"abc", WAIT_UNKNOWN},
	        {"12 34", WAIT_UNKNOWN},
	        {"0x10", WAIT_UNKNOWN},
	        {"NaN", WAIT_UNKNOWN},
	        {"inf", WAIT_UNKNOWN},
	        {".5", WAIT_UNKNOWN},
	        {"5s", WAIT_UNKNOWN},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		CHECK_INT(wait_retry_after(slice_str(cases[i].text), NOW), cases[i].ms);
		if (tap_bad)
			printf("# %s\n", cases[i].text);
	}
}

TEST("a reset is told apart by its size: seconds until, seconds or milliseconds since 1970, or a date")
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
	        {"30", 30000},
	        {"0", 0},
	        {"59.2", 59200},
	        {"1700000007", 7000},
	        {"1700000007.25", 7250},
	        {"1700000007123", 7123},
	        {"1700000000", WAIT_UNKNOWN},
	        {"1600000000", WAIT_UNKNOWN},
	        {"1600000000000", WAIT_UNKNOWN},
	        {"2023-11-14T22:13:27Z", 7000},
	        {"Tue, 14 Nov 2023 22:13:27 GMT", 7000},
	        {"6m0s", 360000},
	        {"1s", 1000},
	        {"250ms", 250},
	        {"soon", WAIT_UNKNOWN},
	        {"", WAIT_UNKNOWN},
	        {"-5", WAIT_UNKNOWN},
	        {"every day", WAIT_UNKNOWN},
	};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		CHECK_INT(wait_reset(slice_str(cases[i].text), NOW), cases[i].ms);
		if (tap_bad)
			printf("# %s\n", cases[i].text);
	}
}

TEST("the longest of all that an answer asks for counts, by the answer's own clock")
{
	struct wait_sources s = {.headers = SLICE("retry-after: 2\nx-reset: 9\nx-more: 3\n"), .now_us = NOW};

	CHECK_INT(wait_asked(&s), 2000);
	s.retry_after = "x-more";
	CHECK_INT(wait_asked(&s), 3000);
	s.reset = "x-reset";
	CHECK_INT(wait_asked(&s), 9000);
	s.body_path = "error.rate_reset";
	s.body = SLICE("{\"error\":{\"rate_reset\":12.5}}");
	CHECK_INT(wait_asked(&s), 12500);
	s.body = SLICE("{\"error\":{\"rate_reset\":\"13\"}}");
	CHECK_INT(wait_asked(&s), 13000);
	s.body = SLICE("{\"error\":{\"rate_reset\":1e9}}");
	CHECK_INT(wait_asked(&s), 9000);
	s.body = SLICE("<html>");
	CHECK_INT(wait_asked(&s), 9000);
	s = (struct wait_sources){
	        .headers = SLICE("date: Tue, 14 Nov 2000 22:13:20 GMT\nretry-after: Tue, 14 Nov 2000 22:13:25 GMT\n"),
	        .now_us = NOW};
	CHECK_INT(wait_asked(&s), 5000);
	CHECK_INT(wait_asked(&(struct wait_sources){.now_us = NOW}), WAIT_UNKNOWN);
}

TEST("what may be repeated: reading methods, PUT and DELETE, and what is said to be safe; never a 401")
{
	static const uint16_t also[] = {401, 409};

	CHECK(retry_method("GET", false) && retry_method("HEAD", false) && retry_method("PUT", false) &&
	      retry_method("DELETE", false));
	CHECK(!retry_method("POST", false) && !retry_method("PATCH", false));
	CHECK(retry_method("POST", true));
	for (int status = 100; status < 600; status++)
		CHECK_INT(retry_status(status, NULL, 0),
		          status == 429 || status == 500 || (status >= 502 && status <= 504));
	CHECK(retry_status(409, also, 2));
	CHECK(!retry_status(401, also, 2));
}

TEST("backoff is between nothing and base times two to the n, up to its cap")
{
	for (unsigned n = 0; n < 70; n++) {
		int64_t most = n < 10 ? 500 << n : 300000, high = 0;

		if (most > 300000)
			most = 300000;
		for (uint64_t r = 0; r < 2000; r++) {
			uint64_t z = r * UINT64_C(0x9e3779b97f4a7c15);
			int64_t ms = retry_backoff(n, 500, 300000, (z ^ z >> 29) * UINT64_C(0xbf58476d1ce4e5b9) >> 13);

			CHECK(ms >= 0 && ms <= most);
			high = ms > high ? ms : high;
		}
		CHECK(high > most * 9 / 10);
	}
}

TEST("a decision never waits less than asked, and ends what would wait too long")
{
	struct retry_case c = {.may = true,
	                       .limit = 5,
	                       .base_ms = 500,
	                       .max_ms = 300000,
	                       .asked_ms = WAIT_UNKNOWN,
	                       .time_left_ms = INT64_MAX};
	int64_t wait;

	CHECK_INT(retry_decide(&c, &wait), RETRY_LATER);
	for (c.random = 0; c.random < 5000; c.random++) {
		c.asked_ms = 7000;
		CHECK_INT(retry_decide(&c, &wait), RETRY_LATER);
		CHECK(wait > 7000 && wait <= 7501);
	}
	c.asked_ms = 300000;
	CHECK_INT(retry_decide(&c, &wait), RETRY_LATER);
	c.asked_ms = 300001;
	CHECK_INT(retry_decide(&c, &wait), RETRY_TOO_LONG);
	CHECK_INT(wait, 300001);
	c.asked_ms = INT64_MAX;
	CHECK_INT(retry_decide(&c, &wait), RETRY_TOO_LONG);
	c.asked_ms = 5000;
	c.time_left_ms = 4000;
	CHECK_INT(retry_decide(&c, &wait), RETRY_TOO_LONG);
	c.asked_ms = WAIT_UNKNOWN;
	c.random = 450;
	c.time_left_ms = 100;
	CHECK_INT(retry_decide(&c, &wait), RETRY_NOT);
	c.time_left_ms = INT64_MAX;
	c.done = 5;
	CHECK_INT(retry_decide(&c, &wait), RETRY_NOT);
	c.done = 0;
	c.may = false;
	CHECK_INT(retry_decide(&c, &wait), RETRY_NOT);
}

/* ---- the window ---- */

TEST("no span holds more than n sendings, however they come")
{
	struct bucket b;
	int64_t sent[400], now = 1000;
	unsigned n = 0;
	uint64_t random = 1;

	bucket_init(&b);
	bucket_rate(&b, 10, 1000);
	while (n < LENGTH(sent)) {
		int64_t at = bucket_next(&b, now, random);

		random = random * UINT64_C(6364136223846793005) + 1;
		REQUIRE(at != INT64_MAX);
		if (at > now) {
			now = at;
			continue;
		}
		bucket_take(&b, now);
		bucket_sent(&b, now);
		bucket_answered(&b);
		sent[n++] = now;
		now += (int64_t)(random >> 60) * 7;
	}
	for (unsigned i = 10; i < n; i++)
		CHECK(sent[i] - sent[i - 10] > 1000);
	CHECK(sent[n - 1] - sent[0] < 42500);
	bucket_finish(&b);
}

TEST("what is still connecting takes its place; a place is free when it was sent a span ago")
{
	struct bucket b;

	bucket_init(&b);
	bucket_rate(&b, 2, 1000);
	bucket_take(&b, 0);
	bucket_take(&b, 0);
	CHECK(bucket_next(&b, 5000, 0) == INT64_MAX);
	bucket_sent(&b, 5000);
	CHECK(bucket_next(&b, 5000, 0) == 6051);
	bucket_sent(&b, 5400);
	CHECK(bucket_next(&b, 5400, 0) == 6051);
	bucket_take(&b, 6051);
	CHECK(bucket_next(&b, 6051, 0) == 6451);
	bucket_finish(&b);
}

TEST("a sending that libcurl repeats by itself takes a place of its own, not that of one that is connecting")
{
	struct bucket b;

	bucket_init(&b);
	bucket_rate(&b, 2, 1000);
	bucket_take(&b, 0);
	bucket_sent(&b, 0);
	bucket_take(&b, 10);
	bucket_again(&b, 20);
	CHECK(bucket_next(&b, 30, 0) == 1071);
	bucket_finish(&b);
}

TEST("a pause holds for all, is never shortened, and does not end in one instant")
{
	struct bucket b;
	int64_t now = 5001, spread = 0;

	bucket_init(&b);
	bucket_pause(&b, 0, 5000);
	bucket_pause(&b, 0, 2000);
	CHECK_INT(bucket_next(&b, 100, 0), 5000);
	for (uint64_t i = 0; i < 50; i++) {
		int64_t at = bucket_next(&b, now, i * 17);

		spread += at - now;
		now = at;
		bucket_take(&b, now);
	}
	CHECK(spread > 400);
	bucket_finish(&b);
}

TEST("none left means none until the reset; and in flight ones count")
{
	struct bucket b;

	bucket_init(&b);
	bucket_learn(&b, 2, 9000);
	CHECK_INT(bucket_next(&b, 0, 0), 0);
	bucket_take(&b, 0);
	bucket_take(&b, 0);
	CHECK_INT(bucket_next(&b, 0, 0), 9000);
	bucket_answered(&b);
	bucket_learn(&b, 0, 9000);
	bucket_learn(&b, 1, 9000); /* an older answer that comes later */
	CHECK_INT(bucket_next(&b, 10, 0), 9000);
	CHECK_INT(bucket_next(&b, 9000, 0), 9000);
	bucket_finish(&b);
}

TEST("a rate of millions a day is kept by a smaller window, never a looser one")
{
	struct bucket b;

	bucket_init(&b);
	bucket_rate(&b, 1000000, 86400000);
	CHECK(b.n <= 16384);
	CHECK((double)b.n / (double)b.per_ms <= 1000000.0 / 86400000.0 * 1.0001);
	bucket_finish(&b);
}
