/* dataset.h - the generated objects of one kind: any number of them, none of them stored.
 *
 * Object i of a kind has the same content wherever and whenever it is asked for: it is drawn from (seed, kind, i,
 * round), where the round is that of its last change. A dataset that was never changed needs no memory; changed, ten
 * bytes an object. Objects are numbered in order of creation; "live" ones are those not dropped. */
#ifndef PROVIDER_DATASET_H
#define PROVIDER_DATASET_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"

#define ID_MAX 64
#define DATASET_MOST 50000000u

struct shape;
struct world;

/* What is fixed about a kind of objects. */
struct kind {
	const char *api, *name;   /* "stripe", "customers" */
	const char *prefix;       /* of its ids: "cus_" */
	unsigned id_length;       /* characters after the prefix, at least 8 */
	bool id_upper;            /* of A-Z and 0-9 only */
	uint32_t mul, div, least; /* so many objects: records * mul / div, but at least `least`; div 0: exactly least */
	const char *const *shapes; /* of its objects, ended by NULL; which one an object has, its number says */
};

struct growth {
	uint32_t first;  /* number of the first object added */
	int64_t time_us; /* when it was created; the following ones a microsecond later each */
};

struct dataset {
	const struct kind *kind;
	struct world *world;
	uint64_t seed;  /* of this kind */
	uint32_t base;  /* objects there at the start */
	uint32_t count; /* objects ever, dropped ones too */
	uint32_t live_count;
	uint16_t *round;     /* per object; NULL: all 0 */
	uint32_t *live;      /* numbers of the live ones, ascending; NULL: all */
	uint32_t *by_update; /* the same, by (round, number) */
	struct growth *growths;
	size_t growth_count;
	struct shape **shapes;
	size_t shape_count;
};

struct world {
	uint64_t seed;
	uint32_t records; /* --records */
	const struct clock *clock;
	struct dataset *sets;
	size_t set_count;
	int64_t *rounds;   /* time of each round of changes, µs; rounds[0] is unused */
	int64_t latest_us; /* no object is younger */
	uint16_t round;    /* the latest; 0: nothing was changed yet */
};

void world_init(struct world *w, uint64_t seed, uint32_t records, const struct clock *clock);
void world_add(struct world *w, const struct kind *kind);
int world_ready(struct world *w, struct err *err); /* compiles the shapes, once all kinds are there */
void world_finish(struct world *w);
struct dataset *world_find(const struct world *w, const char *api, const char *name); /* NULL: none */

void dataset_resize(struct dataset *d, uint32_t base);         /* forgets all changes */
uint32_t dataset_at(const struct dataset *d, size_t k);        /* number of the k-th live object, oldest first */
uint32_t dataset_at_update(const struct dataset *d, size_t k); /* the same, least recently updated first */
size_t dataset_rank(const struct dataset *d, uint32_t i);      /* how many live objects are older than i */
bool dataset_has(const struct dataset *d, uint32_t i);         /* exists and is live */
int64_t dataset_created_us(const struct dataset *d, uint32_t i);
int64_t dataset_updated_us(const struct dataset *d, uint32_t i);
uint16_t dataset_round(const struct dataset *d, uint32_t i);
size_t dataset_since(const struct dataset *d, int64_t us);         /* live objects created before us */
size_t dataset_updated_since(const struct dataset *d, int64_t us); /* live objects updated before us */

const char *dataset_id(const struct dataset *d, uint32_t i, char out[ID_MAX]);
bool dataset_find(const struct dataset *d, const char *id, uint32_t *i); /* also of a dropped one */
void dataset_render(const struct dataset *d, uint32_t i, struct buf *out);

/* splitmix64: the next number of a stream, and one number of a number. */
uint64_t random_next(uint64_t *state);
uint64_t random_of(uint64_t a, uint64_t b);

#endif
