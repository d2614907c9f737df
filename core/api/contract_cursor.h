/* contract_cursor.h - the contract's cursors: where a reader stands in the feed of one dataset, as text for strangers.
 *
 * Valid as long as the store and its backups: a dataset's number, the sequence of the last record that was read, and what was
 * pruned when the reader began (store.h: feed_query.began), with a MAC of the store. What is cut, changed, of another dataset
 * or of another store is no cursor. */
#ifndef SLUICE_API_CONTRACT_CURSOR_H
#define SLUICE_API_CONTRACT_CURSOR_H

#include "store/store.h"

struct contract_cursor {
	uint32_t dataset;
	uint64_t sequence;
	uint64_t began; /* 0 where it would say nothing: the sequence is behind it */
};
#define CONTRACT_CURSOR_MAX 48
const char *contract_cursor_write(const struct store *s, const struct contract_cursor *c, char out[CONTRACT_CURSOR_MAX]);
/* False: none of this store and of c->dataset. */
bool contract_cursor_read(const struct store *s, const char *text, struct contract_cursor *c);

#endif
