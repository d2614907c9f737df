/* query_alerts.c - the question which incidents are open, and which were over last. */
#include <stdlib.h>
#include "schedule/alerts.h"
#include "serve/question.h"

static bool
alert_row(void *arg, const struct alert *a)
{
	struct question *q = arg;
	struct json_out o = json_out(&q->row);

	if ((q->connection && !name_fits(q->connection, a->connection)) ||
	    (q->integration && !name_fits(q->integration, a->integration)) || (q->sync && a->sync && !name_fits(q->sync, a->sync)))
		return true;
	alert_write(a, &o);
	question_row(q);
	return true;
}

int
ask_alerts(struct question *q)
{
	return alerts_each(q->host, member_bool(q->json, "ended", false), alert_row, q, q->err);
}

/* For status: those of one sync, and of its connection. */
static bool
incident_put(void *arg, struct slice name, struct slice value)
{
	struct json_out *o = arg;
	char *text = member_text(value, "text");

	json_open(o, '{');
	json_kv_slice(o, "kind", name);
	question_time(o, "since", member_int(value, "since_us", 0));
	json_kv_str(o, "text", text);
	json_close(o, '}');
	free(text);
	return true;
}

void
status_alerts(const struct question *q, struct json_out *o, const struct scope_name *name)
{
	const struct scope_name connection = {.connection = name->connection, .integration = name->integration};
	const struct scope_name *const both[] = {name, &connection};

	json_key(o, "alerts");
	json_open(o, '[');
	for (size_t i = 0; q->store && i < 2; i++) {
		uint32_t scope = store_scope_find(q->store, both[i]);
		if (scope)
			store_state_list(q->store, scope, STATE_INCIDENT, incident_put, o, NULL);
	}
	json_close(o, ']');
}
