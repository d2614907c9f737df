/* Waiting for a dataset: woken by the first durable change in it and by no other, or when the time is up; by a real store and a
 * real loop, on a clock that the test turns. */
#include "api/waits.h"
#include "store_kit.h"

struct bench {
	struct kit k;
	uv_loop_t loop;
	uv_async_t wake;
	struct waits *waits;
};

static void
woken(uv_async_t *wake)
{
	store_poll(((struct bench *)wake->data)->k.s);
}

static void
wake(void *arg)
{
	uv_async_send(&((struct bench *)arg)->wake);
}

static bool
bench_open(struct bench *b)
{
	uv_loop_init(&b->loop);
	uv_async_init(&b->loop, &b->wake, woken);
	b->wake.data = b;
	kit_init(&b->k);
	b->k.o.wake = wake;
	b->k.o.arg = b;
	if (!kit_open(&b->k))
		return false;
	b->waits = waits_new(&b->loop, &b->k.clock, b->k.s);
	return true;
}

static void
bench_close(struct bench *b)
{
	CHECK_INT(waits_count(b->waits), 0);
	waits_free(b->waits);
	kit_close(&b->k);
	uv_close((uv_handle_t *)&b->wake, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK(uv_loop_close(&b->loop) == 0);
	kit_finish(&b->k);
}

struct waiter {
	struct wait wait;
	int times, late;
	struct waits *again; /* waits on; NULL: no */
	uint32_t dataset;
	struct waiter *drops;
};

static void
waiter_woken(void *arg, bool late)
{
	struct waiter *w = arg;

	w->times++;
	w->late += late;
	if (w->again)
		waits_add(w->again, &w->wait, w->dataset, 0);
	if (w->drops)
		waits_drop(w->again, &w->drops->wait);
}

static struct waiter
waiter_new(void)
{
	return (struct waiter){.wait.woken = waiter_woken};
}

TEST("a change wakes those who wait for its dataset, once each, and nobody else; also one that somebody blocked for")
{
	struct bench b;
	struct waiter mine = waiter_new(), mine2 = waiter_new(), other = waiter_new();
	uint32_t d, e;

	REQUIRE(bench_open(&b));
	d = kit_dataset(&b.k, "M");
	e = kit_dataset(&b.k, "N");
	uv_run(&b.loop, UV_RUN_NOWAIT);
	mine.wait.arg = &mine;
	mine2.wait.arg = &mine2;
	other.wait.arg = &other;
	waits_add(b.waits, &mine.wait, d, 0);
	waits_add(b.waits, &mine2.wait, d, 60000);
	waits_add(b.waits, &other.wait, e, 0);
	CHECK_INT(waits_count(b.waits), 3);
	kit_save(&b.k, d, "a", "1"); /* by store_commit_wait */
	while (!mine.times)
		uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT(mine.times, 1);
	CHECK_INT(mine2.times, 1);
	CHECK_INT(mine2.late, 0);
	CHECK_INT(other.times, 0);
	kit_save(&b.k, d, "a", "2");
	store_drain(b.k.s);
	uv_run(&b.loop, UV_RUN_NOWAIT);
	CHECK_INT(mine.times, 1); /* it had not said that it waits on */
	waits_drop(b.waits, &other.wait);
	bench_close(&b);
}

TEST("an unchanged save wakes nobody; a merged dataset is told of with its source")
{
	static const struct dataset_name source = {.connection = "acme", .integration = "crm", .model = "M"};
	static const char *const keys[] = {"email", NULL};
	const struct store_merge merge = {.name = "people", .sources = &source, .n = 1, .keys = keys};
	struct bench b;
	struct waiter mine = waiter_new();
	uint32_t d, m;

	REQUIRE(bench_open(&b));
	d = kit_dataset(&b.k, "M");
	REQUIRE(store_merges(b.k.s, &merge, 1, &b.k.err) == 0);
	while ((m = store_merge_unbuilt(b.k.s))) {
		store_merge_build(b.k.s, m, NULL, NULL);
		store_drain(b.k.s);
	}
	m = store_dataset_find(b.k.s, &(struct dataset_name){.connection = "merge", .integration = "merge", .model = "people"});
	REQUIRE(m);
	uv_run(&b.loop, UV_RUN_NOWAIT);
	mine.wait.arg = &mine;
	waits_add(b.waits, &mine.wait, m, 0);
	kit_save(&b.k, d, "a", "{\"email\":\"x@y\"}");
	store_drain(b.k.s);
	CHECK_INT(mine.times, 1);
	waits_add(b.waits, &mine.wait, d, 0);
	kit_save(&b.k, d, "a", "{\"email\":\"x@y\"}");
	store_drain(b.k.s);
	CHECK_INT(mine.times, 1);
	waits_drop(b.waits, &mine.wait);
	bench_close(&b);
}

TEST("who is woken may wait again, and drop another who was to be woken with him")
{
	struct bench b;
	struct waiter list[3] = {waiter_new(), waiter_new(), waiter_new()};
	int woken_once = 0;
	uint32_t d;

	REQUIRE(bench_open(&b));
	d = kit_dataset(&b.k, "M");
	for (int i = 0; i < 3; i++) {
		list[i].wait.arg = &list[i];
		list[i].again = b.waits;
		list[i].dataset = d;
		waits_add(b.waits, &list[i].wait, d, 0);
	}
	list[0].drops = &list[1];
	list[1].drops = &list[0];
	kit_save(&b.k, d, "a", "1");
	store_drain(b.k.s);
	CHECK_INT(list[0].times + list[1].times, 1); /* whoever came first dropped the other */
	CHECK_INT(list[2].times, 1);
	woken_once = list[0].times + list[1].times + list[2].times;
	CHECK_INT(woken_once, 2);
	for (int i = 0; i < 3; i++)
		waits_drop(b.waits, &list[i].wait);
	bench_close(&b);
}

TEST("time is up in order of the times, and once")
{
	struct bench b;
	struct waiter soon = waiter_new(), late = waiter_new();
	uint32_t d;

	REQUIRE(bench_open(&b));
	d = kit_dataset(&b.k, "M");
	soon.wait.arg = &soon;
	late.wait.arg = &late;
	waits_add(b.waits, &late.wait, d, 30);
	waits_add(b.waits, &soon.wait, d, 1);
	b.k.now_us += 2000;
	while (!soon.times)
		uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT(soon.late, 1);
	CHECK_INT(late.times, 0);
	b.k.now_us += 60000;
	while (!late.times)
		uv_run(&b.loop, UV_RUN_ONCE);
	CHECK_INT(late.late, 1);
	CHECK_INT(soon.times, 1);
	bench_close(&b);
}
