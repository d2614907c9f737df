/* place.c - see place.h. The prefix that was compiled in is only what callers fall back to: `make install` may be given
 * another one, and a package may be unpacked elsewhere.
 *
 * Awkward: the way up is taken from the path's text, so that messages show /opt/x/etc/sluice and not /opt/x/bin/../etc;
 * that is safe because the kernel gives the executable's path without symbolic links. */
#include "config/place.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

char *
place_find(const char *relative)
{
	char dir[4096], *slash, *path;
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	dir[n > 0 ? n : 0] = 0;
	slash = strrchr(dir, '/');
	while (slash && !strncmp(relative, "../", 3)) {
		*slash = 0;
		slash = strrchr(dir, '/');
		relative += 3;
	}
	if (!slash)
		return NULL;
	*slash = 0;
	path = xasprintf("%s/%s", dir, relative);
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}
