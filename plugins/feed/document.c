/* document.c - see document.h. expat tells elements and text; what stands inside an entry goes to entry.c.
 *
 * Only children of an entry count, so an atom:source or an <image> with a title of its own is passed over. The content
 * of one that counts is gathered as text; elements within it (type="xhtml", or HTML that somebody forgot to escape) are
 * written out again as markup.
 *
 * Guarantee: nothing outside of the text is ever read (no DTD, no external entity), and nothing in it is declared: a
 * document that declares entities is refused at the first one, before any of them can grow. Nesting is bounded.
 * Awkward: three generations of RSS have the same elements in no namespace, in RDF's and in those of several authors;
 * all of them are one space here. Under `loose`, prefixes are compared instead of namespaces. */
#include "document.h"

#include <expat.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../common/charset.h"
#include "entry.h"
#include "html.h"
#include "text.h"
#include "url.h"

#define DEPTH_MAX 100
#define SEPARATOR '\n'

static const struct {
	const char *uri, *prefix;
	enum space space;
} spaces[] = {
	{"http://www.w3.org/2005/Atom", "atom", ATOM},
	{"http://purl.org/atom/ns#", "atom03", ATOM},
	{"http://purl.org/rss/1.0/", "rss", RSS},
	{"http://my.netscape.com/rdf/simple/0.9/", "rss09", RSS},
	{"http://channel.netscape.com/rdf/simple/0.9/", "rss090", RSS},
	{"http://backend.userland.com/rss", "rss091", RSS},
	{"http://backend.userland.com/rss2", "rss2", RSS},
	{"http://blogs.law.harvard.edu/tech/rss", "rss20", RSS},
	{"http://www.w3.org/1999/02/22-rdf-syntax-ns#", "rdf", RDF},
	{"http://purl.org/dc/elements/1.1/", "dc", DC},
	{"http://purl.org/rss/1.0/modules/content/", "content", CONTENT},
	{"http://purl.org/syndication/history/1.0", "fh", HISTORY},
	{"http://www.itunes.com/dtds/podcast-1.0.dtd", "itunes", ITUNES},
	{"http://www.w3.org/XML/1998/namespace", "xml", XML},
};

struct parser {
	XML_Parser xml;
	struct document *d;
	const struct reading *how;
	enum space native;          /* what elements of no namespace are */
	int depth, entry_depth;     /* 0: not inside */
	char *bases[DEPTH_MAX + 1]; /* xml:base in force from this depth on; NULL: the one outside */
	struct entry entry;
	/* the child that is being gathered */
	const struct rule *rule;
	int rule_depth;
	bool markup; /* what stands in it is markup: text is escaped */
	bool named;  /* of a person: inside the name; of a guid: it is a link */
	struct text text;
};

/* ---- names ---- */

static enum space
name_split(const struct parser *p, const char *name, const char **local)
{
	const char *mark = strrchr(name, p->how->loose ? ':' : SEPARATOR);
	const size_t len = mark ? (size_t)(mark - name) : 0;

	*local = mark ? mark + 1 : name;
	if (!mark)
		return p->native ? p->native : NATIVE;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(*spaces); i++) {
		const char *known = p->how->loose ? spaces[i].prefix : spaces[i].uri;

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return spaces[i].space;
	}
	return OTHER;
}

/* An attribute of no namespace, or (with a space) of one; NULL: it is not there. */
static const char *
attribute(const struct parser *p, const XML_Char **list, enum space space, const char *name)
{
	const char *local;

	for (; *list; list += 2) {
		enum space is = strchr(*list, p->how->loose ? ':' : SEPARATOR) ? name_split(p, *list, &local) : NATIVE;

		if (is == NATIVE)
			local = *list;
		if (is == space && strcmp(local, name) == 0)
			return list[1];
	}
	return NULL;
}

static const char *
base_of(const struct parser *p)
{
	for (int depth = p->depth; depth > 0; depth--)
		if (p->bases[depth])
			return p->bases[depth];
	return p->how->base;
}

static void
refuse(struct parser *p, enum fault_kind kind, const char *text)
{
	if (p->d->fault.kind)
		return;
	p->d->fault.kind = kind;
	snprintf(p->d->fault.text, sizeof(p->d->fault.text), "%s", text);
	XML_StopParser(p->xml, XML_FALSE);
}

/* A link of the feed itself: where the next page is, and the archive. */
static void
feed_link(struct parser *p, const XML_Char **list)
{
	const char *rel = attribute(p, list, NATIVE, "rel"), *href = attribute(p, list, NATIVE, "href");
	char **to = !rel || !href                      ? NULL
	            : strcmp(rel, "next") == 0         ? &p->d->next
	            : strcmp(rel, "prev-archive") == 0 ? &p->d->archive
	                                               : NULL;

	if (to && !*to && *href)
		*to = url_resolve(base_of(p), href);
}

/* ---- elements ---- */

static void
markup_open(struct parser *p, const char *local, const XML_Char **list)
{
	text_add(&p->text, "<", 1);
	text_add(&p->text, local, strlen(local));
	for (; *list; list += 2) {
		const char *name;

		name_split(p, *list, &name);
		text_add(&p->text, " ", 1);
		text_add(&p->text, name, strlen(name));
		text_add(&p->text, "=\"", 2);
		text_escaped(&p->text, list[1], strlen(list[1]), "&<\"");
		text_add(&p->text, "\"", 1);
	}
	text_add(&p->text, ">", 1);
}

static void
child_begin(struct parser *p, enum space space, const char *local, const XML_Char **list)
{
	const struct rule *rule = rule_find(space, local);
	const struct attributes a = {
		.rel = attribute(p, list, NATIVE, "rel"),
		.href = attribute(p, list, NATIVE, "href"),
		.url = attribute(p, list, NATIVE, "url"),
		.type = attribute(p, list, NATIVE, "type"),
		.length = attribute(p, list, NATIVE, "length"),
		.term = attribute(p, list, NATIVE, "term"),
		.src = attribute(p, list, NATIVE, "src"),
		.permalink = attribute(p, list, NATIVE, "isPermaLink"),
	};

	if (!rule)
		return;
	p->rule = rule;
	p->rule_depth = p->depth;
	p->text.len = 0;
	text_add(&p->text, "", 0);
	p->named = rule->what == GUID && (!a.permalink || strcmp(a.permalink, "false") != 0);
	p->markup = rule->what == CONSTRUCT && a.type &&
	            (strcmp(a.type, "xhtml") == 0 || strcmp(a.type, "application/xhtml+xml") == 0);
	entry_attributes(&p->entry, rule, &a, base_of(p));
}

static void
root_begin(struct parser *p, const char *local)
{
	static const struct {
		const char *name;
		enum space space;
	} roots[] = {
		{"feed", ATOM},
		{"entry", ATOM},
		{"rss", RSS},
		{"RDF", RSS},
	};
	char text[160];

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (strcmp(roots[i].name, local) == 0)
			p->native = roots[i].space;
	if (p->native)
		return;
	snprintf(text, sizeof(text),
	         "this is no feed: it begins with <%.60s>, and a feed with <feed>, <rss> or <rdf:RDF>", local);
	refuse(p, FAULT_REFUSED, text);
}

static void XMLCALL
element_begin(void *arg, const XML_Char *name, const XML_Char **list)
{
	struct parser *p = arg;
	const char *local, *base = attribute(p, list, XML, "base");
	enum space space;

	if (++p->depth > DEPTH_MAX) {
		p->depth = DEPTH_MAX;
		refuse(p, FAULT_REFUSED, "its elements are nested deeper than 100, which no feed's are");
		return;
	}
	if (base)
		p->bases[p->depth] = url_resolve(p->depth > 1 ? base_of(p) : p->how->base, base);
	space = name_split(p, name, &local);
	if (p->depth == 1) {
		root_begin(p, local);
		space = name_split(p, name, &local);
	}
	if (p->rule) {
		if (p->rule->what == PERSON)
			p->named |= strcmp(local, "name") == 0;
		else if (p->rule->what == CONSTRUCT &&
		         !(p->markup && p->depth == p->rule_depth + 1 && strcmp(local, "div") == 0))
			markup_open(p, local, list);
	} else if (p->entry_depth) {
		if (p->depth == p->entry_depth + 1)
			child_begin(p, space, local, list);
	} else if ((space == ATOM && strcmp(local, "entry") == 0) || (space == RSS && strcmp(local, "item") == 0)) {
		entry_begin(&p->entry, attribute(p, list, RDF, "about"));
		p->entry_depth = p->depth;
	} else if (space == ATOM && strcmp(local, "link") == 0 && p->depth <= 3) {
		feed_link(p, list);
	}
}

static void XMLCALL
element_end(void *arg, const XML_Char *name)
{
	struct parser *p = arg;
	const char *local;

	name_split(p, name, &local);
	if (p->rule && p->depth == p->rule_depth) {
		entry_text(&p->entry, p->rule, text_trimmed(&p->text), p->named, base_of(p));
		p->rule = NULL;
	} else if (p->rule && p->rule->what == PERSON && strcmp(local, "name") == 0) {
		p->named = false;
	} else if (p->rule && p->rule->what == CONSTRUCT &&
	           !(p->markup && p->depth == p->rule_depth + 1 && strcmp(local, "div") == 0)) {
		text_add(&p->text, "</", 2);
		text_add(&p->text, local, strlen(local));
		text_add(&p->text, ">", 1);
	} else if (p->entry_depth && p->depth == p->entry_depth) {
		cJSON_AddItemToArray(p->d->entries, entry_end(&p->entry));
		p->entry_depth = 0;
	}
	free(p->bases[p->depth]);
	p->bases[p->depth--] = NULL;
}

static void XMLCALL
characters(void *arg, const XML_Char *s, int len)
{
	struct parser *p = arg;

	if (!p->rule || (p->rule->what == PERSON && !p->named))
		return;
	if (p->markup)
		text_escaped(&p->text, s, (size_t)len, "&<>");
	else
		text_add(&p->text, s, (size_t)len);
}

/* ---- entities and encodings ---- */

static void XMLCALL
entity_declared(void *arg, const XML_Char *name, int parameter, const XML_Char *value, int len, const XML_Char *base,
                const XML_Char *system, const XML_Char *public, const XML_Char *notation)
{
	char text[160];

	(void)parameter, (void)value, (void)len, (void)base, (void)system, (void)public, (void)notation;
	snprintf(text, sizeof(text),
	         "it declares an entity, '%.60s': a feed needs none, and they are a way to attack its readers", name);
	refuse(arg, FAULT_REFUSED, text);
}

/* Referred to, and declared nowhere: HTML's are known. */
static void XMLCALL
entity_skipped(void *arg, const XML_Char *name, int parameter)
{
	struct parser *p = arg;
	char utf8[3], text[160];
	unsigned code = html_entity(name);

	if (parameter)
		return;
	if (!code) {
		snprintf(text, sizeof(text), "it refers to an entity that nobody declares, '&%.60s;'", name);
		refuse(p, FAULT_ENTITY, text);
		return;
	}
	p->d->skipped = true;
	characters(p, utf8, (int)charset_utf8(code, utf8));
}

static int XMLCALL
encoding_unknown(void *arg, const XML_Char *name, XML_Encoding *to)
{
	struct parser *p = arg;
	const struct charset *set = charset_find(name);

	if (!set) {
		p->d->fault.kind = FAULT_ENCODING;
		snprintf(p->d->fault.text, sizeof(p->d->fault.text),
		         "its encoding '%.40s' is none of those that are read: UTF-8, UTF-16 and the single-byte ones",
		         name);
		return XML_STATUS_ERROR;
	}
	for (int i = 0; i < 128; i++) {
		to->map[i] = i;
		to->map[128 + i] = set->high[i] ? set->high[i] : -1;
	}
	return XML_STATUS_OK;
}

/* ---- the whole ---- */

static void
fault_note(struct document *d, XML_Parser xml, const char *text, size_t len)
{
	const long at = (long)XML_GetCurrentByteIndex(xml);

	d->fault.xml = (int)XML_GetErrorCode(xml);
	d->fault.at = at < 0 ? 0 : (size_t)at < len ? (size_t)at : len;
	d->fault.line = XML_GetCurrentLineNumber(xml);
	d->fault.column = XML_GetCurrentColumnNumber(xml) + 1;
	if (d->fault.kind)
		return;
	d->fault.kind = FAULT_XML;
	if (d->fault.xml == XML_ERROR_INVALID_TOKEN && d->fault.at < len && text[d->fault.at] & 0x80)
		d->fault.kind = FAULT_BYTES;
	if (d->fault.xml == XML_ERROR_UNDEFINED_ENTITY)
		d->fault.kind = FAULT_ENTITY;
	snprintf(d->fault.text, sizeof(d->fault.text), "%s", XML_ErrorString((enum XML_Error)d->fault.xml));
}

void
document_read(struct document *d, const char *text, size_t len, const struct reading *how)
{
	struct parser p = {.d = d, .how = how};

	*d = (struct document){.entries = cJSON_CreateArray()};
	p.xml = how->loose ? XML_ParserCreate(how->encoding) : XML_ParserCreateNS(how->encoding, SEPARATOR);
	if (!p.xml || len > INT32_MAX)
		abort();
	XML_SetHashSalt(p.xml, 0x5151); /* any but 0, for which expat would ask the system for chance */
	XML_SetUserData(p.xml, &p);
	XML_SetElementHandler(p.xml, element_begin, element_end);
	XML_SetCharacterDataHandler(p.xml, characters);
	XML_SetEntityDeclHandler(p.xml, entity_declared);
	XML_SetSkippedEntityHandler(p.xml, entity_skipped);
	XML_SetUnknownEncodingHandler(p.xml, encoding_unknown, &p);
	XML_UseForeignDTD(p.xml, how->entities ? XML_TRUE : XML_FALSE);
	if (XML_Parse(p.xml, text, (int)len, 1) != XML_STATUS_OK)
		fault_note(d, p.xml, text, len);
	XML_ParserFree(p.xml);
	for (int i = 0; i <= DEPTH_MAX; i++)
		free(p.bases[i]);
	entry_drop(&p.entry);
	free(p.text.p);
}

void
document_finish(struct document *d)
{
	cJSON_Delete(d->entries);
	free(d->next);
	free(d->archive);
	*d = (struct document){0};
}
