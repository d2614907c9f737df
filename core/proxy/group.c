/* group.c - matching requests to an endpoint group.
 *
 * Linear but for one place to come back to: within a segment the last * decides, so no pattern is slow.
 * Awkward: a * between slashes stands for one segment, but at the end for all that follows, since operators write
 * "/v1/search*" and mean everything below too. */
#include "proxy/group.h"

#include <string.h>

static bool
path_matches(const char *pattern, const char *path)
{
	const char *star = NULL, *back = NULL;

	for (;;) {
		if (*pattern == '*' && !pattern[1])
			return true;
		if (*pattern == '*') {
			star = ++pattern;
			back = path;
		} else if (*pattern == *path) {
			if (!*path)
				return true;
			pattern++;
			path++;
		} else if (star && *back && *back != '/') {
			pattern = star;
			path = ++back;
		} else {
			return false;
		}
	}
}

bool
group_matches(const char *pattern, const char *method, const char *path)
{
	const char *blank = strchr(pattern, ' ');

	if (blank) {
		size_t n = (size_t)(blank - pattern);

		if (strncmp(pattern, method, n) || method[n])
			return false;
		pattern = blank + strspn(blank, " ");
	}
	return path_matches(pattern, path);
}
