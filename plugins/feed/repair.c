/* repair.c - see repair.h. A document is read strictly; each kind of fault has at most one repair, after which it is
 * read again from its beginning. No repair fits, or it did not help: the fault stands.
 *
 * Guarantee: nothing is guessed. A repair either changes bytes that carry no content (what stands before the XML
 * declaration, the end tag of the root), or gives a text the only meaning that it can have (an & that begins no
 * reference, &nbsp;, a customary prefix). Bytes that mean nothing in the encoding have no such meaning.
 * Awkward: a document that was cut looks at its end like one whose author forgot something; only the root's own end tag
 * is ever made up, and only where it was begun. */
#include "repair.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct patient {
	const struct fault *fault;
	char *text; /* ours */
	size_t len;
	struct reading *how;
};

static void
text_replace(struct patient *p, char *text, size_t len)
{
	free(p->text);
	p->text = text;
	p->len = len;
}

/* White space and comments before <?xml say nothing. */
static bool
prologue_drop(struct patient *p)
{
	const char *at = p->text, *end = p->text + p->len;

	while (at < end) {
		at += strspn(at, " \t\r\n");
		if (end - at > 6 && memcmp(at, "<?xml", 5) == 0 && strchr(" \t\r\n", at[5])) {
			size_t left = (size_t)(end - at);

			memmove(p->text, at, left + 1);
			p->len = left;
			return true;
		}
		at = strncmp(at, "<!--", 4) == 0 ? strstr(at, "-->") : NULL;
		if (!at)
			return false;
		at += 3;
	}
	return false;
}

static bool
prefixes_take(struct patient *p)
{
	p->how->loose = true;
	return true;
}

static bool
entities_take(struct patient *p)
{
	p->how->entities = true;
	return true;
}

/* Does the & here begin a reference? */
static bool
reference_here(const char *at)
{
	const char *name = at[1] == '#' ? at + 2 : at + 1;
	size_t len = strspn(name, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len > 0 && len < 32 && name[len] == ';';
}

/* "?a=1&b=2": an & that begins no reference is itself. */
static bool
ampersands_escape(struct patient *p)
{
	size_t out = 0, changed = 0;
	char *text;

	if (p->fault->at >= p->len)
		return false;
	text = malloc(p->len * 5 + 1);
	if (!text)
		abort();
	for (size_t i = 0; i < p->len; i++) {
		const char *at = p->text + i, *close = strncmp(at, "<![CDATA[", 9) == 0 ? "]]>"
		                                       : strncmp(at, "<!--", 4) == 0    ? "-->"
		                                                                        : NULL;
		const char *end = close ? strstr(at, close) : NULL;
		size_t len = end ? (size_t)(end - at) : 1;

		memcpy(text + out, at, len);
		out += len;
		i += len - 1;
		if (len == 1 && *at == '&' && !reference_here(at)) {
			memcpy(text + out, "amp;", 4);
			out += 4;
			changed++;
		}
	}
	text[out] = '\0';
	if (!changed) {
		free(text);
		return false;
	}
	text_replace(p, text, out);
	return true;
}

/* "...</rss" and nothing behind it. */
static bool
root_close(struct patient *p)
{
	static const char *const roots[] = {"</rss", "</feed", "</rdf:RDF"};
	size_t len = p->len;

	while (len && strchr(" \t\r\n", p->text[len - 1]))
		len--;
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		size_t n = strlen(roots[i]);
		char *text;

		if (len < n || memcmp(p->text + len - n, roots[i], n) != 0)
			continue;
		text = malloc(len + 2);
		if (!text)
			abort();
		memcpy(text, p->text, len);
		memcpy(text + len, ">", 2);
		text_replace(p, text, len + 1);
		return true;
	}
	return false;
}

static bool
utf8_name(struct patient *p)
{
	if (!strstr(p->fault->text, "'utf8'") && !strstr(p->fault->text, "'UTF8'"))
		return false;
	p->how->encoding = "UTF-8";
	return true;
}

static const struct repair {
	enum fault_kind kind;
	int xml; /* enum XML_Error; 0: any */
	bool (*mend)(struct patient *p);
	const char *what;
} repairs[] = {
	{FAULT_XML, XML_ERROR_MISPLACED_XML_PI, prologue_drop, "something stands before its XML declaration"},
	{FAULT_XML, XML_ERROR_UNBOUND_PREFIX, prefixes_take, "it uses a prefix that it does not declare"},
	{FAULT_ENTITY, XML_ERROR_UNDEFINED_ENTITY, entities_take, "it uses entities of HTML, such as &nbsp;"},
	{FAULT_XML, XML_ERROR_INVALID_TOKEN, ampersands_escape, "it has an & that should be &amp;"},
	{FAULT_XML, XML_ERROR_UNCLOSED_TOKEN, root_close, "its last end tag is not closed"},
	{FAULT_ENCODING, 0, utf8_name, "it calls UTF-8 utf8"},
};
#define REPAIRS (sizeof(repairs) / sizeof(*repairs))

static const struct repair *
repair_find(const struct fault *fault)
{
	for (size_t i = 0; i < REPAIRS; i++)
		if (repairs[i].kind == fault->kind && (!repairs[i].xml || repairs[i].xml == fault->xml))
			return &repairs[i];
	return NULL;
}

void
repair_read(struct repaired *r, const char *text, size_t len, struct reading how)
{
	struct patient p = {.text = malloc(len + 1), .len = len, .how = &how};
	bool tried[REPAIRS] = {false};

	if (!p.text)
		abort();
	memcpy(p.text, text, len);
	p.text[len] = '\0';
	*r = (struct repaired){0};
	for (;;) {
		const struct fault *fault = &r->document.fault;
		const struct repair *repair;

		document_read(&r->document, p.text, p.len, &how);
		p.fault = fault;
		repair = fault->kind ? repair_find(fault) : NULL;
		if (!repair || tried[repair - repairs] || !repair->mend(&p)) {
			r->cut = fault->kind == FAULT_XML &&
			         (fault->xml == XML_ERROR_NO_ELEMENTS || fault->xml == XML_ERROR_UNCLOSED_TOKEN ||
			          fault->xml == XML_ERROR_UNCLOSED_CDATA_SECTION ||
			          fault->xml == XML_ERROR_PARTIAL_CHAR);
			break;
		}
		tried[repair - repairs] = true;
		r->what[r->count++] = repair->what;
		document_finish(&r->document);
	}
	if (r->document.skipped && !how.entities && r->count < REPAIRS_MAX)
		r->what[r->count++] = "it uses entities of a DTD, which is not read";
	free(p.text);
}

void
repair_finish(struct repaired *r)
{
	document_finish(&r->document);
}
