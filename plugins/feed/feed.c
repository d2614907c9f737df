/* feed.c - mirrors Atom and RSS feeds; each [dataset] section of the operator names one.
 *
 * A run reads the feed's document and then, page by page, what is behind it: rel="next" (a paged feed, RFC 5005, 3) or
 * rel="prev-archive" (an archived one, 4). The place in that walk is the checkpoint, so a run that was cut goes on at
 * the page. Archives do not change: the next run stops at the first one that the last run had met. The document itself
 * is asked for with its ETag or Last-Modified, and one that has not changed ends the run.
 *
 * Guarantee: a document that was cut, or that nobody can read, is a failure and never a short page.
 * Awkward: a feed shows its newest entries only, so that one is gone from it proves nothing: the sync is incremental
 * unless the operator says `kind = full`, and then nothing is asked conditionally. */
#define _GNU_SOURCE /* strcasestr */
#include <sluice_json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "../common/sections.h"
#include "entries.h"
#include "repair.h"
#include "url.h"

#define PAGES_MOST 2000
#define ASKS 3 /* for a document that was cut, before that is believed */

struct walk {
	struct sluice_run *run;
	const char *model;
	const char *encoding; /* what the operator says the feed is written in; NULL: nothing */
	cJSON *last; /* what the last run left: etag, modified, archive */
	cJSON *now;  /* this one's: the same for the next run, and url, page, seen */
	long max_pages;
	bool whole; /* nothing was left out on purpose */
};

static bool
option_on(struct sluice_run *run, const char *name)
{
	const char *value = sluice_get_option(run, name);

	return value && strcmp(value, "true") == 0;
}

static void
text_put(cJSON *object, const char *name, const char *value)
{
	cJSON_DeleteItemFromObjectCaseSensitive(object, name);
	if (value)
		cJSON_AddStringToObject(object, name, value);
}

/* The value of an answer's header, for as long as the run's function runs; NULL: there is none. */
static const char *
header_of(struct sluice_run *run, const struct sluice_response *answer, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = answer->headers; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, name, len) == 0 && strncmp(p + len, ": ", 2) == 0)
			return sluice_format(run, "%.*s", (int)strcspn(p + len + 2, "\n"), p + len + 2);
	return NULL;
}

/* What the operator says, else (RFC 7303, 3) a byte order mark, else the answer's header; NULL: the document's own. */
static const char *
encoding_of(struct sluice_run *run, const char *option, const struct sluice_response *answer)
{
	const char *type = header_of(run, answer, "content-type");
	const char *charset = type ? strcasestr(type, "charset=") : NULL;

	if (option && *option)
		return option;
	if (!charset ||
	    (answer->len > 2 && (memcmp(answer->body, "\xef\xbb\xbf", 3) == 0 ||
	                         memcmp(answer->body, "\xff\xfe", 2) == 0 || memcmp(answer->body, "\xfe\xff", 2) == 0)))
		return NULL;
	charset += strlen("charset=");
	charset += *charset == '"' || *charset == '\'';
	return sluice_format(run, "%.*s", (int)strcspn(charset, "\"'; \t"), charset);
}

/* ---- one document ---- */

static int
document_fail(struct sluice_run *run, const char *url, const struct fault *f, const char *encoding)
{
	if (f->kind == FAULT_BYTES)
		return sluice_fail(
			run, SLUICE_EDATA,
			"%s: line %lu, column %lu: these bytes mean nothing in %s: say encoding = NAME in the "
			"dataset's section, where NAME is what it is really written in",
			url, f->line, f->column,
			encoding ? encoding
				 : "the encoding that the feed declares, which is UTF-8 where it says nothing");
	return sluice_fail(run, SLUICE_EDATA, "%s: line %lu, column %lu: %s", url, f->line, f->column, f->text);
}

/* Asks for it and reads it. 1: here it is; 0: it has not changed; a failure. */
static int
document_get(struct walk *w, const char *url, bool first, struct repaired *r)
{
	static const int unchanged[] = {304, 0};
	const bool ask = first && !sluice_is_full(w->run);
	const struct sluice_pair headers[] = {
		{"Accept", "application/atom+xml, application/rss+xml, application/rdf+xml, application/xml;q=0.9, "
	                   "text/xml;q=0.8, */*;q=0.1"},
		{"If-None-Match", ask ? sluice_json_text(w->last, "etag") : NULL},
		{"If-Modified-Since", ask ? sluice_json_text(w->last, "modified") : NULL},
		{NULL, NULL},
	};
	const struct sluice_request request = {.endpoint = url, .headers = headers, .accept = unchanged};
	struct sluice_response answer;
	struct reading how = {.base = url};

	for (int asked = 1; asked <= ASKS; asked++) {
		if (sluice_fetch(w->run, &request, &answer) < 0)
			return sluice_status(w->run);
		if (answer.status == 304)
			return 0;
		how.encoding = encoding_of(w->run, w->encoding, &answer);
		repair_read(r, answer.body, answer.len, how);
		if (!r->cut || asked == ASKS)
			break;
		repair_finish(r);
		sluice_log(w->run, SLUICE_WARN, "%s ended too early; asked again", url);
	}
	if (r->document.fault.kind) {
		document_fail(w->run, url, &r->document.fault, how.encoding);
		repair_finish(r);
		return sluice_status(w->run);
	}
	for (int i = 0; i < r->count; i++)
		sluice_log(w->run, SLUICE_WARN, "%s is not well-formed: %s; it was read all the same", url, r->what[i]);
	if (first) {
		text_put(w->now, "etag", header_of(w->run, &answer, "etag"));
		text_put(w->now, "modified", header_of(w->run, &answer, "last-modified"));
	}
	return 1;
}

/* ---- the walk ---- */

static bool
seen_before(cJSON *now, const char *url)
{
	cJSON *seen = cJSON_GetObjectItemCaseSensitive(now, "seen"), *one;
	uint64_t hash = UINT64_C(14695981039346656037);
	char name[20];

	for (const char *c = url; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)hash);
	cJSON_ArrayForEach(one, seen)
		if (strcmp(one->valuestring, name) == 0)
			return true;
	cJSON_AddItemToArray(seen ? seen : cJSON_AddArrayToObject(now, "seen"), cJSON_CreateString(name));
	return false;
}

/* Where the walk goes behind this document; NULL: it is over, or it failed. */
static const char *
walk_next(struct walk *w, const struct document *d, long page)
{
	const char *url = d->next, *met = sluice_json_text(w->last, "archive");

	if (!url && d->archive && option_on(w->run, "archives")) {
		if (!cJSON_GetObjectItemCaseSensitive(w->now, "archive"))
			text_put(w->now, "archive", d->archive);
		if (sluice_is_full(w->run) || !met || strcmp(met, d->archive) != 0)
			url = d->archive;
	}
	if (!url)
		return NULL;
	if (page >= w->max_pages) {
		sluice_log(w->run, SLUICE_WARN,
		           "the feed goes on at %s behind page %ld, which max_pages allows as the last", url, page);
		w->whole = false;
		return NULL;
	}
	if (option_on(w->run, "same_host"))
		url = url_path(url);
	if (seen_before(w->now, url)) {
		sluice_fail(w->run, SLUICE_ELOOP, "page %ld of the feed leads back to %s, which this run has read",
		            page, url);
		return NULL;
	}
	return sluice_format(w->run, "%s", url);
}

/* The next document, saved. 1: there is another one; 0: that was the last; -1: nothing changed, or a failure. */
static int
walk_step(struct walk *w)
{
	const char *url = sluice_json_text(w->now, "url"), *next;
	const long page = (long)sluice_json_int(w->now, "page", 1);
	struct repaired r;

	if (document_get(w, url, page == 1, &r) <= 0)
		return -1;
	entries_unite(r.document.entries);
	if (page > 1)
		entries_keep(w->run, w->model, r.document.entries);
	entries_save(w->run, w->model, r.document.entries);
	next = walk_next(w, &r.document, page);
	repair_finish(&r);
	if (next) {
		text_put(w->now, "url", next);
		cJSON_DeleteItemFromObjectCaseSensitive(w->now, "page");
		cJSON_AddNumberToObject(w->now, "page", (double)(page + 1));
	}
	return next != NULL;
}

/* The checkpoint: what the last run left, and under "walk" where this one is. */
static void
walk_keep(struct walk *w)
{
	cJSON *all = cJSON_Duplicate(w->last, 1);

	cJSON_AddItemToObject(all, "walk", cJSON_Duplicate(w->now, 1));
	sluice_save_checkpoint(w->run, sluice_json_print(w->run, all));
	cJSON_Delete(all);
}

static void
walk_begin(struct walk *w, const char *path)
{
	const char *kept = sluice_get_checkpoint(w->run), *max = sluice_get_option(w->run, "max_pages");

	w->last = kept ? sluice_json_parse(kept, strlen(kept)) : NULL;
	w->last = w->last ? w->last : cJSON_CreateObject();
	w->now = cJSON_DetachItemFromObjectCaseSensitive(w->last, "walk");
	if (!w->now) {
		w->now = cJSON_CreateObject();
		text_put(w->now, "url", path);
		seen_before(w->now, path);
	}
	w->whole = true;
	w->max_pages = max ? strtol(max, NULL, 10) : 0;
}

/* It was read to its end: what the next run has to know is left. */
static void
walk_end(struct walk *w)
{
	static const char *const of_the_walk[] = {"url", "page", "seen"};

	for (size_t i = 0; i < 3; i++)
		cJSON_DeleteItemFromObjectCaseSensitive(w->now, of_the_walk[i]);
	sluice_save_checkpoint(w->run, sluice_json_print(w->run, w->now));
	if (w->whole && sluice_is_full(w->run))
		sluice_full_done(w->run, w->model);
}

static int
fetch(struct sluice_run *run)
{
	struct walk w = {
		.run = run, .model = sluice_dataset(run), .encoding = sluice_get_option(run, "encoding")};
	int more = 1;

	walk_begin(&w, sluice_get_option(run, "path"));
	if (w.max_pages < 1 || w.max_pages > PAGES_MOST)
		sluice_fail(run, SLUICE_EFAILED, "max_pages is %ld: say something from 1 to %d", w.max_pages,
		            PAGES_MOST);
	while (more > 0 && sluice_status(run) == 0) {
		more = walk_step(&w);
		if (more == 0)
			walk_end(&w);
		if (more <= 0)
			break;
		walk_keep(&w);
		if (sluice_should_stop(run))
			break;
	}
	cJSON_Delete(w.now);
	cJSON_Delete(w.last);
	return sluice_status(run);
}

static const struct sluice_option options[] = {
	{.name = "auth",
	 .type = SLUICE_STRING,
	 .help = "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"},
	{0},
};
static void
feed_try(struct sluice_run *run, struct skim section, cJSON *told)
{
	struct walk w = {.run = run, .encoding = skim_text(run, skim_get(section, "encoding"))};
	struct repaired r;

	if (document_get(&w, skim_text(run, skim_get(section, "path")), false, &r) <= 0)
		return;
	cJSON_AddNumberToObject(told, "entries", cJSON_GetArraySize(r.document.entries));
	repair_finish(&r);
}

static int
check(struct sluice_run *run)
{
	return sections_check(run, feed_try);
}

static const struct sluice_option of_dataset[] = {
	{.name = "path",
	 .type = SLUICE_STRING,
	 .flags = SLUICE_REQUIRED,
	 .help = "where the feed is, below base_url: /feed.xml"},
	{.name = "max_pages",
	 .type = SLUICE_INTEGER,
	 .fallback = "100",
	 .help = "how many documents a run reads at most",
	 .form = "<1..2000>"},
	{.name = "archives",
	 .type = SLUICE_BOOLEAN,
	 .fallback = "true",
	 .help = "read the archives that the feed links to (RFC 5005)"},
	{.name = "same_host",
	 .type = SLUICE_BOOLEAN,
	 .fallback = "false",
	 .help = "of a link to the next page only path and query count: for feeds that link to another name of their "
		 "host"},
	{.name = "encoding",
	 .type = SLUICE_STRING,
	 .help = "what the feed is written in, where it does not say so or is wrong: koi8-r"},
	{0},
};
static const struct sluice_sync dataset = {
	.kind = SLUICE_INCREMENTAL, .every = "every 30m", .endpoint = "GET path", .fetch = fetch};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "feed",
	.version = "1.0.0",
	.description = "Atom and RSS feeds, paged and archived ones too",
	.auth = SLUICE_ANY_AUTH,
	.options = options,
	.check = check,
	.dataset = &dataset,
	.dataset_options = of_dataset,
};
