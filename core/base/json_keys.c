/* json_keys.c - the keys of open objects, and finding one that is there twice.
 *
 * The scanner compares a key with its few neighbours itself; what is here runs rarely: growing, sorting the keys of a
 * large object at its end, and naming a duplicate.
 * Guarantee: the duplicate that is named is the first one in the text, whichever way it was found. */
#include "base/json_lex.h"

#include <stdlib.h>
#include "base/mem.h"

void
duplicate_flaw(struct scan *s, size_t at)
{
	const uchar *p = s->begin + at, *end = s->end;
	struct json_fault *f = &s->fault;
	size_t len = 0;

	if (f->what)
		return;
	scan_flaw(s, p - 1, "duplicate key");
	while (p < end && *p != '"') {
		char unit[4];
		size_t n = *p < 0x80 ? 0 : utf8_length(p, end);
		if (n) {
			memcpy(unit, p, n);
			p += n;
		} else {
			n = unit_next(&p, end, unit);
		}
		if (n == 1 && ((uchar)unit[0] < 0x20 || (uchar)unit[0] >= 0x7f))
			unit[0] = '?';
		if (len + n >= sizeof f->key)
			break;
		memcpy(f->key + len, unit, n);
		len += n;
	}
	f->key[len] = '\0';
}

static int
mark_order(const void *left, const void *right)
{
	const struct key_mark *a = left, *b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

void
marks_sort(struct scan *s, const struct frame *f)
{
	struct key_mark *marks = s->keys + f->first;
	size_t n = s->nkeys - f->first, at = SIZE_MAX;

	qsort(marks, n, sizeof *marks, mark_order);
	for (size_t i = 1; i < n; i++)
		if (marks[i].hash == marks[i - 1].hash && marks[i].at < at)
			at = marks[i].at;
	if (at != SIZE_MAX)
		duplicate_flaw(s, at);
}

void
marks_grow(struct scan *s)
{
	size_t cap = s->capkeys * 2;

	if (s->keys == s->small) {
		s->keys = xmalloc(cap * sizeof *s->keys);
		memcpy(s->keys, s->small, sizeof s->small);
	} else {
		s->keys = xrealloc(s->keys, cap * sizeof *s->keys);
	}
	s->capkeys = cap;
}
