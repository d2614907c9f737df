/* describe.h - what the loaded plugin declares, as manifest JSON.
 *
 * Its structs are read by load.h, whatever minor version they have, and every pointer may be NULL. Whether the
 * declarations make sense is judged by manifest_parse, on both sides of the border; only what JSON cannot show
 * (functions that are missing, lists without end) is refused here. */
#ifndef SLUICE_WORKER_DESCRIBE_H
#define SLUICE_WORKER_DESCRIBE_H

#include "worker/load.h"

int describe(const struct plugin *p, struct buf *json, struct err *err);

#endif
