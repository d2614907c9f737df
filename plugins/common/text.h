/* text.h - a growing text: what sources that are no JSON are made into, piece by piece. Zero is an empty one; free(t.p). */
#ifndef PLUGINS_COMMON_TEXT_H
#define PLUGINS_COMMON_TEXT_H

#include <stdlib.h>
#include <string.h>

struct text {
	char *p; /* ends with a zero behind len, once anything was added */
	size_t len, cap;
};

static inline void
text_add(struct text *t, const char *p, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len) * 2 + 64;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

#endif
