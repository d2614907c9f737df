/* rest.c - any JSON API without code: each [dataset] section of a connection says what to ask for, and is a model and a
 * sync.
 *
 * Where a section does not say where the list is or how its pages follow each other, the first answer of a run is
 * looked at (detect.c), and the run's log says what was found. A dataset may be below another one: then it is asked for
 * once for each record of its parent, which is listed for that in the same run, so that a parent that is new or gone is
 * known at once.
 *
 * Guarantee: without a map, a dotted id or a parent, pages are handed on as they came.
 * Awkward: what was found has to be the same in all steps of a run, and a step may be another process: it stands in the
 * checkpoint, with the time of the run that it holds for. */
#include "rest.h"
#include <stdlib.h>

struct walk { /* a dataset and its parents, the first of them last */
	struct dataset chain[DATASET_DEPTH];
	const char *names[DATASET_DEPTH];   /* of the parents of chain[0]: chain[1] ... */
	struct skim records[DATASET_DEPTH]; /* of the same, those at hand */
	int depth;
	struct skim seen; /* the latest of since_path; in the page at hand, or kept */
	const char *since;
};

/* ---- the sections ---- */

static struct skim
sections(struct sluice_run *run)
{
	const char *connection = sluice_get_connection(run);

	return skim_get(skim_of(connection, strlen(connection)), "datasets");
}

static int
chain_load(struct sluice_run *run, struct walk *w, const char *name)
{
	const struct skim all = sections(run);

	for (w->depth = 0; name; name = w->chain[w->depth++].parent) {
		struct skim options = skim_member(all, name);
		if (w->depth == DATASET_DEPTH)
			return sluice_fail(run, SLUICE_EFAILED,
			                   "dataset %s: parents more than %d deep, or in a circle: %s",
			                   w->chain[0].name, DATASET_DEPTH - 1, name);
		if (!options.p)
			return sluice_fail(
			        run, SLUICE_EFAILED,
			        "dataset %s: parent = %s: the connection has no dataset of this name; it has: %s",
			        w->depth ? w->chain[w->depth - 1].name : name, name, skim_members(run, all, 0));
		if (dataset_load(run, &w->chain[w->depth], name, options))
			return sluice_status(run);
		w->names[w->depth] = name;
	}
	return 0;
}

/* ---- the checkpoint ---- */

static struct skim
checkpoint(struct sluice_run *run)
{
	const char *text = sluice_get_checkpoint(run);

	return text ? skim_of(text, strlen(text)) : (struct skim){NULL, 0};
}

/* {"since":..., "seen":..., "run":..., "shapes":{...}}; what is NULL is left out. */
static void
checkpoint_write(struct sluice_run *run, struct skim since, struct skim seen, const char *shapes)
{
	sluice_save_checkpoint(run, sluice_format(run, "{%s%.*s%s%s%.*s%s\"run\":%lld,\"shapes\":{%s}}",
	                                          since.p ? "\"since\":" : "", (int)since.len, since.p ? since.p : "",
	                                          since.p ? "," : "", seen.p ? "\"seen\":" : "", (int)seen.len,
	                                          seen.p ? seen.p : "", seen.p ? "," : "", (long long)sluice_now(run),
	                                          shapes));
}

/* What was found in this run, as text between braces. */
static const char *
shapes_known(struct sluice_run *run)
{
	const struct skim kept = checkpoint(run), shapes = skim_get(kept, "shapes");
	const char *of = skim_text(run, skim_get(kept, "run"));

	return of && atoll(of) == sluice_now(run) && shapes.len > 2
	               ? sluice_format(run, "%.*s", (int)shapes.len - 2, shapes.p + 1)
	               : "";
}

static const char *
quoted(struct sluice_run *run, const char *text)
{
	cJSON *tree = cJSON_CreateString(text);
	const char *out = sluice_json_print(run, tree);

	cJSON_Delete(tree);
	return out;
}

static void
shape_keep(struct sluice_run *run, const struct dataset *d)
{
	const struct skim kept = checkpoint(run);
	const char *known = shapes_known(run), *shapes = "";
	struct skim_walk w = skim_walk(skim_of(sluice_format(run, "{%s}", known), strlen(known) + 2));

	while (skim_next(&w))
		if (!skim_is(w.key, d->name))
			shapes = sluice_format(run, "%s\"%.*s\":%.*s,", shapes, (int)w.key.len, w.key.p,
			                       (int)w.value.len, w.value.p);
	shapes = sluice_format(run, "%s\"%s\":{\"items\":%s,\"paginate\":%s}", shapes, d->name, quoted(run, d->items),
	                       quoted(run, d->paging.words));
	checkpoint_write(run, skim_get(kept, "since"), skim_get(kept, "seen"), shapes);
}

/* ---- one list ---- */

struct asked { /* a list of one dataset below one parent */
	const char *endpoint;
	struct sluice_pair query[DATASET_PAIRS + 2];
};

static int
asked_make(struct sluice_run *run, const struct walk *w, int level, struct asked *a)
{
	const struct dataset *d = &w->chain[level];
	const struct skim *records = w->records + level + 1;
	const char *const *names = w->names + level + 1;
	size_t parents = (size_t)(w->depth - level) - 1, n = 0;

	a->endpoint = template_apply(run, d->name, d->path, records, names, parents, 1);
	for (; a->endpoint && d->query[n].name; n++) {
		a->query[n] = (struct sluice_pair){
		        d->query[n].name, template_apply(run, d->name, d->query[n].value, records, names, parents, 0)};
		if (!a->query[n].value)
			return sluice_status(run);
	}
	if (level == 0 && w->since)
		a->query[n++] = (struct sluice_pair){d->since_param, w->since};
	a->query[n] = (struct sluice_pair){NULL, NULL};
	return a->endpoint ? 0 : sluice_status(run);
}

static const int gone[] = {404, 0};

/* An answer whose JSON ends too early is asked for again, as the host does with pages. */
static int
fetch_answer(struct sluice_run *run, const struct dataset *d, const struct asked *a, struct sluice_response *answer)
{
	const struct sluice_request request = {
	        .method = d->method,
	        .endpoint = a->endpoint,
	        .query = a->query,
	        .headers = d->headers,
	        .body = d->body,
	        .accept = d->skip_404 ? gone : NULL,
	        .flags = SLUICE_SAFE,
	};

	for (int tries = 0; tries < 3; tries++) {
		const char *p;
		if (sluice_fetch(run, &request, answer))
			return sluice_status(run);
		p = skim_blank(answer->body, answer->body + answer->len);
		if ((*p != '{' && *p != '[') || skim_of(answer->body, answer->len).p)
			return 0;
	}
	return sluice_fail(run, SLUICE_EDATA, "dataset %s: %s %s: the answer's JSON ends too early, three times",
	                   d->name, d->method, d->path);
}

/* Fills in what the section does not say: by what an earlier step of this run saw, or by an answer. */
static int
shape_find(struct sluice_run *run, struct dataset *d, const struct asked *a)
{
	const char *known = shapes_known(run), *paginate;
	const struct skim shape = skim_member(skim_of(sluice_format(run, "{%s}", known), strlen(known) + 2), d->name);
	struct sluice_response answer;

	if (d->paging.words && *d->items)
		return 0;
	if (d->knows_items && d->knows_paging)
		return 0;
	if (shape.p) {
		if (!d->knows_items)
			d->items = skim_text(run, skim_get(shape, "items"));
		paginate = skim_text(run, skim_get(shape, "paginate"));
		return d->knows_paging ? 0 : paging_read(run, &d->paging, d->name, paginate);
	}
	if (fetch_answer(run, d, a, &answer) || answer.status == 404)
		return sluice_status(run);
	if (shape_detect(run, d, answer.body, answer.len, answer.headers))
		return sluice_status(run);
	sluice_log(run, SLUICE_INFO,
	           "dataset %s: seen in its first answer: items = %s, paginate = %s; with these lines in its section "
	           "no run has to look",
	           d->name, *d->items ? d->items : ".", d->paging.words);
	shape_keep(run, d);
	return sluice_status(run);
}

/* Lists that seemed to have no pages are looked at again. 1: they have. */
static int
shape_changed(struct sluice_run *run, struct dataset *d, const struct sluice_page *page)
{
	if (d->knows_paging || d->paging.kind || page->status == 404)
		return 0;
	if (shape_detect(run, d, page->answer, page->answer_len, page->headers) || !d->paging.kind)
		return 0;
	shape_keep(run, d);
	return 1;
}

/* Judges have no argument but the run, so there is one for each level. */
static int
judge_level(struct sluice_run *run, const struct sluice_response *answer, int level)
{
	struct walk w = {.depth = 0};
	const char *known = shapes_known(run);
	struct dataset *d = &w.chain[level];
	struct skim shape;

	if (chain_load(run, &w, sluice_dataset(run)))
		return sluice_status(run);
	if (!d->knows_items) {
		shape = skim_member(skim_of(sluice_format(run, "{%s}", known), strlen(known) + 2), d->name);
		d->items = skim_text(run, skim_get(shape, "items"));
		d->items = d->items ? d->items : "";
		d->knows_items = shape.p != NULL;
	}
	return answer_judge(run, d, answer);
}

static int
judge_0(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_level(run, answer, 0);
}
static int
judge_1(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_level(run, answer, 1);
}
static int
judge_2(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_level(run, answer, 2);
}
static int
judge_3(struct sluice_run *run, const struct sluice_response *answer)
{
	return judge_level(run, answer, 3);
}
static int (*const judges[DATASET_DEPTH])(struct sluice_run *, const struct sluice_response *) = {judge_0, judge_1,
                                                                                                  judge_2, judge_3};

static struct sluice_page_request
page_request(struct sluice_run *run, const struct walk *w, int level, const struct asked *a)
{
	const struct dataset *d = &w->chain[level];
	const struct paging *p = &d->paging;
	const int in_body = d->body && strcmp(d->method, "GET");
	struct sluice_page_request r = {
	        .endpoint = a->endpoint,
	        .query = a->query,
	        .headers = d->headers,
	        .method = d->method,
	        .body = d->body,
	        .kind = p->kind,
	        .accept = d->skip_404 ? gone : NULL,
	        .items = d->items,
	        .cursor_param = p->param,
	        .cursor = p->path,
	        .has_more = p->has_more,
	        .limit_param = p->size_param,
	        .limit = p->size_param ? d->page_size : 0,
	        .start = d->start,
	        .judge = judges[level],
	        .flags = SLUICE_LIMIT_UNSURE | (in_body ? SLUICE_PARAMS_IN_BODY : 0),
	};

	/* What was seen to have no pages may prove to have some, and is then another list. */
	if (!d->knows_paging && !p->kind)
		r.key = sluice_format(run, "%s as one page, %s", a->endpoint,
		                      a->query[0].name ? a->query[0].value : "");
	if (level == 0 && !d->since_path && w->depth == 1)
		r.flags |= SLUICE_UNCHANGED_SKIPS;
	return r;
}

/* ---- records ---- */

static void
save(struct sluice_run *run, const struct walk *w, const struct sluice_page *page)
{
	const struct dataset *d = &w->chain[0];
	struct sluice_map map[DATASET_MAP + 4];
	struct skim id;

	if (!d->n_map) {
		sluice_batch_save(run, d->name, page->body, page->len);
		return;
	}
	memcpy(map, d->map, sizeof(map));
	if (d->parent) {
		id = skim_get(w->records[1], w->chain[1].id);
		map[d->n_map] = (struct sluice_map){
		        d->parent_field, sluice_format(run, "%.*s", (int)id.len, id.p ? id.p : ""), SLUICE_CONSTANT};
		if (!id.p)
			sluice_fail(run, SLUICE_EDATA, "dataset %s: a record of its parent %s has no '%s'; it has: %s",
			            d->name, w->names[1], w->chain[1].id, skim_members(run, w->records[1], 0));
	}
	sluice_save_mapped(run, d->name, page, map);
}

static void
page_save(struct sluice_run *run, struct walk *w, const struct sluice_page *page)
{
	const struct skim list = {page->body, page->len}, kept = checkpoint(run);
	struct skim latest;

	if (items_judge(run, &w->chain[0], list))
		return;
	save(run, w, page);
	latest = since_latest(&w->chain[0], w->seen, list);
	if (w->chain[0].since_path && !latest.p && page->number <= 1 && page->count > 0)
		sluice_log(run, SLUICE_WARN,
		           "dataset %s: since: none of the records has '%s', so each run asks for everything; they have: %s",
		           w->chain[0].name, w->chain[0].since_path, skim_members(run, skim_member(list, "0"), 0));
	if (latest.p == w->seen.p)
		return;
	latest.p = sluice_format(run, "%.*s", (int)latest.len, latest.p); /* the page goes, this stays */
	w->seen = latest;
	checkpoint_write(run, skim_get(kept, "since"), latest, shapes_known(run));
}

static void list_walk(struct sluice_run *run, struct walk *w, int level);

static void
page_walk(struct sluice_run *run, struct walk *w, int level, const struct sluice_page *page)
{
	struct skim_walk items = skim_walk((struct skim){page->body, page->len});

	if (level == 0) {
		page_save(run, w, page);
		return;
	}
	while (!sluice_status(run) && skim_next(&items)) {
		w->records[level] = items.value;
		list_walk(run, w, level - 1);
	}
}

/* The answer itself is the record, or what stands at `items` in it. */
static void
single_walk(struct sluice_run *run, struct walk *w, int level, const struct asked *a)
{
	struct sluice_response answer;
	struct sluice_page page = {0};
	struct skim one;

	if (fetch_answer(run, &w->chain[level], a, &answer) || answer.status == 404 ||
	    answer_judge(run, &w->chain[level], &answer))
		return;
	one = skim_get(skim_of(answer.body, answer.len), w->chain[level].items);
	if (skim_kind(one) != '{') {
		sluice_fail(run, SLUICE_EDATA, "dataset %s: single = yes, but the answer is %s; leave the line out",
		            w->chain[level].name, skim_what(run, skim_of(answer.body, answer.len)));
		return;
	}
	page.answer = page.body = sluice_format(run, "[%.*s]", (int)one.len, one.p);
	page.answer_len = page.len = strlen(page.body);
	page.count = 1;
	page_walk(run, w, level, &page);
	if (level == 0 && w->depth == 1)
		sluice_full_done(run, w->chain[0].name);
}

/* What was asked for, or may lack, and nothing in the answers would tell. */
static void
size_tell(struct sluice_run *run, const struct dataset *d, const struct sluice_page *page)
{
	static const size_t usual[] = {10, 20, 25, 30, 50, 100, 200, 250, 500, 1000};

	if (page->number != 1)
		return;
	if (d->paging.kind && !d->paging.size_param && d->page_size != PAGE_SIZE)
		sluice_log(run, SLUICE_WARN,
		           "dataset %s: page_size = %d is not sent, for nobody knows as what: say page_size_param = limit, "
		           "or what the service calls it",
		           d->name, d->page_size);
	for (size_t i = 0; !d->knows_paging && !d->paging.kind && i < sizeof(usual) / sizeof(*usual); i++)
		if (page->count == usual[i])
			sluice_log(run, SLUICE_WARN,
			           "dataset %s: just %zu records, and nothing in the answer says whether there are more: if there "
			           "are, say how they are asked for, as in paginate = page page per_page; if not, paginate = none",
			           d->name, page->count);
}

static void
list_walk(struct sluice_run *run, struct walk *w, int level)
{
	struct dataset *d = &w->chain[level];
	struct sluice_page page;
	struct asked a;
	int again = 1;

	if (asked_make(run, w, level, &a))
		return;
	if (d->single) {
		single_walk(run, w, level, &a);
		return;
	}
	if (shape_find(run, d, &a))
		return;
	while (again) {
		const struct sluice_page_request request = page_request(run, w, level, &a);
		again = 0;
		while (!again && sluice_paginate(run, &request, &page) > 0) {
			again = shape_changed(run, d, &page);
			if (again)
				continue;
			size_tell(run, d, &page);
			page_walk(run, w, level, &page);
		}
	}
}

/* ---- what the host calls ---- */

static int
fetch(struct sluice_run *run)
{
	struct walk w = {.depth = 0};
	const struct dataset *d = &w.chain[0];
	const struct skim kept = checkpoint(run);
	const char *size = sluice_get_option(run, "page_size"); /* that of [sync] goes before the section's */

	if (chain_load(run, &w, sluice_dataset(run)))
		return sluice_status(run);
	if (size)
		w.chain[0].page_size = atoi(size);
	w.since = since_value(run, d, kept);
	if (d->since_param && sluice_is_full(run) && sluice_last_success(run) > 0)
		sluice_log(run, SLUICE_WARN,
		           "dataset %s: since = %s is not used: a full sync lists everything; say kind = incremental",
		           d->name, d->since_param);
	w.seen = skim_get(kept, "seen");
	if (!w.seen.p)
		w.seen = skim_get(kept, "since");
	list_walk(run, &w, w.depth - 1);
	if (w.seen.p && d->since_path) /* all was read: the next run asks from here on */
		checkpoint_write(run, w.seen, (struct skim){NULL, 0}, "");
	return sluice_status(run);
}

/* One section, as far as it can be tried without a parent's record. */
static void
check_dataset(struct sluice_run *run, struct skim name, cJSON *facts)
{
	struct walk w = {.depth = 0};
	struct dataset *d = &w.chain[0];
	struct sluice_response answer;
	struct asked a;
	struct skim list;
	cJSON *told;

	if (chain_load(run, &w, sluice_format(run, "%.*s", (int)name.len, name.p)))
		return;
	told = cJSON_AddObjectToObject(facts, d->name);
	if (d->parent) {
		cJSON_AddStringToObject(told, "parent", d->parent);
		return;
	}
	if (asked_make(run, &w, 0, &a) || fetch_answer(run, d, &a, &answer) || answer_judge(run, d, &answer) ||
	    d->single || shape_detect(run, d, answer.body, answer.len, answer.headers))
		return;
	list = skim_get(skim_of(answer.body, answer.len), d->items);
	if (items_judge(run, d, list))
		return;
	cJSON_AddStringToObject(told, "items", *d->items ? d->items : ".");
	cJSON_AddStringToObject(told, "paginate", d->paging.words);
	cJSON_AddNumberToObject(told, "records", (double)skim_count(list));
}

static int
check(struct sluice_run *run)
{
	struct skim_walk w = skim_walk(sections(run));
	cJSON *facts = cJSON_CreateObject(), *datasets = cJSON_AddObjectToObject(facts, "datasets");

	while (!sluice_status(run) && skim_next(&w))
		check_dataset(run, w.key, datasets);
	if (!cJSON_GetArraySize(datasets))
		sluice_fail(run, SLUICE_EFAILED,
		            "no dataset is named yet: add a section [dataset CONNECTION : INTEGRATION : NAME] with "
		            "path = /the/list");
	if (!sluice_status(run))
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(facts);
	return sluice_status(run);
}

#define TEXT(name_, help_)                                                                                             \
	{                                                                                                              \
		.name = name_, .type = SLUICE_STRING, .help = help_                                                    \
	}
#define FORM(name_, form_, help_)                                                                                      \
	{                                                                                                              \
		.name = name_, .type = SLUICE_STRING, .help = help_, .form = form_                                     \
	}

static const struct sluice_option options[] = {
        TEXT("auth", "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"),
        {0},
};
static const struct sluice_option of_dataset[] = {
        {.name = "path",
         .type = SLUICE_STRING,
         .flags = SLUICE_REQUIRED,
         .help = "below base_url: path = /v1/users",
         .form = "/[<path...>] | https://<url...> | http://<url...>"},
        {.name = "method",
         .type = SLUICE_STRING,
         .fallback = "GET",
         .help = "GET, or POST with a body",
         .form = "GET | POST"},
        FORM("query", "<name>=[<value...>]& ...", "parameters, as in a URL: state=all&order_by=updated_at"),
        {.name = "headers", .type = SLUICE_OBJECT, .help = "headers: {\"X-Version\": \"3\"}"},
        {.name = "body", .type = SLUICE_OBJECT, .help = "JSON body of a POST; cursor, page and size go into it"},
        TEXT("items", "path of the list in the answer, . for the answer itself; by itself seen in the first answer"),
        FORM("paginate",
             "none | cursor <path> <param> [<size>] | last <path> <param> [<size>] | link [<path>] | "
             "offset [<param> [<size>]] | page [<param> [<size>]]",
             "how the pages follow each other; by itself seen"),
        {.name = "page_size",
         .type = SLUICE_INTEGER,
         .fallback = "100", /* PAGE_SIZE */
         .help = "records asked for in a page",
         .form = "<1..100000>"},
        TEXT("page_size_param", "parameter that takes page_size; without one it is not sent"),
        TEXT("has_more", "path of the boolean that says whether there is another page"),
        {.name = "start", .type = SLUICE_INTEGER, .help = "number of the first page (1), or the first offset (0)"},
        FORM("since", "<param> [<path>]",
             "what an incremental run asks from, and the record's member that it is compared with"),
        FORM("since_format", "rfc3339 | date | unix | unix_ms", "by itself as the records have it"),
        FORM("map", "* | <name>[:<path>[:string|integer|time]], ...",
             "members of the record: name:profile.name, mail:emails.0.value, created:created_ts:time; * keeps the rest"),
        FORM("parent", "<dataset>",
             "this one is listed for each record of that; ${id} in path and query is theirs"),
        {.name = "parent_field",
         .type = SLUICE_STRING,
         .fallback = "parent_id",
         .help = "member that takes the parent's id"},
        {.name = "single", .type = SLUICE_BOOLEAN, .fallback = "false", .help = "the answer is the one record"},
        {.name = "skip_404", .type = SLUICE_BOOLEAN, .fallback = "false", .help = "status 404 is an empty list"},
        {0},
};
static const struct sluice_sync dataset = {
        .kind = SLUICE_FULL,
        .flags = SLUICE_TRACK_DELETES,
        .every = "every hour",
        .endpoint = "its path",
        .fetch = fetch,
        .description = "each [dataset] section",
};
static const struct sluice_rate rate = {.remaining = "x-ratelimit-remaining", .reset = "x-ratelimit-reset"};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
        SLUICE_ABI,
        .name = "rest",
        .version = "1.0.0",
        .description = "any JSON API, described in the configuration",
        .auth = SLUICE_ANY_AUTH,
        .rate = &rate,
        .options = options,
        .dataset = &dataset,
        .dataset_options = of_dataset,
        .check = check,
};
