/* walk.c - a dataset and its parents, gone through: each page of the first, for each of its records the lists below it,
 * and at the bottom the records that are saved.
 *
 * Guarantee: without a map, a dotted id or a parent, pages are handed on as they came. Awkward: judges have no argument
 * but the run, and a walk has several lists open, each with a judge of its own: so there is one for each level. */
#include "rest.h"

/* ---- the sections ---- */

struct skim
sections(struct sluice_run *run)
{
	const char *connection = sluice_get_connection(run);

	return skim_get(skim_of(connection, strlen(connection)), "datasets");
}

int
walk_load(struct sluice_run *run, struct walk *w, const char *name)
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

/* ---- one list ---- */

int
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

int
asked_fetch(struct sluice_run *run, const struct dataset *d, const struct asked *a, struct sluice_response *answer)
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
	const struct skim shape = kept_shape(run, d->name);
	const char *paginate;
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
	if (asked_fetch(run, d, a, &answer) || answer.status == 404)
		return sluice_status(run);
	if (shape_detect(run, d, answer.body, answer.len, answer.headers))
		return sluice_status(run);
	sluice_log(run, SLUICE_INFO,
	           "dataset %s: seen in its first answer: items = %s, paginate = %s; with these lines in its section "
	           "no run has to look",
	           d->name, *d->items ? d->items : ".", d->paging.words);
	kept_shape_put(run, d);
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
	kept_shape_put(run, d);
	return 1;
}

/* Judges have no argument but the run, so there is one for each level. */
static int
judge_level(struct sluice_run *run, const struct sluice_response *answer, int level)
{
	struct walk w = {.depth = 0};
	struct dataset *d = &w.chain[level];
	struct skim shape;

	if (walk_load(run, &w, sluice_dataset(run)))
		return sluice_status(run);
	if (!d->knows_items) {
		shape = kept_shape(run, d->name);
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
	const struct skim list = {page->body, page->len}, kept = kept_read(run);
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
	kept_write(run, skim_get(kept, "since"), latest, kept_shapes(run));
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

	if (asked_fetch(run, &w->chain[level], a, &answer) || answer.status == 404 ||
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

void
walk_all(struct sluice_run *run, struct walk *w)
{
	list_walk(run, w, w->depth - 1);
}
