/* headed.h - entries under a number whose head stands in the clear, before what is sealed: so walks choose by heads alone.
 * Private to the store. */
#ifndef SLUICE_STORE_HEADED_H
#define SLUICE_STORE_HEADED_H

#include "store/apply.h"

#define HEAD_MAX 64

struct headed { /* one kind of them */
	enum layout_db db;
	enum seal_kind kind;
	size_t head; /* its size */
};
struct headed_entry { /* as it is read; borrowed */
	uint64_t number;
	struct slice value;
};
/* Puts or replaces it. text: what is sealed; wiped here. */
int headed_put(struct group *g, const struct headed *of, uint64_t number, const uint8_t *head, struct buf *text);
/* false: damaged, or another entry's. text is borrowed from scratch or the map. */
bool headed_get(const struct headed *of, const struct seal *seal, struct headed_entry e, struct buf *scratch, struct slice *text);

#endif
