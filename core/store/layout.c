/* layout.c - entries with fixed fields, to bytes and back.
 *
 * What comes out of the file is checked for its size only: whether it is true is the MAC's business (heads, sealed
 * values) or verify's (counters, index). A damaged file must yield an error, not a read beyond the entry. */
#include "store/layout.h"

static uint8_t *
put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, 4);
	return p + 4;
}

static uint8_t *
put64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, 8);
	return p + 8;
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are little-endian and copied as they are");
_Static_assert(sizeof(size_t) == 8, "the map wants 64 bits of address space");

void
layout_id_put(uint8_t out[ID_ENTRY_SIZE], const struct id_entry *e)
{
	uint8_t *p = put64(out, e->row);

	p = put64(p, e->sequence);
	p = put32(p, e->size);
	p = put32(p, e->index);
	p = put64(p, e->hash.low);
	p = put64(p, e->hash.high);
	*p = e->flags;
}

bool
layout_id_get(struct slice in, struct id_entry *e)
{
	struct reader r = reader_of(in);

	e->row = reader_u64(&r);
	e->sequence = reader_u64(&r);
	e->size = reader_u32(&r);
	e->index = reader_u32(&r);
	e->hash.low = reader_u64(&r);
	e->hash.high = reader_u64(&r);
	e->flags = reader_u8(&r);
	return reader_end(&r);
}

size_t
layout_head_put(uint8_t out[FEED_HEAD_MAX], const struct feed_head *h)
{
	uint8_t *p = out;

	*p++ = (uint8_t)(h->action | (h->gone_seq ? FEED_REBORN : 0) | (h->hollow ? FEED_HOLLOW : 0));
	p = put64(p, h->row);
	p = put64(p, (uint64_t)h->first_us);
	p = put64(p, (uint64_t)h->modified_us);
	p = put64(p, h->first_seq);
	if (h->gone_seq) {
		p = put64(p, h->life_seq);
		p = put64(p, h->gone_seq);
	}
	return (size_t)(p - out);
}

bool
layout_head_get(struct slice in, struct feed_head *h)
{
	struct reader r = reader_of(in);
	uint8_t action = reader_u8(&r);

	h->action = action & (FEED_HOLLOW - 1);
	h->hollow = action & FEED_HOLLOW;
	h->row = reader_u64(&r);
	h->first_us = (int64_t)reader_u64(&r);
	h->modified_us = (int64_t)reader_u64(&r);
	h->first_seq = reader_u64(&r);
	h->life_seq = action & FEED_REBORN ? reader_u64(&r) : h->first_seq;
	h->gone_seq = action & FEED_REBORN ? reader_u64(&r) : 0;
	reader_raw(&r, FEED_MAC_SIZE);
	return reader_end(&r);
}

void
layout_dataset_put(uint8_t out[DATASET_ENTRY_SIZE], const struct dataset_entry *e)
{
	uint8_t *p = put64(out, e->live);

	p = put64(p, e->gone);
	p = put64(p, e->bytes);
	p = put64(p, e->sequence);
	p = put64(p, e->pruned);
	p = put64(p, (uint64_t)e->modified_us);
	p = put64(p, e->dead);
	p = put32(p, e->next_index);
	*p = e->flags;
}

bool
layout_dataset_get(struct slice in, struct dataset_entry *e, struct slice *names)
{
	struct reader r = reader_of(in);

	e->live = reader_u64(&r);
	e->gone = reader_u64(&r);
	e->bytes = reader_u64(&r);
	e->sequence = reader_u64(&r);
	e->pruned = reader_u64(&r);
	e->modified_us = (int64_t)reader_u64(&r);
	e->dead = reader_u64(&r);
	e->next_index = reader_u32(&r);
	e->flags = reader_u8(&r);
	*names = reader_rest(&r);
	return !r.bad;
}

void
layout_scope_put(uint8_t out[SCOPE_ENTRY_SIZE], const struct scope_entry *e)
{
	put64(put64(out, e->epoch), e->dead);
}

bool
layout_scope_get(struct slice in, struct scope_entry *e, struct slice *names)
{
	struct reader r = reader_of(in);

	e->epoch = reader_u64(&r);
	e->dead = reader_u64(&r);
	*names = reader_rest(&r);
	return !r.bad;
}

void
layout_hollow_put(uint8_t out[LAYOUT_HOLLOW_SIZE], int64_t pruned_us)
{
	*out = 0;
	put64(out + 1, (uint64_t)pruned_us);
}

int64_t
layout_hollow(struct slice *json)
{
	int64_t us;

	if (json->len != LAYOUT_HOLLOW_SIZE || *json->p)
		return 0;
	memcpy(&us, json->p + 1, sizeof(us));
	*json = SLICE("{}");
	return us;
}

void
layout_feed_key(uint8_t out[FEED_KEY_SIZE], uint32_t dataset, uint64_t sequence)
{
	put_be32(out, dataset);
	put_be64(out + 4, sequence);
}

bool
layout_names_get(struct slice names, const char *out[4])
{
	const char *p = names.p, *end = names.p + names.len;

	for (int i = 0; i < 4; i++) {
		const char *nul = p < end ? memchr(p, 0, (size_t)(end - p)) : NULL;
		if (!nul)
			return false;
		out[i] = p;
		p = nul + 1;
	}
	return p == end;
}
