/* mutate.h - a round of changes: a seeded random share of the objects is changed, another dropped, new ones are added.
 */
#ifndef PROVIDER_MUTATE_H
#define PROVIDER_MUTATE_H

#include "base/err.h"
#include "base/json.h"
#include "dataset.h"
#include "request.h"

struct amount {
	double share;   /* of the live objects, 0..1, */
	uint32_t count; /* or so many */
};

struct mutation {
	char api[32], kind[32]; /* "": all */
	struct amount change, drop, add;
	int64_t at_us; /* time of the changes; 0: now */
};

/* Parameters change, drop, add ("1%" or "25"), api, kind, at (RFC 3339). */
int mutation_read(struct mutation *m, const struct request *r, struct err *err);

/* Does it and writes {"round":n,"api":{"kind":{"changed":[ids],"dropped":[ids],"added":[ids]}}}. */
int mutate(struct world *w, const struct mutation *m, struct json_out *o, struct err *err);

#endif
