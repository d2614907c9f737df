/* deliver_post.c - one event posted to receivers that are good, bad and malicious: what it means, and that it ends in time. */
#include "../tap.h"
#include "../receiver.h"
#include "base/mem.h"
#include "deliver/post.h"

#define TIMEOUT (SLUICE_SANITIZED ? 4000 : 1500) /* ms; three megabytes are to get through in it, also on a loaded machine */

struct outcome {
	int done;
	struct post_result r;
	char text[256];
};

static void
answered(void *arg, const struct post_result *r)
{
	struct outcome *o = arg;

	o->done++;
	o->r = *r;
	snprintf(o->text, sizeof o->text, "%s", r->text ? r->text : "");
}

static void
spin(uv_timer_t *timer)
{
	(void)timer;
}

struct desk {
	uv_loop_t loop;
	uv_timer_t timer;
	struct poster *poster;
};

static void
desk_open(struct desk *d)
{
	struct err err;

	uv_loop_init(&d->loop);
	uv_timer_init(&d->loop, &d->timer);
	uv_timer_start(&d->timer, spin, 10, 10);
	d->poster = poster_new(&d->loop, &err);
}

static void
desk_close(struct desk *d)
{
	poster_free(d->poster);
	uv_close((uv_handle_t *)&d->timer, NULL);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
}

static struct outcome
post_to(struct desk *d, const char *url, struct slice body)
{
	const struct post_header headers[] = {{"Content-Type", "application/json"}, {"webhook-id", "evt_1"}, {"X-None", ""}, {NULL, NULL}};
	const struct post_ask ask = {.url = url, .headers = headers, .body = body, .timeout_ms = TIMEOUT, .now_us = 1};
	struct outcome o = {0};
	long long began = receiver_ms();

	post_begin(d->poster, &ask, answered, &o);
	while (!o.done && receiver_ms() - began < 10 * TIMEOUT)
		uv_run(&d->loop, UV_RUN_ONCE);
	return o;
}

static char *
url_of(const struct receiver *r)
{
	return xasprintf("http://127.0.0.1:%u/hooks?secret=1", r->port);
}

TEST("an event is taken by a 2xx, and arrives byte by byte over a connection that is kept")
{
	struct receiver *r = receiver_new();
	char *url = url_of(r), *big = xcalloc(1, 3000000);
	struct outcome o;
	struct desk d;

	desk_open(&d);
	o = post_to(&d, url, SLICE("{\"type\":\"records.created\"}"));
	CHECK(o.r.taken);
	CHECK_INT(o.r.status, 204);
	CHECK_STR(o.text, "");
	memset(big, ' ', 2999999);
	o = post_to(&d, url, slice_str(big));
	CHECK(o.r.taken);
	REQUIRE(receiver_count(r) == 2);
	CHECK_STR(receiver_at(r, 0)->body, "{\"type\":\"records.created\"}");
	CHECK_STR(receiver_at(r, 0)->id, "evt_1");
	CHECK_STR(receiver_at(r, 0)->content, "application/json");
	CHECK_HAS(receiver_at(r, 0)->agent, "sluice/");
	CHECK_INT(receiver_at(r, 1)->len, 2999999);
	CHECK_INT(receiver_at(r, 1)->connection, 1);
	desk_close(&d);
	free(url);
	free(big);
	receiver_free(r);
}

TEST("whatever a receiver does, it is judged once, in time, by its status or the lack of one")
{
	static const struct {
		enum receive mode;
		int status;
		const char *header;
		bool taken;
		int want;          /* status; 0: none */
		const char *text;
		int64_t retry_ms;  /* -1: none */
	} cases[] = {
		{RECEIVE_STATUS, 200, NULL, true, 200, "", -1},
		{RECEIVE_STATUS, 299, NULL, true, 299, "", -1},
		{RECEIVE_STATUS, 500, NULL, false, 500, "it answered 500", -1},
		{RECEIVE_STATUS, 500, "Retry-After: 9", false, 500, "it answered 500", -1},
		{RECEIVE_STATUS, 503, "Retry-After: 9", false, 503, "it answered 503", 9000},
		{RECEIVE_STATUS, 429, "Retry-After: 120", false, 429, "it answered 429", 120000},
		{RECEIVE_STATUS, 410, NULL, false, 410, "it answered 410", -1},
		{RECEIVE_STATUS, 302, "Location: http://169.254.169.254/latest/meta-data", false, 302, "redirects are not followed", -1},
		{RECEIVE_STATUS, 307, "Location: /other", false, 307, "redirects are not followed", -1},
		{RECEIVE_TARPIT, 0, NULL, false, 0, "no answer in time", -1},
		{RECEIVE_DRIP, 0, NULL, false, 0, "no answer in time", -1},
		{RECEIVE_ENDLESS, 200, NULL, true, 200, "", -1},
		{RECEIVE_ENDLESS, 500, NULL, false, 500, "it answered 500", -1},
		{RECEIVE_DRIP_BODY, 200, NULL, true, 200, "", -1},
		{RECEIVE_DRIP_BODY, 503, NULL, false, 503, "it answered 503", -1},
		{RECEIVE_RESET, 0, NULL, false, 0, "cut the connection off", -1},
		{RECEIVE_GARBAGE, 0, NULL, false, 0, "not HTTP", -1},
	};
	struct receiver *r = receiver_new();
	char *url = url_of(r);
	struct desk d;

	desk_open(&d);
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct outcome o;

		receiver_mode(r, cases[i].mode, cases[i].status, cases[i].header);
		o = post_to(&d, url, SLICE("{}"));
		printf("# %zu: %d %s, %lld ms\n", i, o.r.status, o.text, (long long)o.r.took_ms);
		CHECK_INT(o.done, 1);
		CHECK_INT(o.r.taken, cases[i].taken);
		CHECK_INT(o.r.status, cases[i].want);
		CHECK_HAS(o.text, cases[i].text);
		CHECK_INT(o.r.retry_after_ms, cases[i].retry_ms);
	}
	CHECK_INT(receiver_count(r), (int)LENGTH(cases)); /* none was followed, none repeated */
	desk_close(&d);
	free(url);
	receiver_free(r);
}

TEST("headers without end are cut off, and nobody listening is told as that")
{
	struct receiver *r = receiver_new();
	char *url = url_of(r);
	struct outcome o;
	struct desk d;

	desk_open(&d);
	receiver_mode(r, RECEIVE_HEADERS, 0, NULL);
	o = post_to(&d, url, SLICE("{}"));
	CHECK_INT(o.done, 1);
	receiver_free(r);
	o = post_to(&d, url, SLICE("{}"));
	CHECK_INT(o.done, 1);
	CHECK(!o.r.taken);
	CHECK_HAS(o.text, "refused");
	o = post_to(&d, "https://127.0.0.1:1/", SLICE("{}"));
	CHECK(!o.r.taken);
	desk_close(&d);
	free(url);
}

TEST("one that is stopped is not told of, and leaves nothing behind")
{
	struct receiver *r = receiver_new();
	const struct post_header none[] = {{NULL, NULL}};
	char *url = url_of(r);
	struct outcome o = {0};
	struct post *post;
	struct desk d;

	desk_open(&d);
	receiver_mode(r, RECEIVE_TARPIT, 0, NULL);
	post = post_begin(d.poster, &(struct post_ask){.url = url, .headers = none, .body = SLICE("{}"), .timeout_ms = 60000},
	                  answered, &o);
	for (int i = 0; i < 10000 && receiver_count(r) == 0; i++) { /* its thread counts after the loop has nothing left to do */
		uv_run(&d.loop, UV_RUN_NOWAIT);
		usleep(2000);
	}
	CHECK_INT(receiver_count(r), 1);
	post_stop(post);
	CHECK_INT(o.done, 0);
	desk_close(&d);
	free(url);
	receiver_free(r);
}
