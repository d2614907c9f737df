/* run_options.c - options as their connector wants them, and the set of ids that finds what came twice. */
#include "base/mem.h"
#include "run/idset.h"
#include "run/options.h"
#include "sluice.h"
#include "../tap.h"

#define T(text) ((char[]){text}) /* the structs hold strings of their own */

static struct manifest_option declared[] = {
	{.name = T("name"), .type = SLUICE_STRING, .flags = SLUICE_REQUIRED, .help = T("whose")},
	{.name = T("limit"), .type = SLUICE_INTEGER, .fallback = T("10")},
	{.name = T("deep"), .type = SLUICE_BOOLEAN},
	{.name = T("channels"), .type = SLUICE_ARRAY},
	{.name = T("any"), .type = SLUICE_ANY},
	{.name = T("pages"), .type = SLUICE_STRING, .form = T("none | cursor <path> <param> | link [<path>]")},
	{.name = T("size"), .type = SLUICE_INTEGER, .form = T("<1..100>")},
};
static struct manifest manifest = {.name = T("shop"), .options = declared, .n_options = LENGTH(declared)};
static struct integration_settings integration = {.name = T("shop")};

static int
build(struct pair *given, size_t n, struct buf *out, struct err *err)
{
	const struct connection_settings c = {
		.name = T("acme"), .integration = &integration, .options = given, .n_options = n, .at = {"x.ini", 3}};

	buf_clear(out);
	return options_build(&manifest, &c, out, err);
}

TEST("options become JSON of their types, fallbacks where none is given")
{
	struct pair given[] = {
		{.name = T("name"), .value = T("007")}, {.name = T("deep"), .value = T("yes")}, {.name = T("channels"), .value = T("[\"a\", \"b\"]")},
		{.name = T("any"), .value = T("bare words")},
	};
	struct buf out = {0};
	struct err err;

	REQUIRE(build(given, LENGTH(given), &out, &err) == 0);
	CHECK_STR(buf_str(&out), "{\"name\":\"007\",\"limit\":10,\"deep\":true,\"channels\":[\"a\", \"b\"],\"any\":\"bare words\"}");
	buf_free(&out);
}

TEST("an integer keeps all its digits")
{
	struct pair given[] = {{.name = T("name"), .value = T("x")}, {.name = T("limit"), .value = T("18446744073709551615")}};
	struct buf out = {0};
	struct err err;

	REQUIRE(build(given, 2, &out, &err) == 0);
	CHECK_HAS(buf_str(&out), "\"limit\":18446744073709551615");
	buf_free(&out);
}

TEST("a required option that is missing, a wrong type and an unknown name are told with their place")
{
	struct pair wrong[] = {{.name = T("name"), .value = T("x")}, {.name = T("limit"), .value = T("ten"), .at = {"x.ini", 9}}};
	struct pair unknown[] = {{.name = T("name"), .value = T("x")}, {.name = T("chanels"), .value = T("[]"), .at = {"x.ini", 7}}};
	struct pair hidden[] = {{.name = T("name"), .value = T("x")}, {.name = T("limit"), .value = T("s3cret"), .resolved = true, .at = {"x.ini", 9}}};
	struct buf out = {0};
	struct err err;

	CHECK_INT(build(NULL, 0, &out, &err), -1);
	CHECK_HAS(err.text, "x.ini:3");
	CHECK_HAS(err.text, "name is missing");
	CHECK_INT(build(wrong, 2, &out, &err), -1);
	CHECK_HAS(err.text, "x.ini:9: limit: 'ten' is no integer");
	CHECK_INT(build(unknown, 2, &out, &err), -1);
	CHECK_HAS(err.text, "x.ini:7");
	CHECK_HAS(err.text, "did you mean 'channels'");
	CHECK_INT(err.cls, ERR_USAGE);
	CHECK_INT(build(hidden, 2, &out, &err), -1);
	CHECK(!strstr(err.text, "s3cret"));
	buf_free(&out);
}

TEST("a text that is not written as its connector says is told with its place, the form and the word that was meant")
{
	static const struct {
		const char *name, *value, *says;
	} cases[] = {
		{"pages", "cursor meta.next after", NULL},
		{"pages", "\"link meta.next\"", NULL},
		{"pages", "", NULL},
		{"size", "100", NULL},
		{"pages", "cursr next after",
	         "x.ini:9: pages: 'cursr next after' is not of the form none | cursor <path> <param> | link [<path>]; did you mean 'cursor'?"},
		{"pages", "cursor next", "x.ini:9: pages: 'cursor next' is not of the form cursor <path> <param>"},
		{"size", "101", "x.ini:9: size: '101' is not of the form <1..100>"},
	};
	struct buf out = {0};
	struct err err;

	for (size_t i = 0; i < LENGTH(cases); i++) {
		struct pair given[] = {{.name = T("name"), .value = T("x")},
		                       {.name = (char *)(uintptr_t)cases[i].name, .value = (char *)(uintptr_t)cases[i].value, .at = {"x.ini", 9}}};

		CHECK_INT(build(given, 2, &out, &err), cases[i].says ? -1 : 0);
		if (cases[i].says)
			CHECK_STR(err.text, cases[i].says);
		given[1].resolved = true;
		if (cases[i].says && build(given, 2, &out, &err))
			CHECK(strstr(err.text, "'***'") && !strstr(err.text, "did you mean"));
	}
	buf_free(&out);
}

TEST("a boolean is none of the other words")
{
	const struct manifest_option o = {.name = T("b"), .type = SLUICE_BOOLEAN};
	struct buf out = {0};

	CHECK(option_value(&o, "off", &out) && slice_is(buf_view(&out), "false"));
	buf_clear(&out);
	CHECK(!option_value(&o, "maybe", &out));
	CHECK(!option_value(&o, "", &out));
	buf_free(&out);
}

TEST("a set of ids knows what came before, through all its growing")
{
	struct idset set = {0};
	char text[24];
	bool fresh;

	for (uint32_t i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "id-%u", i);
		*idset_put(&set, slice_str(text), &fresh) = i;
		CHECK(fresh);
	}
	for (uint32_t i = 0; i < 100000; i += 7) {
		snprintf(text, sizeof text, "id-%u", i);
		CHECK_INT(*idset_put(&set, slice_str(text), &fresh), i);
		CHECK(!fresh);
	}
	CHECK(!idset_has(&set, SLICE("id-100000")));
	idset_clear(&set);
	CHECK(!idset_has(&set, SLICE("id-7")));
	idset_free(&set);
}
