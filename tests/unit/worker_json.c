/* worker_json.c - sdk/sluice_json.h: trees that keep every digit. */
#include <sluice_json.h>
#include "worker_host.h"

static void
check_round(const char *json, const char *printed)
{
	cJSON *tree = sluice_json_parse(json, strlen(json));
	char *text = tree ? cJSON_PrintUnformatted(tree) : NULL;

	CHECK_STR(text, printed);
	cJSON_free(text);
	cJSON_Delete(tree);
}

TEST("numbers that a double cannot hold come out as they came in")
{
	check_round("{\"id\":9007199254740993,\"n\":[18446744073709551615,-1,0.5,12]}", "{\"id\":9007199254740993,\"n\":[18446744073709551615,-1,0.5,12]}");
	check_round("[0.123456789012345678901234567890,1e999,-1E+999,100000000000000000000]", "[0.123456789012345678901234567890,1e999,-1E+999,100000000000000000000]");
	check_round("{\"9007199254740993\":\"9007199254740993 \\\" 1\",\"a\":{\"b\":9007199254740993},\"c\":1}",
	            "{\"9007199254740993\":\"9007199254740993 \\\" 1\",\"a\":{\"b\":9007199254740993},\"c\":1}");
	check_round(" 0.000000000000000000001 ", "1e-21");
}

TEST("what is not one JSON value is none")
{
	static const char *const bad[] = {"", "{", "{} x", "[1,]", "{}{}", "[1"};

	for (size_t i = 0; i < LENGTH(bad); i++)
		CHECK(sluice_json_parse(bad[i], strlen(bad[i])) == NULL);
	CHECK(sluice_json_parse(NULL, 0) == NULL);
}

TEST("members are found by their exact name, and read with a fallback")
{
	const char *json = "{\"Id\":1,\"id\":9007199254740993,\"name\":\"x\",\"on\":true,\"half\":0.5}";
	cJSON *tree = sluice_json_parse(json, strlen(json));

	CHECK(sluice_json_int(tree, "id", 0) == INT64_C(9007199254740993));
	CHECK_STR(sluice_json_text(tree, "id"), "9007199254740993");
	CHECK_INT(sluice_json_int(tree, "Id", 0), 1);
	CHECK_INT(sluice_json_int(tree, "ID", -7), -7);
	CHECK_STR(sluice_json_text(tree, "name"), "x");
	CHECK(sluice_json_text(tree, "on") == NULL && sluice_json_bool(tree, "on", 0) == 1 && sluice_json_bool(tree, "name", 5) == 5);
	CHECK(sluice_json_double(tree, "half", 0) > 0.49 && sluice_json_double(NULL, "half", 2) > 1.9);
	cJSON_Delete(tree);
}

/* ---- through a run ---- */

static int
fetch(struct sluice_run *run)
{
	const struct sluice_page_request list = {.endpoint = "/l"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0) {
		cJSON *items = sluice_json_page(run, &page), *item;
		cJSON_ArrayForEach(item, items)
			cJSON_AddStringToObject(item, "source", "crm");
		sluice_json_save(run, "T", items);
		sluice_save_checkpoint(run, sluice_json_print(run, items));
		cJSON_Delete(items);
	}
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_INTEGER, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "T", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "s", .model = "T", .fetch = fetch}, {0}};
static const struct sluice_connector connector = {
	SLUICE_ABI, .name = "test", .version = "1.0.0", .base_url = "https://t.example", .models = models, .syncs = syncs};

static void
serve(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	(void)f;
	(void)r;
	buf_puts(&a->body, "[{\"id\":9007199254740993},{\"id\":2}]");
}

TEST("a page becomes a tree and goes into the store with its digits")
{
	struct fake f = {.connector = &connector, .serve = serve};

	fake_run(&f);
	CHECK_INT(f.status, 0);
	CHECK_INT(f.store.n, 2);
	CHECK_STR(f.store.v[0], "0 0 9007199254740993 {\"id\":9007199254740993,\"source\":\"crm\"}");
	CHECK_STR(f.checkpoint, "[{\"id\":9007199254740993,\"source\":\"crm\"},{\"id\":2,\"source\":\"crm\"}]");
	fake_finish(&f);
}
