/* stored.h - reading what was synced before: sluice_get_records, sluice_list_records. */
#ifndef SLUICE_WORKER_STORED_H
#define SLUICE_WORKER_STORED_H

#include <sluice.h>

long run_get_records(struct sluice_run *run, const char *model, const char *const *ids, const char **json);
long run_list_records(struct sluice_run *run, const char *model, int again, const char **json);

#endif
