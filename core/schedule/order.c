/* order.c - what comes after what: that it is there, and that nothing waits for itself.
 *
 * Each has at most one before it, so a circle is found by walking: an item whose walk comes back to it is part of one. A
 * walk that enters a circle elsewhere is stopped by its length; the circle's own members tell of it. */
#include "schedule/inner.h"

#include <glib.h>
#include <stdio.h>

static int
circle(const struct schedule_item *i, struct err *err)
{
	const struct schedule_name *n = &i->slot->name;
	char text[700];
	size_t len = (size_t)snprintf(text, sizeof text, "%s:%s:%s", n->connection, n->integration, n->sync);

	for (const struct slot *at = i->after; len < sizeof text; at = at->item->after) {
		len += (size_t)snprintf(text + len, sizeof text - len, " after %s:%s:%s", at->name.connection,
		                        at->name.integration, at->name.sync);
		if (at == i->slot)
			break;
	}
	return err_set(err, ERR_USAGE, "after: a circle, in which nothing would ever begin: %s; take one 'after' out", text);
}

static int
item_order_check(const struct schedule_item *i, size_t most, struct err *err)
{
	const struct schedule_name *n = &i->slot->name;
	const struct slot *at = i->after;

	if (at && (!at->item || at->item->gone))
		return err_set(err, ERR_USAGE, "%s:%s:%s: after: there is no sync %s:%s:%s; name one that is configured",
		               n->connection, n->integration, n->sync, at->name.connection, at->name.integration,
		               at->name.sync);
	for (; at && at->item && most; at = at->item->after, most--)
		if (at == i->slot)
			return circle(i, err);
	return 0;
}

int
schedule_order_check(const struct schedule *s, struct err *err)
{
	size_t most = (size_t)g_tree_nnodes(s->slots);

	for (const struct schedule_item *i = schedule_next(s, NULL); i; i = schedule_next(s, i))
		if (item_order_check(i, most, err))
			return -1;
	return 0;
}
