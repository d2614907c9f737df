/* query_alerts.c - the question which incidents are open, and which were over last. */
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

static bool
alert_put(void *arg, const struct alert *a)
{
	alert_write(a, arg);
	return true;
}

/* For status: those of one sync, and of its connection. */
void
status_alerts(const struct question *q, struct json_out *o, const struct scope_name *name)
{
	json_key(o, "alerts");
	json_open(o, '[');
	alerts_of(q->host, name, alert_put, o);
	json_close(o, ']');
}
