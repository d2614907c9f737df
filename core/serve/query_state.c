/* query_state.c - the questions about metadata and checkpoints, which also write.
 *
 * Awkward: metadata that the INI gives is a first value only: it is what is read until somebody or some run has set
 * other, and what the first update merges into. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/connections.h"
#include "serve/question.h"

#define STATE_MAX 65536u /* bytes */

static int
value_check(struct question *q, struct slice value, bool object)
{
	if (!value.len)
		return err_set(q->err, ERR_USAGE, "the question holds no value");
	if (value.len > STATE_MAX)
		return err_set(q->err, ERR_USAGE, "the value is over 64 KiB");
	if (object && json_type(value) != JSON_OBJECT)
		return err_set(q->err, ERR_USAGE, "metadata is a JSON object, like {\"region\":\"eu\"}");
	return 0;
}

static int
commit_now(struct question *q, struct commit *c)
{
	return store_commit_wait(q->store, c, NULL, q->err);
}

static void
value_row(struct question *q, uint32_t scope, enum state_kind kind)
{
	const struct connection_settings *c;

	if (scope && store_state_get(q->store, scope, kind, SLICE(""), &q->row))
		question_row(q);
	else if (kind == STATE_METADATA && (c = settings_connection(q->settings, q->connection, q->integration)) &&
	         connection_metadata(NULL, c, &q->row))
		question_row(q);
}

struct state_op {
	const char *name;
	bool writes, value;
	void (*put)(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice value);
};

static void
state_clear(struct commit *c, uint32_t scope, enum state_kind kind, struct slice name, struct slice value)
{
	(void)value;
	commit_state_clear(c, scope, kind, name);
}

static const struct state_op state_ops[] = {
	{"get", false, false, NULL},
	{"set", true, true, commit_state_set},
	{"update", true, true, commit_state_merge},
	{"clear", true, false, state_clear},
};

static const struct state_op *
state_op_find(struct question *q, enum state_kind kind)
{
	char *name = member_text(q->json, "op");
	const struct state_op *op = NULL;

	for (size_t i = 0; i < LENGTH(state_ops); i++)
		if (name_fits(name ? name : "get", state_ops[i].name) &&
		    !(kind == STATE_CHECKPOINT && state_ops[i].put == commit_state_merge))
			op = &state_ops[i];
	if (!op)
		err_set(q->err, ERR_USAGE, "'%s' is nothing that can be done here", name);
	free(name);
	return op;
}

static int
state_ask(struct question *q, enum state_kind kind)
{
	const struct scope_name name = {.connection = q->connection,
	                                .integration = q->integration,
	                                .sync = kind == STATE_CHECKPOINT ? q->sync : NULL};
	const struct state_op *op = state_op_find(q, kind);
	const struct connection_settings *connection = settings_connection(q->settings, q->connection, q->integration);
	struct slice value = json_trim(member_raw(q->json, "value"));
	struct commit *c;
	uint32_t scope;

	if (!op || (op->value && value_check(q, value, kind == STATE_METADATA) != 0))
		return -1;
	if (!op->writes) {
		value_row(q, q->store ? store_scope_find(q->store, &name) : 0, kind);
		return 0;
	}
	scope = q->store ? store_scope(q->store, &name, q->err) : 0;
	if (!scope)
		return q->store ? -1 : err_set(q->err, ERR_HOST, "there is no store to write to");
	c = commit_new(q->store, (struct fence){0, 0});
	if (op->put == commit_state_merge && connection)
		commit_metadata(c, q->store, connection, scope, value, true);
	else
		op->put(c, scope, kind, SLICE(""), value);
	return commit_now(q, c);
}

int
ask_metadata(struct question *q)
{
	if (!q->connection || !q->integration)
		return err_set(q->err, ERR_USAGE, "the question names no connection");
	return state_ask(q, STATE_METADATA);
}

int
ask_checkpoint(struct question *q)
{
	if (!q->connection || !q->integration || !q->sync)
		return err_set(q->err, ERR_USAGE, "the question names no connection, or no sync");
	return state_ask(q, STATE_CHECKPOINT);
}
