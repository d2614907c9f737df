/* plan.h - what settings and manifest say of one sync, as the schedule wants it: the one place where that is decided. */
#ifndef SLUICE_SCHEDULE_PLAN_H
#define SLUICE_SCHEDULE_PLAN_H

#include "config/settings.h"
#include "plugin/manifest.h"
#include "schedule/schedule.h"

struct host;
struct chosen; /* decided.h */

/* Everything in out is borrowed from s, c and m. `active` is the INI's word alone: what people have switched by a command
 * stands in the store (run/connections.h). */
void plan_fill(const struct settings *s, const struct connection_settings *c, const struct manifest_sync *m,
               struct schedule_plan *out);
/* The same for what is configured now, with what people have decided: an interval of its own, the connection switched off. */
void plan_of(struct host *h, const struct chosen *c, struct schedule_plan *out);
/* INI says when: `every`, `seconds` or `cron` of its [sync]. Nobody else's word counts then. */
bool plan_configured(const struct settings *s, const struct connection_settings *c, const char *sync);
/* "30m", "0 2 * * *": when it is due by itself; "" where it never is. */
#define PLAN_TEXT_MAX 256
const char *plan_text(const struct schedule_plan *p, char out[PLAN_TEXT_MAX]);

#endif
