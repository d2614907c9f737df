/* text.h - JSON written into a growing text (common/text.h); see text.c. */
#ifndef CSV_TEXT_H
#define CSV_TEXT_H

#include <stdbool.h>
#include "../common/text.h"

/* A string, with its quotes. ascii: what is none becomes U+FFFD, byte by byte. */
void text_string(struct text *t, const char *p, size_t len, bool ascii);
/* Is it a number in JSON's sense (RFC 8259, 6)? */
bool number_is(const char *p, size_t len);

#endif
