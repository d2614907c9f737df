/* document.h - one Atom or RSS document, read strictly; what is wrong with it is told, and repair.h decides. */
#ifndef FEED_DOCUMENT_H
#define FEED_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

enum fault_kind {
	FAULT_NONE = 0,
	FAULT_XML,      /* ill-formed: .xml says how */
	FAULT_ENCODING, /* not one of those read here */
	FAULT_BYTES,    /* bytes that mean nothing in the encoding */
	FAULT_ENTITY,   /* refers to an entity that nobody knows */
	FAULT_REFUSED,  /* well-formed, and not taken: no feed, declares entities, too deep */
};

struct fault {
	enum fault_kind kind;
	int xml;                    /* enum XML_Error */
	size_t at;                  /* byte in the text */
	unsigned long line, column; /* from 1 */
	char text[160];             /* for people */
};

/* How to read it; {0} is strictly, as the document itself says. */
struct reading {
	const char *encoding; /* instead of what the document declares; NULL: that */
	const char *base; /* what references are relative to, before any xml:base; may be a path alone; NULL: nothing */
	bool loose;       /* prefixes that are declared nowhere mean what they usually mean */
	bool entities;    /* &nbsp; and its like are known, though they are declared nowhere */
};

struct document {
	cJSON *entries;     /* array of records, in the order of the document */
	char *next;         /* the next page (RFC 5005, 3); NULL: none */
	char *archive;      /* the archive before this document (RFC 5005, 4); NULL: none */
	bool skipped;       /* an entity that only HTML knows was read, or one in an attribute left out */
	struct fault fault; /* kind is FAULT_NONE: all is well */
};

/* Reads all of it. What was read before a fault is in there as well. document_finish takes what it holds. */
void document_read(struct document *d, const char *text, size_t len, const struct reading *how);
void document_finish(struct document *d);

#endif
