/* schedule_alerts.c - each rule of core/schedule/alert.h: when it begins, when it is over, and when it has too little to go by. */
#include "base/buf.h"
#include "schedule/alert.h"
#include "../tap.h"

#define MINUTE INT64_C(60000)
#define MINUTE_US (MINUTE * 1000)

static const struct alert_settings usual = {
	.consecutive_failures = 3, .longer_than = 3, .error_rate = 0.2, .stale_after = 3, .held_deletes = true};
static char words[512];

static bool
judge(enum alert_kind kind, const struct alert_facts *f, bool open)
{
	struct buf text = {0};
	bool is = alert_judge(kind, &usual, f, open, &text);

	snprintf(words, sizeof words, "%s", buf_str(&text));
	buf_free(&text);
	return is;
}

TEST("the third failure in a row begins an alert, a success ends it")
{
	struct alert_facts f = {.failures = 2};

	CHECK(!judge(ALERT_FAILURES, &f, false));
	f.failures = 3;
	f.reason = "the provider answered 500";
	CHECK(judge(ALERT_FAILURES, &f, false));
	CHECK_STR(words, "3 runs in a row have failed: the provider answered 500");
	f.failures = 1; /* the settings were made stricter or milder meanwhile: it is over by a success alone */
	CHECK(judge(ALERT_FAILURES, &f, true));
	f.failures = 0;
	CHECK(!judge(ALERT_FAILURES, &f, true));
	CHECK_STR(words, "");
}

TEST("what is switched off or paused is neither failing nor stale, nor does it want attention")
{
	const struct alert_facts f = {.idle = true, .failures = 9, .ended = 20, .failed = 20, .refused = true,
	                              .now_us = 1000 * MINUTE_US, .since_us = 1, .interval_ms = MINUTE};

	CHECK(!judge(ALERT_FAILURES, &f, true));
	CHECK(!judge(ALERT_ERROR_RATE, &f, true));
	CHECK(!judge(ALERT_STALE, &f, true));
	CHECK(!judge(ALERT_ATTENTION, &f, true));
}

TEST("a run is too long at three times the usual, and a minute above it")
{
	struct alert_facts f = {.usual_ms = MINUTE, .samples = 3, .running_ms = 3 * MINUTE};

	CHECK(!judge(ALERT_LONG, &f, false));
	f.running_ms++;
	CHECK(judge(ALERT_LONG, &f, false));
	CHECK_HAS(words, "usual is 1m");
	f.running_ms = 0;
	CHECK(!judge(ALERT_LONG, &f, true));
	f = (struct alert_facts){.usual_ms = 1000, .samples = 20, .running_ms = 1000 + MINUTE - 1};
	CHECK(!judge(ALERT_LONG, &f, false));
	f.running_ms++;
	CHECK(judge(ALERT_LONG, &f, false));
	f.samples = 2;
	CHECK(!judge(ALERT_LONG, &f, false));
}

TEST("a share of failures wants ten runs, and more than the share")
{
	struct alert_facts f = {.ended = 9, .failed = 9};

	CHECK(!judge(ALERT_ERROR_RATE, &f, false));
	f.ended = f.failed = 10;
	CHECK(judge(ALERT_ERROR_RATE, &f, false));
	f = (struct alert_facts){.ended = 20, .failed = 4};
	CHECK(!judge(ALERT_ERROR_RATE, &f, false));
	f.failed = 5;
	CHECK(judge(ALERT_ERROR_RATE, &f, false));
	CHECK_STR(words, "5 of the last 20 runs failed");
}

TEST("a sync is stale after three intervals without success")
{
	struct alert_facts f = {.now_us = 100 * MINUTE_US, .since_us = 10 * MINUTE_US, .interval_ms = 30 * MINUTE};

	CHECK(!judge(ALERT_STALE, &f, false));
	f.now_us++;
	f.now_us += 1000;
	CHECK(judge(ALERT_STALE, &f, false));
	CHECK_HAS(words, "every 30m");
	f.since_us = f.now_us;
	CHECK(!judge(ALERT_STALE, &f, true));
	f.since_us = 0; /* not known */
	CHECK(!judge(ALERT_STALE, &f, false));
	f = (struct alert_facts){.now_us = 100 * MINUTE_US, .since_us = 1}; /* never due by itself */
	CHECK(!judge(ALERT_STALE, &f, false));
}

TEST("held deletes are told as long as they are held, also of what is switched off")
{
	struct alert_facts f = {.held = 1, .idle = true};

	CHECK(judge(ALERT_HELD, &f, false));
	CHECK_HAS(words, "1 delete is held back");
	f.held = 0;
	CHECK(!judge(ALERT_HELD, &f, true));
}

TEST("a quota is told when half is used and the pace will not do, and until its span begins anew")
{
	struct alert_facts f = {.name = "acme : crm", .quota_n = 1000, .quota_used = 499, .quota_end_us = 1000 * MINUTE_US};

	CHECK(!judge(ALERT_QUOTA, &f, false));
	f.quota_used = 500;
	CHECK(judge(ALERT_QUOTA, &f, false));
	CHECK_HAS(words, "500 of 1000 requests of acme : crm are used; at this pace");
	f.quota_end_us = 0;
	CHECK(!judge(ALERT_QUOTA, &f, false));
	CHECK(judge(ALERT_QUOTA, &f, true));
	f.quota_used = 1000;
	CHECK(judge(ALERT_QUOTA, &f, false));
	f.quota_used = 3;
	CHECK(!judge(ALERT_QUOTA, &f, true));
}

TEST("what is switched off in [alert] is never told")
{
	const struct alert_settings off = {0};
	const struct alert_facts f = {.failures = 99, .ended = 20, .failed = 20, .usual_ms = 1, .samples = 20, .running_ms = 99 * MINUTE,
	                              .now_us = 1000 * MINUTE_US, .since_us = 1, .interval_ms = 1, .held = 9};
	struct buf text = {0};

	for (enum alert_kind k = ALERT_FAILURES; k <= ALERT_HELD; k++)
		CHECK(!alert_judge(k, &off, &f, true, &text));
	CHECK_INT(text.len, 0);
}

TEST("the usual duration is the median")
{
	int64_t odd[] = {900, 1, 30}, even[] = {4, 1000, 2, 1};

	CHECK_INT(alert_median(odd, 3), 30);
	CHECK_INT(alert_median(even, 4), 3);
	CHECK_INT(alert_median(NULL, 0), 0);
}
