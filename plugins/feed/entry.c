/* entry.c - see entry.h. A table says what becomes of an entry's children.
 *
 * Guarantee: which of several children a member comes from does not depend on their order.
 * Awkward: many feeds say one thing twice (a guid that is the link, a description and a content:encoded, dc:creator
 * besides author): the table's order decides. Some entries have neither id nor link, and are then known by what they
 * say. */
#include "entry.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "date.h"
#include "url.h"

#define ID_MAX 255 /* bytes of a key */

/* What becomes of an entry's children. Where a member can come from several, the one that stands first here wins. */
static const struct rule rules[] = {
	{ATOM, "id", "id", TEXT},
	{RSS, "guid", "id", GUID},
	{ATOM, "title", "title", CONSTRUCT},
	{RSS, "title", "title", CONSTRUCT},
	{DC, "title", "title", CONSTRUCT},
	{ATOM, "link", "link", ATOM_LINK},
	{RSS, "link", "link", URL},
	{ATOM, "summary", "summary", CONSTRUCT},
	{RSS, "description", "summary", CONSTRUCT},
	{DC, "description", "summary", CONSTRUCT},
	{ATOM, "content", "content", CONSTRUCT},
	{CONTENT, "encoded", "content", CONSTRUCT},
	{ATOM, "author", "author", PERSON},
	{RSS, "author", "author", TEXT},
	{DC, "creator", "author", TEXT},
	{ITUNES, "author", "author", TEXT},
	{ATOM, "published", "published", DATE},
	{ATOM, "issued", "published", DATE},
	{RSS, "pubDate", "published", DATE},
	{DC, "date", "published", DATE},
	{ATOM, "updated", "updated", DATE},
	{ATOM, "modified", "updated", DATE},
	{ATOM, "category", "categories", CATEGORY},
	{RSS, "category", "categories", LIST},
	{DC, "subject", "categories", LIST},
	{RSS, "enclosure", "enclosures", ENCLOSURE},
};
#define RULES (sizeof(rules) / sizeof(*rules))
_Static_assert(RULES <= RULES_MAX, "room in struct entry");

/* ---- what is put into an entry ---- */

/* Whether this rule may fill its member: nobody did, or only one that counts less; the latter's is then taken out. */
static bool
member_free(struct entry *e, const struct rule *rule)
{
	for (size_t i = 0; i < RULES; i++)
		if (e->filled[i] && strcmp(rules[i].to, rule->to) == 0) {
			if (&rules[i] <= rule)
				return false;
			cJSON_DeleteItemFromObjectCaseSensitive(e->record, rule->to);
			e->filled[i] = false;
		}
	return e->filled[rule - rules] = true;
}

static void
member_set(struct entry *e, const struct rule *rule, const char *value)
{
	if (*value && member_free(e, rule))
		cJSON_AddStringToObject(e->record, rule->to, value);
}

static cJSON *
list_of(struct entry *e, const char *name)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(e->record, name);

	return list ? list : cJSON_AddArrayToObject(e->record, name);
}

static void
list_add(struct entry *e, const char *name, const char *value)
{
	cJSON *list = list_of(e, name), *item;

	cJSON_ArrayForEach(item, list)
		if (strcmp(item->valuestring, value) == 0)
			return;
	if (*value)
		cJSON_AddItemToArray(list, cJSON_CreateString(value));
}

/* Several authors are one text, separated by commas. */
static void
author_add(struct entry *e, const struct rule *rule, const char *name)
{
	cJSON *had = cJSON_GetObjectItemCaseSensitive(e->record, rule->to);

	if (!*name || !had || !e->filled[rule - rules]) {
		member_set(e, rule, name);
		return;
	}
	char *both = malloc(strlen(had->valuestring) + strlen(name) + 3);
	if (!both)
		abort();
	sprintf(both, "%s, %s", had->valuestring, name);
	cJSON_ReplaceItemInObjectCaseSensitive(e->record, rule->to, cJSON_CreateString(both));
	free(both);
}

static void
date_set(struct entry *e, const struct rule *rule, const char *text)
{
	char date[DATE_MAX], raw[32];

	if (date_read(text, date)) {
		member_set(e, rule, date);
	} else if (*text) { /* no time; what it says is kept */
		snprintf(raw, sizeof(raw), "%s_text", rule->to);
		cJSON_DeleteItemFromObjectCaseSensitive(e->record, raw);
		cJSON_AddStringToObject(e->record, raw, text);
	}
}

static void
url_set(struct entry *e, const struct rule *rule, const char *ref, const char *base)
{
	char *url = url_resolve(base, ref);

	member_set(e, rule, url);
	free(url);
}

static void
enclosure_add(struct entry *e, const char *ref, const struct attributes *a, const char *base)
{
	cJSON *one = cJSON_CreateObject();
	char *url = url_resolve(base, ref ? ref : "");
	char *end = NULL;
	long long bytes = a->length ? strtoll(a->length, &end, 10) : -1;

	cJSON_AddStringToObject(one, "url", url);
	if (a->type && *a->type)
		cJSON_AddStringToObject(one, "type", a->type);
	if (bytes >= 0 && end != a->length && !*end && bytes < (1LL << 53))
		cJSON_AddNumberToObject(one, "length", (double)bytes);
	cJSON_AddItemToArray(list_of(e, "enclosures"), one);
	free(url);
}

/* ---- children ---- */

const struct rule *
rule_find(enum space space, const char *name)
{
	for (size_t i = 0; i < RULES; i++)
		if (rules[i].space == space && strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

void
entry_begin(struct entry *e, const char *about)
{
	*e = (struct entry){.record = cJSON_CreateObject()};
	if (about && *about)
		cJSON_AddStringToObject(e->record, "about", about);
}

static void
link_take(struct entry *e, const struct rule *rule, const struct attributes *a, const char *base)
{
	if (!a->href)
		return;
	if (!a->rel || strcmp(a->rel, "alternate") == 0)
		url_set(e, rule, a->href, base);
	else if (strcmp(a->rel, "enclosure") == 0)
		enclosure_add(e, a->href, a, base);
}

/* Atom's content is text, markup, or stands elsewhere. */
static void
content_take(struct entry *e, const struct attributes *a, const char *base)
{
	char *url = a->src ? url_resolve(base, a->src) : NULL;

	cJSON_DeleteItemFromObjectCaseSensitive(e->record, "content_type");
	cJSON_DeleteItemFromObjectCaseSensitive(e->record, "content_url");
	cJSON_AddStringToObject(e->record, "content_type", a->type ? a->type : "text");
	if (url)
		cJSON_AddStringToObject(e->record, "content_url", url);
	free(url);
}

void
entry_attributes(struct entry *e, const struct rule *rule, const struct attributes *a, const char *base)
{
	if (rule->what == ATOM_LINK)
		link_take(e, rule, a, base);
	else if (rule->what == ENCLOSURE)
		enclosure_add(e, a->url, a, base);
	else if (rule->what == CATEGORY && a->term)
		list_add(e, rule->to, a->term);
	else if (rule->what == CONSTRUCT && rule->space == ATOM && strcmp(rule->to, "content") == 0)
		content_take(e, a, base);
}

void
entry_text(struct entry *e, const struct rule *rule, const char *text, bool permalink, const char *base)
{
	switch (rule->what) {
	case GUID:
		if (permalink && !e->permalink && strstr(text, "://"))
			e->permalink = strdup(text);
		member_set(e, rule, text);
		break;
	case PERSON: author_add(e, rule, text); break;
	case TEXT:
	case CONSTRUCT: member_set(e, rule, text); break;
	case DATE: date_set(e, rule, text); break;
	case URL:
		if (*text)
			url_set(e, rule, text, base);
		break;
	case LIST: list_add(e, rule->to, text); break;
	case ATOM_LINK:
	case CATEGORY:
	case ENCLOSURE: break; /* all in their attributes */
	}
}

/* ---- the id ---- */

/* FNV-1a; NULL is fine. */
static uint64_t
hash_of(uint64_t hash, const cJSON *text)
{
	for (const char *c = text ? text->valuestring : ""; *c; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

static const cJSON *
member_of(const struct entry *e, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(e->record, name);
}

/* The hash of what an entry without any name says: its title and time; without a title, the rest. false: nothing. */
static bool
hash_said(const struct entry *e, uint64_t *hash)
{
	const cJSON *title = member_of(e, "title"), *summary = title ? NULL : member_of(e, "summary"),
		    *content = title || summary ? NULL : member_of(e, "content");

	*hash = hash_of(hash_of(hash_of(hash_of(*hash, title), member_of(e, "published")), summary), content);
	return title || summary || content;
}

/* Its own id, else RDF's, else its link, else what it says; one that is too long for a key, by its hash. */
cJSON *
entry_end(struct entry *e)
{
	cJSON *about = cJSON_DetachItemFromObjectCaseSensitive(e->record, "about"), *record;
	const cJSON *found = member_of(e, "id");
	uint64_t hash = UINT64_C(14695981039346656037);
	char made[32];

	if (e->permalink && !member_of(e, "link"))
		cJSON_AddStringToObject(e->record, "link", e->permalink);
	found = found ? found : about ? about : member_of(e, "link");
	if (found && strlen(found->valuestring) > ID_MAX)
		snprintf(made, sizeof(made), "long-%016llx", (unsigned long long)hash_of(hash, found));
	else if (!found && hash_said(e, &hash))
		snprintf(made, sizeof(made), "text-%016llx", (unsigned long long)hash);
	else
		made[0] = '\0';
	if (made[0] || (found && found != member_of(e, "id"))) {
		cJSON *id = cJSON_CreateString(made[0] ? made : found->valuestring);

		cJSON_DeleteItemFromObjectCaseSensitive(e->record, "id");
		cJSON_AddItemToObject(e->record, "id", id);
	}
	cJSON_Delete(about);
	record = e->record;
	e->record = NULL;
	entry_drop(e);
	return record;
}

void
entry_drop(struct entry *e)
{
	cJSON_Delete(e->record);
	free(e->permalink);
	*e = (struct entry){0};
}
