/* repair.h - documents that are not quite XML, as far as it is sure what was meant. */
#ifndef FEED_REPAIR_H
#define FEED_REPAIR_H

#include "document.h"

#define REPAIRS_MAX 8

struct repaired {
	struct document document;
	const char *what[REPAIRS_MAX]; /* for people: "there was something before the XML declaration" */
	int count;
	bool cut; /* not repaired, and it looks as if the rest of it had not come */
};

/* Reads a document, strictly at first. document.fault says what could not be repaired. */
void repair_read(struct repaired *r, const char *text, size_t len, struct reading how);
void repair_finish(struct repaired *r);

#endif
