/* cursor.h - a reader's place in a dataset, as text that it hands back.
 *
 * Holds which dataset, what is read of it, the sequence, the pruned mark that the reader began under (store.h), and when it
 * was given. Bears a stamp keyed by the store's own secret, so nothing but what this store has given is taken: not a digit more,
 * not another dataset's, not another store's. Valid over restarts and in every copy of the store; one from after the moment
 * that a restored backup shows is told by its time (store_feed). */
#ifndef SLUICE_API_CURSOR_H
#define SLUICE_API_CURSOR_H

#include "store/store.h"

#define CURSOR_TEXT_MAX 56

enum cursor_of { CURSOR_RECORDS = 'r', CURSOR_CHANGES = 'c', CURSOR_CONTRACT = 'n' };

struct cursor {
	enum cursor_of of;
	uint32_t dataset;
	uint64_t after, began;
	int64_t at_us;
};

const char *cursor_write(const struct store *s, const struct cursor *c, char text[CURSOR_TEXT_MAX]);
/* 0, or -1: ERR_USAGE. c->of and c->dataset say what it must be of. */
int cursor_read(const struct store *s, const char *text, struct cursor *c, struct err *err);

#endif
