/* text.c - JSON as it is written piece by piece: no tree, and one buffer that grows.
 *
 * Awkward: what is put aside may be written in no known encoding; such text is written as ASCII, and says U+FFFD for each
 * byte that is none. */
#include "text.h"
#include <stdio.h>
#include <string.h>

void
text_string(struct text *t, const char *p, size_t len, bool ascii)
{
	size_t from = 0;
	char escaped[8];

	text_add(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && (c < 0x80 || !ascii))
			continue;
		text_add(t, p + from, i - from);
		from = i + 1;
		snprintf(escaped, sizeof(escaped), c < 0x20 ? "\\u%04x" : c < 0x80 ? "\\%c" : "\\ufffd", c);
		text_add(t, escaped, strlen(escaped));
	}
	text_add(t, p + from, len - from);
	text_add(t, "\"", 1);
}

bool
number_is(const char *p, size_t len)
{
	const char *end = p + len;
	size_t digits = 0;

	p += p < end && *p == '-';
	if (p < end && *p == '0')
		p++, digits++;
	else
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			digits++;
	if (!digits)
		return false;
	for (int part = 0; part < 2; part++) {
		if (p == end || (part ? (*p | 32) != 'e' : *p != '.'))
			continue;
		p += 1 + (part && p + 1 < end && (p[1] == '+' || p[1] == '-'));
		for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++)
			digits++;
		if (!digits)
			return false;
	}
	return p == end;
}
