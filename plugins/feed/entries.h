/* entries.h - the entries of a document: which one of those that share an id is the entry, and saving them. */
#ifndef FEED_ENTRIES_H
#define FEED_ENTRIES_H

#include <sluice_json.h>

/* Of entries that share an id the last updated one stays, the first of them where that does not decide (RFC
 * 4287, 4.1.1). */
void entries_unite(cJSON *entries);
/* The same against what is stored: an entry that is older than the stored record of its id becomes that record. For
 * documents behind the first one, which hold what was later replaced (RFC 5005, 4.3). */
void entries_keep(struct sluice_run *run, const char *model, cJSON *entries);
/* Saves them, so many at a time as the sync's page_size says, and takes them out of the array. */
void entries_save(struct sluice_run *run, const char *model, cJSON *entries);

#endif
