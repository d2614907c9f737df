/* state.h - metadata and checkpoint as the run sees them, and the calls that change them. */
#ifndef SLUICE_WORKER_STATE_H
#define SLUICE_WORKER_STATE_H

#include <sluice.h>

const char *run_get_metadata(struct sluice_run *run);
int run_put_metadata(struct sluice_run *run, int merge, const char *json);
const char *run_get_checkpoint(struct sluice_run *run);
int run_put_checkpoint(struct sluice_run *run, const char *json);

#endif
