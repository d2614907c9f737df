/* tree.c - cJSON's many small nodes come out of chunks; a chunk is used again once all that was cut from it is freed.
 *
 * A page's tree is built and deleted as a whole, so its chunks are empty again at the next page: no free list, no headers,
 * no search (malloc per node was half of the cost of a tree). A node that the plugin keeps over pages keeps its chunk alive and
 * nothing more. A chunk is found from a pointer by its alignment; what is large gets a chunk of its own size.
 *
 * Awkward: memory from here must go back by cJSON_free or cJSON_Delete, never by free(). One thread, as all plugins. */
#include "worker/tree.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>

#define CHUNK ((size_t)256 << 10)
#define LARGE (CHUNK / 4)
#define SPARE 8 /* empty chunks kept for the next page */

struct chunk {
	struct chunk *next; /* among the spare ones */
	size_t live;        /* pieces not freed yet */
	size_t used, size;  /* bytes, this header included */
};

/* cJSON's hooks have no argument, so this is process-wide by nature. */
static struct {
	struct chunk *open; /* pieces are cut from this one */
	struct chunk *spare;
	size_t n_spare, n_chunks;
} pool;

static struct chunk *
chunk_new(size_t size)
{
	struct chunk *c = aligned_alloc(CHUNK, size);

	if (!c)
		return NULL;
	*c = (struct chunk){.used = (sizeof *c + 15) & ~(size_t)15, .size = size};
	pool.n_chunks++;
	return c;
}

static void
chunk_free(struct chunk *c)
{
	pool.n_chunks--;
	free(c);
}

static struct chunk *
chunk_open(void)
{
	struct chunk *c = pool.spare;

	if (!c)
		return chunk_new(CHUNK);
	pool.spare = c->next;
	pool.n_spare--;
	return c;
}

static void *
piece(struct chunk *c, size_t n)
{
	void *p = (char *)c + c->used;

	c->used += n;
	c->live++;
	return p;
}

static void *
large(size_t n)
{
	size_t size = (n + sizeof(struct chunk) + 15 + CHUNK - 1) & ~(CHUNK - 1);
	struct chunk *c = size > n ? chunk_new(size) : NULL;

	return c ? piece(c, n) : NULL;
}

void *
tree_alloc(size_t n)
{
	struct chunk *c = pool.open;

	if (n > LARGE)
		return n < SIZE_MAX / 2 ? large(n) : NULL;
	n = (n + 15) & ~(size_t)15;
	if (!c || c->size - c->used < n) {
		if (!(c = chunk_open()))
			return NULL;
		if (pool.open && pool.open->live == 0)
			chunk_free(pool.open);
		pool.open = c;
	}
	return piece(c, n);
}

void
tree_free(void *p)
{
	struct chunk *c = (struct chunk *)((uintptr_t)p & ~(uintptr_t)(CHUNK - 1));

	if (!p || --c->live)
		return;
	c->used = (sizeof *c + 15) & ~(size_t)15;
	if (c == pool.open)
		return;
	if (c->size > CHUNK || pool.n_spare == SPARE) {
		chunk_free(c);
		return;
	}
	c->next = pool.spare;
	pool.spare = c;
	pool.n_spare++;
}

size_t
tree_chunks(void)
{
	return pool.n_chunks - pool.n_spare;
}

void
tree_memory_install(void)
{
	cJSON_Hooks hooks = {tree_alloc, tree_free};

	if (!SLUICE_SANITIZED)
		cJSON_InitHooks(&hooks);
}
