/* actions.h - actions, and checks of a connection, that somebody waits for: told by a callback, or begun by one question and
 * looked at by the next ones.
 *
 * They run in the process that has the store, so they read synced records and share limits and tokens with its syncs. One that
 * its connector calls repeatable is tried twice again after a failure that may pass; any other, and a check, is tried once. */
#ifndef SLUICE_RUN_ACTIONS_H
#define SLUICE_RUN_ACTIONS_H

#include "run/run.h"

struct action_ask {
	const char *token;                    /* the asker's, of his choice; of actions_ask only */
	const char *connection, *integration; /* integration NULL: if only one has the name */
	const char *name;                     /* of an action */
	bool check;                           /* the connector's check; neither: only look how the one of this token is getting on */
	struct slice input;
	int64_t timeout_ms;                   /* of each try; 0: what the connector declares */
	int retries;                          /* of a repeatable one; 0: as usual, twice; negative: none */
};
/* done false: ask again. done: its answer is in reply, JSON, and it is forgotten. -1: it could not begin, or failed (then it is
 * forgotten too). A check that failed has an answer all the same: {"class","reason","status","answer","reply","requests",
 * "duration_ms"}, class and reason only then, reply only where its connector gave one. Does not block. */
int actions_ask(struct host *h, const struct action_ask *a, bool *done, struct buf *reply, struct err *err);

struct action_result {              /* borrowed until told returns */
	struct err err;             /* ERR_NONE: reply is its answer */
	struct slice reply;         /* JSON; "null": it gave none */
	bool timed_out;
	int64_t retry_ms;           /* ERR_RATE: nothing is let pass for so long from now; 0: nobody said, or it is past */
	int status;                 /* of the provider's last answer; 0: there was none */
	struct slice answer;        /* that answer's body, cut at 4 KiB */
	struct slice headers;       /* "name: value\n" lines */
};
struct action_task;
/* told is called once, later. NULL with err: it cannot begin, and told is not called. */
struct action_task *action_begin(struct host *h, const struct action_ask *a, void (*told)(void *arg, const struct action_result *r),
                                 void *arg, struct err *err);
/* Nobody waits any more: told is not called. It ends by itself, for it may have written at the provider. */
void action_forget(struct action_task *t);
void actions_end(struct host *h); /* before the loop ends; turns it until all is closed; those under way are stopped */

#endif
