/* proxy_quota.c - counting a quota, its forecast, and which requests an endpoint group means. */
#include "../tap.h"
#include "base/json.h"
#include "base/mem.h"
#include "proxy/group.h"
#include "proxy/quota.h"

#define DAY (24 * 3600 * INT64_C(1000))
#define HOUR (3600 * INT64_C(1000))
#define MIDNIGHT (20000 * DAY)

TEST("a quota per day is used up until midnight UTC, whenever it was sent")
{
	struct quota q = {0};

	quota_set(&q, 100, DAY);
	quota_count(&q, MIDNIGHT + 23 * HOUR, 99);
	CHECK(quota_until(&q, MIDNIGHT + 23 * HOUR) == MIDNIGHT + 23 * HOUR);
	quota_count(&q, MIDNIGHT + 23 * HOUR, 1);
	CHECK(quota_until(&q, MIDNIGHT + 23 * HOUR) == MIDNIGHT + DAY);
	CHECK_INT(quota_used(&q, MIDNIGHT + DAY - 1), 100);
	CHECK_INT(quota_used(&q, MIDNIGHT + DAY), 0);
}

TEST("any other quota slides: in no span are more than n, and a used one is back after a span and a sixtieth")
{
	struct quota q = {0};

	quota_set(&q, 10, HOUR);
	quota_count(&q, MIDNIGHT + 59 * HOUR / 60, 10);
	CHECK(quota_until(&q, MIDNIGHT + HOUR) > MIDNIGHT + HOUR + 59 * HOUR / 60);
	CHECK(quota_until(&q, MIDNIGHT + HOUR) <= MIDNIGHT + 2 * HOUR + HOUR / 60);
}

TEST("the forecast is today's pace; one that suffices until midnight says nothing")
{
	struct quota q = {0};

	quota_set(&q, 1000, DAY);
	CHECK_INT(quota_forecast(&q, MIDNIGHT + HOUR), 0);
	quota_count(&q, MIDNIGHT + HOUR, 100); /* 100 an hour: gone at ten */
	CHECK_INT(quota_forecast(&q, MIDNIGHT + HOUR) - MIDNIGHT, 10 * HOUR);
	CHECK_INT(quota_forecast(&q, MIDNIGHT + 3 * HOUR), 0);
}

TEST("a warning comes once a day, at 80 %")
{
	struct quota q = {0};

	quota_set(&q, 10, DAY);
	quota_count(&q, MIDNIGHT, 7);
	CHECK(!quota_warn(&q, MIDNIGHT));
	quota_count(&q, MIDNIGHT, 1);
	CHECK(quota_warn(&q, MIDNIGHT));
	CHECK(!quota_warn(&q, MIDNIGHT + HOUR));
	quota_count(&q, MIDNIGHT + DAY, 9);
	CHECK(quota_warn(&q, MIDNIGHT + DAY));
}

TEST("what was counted is read back; after the clock jumped back it counts for a span at most")
{
	struct quota q = {0}, back = {0}, early = {0};
	struct buf text = {0};
	struct json_out o = json_out(&text);

	quota_set(&q, 100, DAY);
	quota_count(&q, MIDNIGHT + HOUR, 40);
	quota_write(&q, &o);
	quota_set(&back, 100, DAY);
	quota_read(&back, MIDNIGHT + 2 * HOUR, buf_view(&text));
	CHECK_INT(quota_used(&back, MIDNIGHT + 2 * HOUR), 40);
	quota_set(&early, 100, DAY);
	quota_read(&early, MIDNIGHT - 30 * DAY, buf_view(&text));
	CHECK_INT(quota_used(&early, MIDNIGHT - 30 * DAY), 40);
	CHECK_INT(quota_used(&early, MIDNIGHT - 29 * DAY), 0);
	buf_free(&text);
}

TEST("a group's pattern: a method or any, * for a segment, and at the end for all that follows")
{
	static const struct {
		const char *pattern, *method, *path;
		bool fits;
	} cases[] = {
	        {"/v1/search*", "GET", "/v1/search", true},
	        {"/v1/search*", "POST", "/v1/search/all/of", true},
	        {"GET /v1/search*", "POST", "/v1/search", false},
	        {"GET /v1/search*", "GET", "/v1/searches", true},
	        {"/v1/search", "GET", "/v1/search/x", false},
	        {"/users/*/posts", "GET", "/users/7/posts", true},
	        {"/users/*/posts", "GET", "/users/7/8/posts", false},
	        {"/users/*-x/posts", "GET", "/users/a-b-x/posts", true},
	        {"/users/*/posts", "GET", "/users/7", false},
	        {"*", "GET", "/", true},
	};

	for (size_t i = 0; i < LENGTH(cases); i++)
		CHECK_INT(group_matches(cases[i].pattern, cases[i].method, cases[i].path), cases[i].fits);
}
