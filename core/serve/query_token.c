/* query_token.c - the question by which `sluice authorize` hands over the tokens that it was given, to be kept by whoever
 * has the store; and the one that says how a connection's token is. Neither ever answers with a token. */
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
	question_time(&q->end, "expires_at", expires_us);
	buf_free(&state);
	return 0;
}
