/* plan.h - what settings and manifest say of one sync, as the schedule wants it: the one place where that is decided. */
#ifndef SLUICE_SCHEDULE_PLAN_H
#define SLUICE_SCHEDULE_PLAN_H

#include "config/settings.h"
#include "plugin/manifest.h"
#include "schedule/schedule.h"

/* Everything in out is borrowed from s, c and m. `active` is the INI's word alone: what people have switched by a command
 * stands in the store (run/connections.h). */
void plan_fill(const struct settings *s, const struct connection_settings *c, const struct manifest_sync *m,
               struct schedule_plan *out);

#endif
