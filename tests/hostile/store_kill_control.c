/* store_kill_control.c - the campaign of store_kill.h against a store that is broken on purpose: what says how far a sync
 * has come is committed in a transaction of its own, before the records. It must be found out, or the campaign proves
 * nothing. The two files of the store that differ are compiled in here with the control switched on; the rest is the
 * same library. */
#define SLUICE_CONTROL 1
#include "../../core/store/apply.c"
#include "../../core/store/commit.c"
#include "store_kill.h"

TEST("a store that commits checkpoints apart is found out by kills at random times")
{
	kill_at_random_times();
}

TEST("a store that commits checkpoints apart is found out by kills at the Nth call")
{
	kill_at_nth_call();
}
