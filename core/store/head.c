/* head.c - a record's entry in the feed: what became of it last, when, and under which sequence number.
 *
 * The feed holds each record once, at its latest change. A head is small and in the clear, so a reader walks the feed without
 * opening a row; a MAC over its key and bytes ties it to its place.
 * Awkward: an entry of the dataset that ends the feed can be appended, which LMDB does without a descent; g->feed_end
 * remembers which one that is. */
#include "store/apply.h"

static int
damaged(struct group *g, const struct dataset *d, uint64_t sequence)
{
	return group_refuse(g, ERR_HOST, "store %s is damaged: dataset %u, sequence %llu", g->s->dir, d->number,
	                    (unsigned long long)sequence);
}

int
head_get(struct group *g, struct dataset *d, const struct id_entry *e, struct feed_head *h)
{
	uint8_t key[FEED_KEY_SIZE];
	MDB_val k = val_of(key, sizeof(key)), v;
	uint64_t mac;
	int rc;

	layout_feed_key(key, d->number, e->sequence);
	rc = mdb_cursor_get(g->feed, &k, &v, MDB_SET);
	if (rc && rc != MDB_NOTFOUND)
		return rc;
	if (rc || !layout_head_get(slice_val(v), h) || h->row != e->row)
		return damaged(g, d, e->sequence);
	mac = seal_mac(&g->s->seal, slice_of(key, sizeof(key)), slice_of(v.mv_data, v.mv_size - FEED_MAC_SIZE));
	return memcmp(&mac, (char *)v.mv_data + v.mv_size - FEED_MAC_SIZE, FEED_MAC_SIZE) == 0
	               ? 0
	               : damaged(g, d, e->sequence);
}

static size_t
head_seal(struct group *g, const struct dataset *d, uint64_t sequence, const struct feed_head *h,
          uint8_t key[FEED_KEY_SIZE], uint8_t out[FEED_HEAD_MAX])
{
	size_t len = layout_head_put(out, h);
	uint64_t mac;

	layout_feed_key(key, d->number, sequence);
	mac = seal_mac(&g->s->seal, slice_of(key, FEED_KEY_SIZE), slice_of(out, len));
	memcpy(out + len, &mac, sizeof(mac));
	return len + sizeof(mac);
}

/* In its place: no sequence, no time changes. */
int
head_hollow(struct group *g, struct dataset *d, const struct id_entry *e, bool hollow)
{
	uint8_t key[FEED_KEY_SIZE], out[FEED_HEAD_MAX];
	struct feed_head h;
	MDB_val k = val_of(key, sizeof(key)), v;
	int rc = head_get(g, d, e, &h);

	if (rc)
		return rc;
	h.hollow = hollow;
	v = val_of(out, head_seal(g, d, e->sequence, &h, key, out));
	d->dirty = true;
	return mdb_cursor_put(g->feed, &k, &v, MDB_CURRENT);
}

int
head_put(struct group *g, struct dataset *d, uint64_t sequence, const struct feed_head *h)
{
	uint8_t key[FEED_KEY_SIZE], out[FEED_HEAD_MAX];
	MDB_val k = val_of(key, sizeof(key)), v = val_of(out, head_seal(g, d, sequence, h, key, out));

	d->dirty = true;
	if (d->number < g->feed_end)
		return mdb_cursor_put(g->feed, &k, &v, 0);
	g->feed_end = d->number;
	return mdb_cursor_put(g->feed, &k, &v, MDB_APPEND);
}
