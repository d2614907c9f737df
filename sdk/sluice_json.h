/* sluice_json.h - optional comfort for connectors that want to hold a tree: cJSON, safely. Link with -lcjson.
 *
 * A page that goes into the store as it came needs none of this: sluice_batch_save takes its bytes, fifteen times
 * cheaper.
 *
 *   cJSON *items = sluice_json_page(run, &page);
 *   cJSON *item;
 *   cJSON_ArrayForEach(item, items)
 *           cJSON_AddStringToObject(item, "source", "crm");
 *   sluice_json_save(run, "Contact", items);
 *   cJSON_Delete(items);
 *
 * Numbers survive: a literal that a double cannot hold (more than 15 digits, or beyond its range) becomes a raw node,
 * which
 * prints as it was. cJSON_IsNumber says no to it; sluice_json_int and sluice_json_text read both kinds.
 *
 * Awkward: cJSON cuts strings at a \u0000, and finds members in any case unless told not to: use the functions here. */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include "sluice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- parsing ---- */

/* The end of the number that begins at p; *digits: its significant digits. */
static inline const char *
sluice_json_number_end_(const char *p, const char *end, int *digits)
{
	int leading = 1, exponent = 0;

	*digits = 0;
	for (; p < end && ((*p >= '0' && *p <= '9') || (*p && strchr("+-.eE", *p))); p++) {
		if (*p == 'e' || *p == 'E')
			exponent = 1;
		if (*p < '0' || *p > '9' || exponent || (leading && *p == '0'))
			continue;
		leading = 0;
		++*digits;
	}
	return p;
}

/* The next number in the text at or behind *p, outside of strings; NULL: none. Moves *p behind it. */
static inline const char *
sluice_json_number_(const char **p, const char *end, int *digits)
{
	const char *from;

	for (; *p < end; ++*p) {
		if (**p == '"') {
			for (++*p; *p < end && **p != '"'; ++*p)
				if (**p == '\\')
					++*p;
		} else if (**p == '-' || (**p >= '0' && **p <= '9')) {
			from = *p;
			*p = sluice_json_number_end_(from, end, digits);
			return from;
		}
	}
	return NULL;
}

/* Tree and text hold the same numbers in the same order. */
static inline int
sluice_json_keep_(cJSON *item, const char **p, const char *end)
{
	for (; item; item = item->next) {
		if (cJSON_IsNumber(item)) {
			int digits = 0;
			const char *from = sluice_json_number_(p, end, &digits);
			if (from && (digits > 15 || item->valuedouble > 1.7e308 || item->valuedouble < -1.7e308)) {
				size_t len = (size_t)(*p - from);
				char *text = (char *)cJSON_malloc(len + 1);
				if (!text)
					return -1;
				memcpy(text, from, len);
				text[len] = '\0';
				item->valuestring = text;
				item->type = (item->type & ~0xff) | cJSON_Raw;
			}
		} else if (item->child && sluice_json_keep_(item->child, p, end)) {
			return -1;
		}
	}
	return 0;
}

/* One JSON value, nothing behind it. NULL: it is none. Yours: cJSON_Delete. */
static inline cJSON *
sluice_json_parse(const char *text, size_t len)
{
	const char *stop = NULL, *end = text + len, *p = text;
	cJSON *tree = text ? cJSON_ParseWithLengthOpts(text, len, &stop, 0) : NULL;

	while (tree && stop < end && *stop && strchr(" \t\r\n", *stop))
		stop++;
	if (tree && (stop != end || sluice_json_keep_(tree, &p, end))) {
		cJSON_Delete(tree);
		return NULL;
	}
	return tree;
}

/* The page's items: an array. NULL after a failure, which is then the run's. Yours: cJSON_Delete (NULL is fine). */
static inline cJSON *
sluice_json_page(struct sluice_run *run, const struct sluice_page *page)
{
	cJSON *tree = sluice_json_parse(page->body, page->len);

	if (!tree)
		sluice_fail(run, SLUICE_EDATA, "page %ld cannot be read as a tree", page->number);
	return tree;
}

/* The same for an answer of sluice_proxy and its kin. */
static inline cJSON *
sluice_json_answer(struct sluice_run *run, const struct sluice_response *answer)
{
	cJSON *tree = sluice_json_parse(answer->body, answer->len);

	if (!tree)
		sluice_fail(run, SLUICE_EDATA, "an answer (status %d) is no JSON: %.60s", answer->status, answer->body);
	return tree;
}

/* ---------------------------------------------------------------- reading: NULL trees are fine ---- */

/* A member by its exact name; NULL: none. Borrowed from the tree. */
static inline cJSON *
sluice_json_get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The text of a string, or of a number that was kept as text; else NULL. Borrowed from the tree. */
static inline const char *
sluice_json_text(const cJSON *object, const char *name)
{
	const cJSON *item = sluice_json_get(object, name);

	return cJSON_IsString(item) || cJSON_IsRaw(item) ? item->valuestring : NULL;
}

/* A number without its fraction; exact up to 64 bits. fallback: absent, or no number. */
static inline int64_t
sluice_json_int(const cJSON *object, const char *name, int64_t fallback)
{
	const cJSON *item = sluice_json_get(object, name);

	if (cJSON_IsRaw(item))
		return (int64_t)strtoll(item->valuestring, NULL, 10);
	return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : fallback;
}

static inline double
sluice_json_double(const cJSON *object, const char *name, double fallback)
{
	const cJSON *item = sluice_json_get(object, name);

	return cJSON_IsNumber(item) || cJSON_IsRaw(item) ? item->valuedouble : fallback;
}

static inline int
sluice_json_bool(const cJSON *object, const char *name, int fallback)
{
	const cJSON *item = sluice_json_get(object, name);

	return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

/* ---------------------------------------------------------------- writing ---- */

/* A tree as text that lives until your function returns: for bodies, checkpoints, replies. "null" for NULL. */
static inline const char *
sluice_json_print(struct sluice_run *run, const cJSON *tree)
{
	char *text = tree ? cJSON_PrintUnformatted(tree) : NULL;
	const char *kept = sluice_format(run, "%s", text ? text : "null");

	cJSON_free(text);
	return kept;
}

static inline long
sluice_json_put_(struct sluice_run *run, int op, const char *model, const cJSON *records)
{
	char *text = records ? cJSON_PrintUnformatted(records) : NULL;
	long n = sluice_status(run);

	if (text)
		n = run->host->save(run, op, model, text, 0);
	else if (!n)
		n = sluice_fail(run, SLUICE_ELIMIT, "a tree of %s cannot be printed", model);
	cJSON_free(text);
	return n;
}

/* Saves an array of records, or one; update and delete likewise: see sluice_batch_save. The tree stays yours. */
static inline long
sluice_json_save(struct sluice_run *run, const char *model, const cJSON *records)
{
	return sluice_json_put_(run, 0, model, records);
}
static inline long
sluice_json_update(struct sluice_run *run, const char *model, const cJSON *records)
{
	return sluice_json_put_(run, 1, model, records);
}
static inline long
sluice_json_delete(struct sluice_run *run, const char *model, const cJSON *records)
{
	return sluice_json_put_(run, 2, model, records);
}

#ifdef __cplusplus
}
#endif

#endif
