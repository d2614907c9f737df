/* mapped.c - the author's map becomes a small tree of output members once a call; each item then fills it in one walk.
 *
 * Values are copied as bytes, so numbers keep their text. A member whose source is absent is left out, and so is an
 * object all of whose members are; null stays null. What a conversion cannot make sense of stays as it was, and the
 * model's check then says what is wrong with it.
 * An entry without a name stands for all members of an object that no other entry names (the "rest"): they follow the
 * named ones as they came.
 * Awkward: paths may share a beginning without standing side by side ("owner.id", "name", "owner.name"), hence the
 * tree. */
#include "worker/mapped.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "worker/items.h"
#include "worker/step.h"

#define NODES_MAX 1000

struct node {
	struct slice name;  /* unescaped, in the arena */
	size_t child, next; /* indexes; 0: none */
	bool leaf;
	const char *from; /* path in the item; "" the whole item */
	size_t first;     /* bytes of the path's first component; 0: it has escapes, or is the whole item */
	int convert;
	struct slice value; /* in the item at hand, or the constant; .p NULL: absent */
};

struct mapping {
	struct step *s;
	struct node *nodes; /* [0] is the root */
	size_t n;
	const char *rest; /* path of the object whose other members are taken too; NULL: none */
	struct buf out, scratch;
};

/* ---- making the tree ---- */

static size_t
node_add(struct mapping *m, size_t parent, struct slice name)
{
	size_t i = m->n++, *last = &m->nodes[parent].child;

	while (*last)
		last = &m->nodes[*last].next;
	*last = i;
	m->nodes[i] = (struct node){.name = name};
	return i;
}

static size_t
node_child(const struct mapping *m, size_t parent, struct slice name)
{
	size_t i = m->nodes[parent].child;

	while (i && !slice_eq(m->nodes[i].name, name))
		i = m->nodes[i].next;
	return i;
}

/* The next component of a path, unescaped into the arena; moves *path behind it. */
static struct slice
component_take(struct mapping *m, const char **path)
{
	const char *p = *path;
	char *name = arena_alloc(&m->s->arena, strlen(p) + 1);
	size_t n = 0;

	for (; *p && *p != '.'; p++) {
		if (*p == '\\' && p[1])
			p++;
		name[n++] = *p;
	}
	*path = *p ? p + 1 : NULL;
	return slice_of(name, n);
}

static int
entry_add(struct mapping *m, const struct sluice_map *e)
{
	const char *to = e->to;
	size_t at = 0, child;
	struct node *leaf;

	if (!*to) {
		if (m->rest)
			return step_fail(m->s, SLUICE_EARGUMENT, "sluice_save_mapped: two entries have an empty `to`");
		m->rest = e->from ? e->from : "";
		return 0;
	}
	while (to) {
		struct slice name = component_take(m, &to);
		if (m->n >= NODES_MAX)
			return step_fail(m->s, SLUICE_ELIMIT, "sluice_save_mapped: the map makes more than %d members",
			                 NODES_MAX - 1);
		child = node_child(m, at, name);
		if (m->nodes[at].leaf || (child && (!to || m->nodes[child].leaf)))
			return step_fail(m->s, SLUICE_EARGUMENT, "sluice_save_mapped: '%.100s' is mapped twice", e->to);
		at = child ? child : node_add(m, at, name);
	}
	leaf = &m->nodes[at];
	leaf->leaf = true;
	leaf->from = e->from ? e->from : e->to;
	leaf->convert = e->convert;
	leaf->first = strcspn(leaf->from, ".\\");
	if (leaf->from[leaf->first] == '\\')
		leaf->first = 0;
	if (e->convert < SLUICE_AS_IS || e->convert > SLUICE_CONSTANT)
		return step_fail(m->s, SLUICE_EARGUMENT, "sluice_save_mapped: '%.100s' has an unknown conversion",
		                 e->to);
	if (e->convert == SLUICE_CONSTANT) {
		leaf->value = slice_str(leaf->from);
		if (!json_check(leaf->value, JSON_DEPTH_MAX, NULL))
			return step_fail(m->s, SLUICE_EARGUMENT,
			                 "sluice_save_mapped: the constant for '%.100s' is not JSON", e->to);
	}
	return 0;
}

static int
mapping_make(struct mapping *m, const struct sluice_map *map)
{
	struct sluice_map e;
	size_t i;

	m->nodes = xcalloc(NODES_MAX, sizeof *m->nodes);
	m->n = 1;
	for (i = 0; plugin_map(&m->s->w->plugin, map, i, &e); i++)
		if (entry_add(m, &e))
			return -1;
	return i ? 0 : step_fail(m->s, SLUICE_EARGUMENT, "sluice_save_mapped: the map is empty");
}

/* ---- filling it from one item ---- */

static void
nodes_find(struct mapping *m, struct slice item)
{
	struct json_iter it = json_iter(item);

	for (size_t i = 1; i < m->n; i++) {
		struct node *n = &m->nodes[i];
		if (!n->leaf || n->convert == SLUICE_CONSTANT)
			continue;
		n->value = (struct slice){0};
		if (!n->first && !json_path(item, n->from, &n->value))
			n->value = (struct slice){0};
	}
	while (it.object && json_next(&it)) {
		for (size_t i = 1; i < m->n; i++) {
			struct node *n = &m->nodes[i];
			if (!n->leaf || !n->first || n->convert == SLUICE_CONSTANT || n->first != it.key.len ||
			    memcmp(n->from, it.key.p, n->first))
				continue;
			if (!n->from[n->first])
				n->value = it.value;
			else if (!json_path(it.value, n->from + n->first + 1, &n->value))
				n->value = (struct slice){0};
		}
	}
}

static bool
digits(struct slice s)
{
	size_t i = s.len && s.p[0] == '-';

	if (i == s.len || (s.p[i] == '0' && s.len > i + 1))
		return false;
	for (; i < s.len; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

/* Seconds or milliseconds with up to six decimals, as text, to microseconds. Above 10^11 it is milliseconds: as
 * seconds that
 * would be beyond the year 5000. */
static bool
epoch_us(struct slice s, int64_t *us)
{
	const char *dot = memchr(s.p, '.', s.len);
	struct slice whole = slice_of(s.p, dot ? (size_t)(dot - s.p) : s.len);
	int64_t n, unit, fraction = 0;
	bool negative = s.len && s.p[0] == '-';

	if (!digits(whole) || !json_int(whole, &n) || n > INT64_C(99999999999999) || n < -INT64_C(99999999999999))
		return false;
	unit = n > INT64_C(99999999999) || n < -INT64_C(99999999999) ? 1000 : 1000000;
	if (dot) {
		int64_t place = unit;
		for (const char *p = dot + 1; p < s.p + s.len; p++) {
			if (*p < '0' || *p > '9')
				return false;
			place /= 10;
			fraction += place * (*p - '0');
		}
	}
	*us = n * unit + (negative ? -fraction : fraction);
	return true;
}

static void
put_time(struct buf *out, int64_t us)
{
	char text[TIME_TEXT_MAX];
	size_t n = strlen(time_format(us, text)) - 1; /* without the Z */

	while (n && text[n - 1] == '0' && memchr(text, '.', n))
		n--;
	if (n && text[n - 1] == '.')
		n--;
	buf_putc(out, '"');
	buf_put(out, text, n);
	buf_puts(out, "Z\"");
}

static void
value_put(struct mapping *m, const struct node *n)
{
	struct slice v = n->value;
	enum json_type type = json_type(v);
	int64_t us;

	buf_clear(&m->scratch);
	if (type == JSON_STRING)
		json_unquote(v, &m->scratch);
	if (n->convert == SLUICE_TO_STRING && (type == JSON_NUMBER || type == JSON_TRUE || type == JSON_FALSE))
		json_quote(&m->out, v);
	else if (n->convert == SLUICE_TO_INTEGER && type == JSON_STRING && digits(buf_view(&m->scratch)))
		buf_slice(&m->out, buf_view(&m->scratch));
	else if (n->convert == SLUICE_TO_TIME && type == JSON_NUMBER && epoch_us(v, &us))
		put_time(&m->out, us);
	else if (n->convert == SLUICE_TO_TIME && type == JSON_STRING && m->scratch.len &&
	         epoch_us(buf_view(&m->scratch), &us))
		put_time(&m->out, us);
	else
		buf_slice(&m->out, v);
}

static bool
node_filled(const struct mapping *m, size_t at)
{
	if (m->nodes[at].leaf)
		return m->nodes[at].value.p != NULL;
	for (size_t i = m->nodes[at].child; i; i = m->nodes[i].next)
		if (node_filled(m, i))
			return true;
	return false;
}

/* Does the map name this member? The key is as it stands in the item, escapes and all. */
static bool
rest_named(struct mapping *m, struct slice key)
{
	struct buf quoted = {0};
	bool named;

	if (!memchr(key.p, '\\', key.len))
		return node_child(m, 0, key);
	buf_putc(&quoted, '"');
	buf_slice(&quoted, key);
	buf_putc(&quoted, '"');
	buf_clear(&m->scratch);
	json_unquote(buf_view(&quoted), &m->scratch);
	named = node_child(m, 0, buf_view(&m->scratch));
	buf_free(&quoted);
	return named;
}

/* The members that the map does not name. */
static void
rest_put(struct mapping *m, struct slice item, bool comma)
{
	struct slice object = item;
	struct json_iter it;

	if (!m->rest || (*m->rest && !json_path(item, m->rest, &object)))
		return;
	it = json_iter(object);
	while (it.object && json_next(&it)) {
		if (rest_named(m, it.key))
			continue;
		if (comma)
			buf_putc(&m->out, ',');
		comma = true;
		buf_putc(&m->out, '"');
		buf_slice(&m->out, it.key);
		buf_puts(&m->out, "\":");
		buf_slice(&m->out, it.value);
	}
}

static void
node_put(struct mapping *m, size_t at, struct slice item)
{
	bool comma = false;

	buf_putc(&m->out, '{');
	for (size_t i = m->nodes[at].child; i; i = m->nodes[i].next) {
		if (!node_filled(m, i))
			continue;
		if (comma)
			buf_putc(&m->out, ',');
		comma = true;
		json_quote(&m->out, m->nodes[i].name);
		buf_putc(&m->out, ':');
		if (m->nodes[i].leaf)
			value_put(m, &m->nodes[i]);
		else
			node_put(m, i, item);
	}
	if (!at)
		rest_put(m, item, comma);
	buf_putc(&m->out, '}');
}

/* ---- */

static void
items_map(struct mapping *m, struct batch *b, const struct items *items)
{
	for (size_t i = 0; i < items->n; i++) {
		if (items_fault(items, i)) {
			batch_fault(b, items, i);
			continue;
		}
		nodes_find(m, items_at(items, i));
		buf_clear(&m->out);
		node_put(m, 0, items_at(items, i));
		batch_put(b, buf_view(&m->out));
	}
}

long
run_save_mapped(struct sluice_run *run, const char *model, const struct sluice_page *page, const struct sluice_map *map)
{
	struct step *s = step_of(run);
	struct mapping m = {.s = s};
	struct sluice_page given;
	const struct page *held;
	struct items items = {0};
	struct json_fault fault;
	struct batch b;
	long n = -1;

	if (step_status(s))
		return step_status(s);
	if (!page || !map)
		return step_fail(s, SLUICE_EARGUMENT, "sluice_save_mapped: the %s is NULL", page ? "map" : "page");
	if (batch_begin(&b, s, SAVE_RECORD, "sluice_save_mapped", model))
		return s->status;
	plugin_page_in(&s->w->plugin, page, &given);
	held = given.body ? pager_holds(s, given.body, given.len) : NULL;
	b.whole_page = held && held->x->conditional;
	if (mapping_make(&m, map) == 0) {
		if (!held && !items_split(&items, slice_of(given.body, given.body ? given.len : 0), "", false, &fault))
			step_fail(s, SLUICE_EDATA, "sluice_save_mapped: the page holds no sound array (%s at byte %zu)",
			          fault.what, fault.at);
		else
			items_map(&m, &b, held ? &held->items : &items);
	}
	n = batch_end(&b);
	items_free(&items);
	free(m.nodes);
	buf_free(&m.out);
	buf_free(&m.scratch);
	return s->status ? s->status : n;
}
