/* arena.c - blocks that are cut from the front and freed all at once.
 *
 * Guarantee: what was handed out stays where it is and is aligned for anything until arena_free.
 * Awkward: a large piece gets a block of its own behind the newest one, so that the room left there is not lost. */
#include "worker/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define BLOCK ((size_t)16 << 10)

struct arena_block {
	struct arena_block *next;
	size_t used, size; /* bytes of room */
	_Alignas(max_align_t) char room[];
};

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *b = xmalloc(sizeof *b + size);

	b->next = NULL;
	b->used = 0;
	b->size = size;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->blocks;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->size - b->used < n) {
		b = block_new(n > BLOCK / 4 ? n : BLOCK);
		if (a->blocks && b->size == n) {
			b->next = a->blocks->next;
			a->blocks->next = b;
		} else {
			b->next = a->blocks;
			a->blocks = b;
		}
	}
	b->used += n;
	return b->room + b->used - n;
}

char *
arena_dup(struct arena *a, struct slice text)
{
	char *p = arena_alloc(a, text.len + 1);

	if (text.len)
		memcpy(p, text.p, text.len);
	p[text.len] = '\0';
	return p;
}

char *
arena_format(struct arena *a, const char *fmt, va_list ap)
{
	char small[256];
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, fmt, ap);
	if (n < 0) {
		p = arena_dup(a, SLICE(""));
	} else if ((size_t)n < sizeof small) {
		p = arena_dup(a, slice_of(small, (size_t)n));
	} else {
		p = arena_alloc(a, (size_t)n + 1);
		vsnprintf(p, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return p;
}

void
arena_free(struct arena *a)
{
	struct arena_block *b, *next;

	for (b = a->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	a->blocks = NULL;
}
