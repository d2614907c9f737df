/* heap.c - the heap behind all waiting: by due time, by the end of a pause, by turn.
 *
 * Guarantee: heap_put and heap_drop are O(log n), heap_first is O(1), so a turn in which nothing is due costs nothing
 * however many connections there are. Awkward: a node must not outlive its place; owners drop it before they go. */
#include "schedule/heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include "base/mem.h"

static bool
before(const struct heap_node *a, const struct heap_node *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void
place(struct heap *h, size_t at, struct heap_node *n)
{
	h->nodes[at - 1] = n;
	n->at = at;
}

static void
rise(struct heap *h, struct heap_node *n)
{
	size_t at = n->at;

	for (; at > 1 && before(n, h->nodes[at / 2 - 1]); at /= 2)
		place(h, at, h->nodes[at / 2 - 1]);
	place(h, at, n);
}

static void
sink(struct heap *h, struct heap_node *n)
{
	size_t at = n->at;

	for (size_t child = at * 2; child <= h->len; child = at * 2) {
		if (child < h->len && before(h->nodes[child], h->nodes[child - 1]))
			child++;
		if (!before(h->nodes[child - 1], n))
			break;
		place(h, at, h->nodes[child - 1]);
		at = child;
	}
	place(h, at, n);
}

void
heap_put(struct heap *h, struct heap_node *n, int64_t rank, int64_t key)
{
	if (n->at && n->rank == rank && n->key == key)
		return;
	if (!n->at) {
		if (h->len == h->cap) {
			h->cap = h->cap ? h->cap * 2 : 64;
			h->nodes = xrealloc(h->nodes, h->cap * sizeof(struct heap_node *));
		}
		n->order = h->puts++;
		place(h, ++h->len, n);
	}
	n->rank = rank;
	n->key = key;
	rise(h, n);
	sink(h, n);
}

void
heap_drop(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;

	if (!n->at)
		return;
	last = h->nodes[--h->len];
	if (last != n) {
		place(h, n->at, last);
		rise(h, last);
		sink(h, last);
	}
	n->at = 0;
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->len ? h->nodes[0] : NULL;
}

void
heap_finish(struct heap *h)
{
	free(h->nodes);
	*h = (struct heap){0};
}
