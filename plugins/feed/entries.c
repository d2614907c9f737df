/* entries.c - see entries.h.
 *
 * Awkward: a record that is left alone would not count as met, and a full sync would then take it for deleted. So the
 * stored record is saved again in the older entry's place, which changes nothing. */
#include "entries.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "date.h"

#define BATCH_ENTRIES 1000 /* printed at once; a document may hold many more */

struct place {
	cJSON *entry;
	const char *id, *when;
	int position;
};

static const char *
when_of(const cJSON *entry)
{
	const char *when = sluice_json_text(entry, "updated");

	when = when ? when : sluice_json_text(entry, "published");
	return when ? when : "";
}

/* By id; of one id the newest first, then the one that stands first. */
static int
place_compare(const void *a_, const void *b_)
{
	const struct place *a = a_, *b = b_;
	const int order = strcmp(a->id, b->id);

	if (order)
		return order;
	if (date_after(a->when, b->when))
		return -1;
	return date_after(b->when, a->when) ? 1 : a->position - b->position;
}

static struct place *
places_of(cJSON *entries, int *n)
{
	struct place *places = calloc((size_t)cJSON_GetArraySize(entries) + 1, sizeof(*places));
	cJSON *entry;

	if (!places)
		abort();
	*n = 0;
	cJSON_ArrayForEach(entry, entries) {
		const char *id = sluice_json_text(entry, "id");

		if (id) { /* those without go to the dead letters */
			places[*n] = (struct place){entry, id, when_of(entry), *n};
			++*n;
		}
	}
	return places;
}

void
entries_unite(cJSON *entries)
{
	int n;
	struct place *places = places_of(entries, &n);

	qsort(places, (size_t)n, sizeof(*places), place_compare);
	for (int i = 1, first = 0; i < n; i++) {
		if (strcmp(places[first].id, places[i].id) == 0)
			cJSON_Delete(cJSON_DetachItemViaPointer(entries, places[i].entry));
		else
			first = i;
	}
	free(places);
}

static const struct place *
place_find(const struct place *places, int n, const char *id)
{
	int low = 0, high = n;

	while (low < high) {
		int middle = (low + high) / 2, order = strcmp(places[middle].id, id);

		if (order == 0)
			return &places[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void
entries_keep(struct sluice_run *run, const char *model, cJSON *entries)
{
	int n;
	struct place *places = places_of(entries, &n);
	const char **ids = calloc((size_t)n + 1, sizeof(*ids));
	const char *json;
	cJSON *stored = NULL, *record, *next;

	if (!ids)
		abort();
	qsort(places, (size_t)n, sizeof(*places), place_compare);
	for (int i = 0; i < n; i++)
		ids[i] = places[i].id;
	if (sluice_get_records(run, model, ids, &json) > 0)
		stored = sluice_json_parse(json, strlen(json));
	for (record = stored ? stored->child : NULL; record; record = next) {
		const char *id = sluice_json_text(record, "id");
		const struct place *place = id ? place_find(places, n, id) : NULL;

		next = record->next;
		if (place && date_after(when_of(record), place->when))
			cJSON_ReplaceItemViaPointer(entries, place->entry, cJSON_DetachItemViaPointer(stored, record));
	}
	cJSON_Delete(stored);
	free(ids);
	free(places);
}

void
entries_save(struct sluice_run *run, const char *model, cJSON *entries)
{
	const char *size = sluice_get_option(run, "page_size");
	const int most = size ? atoi(size) : BATCH_ENTRIES;
	cJSON *batch = cJSON_CreateArray(), *entry;
	int n = 0;

	do {
		if ((entry = cJSON_DetachItemFromArray(entries, 0)))
			cJSON_AddItemToArray(batch, entry);
		n += entry != NULL;
		if (n == most || (!entry && n)) {
			sluice_json_save(run, model, batch);
			cJSON_Delete(batch);
			batch = cJSON_CreateArray();
			n = 0;
		}
	} while (entry);
	cJSON_Delete(batch);
}
