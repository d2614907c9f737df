/* actions.h - actions, and checks of a connection, that somebody waits for: begun by one question, looked at by the next ones.
 *
 * They run in the process that has the store, so they read synced records and share limits and tokens with its syncs. One that
 * its connector calls repeatable is tried twice again after a failure that may pass; any other, and a check, is tried once. */
#ifndef SLUICE_RUN_ACTIONS_H
#define SLUICE_RUN_ACTIONS_H

#include "run/run.h"

struct action_ask {
	const char *token;                    /* the asker's, of his choice */
	const char *connection, *integration; /* integration NULL: if only one has the name */
	const char *name;                     /* of an action */
	bool check;                           /* the connector's check; neither: only look how the one of this token is getting on */
	struct slice input;
	int64_t timeout_ms;                   /* of each try; 0: what the connector declares */
};
/* done false: ask again. done: its answer is in reply, JSON, and it is forgotten. -1: it could not begin, or failed (then it is
 * forgotten too). A check that failed has an answer all the same: {"class","reason","status","answer","reply","requests",
 * "duration_ms"}, class and reason only then, reply only where its connector gave one. Does not block. */
int actions_ask(struct host *h, const struct action_ask *a, bool *done, struct buf *reply, struct err *err);
void actions_end(struct host *h); /* before the loop ends; turns it until all is closed; those under way are stopped */

#endif
