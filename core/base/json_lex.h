/* json_lex.h - what the JSON files share: bytes by class, eight at a time. Not for others. */
#ifndef SLUICE_BASE_JSON_LEX_H
#define SLUICE_BASE_JSON_LEX_H

#include <string.h>
#include "base/json.h"

#define EACH_ONE UINT64_C(0x0101010101010101)
#define EACH_HIGH UINT64_C(0x8080808080808080)

static inline uint64_t
load8(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The high bit of the first byte (in memory order) that is a quote, a backslash, a control byte or over 0x7f; bytes
 * before it are clean, those behind it may be marked falsely (a borrow runs upwards). */
static inline uint64_t
special8(uint64_t v)
{
	uint64_t quote = v ^ (EACH_ONE * '"'), slash = v ^ (EACH_ONE * '\\');

	return ((quote - EACH_ONE) | (slash - EACH_ONE) | (v - EACH_ONE * 0x20) | v) & EACH_HIGH;
}

/* How many bytes the character at p takes, 1 to 4; 0: it is not UTF-8, or cut. p < end. */
size_t utf8_length(const unsigned char *p, const unsigned char *end);

#endif
