/* graphql.c - any GraphQL endpoint: each [dataset] section is a query, and a model and a sync.
 *
 * The query's variables say how pages are asked for (query.c), its first answer where they are; a run's log says what
 * was seen. Without lists within lists, records are stored as they came, unwrapped from their edges.
 *
 * Guarantee: errors with status 200 are errors; data that came with errors is kept, and the run says that it is
 * partial; a list within a record that goes on is fetched (`nested`) or the run says that it was not. Awkward: what was
 * seen has to be the same in all steps of a run, and a step may be another process: it stands in the checkpoint, with
 * the time of the run that it holds for, beside the latest time seen (since). */
#include "graphql.h"
#include <stdlib.h>

/* ---- the checkpoint: {"since":..., "seen":..., "run":..., "partial":true, "data":"companies.edges"} ---- */

static struct skim
checkpoint(struct sluice_run *run)
{
	const char *text = sluice_get_checkpoint(run);

	return text ? skim_of(text, strlen(text)) : (struct skim){NULL, 0};
}

static void
checkpoint_write(struct sluice_run *run, const char *data, struct skim since, struct skim seen, int partial)
{
	cJSON *tree = cJSON_CreateObject();

	cJSON_AddNumberToObject(tree, "run", (double)sluice_now(run));
	if (data)
		cJSON_AddStringToObject(tree, "data", data);
	if (partial)
		cJSON_AddTrueToObject(tree, "partial");
	if (since.p)
		cJSON_AddRawToObject(tree, "since", sluice_format(run, "%.*s", (int)since.len, since.p));
	if (seen.p)
		cJSON_AddRawToObject(tree, "seen", sluice_format(run, "%.*s", (int)seen.len, seen.p));
	sluice_save_checkpoint(run, sluice_json_print(run, tree));
	cJSON_Delete(tree);
}

static int
this_run(struct sluice_run *run, struct skim kept)
{
	const char *of = skim_text(run, skim_get(kept, "run"));

	return of && strtod(of, NULL) == (double)sluice_now(run);
}

/* Was the list's place seen in this run already? */
static const char *
data_seen(struct sluice_run *run)
{
	const struct skim kept = checkpoint(run);

	return this_run(run, kept) ? skim_text(run, skim_get(kept, "data")) : NULL;
}

/* ---- asking ---- */

static struct skim
sections(struct sluice_run *run)
{
	const char *connection = sluice_get_connection(run);

	return skim_get(skim_of(connection, strlen(connection)), "datasets");
}

static struct skim
section(struct sluice_run *run)
{
	const char *connection = sluice_get_connection(run);

	return skim_get(skim_of(connection, strlen(connection)), "options");
}

static const char *
variable(const char *path)
{
	return path ? path + strlen("variables.") : "";
}

/* What goes into a request besides the section's own variables: the time; and for the first answer, which is asked for
 * without the host's paging, size and beginning. */
static const char *
body_make(struct sluice_run *run, const struct query *q, const char *since, int first)
{
	const int counts = q->kind == SLUICE_OFFSET || q->kind == SLUICE_PAGE;
	const struct sluice_pair variables[] = {
	        {q->since ? q->since : "", since},
	        {variable(q->size_variable), first && q->size_variable ? sluice_format(run, "%d", q->page_size) : NULL},
	        {variable(q->cursor_variable), first && counts ? (q->kind == SLUICE_PAGE ? "1" : "0") : NULL},
	        {NULL, NULL}};

	return query_body(run, q->text, q->variables, variables);
}

static int
first_fetch(struct sluice_run *run, const struct query *q, const char *since, struct sluice_response *answer)
{
	const struct sluice_request request = {
	        .method = "POST",
	        .endpoint = q->path,
	        .headers = q->headers,
	        .body = body_make(run, q, since, 1),
	        .flags = SLUICE_SAFE,
	};

	for (int tries = 0; tries < 3; tries++) { /* JSON that ends too early is asked for again */
		if (sluice_fetch(run, &request, answer) || errors_judge(run, q->name, q->strict, answer))
			return sluice_status(run);
		if (skim_of(answer->body, answer->len).p)
			return 0;
	}
	return sluice_fail(run, SLUICE_EDATA, "dataset %s: the answer's JSON ends too early, three times", q->name);
}

/* Where the list is: as the section says, as an earlier step saw, or as an answer shows. */
static int
data_find(struct sluice_run *run, struct query *q, const char *since)
{
	const struct skim kept = checkpoint(run);
	const char *seen = data_seen(run);
	struct sluice_response answer;

	if (q->data && (q->kind != SLUICE_CURSOR || q->cursor || query_ends_in_list(q->data)))
		return query_place(run, q);
	if (!seen) {
		if (first_fetch(run, q, since, &answer) || query_see(run, q, skim_of(answer.body, answer.len)))
			return sluice_status(run);
		seen = q->data;
		sluice_log(run, SLUICE_INFO,
		           "dataset %s: seen in its first answer: data = %s, paged by %s; with this line in its "
		           "section no run has to look",
		           q->name, seen, q->cursor_variable ? variable(q->cursor_variable) : "nothing");
		checkpoint_write(run, seen, skim_get(kept, "since"), skim_get(kept, "seen"), 0);
	}
	q->data = seen;
	return query_place(run, q);
}

static int
judge(struct sluice_run *run, const struct sluice_response *answer)
{
	const char *partial = skim_text(run, skim_get(section(run), "partial"));

	return answer->status > 299
	               ? 0
	               : errors_judge(run, sluice_dataset(run), partial && !strcmp(partial, "fail"), answer);
}

/* ---- records ---- */

static int
unwraps(const struct query *q)
{
	const size_t n = strlen(q->data);

	return n >= 5 && !strcmp(q->data + n - 5, "edges") && (n == 5 || q->data[n - 6] == '.');
}

/* Null nodes are what the provider would not show: they are no records. */
static int
items_judge(struct sluice_run *run, const struct query *q, struct skim list)
{
	struct skim_walk w = skim_walk(list);
	struct skim first = {NULL, 0};

	while (skim_next(&w)) {
		struct skim node = unwraps(q) ? skim_get(w.value, "node") : w.value;
		if (skim_kind(node) != '{')
			continue;
		first = first.p ? first : node;
		if (skim_get(node, q->id).p)
			return 0;
	}
	if (!first.p)
		return 0;
	return sluice_fail(run, SLUICE_EDATA,
	                   "dataset %s: the records have no '%s', which should be their id; they have: %s; ask for it "
	                   "in the query, or say "
	                   "which member is unique: id = NAME",
	                   q->name, q->id, skim_members(run, first, 0));
}

/* Can it be known from the answer whether the list goes on? What a query has no way to ask for must not be taken for
 * gone. */
static int
end_judge(struct sluice_run *run, const struct query *q, struct skim answer)
{
	const char *dot = strrchr(q->data, '.');
	const char *around = sluice_format(run, "data%s%.*s", dot ? "." : "", dot ? (int)(dot - q->data) : 0, q->data);
	const struct skim list = skim_get(answer, around), info = skim_member(list, "pageInfo");

	if (!q->kind && skim_is(skim_member(info, "hasNextPage"), "true"))
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: the list at data = %s goes on (hasNextPage), and the query declares no "
		                   "variable for its next page: declare $after, as in query($first: Int, $after: String) { "
		                   "... (first: $first, after: $after) ... }; where one page is all that is wanted, leave "
		                   "pageInfo out",
		                   q->name, q->data);
	if (q->kind == SLUICE_CURSOR && query_ends_in_list(q->data) && q->has_next &&
	    strstr(q->has_next, "pageInfo.hasNextPage") && skim_kind(list) == '{' && !info.p)
		return sluice_fail(run, SLUICE_EDATA,
		                   "dataset %s: the query declares $%s, but does not ask for pageInfo { hasNextPage endCursor } "
		                   "beside the list at data = %s, so nobody can tell whether it goes on; the answer has there: %s",
		                   q->name, variable(q->cursor_variable), q->data, skim_members(run, list, 0));
	return 0;
}

/* Does a list within a record say that there is more of it? The page's own pageInfo is beside its list, not in it. */
static int
page_goes_on(const struct sluice_page *page)
{
	static const char more[] = "\"hasNextPage\":";
	const char *p = page->body, *end = page->body + page->len;

	while ((p = strstr(p, more)) != NULL && p < end) {
		p = skim_blank(p + sizeof(more) - 1, end);
		if (*p == 't')
			return 1;
	}
	return 0;
}

/* Returns 1 when the page was not all that it should be. */
static int
page_save(struct sluice_run *run, const struct query *q, const struct sluice_page *page, int *told)
{
	const struct sluice_map map[] = {
	        {.to = "", .from = unwraps(q) ? "node" : ""},
	        {.to = strchr(q->id, '.') ? "id" : NULL,
	         .from = unwraps(q) ? sluice_format(run, "node.%s", q->id) : q->id},
	        {.to = NULL},
	};

	if (end_judge(run, q, skim_of(page->answer, page->answer_len)) ||
	    items_judge(run, q, (struct skim){page->body, page->len}))
		return 1;
	if (q->nested)
		nested_save(run, q, page, unwraps(q));
	else if (unwraps(q) || strchr(q->id, '.'))
		sluice_save_mapped(run, q->name, page, map);
	else
		sluice_batch_save(run, q->name, page->body, page->len);
	if (!q->nested && !*told && page_goes_on(page)) {
		*told = 1;
		sluice_partial(
		        run,
		        "dataset %s: lists within its records go on (hasNextPage), and only their first pages are "
		        "stored: say nested, nested_query and nested_data",
		        q->name);
	}
	return errors_tell(run, q->name, page->answer, page->answer_len);
}

/* As whole numbers, else as texts. */
static int
later(struct skim a, struct skim b)
{
	const int greater = skim_number_greater(a, b);

	return greater >= 0 ? greater : memcmp(a.p, b.p, a.len < b.len ? a.len : b.len) > 0;
}

/* The latest value of since_path, in this page or before. What is null says nothing. */
static struct skim
latest(const struct query *q, struct skim seen, const struct sluice_page *page)
{
	struct skim_walk w = skim_walk((struct skim){page->body, page->len});

	while (q->since_path && skim_next(&w)) {
		struct skim v = skim_get(unwraps(q) ? skim_get(w.value, "node") : w.value, q->since_path);
		if ((skim_kind(v) == '"' || skim_kind(v) == '0') && (!seen.p || later(v, seen)))
			seen = v;
	}
	return seen;
}

static const char *
since_value(struct sluice_run *run, const struct query *q)
{
	const struct skim since = skim_get(checkpoint(run), "since");

	return q->since && since.p && !sluice_is_full(run) ? sluice_format(run, "%.*s", (int)since.len, since.p) : NULL;
}

static void
progress(struct sluice_run *run, const struct query *q, const struct sluice_page *page)
{
	const char *total =
	        q->total ? skim_text(run, skim_get(skim_of(page->answer, page->answer_len), q->total)) : NULL;

	if (total)
		sluice_progress(run, (uint64_t)(page->number - 1) * (uint64_t)q->page_size + page->count,
		                strtoull(total, NULL, 10));
}

static void
pages_save(struct sluice_run *run, const struct query *q, const char *since)
{
	const struct sluice_page_request request = {
	        .endpoint = q->path,
	        .method = "POST",
	        .headers = q->headers,
	        .body = body_make(run, q, since, 0),
	        .kind = q->kind,
	        .items = sluice_format(run, "data.%s", q->data),
	        .limit = q->size_variable ? q->page_size : 0,
	        .limit_param = q->size_variable,
	        .cursor_param = q->cursor_variable,
	        .cursor = q->cursor,
	        .has_more = q->has_next,
	        .flags = SLUICE_PARAMS_IN_BODY | SLUICE_LIMIT_UNSURE | SLUICE_NULL_IS_EMPTY,
	        .judge = judge,
	};
	const struct skim kept = checkpoint(run), since_was = skim_get(kept, "since");
	struct skim seen = skim_get(kept, "seen").p ? skim_get(kept, "seen") : since_was, now;
	int partial = this_run(run, kept) && skim_get(kept, "partial").p, was = partial, told = 0;
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0) {
		partial |= page_save(run, q, &page, &told);
		progress(run, q, &page);
		now = latest(q, seen, &page);
		if (q->since_path && !now.p && page.number == 1 && page.count > 0)
			sluice_log(run, SLUICE_WARN,
			           "dataset %s: since: none of the records has '%s', so each run asks for everything; ask for it "
			           "in the query",
			           q->name, q->since_path);
		if (now.p == seen.p && partial == was)
			continue;
		was = partial;
		seen = (struct skim){now.p ? sluice_format(run, "%.*s", (int)now.len, now.p) : NULL, now.len};
		checkpoint_write(run, data_seen(run), since_was, seen, partial);
	}
	if (seen.p && q->since_path && !partial) /* all was read: the next run asks from here on */
		checkpoint_write(run, NULL, seen, (struct skim){NULL, 0}, 0);
}

/* ---- what the host calls ---- */

static int
fetch(struct sluice_run *run)
{
	struct query q;
	const char *since, *size;

	if (query_load(run, &q, sluice_dataset(run), section(run)) == 0) {
		if ((size = sluice_get_option(run, "page_size")) != NULL) /* that of [sync] goes before the section's */
			q.page_size = atoi(size);
		since = since_value(run, &q);
		if (data_find(run, &q, since) == 0)
			pages_save(run, &q, since);
	}
	query_finish(&q);
	return sluice_status(run);
}

static void
check_dataset(struct sluice_run *run, struct skim name, struct skim options, cJSON *facts)
{
	struct sluice_response answer;
	struct query q;
	cJSON *told;

	if (query_load(run, &q, sluice_format(run, "%.*s", (int)name.len, name.p), options) == 0 &&
	    first_fetch(run, &q, NULL, &answer) == 0 && query_see(run, &q, skim_of(answer.body, answer.len)) == 0 &&
	    query_place(run, &q) == 0 && end_judge(run, &q, skim_of(answer.body, answer.len)) == 0) {
		told = cJSON_AddObjectToObject(facts, q.name);
		cJSON_AddStringToObject(told, "data", q.data);
		cJSON_AddStringToObject(told, "paged_by", q.cursor_variable ? variable(q.cursor_variable) : "nothing");
	}
	query_finish(&q);
}

static int
check(struct sluice_run *run)
{
	struct skim_walk w = skim_walk(sections(run));
	cJSON *facts = cJSON_CreateObject(), *datasets = cJSON_AddObjectToObject(facts, "datasets");
	int n = 0;

	for (; !sluice_status(run) && skim_next(&w); n++)
		check_dataset(run, w.key, w.value, datasets);
	if (!n)
		sluice_fail(run, SLUICE_EFAILED,
		            "no dataset is named yet: add a section [dataset CONNECTION : INTEGRATION : NAME] with a "
		            "query");
	if (!sluice_status(run))
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(facts);
	return sluice_status(run);
}

#define TEXT(name_, help_)                                                                                             \
	{                                                                                                              \
		.name = name_, .type = SLUICE_STRING, .help = help_                                                    \
	}

static const struct sluice_option options[] = {
        TEXT("auth", "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"),
        {0},
};
static const struct sluice_option of_dataset[] = {
        {.name = "query",
         .type = SLUICE_STRING,
         .flags = SLUICE_REQUIRED,
         .help = "the GraphQL query, or file:/path/to/it"},
        {.name = "path", .type = SLUICE_STRING, .fallback = "/graphql", .help = "of the endpoint, below base_url"},
        {.name = "variables", .type = SLUICE_OBJECT, .help = "JSON object of variables that stay the same"},
        {.name = "headers", .type = SLUICE_OBJECT, .help = "headers: {\"X-Version\": \"3\"}"},
        TEXT("data",
             "path of the list below data: companies.edges, or companies.nodes; by itself seen in the first answer"),
        TEXT("has_next", "path of the boolean that says whether there is another page; by itself pageInfo.hasNextPage "
                         "beside the list"),
        TEXT("cursor", "path of the next cursor; by itself pageInfo.endCursor beside the list"),
        TEXT("total", "path of the number of all records, for progress"),
        {.name = "page_size",
         .type = SLUICE_INTEGER,
         .fallback = "100",
         .help = "goes into $first, $limit, $pageSize, $perPage or $take",
         .form = "<1..>"},
        {.name = "since",
         .type = SLUICE_STRING,
         .help = "what an incremental run asks from, and the record's member that it is compared with",
         .form = "<variable> [<path>]"},
        {.name = "partial",
         .type = SLUICE_STRING,
         .fallback = "keep",
         .help = "data that comes with errors",
         .form = "keep | fail"},
        TEXT("nested", "path in the record of a connection that is to be fetched to its end"),
        TEXT("nested_query", "query for its next pages, with $id and $after; or file:/path/to/it"),
        TEXT("nested_data", "path of the connection below data in the answer to nested_query"),
        {0},
};
static const struct sluice_sync dataset = {
        .kind = SLUICE_FULL,
        .flags = SLUICE_TRACK_DELETES,
        .every = "every hour",
        .endpoint = "its query",
        .fetch = fetch,
        .description = "each [dataset] section",
};
static const struct sluice_rate rate = {.remaining = "x-ratelimit-remaining", .reset = "x-ratelimit-reset"};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
        SLUICE_ABI,
        .name = "graphql",
        .version = "1.0.0",
        .description = "any GraphQL endpoint, by queries in the configuration",
        .auth = SLUICE_ANY_AUTH,
        .rate = &rate,
        .options = options,
        .dataset = &dataset,
        .dataset_options = of_dataset,
        .check = check,
};
