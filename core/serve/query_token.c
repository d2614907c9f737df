/* query_token.c - the question by which `sluice authorize` hands over the tokens that it was given, to be kept by whoever
 * has the store; the one that says how a connection's token is; and the one by which who reads the store beside us has it
 * renewed. None ever answers with a token. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/tokens.h"
#include "serve/question.h"

static int
connection_needed(struct question *q)
{
	return q->connection && q->integration ? 0 : err_set(q->err, ERR_USAGE, "the question names no connection and integration");
}

int
ask_set_token(struct question *q)
{
	if (connection_needed(q) != 0)
		return -1;
	return tokens_put(q->host, q->connection, q->integration, member_raw(q->json, "token"), q->err);
}

int
ask_token(struct question *q)
{
	struct buf state = {0};
	int64_t expires_us = 0;

	if (connection_needed(q) != 0)
		return -1;
	if (tokens_show(q->host, q->connection, q->integration, &state, &expires_us))
		json_kv_str(&q->end, "state", buf_str(&state));
	json_kv_time(&q->end, "expires_at", expires_us);
	buf_free(&state);
	return 0;
}

int
ask_renew_token(struct question *q)
{
	char *doubted;
	bool done = false;
	int rc;

	if (connection_needed(q) != 0)
		return -1;
	doubted = member_text(q->json, "doubted");
	rc = tokens_renew(q->host, q->connection, q->integration, doubted ? doubted : "", &done, q->err);
	json_kv_bool(&q->end, "done", done);
	free(doubted);
	return rc;
}
