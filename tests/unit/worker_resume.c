/* worker_resume.c - steps and cuts: three levels of nesting under every budget, a kill behind every frame, 100 000 parents. */
#include "worker_host.h"
#include <sys/resource.h>

static int levels, per_page, fan[3];   /* levels of nesting; items a page; items in each list, by depth */
static int filtered;                   /* nothing is saved: positions alone move on */

/* /0 lists fan[0] items; /0/3 what is below item 3, and so on. Ids tell the way: 30201. */
static int
fetch_level(struct sluice_run *run, int depth, const char *way)
{
	const struct sluice_page_request list = {
		.endpoint = sluice_format(run, "/list%s", way), .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0) {
		if (depth == levels - 1) {
			if (!filtered)
				sluice_batch_save(run, "T", page.body, page.len);
			continue;
		}
		for (const char *p = page.body; (p = strstr(p, "\"id\":\"")); p++) {
			const char *id = p + strlen("\"id\":\"");
			fetch_level(run, depth + 1, sluice_format(run, "%s/%.*s", way, (int)strcspn(id, "\""), id));
		}
	}
	return sluice_status(run);
}

static int
fetch(struct sluice_run *run)
{
	return fetch_level(run, 0, "");
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "s", .model = "T", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs};

static void
serve(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	long at = query_long(r, "at", 0);
	int depth = -1;
	const char *last = strrchr(r->endpoint, '/');

	(void)f;
	for (const char *p = r->endpoint; *p; p++)
		depth += *p == '/';
	buf_puts(&a->body, "{\"data\":[");
	for (long i = at; i < fan[depth] && i < at + per_page; i++)
		buf_printf(&a->body, "%s{\"id\":\"%s%ld\"}", i > at ? "," : "", depth ? last + 1 : "", i);
	if (at + per_page < fan[depth])
		buf_printf(&a->body, "],\"next\":%ld}", at + per_page);
	else
		buf_puts(&a->body, "]}");
}

static void
shape(int n, int page, int a, int b, int c)
{
	levels = n;
	per_page = page;
	fan[0] = a;
	fan[1] = b;
	fan[2] = c;
	filtered = 0;
}

/* The store after a run; yours. */
static char *
outcome(uint32_t calls, long cut, struct fake *kept)
{
	struct fake f = {.connector = &connector, .serve = serve, .calls = calls, .cut = cut, .full = true};
	char *set;

	fake_run(&f);
	CHECK(f.ended && !f.yielded && f.status == 0 && !f.incomplete);
	CHECK_INT(f.worst, PROOF_WHOLE);
	set = list_set(&f.store);
	if (kept)
		*kept = f;
	else
		fake_finish(&f);
	return set;
}

TEST("three levels of nesting give the same under every budget")
{
	struct fake f;
	char *whole, *set;

	shape(3, 2, 5, 3, 5);
	whole = outcome(0, 0, &f);
	CHECK_INT(f.store.n, 5 * 3 * 5);
	CHECK_INT(f.n_steps, 1);
	fake_finish(&f);
	for (uint32_t calls = 1; calls <= 12; calls++) {
		set = outcome(calls, 0, &f);
		CHECK_STR(set, whole);
		CHECK(f.n_steps > 1);
		CHECK_INT(f.store.n, 5 * 3 * 5); /* and no page was delivered twice to the innermost loop */
		CHECK(f.n_requests <= 3 + 5 * 2 + 15 * 3 + 3); /* outer pages wait in hand; only what was asked for ahead may be lost */
		fake_finish(&f);
		free(set);
	}
	free(whole);
}

TEST("a worker killed behind any frame loses nothing")
{
	char *whole, *set;

	shape(3, 2, 3, 2, 3);
	whole = outcome(0, 0, NULL);
	for (uint32_t calls = 0; calls <= 4; calls += 2) {
		bool cut = true;
		for (long at = 1; cut && at < 500; at++) {
			struct fake f;
			set = outcome(calls, at, &f);
			cut = f.n_workers > 1;
			CHECK_STR(set, whole);
			fake_finish(&f);
			free(set);
		}
		CHECK(!cut);
	}
	free(whole);
}

TEST("pages of which nothing is saved move the position on all the same")
{
	struct fake f = {.connector = &connector, .serve = serve, .calls = 3};

	shape(1, 2, 20, 0, 0);
	filtered = 1;
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_requests, 10);
	CHECK_INT(f.n_positions, 10);
	CHECK(f.n_steps >= 3 && f.n_steps <= 5);
	fake_finish(&f);
}

static long
seconds(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - since->tv_sec;
}

static void
check_parents(int parents, int page, uint32_t calls)
{
	struct fake f = {.connector = &connector, .serve = serve, .calls = calls, .count_only = true};
	struct timespec began;
	struct rusage use;

	clock_gettime(CLOCK_MONOTONIC, &began);
	shape(2, page, parents, 1, 0);
	fake_run(&f);
	CHECK(f.ended && f.status == 0);
	CHECK_INT(f.n_saved, parents);
	CHECK(seconds(&began) < 60);
	getrusage(RUSAGE_CHILDREN, &use);
	CHECK(SLUICE_SANITIZED || use.ru_maxrss < 128 << 10);
	printf("# %d parents a page, budget %u: %u steps, %llu requests, %ld s, %ld MiB\n", page, calls, f.n_steps,
	       (unsigned long long)f.n_requests, seconds(&began), use.ru_maxrss >> 10);
	fake_finish(&f);
}

TEST("100 000 parents, in pages of 100 or on one page, end in seconds and in bounded memory")
{
	int parents = SLUICE_SANITIZED ? 3000 : 100000;

	check_parents(parents, 100, 10);
	check_parents(parents, parents, 0);
	check_parents(parents, parents, 10);
}

/* ---- inner loops that are left ---- */

static int
fetch_leaving(struct sluice_run *run)
{
	const struct sluice_page_request outer = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page, inner;

	while (sluice_paginate(run, &outer, &page) > 0)
		for (const char *p = page.body; (p = strstr(p, "\"id\":\"")); p++) {
			const struct sluice_page_request list = {.endpoint = sluice_format(run, "/list/%.*s", (int)strcspn(p + 6, "\""), p + 6),
			                                         .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
			while (sluice_paginate(run, &list, &inner) > 0) {
				sluice_batch_save(run, "T", inner.body, inner.len);
				break; /* the newest page is enough */
			}
		}
	return sluice_status(run);
}

static const struct sluice_sync leaving[] = {{.name = "s", .model = "T", .fetch = fetch_leaving}, {0}};
static const struct sluice_connector leaver = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = leaving};

TEST("inner loops that are left early do not pile up, and are not read again by the next step")
{
	for (uint32_t calls = 0; calls < 8; calls++) {
		struct fake f = {.connector = &leaver, .serve = serve, .calls = calls};

		shape(2, 25, 50, 50, 0);
		fake_run(&f);
		CHECK_INT(f.status, 0);
		CHECK(f.incomplete);
		CHECK_INT(f.n_saved, 50 * 25);
		CHECK(!list_has(&f.trace, "3/list"));
		fake_finish(&f);
	}
}

/* The same inner list for every outer page. */
static int
fetch_same_inner(struct sluice_run *run)
{
	const struct sluice_page_request outer = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	const struct sluice_page_request same = {.endpoint = "/list/x", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page, inner;

	while (sluice_paginate(run, &outer, &page) > 0)
		while (sluice_paginate(run, &same, &inner) > 0)
			sluice_batch_save(run, "T", inner.body, inner.len);
	return sluice_status(run);
}

static const struct sluice_sync same_inner[] = {{.name = "s", .model = "T", .fetch = fetch_same_inner}, {0}};
static const struct sluice_connector repeater = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = same_inner};

TEST("an inner list is read anew for each outer page")
{
	for (uint32_t calls = 0; calls < 4; calls++) {
		struct fake f = {.connector = &repeater, .serve = serve, .calls = calls};

		shape(2, 2, 6, 4, 0);
		fake_run(&f);
		CHECK_INT(f.status, 0);
		CHECK_INT(f.n_saved, 3 * 4);
		fake_finish(&f);
	}
}

/* ---- checkpoint and metadata, and what is written after the end of a step ---- */

static int
fetch_then_write(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "T", page.body, page.len);
	sluice_save_checkpoint(run, "{\"done\":true}");
	sluice_batch_save(run, "T", "{\"id\":\"summary\"}", 0);
	return sluice_status(run);
}

static const struct sluice_sync writing[] = {{.name = "s", .model = "T", .fetch = fetch_then_write}, {0}};
static const struct sluice_connector writer = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = writing};

TEST("what stands behind the loop is written once the loop is at its end, not when a step is over")
{
	struct fake f = {.connector = &writer, .serve = serve, .calls = 2};

	shape(1, 2, 8, 0, 0);
	fake_step(&f);
	CHECK(f.yielded);
	CHECK(!f.checkpoint);
	CHECK(!list_has(&f.store, "summary"));
	fake_run(&f);
	CHECK_STR(f.checkpoint, "{\"done\":true}");
	CHECK(list_has(&f.store, "summary"));
	CHECK_INT(f.store.n, 9);
	fake_finish(&f);
}

/* A handmade loop that keeps its progress in the metadata. */
static int
fetch_by_hand(struct sluice_run *run)
{
	struct sluice_response answer;
	long at = 0;

	for (const char *p = strstr(sluice_get_metadata(run), "\"at\":"); p; p = NULL)
		at = atol(p + 5);
	do {
		const struct sluice_pair query[] = {{"at", sluice_format(run, "%ld", at)}, {NULL, NULL}};
		if (sluice_proxy_get(run, "/list", query, &answer))
			break;
		const char *from = strchr(answer.body, '['), *to = strchr(answer.body, ']');
		if (to - from < 3)
			break;
		sluice_batch_save(run, "T", from, (size_t)(to - from) + 1);
		at += per_page;
		sluice_update_metadata(run, sluice_format(run, "{\"at\":%ld}", at));
	} while (!sluice_should_stop(run));
	return sluice_status(run);
}

static const struct sluice_sync by_hand[] = {{.name = "s", .model = "T", .fetch = fetch_by_hand}, {0}};
static const struct sluice_connector hand = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = by_hand};

TEST("a handmade loop with its progress in the metadata is called again where it stopped, killed or not")
{
	shape(1, 2, 11, 0, 0);
	for (long cut = 0; cut < 40; cut++)
		for (uint32_t calls = 0; calls < 3; calls++) {
			struct fake f = {.connector = &hand, .serve = serve, .calls = calls, .cut = cut};
			fake_run(&f);
			CHECK(f.ended && !f.yielded && f.status == 0);
			CHECK_INT(f.store.n, 11);
			fake_finish(&f);
		}
}

/* Two requests before there is anything to go on from. */
static int
fetch_pairs(struct sluice_run *run)
{
	struct sluice_response answer;
	long at = sluice_get_checkpoint(run) ? atol(sluice_get_checkpoint(run)) : 0;

	for (; at < 3; at++) {
		sluice_proxy_get(run, "/list", NULL, &answer);
		if (sluice_should_stop(run))
			return sluice_status(run);
		sluice_proxy_get(run, "/list", NULL, &answer);
		sluice_save_checkpoint(run, sluice_format(run, "%ld", at + 1));
	}
	return sluice_status(run);
}

static const struct sluice_sync in_pairs[] = {{.name = "s", .model = "T", .fetch = fetch_pairs}, {0}};
static const struct sluice_connector pairs = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = in_pairs};

TEST("a handmade loop is not told to stop for its budget before it has kept anything")
{
	struct fake f = {.connector = &pairs, .serve = serve, .calls = 1};

	shape(1, 2, 2, 0, 0);
	for (int i = 0; i < 10 && (i == 0 || f.yielded); i++)
		fake_step(&f);
	CHECK(f.ended && !f.yielded);
	CHECK_STR(f.checkpoint, "3");
	fake_finish(&f);
}

TEST("a stop ends the loop at the next page, and a cancelled run at once")
{
	for (int reason = STOP_BUDGET; reason <= STOP_HOST_ENDS; reason++) {
		struct fake f = {.connector = &connector, .serve = serve, .stop_at = 3, .stop_reason = reason};

		shape(1, 2, 20, 0, 0);
		fake_step(&f);
		CHECK(f.ended);
		if (reason == STOP_CANCELLED) {
			CHECK_INT(f.status, SLUICE_ECANCELLED);
			CHECK_STR(f.reason, "stopped by the test");
		} else {
			CHECK_INT(f.status, 0);
			CHECK(f.yielded);
		}
		CHECK(f.n_requests <= 4);
		fake_finish(&f);
	}
}

TEST("a kept position of another kind of pagination begins again, with a warning")
{
	struct fake f = {.connector = &connector, .serve = serve};

	shape(1, 2, 6, 0, 0);
	list_add(&f.positions, xstrdup("1GET /list={\"kind\":\"offset\",\"next\":4,\"pages\":2,\"items\":4}"));
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n, 6);
	CHECK(list_has(&f.logs, "another way"));
	fake_finish(&f);
}
