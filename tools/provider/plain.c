/* plain.c - /plain: lists of generated records, one for each way of paging that there is.
 *
 *   cursor    ?limit&after=CURSOR        {"items":[…],"meta":{"next":"…"|null,"has_more":bool}}; has_more=0: without it
 *   last      ?limit&starting_after=ID       {"items":[…],"has_more":bool}
 *   link      ?limit&page        […] and a Link header (absolute, rel="next")
 *   linkbody  ?limit&page        {"items":[…],"next":"http://…"|null}
 *   offset    ?limit&offset      {"items":[…],"total":n}
 *   page      ?limit&page        {"items":[…],"page":n,"pages":n}
 *   post      POST {"limit":n,"cursor":"…"}  {"items":[…],"cursor":"…"|null}
 *   parents, parents/ID/children; a, a/ID/b, a/ID/b/ID/c      as cursor
 *
 * Records are objects of the kind plain records: POST /_control/mutate changes them, ?records=N shows another number of
 * them. Oldest first. A record has plain.size bytes, give or take the length of its numbers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"
#include "provider.h"
#include "window.h"

static const char *const record_shapes[] = {
        "{'id':'<id>','number':<i>,'name':'<first> <last>','email':'<word>.<hex 6>@example.com','amount':<~num -500000 "
        "900000>,"
        "'active':<~pick true|false>,'note':null,'created':<created>,'updated':<updated>,'revision':<rev>,"
        "'tags':['<word>','<word>'],'text':'",
        NULL};

const struct kind plain_kinds[] = {
        {"plain", "records", "rec_", 16, false, 1, 1, 1, record_shapes},
        KINDS_END,
};

#define PAD_LINE                                                                                                       \
	"all work and no play makes a dull record; the quick brown fox jumps over it, and over, and over again. "
static const char pad[] = PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE PAD_LINE;

static void
record_put(struct provider *v, const struct dataset *d, uint32_t i, struct buf *out)
{
	size_t from = out->len;

	dataset_render(d, i, out);
	size_t have = out->len - from + 2, shift = i % 90;
	for (size_t need = v->settings.plain_size > have ? v->settings.plain_size - have : 0; need > 0;) {
		size_t n = need < sizeof(pad) - 100 ? need : sizeof(pad) - 100;
		buf_put(out, pad + shift, n);
		need -= n;
	}
	buf_puts(out, "\"}");
}

/* The list that a request asks for, and its page of it. */
struct listing {
	struct provider *v;
	const struct request *r;
	struct reply *p;
	struct dataset set; /* a copy: ?records=N may have resized it */
	struct window w;
	struct slice sub;  /* of nested lists: the id that comes before them; else empty */
	const char *label; /* and the letter of their own ids */
};

static void
listing_items(struct listing *l)
{
	struct buf *out = &l->p->body;

	reply_items_begin(l->p);
	for (size_t k = 0; k < l->w.count; k++) {
		size_t at = window_rotate(&l->w, l->r, k);
		if (k)
			buf_putc(out, ',');
		if (!l->label)
			record_put(l->v, &l->set, dataset_at(&l->set, at), out);
		else if (l->sub.len)
			buf_printf(out, "{\"id\":\"%.*s-%s%zu\",\"parent\":\"%.*s\",\"number\":%zu}", (int)l->sub.len,
			           l->sub.p, l->label, at, (int)l->sub.len, l->sub.p, at);
		else
			buf_printf(out, "{\"id\":\"%s%zu\",\"number\":%zu}", l->label, at, at);
	}
	reply_items_end(l->p, !l->w.more);
}

static const char *
listing_token(const struct listing *l, char out[32])
{
	if (l->w.token[0])
		return l->w.token;
	snprintf(out, 32, "p%zu", l->w.start + l->w.count);
	return out;
}

/* A cursor of ours, "p" and the place; false when it is none, unless a fault made it. */
static bool
token_parse(struct listing *l, const char *token)
{
	char *end = NULL;

	l->w.start = *token == 'p' ? strtoull(token + 1, &end, 10) : 0;
	if (!*token || (end && !*end && l->w.start <= l->w.total) || l->r->bend)
		return true;
	reply_error(l->p, 400, "'%s' is no cursor of this list", token);
	return false;
}

static void
serve_cursor(struct listing *l)
{
	char token[64], next[32];

	request_param(l->r, "after", token, sizeof(token));
	if (!token_parse(l, token))
		return;
	window_cut(&l->w, l->r);
	struct json_out o = reply_json(l->p, 200);
	buf_puts(o.b, "{\"items\":");
	listing_items(l);
	buf_puts(o.b, l->w.more ? ",\"meta\":{\"next\":\"" : ",\"meta\":{\"next\":");
	buf_puts(o.b, l->w.more ? listing_token(l, next) : "null");
	buf_puts(o.b, l->w.more ? "\"" : "");
	if (request_number(l->r, "has_more", 1))
		buf_puts(o.b, l->w.more ? ",\"has_more\":true" : ",\"has_more\":false");
	buf_puts(o.b, "}}");
}

static void
serve_last(struct listing *l)
{
	char id[ID_MAX];
	uint32_t i;

	if (request_param(l->r, "starting_after", id, sizeof(id))) {
		if (!dataset_find(&l->set, id, &i)) {
			reply_error(l->p, 400, "no such record: '%s'", id);
			return;
		}
		l->w.start = dataset_rank(&l->set, i) + dataset_has(&l->set, i);
	}
	window_cut(&l->w, l->r);
	struct json_out o = reply_json(l->p, 200);
	buf_puts(o.b, "{\"items\":");
	listing_items(l);
	buf_puts(o.b, l->w.more ? ",\"has_more\":true}" : ",\"has_more\":false}");
}

static int64_t
listing_page(struct listing *l)
{
	int64_t page = request_limit(l->r, "page", 1, 100000000);

	l->w.start = (size_t)(page - 1) * l->w.limit;
	window_cut(&l->w, l->r);
	return page;
}

static void
next_url(const struct listing *l, int64_t page, char out[512])
{
	struct slice host;

	request_header(l->r, "host", &host);
	snprintf(out, 512, "http://%.*s%.*s?limit=%zu&page=%lld%s%s", (int)host.len, host.p, (int)l->r->path.len,
	         l->r->path.p, l->w.limit, (long long)page + 1, l->w.token[0] ? "&t=" : "", l->w.token);
}

static void
serve_link(struct listing *l)
{
	char url[512];
	int64_t page = listing_page(l);

	reply_json(l->p, 200);
	listing_items(l);
	next_url(l, page, url);
	if (l->w.more)
		reply_header(l->p, "Link", "<%s>; rel=\"next\", <http://127.0.0.1/docs>; rel=\"help\"", url);
}

static void
serve_linkbody(struct listing *l)
{
	char url[512];
	int64_t page = listing_page(l);
	struct json_out o = reply_json(l->p, 200);

	buf_puts(o.b, "{\"items\":");
	listing_items(l);
	next_url(l, page, url);
	if (l->w.more)
		buf_printf(o.b, ",\"next\":\"%s\"}", url);
	else
		buf_puts(o.b, ",\"next\":null}");
}

static void
serve_offset(struct listing *l)
{
	int64_t offset = request_number(l->r, "offset", 0);

	l->w.start = offset > 0 ? (size_t)offset : 0;
	window_cut(&l->w, l->r);
	struct json_out o = reply_json(l->p, 200);
	buf_puts(o.b, "{\"items\":");
	listing_items(l);
	buf_printf(o.b, ",\"offset\":%zu,\"limit\":%zu,\"total\":%zu}", l->w.start, l->w.limit, l->w.total);
}

static void
serve_page(struct listing *l)
{
	int64_t page = listing_page(l);
	struct json_out o = reply_json(l->p, 200);

	buf_puts(o.b, "{\"items\":");
	listing_items(l);
	buf_printf(o.b, ",\"page\":%lld,\"pages\":%zu}", (long long)page, (l->w.total + l->w.limit - 1) / l->w.limit);
}

static void
serve_post(struct listing *l)
{
	struct slice body = l->r->body, v;
	char next[32], *token = NULL;
	int64_t limit;

	if (!request_is(l->r, "POST") || !json_check(body, JSON_DEPTH_MAX, NULL)) {
		reply_error(l->p, 400, "this list wants a POST with a body of JSON");
		return;
	}
	if (json_member(body, "limit", &v) && json_int(v, &limit) && limit > 0 && limit <= 1000)
		l->w.limit = (size_t)limit;
	if (json_member(body, "cursor", &v) && json_type(v) == JSON_STRING)
		token = json_text(v);
	if (token_parse(l, token ? token : "")) {
		window_cut(&l->w, l->r);
		struct json_out o = reply_json(l->p, 200);
		buf_puts(o.b, "{\"items\":");
		listing_items(l);
		buf_puts(o.b, l->w.more ? ",\"cursor\":\"" : ",\"cursor\":null}");
		buf_puts(o.b, l->w.more ? listing_token(l, next) : "");
		buf_puts(o.b, l->w.more ? "\"}" : "");
	}
	free(token);
}

static const struct {
	const char *name;
	void (*serve)(struct listing *l);
} styles[] = {
        {"cursor", serve_cursor}, {"last", serve_last}, {"link", serve_link}, {"linkbody", serve_linkbody},
        {"offset", serve_offset}, {"page", serve_page}, {"post", serve_post},
};

/* The nested lists: names of the levels, and the setting that says how many items each has. */
static const struct {
	const char *names[3];
	size_t sizes[3]; /* offsets in struct settings */
	const char *labels[3];
} trees[] = {
        {{"parents", "children"},
         {offsetof(struct settings, plain_parents), offsetof(struct settings, plain_children)},
         {"parent", "child"}},
        {{"a", "b", "c"},
         {offsetof(struct settings, plain_a), offsetof(struct settings, plain_b), offsetof(struct settings, plain_c)},
         {"a", "b", "c"}},
};

static struct slice
segment_next(struct slice *rest)
{
	const char *slash = rest->len ? memchr(rest->p, '/', rest->len) : NULL;
	struct slice s = slash ? slice_of(rest->p, (size_t)(slash - rest->p)) : *rest;

	*rest = slash ? slice_of(slash + 1, rest->len - s.len - 1) : (struct slice){0};
	return s;
}

static bool
tree_serve(struct listing *l, struct slice rest)
{
	struct slice name = segment_next(&rest);

	for (size_t t = 0; t < LENGTH(trees); t++) {
		size_t level = 0;
		if (!slice_is(name, trees[t].names[0]))
			continue;
		for (; rest.len && level < 2 && trees[t].names[level + 1]; level++) {
			l->sub = segment_next(&rest);
			if (!slice_is(segment_next(&rest), trees[t].names[level + 1]))
				return false;
		}
		l->w.total = *(const uint32_t *)(const void *)((const char *)&l->v->settings + trees[t].sizes[level]);
		l->label = trees[t].labels[level];
		serve_cursor(l);
		return true;
	}
	return false;
}

void
plain_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	struct listing l = {.v = v, .r = r, .p = p, .set = *world_find(&v->world, "plain", "records")};
	int64_t records = request_number(r, "records", -1);

	if (records >= 0)
		l.set = (struct dataset){.kind = l.set.kind,
		                         .world = l.set.world,
		                         .seed = l.set.seed,
		                         .shapes = l.set.shapes,
		                         .shape_count = l.set.shape_count,
		                         .count = (uint32_t)records,
		                         .base = (uint32_t)records,
		                         .live_count = (uint32_t)records};
	l.w.total = l.set.live_count;
	l.w.limit = (size_t)request_limit(r, "limit", 100, 1000);
	for (size_t i = 0; i < LENGTH(styles); i++)
		if (slice_is(rest, styles[i].name)) {
			styles[i].serve(&l);
			return;
		}
	if (!tree_serve(&l, rest))
		reply_error(p, 404, "no list of this name: /plain/%.*s", (int)rest.len, rest.p);
}
