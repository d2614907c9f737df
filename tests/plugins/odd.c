/* odd.c - loops as authors write them, right and wrong: what the tests of delete safety and of strange records run.
 *
 * Paged: one sync for some ways of paging over the provider's /plain lists, one that leaves its loop early, one that
 * crashes.
 * Handmade: pages of /odd/list?page=N, until one is no success; what differs is what the author then claims. */
#include <sluice.h>
#include <cjson/cJSON.h>
#include <string.h>

/* ---- by the host's pagination ---- */

static const struct sluice_page_request cursor = {
	.endpoint = "/plain/cursor", .items = "items", .limit = 100,
	.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
};
static const struct sluice_page_request offset = {
	.endpoint = "/plain/offset", .items = "items", .limit = 100, .kind = SLUICE_OFFSET,
};
static const struct sluice_page_request number = {
	.endpoint = "/plain/page", .items = "items", .limit = 100, .kind = SLUICE_PAGE,
};
static const struct sluice_page_request once = {.endpoint = "/odd/letters", .items = "items"};

struct paged {
	const struct sluice_page_request *list;
	const char *model;
	int leave_after, crash_at; /* page numbers; 0: never */
};

static int
fetch_paged(struct sluice_run *run)
{
	const struct paged *how = (const struct paged *)sluice_data(run);
	struct sluice_page page;

	while (sluice_paginate(run, how->list, &page) > 0) {
		if (how->crash_at && page.number == how->crash_at)
			__builtin_trap();
		sluice_batch_save(run, how->model, page.body, page.len);
		if (how->leave_after && page.number == how->leave_after)
			break;
	}
	return sluice_status(run);
}

/* ---- by hand ---- */

static const int not_found[] = {404, 0};

struct handmade {
	const char *model;
	const int *accept;
	int done; /* says sluice_full_done when a page is no success */
};

static int
fetch_handmade(struct sluice_run *run)
{
	const struct handmade *how = (const struct handmade *)sluice_data(run);

	for (int n = 1; n < 100; n++) {
		const struct sluice_pair query[] = {{"page", sluice_format(run, "%d", n)}, {0}};
		const struct sluice_request request = {.endpoint = "/odd/list", .query = query, .accept = how->accept};
		struct sluice_response answer = {0};
		if (sluice_proxy(run, &request, &answer))
			break;
		if (answer.status != 200) {
			if (how->done)
				sluice_full_done(run, how->model);
			break;
		}
		sluice_batch_save(run, how->model, answer.body, answer.len);
	}
	return sluice_status(run);
}

/* ---- what is declared ---- */

static const struct sluice_field record[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "number", .type = SLUICE_INTEGER, .flags = SLUICE_OPTIONAL},
	{.name = "name", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL},
	{0}
};
static const struct sluice_field counted[] = {
	{.name = "id", .type = SLUICE_INTEGER, .flags = SLUICE_KEY},
	{0}
};

#define SYNC(name_) .name = #name_, .model = "M_" #name_, .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES
#define PAGED(name_, list_, ...) \
	{SYNC(name_), .fetch = fetch_paged, .data = &(const struct paged){list_, "M_" #name_, __VA_ARGS__}}
#define HANDMADE(name_, accept_, done_) \
	{SYNC(name_), .fetch = fetch_handmade, .data = &(const struct handmade){"M_" #name_, accept_, done_}}

static const struct sluice_sync syncs[] = {
	PAGED(cursor, &cursor, 0, 0),
	PAGED(offset, &offset, 0, 0),
	PAGED(number, &number, 0, 0),
	PAGED(leaves, &cursor, 1, 0),
	PAGED(crashes, &cursor, 0, 3),
	PAGED(letters, &once, 0, 0),
	PAGED(counted, &once, 0, 0),
	HANDMADE(silent, NULL, 0),
	HANDMADE(claims, NULL, 1),
	HANDMADE(proves, not_found, 1),
	{0}
};

#define MODEL(name_, fields_) {.name = "M_" #name_, .fields = fields_}
static const struct sluice_model models[] = {
	MODEL(cursor, record), MODEL(offset, record), MODEL(number, record), MODEL(leaves, record),
	MODEL(crashes, record), MODEL(letters, record), MODEL(counted, counted), MODEL(silent, record),
	MODEL(claims, record), MODEL(proves, record), {0}
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "odd", .version = "1.0.0", .models = models, .syncs = syncs};
