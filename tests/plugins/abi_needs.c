/* abi_needs.c - needs a library that no worker has.
// LIBS: -lz
*/
#include <sluice.h>

extern const char *zlibVersion(void);

static int
check(struct sluice_run *run)
{
	return zlibVersion() ? sluice_status(run) : SLUICE_EFAILED;
}
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "abi-needs", .check = check};
