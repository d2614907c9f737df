/* past.h - what the store knows of a sync from before: the past that a schedule begins with. */
#ifndef SLUICE_SCHEDULE_PAST_H
#define SLUICE_SCHEDULE_PAST_H

#include "schedule/decided.h"

/* Without a store: nothing ever was. A refusal of credentials that are others by now, or that somebody has forgiven, is none. */
void past_fill(struct host *h, const struct chosen *c, const struct decided *d, struct schedule_past *p);
/* Does what was refused last still stand: the same credentials, and nobody has forgiven it? */
bool past_refused(struct host *h, const struct chosen *c, const struct decided *d);

#endif
