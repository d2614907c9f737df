/* endpoints.h - the endpoints of the configuration ([webhook NAME]), told to the store. */
#ifndef SLUICE_RUN_ENDPOINTS_H
#define SLUICE_RUN_ENDPOINTS_H

#include "run/run.h"

/* From now on the store puts events for those of the settings, whoever changes a record. Durable when it returns. */
int endpoints_set(struct host *h, const struct settings *settings, struct err *err);

#endif
