/* query_action.c - the question by which an action, or the check of a connection, is begun, and then asked how it is getting on
 * (run/actions.h).
 *
 * Awkward: a one-shot command that has the store open answers questions, but ends with its own work; it begins nothing for
 * others. "here" says that the asker is that command itself. */
#include <stdlib.h>
#include "run/actions.h"
#include "serve/question.h"

int
ask_action(struct question *q)
{
	char *token = member_text(q->json, "token"), *name = member_text(q->json, "action");
	const struct action_ask a = {
		.token = token,
		.connection = q->connection,
		.integration = q->integration,
		.name = name,
		.check = member_bool(q->json, "check", false),
		.input = member_raw(q->json, "input"),
		.timeout_ms = member_int(q->json, "timeout_ms", 0),
	};
	bool done = false;
	int rc = -1;

	if (!token || !*token || (name && json_type(a.input) != JSON_OBJECT) || ((name || a.check) && !q->connection))
		err_set(q->err, ERR_USAGE, "the question has no token, or no connection and input");
	else if (!host_service(q->host) && !member_bool(q->json, "here", false))
		err_set(q->err, ERR_BUSY, "the process that has the store open does only what it was started for: try again when it "
		        "has ended");
	else
		rc = actions_ask(q->host, &a, &done, &q->row, q->err);
	if (rc == 0 && done)
		question_row(q);
	json_kv_bool(&q->end, "done", done);
	free(token);
	free(name);
	return rc;
}
