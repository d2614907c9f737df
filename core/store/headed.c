/* headed.c - see headed.h. The seal is bound to number and head: an entry whose head was changed, or that was moved to another
 * number, does not open. So a walk may choose by heads that it has not proven, and finds out when it opens what it chose. */
#include "store/headed.h"

#include <assert.h>

static struct slice
place_key(const struct headed *of, uint64_t number, const void *head, uint8_t out[8 + HEAD_MAX])
{
	assert(of->head <= HEAD_MAX);
	put_be64(out, number);
	memcpy(out + 8, head, of->head);
	return slice_of(out, 8 + of->head);
}

int
headed_put(struct group *g, const struct headed *of, uint64_t number, const uint8_t *head, struct buf *text)
{
	uint8_t place[8 + HEAD_MAX];
	struct slice key = place_key(of, number, head, place);
	MDB_val k = val_of(place, 8), v = {of->head + text->len + SEAL_OVERHEAD, NULL};
	int rc = mdb_put(g->txn, g->db[of->db], &k, &v, MDB_RESERVE);

	if (!rc) {
		memcpy(v.mv_data, head, of->head);
		seal_put(&g->s->seal, &g->nonce, (struct seal_place){of->kind, key}, buf_view(text),
		         (uint8_t *)v.mv_data + of->head);
	}
	buf_wipe(text);
	return rc;
}

bool
headed_get(const struct headed *of, const struct seal *seal, struct headed_entry e, struct buf *scratch, struct slice *text)
{
	uint8_t place[8 + HEAD_MAX];

	if (e.value.len < of->head)
		return false;
	return seal_get(seal, (struct seal_place){of->kind, place_key(of, e.number, e.value.p, place)},
	                slice_of(e.value.p + of->head, e.value.len - of->head), scratch, text);
}
