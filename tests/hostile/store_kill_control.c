/* store_kill_control.c - the campaign of store_kill.c against a store that is broken on purpose: what says how far a sync has
 * come is committed in a transaction of its own, before the records. It must be found out, or the campaign proves nothing.
 *
 * The two files of the store that differ are compiled in here with the control switched on; the rest is the same library. */
#define SLUICE_CONTROL 1
#define CAMPAIGN "the control is found out: "
#include "../../core/store/apply.c"
#include "../../core/store/commit.c"
#include "store_kill.c"
