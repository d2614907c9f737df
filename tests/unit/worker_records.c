/* worker_records.c - what is saved: splitting, checking against the model, ids, dead letters, mapping, frames. */
#include "worker_host.h"

static const char *text;          /* what the next run saves; inherited by the child */
static size_t text_len;
static int op;
static int (*body)(struct sluice_run *run);

static int
fetch(struct sluice_run *run)
{
	long n = body ? body(run) : run->host->save(run, op, "T", text, text_len);

	sluice_log(run, SLUICE_INFO, "accepted %ld", n);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "name", .type = SLUICE_STRING},
	{.name = "count", .type = SLUICE_INTEGER, .flags = SLUICE_OPTIONAL},
	{.name = "price", .type = SLUICE_NUMBER, .flags = SLUICE_OPTIONAL},
	{.name = "open", .type = SLUICE_BOOLEAN, .flags = SLUICE_OPTIONAL},
	{.name = "at", .type = SLUICE_TIME, .flags = SLUICE_OPTIONAL},
	{.name = "more", .type = SLUICE_OBJECT, .flags = SLUICE_OPTIONAL},
	{.name = "tags", .type = SLUICE_ARRAY, .flags = SLUICE_OPTIONAL},
	{0}};
static const struct sluice_field numbered[] = {{.name = "id", .type = SLUICE_INTEGER, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {.name = "N", .fields = numbered}, {.name = "Other", .fields = numbered}, {0}};
static const char *const written[] = {"T", "N", NULL};
static const struct sluice_sync syncs[] = {{.name = "s", .models = written, .fetch = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs};

static const char *page_text = "[]";

static void
serve(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	(void)f;
	(void)r;
	buf_puts(&a->body, page_text);
}

static void
save_run(struct fake *f, int what, const char *json)
{
	*f = (struct fake){.connector = &connector, .serve = serve};
	text = json;
	text_len = 0;
	op = what;
	fake_run(f);
}

TEST("records are saved with their ids, as they came")
{
	struct fake f;

	save_run(&f, SAVE_RECORD, " [ {\"id\":\"a\",\"name\":\"x\", \"extra\": [1, 2.50] } , {\"name\":\"\\u00e9\",\"id\":\"b\\n\\ud83d\\ude00\"}] ");
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n, 2);
	CHECK_STR(f.store.v[0], "0 0 a {\"id\":\"a\",\"name\":\"x\", \"extra\": [1, 2.50] }");
	CHECK_STR(f.store.v[1], "0 0 b\n\xf0\x9f\x98\x80 {\"name\":\"\\u00e9\",\"id\":\"b\\n\\ud83d\\ude00\"}");
	CHECK(list_has(&f.logs, "accepted 2"));
	fake_finish(&f);

	save_run(&f, SAVE_RECORD, "{\"id\":\"a\",\"name\":\"one record\"}");
	CHECK_INT(f.store.n, 1);
	fake_finish(&f);
	save_run(&f, SAVE_RECORD, "[]");
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n + f.dead.n, 0);
	fake_finish(&f);
}

static const struct { const char *record, *reason; } bad[] = {
	{"{\"name\":\"x\"}", "[] id is missing"},
	{"{\"id\":null,\"name\":\"x\"}", "[] id is null"},
	{"{\"id\":1.5,\"name\":\"x\"}", "id: should be string, is a number"},
	{"{\"id\":true,\"name\":\"x\"}", "id: should be string, is a boolean"},
	{"{\"id\":\"\",\"name\":\"x\"}", "an id cannot be empty"},
	{"{\"Id\":\"a\",\"name\":\"x\"}", "id is missing"},
	{"{\"id\":\"a\"}", "[a] name is missing"},
	{"{\"id\":\"a\",\"name\":null}", "[a] name is null"},
	{"{\"id\":\"a\",\"name\":5}", "name: should be string, is a number"},
	{"{\"name\":5,\"id\":\"late\"}", "[late] name: should be string"},
	{"{\"id\":\"a\",\"name\":\"x\",\"count\":1.0}", "count: should be integer, is a fraction"},
	{"{\"id\":\"a\",\"name\":\"x\",\"count\":\"1\"}", "count: should be integer, is a string"},
	{"{\"id\":\"a\",\"name\":\"x\",\"price\":\"1\"}", "price: should be number"},
	{"{\"id\":\"a\",\"name\":\"x\",\"open\":0}", "open: should be boolean"},
	{"{\"id\":\"a\",\"name\":\"x\",\"at\":\"yesterday\"}", "at: should be time, is some other text"},
	{"{\"id\":\"a\",\"name\":\"x\",\"more\":[]}", "more: should be object, is an array"},
	{"{\"id\":\"a\",\"name\":\"x\",\"tags\":{}}", "tags: should be array, is an object"},
	{"{\"id\":\"a\",\"name\":\"x\",\"id\":\"b\"}", "duplicate key 'id'"},
	{"{\"id\":\"a\",\"name\":\"x\",\"n\\u0061me\":\"y\"}", "duplicate key"},
	{"{\"id\":\"a\",\"name\":\"\xff\"}", "UTF-8"},
	{"{\"id\":\"a\",\"name\":\"\\ud800\"}", "surrogate"},
	{"{\"id\":\"a\",\"name\":\"a\x01" "b\"}", "control byte"},
	{"7", "a record should be an object, this is a number"},
	{"[\"a\"]", "this is an array"},
	{"null", "this is null"},
};

TEST("a bad record goes to the dead letters with its reason, and its neighbours are saved")
{
	for (size_t i = 0; i < LENGTH(bad); i++) {
		char *json = xasprintf("[{\"id\":\"first\",\"name\":\"x\"},%s,{\"id\":\"last\",\"name\":\"x\"}]", bad[i].record);
		struct fake f;
		save_run(&f, SAVE_RECORD, json);
		CHECK_INT(f.status, 0);
		CHECK_INT(f.store.n, 2);
		CHECK_INT(f.dead.n, 1);
		CHECK_HAS(f.dead.n ? f.dead.v[0] : "", bad[i].reason);
		CHECK_HAS(f.dead.n ? f.dead.v[0] : "", bad[i].record);
		fake_finish(&f);
		free(json);
	}
}

TEST("what is right passes: optional nulls, times of all kinds, members that nobody declared, escaped names")
{
	static const char *const good[] = {
		"{\"id\":\"a\",\"name\":\"x\",\"count\":null,\"price\":null,\"open\":null,\"at\":null,\"more\":null,\"tags\":null}",
		"{\"id\":\"a\",\"name\":\"x\",\"count\":-18446744073709551615,\"price\":1e400,\"open\":true}",
		"{\"id\":\"a\",\"name\":\"x\",\"at\":\"2026-11-23T06:55:17+02:00\"}",
		"{\"id\":\"a\",\"name\":\"x\",\"at\":1763884800}",
		"{\"id\":\"a\",\"n\\u0061me\":\"\\u0000\",\"other\":{\"id\":1,\"id2\":[]}}",
		"{\"\":1,\"id\":\"a\",\"name\":\"x\"}",
	};
	for (size_t i = 0; i < LENGTH(good); i++) {
		struct fake f;
		save_run(&f, SAVE_RECORD, good[i]);
		CHECK_INT(f.store.n, 1);
		CHECK_INT(f.dead.n, 0);
		CHECK(f.store.n && strstr(f.store.v[0], good[i]));
		if (f.dead.n)
			printf("# %s\n", f.dead.v[0]);
		fake_finish(&f);
	}
}

static int
save_numbers(struct sluice_run *run)
{
	return (int)sluice_batch_save(run, "N", text, 0);
}

TEST("integer ids keep every digit, and fractions are no ids")
{
	struct fake f;

	body = save_numbers;
	save_run(&f, 0, "[{\"id\":9007199254740993},{\"id\":9007199254740992},{\"id\":18446744073709551615},{\"id\":-5},{\"id\":1e3},{\"id\":1.0}]");
	CHECK_INT(f.store.n, 4);
	CHECK_STR(f.store.v[0], "1 0 9007199254740993 {\"id\":9007199254740993}");
	CHECK_STR(f.store.v[2], "1 0 18446744073709551615 {\"id\":18446744073709551615}");
	CHECK_INT(f.dead.n, 2);
	fake_finish(&f);
	body = NULL;
}

TEST("ids have 1 to 255 bytes, records at most what the host allows, nesting at most 128")
{
	struct buf b = {0};
	struct fake f;
	char id[300];

	memset(id, 'i', sizeof id);
	buf_printf(&b, "[{\"id\":\"%.255s\",\"name\":\"x\"},{\"id\":\"%.256s\",\"name\":\"x\"},{\"id\":\"deep\",\"name\":\"x\",\"x\":", id, id);
	for (int i = 0; i < 128; i++)
		buf_putc(&b, '[');
	for (int i = 0; i < 128; i++)
		buf_putc(&b, ']');
	buf_puts(&b, "},{\"id\":\"huge\",\"name\":\"");
	memset(buf_grow(&b, 3 << 20), 'h', 3 << 20);
	buf_puts(&b, "\"},{\"id\":\"last\",\"name\":\"x\"}]");
	f = (struct fake){.connector = &connector, .max_record = 1 << 20};
	text = buf_str(&b);
	text_len = 0;
	op = 0;
	fake_run(&f);
	CHECK_INT(f.store.n, 2);
	CHECK_INT(f.dead.n, 3);
	CHECK_HAS(f.dead.v[0], "at most 255 bytes");
	CHECK_HAS(f.dead.v[1], "deep");
	CHECK_HAS(f.dead.v[2], "[huge] the record has 3145751 bytes, and 1048576 are allowed (max_record)");
	fake_finish(&f);
	buf_free(&b);
}

TEST("one call is one group: all its frames but the last say that more follows")
{
	struct buf b = {0};
	struct fake f;

	buf_putc(&b, '[');
	for (int i = 0; i < 3500; i++)
		buf_printf(&b, "%s{\"id\":\"%d\",\"name\":\"%01000d\"}", i ? "," : "", i, i);
	buf_putc(&b, ']');
	save_run(&f, SAVE_RECORD, buf_str(&b));
	CHECK_INT(f.store.n, 3500);
	CHECK_INT(f.n_save_frames, 4);
	CHECK_INT(f.n_more, 3);
	CHECK(list_has(&f.logs, "accepted 3500"));
	fake_finish(&f);
	buf_free(&b);
}

TEST("what is no JSON as a whole fails the call, and nothing of it is saved")
{
	static const char *const broken[] = {"[{\"id\":\"a\",\"name\":\"x\"},{\"id\"", "[{\"id\":\"a\",\"name\":\"x\"}] x", "", "  ", "{\"id\":\"a\",\"name\":\"x\"", "nonsense"};

	for (size_t i = 0; i < LENGTH(broken); i++) {
		struct fake f;
		save_run(&f, SAVE_RECORD, broken[i]);
		CHECK_INT(f.status, SLUICE_EDATA);
		CHECK_HAS(f.reason, "sluice_batch_save");
		CHECK_INT(f.store.n + f.dead.n, 0);
		fake_finish(&f);
	}
}

TEST("updates need the key only; deletes take ids or objects")
{
	struct fake f;

	save_run(&f, SAVE_UPDATE, "[{\"id\":\"a\",\"count\":5},{\"id\":\"b\",\"name\":7},{\"name\":\"x\"}]");
	CHECK_INT(f.store.n, 1);
	CHECK_STR(f.store.v[0], "0 1 a {\"id\":\"a\",\"count\":5}");
	CHECK_INT(f.dead.n, 2);
	fake_finish(&f);
	save_run(&f, SAVE_DELETE, "[\"a\",{\"id\":\"b\",\"name\":null},17,1.5,null]");
	CHECK_INT(f.store.n, 3);
	CHECK_STR(f.store.v[0], "0 2 a ");
	CHECK_STR(f.store.v[1], "0 2 b ");
	CHECK_STR(f.store.v[2], "0 2 17 ");
	CHECK_INT(f.dead.n, 2);
	fake_finish(&f);
}

static int
save_wrong(struct sluice_run *run)
{
	switch (op) {
	case 0: return (int)sluice_batch_save(run, "X", "[]", 0);
	case 1: return (int)sluice_batch_save(run, "Other", "[]", 0);
	case 2: return (int)sluice_batch_save(run, NULL, "[]", 0);
	case 3: return (int)sluice_batch_save(run, "T", NULL, 0);
	case 4: return (int)run->host->save(run, 9, "T", "[]", 0);
	case 5: return (int)sluice_save_mapped(run, "T", NULL, NULL);
	default: return sluice_reject(run, "T", NULL, 0, "x");
	}
}

TEST("a wrong argument is sticky and named")
{
	static const char *const reasons[] = {"no model 'X'", "does not say that it writes the model 'Other'", "the model is NULL", "the JSON is NULL",
	                                      "unknown operation 9", "the page is NULL", "sluice_reject: the JSON is NULL"};

	body = save_wrong;
	for (size_t i = 0; i < LENGTH(reasons); i++) {
		struct fake f;
		save_run(&f, (int)i, "");
		CHECK_INT(f.status, SLUICE_EARGUMENT);
		CHECK_HAS(f.reason, reasons[i]);
		fake_finish(&f);
	}
	body = NULL;
}

static int
reject_one(struct sluice_run *run)
{
	sluice_reject(run, "T", "{\"id\":\"q\",\"name\":\"x\"}", 0, "no %s today", "queues");
	sluice_reject(run, "T", "not { json", 3, "torn");
	return sluice_status(run);
}

TEST("the author may reject a record by hand")
{
	struct fake f;

	body = reject_one;
	save_run(&f, 0, "");
	CHECK_INT(f.status, 0);
	CHECK_INT(f.dead.n, 2);
	CHECK_STR(f.dead.v[0], "0 [q] no queues today | {\"id\":\"q\",\"name\":\"x\"}");
	CHECK_STR(f.dead.v[1], "0 [] torn | not");
	fake_finish(&f);
	body = NULL;
}

/* ---- pages ---- */

static const struct sluice_map *map;

static int
save_page(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/p", .items = "data"};
	struct sluice_page page;
	long n = 0;

	while (sluice_paginate(run, &list, &page) > 0)
		n += map ? sluice_save_mapped(run, "T", &page, map) : sluice_batch_save(run, "T", page.body, page.len);
	return (int)n;
}

static void
page_run(struct fake *f, const char *page, const struct sluice_map *m)
{
	body = save_page;
	page_text = page;
	map = m;
	save_run(f, 0, "");
	body = NULL;
}

TEST("a page with faulty items gives the good ones to the store and the others to the dead letters")
{
	struct fake f;

	page_run(&f, "{\"data\": [ {\"id\":\"a\",\"name\":\"x\"}, {\"id\":\"b\",\"name\":\"\xff\"}, {\"id\":\"c\",\"name\":\"x\"} ]}", NULL);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n, 2);
	CHECK_INT(f.dead.n, 1);
	CHECK_HAS(f.dead.v[0], "UTF-8");
	fake_finish(&f);
}

static const struct sluice_map whole_map[] = {
	{.to = "id", .from = "uuid"},
	{.to = "owner.id", .from = "user.id", .convert = SLUICE_TO_STRING},
	{.to = "name"},
	{.to = "owner.name", .from = "user.name"},
	{.to = "count", .from = "n", .convert = SLUICE_TO_INTEGER},
	{.to = "at", .from = "ts", .convert = SLUICE_TO_TIME},
	{.to = "source", .from = "\"crm\"", .convert = SLUICE_CONSTANT},
	{.to = "dotted\\.name", .from = "a\\.b"},
	{.to = "raw", .from = ""},
	{.to = "first", .from = "list.0.x"},
	{0}};

static void
check_mapped(const struct sluice_map *m, const char *item, const char *record)
{
	char *page = xasprintf("{\"data\":[%s]}", item);
	struct fake f;

	page_run(&f, page, m);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n, 1);
	CHECK_STR(f.store.n ? f.store.v[0] : f.dead.n ? f.dead.v[0] : NULL, record);
	fake_finish(&f);
	free(page);
}

TEST("a map picks, renames, flattens and converts without a tree")
{
	static const struct sluice_map times[] = {{.to = "id"}, {.to = "name"}, {.to = "at", .from = "t", .convert = SLUICE_TO_TIME}, {0}};
	static const struct sluice_map texts[] = {{.to = "id", .convert = SLUICE_TO_STRING}, {.to = "name", .from = "b", .convert = SLUICE_TO_STRING}, {0}};
	static const struct sluice_map numbers[] = {{.to = "id"}, {.to = "name"}, {.to = "count", .from = "n", .convert = SLUICE_TO_INTEGER}, {0}};

	check_mapped(whole_map, "{\"uuid\":\"u\",\"name\":\"x\",\"n\":\"12345678901234567890123\",\"ts\":1763884800,\"user\":{\"id\":9007199254740993,\"name\":null},\"a.b\":[1],\"list\":[{\"x\":1.50}]}",
	             "0 0 u {\"id\":\"u\",\"owner\":{\"id\":\"9007199254740993\",\"name\":null},\"name\":\"x\",\"count\":12345678901234567890123,"
	             "\"at\":\"2025-11-23T08:00:00Z\",\"source\":\"crm\",\"dotted.name\":[1],\"raw\":{\"uuid\":\"u\",\"name\":\"x\",\"n\":\"12345678901234567890123\",\"ts\":1763884800,"
	             "\"user\":{\"id\":9007199254740993,\"name\":null},\"a.b\":[1],\"list\":[{\"x\":1.50}]},\"first\":1.50}");
	check_mapped(whole_map, "{\"uuid\":\"u\",\"name\":\"x\"}", "0 0 u {\"id\":\"u\",\"name\":\"x\",\"source\":\"crm\",\"raw\":{\"uuid\":\"u\",\"name\":\"x\"}}");
	check_mapped(times, "{\"id\":\"a\",\"name\":\"x\",\"t\":1763884800123}", "0 0 a {\"id\":\"a\",\"name\":\"x\",\"at\":\"2025-11-23T08:00:00.123Z\"}");
	check_mapped(times, "{\"id\":\"a\",\"name\":\"x\",\"t\":\"1763884800.033409\"}", "0 0 a {\"id\":\"a\",\"name\":\"x\",\"at\":\"2025-11-23T08:00:00.033409Z\"}");
	check_mapped(times, "{\"id\":\"a\",\"name\":\"x\",\"t\":-1}", "0 0 a {\"id\":\"a\",\"name\":\"x\",\"at\":\"1969-12-31T23:59:59Z\"}");
	check_mapped(times, "{\"id\":\"a\",\"name\":\"x\",\"t\":\"2026-01-02T03:04:05+01:00\"}", "0 0 a {\"id\":\"a\",\"name\":\"x\",\"at\":\"2026-01-02T03:04:05+01:00\"}");
	check_mapped(texts, "{\"id\":7,\"b\":true}", "0 0 7 {\"id\":\"7\",\"name\":\"true\"}");
	check_mapped(numbers, "{\"id\":\"a\",\"name\":\"x\",\"n\":\"-5\"}", "0 0 a {\"id\":\"a\",\"name\":\"x\",\"count\":-5}");
}

TEST("an entry without a name keeps the members that no other names, of the item or of an object in it")
{
	static const struct sluice_map keep[] = {{.to = "id", .from = "who.sub"}, {.to = "name", .from = "who.n"}, {.to = "", .from = ""}, {0}};
	static const struct sluice_map unwrap[] = {{.to = "", .from = "node"}, {.to = "name", .from = "cursor"}, {0}};

	check_mapped(keep, "{\"id\":1,\"n\\u0061me\":2,\"a\":1.50,\"who\":{\"sub\":\"s\",\"n\":\"x\"},\"\\u0062\":[]}",
	             "0 0 s {\"id\":\"s\",\"name\":\"x\",\"a\":1.50,\"who\":{\"sub\":\"s\",\"n\":\"x\"},\"\\u0062\":[]}");
	check_mapped(unwrap, "{\"cursor\":\"k\",\"node\":{\"id\":\"a\",\"n\":1,\"name\":3}}", "0 0 a {\"name\":\"k\",\"id\":\"a\",\"n\":1}");
}

TEST("what a conversion cannot make sense of is left to the model's check")
{
	static const struct sluice_map numbers[] = {{.to = "id"}, {.to = "name"}, {.to = "count", .from = "n", .convert = SLUICE_TO_INTEGER}, {0}};
	struct fake f;

	page_run(&f, "{\"data\":[{\"id\":\"a\",\"name\":\"x\",\"n\":\"007\"},{\"id\":\"b\",\"name\":\"x\",\"n\":\"\"},{\"id\":\"c\",\"name\":\"x\",\"n\":3}]}", numbers);
	CHECK_INT(f.store.n, 1);
	CHECK_INT(f.dead.n, 2);
	CHECK_HAS(f.dead.v[0], "[a] count: should be integer, is a string");
	fake_finish(&f);
}

TEST("a map that makes no sense is refused")
{
	static const struct sluice_map twice[] = {{.to = "id"}, {.to = "id"}, {0}}, within[] = {{.to = "a"}, {.to = "a.b"}, {0}}, none[] = {{0}},
		constant[] = {{.to = "a", .from = "nonsense", .convert = SLUICE_CONSTANT}, {0}}, odd[] = {{.to = "a", .convert = 77}, {0}};
	static const struct sluice_map *const maps[] = {twice, within, none, constant, odd};
	static const char *const reasons[] = {"mapped twice", "mapped twice", "map is empty", "not JSON", "unknown conversion"};

	for (size_t i = 0; i < LENGTH(maps); i++) {
		struct fake f;
		page_run(&f, "{\"data\":[{\"id\":\"a\"}]}", maps[i]);
		CHECK_INT(f.status, SLUICE_EARGUMENT);
		CHECK_HAS(f.reason, reasons[i]);
		fake_finish(&f);
	}
}
