/* entry.h - one entry of a feed, from its children to a record. */
#ifndef FEED_ENTRY_H
#define FEED_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

/* Namespaces that count. NATIVE: an attribute's own. */
enum space { OTHER = 0, NATIVE, ATOM, RSS, RDF, DC, CONTENT, HISTORY, ITUNES, XML };

enum what { TEXT = 1, CONSTRUCT, DATE, URL, LIST, PERSON, GUID, ATOM_LINK, CATEGORY, ENCLOSURE };

/* What becomes of a child. */
struct rule {
	enum space space;
	const char *name, *to; /* of the element; of the record's member */
	enum what what;
};
#define RULES_MAX 32

struct attributes {
	const char *rel, *href, *url, *type, *length, *term, *src, *permalink;
}; /* NULL: it is not there */

struct entry {
	cJSON *record;
	bool filled[RULES_MAX]; /* by rule: its member is from it */
	char *permalink;        /* a guid that is a link */
};

/* NULL: nothing becomes of it. */
const struct rule *rule_find(enum space space, const char *name);

/* about: RDF's name of it, or NULL. */
void entry_begin(struct entry *e, const char *about);
/* A child's attributes, at its start; references are relative to base. */
void entry_attributes(struct entry *e, const struct rule *rule, const struct attributes *a, const char *base);
/* A child's text, at its end. */
void entry_text(struct entry *e, const struct rule *rule, const char *text, bool permalink, const char *base);
/* The record, with an id unless it says nothing at all. Yours; e is then empty. */
cJSON *entry_end(struct entry *e);
void entry_drop(struct entry *e);

#endif
