/* owner.c - root looks at a store as the user whom it belongs to.
 *
 * A store has one owner: what root would make in it the service could not open again, and what the service's user put
 * there root should not have to trust. So root becomes that user for good, once the configuration has been read (which
 * may hold what only root may read). A store that is not there yet gets the owner of the folder it will lie in.
 *
 * Awkward: the order. Groups first, then gid, then uid: after the uid is gone nothing of the rest may be changed. */
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/cli.h"

static bool
owner_of(const char *dir, struct stat *st)
{
	char *parent, *slash;
	bool found;

	if (stat(dir, st) == 0)
		return true;
	parent = xstrdup(dir);
	slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = 0;
	found = slash && stat(parent, st) == 0;
	free(parent);
	return found;
}

int
owner_become(const char *dir, struct err *err)
{
	struct stat st;

	if (geteuid() != 0 || !owner_of(dir, &st) || !S_ISDIR(st.st_mode) || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) != 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) != 0)
		return err_set(err, ERR_USAGE, "%s belongs to uid %u, and root cannot become that user here (%s): run as it", dir,
		               (unsigned)st.st_uid, strerror(errno));
	return 0;
}
