/* upkeep.h - what a service does besides runs: what is old goes (core/run/retention.h), by itself.
 *
 * A round a minute after the start, then one each hour; a turn at a time, each after a pause, so that runs and questions come
 * between. Settings are those in force when a round begins. */
#ifndef SLUICE_SCHEDULE_UPKEEP_H
#define SLUICE_SCHEDULE_UPKEEP_H

#include "run/run.h"

struct upkeep;
struct upkeep *upkeep_new(struct host *h, struct err *err); /* of a host with a store; from now on */
void upkeep_free(struct upkeep *u);                         /* runs the loop until its timer is closed; NULL is fine */

#endif
