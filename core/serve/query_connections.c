/* query_connections.c - the questions behind `sluice connections`: which there are, and switching one on or off.
 *
 * What a person has switched is durable when the answer goes out. A connection that is switched off is not begun again;
 * a run of it that is under way ends by itself. */
#include "run/connections.h"
#include "schedule/service.h"
#include "serve/question.h"

static void
connection_row(struct question *q, const struct connection_settings *c)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_str(&o, "connection", c->name);
	json_kv_str(&o, "integration", c->integration->name);
	json_kv_str(&o, "plugin", c->integration->plugin);
	json_kv_bool(&o, "enabled", connection_enabled(q->store, c));
	json_kv_bool(&o, "active", c->active);
	json_kv_bool(&o, "usable", !c->broken);
	json_kv_str(&o, "file", c->at.file);
	json_kv_int(&o, "line", c->at.line);
	json_close(&o, '}');
	question_row(q);
}

int
ask_connections(struct question *q)
{
	for (size_t i = 0; i < q->settings->n_connections; i++) {
		const struct connection_settings *c = q->settings->connections[i];
		if (name_fits(q->connection, c->name) && name_fits(q->integration, c->integration->name))
			connection_row(q, c);
	}
	return 0;
}

/* A service also has its schedule follow. */
static int
enabled_put(struct question *q, const struct connection_settings *c, bool enabled)
{
	const struct service_ask a = {.connection = c->name, .integration = c->integration->name};

	if (host_service(q->host))
		return service_enable(host_service(q->host), &a, enabled, q->err);
	return connection_enable(q->store, c, enabled, q->err);
}

int
ask_enable(struct question *q)
{
	const struct connection_settings *c =
		q->connection ? settings_connection(q->settings, q->connection, q->integration) : NULL;

	if (!c)
		return err_set(q->err, ERR_USAGE, "the question names no connection, or none that this host knows");
	if (!q->store)
		return err_set(q->err, ERR_HOST, "there is no store to write to");
	if (enabled_put(q, c, member_bool(q->json, "enabled", true)) != 0)
		return -1;
	connection_row(q, c);
	return 0;
}
