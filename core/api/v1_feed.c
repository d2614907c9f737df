/* v1_feed.c - /api/v1/datasets: records and changes page by page, and waiting for the next change.
 *
 * Pages are read in the HTTP thread, each in one short snapshot, and the loop hears of them when they are over: it is what a sync
 * waits for. A call that waits (wait=30s) is suspended; the first commit
 * that changes its dataset wakes it, or the time: then it is answered like any other, if need be with no changes and the cursor
 * to ask again with.
 *
 * Awkward: a page may also be empty because what was changed is not to be seen from this cursor, like a record that came and
 * went. Its cursor has moved on all the same. */
#include <stdlib.h>
#include <string.h>
#include "api/v1.h"
#include "base/mem.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}
#define WAIT_MAX_MS 60000

struct page { /* one call */
	struct feed feed;
	struct waits *waits;
	struct wait wait;
	struct http_call *call;
	struct buf out;
	struct json_out json;
};

static void
page_free(void *arg)
{
	struct page *p = arg;

	buf_free(&p->out);
	free(p);
}

static struct page *
page_new(struct api *a, struct http_call *c, enum cursor_of of)
{
	struct feed feed;
	struct page *p;

	if (feed_find(a, c, of, NULL, &feed) != 0)
		return NULL;
	p = XNEW(struct page);
	p->feed = feed;
	p->call = c;
	p->waits = v1_waits(api_v1(a));
	return p;
}

static void
row_put(void *arg, const struct record *r, const struct cursor *behind)
{
	struct page *p = arg;

	(void)behind;
	if (p->feed.at.of == CURSOR_CHANGES)
		feed_put_change(&p->json, r);
	else
		feed_put_record(&p->json, r);
}

/* In the HTTP thread. */
static void
page_read(struct http_call *c, void *arg)
{
	struct page *p = arg;
	char text[CURSOR_TEXT_MAX];
	struct err err = {0};
	bool more = false;

	p->json = json_out(&p->out);
	json_open(&p->json, '{');
	json_key(&p->json, p->feed.at.of == CURSOR_CHANGES ? "changes" : "records");
	json_open(&p->json, '[');
	if (feed_read(&p->feed, row_put, p, &more, &err) != 0) {
		feed_fail(c, &err);
		return;
	}
	json_close(&p->json, ']');
	json_kv_str(&p->json, "cursor", cursor_write(p->feed.store, &p->feed.at, text));
	json_kv_bool(&p->json, "more", more);
	json_close(&p->json, '}');
	http_reply(c, 200, buf_view(&p->out));
}

/* In the HTTP thread. */
static bool
records_get(struct http_call *c, void *arg)
{
	struct page *p = page_new(arg, c, CURSOR_RECORDS);

	if (!p)
		return true;
	p->feed.deleted = http_param_bool(c, "deleted", false);
	page_read(c, p);
	page_free(p);
	return true;
}

/* ---- one record ---- */

struct one {
	struct buf out;
	bool deleted, found;
};

static void
one_take(void *arg, const struct record *r)
{
	struct one *one = arg;
	struct json_out o = json_out(&one->out);

	if (r->deleted_us && !one->deleted)
		return;
	one->found = true;
	json_open(&o, '{');
	json_key(&o, "data");
	feed_put_record(&o, r);
	json_close(&o, '}');
}

static void
record_get(struct http_call *c, void *arg)
{
	struct one one = {.deleted = http_param_bool(c, "deleted", false)};
	struct feed f;

	if (feed_find(arg, c, CURSOR_RECORDS, NULL, &f) != 0)
		return;
	store_record(f.store, f.at.dataset, slice_str(http_param(c, "id")), one_take, &one);
	if (one.found)
		http_reply(c, 200, buf_view(&one.out));
	else
		http_fail(c, 404, "not_found", "there is no %srecord of this id", one.deleted ? "" : "live ");
	buf_free(&one.out);
}

/* ---- changes, and waiting for them ---- */

static void
sequence_take(void *arg, const struct dataset_info *d)
{
	*(uint64_t *)arg = d->sequence;
}

/* The newest few, for whoever wants to see what came lately; a record that has changed since left its place empty. */
static void
page_tail(struct page *p, int64_t tail)
{
	uint64_t sequence = 0;

	store_dataset_info(p->feed.store, p->feed.at.dataset, sequence_take, &sequence);
	p->feed.at.after = sequence > (uint64_t)tail ? sequence - (uint64_t)tail : 0;
}

/* Is there something to be said now: changes, or that the cursor is none any more? */
static bool
page_ready(const struct page *p)
{
	uint64_t sequence = 0;

	return !store_dataset_info(p->feed.store, p->feed.at.dataset, sequence_take, &sequence) || sequence != p->feed.at.after;
}

static void
page_woken(void *arg, bool late)
{
	struct page *p = arg;

	(void)late;
	http_on_gone(p->call, NULL, NULL);
	http_read(p->call, page_read, p, page_free);
}

/* The client left, or the host ends: who is still there gets his cursor back. */
static void
page_gone(struct http_call *c, void *arg)
{
	struct page *p = arg;

	waits_drop(p->waits, &p->wait);
	http_read(c, page_read, p, page_free);
}

static bool
wants_stream(const struct http_call *c)
{
	const char *accept = http_header(c, "Accept");

	return accept && strstr(accept, "text/event-stream");
}

static struct page *
changes_page(struct api *a, struct http_call *c)
{
	struct page *p = page_new(a, c, CURSOR_CHANGES);

	if (p && http_param(c, "tail") && !http_param(c, "cursor") && !http_param(c, "after"))
		page_tail(p, http_param_int(c, "tail", 0));
	return p;
}

/* In the HTTP thread: what is there already needs nobody's leave. Who has to wait is the loop's. */
static bool
changes_ahead(struct http_call *c, void *arg)
{
	struct page *p;
	bool ready;

	if (wants_stream(c))
		return false;
	p = changes_page(arg, c);
	if (!p)
		return true;
	ready = !http_param_int(c, "wait", 0) || page_ready(p);
	if (ready)
		page_read(c, p);
	page_free(p);
	return ready;
}

static void
changes_get(struct http_call *c, void *arg)
{
	struct page *p;

	if (wants_stream(c)) {
		feed_stream(c, arg);
		return;
	}
	p = changes_page(arg, c);
	if (!p)
		return;
	if (page_ready(p)) { /* by now */
		http_read(c, page_read, p, page_free);
		return;
	}
	p->wait.woken = page_woken;
	p->wait.arg = p;
	waits_add(p->waits, &p->wait, p->feed.at.dataset, http_param_int(c, "wait", 0));
	http_on_gone(c, page_gone, p);
}

/* ---- the table ---- */

#define DATASET "/api/v1/datasets/{connection}/{integration}/{model}"
#define OF_DATASET \
	V1_CONNECTION, V1_INTEGRATION, V1_PATH("model", "the model's name; of a merged dataset connection and integration are \"merge\""), \
		V1_TEXT("variant", "of the sync; usually base")
#define CURSOR(help_) {.name = "cursor", .place = IN_QUERY, .type = HTTP_TEXT, .max = 100, .help = (help_)}
#define LIMIT V1_INT("limit", 1, 10000, "at most so many; usually 100. A page ends at 4 MiB too")
#define DELETED V1_BOOL("deleted", "deleted ones too, with their last content")

static const struct http_param dataset_filters[] = {V1_FILTERS, V1_TEXT("model", "only of this model"), V1_TEXT("variant", "only of this variant of syncs; usually all"), {0}};
static const struct http_param record_params[] = {OF_DATASET, LIMIT, CURSOR("of the page before; without: from the beginning"), DELETED, {0}};
static const struct http_param one_params[] = {
	OF_DATASET, DELETED, {.name = "id", .place = IN_PATH, .type = HTTP_TEXT, .required = true, .max = 255, .help = "the record's id"}, {0}};
static const struct http_param change_params[] = {
	OF_DATASET, LIMIT, CURSOR("of the answer before, or of a snapshot; without: from the beginning"),
	V1_INT("after", 0, INT64_MAX, "without a cursor: behind this sequence, as `after` of a webhook's event has it"),
	V1_INT("tail", 1, 1000, "without a cursor: only from so many changes before the newest"),
	{.name = "wait", .place = IN_QUERY, .type = HTTP_DURATION, .max = WAIT_MAX_MS,
	 .help = "when there is nothing new, answer with the next change, or after so long: 30s"},
	{.name = "Last-Event-ID", .place = IN_HEADER, .type = HTTP_TEXT, .max = 100, .help = "of a stream: goes on behind this event"},
	{0},
};
static const struct http_param stream_params[] = {
	OF_DATASET, CURSOR("of an earlier answer, or of a snapshot; without: from the beginning"),
	{.name = "Last-Event-ID", .place = IN_HEADER, .type = HTTP_TEXT, .max = 100, .help = "goes on behind this event"},
	{0},
};
static const struct http_param snapshot_params[] = {OF_DATASET, {0}};
static const struct http_param export_params[] = {
	OF_DATASET, DELETED, V1_BOOL("mask", "of CSV: fields that the connector calls sensitive as ***"),
	V1_BOOL("spreadsheet", "of CSV: an apostrophe before texts that a spreadsheet would carry out as formulas"),
	{.name = "to", .place = IN_QUERY, .type = HTTP_WORD, .words = (const char *const[]){"jsonl", "csv", NULL}, .help = "usually jsonl"},
	{0},
};

static const struct http_field dataset_fields[] = {
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "model", .type = HTTP_TEXT, .required = true},
	{.name = "variant", .type = HTTP_TEXT, .required = true, .help = "of the sync that brings it; usually base"},
	{.name = "live", .type = HTTP_INT, .required = true, .help = "records now"},
	{.name = "deleted", .type = HTTP_INT, .required = true},
	{.name = "bytes", .type = HTTP_INT, .required = true, .help = "of live JSON"},
	{.name = "sequence", .type = HTTP_INT, .required = true, .help = "of the last change"},
	{.name = "modified_at", .type = HTTP_TEXT, .nullable = true},
	{0},
};
static const struct http_schema dataset_schema = {.name = "Dataset", .fields = dataset_fields, .loose = true};
static const struct http_field datasets_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &dataset_schema}, {0}};
static const struct http_schema datasets_schema = {.name = "Datasets", .fields = datasets_fields};
static const struct http_answer datasets_answers[] = {{.status = 200, .schema = &datasets_schema}, {0}};

#define FACTS \
	{.name = "id", .type = HTTP_TEXT, .required = true}, \
	{.name = "sequence", .type = HTTP_INT, .required = true, .help = "of its latest change, in its dataset"}, \
	{.name = "first_seen_at", .type = HTTP_TEXT, .required = true}, \
	{.name = "modified_at", .type = HTTP_TEXT, .required = true}, \
	{.name = "deleted_at", .type = HTTP_TEXT, .required = true, .nullable = true}, \
	{.name = "pruned_at", .type = HTTP_TEXT, .help = "its content was given up then"}, \
	{.name = "record", .type = HTTP_OBJECT, .required = true, .help = "as the provider gave it"}
static const struct http_field record_fields[] = {FACTS, {0}};
static const struct http_schema record_schema = {.name = "StoredRecord", .fields = record_fields};
static const struct http_field change_fields[] = {
	{.name = "action", .type = HTTP_TEXT, .required = true, .words = (const char *const[]){"added", "updated", "deleted", NULL},
	 .help = "as seen from the cursor"},
	FACTS,
	{0},
};
static const struct http_schema change_schema = {.name = "Change", .fields = change_fields};

#define PAGE_END \
	{.name = "cursor", .type = HTTP_TEXT, .required = true, .help = "to ask again with; also when there is no more"}, \
	{.name = "more", .type = HTTP_BOOL, .required = true, .help = "there is more now"}
static const struct http_field records_fields[] = {
	{.name = "records", .type = HTTP_ARRAY, .required = true, .of = &record_schema}, PAGE_END, {0}};
static const struct http_schema records_schema = {.name = "RecordPage", .fields = records_fields};
static const struct http_field changes_fields[] = {
	{.name = "changes", .type = HTTP_ARRAY, .required = true, .of = &change_schema}, PAGE_END, {0}};
static const struct http_schema changes_schema = {.name = "ChangePage", .fields = changes_fields};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &record_schema}, {0}};
static const struct http_schema one_schema = {.name = "StoredRecordAnswer", .fields = one_fields};

#define GONE {.status = 410, .help = "cursor_expired, cursor_unknown: read again from a snapshot"}
static const struct http_answer records_answers[] = {{.status = 200, .schema = &records_schema}, GONE, {0}};
static const struct http_answer changes_answers[] = {{.status = 200, .schema = &changes_schema}, GONE, {0}};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};
static const struct http_answer stream_answers[] = {
	{.status = 200, .type = "text/event-stream", .help = "id: a cursor, event: change, data: a Change"}, GONE, {0}};
static const struct http_answer snapshot_answers[] = {
	{.status = 200, .type = "application/x-ndjson", .help = "a StoredRecord a line; the last line is {\"cursor\":...}"}, {0}};

static const struct http_answer export_answers[] = {
	{.status = 200, .type = "application/x-ndjson", .help = "a StoredRecord a line; with to=csv: text/csv, RFC 4180"}, {0}};

const struct http_route v1_feed_routes[] = {
	{.method = "GET", .path = "/api/v1/datasets", .name = "listDatasets", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "What was synced, with exact counts", .params = dataset_filters, .answers = datasets_answers,
	 .data = ASK("datasets"), .handle = v1_ask},
	{.method = "GET", .path = DATASET "/records", .name = "listStoredRecords", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "Live records, the longest unchanged first",
	 .help = "A record that changes meanwhile moves to the end, and may be shown once more. Who wants a copy that is kept up to "
	         "date takes a snapshot and its changes.",
	 .params = record_params, .answers = records_answers, .ahead = records_get},
	{.method = "GET", .path = DATASET "/records/{id*}", .name = "getStoredRecord", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "One record by its id", .params = one_params, .answers = one_answers, .handle = record_get},
	{.method = "GET", .path = DATASET "/changes", .name = "listChanges", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "The change feed: each record once, at its latest change, in order",
	 .help = "Accept: text/event-stream makes it a stream. With wait the call is held until there is something new.",
	 .params = change_params, .answers = changes_answers, .ahead = changes_ahead, .handle = changes_get},
	{.method = "GET", .path = DATASET "/changes/stream", .name = "streamChanges", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "The change feed as server-sent events: what there is, then what comes",
	 .help = "A reader that is slow is waited for, and goes on from its cursor.",
	 .params = stream_params, .answers = stream_answers, .handle = feed_stream},
	{.method = "GET", .path = DATASET "/snapshot", .name = "getSnapshot", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "All live records, and the cursor of the changes that lead on from them",
	 .help = "Those lines and then the changes behind the cursor, applied in order, are the dataset, also when a sync wrote "
	         "meanwhile. Without the last line it is not whole.",
	 .params = snapshot_params, .answers = snapshot_answers, .handle = feed_snapshot},
	{.method = "GET", .path = DATASET "/export", .name = "exportDataset", .tag = "Data", .rights = RIGHT_READ,
	 .summary = "All live records as JSON lines or CSV, for other programs",
	 .params = export_params, .answers = export_answers, .handle = feed_export},
	{0},
};
