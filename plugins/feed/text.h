/* text.h - a growing text. */
#ifndef FEED_TEXT_H
#define FEED_TEXT_H

#include <stdlib.h>
#include <string.h>

struct text {
	char *p;
	size_t len, cap;
};

static inline void
text_add(struct text *t, const char *p, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len + 1) * 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

static inline void
text_escaped(struct text *t, const char *p, size_t len, const char *which)
{
	static const struct {
		char c;
		const char *as;
	} escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};

	for (size_t i = 0; i < len; i++) {
		const char *as = NULL;

		for (size_t k = 0; k < 4 && strchr(which, p[i]); k++)
			if (escapes[k].c == p[i])
				as = escapes[k].as;
		text_add(t, as ? as : p + i, as ? strlen(as) : 1);
	}
}

/* Without white space at both ends. */
static inline const char *
text_trimmed(struct text *t)
{
	const char *const white = " \t\r\n";

	while (t->len && strchr(white, t->p[t->len - 1]))
		t->p[--t->len] = '\0';
	return t->len ? t->p + strspn(t->p, white) : "";
}

#endif
