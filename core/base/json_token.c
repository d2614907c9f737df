/* json_token.c - the scanner's smaller tokens: escapes, characters over 0x7f, numbers, literals.
 *
 * Each function starts where s->p (or p) stands on the token's first byte, and says by NULL, false or JSON_INVALID that
 * the scan broke; flaws are noted and walked over.
 * Awkward: after a byte that is not UTF-8 the next one is looked at afresh, so a cut character never swallows the quote
 * behind it, and the end of a flawed string is where everybody else sees it. */
#include "base/json_lex.h"

#include "base/mem.h"

static bool
is_hex(uchar c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* -1: no \uXXXX at p. */
static int
unicode_escape(const uchar *p, const uchar *end)
{
	int v = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		if (!is_hex(p[i]))
			return -1;
		v = v << 4 | (p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10);
	}
	return v;
}

static const bool short_escape[256] = {['"'] = 1, ['\\'] = 1, ['/'] = 1, ['b'] = 1,
                                       ['f'] = 1, ['n'] = 1,  ['r'] = 1, ['t'] = 1};

const uchar *
escape_scan(struct scan *s, const uchar *p)
{
	int v, low;

	if (s->end - p < 2) {
		scan_cut(s);
		return NULL;
	}
	if (p[1] != 'u') {
		if (short_escape[p[1]])
			return p + 2;
		scan_break(s, p, "an escape that JSON does not know");
		return NULL;
	}
	v = unicode_escape(p, s->end);
	if (v < 0) {
		scan_break(s, p, "\\u without four hexadecimal digits");
		return NULL;
	}
	p += 6;
	if (v < 0xd800 || v > 0xdfff)
		return p;
	low = v < 0xdc00 ? unicode_escape(p, s->end) : -1;
	if (low >= 0xdc00 && low <= 0xdfff)
		return p + 6;
	scan_flaw(s, p - 6, "a lone surrogate");
	return p;
}

const uchar *
odd_scan(struct scan *s, const uchar *p)
{
	if (*p < 0x20) {
		scan_flaw(s, p, "a control byte in a string");
		return p + 1;
	}
	while (p < s->end && *p >= 0x80) {
		size_t n = utf8_length(p, s->end);
		if (n == 0)
			scan_flaw(s, p, "bytes that are not UTF-8");
		p += n ? n : 1;
	}
	return p;
}

/* At least one digit from p on; NULL: there is none, and that is a break. */
static inline const uchar *
digits_scan(struct scan *s, const uchar *p)
{
	const uchar *from = p;

	while (p < s->end && (uchar)(*p - '0') <= 9)
		p++;
	if (p > from)
		return p;
	if (p == s->end)
		scan_cut(s);
	else
		scan_break(s, p, "a number that lacks a digit");
	return NULL;
}

bool
number_scan(struct scan *s)
{
	const uchar *p = s->p, *end = s->end, *first;

	p += *p == '-';
	first = p;
	p = digits_scan(s, p);
	if (!p)
		return false;
	if (*first == '0' && p - first > 1)
		return scan_break(s, first, "a number with a leading zero");
	if (p < end && *p == '.') {
		p = digits_scan(s, p + 1);
		if (!p)
			return false;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits_scan(s, p);
		if (!p)
			return false;
	}
	s->p = p;
	return true;
}

enum json_type
literal_scan(struct scan *s)
{
	static const struct {
		const char *text;
		size_t len;
		enum json_type type;
	} literals[] = {{"null", 4, JSON_NULL}, {"true", 4, JSON_TRUE}, {"false", 5, JSON_FALSE}};
	size_t left = (size_t)(s->end - s->p);

	for (size_t i = 0; i < LENGTH(literals); i++) {
		size_t n = left < literals[i].len ? left : literals[i].len;
		if (memcmp(s->p, literals[i].text, n) != 0)
			continue;
		if (n < literals[i].len) {
			scan_cut(s);
			return JSON_INVALID;
		}
		s->p += n;
		return literals[i].type;
	}
	scan_break(s, s->p, "not a JSON value");
	return JSON_INVALID;
}
