/* heap.h - what comes first: a binary heap of nodes that live inside what they order.
 *
 * A node is in at most one heap, knows its place, and can be taken out or moved in O(log n). Of equal keys the one that
 * was put first comes first, so nobody is overtaken for ever. */
#ifndef SLUICE_SCHEDULE_HEAP_H
#define SLUICE_SCHEDULE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t rank, key;  /* the smaller first */
	uint64_t order;     /* of heap_put; the older first */
	size_t at;          /* place in the heap, from 1; 0: in none */
	void *owner;
};

struct heap {
	struct heap_node **nodes;
	size_t len, cap;
	uint64_t puts;
};

void heap_finish(struct heap *h);
void heap_put(struct heap *h, struct heap_node *n, int64_t rank, int64_t key); /* or moves it there */
void heap_drop(struct heap *h, struct heap_node *n); /* fine when it is in none */
struct heap_node *heap_first(const struct heap *h);  /* NULL: empty */

#endif
