/* utf8.c - which bytes are UTF-8.
 *
 * RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. The bounds of the second byte, which is where
 * all these rules bite, are those of table 3-7 of the Unicode standard. */
#include "base/json_lex.h"

size_t
utf8_length(const unsigned char *p, const unsigned char *end)
{
	size_t left = (size_t)(end - p), n;
	unsigned char low = 0x80, high = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < n)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

bool
utf8_valid(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p, *end = s.len ? p + s.len : p;

	while (p < end) {
		size_t n;
		if (end - p >= 8 && !(load8(p) & EACH_HIGH)) {
			p += 8;
			continue;
		}
		n = utf8_length(p, end);
		if (n == 0)
			return false;
		p += n;
	}
	return true;
}
