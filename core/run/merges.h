/* merges.h - the merges of the configuration, told to the store. */
#ifndef SLUICE_RUN_MERGES_H
#define SLUICE_RUN_MERGES_H

#include "run/run.h"

#define MERGE_NAME "merge" /* connection and integration of merged datasets */
#define MERGE_SOURCES_MAX 32

/* "connection:integration:Model, ..." in parts; the names are cut out of `text`, which is the caller's copy. Returns how
 * many there are, at most max; 0: err says what is wrong. */
size_t merge_sources(char *text, struct dataset_name *out, size_t max, struct err *err);
/* From now on those of the settings. wait: until all are built; else that goes on beside, on the loop. */
int merges_set(struct host *h, const struct settings *settings, bool wait, struct err *err);

#endif
