/* page.c - from an answer's bytes to a page, or to a failure that says what was there instead.
 *
 * Guarantee: an answer that is cut, no JSON, no success, or without the list where the author says it is, is never an
 * empty page. The next position is known before the plugin sees the page, so that the next request can be on its way.
 * Awkward: looking for the cursor must not walk over the list a second time, so the answer is read without its list,
 * unless the path leads into it. */
#include "worker/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "base/mem.h"
#include "worker/query.h"
#include "worker/step.h"

#define CURSOR_MAX ((size_t)16 << 10) /* bytes of a cursor or link */

struct reading {
	struct step *s;
	const struct asked *a;
	struct page *p;
	struct buf rest; /* the answer without its list */
	int has_more;    /* -1: the answer does not say */
	size_t received; /* items in the answer */
	bool *torn;      /* an answer that ends too early sets it; NULL: it is a failure */
};

static int
data_fault(struct reading *rd, const char *what, const char *path)
{
	char text[GLIMPSE_MAX];

	return step_fail(rd->s, SLUICE_EDATA, "%s: %s%s%s%s: %s", rd->p->x->what, what, path ? " '" : "",
	                 path ? path : "", path ? "'" : "", glimpse(buf_view(&rd->p->x->body), text, sizeof(text)));
}

/* ---- the list ---- */

/* Is there to be a list in it? Accepted refusals and what was put aside have none. */
static bool
has_list(const struct page *p)
{
	return p->x->status >= 200 && p->x->status <= 299 && !p->aside;
}

static int
list_read(struct reading *rd)
{
	const struct sluice_page_request *r = rd->a->r;
	struct page *p = rd->p;
	struct slice body = buf_view(&p->x->body);
	struct json_fault fault;
	char what[200];

	p->list = SLICE("[]");
	if (!has_list(p))
		return 0;
	if (!json_trim(body).len)
		return step_fail(rd->s, SLUICE_EDATA, "%s: the answer (status %d) is empty; a list was expected",
		                 p->x->what, p->x->status);
	if (!items_split(&p->items, body, r->items ? r->items : "", r->flags & SLUICE_NULL_IS_EMPTY, &fault)) {
		bool path = strstr(fault.what, "at this path") != NULL;
		if (rd->torn && fault.at == body.len) {
			*rd->torn = true;
			return -1;
		}
		snprintf(what, sizeof what, path ? "%s:" : "the answer is not sound JSON (%s at byte %zu)", fault.what,
		         fault.at);
		return data_fault(rd, what, path ? (r->items && *r->items ? r->items : "(the answer itself)") : NULL);
	}
	p->list = items_list(&p->items, body);
	rd->received = p->items.n;
	return 0;
}

static bool
into_list(const char *path, const char *items)
{
	size_t n = items ? strlen(items) : 0;

	return !n || (!strncmp(path, items, n) && (path[n] == '.' || !path[n]));
}

/* Finds a path in the answer. */
static bool
answer_path(struct reading *rd, const char *path, struct slice *v)
{
	struct slice body = buf_view(&rd->p->x->body), list = rd->p->list;

	if (!rd->p->items.n || into_list(path, rd->a->r->items))
		return json_path(body, path, v);
	if (!rd->rest.len) {
		buf_put(&rd->rest, body.p, (size_t)(list.p - body.p));
		buf_puts(&rd->rest, "[]");
		buf_put(&rd->rest, list.p + list.len, (size_t)(body.p + body.len - list.p) - list.len);
	}
	return json_path(buf_view(&rd->rest), path, v);
}

static int
has_more_read(struct reading *rd)
{
	const char *path = rd->a->r->has_more;
	struct slice v;
	bool more;

	rd->has_more = -1;
	if (!path || !answer_path(rd, path, &v) || json_type(v) == JSON_NULL)
		return 0;
	if (!json_bool(v, &more))
		return data_fault(rd, "no boolean at", path);
	rd->has_more = more;
	return 0;
}

/* ---- where it goes on, by kind ---- */

/* Takes a JSON scalar as the next cursor. false: it says that there is none. */
static int
cursor_take(struct reading *rd, struct slice v, const char *path, bool *there)
{
	enum json_type type = json_type(v);

	*there = false;
	if (type == JSON_NULL || type == JSON_FALSE || (type == JSON_STRING && v.len == 2))
		return 0;
	if (type != JSON_STRING && type != JSON_NUMBER)
		return data_fault(rd, "neither text nor number for a cursor at", path);
	if (v.len > CURSOR_MAX)
		return step_fail(rd->s, SLUICE_ELIMIT, "%s: the cursor at '%s' is longer than 16 KiB", rd->p->x->what,
		                 path);
	*there = true;
	free(rd->p->after.next);
	rd->p->after.next = slice_dup(v);
	return 0;
}

static int
next_none(struct reading *rd)
{
	rd->p->more = false;
	return 0;
}

static int
next_cursor(struct reading *rd)
{
	const char *path = rd->a->r->cursor;
	struct slice v;
	bool there = false;

	if (rd->has_more == 0)
		return 0;
	if (answer_path(rd, path, &v) && cursor_take(rd, v, path, &there))
		return -1;
	if (!there && rd->has_more == 1)
		return data_fault(rd, "there is more, says the answer, but no cursor at", path);
	rd->p->more = there;
	return 0;
}

static int
next_last_item(struct reading *rd)
{
	const char *path = rd->a->r->cursor ? rd->a->r->cursor : "id";
	const struct items *items = &rd->p->items;
	struct slice v;
	bool there = false;

	if (rd->has_more == 0 || (!items->n && rd->has_more < 0))
		return 0;
	if (!items->n)
		return data_fault(rd, "there is more, says the answer, but it has no item to go on from", NULL);
	if (items_fault(items, items->n - 1))
		return data_fault(rd, "the last item is faulty, and it should give the cursor at", path);
	if (json_path(items_at(items, items->n - 1), path, &v) && cursor_take(rd, v, path, &there))
		return -1;
	if (!there)
		return data_fault(rd, "the last item holds no cursor at", path);
	rd->p->more = true;
	return 0;
}

static int
next_link(struct reading *rd)
{
	const struct sluice_page_request *r = rd->a->r;
	struct buf text = {0}, url = {0}, quoted = {0};
	struct slice v;
	bool there = false;
	int rc = 0;

	if (rd->has_more == 0)
		return 0;
	if (r->cursor) {
		if (answer_path(rd, r->cursor, &v) && (rc = cursor_take(rd, v, r->cursor, &there)) == 0 && there &&
		    !json_unquote(v, &text))
			rc = data_fault(rd, "no URL at", r->cursor);
	} else if (link_header(buf_str(&rd->p->x->headers), &v)) {
		buf_slice(&text, v);
		there = v.len > 0;
	}
	if (rc == 0 && !there && rd->has_more == 1)
		rc = data_fault(rd, "there is more, says the answer, but it has no link to it", NULL);
	if (rc == 0 && there) {
		struct slice link = buf_view(&text);
		link_resolve(&url, slice_str(r->endpoint), r->flags & SLUICE_LINK_PATH ? link_path(link) : link);
		json_quote(&quoted, buf_view(&url));
		rc = cursor_take(rd, buf_view(&quoted), "link", &there);
		rd->p->more = there;
	}
	buf_free(&text);
	buf_free(&url);
	buf_free(&quoted);
	return rc;
}

/* A page shorter than the limit is the last one, unless no page was ever full: then the provider may have a
 * smaller limit of its own,
 * which must not pass for the end where what is absent will be deleted. */
static bool
page_is_short(const struct reading *rd)
{
	const struct asked *a = rd->a;

	if (!rd->received)
		return true;
	if (!a->limit || rd->received >= (size_t)a->limit)
		return false;
	return (!a->tracked && !(a->r->flags & SLUICE_LIMIT_UNSURE)) || a->mark->full;
}

static void
number_take(struct reading *rd, int64_t n)
{
	free(rd->p->after.next);
	rd->p->after.next = xasprintf("%lld", (long long)n);
}

static int64_t
mark_number(const struct asked *a, int64_t first)
{
	int64_t n = first;

	if (a->mark->next)
		json_int(slice_str(a->mark->next), &n);
	return n;
}

static int
next_offset(struct reading *rd)
{
	const struct asked *a = rd->a;
	int64_t here = mark_number(a, a->r->start), next = here - a->overlap + (int64_t)rd->received;

	if (a->r->flags & SLUICE_BY_PAGE)
		next = here - a->overlap + a->limit;
	rd->p->more = rd->has_more >= 0 ? rd->has_more : !page_is_short(rd) && next > here;
	if (rd->p->more && next <= here)
		return data_fault(rd, "there is more, says the answer, but it has no item to count on from", NULL);
	number_take(rd, next);
	return 0;
}

static int
next_page(struct reading *rd)
{
	rd->p->more = rd->has_more >= 0 ? rd->has_more : !page_is_short(rd);
	number_take(rd, mark_number(rd->a, (int64_t)rd->a->r->start + 1) + 1);
	return 0;
}

static int (*const next_of_kind[])(struct reading *) = {
	[0] = next_none,           [SLUICE_CURSOR] = next_cursor, [SLUICE_LAST_ITEM] = next_last_item,
	[SLUICE_LINK] = next_link, [SLUICE_OFFSET] = next_offset, [SLUICE_PAGE] = next_page,
};

/* ---- offsets: did the list shift under us? ---- */

/* What an item is known by: its key member's text, else all of it. */
static uint64_t
item_hash(const struct step *s, struct slice item)
{
	const char *key = "id";
	struct slice v;

	if (s->sync && s->sync->n_models) {
		const struct manifest_model *m = &s->w->manifest->models[s->sync->models[0]];
		key = m->fields[m->key].name;
	}
	if (!json_member(item, key, &v) && !json_member(item, "id", &v))
		v = item;
	return XXH3_64bits(v.p, v.len);
}

/* The first item was asked for again: the same as the last one of the page before? Then the plugin does not see it
 * twice. */
static uint8_t
overlap_judge(struct reading *rd)
{
	struct page *p = rd->p;
	char *from, *to;

	if (!rd->received || item_hash(rd->s, items_at(&p->items, 0)) != rd->a->mark->last) {
		step_log(rd->s, SLUICE_WARN, "%s: the list shifted while it was read", p->x->what);
		return PROOF_NONE;
	}
	from = p->x->body.p + (p->list.p - p->x->body.p) + 1;
	to = p->items.n > 1 ? p->x->body.p + p->items.v[1].at
	                    : p->x->body.p + (p->list.p - p->x->body.p) + p->list.len - 1;
	memset(from, ' ', (size_t)(to - from));
	items_drop_first(&p->items);
	return PROOF_WHOLE;
}

/* The same of a page that has not changed: its first item is the one that it was kept with, but the page before may end
 * in another one now. */
static uint8_t
overlap_again(struct reading *rd, const struct mark *was)
{
	if (was->has_first && was->first == rd->a->mark->last)
		return PROOF_WHOLE;
	step_log(rd->s, SLUICE_WARN, "%s: the list shifted while it was read", rd->p->x->what);
	return PROOF_NONE;
}

static uint8_t
page_proof(struct reading *rd)
{
	if (rd->a->overlap)
		return overlap_judge(rd);
	if (rd->a->mark->pages == 0 || (rd->a->r->kind != SLUICE_OFFSET && rd->a->r->kind != SLUICE_PAGE))
		return PROOF_WHOLE;
	return PROOF_WEAK;
}

/* ---- */

static int
position_read(struct reading *rd)
{
	struct page *p = rd->p;
	const struct asked *a = rd->a;
	uint8_t proof;

	mark_copy(&p->after, a->mark);
	if (has_list(p) && (has_more_read(rd) || next_of_kind[a->r->kind](rd)))
		return -1;
	p->after.has_first = a->overlap;
	p->after.first = a->mark->last;
	p->after.has_last = a->r->kind == SLUICE_OFFSET && p->items.n;
	if (p->after.has_last)
		p->after.last = item_hash(rd->s, items_at(&p->items, p->items.n - 1));
	proof = page_proof(rd);
	p->after.proof = proof > a->mark->proof ? proof : a->mark->proof;
	p->end_unseen = a->r->kind == SLUICE_LINK && !a->r->cursor && !p->more;
	p->after.full = a->limit && rd->received >= (size_t)a->limit;
	p->after.pages++;
	p->after.items += p->items.n;
	if (p->more && a->r->kind <= SLUICE_LINK)
		p->loops = (a->mark->next && !strcmp(a->mark->next, p->after.next)) ||
		           guard_step(&p->after.guard, slice_str(p->after.next));
	return 0;
}

/* The author's own look at the answer. The struct is as large as the plugin believes. */
static int
judge_ask(struct step *s, const struct sluice_page_request *r, const struct exchange *x, bool *aside)
{
	const struct sluice_response full = {x->status, x->body.p ? x->body.p : "", x->body.len,
	                                     x->headers.p ? x->headers.p : ""};
	union {
		struct sluice_response response;
		char room[512];
	} as = {.room = {0}};
	int rc;

	if (!r->judge)
		return 0;
	plugin_response_out(&s->w->plugin, &full, &as.response);
	rc = r->judge(&s->run, &as.response);
	*aside = rc > 0;
	if (rc < 0 && !s->status)
		step_fail(s, rc, "%s: the connector refused the answer", x->what);
	return s->status;
}

struct page *
page_read(struct step *s, const struct asked *asked, struct exchange *x, bool *torn)
{
	struct page *p = XNEW(struct page);
	struct reading rd = {.s = s, .a = asked, .p = p, .torn = torn};
	int rc;

	p->x = x;
	if (!x->status)
		rc = http_failure(s, x);
	else if (!http_accepted(x->status, asked->r->accept))
		rc = http_refused(s, x);
	else
		rc = judge_ask(s, asked->r, x, &p->aside) || list_read(&rd) || position_read(&rd);
	buf_free(&rd.rest);
	if (!rc)
		return p;
	page_free(p);
	return NULL;
}

struct page *
page_unchanged(struct step *s, const struct asked *asked, struct exchange *x)
{
	struct page *p = XNEW(struct page);
	struct slice body = buf_view(&x->body), v;
	struct reading rd = {.s = s, .a = asked, .p = p};
	int64_t items = 0;
	struct mark was;
	uint8_t proof;

	p->x = x;
	p->list = SLICE("[]");
	p->is_unchanged = true;
	if (!json_check(body, JSON_DEPTH_MAX, NULL) || !json_member(body, "items", &v) || !json_int(v, &items) ||
	    !json_member(body, "after", &v) || !mark_read(&was, v)) {
		step_fail(s, SLUICE_EDATA, "%s: what is kept of an unchanged page cannot be read", x->what);
		page_free(p);
		return NULL;
	}
	p->unchanged = (size_t)items;
	p->more = !json_member(v, "finished", &v);
	mark_copy(&p->after, asked->mark);
	free(p->after.next);
	p->after.next = was.next;
	p->after.has_first = was.has_first;
	p->after.first = was.first;
	p->after.has_last = was.has_last;
	p->after.last = was.last;
	p->after.full = was.full;
	proof = asked->overlap ? overlap_again(&rd, &was) : page_proof(&rd);
	p->after.proof = proof > asked->mark->proof ? proof : asked->mark->proof;
	p->after.pages++;
	p->after.items += p->unchanged;
	if (p->more && asked->r->kind <= SLUICE_LINK && p->after.next)
		p->loops = guard_step(&p->after.guard, slice_str(p->after.next));
	return p;
}

void
page_free(struct page *p)
{
	if (!p)
		return;
	exchange_free(p->x);
	items_free(&p->items);
	mark_free(&p->after);
	free(p);
}
