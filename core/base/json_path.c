/* json_path.c - "data.items", "a.b.0.c", "odd\.name": one component at a time, borrowed from the text.
 *
 * Awkward: "" has no component at all and means the value itself, while "a." has two, the second one empty. */
#include "base/json_lex.h"

static struct path
component(const char *p)
{
	size_t n = 0;

	while (p[n] && p[n] != '.')
		n += p[n] == '\\' && p[n + 1] ? 2 : 1;
	return (struct path){p, n};
}

struct path
path_first(const char *text)
{
	return text && *text ? component(text) : (struct path){0};
}

struct path
path_after(struct path at)
{
	return at.p[at.len] == '.' ? component(at.p + at.len + 1) : (struct path){0};
}

bool
path_names(struct path at, struct slice raw_key)
{
	const uchar *p = (const uchar *)raw_key.p, *end = raw_key.len ? p + raw_key.len : p;
	size_t i = 0;

	while (p < end) {
		char unit[4];
		size_t n = unit_next(&p, end, unit);
		for (size_t k = 0; k < n; k++, i++) {
			if (i < at.len && at.p[i] == '\\' && i + 1 < at.len)
				i++;
			if (i >= at.len || at.p[i] != unit[k])
				return false;
		}
	}
	return i == at.len;
}

bool
path_index(struct path at, uint64_t *index)
{
	uint64_t v = 0;

	if (at.len == 0 || at.len > 18)
		return false;
	for (size_t i = 0; i < at.len; i++) {
		if (at.p[i] < '0' || at.p[i] > '9')
			return false;
		v = v * 10 + (uint64_t)(at.p[i] - '0');
	}
	*index = v;
	return true;
}
