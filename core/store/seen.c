/* seen.c - which records a generation has met: one bit each, by the record's index in its dataset.
 *
 * Marks are written in the transaction of the saves that made them, so a generation goes on exactly over restarts. A
 * page of 4000 bytes covers 32 000 neighbours; pages are kept in memory for the length of a group and written once.
 *
 * Awkward: outside a generation nothing is marked, and every record counts as fresh. */
#include <stdlib.h>
#include "base/mem.h"
#include "store/apply.h"
#include "store/read.h"

#define PAGE_BYTES 4000 /* fits one LMDB page with its header */
#define PAGE_BITS (PAGE_BYTES * 8)

static void
page_key(const struct dataset *d, uint32_t page, uint8_t key[8])
{
	put_be32(key, d->number);
	put_be32(key + 4, page);
}

static void
pages_reserve(struct dataset *d, uint32_t n)
{
	uint32_t cap = d->n_pages;

	if (n <= cap)
		return;
	d->page = xrealloc(d->page, n * sizeof(uint8_t *));
	d->page_dirty = xrealloc(d->page_dirty, n * sizeof(bool));
	memset(d->page + cap, 0, (n - cap) * sizeof(uint8_t *));
	memset(d->page_dirty + cap, 0, (n - cap) * sizeof(bool));
	d->n_pages = n;
}

static int
page_load(struct group *g, struct dataset *d, uint32_t n)
{
	uint8_t key[8];
	MDB_val v;
	int rc;

	pages_reserve(d, n + 1);
	if (d->page[n])
		return 0;
	page_key(d, n, key);
	rc = group_get(g, DB_SEEN, slice_of(key, sizeof(key)), &v);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (!rc && v.mv_size != PAGE_BYTES)
		return MDB_CORRUPTED;
	d->page[n] = rc ? xcalloc(1, PAGE_BYTES) : xmemdup(v.mv_data, PAGE_BYTES);
	return 0;
}

int
seen_mark(struct group *g, struct dataset *d, uint32_t index, bool *fresh)
{
	uint32_t n = index / PAGE_BITS, bit = index % PAGE_BITS;
	uint8_t *byte, mask = (uint8_t)(1u << (bit % 8));
	int rc;

	*fresh = true;
	if (!(d->e.flags & DATASET_MARKING))
		return 0;
	rc = page_load(g, d, n);
	if (rc)
		return rc;
	byte = &d->page[n][bit / 8];
	*fresh = !(*byte & mask);
	*byte |= mask;
	d->page_dirty[n] |= *fresh;
	return 0;
}

int
seen_test(struct group *g, struct dataset *d, uint32_t index, bool *seen)
{
	uint32_t n = index / PAGE_BITS, bit = index % PAGE_BITS;
	int rc = page_load(g, d, n);

	*seen = !rc && (d->page[n][bit / 8] >> (bit % 8) & 1);
	return rc;
}

bool
seen_marked(struct snapshot *p, uint32_t dataset, uint32_t index)
{
	uint8_t key[8];
	struct slice page;

	put_be32(key, dataset);
	put_be32(key + 4, index / PAGE_BITS);
	return snapshot_get(p, DB_SEEN, slice_of(key, sizeof(key)), &page) == 0 && page.len == PAGE_BYTES &&
	       ((uint8_t)page.p[index % PAGE_BITS / 8] >> (index % 8) & 1);
}

void
seen_free(struct dataset *d)
{
	for (uint32_t i = 0; i < d->n_pages; i++)
		free(d->page[i]);
	free(d->page);
	free(d->page_dirty);
	d->page = NULL;
	d->page_dirty = NULL;
	d->n_pages = 0;
}

int
seen_forget(struct group *g, struct dataset *d)
{
	uint8_t key[4];

	seen_free(d);
	put_be32(key, d->number);
	return group_del_prefix(g, DB_SEEN, slice_of(key, sizeof(key)), slice_of(key, sizeof(key)));
}

int
seen_flush(struct group *g, struct dataset *d)
{
	uint8_t key[8];
	int rc = 0;

	for (uint32_t i = 0; i < d->n_pages && !rc; i++) {
		if (!d->page_dirty[i])
			continue;
		page_key(d, i, key);
		rc = group_put(g, DB_SEEN, slice_of(key, sizeof(key)), slice_of(d->page[i], PAGE_BYTES));
	}
	return rc;
}

int
apply_seen_begin(struct group *g, struct commit *c, struct reader *r)
{
	struct dataset *d;
	int rc = group_dataset(g, reader_u32(r), &d);

	if (rc)
		return rc;
	commit_counts_of(c, d->number);
	d->e.flags |= DATASET_MARKING;
	d->dirty = true;
	rc = stage_forget(g, d);
	return rc ? rc : seen_forget(g, d);
}
