/* json_merge.c - a patch over a base, and JSON with less or more white space. On checked text.
 *
 * Members keep the base's order, new ones follow in the patch's; values that nobody touches are copied as they are
 * written, byte for byte.
 * Guarantee: work and memory grow with the sizes of both texts, never with their product: the patch's members are found
 * through a small hash table.
 * Awkward: a merge goes as deep as base and patch are both objects, and recursion follows; checked text bounds it. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/json_lex.h"

#include <stdlib.h>
#include "base/mem.h"

struct member {
	struct slice key, value;
	uint64_t hash; /* of the unescaped key */
	bool used;     /* the base had it too */
};

struct members {
	struct member *all;
	size_t count;
	uint32_t *table; /* index + 1 into all; 0: free */
	size_t mask;
};

static uint64_t
key_hash(struct slice raw, struct buf *scratch)
{
	buf_clear(scratch);
	buf_reserve(scratch, raw.len);
	return XXH3_64bits(scratch->p, unit_all(raw, scratch->p));
}

static void
members_init(struct members *m, struct slice object, struct buf *scratch)
{
	struct json_iter it = json_iter(object);
	size_t size = 8;

	*m = (struct members){.count = json_count(object)};
	while (size < m->count * 2)
		size *= 2;
	m->mask = size - 1;
	m->all = xcalloc(m->count, sizeof *m->all);
	m->table = xcalloc(size, sizeof *m->table);
	for (size_t i = 0; i < m->count && json_next(&it); i++) {
		struct member *one = &m->all[i];
		size_t at;

		*one = (struct member){.key = it.key, .value = it.value, .hash = key_hash(it.key, scratch)};
		for (at = one->hash & m->mask; m->table[at];)
			at = (at + 1) & m->mask;
		m->table[at] = (uint32_t)(i + 1);
	}
}

static void
members_finish(struct members *m)
{
	free(m->all);
	free(m->table);
}

static struct member *
members_find(struct members *m, struct slice key, struct buf *scratch)
{
	uint64_t hash = key_hash(key, scratch);

	for (size_t at = hash & m->mask; m->table[at]; at = (at + 1) & m->mask) {
		struct member *one = &m->all[m->table[at] - 1];
		if (one->hash == hash && raw_eq(one->key, key))
			return one;
	}
	return NULL;
}

static void
put_key(struct buf *out, struct slice key, bool *comma)
{
	if (*comma)
		buf_putc(out, ',');
	*comma = true;
	buf_putc(out, '"');
	buf_slice(out, key);
	buf_puts(out, "\":");
}

static void
merge(struct buf *out, struct slice base, struct slice patch, bool deep, struct buf *scratch)
{
	struct members m;
	struct json_iter it;
	bool comma = false;

	if (json_type(base) != JSON_OBJECT || json_type(patch) != JSON_OBJECT) {
		buf_slice(out, json_trim(patch));
		return;
	}
	members_init(&m, patch, scratch);
	buf_putc(out, '{');
	it = json_iter(base);
	while (json_next(&it)) {
		struct member *over = members_find(&m, it.key, scratch);
		put_key(out, it.key, &comma);
		if (!over) {
			buf_slice(out, it.value);
			continue;
		}
		over->used = true;
		if (deep)
			merge(out, it.value, over->value, true, scratch);
		else
			buf_slice(out, over->value);
	}
	for (size_t i = 0; i < m.count; i++) {
		if (m.all[i].used)
			continue;
		put_key(out, m.all[i].key, &comma);
		buf_slice(out, m.all[i].value);
	}
	buf_putc(out, '}');
	members_finish(&m);
}

void
json_merge(struct buf *out, struct slice base, struct slice patch)
{
	struct buf scratch = {0};

	merge(out, base, patch, true, &scratch);
	buf_free(&scratch);
}

void
json_merge_top(struct buf *out, struct slice base, struct slice patch)
{
	struct buf scratch = {0};

	merge(out, base, patch, false, &scratch);
	buf_free(&scratch);
}

/* ---- white space ---- */

/* The end of the token at p: a string, a bracket, a comma, a colon, or a number or word. */
static const uchar *
token_end(const uchar *p, const uchar *end)
{
	if (*p == '"') {
		for (p++; p < end && *p != '"'; p++)
			p += *p == '\\' && p + 1 < end;
		return p < end ? p + 1 : end;
	}
	if (strchr("{}[],:", *p) && *p)
		return p + 1;
	for (p++; p < end && *p && !strchr("{}[],:\"", *p) && !is_space(*p);)
		p++;
	return p;
}

static void
put_indent(struct buf *out, unsigned level)
{
	buf_putc(out, '\n');
	while (level--)
		buf_puts(out, "  ");
}

static void
put_tokens(struct buf *out, struct slice value, bool pretty)
{
	const uchar *p = (const uchar *)value.p, *end = value.len ? p + value.len : p, *from;
	unsigned level = 0;
	uchar last = 0;

	for (p = skip_space(p, end); p < end; p = skip_space(p, end)) {
		from = p;
		p = token_end(p, end);
		if (pretty) {
			bool closes = *from == '}' || *from == ']';
			if (closes && level)
				level--;
			if (closes ? last != '{' && last != '[' : last == ',' || last == '{' || last == '[')
				put_indent(out, level);
			if (last == ':')
				buf_putc(out, ' ');
			level += *from == '{' || *from == '[';
		}
		buf_put(out, from, (size_t)(p - from));
		last = *from;
	}
}

void
json_compact(struct buf *out, struct slice value)
{
	put_tokens(out, value, false);
}

void
json_pretty(struct buf *out, struct slice value)
{
	put_tokens(out, value, true);
}
