/* schedule.c - what is configured: items put and removed, the names they are found by, what is known from before.
 *
 * Guarantee: everything a plan says is copied; an item that is put again keeps what it was doing, its due times too unless
 * their rule changed. Names are found in O(log n) and are walked in order.
 * Awkward: an item that is removed while it runs stays until that run has ended, so that limits hold and the same sync,
 * configured again meanwhile, does not run twice; it is then the same item again. */
#include "schedule/inner.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

static gint
name_compare(gconstpointer a, gconstpointer b, gpointer arg)
{
	const struct schedule_name *x = a, *y = b;
	int d = strcmp(x->connection, y->connection);

	(void)arg;
	if (!d)
		d = strcmp(x->integration, y->integration);
	return d ? d : strcmp(x->sync, y->sync);
}

static gint
text_compare(gconstpointer a, gconstpointer b, gpointer arg)
{
	(void)arg;
	return strcmp(a, b);
}

/* FNV-1a with a finish, so that names which differ in one digit lie far apart. */
uint64_t
hash_text(uint64_t h, const char *text)
{
	h ^= UINT64_C(0xcbf29ce484222325);
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 33;
}

static struct schedule_name
name_copy(const struct schedule_name *n)
{
	return (struct schedule_name){xstrdup(n->connection), xstrdup(n->integration), xstrdup(n->sync)};
}

static void
name_free(const struct schedule_name *n)
{
	free((void *)(uintptr_t)n->connection);
	free((void *)(uintptr_t)n->integration);
	free((void *)(uintptr_t)n->sync);
}

struct slot *
slot_get(struct schedule *s, const struct schedule_name *n)
{
	struct slot *slot = g_tree_lookup(s->slots, n);

	if (slot)
		return slot;
	slot = XNEW(struct slot);
	slot->name = name_copy(n);
	slot->phase = hash_text(hash_text(hash_text(0, n->connection), n->integration), n->sync);
	g_tree_insert(s->slots, &slot->name, slot);
	return slot;
}

void
slot_release(struct schedule *s, struct slot *slot)
{
	if (slot->item || slot->waiters)
		return;
	g_tree_remove(s->slots, &slot->name);
	name_free(&slot->name);
	free(slot);
}

static struct unit *
unit_get(struct schedule *s, const char *name)
{
	struct unit *u = g_tree_lookup(s->units, name);

	if (u)
		return u;
	u = XNEW(struct unit);
	u->name = xstrdup(name);
	u->turn.owner = u;
	g_tree_insert(s->units, u->name, u);
	return u;
}

static struct link *
link_get(struct schedule *s, const struct schedule_name *name)
{
	struct schedule_name n = {name->connection, name->integration, ""};
	struct link *c = g_tree_lookup(s->links, &n);

	if (c)
		return c;
	c = XNEW(struct link);
	c->name = name_copy(&n);
	c->unit = unit_get(s, n.integration);
	c->turn.owner = c->hold.owner = c;
	g_tree_insert(s->links, &c->name, c);
	return c;
}

static void
link_release(struct schedule *s, struct link *c)
{
	struct unit *u = c->unit;

	if (!c->items) {
		heap_drop(&u->ready, &c->turn);
		heap_drop(&s->held, &c->hold);
		g_tree_remove(s->links, &c->name);
		name_free(&c->name);
		free(c);
	} else
		link_touch(s, c);
	if (!u->items) {
		heap_drop(&s->ready, &u->turn);
		g_tree_remove(s->units, u->name);
		heap_finish(&u->ready);
		free(u->name);
		free(u);
	} else
		unit_touch(s, u);
}

static void
after_leave(struct schedule *s, struct schedule_item *i)
{
	struct schedule_item **at;

	if (!i->after)
		return;
	for (at = &i->after->waiters; *at != i; at = &(*at)->next_waiter)
		;
	*at = i->next_waiter;
	slot_release(s, i->after);
	i->after = NULL;
}

static void
after_join(struct schedule *s, struct schedule_item *i, const struct schedule_name *n)
{
	if (!n->connection)
		return;
	i->after = slot_get(s, n);
	i->next_waiter = i->after->waiters;
	i->after->waiters = i;
	i->slot->phase = i->after->phase; /* due together, so that one follows the other at once */
}

void
item_free(struct schedule *s, struct schedule_item *i)
{
	struct schedule_item **at;
	struct link *c = i->link;

	heap_drop(&s->by_due, &i->wake);
	heap_drop(&s->by_pause, &i->pause);
	after_leave(s, i);
	for (at = &c->items; *at != i; at = &(*at)->sibling)
		;
	*at = i->sibling;
	c->unit->items--;
	link_release(s, c);
	i->slot->item = NULL;
	waiters_touch(s, i->slot);
	slot_release(s, i->slot);
	zone_close(i->zone);
	free(i->cron_text);
	free(i->zone_text);
	free(i);
}

struct schedule *
schedule_new(const struct schedule_options *o)
{
	struct schedule *s = XNEW(struct schedule);

	s->o = *o;
	s->clock = o->clock ? *o->clock : clock_system;
	s->slots = g_tree_new_full(name_compare, NULL, NULL, NULL);
	s->links = g_tree_new_full(name_compare, NULL, NULL, NULL);
	s->units = g_tree_new_full(text_compare, NULL, NULL, NULL);
	s->seq = INT64_MAX / 2;
	s->ahead_us = clock_wall_us(&s->clock) - clock_mono_ms(&s->clock) * US_PER_MS;
	return s;
}

/* Also one that is gone. A name without an item goes with the last that comes after it. */
static struct schedule_item *
item_any(const struct schedule *s)
{
	for (GTreeNode *n = g_tree_node_first(s->slots); n; n = g_tree_node_next(n)) {
		const struct slot *slot = g_tree_node_value(n);
		if (slot->item)
			return slot->item;
	}
	return NULL;
}

void
schedule_free(struct schedule *s)
{
	struct schedule_item *i;

	if (!s)
		return;
	while ((i = item_any(s)))
		item_free(s, i);
	g_tree_unref(s->slots);
	g_tree_unref(s->links);
	g_tree_unref(s->units);
	heap_finish(&s->by_due);
	heap_finish(&s->by_pause);
	heap_finish(&s->held);
	heap_finish(&s->ready);
	free(s);
}

void
schedule_limits(struct schedule *s, const struct schedule_options *o)
{
	uint64_t seed = s->o.seed;

	s->o = *o;
	s->o.seed = seed;
}

static int
plan_read(const struct schedule_plan *p, struct cron *cron, struct zone **zone, struct err *err)
{
	*zone = NULL;
	if (!p->cron && p->every_ms <= 0)
		return err_set(err, ERR_USAGE, "neither every nor cron says when it is due; say for example 'every 1 hour'");
	if (p->cron && cron_parse(cron, p->cron, err))
		return -1;
	*zone = zone_open(p->zone, err);
	return *zone ? 0 : -1;
}

int
schedule_check(const struct schedule_plan *p, struct err *err)
{
	struct cron cron;
	struct zone *zone;
	int r = plan_read(p, &cron, &zone, err);

	zone_close(zone);
	return r;
}

static struct schedule_item *
item_new(struct schedule *s, const struct schedule_name *n)
{
	struct schedule_item *i = XNEW(struct schedule_item);

	i->slot = slot_get(s, n);
	i->slot->item = i;
	i->link = link_get(s, n);
	i->sibling = i->link->items;
	i->link->items = i;
	i->link->unit->items++;
	i->wake.owner = i->pause.owner = i;
	return i;
}

static bool
same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static char *
copy_text(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void
item_past(struct schedule *s, struct schedule_item *i, const struct schedule_past *past)
{
	i->met_us = past->due_us ? past->due_us : past->started_us;
	i->began_seq = past->started_us;
	i->ended_seq = past->finished_us;
	i->success_seq = past->success_us;
	i->paused = past->paused;
	i->begun = past->begun || past->started_us;
	if (i->running)
		return;
	i->resume = past->interrupted;
	i->since_ms = clock_mono_ms(&s->clock);
	item_past_failures(s, i, past);
}

struct schedule_item *
schedule_put(struct schedule *s, const struct schedule_name *n, const struct schedule_plan *p,
             const struct schedule_past *past, struct err *err)
{
	struct slot *slot;
	struct schedule_item *i;
	struct cron cron = {0};
	struct zone *zone;
	bool fresh, moved;

	if (plan_read(p, &cron, &zone, err))
		return NULL;
	slot = g_tree_lookup(s->slots, n);
	i = slot ? slot->item : NULL;
	fresh = !i || i->gone;
	if (!i)
		i = item_new(s, n);
	i->gone = false;
	moved = fresh || past || !same_text(i->cron_text, p->cron) || i->plan.every_ms != (p->cron ? 0 : p->every_ms) ||
	        !same_text(i->zone_text, p->zone);
	zone_close(i->zone);
	free(i->cron_text);
	free(i->zone_text);
	i->plan = *p;
	i->plan.every_ms = p->cron ? 0 : p->every_ms;
	i->plan.cron = i->plan.zone = NULL;
	i->plan.after = (struct schedule_name){0};
	i->cron_text = copy_text(p->cron);
	i->zone_text = copy_text(p->zone);
	i->cron = cron;
	i->zone = zone;
	after_leave(s, i);
	after_join(s, i, &p->after);
	i->link->max_runs = p->connection_runs ? p->connection_runs : 1;
	i->link->unit->max_runs = p->integration_runs;
	if (past)
		item_past(s, i, past);
	if (moved)
		item_plan_due(s, i, fresh || past);
	item_touch(s, i);
	return i;
}

void
schedule_remove(struct schedule *s, struct schedule_item *i)
{
	if (!i->running) {
		item_free(s, i);
		return;
	}
	i->gone = true;
	i->asked = i->resume = i->retry = i->due = false;
	item_pause_set(s, i, 0);
	item_touch(s, i);
}

struct schedule_item *
schedule_find(const struct schedule *s, const struct schedule_name *n)
{
	const struct slot *slot = g_tree_lookup(s->slots, n);

	return slot && slot->item && !slot->item->gone ? slot->item : NULL;
}

struct schedule_item *
schedule_next(const struct schedule *s, const struct schedule_item *i)
{
	GTreeNode *n = i ? g_tree_node_next(g_tree_lookup_node(s->slots, &i->slot->name)) : g_tree_node_first(s->slots);

	for (; n; n = g_tree_node_next(n)) {
		const struct slot *slot = g_tree_node_value(n);
		if (slot->item && !slot->item->gone)
			return slot->item;
	}
	return NULL;
}

const struct schedule_name *
schedule_item_name(const struct schedule_item *i)
{
	return &i->slot->name;
}
