/* positions.c - one table for each depth; a finished pagination costs no more than its hash.
 *
 * A run over 100 000 parents leaves 100 000 finished inner paginations behind until the outer page is done: 24 bytes
 * each, and one look-up each when a later step walks over them again. Names are known by their 128-bit hash alone.
 * Awkward: a state comes from the host's store and may be of an older version of the connector: what does not fit
 * begins again from the start, which costs requests and never records. */
#include "worker/positions.h"

#include <sluice.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/json.h"
#include "base/mem.h"
#include "worker/page.h"

static struct position finished; /* its address marks a slot; nothing is ever in it */

struct slot {
	uint64_t low, high; /* hash of the name */
	struct position *p; /* NULL: empty; &finished */
};

struct table {
	struct slot *slots;
	size_t n, cap; /* cap: a power of two */
};

struct position_set {
	struct table depth[POSITION_DEPTH + 1];
};

struct position_set *
positions_new(void)
{
	return XNEW(struct position_set);
}

static void
position_free(struct position *p)
{
	if (!p || p == &finished)
		return;
	page_free(p->kept);
	mark_free(&p->mark);
	free(p->name);
	free(p);
}

static void
table_clear(struct table *t)
{
	for (size_t i = 0; i < t->cap; i++)
		position_free(t->slots[i].p);
	free(t->slots);
	*t = (struct table){0};
}

void
positions_free(struct position_set *set)
{
	for (size_t i = 0; set && i <= POSITION_DEPTH; i++)
		table_clear(&set->depth[i]);
	free(set);
}

/* The slot of that hash, or the empty one where it would go. */
static struct slot *
table_slot(const struct table *t, uint64_t low, uint64_t high)
{
	size_t i = low & (t->cap - 1);

	while (t->slots[i].p && (t->slots[i].low != low || t->slots[i].high != high))
		i = (i + 1) & (t->cap - 1);
	return &t->slots[i];
}

static void
table_grow(struct table *t)
{
	struct table bigger = {.cap = t->cap ? 2 * t->cap : 16, .n = t->n};

	bigger.slots = xcalloc(bigger.cap, sizeof *bigger.slots);
	for (size_t i = 0; i < t->cap; i++)
		if (t->slots[i].p)
			*table_slot(&bigger, t->slots[i].low, t->slots[i].high) = t->slots[i];
	free(t->slots);
	*t = bigger;
}

static unsigned
name_depth(struct slice name)
{
	return name.len ? (unsigned char)name.p[0] : 0;
}

enum position_found
positions_find(const struct position_set *set, struct slice name, struct position **p)
{
	const struct table *t = &set->depth[name_depth(name)];
	XXH128_hash_t h = XXH3_128bits(name.p, name.len);
	struct slot *slot = t->cap ? table_slot(t, h.low64, h.high64) : NULL;

	*p = NULL;
	if (!slot || !slot->p)
		return POSITION_NONE;
	if (slot->p == &finished)
		return POSITION_FINISHED;
	*p = slot->p;
	return POSITION_OPEN;
}

/* The slot for a name that is there or not. */
static struct slot *
slot_make(struct position_set *set, struct slice name)
{
	struct table *t = &set->depth[name_depth(name)];
	XXH128_hash_t h = XXH3_128bits(name.p, name.len);
	struct slot *slot;

	if (4 * (t->n + 1) > 3 * t->cap)
		table_grow(t);
	slot = table_slot(t, h.low64, h.high64);
	if (!slot->p) {
		t->n++;
		slot->low = h.low64;
		slot->high = h.high64;
	}
	return slot;
}

struct position *
positions_add(struct position_set *set, struct slice name)
{
	struct slot *slot = slot_make(set, name);
	struct position *p = XNEW(struct position);

	position_free(slot->p);
	p->name = slice_dup(name);
	p->len = name.len;
	slot->p = p;
	return p;
}

void
positions_finish(struct position_set *set, struct slice name)
{
	struct slot *slot = slot_make(set, name);
	struct position *old = slot->p;

	slot->p = &finished;
	position_free(old);
}

bool
positions_deeper(const struct position_set *set, unsigned depth)
{
	for (size_t i = depth + 1; i <= POSITION_DEPTH; i++)
		if (set->depth[i].n)
			return true;
	return false;
}

void
positions_drop(struct position_set *set, unsigned depth)
{
	for (size_t i = depth + 1; i <= POSITION_DEPTH; i++)
		table_clear(&set->depth[i]);
}

void
position_name(struct buf *out, unsigned depth, struct slice key)
{
	XXH128_hash_t h;
	size_t keep = 160;

	buf_u8(out, (uint8_t)depth);
	if (key.len <= POSITION_KEY) {
		buf_slice(out, key);
		return;
	}
	while (keep && ((unsigned char)key.p[keep] & 0xc0) == 0x80)
		keep--;
	h = XXH3_128bits(key.p, key.len);
	buf_put(out, key.p, keep);
	buf_printf(out, "#%016" PRIx64 "%016" PRIx64, h.high64, h.low64);
}

/* ---- the state as JSON ---- */

static const char *const kind_names[] = {
	[0] = "single",         [SLUICE_CURSOR] = "cursor", [SLUICE_LAST_ITEM] = "last_item",
	[SLUICE_LINK] = "link", [SLUICE_OFFSET] = "offset", [SLUICE_PAGE] = "page",
};

void
mark_free(struct mark *m)
{
	free(m->next);
	*m = (struct mark){0};
}

void
mark_copy(struct mark *to, const struct mark *from)
{
	char *next = from->next ? xstrdup(from->next) : NULL;

	free(to->next);
	*to = *from;
	to->next = next;
}

/* Numbers that use all 64 bits are kept as hex text. */
static void
put_hex(struct json_out *o, const char *key, uint64_t v)
{
	char text[20];

	snprintf(text, sizeof text, "%016" PRIx64, v);
	json_kv_str(o, key, text);
}

void
mark_write(struct buf *out, const struct mark *m, bool is_finished)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "kind", kind_names[m->kind]);
	if (m->next)
		json_kv_raw(&o, "next", slice_str(m->next));
	json_kv_int(&o, "pages", (int64_t)m->pages);
	json_kv_int(&o, "items", (int64_t)m->items);
	json_kv_int(&o, "proof", m->proof);
	put_hex(&o, "saved", m->guard.saved);
	json_kv_int(&o, "power", (int64_t)m->guard.power);
	json_kv_int(&o, "steps", (int64_t)m->guard.steps);
	if (m->has_last)
		put_hex(&o, "last", m->last);
	if (m->has_first)
		put_hex(&o, "first", m->first);
	if (m->full)
		json_kv_bool(&o, "full", true);
	if (m->nests)
		json_kv_bool(&o, "nests", true);
	if (is_finished)
		json_kv_bool(&o, "finished", true);
	json_close(&o, '}');
}

static uint64_t
get_int(struct slice state, const char *key)
{
	struct slice v;
	int64_t n = 0;

	return json_member(state, key, &v) && json_int(v, &n) && n > 0 ? (uint64_t)n : 0;
}

static bool
get_hex(struct slice state, const char *key, uint64_t *v)
{
	struct slice text;
	char digits[20], *end;

	if (!json_member(state, key, &text) || text.len != 18)
		return false;
	memcpy(digits, text.p + 1, 16);
	digits[16] = '\0';
	*v = strtoull(digits, &end, 16);
	return !*end;
}

static bool
get_true(struct slice state, const char *key)
{
	struct slice v;

	return json_member(state, key, &v) && json_type(v) == JSON_TRUE;
}

bool
mark_read(struct mark *m, struct slice state)
{
	struct slice v;
	size_t kind = 0;

	*m = (struct mark){0};
	if (!json_member(state, "kind", &v))
		return false;
	while (kind < LENGTH(kind_names) && !json_string_is(v, kind_names[kind]))
		kind++;
	if (kind == LENGTH(kind_names))
		return false;
	m->kind = (int)kind;
	m->pages = get_int(state, "pages");
	m->items = get_int(state, "items");
	m->proof = (uint8_t)get_int(state, "proof");
	get_hex(state, "saved", &m->guard.saved);
	m->guard.power = get_int(state, "power");
	m->guard.steps = get_int(state, "steps");
	m->has_last = get_hex(state, "last", &m->last);
	m->has_first = get_hex(state, "first", &m->first);
	m->full = get_true(state, "full");
	m->nests = get_true(state, "nests");
	if (json_member(state, "next", &v))
		m->next = slice_dup(json_trim(v));
	return true;
}

int
positions_load(struct position_set *set, struct slice name, struct slice state, struct err *err)
{
	struct json_fault fault;
	struct position *p;
	unsigned depth = name_depth(name);

	if (depth < 1 || depth > POSITION_DEPTH)
		return err_set(err, ERR_CONNECTOR, "a kept position has depth %u", depth);
	if (!json_check(state, JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_CONNECTOR, "a kept position is not JSON: %s", fault.what);
	if (get_true(state, "finished")) {
		positions_finish(set, name);
		return 0;
	}
	p = positions_add(set, name);
	if (!mark_read(&p->mark, state))
		return err_set(err, ERR_CONNECTOR, "a kept position has no kind that is known");
	return 0;
}
