/* store_kill.c - the campaign of store_kill.h against the store as it is, and failing writes instead of kills. */
#include "store_kill.h"

TEST("killed at random times, the store stands between two pages, and nothing acknowledged is lost")
{
	kill_at_random_times();
}

TEST("killed at the Nth write or fdatasync, also in the middle of one, it stands so too")
{
	kill_at_nth_call();
}

TEST("an EIO or ENOSPC at the Nth write or fdatasync is reported, and the writer goes on to the same end")
{
	static const char *const kinds[] = {"EIO", "ENOSPC"};
	struct campaign m;
	unsigned wanted = kills_wanted(40), calls;

	campaign_start(&m, 3);
	calls_in_all(&m);
	calls = (unsigned)calls_in_all(&m);
	for (m.kills = 0; m.kills < wanted; m.kills++) {
		char what[64];
		int status;
		snprintf(what, sizeof(what), "SHIM_FAIL_AT=%u:%s", 1 + random_below(&m, calls), kinds[m.kills % 2]);
		status = run_shimmed(&m, what, false);
		if (!WIFEXITED(status) ||
		    (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3 && WEXITSTATUS(status) != 4))
			violation(&m, "the writer ended badly", (unsigned)status, 0);
		check_store(&m);
	}
	printf("# %u commits were reported as failed, %u violations\n", m.faults, m.bad);
	CHECK(m.faults > 0);
	CHECK_INT(m.bad, 0);
	kit_finish(&m.k);
}
