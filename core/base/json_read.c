/* json_read.c - reading checked text in place.
 *
 * A value is a slice of the text; going through a container steps from value to value, jumping over nested ones by
 * counting brackets outside of strings. Nothing is allocated but what the caller is given.
 * Guarantee: even on text that was never checked nothing is read outside of the slice and every loop ends; only the
 * results mean nothing then.
 * Awkward: equality of objects must not care for order, nor cost the square of their size: it compares hashes under a
 * seed that nobody can know. */
#include "base/json_lex.h"

#include <stdlib.h>
#include <sys/random.h>
#include "base/mem.h"

/* ---- values ---- */

struct slice
json_trim(struct slice text)
{
	while (text.len && is_space((uchar)text.p[0]))
		text = slice_of(text.p + 1, text.len - 1);
	while (text.len && is_space((uchar)text.p[text.len - 1]))
		text.len--;
	return text;
}

enum json_type
json_type(struct slice value)
{
	static const unsigned char types[256] = {
		['n'] = JSON_NULL,   ['f'] = JSON_FALSE,  ['t'] = JSON_TRUE,   ['"'] = JSON_STRING, ['['] = JSON_ARRAY,
		['{'] = JSON_OBJECT, ['-'] = JSON_NUMBER, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
		['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER,
		['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER};

	value = json_trim(value);
	return value.len ? (enum json_type)types[(uchar)value.p[0]] : JSON_INVALID;
}

/* Behind the string that begins at p. */
static const uchar *
string_end(const uchar *p, const uchar *end)
{
	for (p++; p < end; p++) {
		while (end - p >= 8) {
			uint64_t v = load8(p), quote = v ^ (EACH_ONE * '"'), slash = v ^ (EACH_ONE * '\\');
			uint64_t marks = (((quote - EACH_ONE) & ~quote) | ((slash - EACH_ONE) & ~slash)) & EACH_HIGH;
			if (marks) {
				p += __builtin_ctzll(marks) >> 3;
				break;
			}
			p += 8;
		}
		if (p < end && *p == '"')
			return p + 1;
		if (p < end && *p == '\\')
			p++;
	}
	return end;
}

static const uchar *
container_end(const uchar *p, const uchar *end)
{
	size_t open = 0;

	while (p < end) {
		if (*p == '"') {
			p = string_end(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			open++;
		else if ((*p == '}' || *p == ']') && --open == 0)
			return p + 1;
		p++;
	}
	return end;
}

/* Behind the value that begins at p < end. */
static const uchar *
value_end(const uchar *p, const uchar *end)
{
	if (*p == '"')
		return string_end(p, end);
	if (*p == '{' || *p == '[')
		return container_end(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && !is_space(*p))
		p++;
	return p;
}

/* ---- containers ---- */

struct json_iter
json_iter(struct slice container)
{
	struct json_iter it = {0};

	container = json_trim(container);
	if (container.len < 2 || (container.p[0] != '{' && container.p[0] != '['))
		return it;
	it.object = container.p[0] == '{';
	it.p = container.p + 1;
	it.end = container.p + container.len - 1;
	return it;
}

bool
json_next(struct json_iter *it)
{
	const uchar *p = (const uchar *)it->p, *end = (const uchar *)it->end, *from;

	p = p == end ? p : skip_space(p, end);
	if (p == end)
		return false;
	if (it->object) {
		from = p;
		p = *p == '"' ? string_end(p, end) : end;
		it->key = p - from >= 2 ? slice_of(from + 1, (size_t)(p - from - 2)) : (struct slice){0};
		p = skip_space(p, end);
		p = skip_space(p < end ? p + 1 : p, end);
		if (p == end)
			return false;
	}
	from = p;
	p = value_end(p, end);
	it->value = slice_of(from, (size_t)(p - from));
	p = skip_space(p, end);
	it->p = (const char *)(p < end ? p + 1 : p);
	return true;
}

size_t
json_count(struct slice container)
{
	struct json_iter it = json_iter(container);
	size_t n = 0;

	while (json_next(&it))
		n++;
	return n;
}

bool
json_member(struct slice object, const char *name, struct slice *value)
{
	struct json_iter it = json_iter(object);
	struct slice want = slice_str(name);

	while (it.object && json_next(&it))
		if (raw_is(it.key, want)) {
			*value = it.value;
			return true;
		}
	return false;
}

/* The member or element that one component of a path names. */
static bool
step_into(struct slice *value, struct path at)
{
	struct json_iter it = json_iter(*value);
	uint64_t index = 0;
	bool numbered = path_index(at, &index);

	for (uint64_t i = 0; json_next(&it); i++)
		if (it.object ? path_names(at, it.key) : numbered && i == index) {
			*value = it.value;
			return true;
		}
	return false;
}

bool
json_path(struct slice value, const char *path, struct slice *found)
{
	struct slice at = json_trim(value);

	for (struct path step = path_first(path); step.p; step = path_after(step))
		if (!step_into(&at, step))
			return false;
	*found = at;
	return true;
}

/* ---- scalars ---- */

/* Between the quotes. */
static bool
string_raw(struct slice string, struct slice *raw)
{
	string = json_trim(string);
	if (string.len < 2 || string.p[0] != '"')
		return false;
	*raw = slice_of(string.p + 1, string.len - 2);
	return true;
}

bool
json_string_is(struct slice string, const char *s)
{
	struct slice raw;

	return string_raw(string, &raw) && raw_is(raw, slice_str(s));
}

bool
json_unquote(struct slice string, struct buf *out)
{
	struct slice raw;

	if (!string_raw(string, &raw))
		return false;
	buf_reserve(out, raw.len);
	out->len += unit_all(raw, out->p + out->len);
	return true;
}

char *
json_text(struct slice value)
{
	struct buf b = {0};

	if (!json_unquote(value, &b))
		return slice_dup(json_trim(value));
	return buf_take(&b);
}

bool
json_int(struct slice number, int64_t *v)
{
	struct slice s = json_trim(number);
	bool negative = s.len && s.p[0] == '-';
	int64_t sum = 0;
	size_t i = negative;

	if (i == s.len)
		return false;
	for (; i < s.len; i++) {
		int digit = s.p[i] - '0';
		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(sum, INT64_C(10), &sum) ||
		    __builtin_add_overflow(sum, (int64_t)(negative ? -digit : digit), &sum))
			return false;
	}
	*v = sum;
	return true;
}

bool
json_bool(struct slice value, bool *v)
{
	enum json_type type = json_type(value);

	if (type != JSON_TRUE && type != JSON_FALSE)
		return false;
	*v = type == JSON_TRUE;
	return true;
}

bool
json_equal(struct slice a, struct slice b)
{
	struct json_seed seed;
	struct json_hash one, other;

	a = json_trim(a);
	b = json_trim(b);
	if (slice_eq(a, b))
		return true;
	if (json_type(a) != json_type(b) || json_type(a) < JSON_STRING)
		return false;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != sizeof seed)
		seed = (struct json_seed){(uintptr_t)&seed, (uintptr_t)a.p};
	json_hash_value(a, &seed, &one);
	json_hash_value(b, &seed, &other);
	return one.low == other.low && one.high == other.high;
}
