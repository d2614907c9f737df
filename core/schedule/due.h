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
	size_t at;              /* its place among those that were found */
};
/* Without a service: what keeps it from beginning by itself (inactive, manual, unstarted, paused, attention; else "waiting"), and
 * when `run --due` takes it; 0: not by itself. A sync that never succeeded is due now. */
struct due_siblings;    /* what is known of the syncs of one connection: who looks at many has it worked out once for each */
struct due_siblings *due_siblings_new(struct host *h); /* for one turn of the loop: settings and store are to stay as they are */
void due_siblings_free(struct due_siblings *b);        /* NULL is fine */
int due_look(struct due_siblings *b, const struct chosen *c, enum schedule_state *state, int64_t *due_us, struct err *err);
struct due_list {
	struct due *list;       /* longest overdue first */
	size_t n;
	struct due *refused;    /* those that are due too, but wait for a person: the provider refuses their credentials */
	size_t n_refused;
};
/* Those of the question; limit 0: all. due_list_free also after a failure. */
int due_find(struct host *h, const struct service_ask *a, size_t limit, struct due_list *out, struct err *err);
void due_list_free(struct due_list *l);

#endif
