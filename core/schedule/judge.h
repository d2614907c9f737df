/* judge.h - a whole configuration judged against the plugins: what `config --check` says, and what a reload is refused for. */
#ifndef SLUICE_SCHEDULE_JUDGE_H
#define SLUICE_SCHEDULE_JUDGE_H

#include "run/run.h"

typedef void judge_fault(void *arg, const struct err *why); /* each with file, line, thing and remedy */

/* One connection of s, without asking anybody: what it refers to, its plugin, its options, its credentials, its base URL, how many
 * limits. 0 or -1. */
int judge_connection(struct host *h, const struct settings *s, const struct connection_settings *k, struct err *err);
/* Does each [sync] name a sync that its connector has? Returns the number of faults. */
size_t judge_syncs(struct host *h, const struct settings *s, judge_fault *fault, void *arg);
/* When each is due, and what comes after what. An `after` that names a sync of a plugin which cannot be had is not judged:
 * that was said of its connection. Returns the number of faults. */
size_t judge_schedule(struct host *h, const struct settings *s, judge_fault *fault, void *arg);

#endif
