/* blank.h - a set of secrets, and the blanking of all their spellings in a text. Not locked: log.c does that.
 *
 * Known spellings: as it is, base64 (both alphabets, also inside a longer encoded text, as in basic authentication),
 * hex, URL-encoded, and escaped as in JSON. */
#ifndef SLUICE_BASE_BLANK_H
#define SLUICE_BASE_BLANK_H

#include <stdbool.h>
#include <stddef.h>
#include "base/buf.h"

#define BLANK_LEAST 4 /* bytes; a shorter value would blank half of every line */

struct blank_entry;

struct blank_set {
	struct blank_entry **bucket; /* 1 << bits of them; NULL while empty */
	unsigned bits;
	size_t entries;              /* patterns and their first four bytes */
};

void blank_add(struct blank_set *set, struct slice secret);       /* copied, with its spellings */
bool blank_text(const struct blank_set *set, struct buf *text);   /* each occurrence becomes ***; true: there was one */
void blank_forget(struct blank_set *set);                         /* wipes and frees all */

#endif
