/* plugin_form.c - the small grammar by which an option's text is judged: what fits, where what does not came no further,
 * and forms that mean nothing. */
#include "plugin/form.h"

#include <stdio.h>
#include "base/mem.h"
#include "../tap.h"

#define PAGES "none | cursor <path> <param> [<size>] | link [<path>] | page [<param> [<size>]]"
#define MAP "* | <name>[:<path>[:string|integer|time]], ..."
#define QUERY "<name>=[<value...>]& ..."
#define PATH "/[<path...>] | https://<url...>"
#define SIGN "comma | tab | <character>"

TEST("a word, or one of several ways of writing it")
{
	CHECK(form_fits("rfc3339 | date | unix", SLICE("date"), NULL));
	CHECK(!form_fits("rfc3339 | date | unix", SLICE("dat"), NULL));
	CHECK(form_fits(PAGES, SLICE("cursor meta.next after"), NULL));
}

static const struct {
	const char *form, *text;
} fitting[] = {
	{PAGES, "none"},
	{PAGES, "  none "},
	{PAGES, "cursor  meta.next\tafter limit"},
	{PAGES, "link"},
	{PAGES, "link meta.next"},
	{PAGES, "page"},
	{PAGES, "page p"},
	{PAGES, "page p size"},
	{PAGES, ""},
	{MAP, "id"},
	{MAP, "*, label:name"},
	{MAP, "who : first name : string ,\n mail:emails.0.value, since:created:time"},
	{MAP, "a,,b,"},
	{QUERY, "state=all&order_by=updated_at"},
	{QUERY, "a=1&&b=&c=x=y z"},
	{PATH, "/"},
	{PATH, "/v1/users?x=1&y=a b"},
	{PATH, "https://api.example.com/v1"},
	{SIGN, ";"},
	{SIGN, "tab"},
	{"<1..100>", "1"},
	{"<1..100>", "100"},
	{"<0..>", "9223372036854775807"},
	{"<-5..5>", "-5"},
	{"<param> [<path>]", "after updated_at"},
};

TEST("what fits: optional ends, lists, ranges, a single character, all that is left")
{
	for (size_t i = 0; i < LENGTH(fitting); i++) {
		bool fits = form_fits(fitting[i].form, slice_str(fitting[i].text), NULL);

		CHECK(!form_fault(fitting[i].form));
		CHECK(fits);
		if (!fits)
			printf("#   '%s' in %s\n", fitting[i].text, fitting[i].form);
	}
}

static const struct {
	const char *form, *text;
	const char *entry, *nearest, *word; /* NULL: the text; the form */
	size_t words;
} missing[] = {
	{PAGES, "pages", NULL, NULL, "pages", 4},
	{PAGES, "cursr meta.next after", NULL, NULL, "cursr", 4},
	{PAGES, "cursor next", NULL, "cursor <path> <param> [<size>]", "", 0},
	{PAGES, "page a b c", NULL, "page [<param> [<size>]]", "c", 0},
	{PAGES, "none at all", NULL, "none", "at", 0},
	{PAGES, "link:next", NULL, "link [<path>]", ":next", 0},
	{MAP, "id, c:created:tme, x", "c:created:tme", "<name>[:<path>[:string|integer|time]]", "tme", 3},
	{MAP, "name:", "name:", "<name>[:<path>[:string|integer|time]]", "", 0},
	{MAP, "a:b:string:d", "a:b:string:d", "<name>[:<path>[:string|integer|time]]", "", 0},
	{MAP, "a: :time", "a: :time", "<name>[:<path>[:string|integer|time]]", "", 0},
	{QUERY, "a=1&b", "b", "<name>=[<value...>]", "", 0},
	{QUERY, "=1", "=1", "<name>=[<value...>]", "", 0},
	{PATH, "users", NULL, NULL, "users", 1},
	{PATH, "https:/x", NULL, "https://<url...>", "x", 0},
	{SIGN, "ab", NULL, NULL, "ab", 2},
	{SIGN, "\xc2\xa7", NULL, NULL, "\xc2\xa7", 2},
	{"<1..100>", "0", NULL, NULL, "0", 0},
	{"<1..100>", "101", NULL, NULL, "101", 0},
	{"<1..100>", "1x", NULL, NULL, "1x", 0},
	{"<0..>", "9223372036854775808", NULL, NULL, "9223372036854775808", 0},
	{"<param> [<path>]", "a b c", NULL, NULL, "c", 0},
};

TEST("what does not fit is told by the alternative that came furthest, the place, and the words that were wanted there")
{
	for (size_t i = 0; i < LENGTH(missing); i++) {
		const char *entry = missing[i].entry ? missing[i].entry : missing[i].text;
		const char *nearest = missing[i].nearest ? missing[i].nearest : missing[i].form;
		struct form_miss miss = {.n_words = 99};
		bool told = !form_fits(missing[i].form, slice_str(missing[i].text), &miss) && slice_is(miss.entry, entry) &&
		            slice_is(miss.form, nearest) && slice_is(miss.word, missing[i].word) && miss.n_words == missing[i].words;

		CHECK(!form_fault(missing[i].form));
		CHECK(told);
		if (!told)
			printf("#   '%s': in '%.*s' at '%.*s' of %.*s, %zu words\n", missing[i].text, (int)miss.entry.len, miss.entry.p,
			       (int)miss.word.len, miss.word.p, (int)miss.form.len, miss.form.p, miss.n_words);
	}
}

TEST("the words that were wanted are those of all alternatives that came as far")
{
	struct form_miss miss;

	CHECK(!form_fits("sort up | sort down | sort by <name> | none", SLICE("sort dwon"), &miss));
	REQUIRE(miss.n_words == 3);
	CHECK(slice_is(miss.words[0], "up") && slice_is(miss.words[1], "down") && slice_is(miss.words[2], "by"));
	CHECK(slice_is(miss.word, "dwon"));
}

static const struct {
	const char *form, *says;
} nonsense[] = {
	{"", "an alternative is empty"},
	{"a |  | b", "an alternative is empty"},
	{"<a", "a placeholder is a name"},
	{"<>", "a placeholder is a name"},
	{"<a<b>", "a placeholder is a name"},
	{"<a><b>", "behind a placeholder"},
	{"<a>[<b>]", "behind a placeholder"},
	{"<a>x", "behind a placeholder"},
	{"<a...> b", "behind a placeholder"},
	{"x<a>", "between a word and a placeholder"},
	{"<5..1>", "a range is"},
	{"<1..x>", "a range is"},
	{"<99999999999999999999..>", "a range is"},
	{"a [b", "not in pairs"},
	{"a b]", "not in pairs"},
	{"[a] b", "encloses the end"},
	{"a|", "between two words"},
	{"a |b", "between two words"},
};

TEST("a form that means nothing is told")
{
	for (size_t i = 0; i < LENGTH(nonsense); i++) {
		CHECK_HAS(form_fault(nonsense[i].form), nonsense[i].says);
	}
}

TEST("a long form and a long text are walked once for each alternative and element")
{
	struct buf form = {0}, text = {0};

	for (int i = 0; i < 1000; i++) {
		buf_printf(&form, "%sword%d <a>[:<b>]", i ? " | " : "", i);
		buf_printf(&text, "word%d x:y,", i);
	}
	buf_puts(&form, ", ...");
	CHECK(!form_fault(buf_str(&form)));
	CHECK(form_fits(buf_str(&form), buf_view(&text), NULL));
	buf_puts(&text, "word z:y");
	CHECK(!form_fits(buf_str(&form), buf_view(&text), NULL));
	buf_free(&form);
	buf_free(&text);
}
