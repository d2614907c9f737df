/* json.c - fuzz target: properties of the JSON functions that hold for every input.
 *
 *   json_check says the same as json_scan, and both the same about a text and about its copy in a block of its exact
 * size (so that
 *   AddressSanitizer sees each byte read behind the end);
 *   a valid text stays valid, and keeps its hash, through json_compact, json_pretty, json_merge with itself, and a
 * rewrite of
 *   all its strings;
 *   json_split finds as many elements as json_count, and its good elements are valid texts; a proper prefix of an array
 *   is never accepted;
 *   the readers stay inside the slice also on text that was never checked.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DFUZZING. As a plain program it replays the files named
 * as arguments. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

#define assert(cond) ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct json_seed seed = {0x0123456789abcdef, 0xfedcba9876543210};

struct tally {
	size_t good, flawed;
	struct slice within;
};

static bool
same(struct json_hash a, struct json_hash b)
{
	return a.low == b.low && a.high == b.high;
}

static bool
tally_item(void *arg, const struct json_item *item)
{
	struct tally *t = arg;

	assert(item->text.len > 0);
	assert(item->text.p >= t->within.p && item->text.p + item->text.len <= t->within.p + t->within.len);
	assert(json_check(item->text, 0, NULL) == (item->fault == NULL));
	t->good += !item->fault;
	t->flawed += item->fault != NULL;
	return true;
}

/* Every string unescaped and quoted anew: another spelling of the same value. */
static void
respell(struct json_out *o, struct slice value)
{
	struct json_iter it = json_iter(value);
	struct buf plain = {0};
	enum json_type type = json_type(value);

	if (type == JSON_STRING) {
		json_unquote(value, &plain);
		json_put_slice(o, buf_view(&plain));
	} else if (type < JSON_ARRAY) {
		json_put_raw(o, json_trim(value));
	} else {
		json_open(o, it.object ? '{' : '[');
		while (json_next(&it)) {
			if (it.object) {
				struct buf quoted = {0};
				buf_printf(&quoted, "\"%.*s\"", (int)it.key.len, it.key.p);
				buf_clear(&plain);
				json_unquote(buf_view(&quoted), &plain);
				if (o->comma)
					buf_putc(o->b, ',');
				json_quote(o->b, buf_view(&plain));
				buf_putc(o->b, ':');
				o->comma = false;
				buf_free(&quoted);
			}
			respell(o, it.value);
		}
		json_close(o, type == JSON_OBJECT ? '}' : ']');
	}
	buf_free(&plain);
}

static void
keeps_hash(struct buf *b, struct json_hash want)
{
	struct json_hash h;
	struct json_fault fault;

	assert(json_scan(buf_view(b), 0, &seed, &h, &fault));
	assert(same(h, want));
	buf_clear(b);
}

static void
valid_text(struct slice text, struct json_hash want)
{
	struct buf b = {0};
	struct json_out o = json_out(&b);
	struct json_hash h;

	json_compact(&b, text);
	assert(b.len <= text.len);
	keeps_hash(&b, want);
	json_pretty(&b, text);
	keeps_hash(&b, want);
	json_merge(&b, text, text);
	keeps_hash(&b, want);
	respell(&o, text);
	assert(json_equal(buf_view(&b), text));
	keeps_hash(&b, want);
	json_hash_value(text, &seed, &h);
	assert(same(h, want));
	buf_free(&b);
}

static void
split_text(struct slice text, bool valid)
{
	static const char *const paths[] = {"a", "data.items", "0.a", "a\\.b.1"};
	struct tally t = {.within = text};
	struct json_split how = {.each = tally_item, .arg = &t};
	struct slice trimmed = json_trim(text);

	if (json_split(text, "", &how, NULL)) {
		assert(json_count(text) == t.good + t.flawed);
		if (t.flawed == 0)
			assert(json_check(text, JSON_DEPTH_MAX + 1, NULL));
		t = (struct tally){.within = text};
		assert(!json_split(slice_of(trimmed.p, trimmed.len - 1), "", &how, NULL));
	} else if (valid) {
		assert(json_type(text) != JSON_ARRAY);
	}
	for (size_t i = 0; i < LENGTH(paths); i++)
		json_split(text, paths[i], &how, NULL);
	if (valid && json_path(text, "a", &trimmed))
		assert(json_split(text, "a", &how, NULL) == (json_type(trimmed) == JSON_ARRAY));
}

/* Nothing here means anything on such a text; it must only stay inside. */
static void
unchecked_text(struct slice text)
{
	struct json_iter it = json_iter(text);
	struct slice found;
	struct buf b = {0};
	int64_t number;
	bool truth;

	while (json_next(&it)) {
		assert(it.value.p >= text.p && it.value.p + it.value.len <= text.p + text.len);
		json_string_is(it.value, "x");
		json_int(it.value, &number);
		json_bool(it.value, &truth);
		free(json_text(it.value));
	}
	json_member(text, "a", &found);
	json_path(text, "a.b.0", &found);
	json_compact(&b, text);
	json_pretty(&b, text);
	json_merge_top(&b, text, text);
	buf_clear(&b);
	json_quote(&b, text);
	assert(json_check(buf_view(&b), 0, NULL));
	if (utf8_valid(text)) {
		struct buf back = {0};
		json_unquote(buf_view(&b), &back);
		assert(slice_eq(buf_view(&back), text));
		buf_free(&back);
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = xmemdup(data, size);
	struct slice text = slice_of(copy, size);
	struct json_hash h = {0}, original = {0};
	struct json_fault fault;
	bool valid;

	valid = json_scan(text, 0, &seed, &h, &fault);
	assert(valid || (fault.what && fault.at <= size));
	assert(json_check(text, 0, NULL) == valid);
	assert(json_scan(slice_of(data, size), 0, &seed, &original, NULL) == valid);
	assert(!valid || same(h, original));
	assert(!valid || utf8_valid(text));
	if (valid)
		valid_text(text, h);
	split_text(text, valid);
	unchecked_text(text);
	free(copy);
	return 0;
}

#ifndef FUZZING
int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		static uint8_t bytes[1 << 20];
		FILE *f = fopen(argv[i], "rb");
		size_t n;
		if (!f) {
			perror(argv[i]);
			return 1;
		}
		n = fread(bytes, 1, sizeof bytes, f);
		fclose(f);
		LLVMFuzzerTestOneInput(bytes, n);
	}
	printf("%d files replayed\n", argc - 1);
	return 0;
}
#endif
