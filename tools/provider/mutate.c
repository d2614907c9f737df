/* mutate.c - changing the world between two syncs.
 *
 * The choice is drawn from the world's seed, the kind and the round: the same calls on the same start give the same
 * objects. Time never goes back: a round at or before the one before it is a microsecond after that. The answer names
 * every id, so that a test can compare it with what was synced. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "mutate.h"

#define AT_LEAST_US INT64_C(1751328000000000) /* after all objects there at the start, however many */

static int
amount_read(struct amount *a, const struct request *r, const char *name, struct err *err)
{
	char text[32], *end;

	*a = (struct amount){0};
	if (!request_param(r, name, text, sizeof(text)))
		return 0;
	double v = strtod(text, &end);
	if (end == text || !(v >= 0) || v > DATASET_MOST || (*end == '%' && v > 100))
		return err_set(err, ERR_DATA, "%s=%s: say a share or a number, for example 1%% or 25", name, text);
	if (*end == '%')
		a->share = v / 100;
	else
		a->count = (uint32_t)v;
	return 0;
}

int
mutation_read(struct mutation *m, const struct request *r, struct err *err)
{
	char at[64];

	request_param(r, "api", m->api, sizeof(m->api));
	request_param(r, "kind", m->kind, sizeof(m->kind));
	if (request_param(r, "at", at, sizeof(at)) && (!time_parse(slice_str(at), &m->at_us) || m->at_us < AT_LEAST_US))
		return err_set(err, ERR_DATA, "at=%s: say a time after July 2025, for example 2026-02-01T00:00:00Z",
		               at);
	if (amount_read(&m->change, r, "change", err) < 0 || amount_read(&m->drop, r, "drop", err) < 0)
		return -1;
	return amount_read(&m->add, r, "add", err);
}

static uint32_t
amount_of(const struct amount *a, uint32_t live)
{
	return a->share > 0 ? (uint32_t)llround(a->share * live) : a->count;
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
ids_show(struct json_out *o, const char *key, const struct dataset *d, const uint32_t *numbers, uint32_t count)
{
	char id[ID_MAX];

	json_key(o, key);
	json_open(o, '[');
	for (uint32_t i = 0; i < count; i++)
		json_put_str(o, dataset_id(d, numbers[i], id));
	json_close(o, ']');
}

/* The arrays that a dataset has once something in it was changed. */
static void
dataset_expand(struct dataset *d, uint32_t more)
{
	size_t cap = (size_t)d->count + more;
	bool fresh = !d->live;

	d->round = xrealloc(d->round, cap * sizeof(*d->round));
	d->live = xrealloc(d->live, cap * sizeof(*d->live));
	d->by_update = xrealloc(d->by_update, cap * sizeof(*d->by_update));
	if (!fresh)
		return;
	memset(d->round, 0, cap * sizeof(*d->round));
	for (uint32_t i = 0; i < d->count; i++)
		d->live[i] = d->by_update[i] = i;
}

/* The `count` first of `pool` become a random choice of it, in ascending order. */
static void
choose(uint32_t *pool, uint32_t size, uint32_t count, uint64_t *random)
{
	for (uint32_t k = 0; k < count; k++) {
		uint32_t j = k + (uint32_t)(random_next(random) % (size - k)), t = pool[k];
		pool[k] = pool[j];
		pool[j] = t;
	}
	qsort(pool, count, sizeof(*pool), compare_u32);
}

/* Takes the dropped out of `live` (both ascending) and puts the added at its end. */
static void
live_rebuild(struct dataset *d, const uint32_t *dropped, uint32_t drop, uint32_t add)
{
	uint32_t n = 0, k = 0;

	for (uint32_t i = 0; i < d->live_count; i++) {
		while (k < drop && dropped[k] < d->live[i])
			k++;
		if (k == drop || dropped[k] != d->live[i])
			d->live[n++] = d->live[i];
	}
	for (uint32_t i = 0; i < add; i++)
		d->live[n++] = d->count + i;
	d->live_count = n;
}

/* by_update = live by round, stable: a counting sort. */
static void
update_rebuild(struct dataset *d)
{
	uint32_t *starts = xcalloc((size_t)d->world->round + 2, sizeof(*starts));

	for (uint32_t i = 0; i < d->live_count; i++)
		starts[d->round[d->live[i]] + 1]++;
	for (uint32_t i = 0; i < d->world->round; i++)
		starts[i + 1] += starts[i];
	for (uint32_t i = 0; i < d->live_count; i++)
		d->by_update[starts[d->round[d->live[i]]]++] = d->live[i];
	free(starts);
}

static void
dataset_mutate(struct dataset *d, const struct mutation *m, struct json_out *o)
{
	const uint16_t round = d->world->round;
	uint64_t random = random_of(d->seed, round);
	uint32_t drop = amount_of(&m->drop, d->live_count), change = amount_of(&m->change, d->live_count);
	uint32_t add = amount_of(&m->add, d->live_count);

	if (drop > d->live_count)
		drop = d->live_count;
	if (change > d->live_count - drop)
		change = d->live_count - drop;
	if (add > DATASET_MOST - d->count)
		add = DATASET_MOST - d->count;
	dataset_expand(d, add);
	uint32_t *pool = xmemdup(d->live, d->live_count * sizeof(*pool));
	choose(pool, d->live_count, drop, &random);
	choose(pool + drop, d->live_count - drop, change, &random);
	for (uint32_t i = 0; i < change; i++)
		d->round[pool[drop + i]] = round;
	for (uint32_t i = 0; i < add; i++)
		d->round[d->count + i] = round;
	live_rebuild(d, pool, drop, add);
	if (add) {
		d->growths = xrealloc(d->growths, (d->growth_count + 1) * sizeof(*d->growths));
		d->growths[d->growth_count++] = (struct growth){d->count, d->world->rounds[round]};
		if (d->world->rounds[round] + add > d->world->latest_us)
			d->world->latest_us = d->world->rounds[round] + add;
	}
	d->count += add;
	update_rebuild(d);
	json_open(o, '{');
	ids_show(o, "changed", d, pool + drop, change);
	ids_show(o, "dropped", d, pool, drop);
	ids_show(o, "added", d, d->live + d->live_count - add, add);
	json_close(o, '}');
	free(pool);
}

static int
round_begin(struct world *w, int64_t at_us, struct err *err)
{
	if (w->round == UINT16_MAX - 1)
		return err_set(err, ERR_DATA, "there were %u rounds of changes; start the provider anew", w->round);
	int64_t now = at_us ? at_us : clock_wall_us(w->clock);
	w->rounds = xrealloc(w->rounds, ((size_t)w->round + 2) * sizeof(*w->rounds));
	w->rounds[++w->round] = now > w->latest_us ? now : w->latest_us + 1;
	w->latest_us = w->rounds[w->round];
	return 0;
}

static bool
mutation_meets(const struct mutation *m, const struct dataset *d)
{
	return (!m->api[0] || !strcmp(m->api, d->kind->api)) && (!m->kind[0] || !strcmp(m->kind, d->kind->name));
}

int
mutate(struct world *w, const struct mutation *m, struct json_out *o, struct err *err)
{
	const char *api = NULL;
	bool any = false;

	for (size_t i = 0; i < w->set_count; i++)
		any |= mutation_meets(m, &w->sets[i]);
	if (!any)
		return err_set(err, ERR_DATA, "api=%s kind=%s: there is no such kind; GET /_control/data lists all",
		               m->api, m->kind);
	if (round_begin(w, m->at_us, err) < 0)
		return -1;
	json_open(o, '{');
	json_kv_int(o, "round", w->round);
	for (size_t i = 0; i < w->set_count; i++) {
		struct dataset *d = &w->sets[i];
		if (!mutation_meets(m, d))
			continue;
		if (!api || strcmp(api, d->kind->api) != 0) {
			if (api)
				json_close(o, '}');
			api = d->kind->api;
			json_key(o, api);
			json_open(o, '{');
		}
		json_key(o, d->kind->name);
		dataset_mutate(d, m, o);
	}
	json_close(o, '}');
	json_close(o, '}');
	return 0;
}
