/* dataset.c - numbers, ids, times and order of generated objects.
 *
 * An id shows the object's number through a permutation of 40 bits, so that ids look random and still lead back to the
 * object. Three neighbours share each second of creation, which is the trap of every cursor by time. Awkward: "the k-th
 * live one" must be cheap at any k for offset paging, hence the two index arrays once something was changed. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dataset.h"
#include "shape.h"

#define EPOCH_S 1672531200 /* the first object: 2023-01-01 */
#define STEP_S 4           /* between two seconds in which objects were made */
#define SECOND_US INT64_C(1000000)
#define MASK40 ((UINT64_C(1) << 40) - 1)
#define ID_ODD UINT64_C(0x9E3779B97F)
#define ID_ODD2 UINT64_C(0xC2B2AE3D27)

uint64_t
random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t
random_of(uint64_t a, uint64_t b)
{
	uint64_t state = a ^ b * UINT64_C(0xD6E8FEB86659FD93);

	return random_next(&state);
}

/* ---- the world ---- */

void
world_init(struct world *w, uint64_t seed, uint32_t records, const struct clock *clock)
{
	*w = (struct world){.seed = seed, .records = records, .clock = clock};
}

static uint32_t
kind_size(const struct kind *k, uint32_t records)
{
	uint64_t n = k->div ? (uint64_t)records * k->mul / k->div : 0;

	return n < k->least ? k->least : n > DATASET_MOST ? DATASET_MOST : (uint32_t)n;
}

void
world_add(struct world *w, const struct kind *kind)
{
	w->sets = xrealloc(w->sets, (w->set_count + 1) * sizeof(*w->sets));
	struct dataset *d = &w->sets[w->set_count++];
	*d = (struct dataset){.kind = kind, .world = w, .seed = random_of(w->seed, w->set_count)};
	dataset_resize(d, kind_size(kind, w->records));
}

int
world_ready(struct world *w, struct err *err)
{
	for (size_t i = 0; i < w->set_count; i++) {
		struct dataset *d = &w->sets[i];
		while (d->kind->shapes[d->shape_count])
			d->shape_count++;
		d->shapes = xcalloc(d->shape_count, sizeof(*d->shapes));
		for (size_t k = 0; k < d->shape_count; k++)
			if (!(d->shapes[k] = shape_new(d->kind->shapes[k], d, err)))
				return err_prefix(err, "%s %s", d->kind->api, d->kind->name);
	}
	return 0;
}

void
world_finish(struct world *w)
{
	for (size_t i = 0; i < w->set_count; i++) {
		struct dataset *d = &w->sets[i];
		dataset_resize(d, 0);
		for (size_t k = 0; k < d->shape_count; k++)
			shape_free(d->shapes[k]);
		free(d->shapes);
	}
	free(w->sets);
	free(w->rounds);
	*w = (struct world){0};
}

struct dataset *
world_find(const struct world *w, const char *api, const char *name)
{
	for (size_t i = 0; i < w->set_count; i++)
		if (!strcmp(w->sets[i].kind->api, api) && !strcmp(w->sets[i].kind->name, name))
			return &w->sets[i];
	return NULL;
}

/* ---- order ---- */

void
dataset_resize(struct dataset *d, uint32_t base)
{
	free(d->round);
	free(d->live);
	free(d->by_update);
	free(d->growths);
	d->round = NULL;
	d->live = d->by_update = NULL;
	d->growths = NULL;
	d->growth_count = 0;
	d->base = d->count = d->live_count = base;
}

uint32_t
dataset_at(const struct dataset *d, size_t k)
{
	return d->live ? d->live[k] : (uint32_t)k;
}

uint32_t
dataset_at_update(const struct dataset *d, size_t k)
{
	return d->by_update ? d->by_update[k] : (uint32_t)k;
}

uint16_t
dataset_round(const struct dataset *d, uint32_t i)
{
	return d->round ? d->round[i] : 0;
}

size_t
dataset_rank(const struct dataset *d, uint32_t i)
{
	size_t low = 0, high = d->live_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (dataset_at(d, middle) < i)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
dataset_has(const struct dataset *d, uint32_t i)
{
	size_t k = dataset_rank(d, i);

	return k < d->live_count && dataset_at(d, k) == i;
}

/* ---- times ---- */

int64_t
dataset_created_us(const struct dataset *d, uint32_t i)
{
	for (size_t k = d->growth_count; k > 0; k--)
		if (i >= d->growths[k - 1].first)
			return d->growths[k - 1].time_us + (i - d->growths[k - 1].first);
	return (EPOCH_S + (int64_t)(i / 3) * STEP_S) * SECOND_US + i % 3 * 1000 + 137;
}

int64_t
dataset_updated_us(const struct dataset *d, uint32_t i)
{
	uint16_t round = dataset_round(d, i);
	int64_t created = dataset_created_us(d, i);

	return round && d->world->rounds[round] > created ? d->world->rounds[round] : created;
}

static size_t
dataset_before(const struct dataset *d, int64_t us, uint32_t (*at)(const struct dataset *, size_t),
               int64_t (*time)(const struct dataset *, uint32_t))
{
	size_t low = 0, high = d->live_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (time(d, at(d, middle)) < us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t
dataset_since(const struct dataset *d, int64_t us)
{
	return dataset_before(d, us, dataset_at, dataset_created_us);
}

size_t
dataset_updated_since(const struct dataset *d, int64_t us)
{
	return dataset_before(d, us, dataset_at_update, dataset_updated_us);
}

/* ---- ids ---- */

static uint64_t
odd_inverse(uint64_t a)
{
	uint64_t x = a; /* right in the lowest 3 bits; each round doubles them */

	for (int i = 0; i < 5; i++)
		x *= 2 - a * x;
	return x;
}

static uint64_t
id_scramble(uint64_t x)
{
	x = x * ID_ODD & MASK40;
	x ^= x >> 20;
	x = x * ID_ODD2 & MASK40;
	return x ^ x >> 20;
}

static uint64_t
id_unscramble(uint64_t x)
{
	x ^= x >> 20;
	x = x * odd_inverse(ID_ODD2) & MASK40;
	x ^= x >> 20;
	return x * odd_inverse(ID_ODD) & MASK40;
}

static const char id_digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const char *
dataset_id(const struct dataset *d, uint32_t i, char out[ID_MAX])
{
	const unsigned radix = d->kind->id_upper ? 36 : 62, length = d->kind->id_length;
	size_t at = strlen(d->kind->prefix);
	uint64_t x = id_scramble((i + d->seed) & MASK40), random = d->seed ^ x, filler = 0;

	memcpy(out, d->kind->prefix, at);
	for (unsigned k = 0; k < 8; k++, x /= radix)
		out[at++] = id_digits[x % radix];
	for (unsigned k = 8; k < length; k++, filler /= radix) {
		if (filler == 0)
			filler = random_next(&random);
		out[at++] = id_digits[filler % radix];
	}
	out[at] = 0;
	return out;
}

bool
dataset_find(const struct dataset *d, const char *id, uint32_t *i)
{
	const unsigned radix = d->kind->id_upper ? 36 : 62;
	size_t skip = strlen(d->kind->prefix);
	uint64_t x = 0;
	char whole[ID_MAX];

	if (strlen(id) != skip + d->kind->id_length)
		return false;
	for (int k = 7; k >= 0; k--) {
		const char *digit = memchr(id_digits, id[skip + (size_t)k], radix);
		if (!digit)
			return false;
		x = x * radix + (uint64_t)(digit - id_digits);
	}
	x = (id_unscramble(x & MASK40) - d->seed) & MASK40;
	if (x >= d->count || strcmp(dataset_id(d, (uint32_t)x, whole), id) != 0)
		return false;
	*i = (uint32_t)x;
	return true;
}

void
dataset_render(const struct dataset *d, uint32_t i, struct buf *out)
{
	shape_render(d->shapes[d->shape_count == 1 ? 0 : random_of(d->seed, i) % d->shape_count], d, i, out);
}
