/* v1_syncs.h - every sync of every connection whose connector is in use, by the settings in force; for lists and the live view. */
#ifndef SLUICE_API_V1_SYNCS_H
#define SLUICE_API_V1_SYNCS_H

#include "api/api.h"
#include "schedule/decided.h"

/* A name that is NULL means all. What is given to each is borrowed until it returns. Describes no plugin: does not block. */
void v1_syncs_each(struct api *a, const char *connection, const char *integration, const char *sync,
                   void (*each)(void *arg, const struct chosen *c), void *arg);

#endif
