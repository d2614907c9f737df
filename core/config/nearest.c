/* nearest.c - what somebody who mistyped a name most likely meant.
 *
 * Edit distance with swapped neighbours (Damerau-Levenshtein, in its "optimal string alignment" form: no part is edited
 * twice), case ignored. Something is near up to half the length of what was written; of equals the first wins.
 * Names longer than NEAR_MAX are not compared: nobody mistypes them by hand, and the table stays on the stack. */
#include "config/settings.h"

#include <ctype.h>
#include <string.h>

#define NEAR_MAX 100

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned
distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][NEAR_MAX + 1]; /* the rows i-2, i-1 and i of the table, turning */

	for (unsigned j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], up2[j - 2] + 1);
		}
	}
	return rows[la % 3][lb];
}

const char *
nearest(const char *wrong, const char *const *names)
{
	size_t len = strlen(wrong);
	unsigned best = (unsigned)len / 2 + 1;
	const char *found = NULL;

	if (len > NEAR_MAX)
		return NULL;
	for (; *names; names++) {
		size_t n = strlen(*names);
		unsigned d = n <= NEAR_MAX ? distance(wrong, len, *names, n) : best;
		if (d < best) {
			best = d;
			found = *names;
		}
	}
	return found;
}
