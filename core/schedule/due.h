/* due.h - which syncs are due, by what is stored: for `run --due`, and for whoever offers the same over HTTP.
 *
 * Due is one that may begin by itself (auto, active, not paused, started where it waits for that,
 * its credentials not refused), that is not under way,
 * and whose interval has passed since its last success, or that never had one. With cron: whose time has come since then. */
#ifndef SLUICE_SCHEDULE_DUE_H
#define SLUICE_SCHEDULE_DUE_H

#include "schedule/decided.h"

struct due {
	struct chosen chosen;   /* borrowed, as the settings and manifests are */
	int64_t due_us;         /* since when; 0: it never succeeded */
};
/* Without a service: what keeps it from beginning by itself (inactive, manual, unstarted, paused, attention; else "waiting"), and
 * when `run --due` takes it; 0: not by itself. A sync that never succeeded is due now. */
int due_look(struct host *h, const struct chosen *c, enum schedule_state *state, int64_t *due_us, struct err *err);
/* Those of the question, longest overdue first; limit 0: all. list is yours. */
int due_list(struct host *h, const struct service_ask *a, size_t limit, struct due **list, size_t *n, struct err *err);

#endif
