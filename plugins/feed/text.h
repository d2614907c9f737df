/* text.h - a growing text (common/text.h), as the parts of a document are put into it. */
#ifndef FEED_TEXT_H
#define FEED_TEXT_H

#include "../common/text.h"

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
