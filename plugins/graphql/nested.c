/* nested.c - lists within records: what of them did not fit into the page is fetched, and the record saved whole.
 *
 * A record's nested connection (pageInfo beside edges or nodes) that says hasNextPage is gone through to its end by a
 * query of its own, which gets the record's id as $id and the cursor as $after. Only then is the record saved.
 *
 * Awkward: these requests are no pagination of the host's: a record that is half complete is no place to go on from, so
 * all of its pages belong to one step. */
#include "graphql.h"
#include <stdlib.h>

#define PAGES_MAX 10000 /* of one record's list */

/* What stands at a dotted path of a tree; NULL: nothing. */
static cJSON *
tree_get(cJSON *tree, const char *path)
{
	char name[256];

	while (tree && path && *path) {
		path = skim_component(path, name, sizeof(name));
		tree = sluice_json_get(tree, name);
	}
	return tree;
}

static cJSON *
list_of(const cJSON *connection)
{
	cJSON *edges = sluice_json_get(connection, "edges");

	return edges ? edges : sluice_json_get(connection, "nodes");
}

static int
goes_on(const cJSON *connection)
{
	return sluice_json_bool(sluice_json_get(connection, "pageInfo"), "hasNextPage", 0);
}

/* One page more of a record's list; NULL: the run has failed. Yours. */
static cJSON *
page_fetch(struct sluice_run *run, const struct query *q, const char *id, const char *cursor)
{
	const struct sluice_pair variables[] = {{"id", id}, {"after", cursor}, {NULL, NULL}};
	const struct sluice_request request = {
	        .method = "POST",
	        .endpoint = q->path,
	        .headers = q->headers,
	        .body = query_body(run, q->nested_query, NULL, variables),
	        .flags = SLUICE_SAFE,
	};
	struct sluice_response answer;

	if (sluice_fetch(run, &request, &answer) || errors_judge(run, q->name, 1, &answer))
		return NULL;
	return sluice_json_answer(run, &answer);
}

/* Adds what the answer holds to the list. 0, or the run's failure. */
static int
page_add(struct sluice_run *run, const struct query *q, cJSON *connection, cJSON *answer, const char *cursor)
{
	cJSON *next = tree_get(sluice_json_get(answer, "data"), q->nested_data), *from = list_of(next),
	      *to = list_of(connection), *item;
	const char *after;

	if (!cJSON_IsArray(from) || !cJSON_IsArray(to) || !sluice_json_get(next, "pageInfo"))
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: nested_data = %s: no connection there (pageInfo beside edges or nodes) "
		                   "in the answer to nested_query",
		                   q->name, q->nested_data);
	while ((item = cJSON_DetachItemFromArray(from, 0)))
		cJSON_AddItemToArray(to, item);
	after = sluice_json_print(run, sluice_json_get(sluice_json_get(next, "pageInfo"), "endCursor"));
	if (goes_on(next) && (!strcmp(after, cursor) || !strcmp(after, "null")))
		return sluice_fail(run, SLUICE_ELOOP,
		                   "dataset %s: nested = %s: the cursor of a record's list does not move, and there is "
		                   "more, says the answer",
		                   q->name, q->nested);
	cJSON_ReplaceItemInObjectCaseSensitive(connection, "pageInfo",
	                                       cJSON_DetachItemFromObjectCaseSensitive(next, "pageInfo"));
	return 0;
}

static void
record_complete(struct sluice_run *run, const struct query *q, cJSON *record)
{
	cJSON *connection = tree_get(record, q->nested), *answer;
	const char *id = sluice_json_print(run, tree_get(record, q->id)), *cursor;

	for (int n = 0; goes_on(connection) && !sluice_status(run); n++) {
		cursor = sluice_json_print(run, sluice_json_get(sluice_json_get(connection, "pageInfo"), "endCursor"));
		if (n == PAGES_MAX)
			sluice_fail(run, SLUICE_ELIMIT, "dataset %s: nested = %s: more than %d pages of one record",
			            q->name, q->nested, PAGES_MAX);
		answer = page_fetch(run, q, id, cursor);
		if (answer)
			page_add(run, q, connection, answer, cursor);
		cJSON_Delete(answer);
	}
}

void
nested_save(struct sluice_run *run, const struct query *q, const struct sluice_page *page, int unwrap)
{
	cJSON *items = sluice_json_page(run, page), *records = cJSON_CreateArray(), *item;

	while (!sluice_status(run) && (item = cJSON_DetachItemFromArray(items, 0))) {
		cJSON *record = unwrap ? cJSON_DetachItemFromObjectCaseSensitive(item, "node") : item;
		if (unwrap)
			cJSON_Delete(item);
		record_complete(run, q, record);
		if (record && strchr(q->id, '.')) {
			cJSON *id = cJSON_Duplicate(tree_get(record, q->id), 1);
			cJSON_DeleteItemFromObjectCaseSensitive(record, "id");
			if (id)
				cJSON_AddItemToObject(record, "id", id);
		}
		cJSON_AddItemToArray(records, record);
	}
	if (!sluice_status(run))
		sluice_json_save(run, q->name, records);
	cJSON_Delete(records);
	cJSON_Delete(items);
}
