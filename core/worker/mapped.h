/* mapped.h - sluice_save_mapped: records picked and renamed out of a page's bytes. */
#ifndef SLUICE_WORKER_MAPPED_H
#define SLUICE_WORKER_MAPPED_H

#include <sluice.h>

long run_save_mapped(struct sluice_run *run, const char *model, const struct sluice_page *page, const struct sluice_map *map);

#endif
