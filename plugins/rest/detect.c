/* detect.c - what an answer tells about itself: where its list is, how its pages follow each other, and what is wrong
 * with it.
 *
 * Guarantee: a list is never taken for whole that says of itself that there is more: where no way to the rest is known,
 * the run fails and says what to write. Awkward: the last page of many APIs looks like one that was never paged. So
 * what is found holds for one run only, and a list that seemed to have no pages is looked at again with each answer. */
#include "rest.h"
#include <strings.h>

static const char *
line_of(struct sluice_run *run, const struct dataset *d)
{
	return sluice_format(run, "dataset %s: %s %s", d->name, d->method, d->path);
}

static const char *
shown(const char *path)
{
	return *path ? path : ".";
}

/* ---- lists in an answer ---- */

#define LISTS_MAX 12
#define LISTS_DEPTH 3

struct list {
	const char *path;
	size_t count;
	char first;
}; /* first: kind of its first element; 0: empty */
struct lists {
	struct list v[LISTS_MAX];
	size_t n;
};

static void
lists_find(struct sluice_run *run, struct skim v, const char *path, int depth, struct lists *found)
{
	struct skim_walk w = skim_walk(v);

	while (w.object && depth < LISTS_DEPTH && skim_next(&w)) {
		const char *at = sluice_format(run, "%s%s%.*s", path, *path ? "." : "", (int)w.key.len, w.key.p);
		if (skim_kind(w.value) == '{')
			lists_find(run, w.value, at, depth + 1, found);
		else if (skim_kind(w.value) == '[' && found->n < LISTS_MAX)
			found->v[found->n++] =
			        (struct list){at, skim_count(w.value), skim_kind(skim_member(w.value, "0"))};
	}
}

static const char *
lists_text(struct sluice_run *run, const struct lists *found)
{
	const char *text = "";

	for (size_t i = 0; i < found->n; i++)
		text = sluice_format(run, "%s%s%s (%zu %s)", text, i ? ", " : "", found->v[i].path, found->v[i].count,
		                     found->v[i].first == '{' ? "records" : "elements");
	return text;
}

static const char *const usual_lists[] = {"data",   "items", "results", "records", "entries",
                                          "values", "value", "rows",    "list",    "objects"};

static int
is_usual(const struct list *list)
{
	for (size_t k = 0; k < sizeof(usual_lists) / sizeof(*usual_lists); k++)
		if (!strcmp(list->path, usual_lists[k]))
			return 1;
	return 0;
}

/* The one that it must be: the only one of records, or one that is called so. NULL: several, or none. An empty list of
 * a usual name may be the one that is meant, on a day without records ({"data": [], "included": [{...}]}): nobody can
 * tell, and what is stored would be taken for gone. */
static const struct list *
lists_choose(const struct dataset *d, const struct lists *found)
{
	const struct list *one = NULL, *only = found->n == 1 ? &found->v[0] : NULL;
	size_t n = 0, empty = 0;

	for (size_t i = 0; i < found->n; i++) {
		if (found->v[i].first == '{' && ++n)
			one = &found->v[i];
		empty += !found->v[i].first && is_usual(&found->v[i]);
	}
	if (n == 1 && !empty)
		return one;
	for (size_t i = 0; i < found->n; i++)
		if (!strcmp(found->v[i].path, d->name))
			return &found->v[i];
	if (n == 1)
		return NULL;
	for (size_t k = 0; k < sizeof(usual_lists) / sizeof(*usual_lists); k++)
		for (size_t i = 0; i < found->n; i++)
			if (!strcmp(found->v[i].path, usual_lists[k]))
				return &found->v[i];
	return n ? NULL : only;
}

/* An answer without a list may say why: ", saying: no such project"; "" it does not. */
static const char *
words_told(struct sluice_run *run, struct skim answer)
{
	static const char *const places[] = {"error.message", "error", "message", "detail", "errors.0.message", "errors.0"};
	struct skim v;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (skim_kind(v = skim_get(answer, places[i])) == '"' && v.len > 2)
			return sluice_format(run, ", saying: %.200s", skim_text(run, v));
	return "";
}

static int
items_detect(struct sluice_run *run, struct dataset *d, struct skim answer)
{
	struct lists found = {.n = 0};
	const struct list *list;

	d->items = "";
	if (skim_kind(answer) == '[')
		return 0;
	lists_find(run, answer, "", 0, &found);
	if (skim_get(answer, d->id).p && *d->id)
		return sluice_fail(
		        run, SLUICE_EDATA,
		        "%s: the answer is one record (it has '%s' itself), not a list; say single = yes%s%s%s",
		        line_of(run, d), d->id, found.n ? ", or items = the path of the list that you mean: " : "",
		        found.n ? lists_text(run, &found) : "", "");
	list = lists_choose(d, &found);
	if (list) {
		d->items = list->path;
		return 0;
	}
	if (found.n)
		return sluice_fail(run, SLUICE_EDATA,
		                   "%s: the answer holds several lists: %s; say which, for example items = %s",
		                   line_of(run, d), lists_text(run, &found), found.v[0].path);
	if (!answer.p || skim_is(answer, "{}"))
		return sluice_fail(run, SLUICE_EDATA, "%s: no list in the answer, which is empty%s; is the path right?",
		                   line_of(run, d), answer.p ? ": {}" : "");
	return sluice_fail(run, SLUICE_EDATA,
	                   "%s: no list in the answer, which is an object with %s%s; is the path right? If the answer is "
	                   "the one record, "
	                   "say single = yes",
	                   line_of(run, d), skim_members(run, answer, 1), words_told(run, answer));
}

/* ---- pages ---- */

static const struct {
	const char *path, *param;
} usual_cursors[] = {
        {"next_cursor", "cursor"},
        {"nextCursor", "cursor"},
        {"meta.next_cursor", "cursor"},
        {"meta.nextCursor", "cursor"},
        {"pagination.next_cursor", "cursor"},
        {"pagination.nextCursor", "cursor"},
        {"paging.next_cursor", "cursor"},
        {"response_metadata.next_cursor", "cursor"},
        {"nextPageToken", "pageToken"},
        {"next_page_token", "page_token"},
        {"nextToken", "nextToken"},
        {"next_token", "next_token"},
        {"meta.next_token", "pagination_token"},
        {"paging.next.after", "after"},
        {"paging.cursors.after", "after"},
        {"next_page", "page"},
        {"meta.next_page", "page"},
        {"pagination.next_page", "page"},
        {"meta.next", "after"},
        {"pagination.next", "after"},
        {"next", "cursor"},
        {"offset", "offset"},
        {"cursor", "cursor"},
};
static const char *const usual_links[] = {
        "next",
        "links.next",
        "links.next.href",
        "_links.next.href",
        "_links.next",
        "paging.next",
        "pagination.next",
        "pagination.next_url",
        "pagination.links.next",
        "meta.next",
        "meta.next_url",
        "meta.links.next",
        "next_url",
        "next_page_url",
        "nextUrl",
        "nextLink",
        "next_link",
        "next_page",
        "@odata\\.nextLink",
        "nextRecordsUrl",
        "info.next",
        "response.next",
};
static const char *const usual_places[] = {"",           "meta.", "pagination.", "paging.", "meta.pagination.",
                                           "page_info.", "_meta."};
static const char *const usual_offsets[] = {"offset", "skip", "startAt", "start", NULL};
static const char *const usual_pages[] = {"page", "current_page", "currentPage", "page_number", NULL};
static const char *const usual_sizes[] = {"limit",   "per_page",   "page_size", "pageSize",
                                          "perPage", "maxResults", "take",      NULL};
static const char *const usual_page_totals[] = {"total_pages", "totalPages", "last_page", "page_count",
                                                "pageCount",   "pages",      "num_pages", NULL};
static const char *const usual_totals[] = {"total",        "total_count", "totalCount", "total_results",
                                           "totalResults", "count",       NULL};
static const char *const usual_more[] = {"has_more",      "hasMore",     "has_next", "hasNext",
                                         "has_next_page", "hasNextPage", "more",     NULL};

/* The first of these names at that place, of that kind; NULL: none. *v: its value. */
static const char *
usual_find(struct sluice_run *run, struct skim answer, const char *place, const char *const *names, const char *kinds,
           struct skim *v)
{
	for (; *names; names++) {
		const char *path = sluice_format(run, "%s%s", place, *names);
		*v = skim_get(answer, path);
		if (v->p && strchr(kinds, skim_kind(*v)))
			return *names;
	}
	return NULL;
}

static int
is_link(struct skim v)
{
	return skim_kind(v) == '"' && v.len > 3 &&
	       (v.p[1] == '/' || v.p[1] == '?' || !strncasecmp(v.p + 1, "http:", 5) ||
	        !strncasecmp(v.p + 1, "https:", 6));
}

/* A Link header of paging: it may be the last page, so any of its relations will do. */
static int
link_pages(struct sluice_run *run, const char *headers)
{
	static const char *const relations[] = {"next", "prev", "first", "last"};

	for (const char *line = headers; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *copy = sluice_format(run, "%.*s", (int)strcspn(line, "\n"), line), *rel;
		if (strncasecmp(copy, "link:", 5))
			continue;
		for (rel = strstr(copy, "rel="); rel; rel = strstr(rel + 1, "rel="))
			for (size_t i = 0; i < sizeof(relations) / sizeof(*relations); i++)
				if (!strncasecmp(rel + 4 + (rel[4] == '"'), relations[i], strlen(relations[i])))
					return 1;
	}
	return 0;
}

static const char *
link_detect(struct sluice_run *run, struct skim answer, const char *headers)
{
	if (link_pages(run, headers))
		return "link";
	for (size_t i = 0; i < sizeof(usual_links) / sizeof(*usual_links); i++)
		if (is_link(skim_get(answer, usual_links[i])))
			return sluice_format(run, "link %s", usual_links[i]);
	return NULL;
}

static const char *
cursor_detect(struct sluice_run *run, struct skim answer)
{
	const int notion = skim_is(skim_get(answer, "object"), "\"list\"") && skim_get(answer, "next_cursor").p;

	if (notion)
		return "cursor next_cursor start_cursor page_size";
	for (size_t i = 0; i < sizeof(usual_cursors) / sizeof(*usual_cursors); i++) {
		struct skim v = skim_get(answer, usual_cursors[i].path);
		const int counts =
		        !strcmp(usual_cursors[i].param, "page") || strstr(usual_cursors[i].path, "next_cursor");
		/* Numbers that are called so only; others say where we are, not where it goes on. */
		if ((skim_kind(v) == '"' && v.len > 2) || (skim_kind(v) == '0' && counts && !skim_is(v, "0")))
			return sluice_format(run, "cursor %s %s", usual_cursors[i].path, usual_cursors[i].param);
	}
	if (skim_is(skim_get(answer, "object"), "\"list\"") && skim_get(answer, "has_more").p)
		return "last id starting_after limit";
	return NULL;
}

/* An offset or a page number beside a total, in one object. */
static const char *
count_detect(struct sluice_run *run, struct skim answer, const char *headers)
{
	struct skim v, total;

	for (size_t i = 0; i < sizeof(usual_places) / sizeof(*usual_places); i++) {
		const char *place = usual_places[i], *size = usual_find(run, answer, place, usual_sizes, "0", &v);
		const char *page = usual_find(run, answer, place, usual_pages, "0", &v),
		           *offset = usual_find(run, answer, place, usual_offsets, "0", &v);
		int counted = usual_find(run, answer, place, usual_page_totals, "0", &total) ||
		              usual_find(run, answer, place, usual_totals, "0", &total) ||
		              usual_find(run, answer, place, usual_more, "tf", &total);
		if (offset && counted)
			return sluice_format(run, "offset %s%s%s", offset, size ? " " : "", size ? size : "");
		if (page && counted)
			return sluice_format(run, "page %s%s%s", strcmp(page, "page_number") ? "page" : page,
			                     size ? " " : "", size ? size : "");
	}
	return strncmp(headers, "x-next-page:", 12) && !strstr(headers, "\nx-next-page:") ? NULL : "page page per_page";
}

/* Does the answer say that there is more than it holds? Where it says so. */
static const char *
more_told(struct sluice_run *run, const struct dataset *d, struct skim answer)
{
	size_t count = skim_count(skim_get(answer, d->items));
	struct skim v;

	for (size_t i = 0; i < sizeof(usual_places) / sizeof(*usual_places); i++) {
		const char *place = usual_places[i], *name = usual_find(run, answer, place, usual_more, "t", &v);
		if (name)
			return sluice_format(run, "%s%s is true", place, name);
		name = usual_find(run, answer, place, usual_totals, "0", &v);
		if (name && strtoul(v.p, NULL, 10) > count)
			return sluice_format(run, "%s%s is %.*s, and it holds %zu", place, name, (int)v.len, v.p,
			                     count);
		name = usual_find(run, answer, place, usual_page_totals, "0", &v);
		if (name && strtoul(v.p, NULL, 10) > 1)
			return sluice_format(run, "%s%s is %.*s", place, name, (int)v.len, v.p);
	}
	return NULL;
}

static int
paging_detect(struct sluice_run *run, struct dataset *d, struct skim answer, const char *headers)
{
	const char *words = link_detect(run, answer, headers), *more;

	words = words ? words : cursor_detect(run, answer);
	words = words ? words : count_detect(run, answer, headers);
	if (words)
		return paging_read(run, &d->paging, d->name, words);
	more = more_told(run, d, answer);
	if (more)
		return sluice_fail(run, SLUICE_EDATA,
		                   "%s: the answer is not all (%s), and how to ask for the rest is not to be seen in "
		                   "it; look it up and say "
		                   "for example paginate = page page per_page, or offset offset limit, or cursor PATH "
		                   "PARAMETER (paginate = none takes "
		                   "what comes)",
		                   line_of(run, d), more);
	return paging_read(run, &d->paging, d->name, "none");
}

int
shape_detect(struct sluice_run *run, struct dataset *d, const char *body, size_t len, const char *headers)
{
	const struct skim answer = skim_of(body, len);
	const struct sluice_response as = {.status = 200, .body = body, .len = len, .headers = headers};

	if (!d->knows_items && (answer_judge(run, d, &as) || items_detect(run, d, answer)))
		return sluice_status(run);
	if (!d->knows_paging && paging_detect(run, d, answer, headers))
		return sluice_status(run);
	return 0;
}

/* ---- what is wrong with an answer ---- */

static int
items_missing(struct sluice_run *run, const struct dataset *d, struct skim answer)
{
	struct lists found = {.n = 0};
	const char *remedy = "; no list is in the answer";

	lists_find(run, answer, "", 0, &found);
	if (skim_kind(answer) == '[')
		remedy = "; the answer itself is a list: say items = .";
	else if (found.n)
		remedy = sluice_format(run, "; say for example items = %s", found.v[0].path);
	return sluice_fail(run, SLUICE_EDATA, "%s: items = %s%s", line_of(run, d), skim_missing(run, answer, d->items),
	                   remedy);
}

int
answer_judge(struct sluice_run *run, const struct dataset *d, const struct sluice_response *answer)
{
	struct skim v;

	if (answer->status < 200 || answer->status > 299)
		return 0;
	v = (struct skim){skim_blank(answer->body, answer->body + answer->len), 0};
	if (v.p < answer->body + answer->len && *v.p == '<')
		return sluice_fail(run, SLUICE_EDATA,
		                   "%s: the answer is %s, not JSON. Is base_url the API's own (often https://api.HOST "
		                   "or HOST/api)? Without "
		                   "good credentials some services answer with their login page; an XML API is the "
		                   "connector feed's, if it is a feed: %.80s",
		                   line_of(run, d), strncasecmp(v.p, "<?xml", 5) ? "a web page (HTML)" : "XML", v.p);
	v = skim_of(answer->body, answer->len);
	if (v.p && strchr("{[", *v.p) &&
	    skim_blank(v.p + v.len, answer->body + answer->len) < answer->body + answer->len)
		return sluice_fail(run, SLUICE_EDATA,
		                   "%s: the answer is not one JSON text, for it goes on behind its end; a record on each line "
		                   "(JSON lines) is not read: does the service have a list in JSON, too? %.80s",
		                   line_of(run, d), v.p + v.len);
	if (v.p && skim_kind(v) != '{' && skim_kind(v) != '[')
		return sluice_fail(run, SLUICE_EDATA, "%s: the answer is neither a JSON object nor a list: %.80s",
		                   line_of(run, d), v.p);
	if (v.p && d->knows_items && !d->single && skim_kind(skim_get(v, d->items)) != '[')
		return items_missing(run, d, v);
	return 0; /* an answer that is torn is the host's affair: it asks again */
}

int
items_judge(struct sluice_run *run, const struct dataset *d, struct skim list)
{
	struct skim_walk w = skim_walk(list);
	struct skim first = skim_member(list, "0");

	if (!first.p || (d->n_map && skim_kind(first) != '{'))
		return 0;
	if (skim_kind(first) != '{')
		return sluice_fail(run, SLUICE_EDATA,
		                   "%s: the list at items = %s holds no objects but, as its first element, %s; if each "
		                   "is a record's id, say "
		                   "map = %s:.",
		                   line_of(run, d), shown(d->items), skim_what(run, first), d->key);
	for (size_t i = 0; i < d->n_map; i++)
		if (!strcmp(d->map[i].to, d->key) && strcmp(d->map[i].from, d->id))
			return 0; /* the operator takes the key from elsewhere */
	while (skim_next(&w))
		if (skim_get(w.value, d->id).p)
			return 0;
	return sluice_fail(run, SLUICE_EDATA,
	                   "%s: the records have no '%s', which should be their id; they have: %s; say which member is "
	                   "unique, for example "
	                   "id = %s",
	                   line_of(run, d), d->id, skim_members(run, first, 0),
	                   skim_get(first, "uuid").p ? "uuid"
	                   : skim_get(first, "key").p
	                           ? "key"
	                           : sluice_format(run, "%.*s", (int)strcspn(skim_members(run, first, 0), ","),
	                                           skim_members(run, first, 0)));
}
