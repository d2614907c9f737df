/* worker_calls.c - the calls besides pages and records: requests, streams, state, options, stored records, actions, and the
 * failure that sticks. */
#include <cjson/cJSON.h>
#include "worker_host.h"

static int (*body)(struct sluice_run *run);
static int n_calls;

static int
fetch(struct sluice_run *run)
{
	return body(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {0}};
static const struct sluice_option options[] = {
	{.name = "channels", .type = SLUICE_ARRAY}, {.name = "region", .type = SLUICE_STRING, .fallback = "eu"}, {.name = "size", .type = SLUICE_INTEGER, .fallback = "5"},
	{.name = "none", .type = SLUICE_STRING}, {0}};
static const char the_data[] = "the author's";
static const struct sluice_sync syncs[] = {
	{.name = "s", .model = "T", .kind = SLUICE_FULL, .fetch = fetch, .data = the_data},
	{.name = "whole", .model = "T", .kind = SLUICE_FULL, .flags = SLUICE_WHOLE, .fetch = fetch}, {0}};
static const struct sluice_action actions[] = {{.name = "act", .description = "does it", .call = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs, .actions = actions,
	.options = options, .check = fetch};

static void
serve(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	(void)f;
	if (!strncmp(r->endpoint, "/status/", 8)) {
		a->status = atoi(r->endpoint + 8);
		buf_puts(&a->body, "{\"error\":\"why\"}");
	} else if (!strncmp(r->endpoint, "/fail/", 6)) {
		a->status = 0;
		a->cls = (enum err_class)atoi(r->endpoint + 6);
		a->error = "it failed";
	} else if (!strcmp(r->endpoint, "/big")) {
		memset(buf_grow(&a->body, 5 << 20), 'x', 5 << 20);
	} else if (!strcmp(r->endpoint, "/list")) {
		buf_printf(&a->body, "{\"data\":[{\"id\":\"%ld\"}],\"next\":%ld}", query_long(r, "at", 0), query_long(r, "at", 0) + 1);
		if (query_long(r, "at", 0) == 9)
			a->body.len -= strlen(",\"next\":10}"), buf_puts(&a->body, "}");
	} else {
		buf_printf(&a->body, "%s %s %s %d", r->method, r->url, r->headers, r->flags & REQUEST_SAFE);
		a->headers = "content-type: text/plain\nx-a: b\n";
	}
}

static void
call(struct fake *f, int (*fn)(struct sluice_run *))
{
	if (!f->connector)
		f->connector = &connector;
	f->serve = serve;
	body = fn;
	fake_run(f);
}

/* Inside a function: reports a broken expectation as the run's failure. */
#define EXPECT(cond) do { if (!(cond)) return sluice_fail(run, SLUICE_EFAILED, "line %d: %s", __LINE__, #cond); } while (0)

static void
check_call(int (*fn)(struct sluice_run *))
{
	struct fake f = {0};

	call(&f, fn);
	CHECK(f.ended);
	CHECK_INT(f.status, 0);
	CHECK_STR(f.reason, "");
	fake_finish(&f);
}

static int
proxies(struct sluice_run *run)
{
	const struct sluice_pair query[] = {{"a", "1 2"}, {NULL, NULL}}, headers[] = {{"X-One", "1"}, {"X-None", NULL}, {NULL, NULL}};
	struct sluice_response r, again;

	EXPECT(sluice_proxy_get(run, "/x", query, &r) == 0);
	EXPECT(r.status == 200 && !strcmp(r.body, "GET /x?a=1%202  0") && r.len == strlen(r.body));
	EXPECT(strstr(r.headers, "x-a: b\n"));
	EXPECT(sluice_proxy_post(run, "/x", "{}", &again) == 0);
	EXPECT(!strcmp(again.body, "POST /x  0"));
	const struct sluice_request patch = {.method = "PATCH", .endpoint = "/y?z=1", .headers = headers, .body = "{}", .flags = SLUICE_SAFE};
	EXPECT(sluice_proxy(run, &patch, &again) == 0);
	EXPECT(!strcmp(again.body, "PATCH /y?z=1 X-One: 1\n 2"));
	EXPECT(!strcmp(r.body, "GET /x?a=1%202  0")); /* still there */
	EXPECT(sluice_proxy_get(run, "/big", NULL, &again) == 0);
	EXPECT(again.len == 5 << 20 && again.body[again.len] == '\0' && again.body[again.len - 1] == 'x');
	return sluice_status(run);
}

TEST("requests go out as said, and answers come back whole")
{
	check_call(proxies);
}

static int
many_big(struct sluice_run *run)
{
	struct sluice_response r;

	for (int i = 0; i < 60; i++)
		EXPECT(sluice_proxy_get(run, "/big", NULL, &r) == 0 && r.body[r.len - 1] == 'x');
	return sluice_status(run);
}

TEST("answers kept for the plugin do not fill the memory")
{
	check_call(many_big);
}

static int status_code;
static bool lenient;

static int
one_status(struct sluice_run *run)
{
	static const int accept[] = {404, 0};
	const struct sluice_request request = {.endpoint = sluice_format(run, "/status/%d", status_code), .accept = accept};
	struct sluice_response r;
	int rc = lenient ? sluice_proxy(run, &request, &r) : sluice_fetch(run, &request, &r);

	EXPECT(lenient ? rc == 0 : rc == sluice_status(run));
	EXPECT(r.status == status_code && strstr(r.body, "why"));
	return sluice_status(run);
}

TEST("a status is a result of sluice_proxy, a failure of sluice_fetch, and either way no proof of absence")
{
	static const struct { int status; bool lenient; int result; bool incomplete; } cases[] = {
		{200, true, 0, false}, {404, true, 0, false}, {500, true, 0, true}, {403, true, 0, true}, {401, true, 0, true},
		{201, false, 0, false}, {404, false, 0, false}, {500, false, SLUICE_EHTTP, false}, {401, false, SLUICE_ECREDENTIALS, false},
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct fake f = {0};
		status_code = cases[i].status;
		lenient = cases[i].lenient;
		call(&f, one_status);
		CHECK_INT(f.status, cases[i].result);
		CHECK_INT(f.incomplete, cases[i].incomplete);
		if (f.status)
			CHECK_HAS(f.reason, "/status/");
		fake_finish(&f);
	}
}

static int fail_class;

static int
one_failure(struct sluice_run *run)
{
	struct sluice_response r = {.status = 7};

	sluice_proxy_get(run, sluice_format(run, "/fail/%d", fail_class), NULL, &r);
	if (r.status != 0 || *r.body)
		abort();
	/* what comes after does nothing */
	n_calls = sluice_batch_save(run, "T", "{\"id\":\"x\"}", 0) == sluice_status(run);
	if (!n_calls || sluice_save_checkpoint(run, "1") != sluice_status(run) || strcmp(sluice_get_metadata(run), "{}"))
		abort();
	return 0; /* even a function that hides the failure does not succeed */
}

TEST("the first failure sticks, and says what failed")
{
	static const struct { int cls, status; } cases[] = {
		{ERR_PROVIDER, SLUICE_ENETWORK}, {ERR_RATE, SLUICE_ERATE}, {ERR_DATA, SLUICE_EDATA}, {ERR_USAGE, SLUICE_ENETWORK},
		{ERR_STOPPED, SLUICE_ECANCELLED}, {ERR_CREDENTIALS, SLUICE_ECREDENTIALS}};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct fake f = {0};
		fail_class = cases[i].cls;
		call(&f, one_failure);
		CHECK_INT(f.status, cases[i].status);
		CHECK_HAS(f.reason, "it failed");
		CHECK_INT(f.store.n, 0);
		CHECK(!f.checkpoint);
		fake_finish(&f);
	}
}

static int returns;

static int
just_returns(struct sluice_run *run)
{
	(void)run;
	return returns;
}

TEST("what a function returns counts, and a return without a reason says so")
{
	static const struct { int returns, status; const char *reason; } cases[] = {
		{0, 0, ""}, {SLUICE_EDATA, SLUICE_EDATA, "SLUICE_EDATA and gave no reason"}, {5, SLUICE_EARGUMENT, "returned 5"}, {-1000, SLUICE_EFAILED, "no reason"}};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct fake f = {0};
		returns = cases[i].returns;
		call(&f, just_returns);
		CHECK_INT(f.status, cases[i].status);
		CHECK_HAS(f.reason, cases[i].reason);
		fake_finish(&f);
	}
}

static int
fails(struct sluice_run *run)
{
	sluice_fail(run, SLUICE_EDATA, "%d is too %s", 5, "many");
	return sluice_fail(run, SLUICE_EFAILED, "a later reason");
}

TEST("the connector's own reason is the run's")
{
	struct fake f = {0};

	call(&f, fails);
	CHECK_INT(f.status, SLUICE_EDATA);
	CHECK_STR(f.reason, "5 is too many");
	fake_finish(&f);
}

static int
state(struct sluice_run *run)
{
	const char *before = sluice_get_metadata(run), *empty = sluice_get_checkpoint(run);

	EXPECT(!strcmp(before, "{\"a\":{\"x\":1},\"b\":2}") && !empty);
	EXPECT(sluice_update_metadata(run, "{\"a\":{\"y\":2},\"c\":null}") == 0);
	EXPECT(!strcmp(sluice_get_metadata(run), "{\"a\":{\"y\":2},\"b\":2,\"c\":null}"));
	EXPECT(!strcmp(before, "{\"a\":{\"x\":1},\"b\":2}"));
	EXPECT(sluice_set_metadata(run, "{\"n\":9007199254740993}") == 0);
	EXPECT(!strcmp(sluice_get_metadata(run), "{\"n\":9007199254740993}"));
	EXPECT(sluice_clear_checkpoint(run) == 0 && !sluice_get_checkpoint(run));
	EXPECT(sluice_save_checkpoint(run, "[1,2]") == 0 && !strcmp(sluice_get_checkpoint(run), "[1,2]"));
	EXPECT(sluice_save_checkpoint(run, "\"b\"") == 0 && !strcmp(sluice_get_checkpoint(run), "\"b\""));
	return sluice_status(run);
}

TEST("a run reads its own metadata and checkpoint, and what it was given stays")
{
	struct fake f = {.metadata = xstrdup("{\"a\":{\"x\":1},\"b\":2}")};

	call(&f, state);
	CHECK_STR(f.reason, "");
	CHECK_STR(f.metadata, "{\"n\":9007199254740993}");
	CHECK_STR(f.checkpoint, "\"b\"");
	fake_finish(&f);
}

static const char *bad_state;
static int bad_call;

static int
writes_bad(struct sluice_run *run)
{
	return bad_call == 0 ? sluice_set_metadata(run, bad_state) : bad_call == 1 ? sluice_update_metadata(run, bad_state) : sluice_save_checkpoint(run, bad_state);
}

TEST("metadata is an object, a checkpoint is JSON, and both have at most 64 KiB")
{
	char *large = xasprintf("{\"x\":\"%070000d\"}", 0), *half = xasprintf("{\"y\":\"%040000d\"}", 0);
	const struct { int call; const char *json; int status; const char *reason; } cases[] = {
		{0, "[1]", SLUICE_EARGUMENT, "sluice_set_metadata: metadata is a JSON object"}, {1, "{", SLUICE_EARGUMENT, "not JSON"},
		{2, "{} x", SLUICE_EARGUMENT, "sluice_save_checkpoint: not JSON"}, {0, large, SLUICE_ELIMIT, "64 KiB"}, {2, large, SLUICE_ELIMIT, "64 KiB"},
		{1, half, SLUICE_ELIMIT, "64 KiB"}};

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct fake f = {.metadata = xasprintf("{\"x\":\"%040000d\"}", 0)};
		bad_call = cases[i].call;
		bad_state = cases[i].json;
		call(&f, writes_bad);
		CHECK_INT(f.status, cases[i].status);
		CHECK_HAS(f.reason, cases[i].reason);
		fake_finish(&f);
	}
	free(large);
	free(half);
}

static int
context(struct sluice_run *run)
{
	EXPECT(sluice_data(run) == the_data);
	EXPECT(sluice_now(run) == 1763884800000000 && sluice_last_success(run) == 1763800000000000);
	EXPECT(!strcmp(sluice_get_option(run, "channels"), "[\"C1\", \"C2\"]"));
	EXPECT(!strcmp(sluice_get_option(run, "region"), "eu"));
	EXPECT(!strcmp(sluice_get_option(run, "size"), "7"));
	EXPECT(sluice_get_option(run, "none") == NULL);
	EXPECT(strstr(sluice_get_connection(run), "\"acme\""));
	EXPECT(sluice_time_left(run) == INT64_MAX && !sluice_should_stop(run) && !sluice_is_full(run));
	EXPECT(!strcmp(sluice_input(run), "{}"));
	EXPECT(sluice_progress(run, 5, 10) == 0);
	EXPECT(sluice_log(run, SLUICE_WARN, "%s%d", "n", 1) == 0);
	EXPECT(strlen(sluice_format(run, "%05000d", 1)) == 5000);
	EXPECT(sluice_has(run, is_full));
	struct sluice_host old = *run->host;
	old.size = offsetof(struct sluice_host, list_records);
	old.get_records = NULL;
	struct sluice_run on_old = {&old};
	EXPECT(sluice_has(&on_old, last_success) == 0 && sluice_has(&on_old, paginate) && !sluice_has(&on_old, get_records));
	return sluice_status(run);
}

TEST("the context of a run is told, options with their fallbacks")
{
	struct fake f = {.connection = "{\"connection\":\"acme\",\"integration\":\"i\",\"options\":{\"channels\":[\"C1\", \"C2\"],\"size\":7,\"none\":null}}"};

	call(&f, context);
	CHECK_STR(f.reason, "");
	CHECK_INT(f.n_progress, 1);
	CHECK(list_has(&f.logs, "n1"));
	fake_finish(&f);
}

static int
odd_option(struct sluice_run *run)
{
	return sluice_get_option(run, "colour") ? 1 : sluice_status(run);
}

TEST("an option that is not declared is named")
{
	struct fake f = {0};

	call(&f, odd_option);
	CHECK_INT(f.status, SLUICE_EARGUMENT);
	CHECK_HAS(f.reason, "declares no option 'colour'");
	fake_finish(&f);
}

static int
streams(struct sluice_run *run)
{
	const struct sluice_request request = {.endpoint = "/big"};
	struct sluice_response r;
	char *to = xmalloc(100000);
	long n, all = 0;

	EXPECT(sluice_open(run, &request, &r) == 0 && r.status == 200 && r.len == 0);
	while ((n = sluice_read(run, to, 100000)) > 0)
		all += n;
	free(to);
	EXPECT(n < 0 || all == 5 << 20);
	sluice_close(run);
	return sluice_status(run);
}

TEST("a body is read in pieces, and one that is cut is no end")
{
	struct fake f = {.stream_cut = true};

	check_call(streams);
	call(&f, streams);
	CHECK_INT(f.status, SLUICE_EDATA);
	CHECK_HAS(f.reason, "cut off");
	fake_finish(&f);
}

static int
reads_stored(struct sluice_run *run)
{
	const char *const ids[] = {"k3", "nobody", "k150", NULL};
	const char *json;
	long n, all = 0;

	EXPECT(sluice_get_records(run, "T", ids, &json) == 2);
	EXPECT(!strcmp(json, "[{\"id\":\"k3\"},{\"id\":\"k150\"}]"));
	for (int again = 0; (n = sluice_list_records(run, "T", again, &json)) > 0; again = 1)
		all += n;
	EXPECT(all == 250 && n == 0 && !strcmp(json, "[]"));
	return sluice_status(run);
}

TEST("stored records are read by id and as a list")
{
	struct fake f = {0};

	for (int i = 0; i < 250; i++)
		list_add(&f.stored, xasprintf("k%d {\"id\":\"k%d\"}", i, i));
	call(&f, reads_stored);
	CHECK_STR(f.reason, "");
	fake_finish(&f);
}

static int
acts(struct sluice_run *run)
{
	EXPECT(!strcmp(sluice_input(run), "{\"q\":1}"));
	sluice_reply(run, "{\"a\":1}");
	sluice_reply(run, "{\"a\":2}");
	EXPECT(sluice_batch_save(run, "T", "[]", 0) == SLUICE_EARGUMENT);
	return sluice_status(run);
}

static int
checks(struct sluice_run *run)
{
	return sluice_reply(run, "{\"account\":\"acme\"}");
}

TEST("actions and checks reply; only syncs save")
{
	struct fake f = {.what = STEP_ACTION, .sync = "act", .input = "{\"q\":1}"};

	call(&f, acts);
	CHECK_STR(f.reply, "{\"a\":2}");
	CHECK_HAS(f.reason, "only a sync may save records");
	fake_finish(&f);
	f = (struct fake){.what = STEP_CHECK};
	call(&f, checks);
	CHECK_INT(f.status, 0);
	CHECK_STR(f.reply, "{\"account\":\"acme\"}");
	fake_finish(&f);
}

static int
whole_list(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, "T", page.body, page.len);
	return sluice_status(run);
}

static int
whole_list_unsaved(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/list", .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "at"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		;
	return sluice_status(run);
}

TEST("a sync in one piece has no budget and keeps no positions")
{
	struct fake f = {.sync = "whole", .calls = 2};

	call(&f, whole_list);
	CHECK_INT(f.status, 0);
	CHECK(!f.yielded);
	CHECK_INT(f.n_requests, 10);
	CHECK_INT(f.store.n, 10);
	CHECK_INT(f.n_positions, 0);
	fake_finish(&f);
}

TEST("what a check or another sync has read is not taken for read by this one")
{
	struct fake f = {.connector = &connector, .serve = serve, .what = STEP_CHECK};

	body = whole_list_unsaved;
	fake_step(&f);
	CHECK_INT(f.n_requests, 10);
	f.what = STEP_SYNC;
	f.sync = "whole";
	fake_step(&f);
	CHECK_INT(f.n_requests, 20);
	f.sync = "s";
	fake_step(&f);
	CHECK_INT(f.n_requests, 30);
	CHECK_INT(f.n_workers, 1);
	fake_finish(&f);
}
