/* contract_records.c - the contract's records, GET /records, in pages.
 *
 * A page is one snapshot of the feed in the order of each record's last change. Paging until next_cursor is null shows every
 * record once, and one that changes meanwhile once more at its new place; whoever keeps the cursor of the last record he read
 * gets what changed since. last_action is what last happened to a record, wherever the reader stands: a filter chooses by that.
 * The deleted are shown too, with what they last held, and never left out in silence: a cursor older than what was pruned of
 * them is 400 cursor_expired, unless the filter leaves them out anyway.
 *
 * The loop only finds the dataset; reading and writing a page is the HTTP thread's. A page ends at `limit`, or where it has
 * grown to PAGE_BYTES: then next_cursor is set all the same.
 *
 * Awkward: `id` is always the record's key, as text. A member "id" of the provider that is something else, or a number, gives
 * way to it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/contract.h"
#include "api/cursor.h"
#include "base/mem.h"

#define LIMIT_USUAL 100
#define LIMIT_MOST 10000
#define IDS_MOST 100
#define PAGE_BYTES (8u << 20) /* of records, as stored */

static const char *const action_words[] = {
	[CHANGE_ADDED] = "ADDED",
	[CHANGE_UPDATED] = "UPDATED",
	[CHANGE_DELETED] = "DELETED",
};

struct found { /* of `ids`, before it is written */
	uint64_t sequence;
	const char *id;
};

struct page {
	struct store *store;
	struct feed_query query;
	struct cursor cursor; /* of the reader */
	const struct clock *clock;
	char *ids[IDS_MOST];
	size_t n_ids;
	struct buf out;
	struct json_out json;
	struct found found[IDS_MOST];
	size_t n_found, written;
	uint64_t next, last; /* last: sequence of the record written last, */
	int64_t last_us;     /* and when it changed */
	bool more;
};

static void
page_free(void *arg)
{
	struct page *p = arg;

	for (size_t i = 0; i < p->n_ids; i++)
		free(p->ids[i]);
	buf_free(&p->out);
	free(p);
}

/* ---- a record ---- */

static bool
name_is(struct slice key, const char *name)
{
	struct buf text = {0}, quoted = {0};
	bool same;

	if (!memchr(key.p, '\\', key.len))
		return slice_is(key, name);
	buf_printf(&quoted, "\"%.*s\"", (int)key.len, key.p);
	same = json_unquote(buf_view(&quoted), &text) && slice_is(buf_view(&text), name);
	buf_free(&text);
	buf_free(&quoted);
	return same;
}

static void
time_put(struct json_out *o, const char *key, int64_t us)
{
	char text[TIME_TEXT_MAX];

	json_kv_str(o, key, us ? contract_time(us, text) : NULL);
}

/* Of a reader who has come so far. What was pruned when he began is of no interest where he has come past it. */
static const char *
cursor_behind(const struct page *p, uint64_t sequence, int64_t at_us, char text[CURSOR_TEXT_MAX])
{
	const struct cursor at = {.of = CURSOR_CONTRACT,
	                          .dataset = p->cursor.dataset,
	                          .after = sequence,
	                          .began = sequence < p->cursor.began ? p->cursor.began : 0,
	                          .at_us = at_us};

	return cursor_write(p->store, &at, text);
}

/* Behind what was looked through; without a record on the page that is where, and when, the look ended. */
static const char *
cursor_next(const struct page *p, char text[CURSOR_TEXT_MAX])
{
	return cursor_behind(p, p->next, p->next == p->last ? p->last_us : clock_wall_us(p->clock), text);
}

static void
metadata_put(struct page *p, struct json_out *o, const struct record *r)
{
	char cursor[CURSOR_TEXT_MAX];

	json_key(o, "_nango_metadata");
	json_open(o, '{');
	time_put(o, "first_seen_at", r->first_seen_us);
	time_put(o, "last_modified_at", r->modified_us);
	json_kv_str(o, "last_action", action_words[r->action]);
	time_put(o, "deleted_at", r->deleted_us);
	time_put(o, "pruned_at", r->pruned_us);
	json_kv_str(o, "cursor", cursor_behind(p, r->sequence, r->modified_us, cursor));
	json_close(o, '}');
}

static bool
record_put(void *arg, const struct record *r)
{
	struct page *p = arg;
	struct json_iter it = json_iter(r->json);
	struct json_out *o = &p->json;

	json_open(o, '{');
	json_kv_slice(o, "id", r->id);
	while (json_next(&it)) {
		if (name_is(it.key, "id") || name_is(it.key, "_nango_metadata"))
			continue;
		buf_puts(o->b, ",\"");
		buf_slice(o->b, it.key);
		buf_puts(o->b, "\":");
		buf_slice(o->b, it.value);
	}
	metadata_put(p, o, r);
	json_close(o, '}');
	p->written++;
	p->last = r->sequence;
	p->last_us = r->modified_us;
	return true;
}

/* ---- the page ---- */

static void
pruned_take(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->pruned;
}

/* By a question of its own: the same refusals as for any page, and nothing read. */
static int
cursor_check(struct page *p, struct err *err)
{
	struct feed_query q = p->query;

	q.limit = 1;
	q.actions = 1u << CHANGE_ADDED;
	q.since_us = INT64_MAX;
	return store_feed(p->store, &q, record_put, p, NULL, NULL, err);
}

struct finding {
	struct page *page;
	const char *id;
	uint64_t sequence; /* to be written, if it is still there; 0: to be found */
};

static void
found_put(void *arg, const struct record *r)
{
	struct finding *f = arg;
	struct page *p = f->page;
	const struct feed_query *q = &p->query;

	if (f->sequence) {
		if (r->sequence == f->sequence) {
			record_put(p, r);
			p->query.bytes -= r->json.len < p->query.bytes ? r->json.len : p->query.bytes;
			p->next = r->sequence;
		} else {
			p->more = true; /* it has changed since, and stands on a later page */
		}
		return;
	}
	if (r->sequence > q->after && r->modified_us >= q->since_us && (!q->actions || q->actions & 1u << r->action))
		p->found[p->n_found++] = (struct found){r->sequence, f->id};
}

static int
by_sequence(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static int
ids_read(struct page *p, struct err *err)
{
	if (cursor_check(p, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n_ids; i++)
		store_record(p->store, p->query.dataset, slice_str(p->ids[i]), found_put, &(struct finding){p, p->ids[i], 0});
	qsort(p->found, p->n_found, sizeof *p->found, by_sequence);
	for (size_t i = 0; i < p->n_found && !p->more; i++) {
		struct finding f = {p, p->found[i].id, p->found[i].sequence};
		if (i && p->found[i].sequence == p->found[i - 1].sequence)
			continue; /* named twice */
		if (p->written == p->query.limit || !p->query.bytes)
			p->more = true;
		else
			store_record(p->store, p->query.dataset, slice_str(f.id), found_put, &f);
	}
	return 0;
}

static void
refuse(struct http_call *c, const struct err *err)
{
	if (err->cls == ERR_DATA && strncmp(err->text, "cursor_expired", 14) == 0)
		http_fail(c, 400, "cursor_expired",
		          "deletes behind this cursor are no longer kept; read again from the beginning, without a cursor");
	else if (err->cls == ERR_DATA)
		http_fail(c, 400, "invalid_cursor", "this cursor is not of what is stored now, which is an older backup; read again from the beginning");
	else
		http_fail_err(c, err);
}

/* In the HTTP thread. */
static void
page_read(struct http_call *c, void *arg)
{
	struct page *p = arg;
	char cursor[CURSOR_TEXT_MAX];
	struct err err = {0};
	int rc;

	p->next = p->query.after;
	if (!p->query.after)
		store_dataset_info(p->store, p->query.dataset, pruned_take, &p->cursor.began);
	p->query.began = p->cursor.began;
	p->json = json_out(&p->out);
	json_open(&p->json, '{');
	json_key(&p->json, "records");
	json_open(&p->json, '[');
	rc = p->n_ids ? ids_read(p, &err) : store_feed(p->store, &p->query, record_put, p, &p->next, &p->more, &err);
	if (rc != 0) {
		refuse(c, &err);
		return;
	}
	json_close(&p->json, ']');
	json_kv_str(&p->json, "next_cursor", p->more ? cursor_next(p, cursor) : NULL);
	json_close(&p->json, '}');
	http_reply(c, 200, buf_view(&p->out));
}

/* ---- what is asked ---- */

/* 0: all of them. */
static unsigned
actions_of(const struct http_call *c)
{
	unsigned actions = 0;
	const char *word;

	for (size_t i = 0; (word = http_param_at(c, "filter", i)); i++)
		for (size_t k = CHANGE_ADDED; k <= CHANGE_DELETED; k++)
			if (strcasecmp(word, action_words[k]) == 0)
				actions |= 1u << k;
	return actions;
}

static void
records_get(struct http_call *c, void *arg)
{
	struct api *a = arg;
	const char *cursor = http_param(c, "cursor"), *id;
	struct page *p = XNEW(struct page);
	unsigned actions = actions_of(c);

	p->store = api_store(a);
	p->clock = host_clock(api_host(a));
	if (!contract_dataset(a, c, http_param(c, "model"), http_param(c, "variant"), &p->cursor.dataset))
		goto answered;
	if (cursor && *cursor && !contract_cursor(c, p->store, cursor, &p->cursor))
		goto answered;
	for (; (id = http_param_at(c, "ids", p->n_ids)); p->n_ids++) {
		if (p->n_ids == IDS_MOST) {
			http_fail(c, 400, "invalid_query_params", "ids: at most %d in one request", IDS_MOST);
			goto answered;
		}
		p->ids[p->n_ids] = xstrdup(id);
	}
	if (!p->cursor.dataset) {
		http_reply(c, 200, SLICE("{\"records\":[],\"next_cursor\":null}"));
		goto answered;
	}
	p->query = (struct feed_query){
		.dataset = p->cursor.dataset,
		.after = p->cursor.after,
		.at_us = p->cursor.at_us,
		.limit = (size_t)http_param_int(c, "limit", LIMIT_USUAL),
		.bytes = PAGE_BYTES,
		.all = true,
		.actions = actions,
		.live_only = actions && !(actions & 1u << CHANGE_DELETED),
		.since_us = http_param_int(c, "modified_after", 0),
	};
	http_read(c, page_read, p, page_free);
	return;
answered:
	page_free(p);
}

/* ---- the routes ---- */

static const char *const filter_words[] = {"added", "updated", "deleted", NULL};
static const char *const last_actions[] = {"ADDED", "UPDATED", "DELETED", NULL};

static const struct http_param list_params[] = {
	CONTRACT_OF_CONNECTION,
	{.name = "model", .type = HTTP_NAME, .required = true, .help = "whose records"},
	{.name = "variant", .type = HTTP_NAME, .help = "of the sync that brings them; base"},
	{.name = "cursor", .type = HTTP_TEXT, .help = "what changed behind it; from next_cursor or from a record's own"},
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = LIMIT_MOST, .help = "records of a page; 100"},
	{.name = "filter", .type = HTTP_WORD, .words = filter_words, .repeated = true, .comma = true,
	 .help = "only records whose last action is one of these"},
	{.name = "modified_after", .type = HTTP_TIME, .help = "only records that changed then or later"},
	{.name = "ids", .type = HTTP_TEXT, .repeated = true, .max = STORE_ID_MAX, .help = "only these records; up to 100"},
	{0},
};

static const struct http_schema metadata_schema = {
	"ContractRecordMetadata",
	(const struct http_field[]){
		{.name = "first_seen_at", .type = HTTP_TIME, .required = true, .help = "kept when a deleted record comes back"},
		{.name = "last_modified_at", .type = HTTP_TIME, .required = true, .help = "of its last action"},
		{.name = "last_action", .type = HTTP_WORD, .required = true, .words = last_actions, .help = "what last happened to it"},
		{.name = "deleted_at", .type = HTTP_TIME, .required = true, .nullable = true, .help = "null: it is there"},
		{.name = "pruned_at", .type = HTTP_TIME, .required = true, .nullable = true, .help = "its content was given up then"},
		{.name = "cursor", .type = HTTP_TEXT, .required = true, .help = "goes on behind this record"},
		{0}},
	false};
static const struct http_schema record_schema = {
	"ContractRecord",
	(const struct http_field[]){
		{.name = "id", .type = HTTP_TEXT, .required = true, .help = "the record's key, always as text"},
		{.name = "_nango_metadata", .type = HTTP_OBJECT, .required = true, .of = &metadata_schema, .help = "what is known of it here"},
		{0}},
	true};
static const struct http_schema page_schema = {
	"ContractRecordPage",
	(const struct http_field[]){
		{.name = "records", .type = HTTP_ARRAY, .required = true, .of = &record_schema, .help = "in the order of their last changes"},
		{.name = "next_cursor", .type = HTTP_TEXT, .required = true, .nullable = true, .help = "null: this was the last page"},
		{0}},
	false};
static const struct http_answer list_answers[] = {
	{200, .schema = &page_schema, .help = "a page; empty where nothing of this model was synced"},
	{400, .help = "unknown_connection, invalid_cursor; cursor_expired: deletes behind it are no longer kept, read from the beginning"},
	{0},
};

#define LIST(path_, name_, hidden_)                                                                                    \
	{.method = "GET", .path = path_, .name = name_, .tag = "Records", .summary = "Records, in the order of their last changes", \
	 .rights = RIGHT_READ, .params = list_params, .hidden = hidden_, .answers = list_answers, .handle = records_get}

const struct http_route contract_records_routes[] = {
	LIST("/records", "listRecords", false),
	LIST("/records/", "listRecordsSlash", true),
	{0},
};
