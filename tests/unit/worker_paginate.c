/* worker_paginate.c - every kind of pagination, its end, its loops, and what is never taken for a page. */
#include "worker_host.h"

static struct sluice_page_request request; /* the child inherits what the test has set */
static int (*body)(struct sluice_run *run);

static int
fetch(struct sluice_run *run)
{
	struct sluice_page page;

	if (body)
		return body(run);
	while (sluice_paginate(run, &request, &page) > 0)
		sluice_batch_save(run, "T", page.body, page.len);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_INTEGER, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "s", .model = "T", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs};

/* A list of `total` items that is asked for by ?at=N (an item's number), `per` a page. */
struct listing {
	long total, per;
	const char *style; /* "cursor", "more", "last", "link", "body", "offset", "page" */
	long shift_at;     /* offset: items before this one vanish once a later page is asked for */
};

static void
put_items(struct buf *b, long from, long to)
{
	for (long i = from; i < to; i++)
		buf_printf(b, "%s{\"id\":%ld}", i > from ? "," : "", i);
}

static long
body_long(const char *text, const char *key, long fallback)
{
	const char *p = text ? strstr(text, key) : NULL;

	return p ? atol(p + strlen(key) + 1) : fallback;
}

static void
serve_list(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	const struct listing *l = f->arg;
	bool page = !strcmp(l->style, "page"), last = !strcmp(l->style, "last");
	long per = query_long(r, "limit", l->per), at = query_long(r, "at", last ? -1 : page ? 1 : 0), end;

	if (*r->body) {
		at = body_long(r->body, "\"at\"", 0);
		per = body_long(r->body, "\"limit\"", l->per);
	}
	if (page)
		at = (at - 1) * per;
	else if (last)
		at++;
	if (at > l->total)
		at = l->total;
	end = at + per < l->total ? at + per : l->total;
	buf_puts(&a->body, "{\"data\":{\"items\":[");
	put_items(&a->body, at, end);
	buf_puts(&a->body, "]}");
	if (!strcmp(l->style, "cursor") || !strcmp(l->style, "more")) {
		if (end < l->total)
			buf_printf(&a->body, ",\"meta\":{\"next\":%ld}", end);
		else
			buf_puts(&a->body, ",\"meta\":{\"next\":null}");
	}
	if (!strcmp(l->style, "foreign")) {
		buf_puts(&a->body, ",\"meta\":{\"next\":");
		buf_printf(&a->body, end < l->total ? "\"https://other.example:8443/list?at=%ld\"}" : "null}", end);
		if (strncmp(r->endpoint, "/list", 5) != 0)
			a->status = 404;
	}
	if (!strcmp(l->style, "body"))
		buf_printf(&a->body, ",\"meta\":{\"next\":%s%ld%s}", end < l->total ? "\"/list?at=" : "", end < l->total ? end : 0,
		           end < l->total ? "\"" : "");
	if (!strcmp(l->style, "body") && end == l->total) {
		a->body.len -= strlen("0}");
		buf_puts(&a->body, "null}");
	}
	if (!strcmp(l->style, "link") && end < l->total) {
		static char header[200];
		snprintf(header, sizeof header, "content-type: application/json\nlink: <https://t.example/list?at=0>; rel=\"first\", <https://t.example/list?at=%ld>; rel=\"next\"\n", end);
		a->headers = header;
	}
	if (!strcmp(l->style, "more") || last)
		buf_printf(&a->body, ",\"has_more\":%s", end < l->total ? "true" : "false");
	buf_puts(&a->body, "}");
}

static void
check_list(const struct sluice_page_request *r, struct listing *l, long requests)
{
	struct fake f = {.connector = &connector, .serve = serve_list, .arg = l};

	request = *r;
	request.endpoint = "/list";
	request.items = "data.items";
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK(f.ended && !f.incomplete);
	CHECK_INT(f.n_saved, l->total);
	CHECK_INT(f.n_requests, requests);
	CHECK_INT(f.n_finished, 1);
	for (long i = 0; i < l->total && (long)f.store.n == l->total; i++) {
		char *want = xasprintf("0 0 %ld {\"id\":%ld}", i, i);
		CHECK_STR(f.store.v[i], want);
		free(want);
	}
	if (f.status)
		printf("# %s\n", f.reason);
	fake_finish(&f);
}

TEST("a cursor is followed until there is none")
{
	struct listing l = {.total = 25, .per = 10, .style = "cursor"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_CURSOR, .cursor = "meta.next", .cursor_param = "at"}, &l, 3);
	l.total = 0;
	check_list(&(struct sluice_page_request){.kind = SLUICE_CURSOR, .cursor = "meta.next", .cursor_param = "at"}, &l, 1);
}

TEST("a cursor with has-more ends when there is no more")
{
	struct listing l = {.total = 25, .per = 10, .style = "more"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_CURSOR, .cursor = "meta.next", .cursor_param = "at", .has_more = "has_more"}, &l, 3);
}

TEST("the last item's id is the next cursor")
{
	struct listing l = {.total = 25, .per = 10, .style = "last"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_LAST_ITEM, .cursor_param = "at", .has_more = "has_more"}, &l, 3);
	check_list(&(struct sluice_page_request){.kind = SLUICE_LAST_ITEM, .cursor_param = "at"}, &l, 4);
}

TEST("a link is followed, from the header or the body")
{
	struct listing l = {.total = 25, .per = 10, .style = "link"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_LINK}, &l, 3);
	l.style = "body";
	check_list(&(struct sluice_page_request){.kind = SLUICE_LINK, .cursor = "meta.next"}, &l, 3);
}

TEST("of a link to another host only path and query count, where the connector says so")
{
	struct listing l = {.total = 25, .per = 10, .style = "foreign"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_LINK, .cursor = "meta.next", .flags = SLUICE_LINK_PATH}, &l, 3);
}

TEST("offsets advance by what came, and end at a short or an empty page")
{
	struct listing l = {.total = 25, .per = 10, .style = "offset"};
	const struct sluice_page_request r = {.kind = SLUICE_OFFSET, .cursor_param = "at", .limit = 10};

	check_list(&r, &l, 3);
	l.total = 20;
	check_list(&r, &l, 3);
	check_list(&(struct sluice_page_request){.kind = SLUICE_OFFSET, .cursor_param = "at"}, &l, 3);
	check_list(&(struct sluice_page_request){.kind = SLUICE_OFFSET, .cursor_param = "at", .limit = 10, .flags = SLUICE_BY_PAGE}, &l, 3);
}

TEST("page numbers count up, also in a JSON body")
{
	struct listing l = {.total = 25, .per = 10, .style = "page"};

	check_list(&(struct sluice_page_request){.kind = SLUICE_PAGE, .cursor_param = "at", .limit = 10}, &l, 3);
	l.style = "offset";
	check_list(&(struct sluice_page_request){.kind = SLUICE_OFFSET, .cursor_param = "page.at", .limit_param = "page.limit", .limit = 10,
	                                         .body = "{\"page\":{\"x\":1}}", .flags = SLUICE_PARAMS_IN_BODY}, &l, 3);
}

TEST("parameters are escaped, and ours take the place of the author's")
{
	static const struct sluice_pair query[] = {{"q", "a b&c=\xc3\xa9"}, {"created[gte]", "5"}, {"at", "7"}, {"none", NULL}, {NULL, NULL}};
	struct listing l = {.total = 50, .per = 10, .style = "cursor"};
	struct fake f = {.connector = &connector, .serve = serve_list, .arg = &l};

	request = (struct sluice_page_request){.endpoint = "/list?x=1#frag", .items = "data.items", .query = query, .kind = SLUICE_CURSOR,
	                                       .cursor = "meta.next", .cursor_param = "at", .limit = 10};
	f.page_size = 20;
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_STR(f.requests.v[0], "GET /list?x=1&q=a%20b%26c%3D%C3%A9&created[gte]=5&at=7&limit=20");
	CHECK_STR(f.requests.v[1], "GET /list?x=1&q=a%20b%26c%3D%C3%A9&created[gte]=5&limit=20&at=27");
	fake_finish(&f);
}

/* ---- answers that a table gives ---- */

static void
serve_table(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	const char *const *answers = f->arg; /* in order; the last one again and again */
	size_t i = f->n_requests - 1;

	(void)r;
	while (i && (!answers[i] || !answers[i - 1]))
		i--;
	if (answers[i][0] == '#') {
		a->status = atoi(answers[i] + 1);
		answers = NULL;
		buf_puts(&a->body, strchr(((const char *const *)f->arg)[i], ' ') ? strchr(((const char *const *)f->arg)[i], ' ') + 1 : "");
		return;
	}
	buf_puts(&a->body, answers[i]);
}

static void
run_table(struct fake *f, const struct sluice_page_request *r, const char *const *answers)
{
	*f = (struct fake){.connector = &connector, .serve = serve_table, .arg = (void *)(uintptr_t)answers};
	request = *r;
	request.endpoint = "/list";
	fake_run(f);
}

static void
check_fault(const struct sluice_page_request *r, const char *answer, int status, const char *reason)
{
	const char *const answers[] = {answer, answer, answer, NULL}; /* one that ends too early is asked for three times */
	struct fake f;

	run_table(&f, r, answers);
	CHECK_INT(f.status, status);
	CHECK_HAS(f.reason, reason);
	CHECK_HAS(f.reason, "GET /list");
	CHECK_INT(f.n_saved, 0);
	CHECK_INT(f.n_finished, 0);
	fake_finish(&f);
}

TEST("an answer whose JSON ends too early is asked for again, and is no page")
{
	const struct sluice_page_request r = {.items = "data"};
	static const char *const answers[] = {"{\"data\":[{\"id\":1},{\"id\"", "{\"data\":[{\"id\":1}", "{\"data\":[{\"id\":1},{\"id\":2}]}", NULL};
	struct fake f;

	run_table(&f, &r, answers);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_saved, 2);
	fake_finish(&f);
}

TEST("what is no sound answer is never an empty page")
{
	const struct sluice_page_request r = {.items = "data"};

	check_fault(&r, "{\"data\":[{\"id\":1},{\"id\"", SLUICE_EDATA, "not sound JSON");
	check_fault(&r, "<html><body>Please log in</body></html>", SLUICE_EDATA, "<html>");
	check_fault(&r, "", SLUICE_EDATA, "empty");
	check_fault(&r, "#204 ", SLUICE_EDATA, "204");
	check_fault(&r, "{\"error\":\"no\"}", SLUICE_EDATA, "nothing at this path");
	check_fault(&r, "{\"data\":{}}", SLUICE_EDATA, "no array at this path");
	check_fault(&r, "{\"data\":null}", SLUICE_EDATA, "'data'");
	check_fault(&r, "{\"data\":[]}x", SLUICE_EDATA, "not sound JSON");
	check_fault(&r, "#404 {\"m\":\"gone\"}", SLUICE_EHTTP, "404");
	check_fault(&r, "#401 no", SLUICE_ECREDENTIALS, "401");
	check_fault(&(struct sluice_page_request){0}, "{\"data\":[]}", SLUICE_EDATA, "the answer itself");
	check_fault(&(struct sluice_page_request){.items = "data", .kind = SLUICE_LAST_ITEM, .cursor_param = "c", .has_more = "more"},
	            "{\"data\":[],\"more\":true}", SLUICE_EDATA, "no item to go on from");
	check_fault(&(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor_param = "c", .cursor = "next", .has_more = "more"},
	            "{\"data\":[],\"more\":true}", SLUICE_EDATA, "no cursor");
	check_fault(&(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor_param = "c", .cursor = "next"},
	            "{\"data\":[],\"next\":{}}", SLUICE_EDATA, "neither text nor number");
	check_fault(&(struct sluice_page_request){.items = "data", .kind = SLUICE_OFFSET, .has_more = "more"},
	            "{\"data\":[],\"more\":true}", SLUICE_EDATA, "no item to count on from");
	check_fault(&(struct sluice_page_request){.items = "data", .kind = SLUICE_PAGE, .has_more = "more"},
	            "{\"data\":[],\"more\":\"yes\"}", SLUICE_EDATA, "no boolean");
}

TEST("null is an empty list where the author says so, and an accepted status ends as an empty page")
{
	static const int accept[] = {404, 0};
	const char *const null_list[] = {"{\"data\":null}", NULL};
	const char *const gone[] = {"{\"data\":[{\"id\":1}],\"next\":\"b\"}", "#404 {\"gone\":1}", NULL};
	struct fake f;

	run_table(&f, &(struct sluice_page_request){.items = "data", .flags = SLUICE_NULL_IS_EMPTY}, null_list);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_finished, 1);
	fake_finish(&f);
	run_table(&f, &(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c", .accept = accept}, gone);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_saved, 1);
	CHECK_INT(f.n_finished, 1);
	CHECK(!f.incomplete);
	CHECK_INT(f.worst, PROOF_WHOLE);
	fake_finish(&f);
}

/* What says ok: false is put aside; the loop sees it. */
static int
judge_aside(struct sluice_run *run, const struct sluice_response *answer)
{
	(void)run;
	return strstr(answer->body, "\"ok\":false") != NULL;
}

TEST("an answer that the author's judge puts aside ends as an empty page, though it has no list")
{
	const char *const answers[] = {"{\"data\":[{\"id\":1}],\"next\":\"b\"}", "{\"ok\":false,\"next\":\"c\"}", "{\"data\":[{\"id\":2}]}", NULL};
	struct fake f;

	run_table(&f, &(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c", .judge = judge_aside}, answers);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_requests, 2);
	CHECK_INT(f.n_saved, 1);
	CHECK_INT(f.n_finished, 1);
	fake_finish(&f);
}

TEST("an empty page with a next cursor is no end")
{
	const char *const answers[] = {"{\"data\":[],\"next\":\"b\"}", "{\"data\":[{\"id\":1}],\"next\":\"\"}", NULL};
	struct fake f;

	run_table(&f, &(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c"}, answers);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_saved, 1);
	CHECK_INT(f.n_positions, 2);
	fake_finish(&f);
}

TEST("a cursor is given back byte by byte")
{
	const char *const answers[] = {"{\"data\":[],\"next\":\"2026-01-01T00:00:00.123456789Z\"}", "{\"data\":[],\"next\":9007199254740993}",
	                               "{\"data\":[],\"next\":\"a\\u0026\\\"b\"}", "{\"data\":[]}", NULL};
	struct fake f;

	run_table(&f, &(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c"}, answers);
	CHECK_INT(f.status, 0);
	CHECK_STR(f.requests.v[1], "GET /list?c=2026-01-01T00%3A00%3A00.123456789Z");
	CHECK_STR(f.requests.v[2], "GET /list?c=9007199254740993");
	CHECK_STR(f.requests.v[3], "GET /list?c=a%26%22b");
	CHECK_HAS(f.trace.v[0], "GET /list=0 0");
	fake_finish(&f);
}

/* ---- loops ---- */

static void
serve_cycle(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	const long *shape = f->arg; /* how many before the cycle, and in it; 0: none */
	long at = query_long(r, "c", 0), next = at + 1;

	if (shape[1] && next == shape[0] + shape[1])
		next = shape[0];
	if (f->n_requests > 4000) /* a guard that sleeps must not keep the test awake */
		a->status = 500;
	if (shape[1] == 0 && next == shape[0])
		buf_printf(&a->body, "{\"data\":[{\"id\":%ld}]}", at);
	else
		buf_printf(&a->body, "{\"data\":[{\"id\":%ld}],\"next\":\"%ld\"}", at, next);
}

static void
check_cycle(long before, long cycle)
{
	long shape[2] = {before, cycle};
	struct fake f = {.connector = &connector, .serve = serve_cycle, .arg = shape, .calls = 3};

	request = (struct sluice_page_request){.endpoint = "/c", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c"};
	fake_run(&f);
	CHECK_INT(f.status, cycle ? SLUICE_ELOOP : 0);
	if (cycle) {
		CHECK_HAS(f.reason, "page that was read before");
		CHECK((long)f.n_requests <= 4 * (before + cycle) + 4);
		CHECK((long)f.n_saved >= before + cycle - 1);
	} else {
		CHECK_INT(f.n_requests, before);
		CHECK_INT(f.n_saved, before);
	}
	fake_finish(&f);
}

TEST("going round in circles ends with an error, over steps too")
{
	check_cycle(1, 1);
	check_cycle(1, 2);
	check_cycle(2, 2);
	check_cycle(0, 2);
	check_cycle(5, 7);
	check_cycle(40, 100);
	check_cycle(0, 333);
}

TEST("500 healthy pages are no loop")
{
	check_cycle(500, 0);
}

/* ---- offsets that shift ---- */

static void
serve_shift(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	const long *gone = f->arg; /* this item vanishes behind the first page; -1: none */
	long at = query_long(r, "offset", 0), n = 0, seen = 0;

	buf_puts(&a->body, "{\"data\":[");
	for (long id = 0; id < 30 && n < 10; id++) {
		if (f->n_requests > 1 && id == *gone)
			continue;
		if (seen++ < at)
			continue;
		buf_printf(&a->body, "%s{\"id\":%ld}", n++ ? "," : "", id);
	}
	buf_puts(&a->body, "]}");
}

static void
check_shift(long gone, bool full, int flags, int proof, long saved, uint32_t calls)
{
	struct fake f = {.connector = &connector, .serve = serve_shift, .arg = &gone, .full = full, .calls = calls};

	request = (struct sluice_page_request){.endpoint = "/o", .items = "data", .kind = SLUICE_OFFSET, .limit = 10, .flags = flags};
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.worst, proof);
	CHECK_INT(f.n_saved, saved);
	CHECK_INT(f.dead.n, 0);
	CHECK(!!list_has(&f.logs, "shifted") == (proof == PROOF_NONE));
	fake_finish(&f);
}

TEST("offsets prove a listing by asking for the last item again, and notice a shift")
{
	check_shift(-1, true, 0, PROOF_WHOLE, 30, 0);
	check_shift(-1, true, 0, PROOF_WHOLE, 30, 1);
	check_shift(3, true, 0, PROOF_NONE, 30, 0);
	check_shift(25, true, 0, PROOF_WHOLE, 29, 0);
	check_shift(-1, true, SLUICE_NO_OVERLAP, PROOF_WEAK, 30, 0);
	check_shift(-1, false, 0, PROOF_WEAK, 30, 0);
	check_shift(-1, true, SLUICE_BY_PAGE, PROOF_WHOLE, 30, 0);
}

static void
serve_capped(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	long at = query_long(r, "offset", 0), n = 0;

	(void)f;
	buf_puts(&a->body, "[");
	for (long id = at; id < 25 && n < 10; id++)
		buf_printf(&a->body, "%s{\"id\":%ld}", n++ ? "," : "", id);
	buf_puts(&a->body, "]");
}

TEST("a provider whose own limit is lower does not end a listing that deletes what is absent")
{
	struct fake f = {.connector = &connector, .serve = serve_capped, .full = true};

	request = (struct sluice_page_request){.endpoint = "/o", .kind = SLUICE_OFFSET, .limit = 100};
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.n_saved, 25);
	fake_finish(&f);
}

/* ---- leaving early ---- */

static int
leave_after_one(struct sluice_run *run)
{
	struct sluice_page page;

	if (sluice_paginate(run, &request, &page) > 0)
		sluice_batch_save(run, "T", page.body, page.len);
	return sluice_status(run);
}

TEST("a loop left early makes the run incomplete; one left at its last page does not")
{
	struct listing l = {.total = 25, .per = 10, .style = "cursor"};
	struct fake f = {.connector = &connector, .serve = serve_list, .arg = &l, .full = true};

	body = leave_after_one;
	request = (struct sluice_page_request){.endpoint = "/list", .items = "data.items", .kind = SLUICE_CURSOR, .cursor = "meta.next", .cursor_param = "at"};
	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK(f.incomplete);
	CHECK_INT(f.worst, PROOF_NONE);
	CHECK(list_has(&f.logs, "left before its end"));
	CHECK_INT(f.n_closed, 1); /* the page that was asked for ahead */
	fake_finish(&f);

	l.total = 5;
	f = (struct fake){.connector = &connector, .serve = serve_list, .arg = &l, .full = true};
	fake_run(&f);
	CHECK(!f.incomplete);
	CHECK_INT(f.worst, PROOF_WHOLE);
	CHECK_INT(f.n_finished, 1);
	fake_finish(&f);
	body = NULL;
}

/* ---- prefetch, budget, refusals ---- */

TEST("the next page is asked for before this one is saved, within the budget")
{
	struct listing l = {.total = 50, .per = 10, .style = "cursor"};
	struct fake f = {.connector = &connector, .serve = serve_list, .arg = &l, .calls = 2};

	request = (struct sluice_page_request){.endpoint = "/list", .items = "data.items", .kind = SLUICE_CURSOR, .cursor = "meta.next", .cursor_param = "at"};
	fake_step(&f);
	CHECK(f.yielded);
	CHECK_INT(f.n_requests, 2);
	CHECK_INT(f.n_saved, 20);
	CHECK_INT(f.n_positions, 2);
	CHECK_INT(f.status, 0);
	fake_run(&f);
	CHECK_INT(f.n_steps, 3);
	CHECK_INT(f.n_requests, 5);
	CHECK_INT(f.n_saved, 50);
	fake_finish(&f);
}

static int
judge(struct sluice_run *run, const struct sluice_response *answer)
{
	if (strstr(answer->body, "\"ok\":false"))
		return sluice_fail(run, SLUICE_ECREDENTIALS, "the provider says: %s", answer->body);
	return 0;
}

TEST("the author may judge each answer")
{
	const char *const answers[] = {"{\"ok\":true,\"data\":[{\"id\":1}],\"next\":\"x\"}", "{\"ok\":false}", NULL};
	struct fake f;

	run_table(&f, &(struct sluice_page_request){.items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "c", .judge = judge}, answers);
	CHECK_INT(f.status, SLUICE_ECREDENTIALS);
	CHECK_STR(f.reason, "the provider says: {\"ok\":false}");
	CHECK_INT(f.n_saved, 1);
	CHECK_INT(f.n_positions, 1);
	fake_finish(&f);
}

static void
check_argument(const struct sluice_page_request *r, const char *reason)
{
	const char *const answers[] = {"[]", NULL};
	struct fake f = {.connector = &connector, .serve = serve_table, .arg = (void *)(uintptr_t)answers};

	request = *r;
	fake_run(&f);
	CHECK_INT(f.status, SLUICE_EARGUMENT);
	CHECK_HAS(f.reason, reason);
	CHECK_INT(f.n_requests, 0);
	fake_finish(&f);
}

TEST("a request that makes no sense is refused by name")
{
	check_argument(&(struct sluice_page_request){0}, "no endpoint");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .kind = 9}, "kind");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .kind = SLUICE_CURSOR, .cursor_param = "c"}, ".cursor");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .kind = SLUICE_LAST_ITEM}, ".cursor_param");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .kind = SLUICE_OFFSET, .flags = SLUICE_BY_PAGE}, ".limit");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .method = "get"}, "method");
	check_argument(&(struct sluice_page_request){.endpoint = "/x", .limit = 1, .body = "[]", .flags = SLUICE_PARAMS_IN_BODY}, "no JSON object");
}
