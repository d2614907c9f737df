/* units.c - lengths of time and sizes as people write them.
 *
 * Guarantee: exact integer arithmetic, overflow refused; what duration_format wrote, duration_parse reads back to the
 * same millisecond.
 * Awkward: "every half hour" has no number, "every hour" has none either, "3600" has no unit, and "1h30m" has two of
 * each: so a duration is [every] followed by one or more [amount] [unit], units falling, the odd cases named. */
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

struct unit {
	const char *name;
	uint64_t scale; /* milliseconds, or bytes */
};

#define S UINT64_C(1000)
static const struct unit times[] = {
	{"ms", 1},           {"msec", 1},         {"msecs", 1},        {"millisecond", 1},  {"milliseconds", 1},
	{"s", S},            {"sec", S},          {"secs", S},         {"second", S},       {"seconds", S},
	{"m", 60 * S},       {"min", 60 * S},     {"mins", 60 * S},    {"minute", 60 * S},  {"minutes", 60 * S},
	{"h", 3600 * S},     {"hr", 3600 * S},    {"hrs", 3600 * S},   {"hour", 3600 * S},  {"hours", 3600 * S},
	{"d", 86400 * S},    {"day", 86400 * S},  {"days", 86400 * S}, {"w", 604800 * S},   {"week", 604800 * S},
	{"weeks", 604800 * S}, {"month", 2592000 * S}, {"months", 2592000 * S}, {NULL, 0},
};
#undef S

static const struct unit sizes[] = {
	{"b", 1},
	{"byte", 1},
	{"bytes", 1},
	{"kb", UINT64_C(1000)},
	{"mb", UINT64_C(1000000)},
	{"gb", UINT64_C(1000000000)},
	{"tb", UINT64_C(1000000000000)},
	{"kib", UINT64_C(1) << 10},
	{"mib", UINT64_C(1) << 20},
	{"gib", UINT64_C(1) << 30},
	{"tib", UINT64_C(1) << 40},
	{NULL, 0},
};

/* A decimal as whole and billionths. */
struct amount {
	uint64_t whole, billionths;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
skip_blanks(struct slice *s)
{
	while (s->len && (s->p[0] == ' ' || s->p[0] == '\t'))
		*s = slice_of(s->p + 1, s->len - 1);
}

/* The letters at the front. */
static struct slice
take_letters(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && (((unsigned char)s->p[n] | 0x20) >= 'a' && ((unsigned char)s->p[n] | 0x20) <= 'z'))
		n++;
	struct slice word = slice_of(s->p, n);
	*s = slice_of(n ? s->p + n : s->p, s->len - n);
	return word;
}

static bool
word_is(struct slice word, const char *name)
{
	return word.len == strlen(name) && strncasecmp(word.p, name, word.len) == 0;
}

/* "15" or "1.5"; at most nine decimals. */
static bool
take_amount(struct slice *s, struct amount *a)
{
	size_t i = 0;
	uint64_t scale = 100000000;

	*a = (struct amount){0};
	for (; i < s->len && is_digit(s->p[i]); i++)
		if (__builtin_mul_overflow(a->whole, UINT64_C(10), &a->whole) ||
		    __builtin_add_overflow(a->whole, (uint64_t)(s->p[i] - '0'), &a->whole))
			return false;
	if (i == 0)
		return false;
	if (i < s->len && s->p[i] == '.') {
		size_t first = ++i;
		for (; i < s->len && is_digit(s->p[i]); i++, scale /= 10)
			a->billionths += (uint64_t)(s->p[i] - '0') * scale;
		if (i == first || i - first > 9)
			return false;
	}
	*s = slice_of(s->p + i, s->len - i);
	return true;
}

static const struct unit *
unit_find(const struct unit *table, struct slice word)
{
	for (; table->name; table++)
		if (word_is(word, table->name))
			return table;
	return NULL;
}

/* sum += amount * scale; what is finer than 1 is dropped. */
static bool
amount_add(uint64_t *sum, struct amount a, uint64_t scale)
{
	uint64_t whole;
	unsigned __int128 part = (unsigned __int128)a.billionths * scale / 1000000000u;

	return !__builtin_mul_overflow(a.whole, scale, &whole) && !__builtin_add_overflow(*sum, whole, sum) &&
	       !__builtin_add_overflow(*sum, (uint64_t)part, sum);
}

/* "half hour", "quarter hour", "hour", "day": one unit without a number. */
static bool
duration_words(struct slice s, uint64_t *sum)
{
	struct slice word = take_letters(&s);
	uint64_t parts = word_is(word, "half") ? 2 : word_is(word, "quarter") ? 4 : 1;
	const struct unit *u;

	if (parts > 1) {
		skip_blanks(&s);
		word = take_letters(&s);
	}
	u = word.len > 2 ? unit_find(times, word) : NULL;
	skip_blanks(&s);
	if (!u || s.len)
		return false;
	*sum = u->scale / parts;
	return true;
}

/* "1h 30m", "1.5 hours". */
static bool
duration_terms(struct slice s, uint64_t *sum)
{
	uint64_t before = UINT64_MAX;

	*sum = 0;
	while (s.len) {
		struct amount a;
		const struct unit *u;

		if (!take_amount(&s, &a))
			return false;
		skip_blanks(&s);
		if (s.len == 0 && before == UINT64_MAX)
			return amount_add(sum, a, 1000);
		u = unit_find(times, take_letters(&s));
		if (!u || u->scale >= before || !amount_add(sum, a, u->scale))
			return false;
		before = u->scale;
		skip_blanks(&s);
	}
	return before != UINT64_MAX;
}

bool
duration_parse(struct slice text, int64_t *ms)
{
	struct slice s = text, after;
	uint64_t sum;

	skip_blanks(&s);
	after = s;
	if (word_is(take_letters(&after), "every") && after.len && (after.p[0] == ' ' || after.p[0] == '\t'))
		s = after;
	skip_blanks(&s);
	if (!(s.len && is_digit(s.p[0]) ? duration_terms(s, &sum) : duration_words(s, &sum)) || sum > INT64_MAX)
		return false;
	*ms = (int64_t)sum;
	return true;
}

const char *
duration_format(int64_t ms, char out[TIME_TEXT_MAX])
{
	static const struct unit parts[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000}};
	uint64_t rest = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
	size_t len = 0;

	if (ms < 0)
		out[len++] = '-';
	if (rest < 1000 && rest > 0) {
		snprintf(out + len, TIME_TEXT_MAX - len, "%" PRIu64 "ms", rest);
		return out;
	}
	for (size_t i = 0; i < LENGTH(parts); rest %= parts[i].scale, i++)
		if (rest >= parts[i].scale)
			len += (size_t)snprintf(out + len, TIME_TEXT_MAX - len, "%" PRIu64 "%s", rest / parts[i].scale,
			                        parts[i].name);
	if (rest == 0 && len > 0)
		return out;
	len += (size_t)snprintf(out + len, TIME_TEXT_MAX - len, "%" PRIu64, rest / 1000);
	if (rest % 1000) {
		len += (size_t)snprintf(out + len, TIME_TEXT_MAX - len, ".%03" PRIu64, rest % 1000);
		while (out[len - 1] == '0')
			len--;
	}
	snprintf(out + len, TIME_TEXT_MAX - len, "s");
	return out;
}

bool
size_parse(struct slice text, uint64_t *bytes)
{
	struct slice s = text, word;
	struct amount a;
	const struct unit *u;
	uint64_t sum = 0;

	skip_blanks(&s);
	if (!take_amount(&s, &a))
		return false;
	skip_blanks(&s);
	word = take_letters(&s);
	skip_blanks(&s);
	u = word.len ? unit_find(sizes, word) : &sizes[0];
	if (!u || s.len || (u->scale == 1 && a.billionths) || !amount_add(&sum, a, u->scale))
		return false;
	*bytes = sum;
	return true;
}

const char *
size_format(uint64_t bytes, char out[TIME_TEXT_MAX])
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned shift = 0;

	while (shift < LENGTH(names) && (bytes >> (10 * shift)) >= 1024)
		shift++;
	if (shift == 0) {
		snprintf(out, TIME_TEXT_MAX, "%" PRIu64 " B", bytes);
		return out;
	}
	uint64_t whole = bytes >> (10 * shift);
	uint64_t tenths = ((bytes >> (10 * (shift - 1))) % 1024) * 10 / 1024;
	if (tenths)
		snprintf(out, TIME_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths, names[shift - 1]);
	else
		snprintf(out, TIME_TEXT_MAX, "%" PRIu64 " %s", whole, names[shift - 1]);
	return out;
}

const char *
number_text(uint64_t n, char out[32])
{
	char plain[24];
	size_t len = (size_t)snprintf(plain, sizeof plain, "%llu", (unsigned long long)n), at = 0;

	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ' ';
		out[at++] = plain[i];
	}
	out[at] = '\0';
	return out;
}
