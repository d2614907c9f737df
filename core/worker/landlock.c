/* landlock.c - see landlock.h.
 *
 * The kernel refuses a ruleset that names rights it does not know, and silently permits those that are not named. So
 * what is handled must be exactly what its ABI version has: the table below. A version newer than the table gets the
 * table's last row, which is as strict as what was known when this was written. */
#include "worker/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/mem.h"

#define CREATE_VERSION 1u /* LANDLOCK_CREATE_RULESET_VERSION */
#define RULE_PATH_BENEATH 1
#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_FIRST(bits) ((UINT64_C(1) << (bits)) - 1)

struct ruleset {
	uint64_t fs;     /* file access rights */
	uint64_t net;    /* ABI 4: bind and connect by TCP */
	uint64_t scoped; /* ABI 6: abstract sockets, signals */
};

/* clang-format off */
static const struct {
	struct ruleset handled;
	size_t size; /* bytes of the struct that this ABI knows */
} abis[] = {
	[1] = {{FS_FIRST(13), 0, 0}, 8},  /* all but what follows */
	[2] = {{FS_FIRST(14), 0, 0}, 8},  /* + REFER */
	[3] = {{FS_FIRST(15), 0, 0}, 8},  /* + TRUNCATE */
	[4] = {{FS_FIRST(15), 3, 0}, 16}, /* + TCP */
	[5] = {{FS_FIRST(16), 3, 0}, 16}, /* + IOCTL_DEV */
	[6] = {{FS_FIRST(16), 3, 3}, 24}, /* + scopes */
};
/* clang-format on */

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

unsigned
landlock_abi(void)
{
	long v = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return v < 0 ? 0 : (unsigned)v;
}

int
landlock_enter(unsigned abi, int readable_fd, struct err *err)
{
	size_t row = abi < LENGTH(abis) ? abi : LENGTH(abis) - 1;
	struct path_beneath beneath = {FS_EXECUTE | FS_READ_FILE, readable_fd};
	int fd, bad;

	fd = (int)syscall(SYS_landlock_create_ruleset, &abis[row].handled, abis[row].size, 0);
	if (fd < 0)
		return err_set(err, ERR_HOST, "landlock_create_ruleset: %s", strerror(errno));
	bad = readable_fd >= 0 && syscall(SYS_landlock_add_rule, fd, RULE_PATH_BENEATH, &beneath, 0);
	if (bad)
		err_set(err, ERR_HOST, "landlock_add_rule: %s", strerror(errno));
	else if ((bad = syscall(SYS_landlock_restrict_self, fd, 0) != 0))
		err_set(err, ERR_HOST, "landlock_restrict_self: %s", strerror(errno));
	close(fd);
	return bad ? -1 : 0;
}
