/* connectors.c - /api/connectors: what a cron job elsewhere calls. Each sync of each connection is a "connector" here, and its
 * id "connection:integration:sync" names it in all of these calls.
 *
 *   GET  /sync      all of them, those that are due first, the longest overdue at the head
 *   POST /sync      triggers what is due, at most `limit`; what is under way, paused or refused is left alone
 *   GET  /history   runs, the newest first
 *   POST /test      a connection's own check (connection_check.c)
 *
 * Due is what `sluice run --due` takes (schedule/due.h). Beside a living schedule that is little: what it begins itself is
 * under way by then. */
#include <stdlib.h>
#include <string.h>
#include "api/connection_check.h"
#include "api/v1_syncs.h"
#include "base/json_time.h"
#include "base/mem.h"
#include "run/connections.h"
#include "run/member.h"
#include "schedule/due.h"
#include "schedule/plan.h"
#include "serve/query.h"

/* ---- words ---- */

static const struct {
	const char *status, *word;
} words[] = {
	{"success", "COMPLETED"}, {"partial", "COMPLETED"}, {"running", "IN_PROGRESS"}, /* all others: FAILED */
};

static const char *
word_of(const char *status)
{
	for (size_t i = 0; status && i < LENGTH(words); i++)
		if (strcmp(status, words[i].status) == 0)
			return words[i].word;
	return status ? "FAILED" : NULL;
}

/* ---- GET /api/connectors/sync ---- */

struct connector {
	struct chosen chosen;
	enum schedule_state state;
	int64_t due_us;
	bool due, running;
	size_t at; /* as they are written */
};

struct connectors {
	struct api *api;
	struct due_siblings *siblings;
	struct connector *list;
	size_t n;
};

static void
connector_add(void *arg, const struct chosen *chosen)
{
	const struct connection_settings *k = chosen->connection;
	struct connectors *all = arg;
	struct host *h = api_host(all->api);
	struct connector *c;

	all->list = xrealloc(all->list, (all->n + 1) * sizeof *all->list);
	c = &all->list[all->n];
	*c = (struct connector){.chosen = *chosen, .at = all->n};
	all->n++;
	c->running = host_run(h, k->name, k->integration->name, chosen->sync->name) != NULL;
	if (due_look(all->siblings, &c->chosen, &c->state, &c->due_us, NULL) == 0)
		c->due = c->due_us && !c->running && c->due_us <= api_now_us(all->api);
}

static int
connector_order(const void *a, const void *b)
{
	const struct connector *x = a, *y = b;

	if (x->due != y->due)
		return x->due ? -1 : 1;
	if (x->due && x->due_us != y->due_us)
		return x->due_us < y->due_us ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static const char *
status_word(const struct connector *c, const char *last)
{
	if (c->running)
		return "SYNCING";
	if (c->state == SCHEDULE_INACTIVE || c->state == SCHEDULE_UNSTARTED || c->state == SCHEDULE_PAUSED)
		return "INACTIVE";
	if (c->chosen.connection->broken || c->state == SCHEDULE_ATTENTION || (last && strcmp(word_of(last), "FAILED") == 0))
		return "ERROR";
	return "ACTIVE";
}

static void
names_put(struct json_out *o, const char *connection, const char *integration, const char *sync)
{
	char *id = xasprintf("%s:%s:%s", connection, integration, sync);
	char *name = xasprintf("%s : %s : %s", connection, integration, sync);

	json_kv_str(o, "id", id);
	json_kv_str(o, "name", name);
	free(id);
	free(name);
}

static void
last_put(struct api *a, const struct connector *c, struct json_out *o)
{
	uint32_t scope = chosen_scope(api_host(a), &c->chosen, false, NULL);
	struct buf last = {0};
	char *status = NULL, *reason = NULL;
	int64_t at_us = 0;

	if (scope && store_state_get(api_store(a), scope, STATE_LAST, SLICE(""), &last)) {
		status = member_text(buf_view(&last), "status");
		reason = member_text(buf_view(&last), "reason");
		at_us = member_int(buf_view(&last), "finished_us", 0);
	}
	json_kv_str(o, "status", status_word(c, status));
	json_kv_time_ms(o, "lastSyncAt", at_us);
	json_kv_str(o, "lastSyncStatus", c->running ? "IN_PROGRESS" : word_of(status));
	json_kv_str(o, "lastSyncError", reason ? reason : c->chosen.connection->broken);
	free(status);
	free(reason);
	buf_free(&last);
}

static void
connector_put(struct api *a, const struct connector *c, struct json_out *o)
{
	const struct connection_settings *k = c->chosen.connection;
	struct schedule_plan plan;

	plan_fill(host_settings(api_host(a)), k, c->chosen.sync, &plan);
	json_open(o, '{');
	names_put(o, k->name, k->integration->name, c->chosen.sync->name);
	json_kv_str(o, "type", k->integration->plugin);
	last_put(a, c, o);
	json_kv_bool(o, "autoSync", plan.auto_sync);
	json_key(o, "syncInterval");
	if (plan.every_ms)
		json_put_int(o, plan.every_ms / 1000);
	else
		json_put_null(o);
	json_kv_str(o, "cron", plan.cron);
	json_kv_bool(o, "due", c->due);
	json_kv_time_ms(o, "dueAt", c->due_us);
	json_close(o, '}');
}

static void
connectors_get(struct http_call *c, void *arg)
{
	struct connectors all = {.api = arg, .siblings = due_siblings_new(api_host(arg))};
	size_t limit = (size_t)http_param_int(c, "limit", 100), n = 0;
	bool only_due = http_param_bool(c, "due", false);
	struct buf out = {0};
	struct json_out o = json_out(&out);

	v1_syncs_each(arg, NULL, NULL, NULL, connector_add, &all);
	due_siblings_free(all.siblings);
	if (all.n)
		qsort(all.list, all.n, sizeof *all.list, connector_order);
	json_open(&o, '{');
	json_key(&o, "connectors");
	json_open(&o, '[');
	for (size_t i = 0; i < all.n && n < limit && (all.list[i].due || !only_due); i++, n++)
		connector_put(arg, &all.list[i], &o);
	json_close(&o, ']');
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&out));
	buf_free(&out);
	free(all.list);
}

/* ---- POST /api/connectors/sync ---- */

static void
due_trigger(struct api *a, const struct due *d, const char *who, struct json_out *started, struct json_out *failed)
{
	const struct connection_settings *k = d->chosen.connection;
	const struct service_ask ask = {
		.connection = k->name, .integration = k->integration->name, .sync = d->chosen.sync->name, .who = who};
	struct err err = {0};
	bool good = service_trigger(api_service(a), &ask, &err) == 0;
	struct json_out *o = good ? started : failed;

	json_open(o, '{');
	names_put(o, ask.connection, ask.integration, ask.sync);
	json_kv_str(o, "type", k->integration->plugin);
	if (!good)
		json_kv_str(o, "error", err.text);
	json_close(o, '}');
}

static void
connectors_trigger(struct http_call *c, void *arg)
{
	struct api *a = arg;
	const struct service_ask all = {.who = "a key"};
	struct buf started = {0}, failed = {0}, out = {0};
	struct json_out o = json_out(&out), s = json_out(&started), f = json_out(&failed);
	struct due_list due;
	struct err err = {0};
	int64_t limit = 10;
	char who[128];

	snprintf(who, sizeof who, "key %s", http_key_name(c) ? http_key_name(c) : "(none)");
	json_int(http_field(c, "limit"), &limit);
	if (due_find(api_host(a), &all, (size_t)limit, &due, &err) != 0) {
		http_fail_err(c, &err);
		due_list_free(&due);
		return;
	}
	json_open(&s, '[');
	json_open(&f, '[');
	for (size_t i = 0; i < due.n; i++)
		due_trigger(a, &due.list[i], who, &s, &f);
	json_close(&s, ']');
	json_close(&f, ']');
	json_open(&o, '{');
	json_kv_bool(&o, "success", json_count(buf_view(&failed)) == 0);
	json_kv_int(&o, "count", (int64_t)json_count(buf_view(&started)));
	json_kv_raw(&o, "started", buf_view(&started));
	json_kv_raw(&o, "failed", buf_view(&failed));
	json_close(&o, '}');
	http_reply(c, 200, buf_view(&out));
	due_list_free(&due);
	buf_free(&started);
	buf_free(&failed);
	buf_free(&out);
}

/* ---- GET /api/connectors/history ---- */

/* "connection:integration" or "connection:integration:sync"; the parts are yours, sync NULL where there is none. */
static bool
connector_split(const char *id, char **connection, char **integration, char **sync)
{
	const char *a = strchr(id, ':'), *b = a ? strchr(a + 1, ':') : NULL;

	*connection = *integration = *sync = NULL;
	if (!a || a == id || !a[1] || (b && (b == a + 1 || !b[1])))
		return false;
	*connection = xstrndup(id, (size_t)(a - id));
	*integration = b ? xstrndup(a + 1, (size_t)(b - a - 1)) : xstrdup(a + 1);
	*sync = b ? xstrdup(b + 1) : NULL;
	return true;
}

static void
past_row(void *arg, struct slice row)
{
	struct json_out *o = arg;
	char *connection = member_text(row, "connection"), *integration = member_text(row, "integration"),
	     *sync = member_text(row, "sync"), *status = member_text(row, "status"),
	     *error = member_text(member_raw(row, "error"), "message");
	struct slice counts = member_raw(row, "counts");
	char *id = xasprintf("%s:%s:%s", connection, integration, sync);

	json_open(o, '{');
	json_kv_int(o, "id", member_int(row, "run", 0));
	json_kv_str(o, "connectorId", id);
	json_kv_str(o, "status", word_of(status));
	json_kv_time_ms(o, "startedAt", member_time(row, "started_at"));
	json_kv_time_ms(o, "finishedAt", member_time(row, "finished_at"));
	json_kv_int(o, "recordsFetched", member_int(counts, "fetched", 0));
	json_kv_int(o, "recordsProcessed", member_int(counts, "saved", 0));
	json_kv_str(o, "error", error);
	json_close(o, '}');
	free(connection);
	free(integration);
	free(sync);
	free(status);
	free(error);
	free(id);
}

static void
connectors_history(struct http_call *c, void *arg)
{
	const char *id = http_param(c, "connectorId");
	char *connection = NULL, *integration = NULL, *sync = NULL;
	struct buf question = {0}, end = {0}, out = {0};
	struct json_out q = json_out(&question), o = json_out(&out);
	const struct query_sink sink = {past_row, &o};
	struct err err = {0};

	if (id && !connector_split(id, &connection, &integration, &sync)) {
		http_fail(c, 400, "invalid_query_params", "connectorId is connection:integration or connection:integration:sync");
		return;
	}
	json_open(&q, '{');
	json_kv_str(&q, "query", "history");
	json_kv_str(&q, "connection", connection);
	json_kv_str(&q, "integration", integration);
	json_kv_str(&q, "sync", sync);
	json_kv_int(&q, "before", http_param_int(c, "before", 0));
	json_kv_int(&q, "limit", http_param_int(c, "limit", 100));
	json_close(&q, '}');
	json_open(&o, '{');
	json_key(&o, "history");
	json_open(&o, '[');
	if (query_answer(api_host(arg), buf_view(&question), &sink, &end, &err) == 0) {
		json_close(&o, ']');
		json_kv_int(&o, "before", member_int(buf_view(&end), "before", 0));
		json_kv_bool(&o, "more", member_bool(buf_view(&end), "more", false));
		json_close(&o, '}');
		http_reply(c, 200, buf_view(&out));
	} else {
		http_fail_err(c, &err);
	}
	buf_free(&question);
	buf_free(&end);
	buf_free(&out);
	free(connection);
	free(integration);
	free(sync);
}

/* ---- POST /api/connectors/test ---- */

static void
connectors_test(struct http_call *c, void *arg)
{
	char *id = http_field_text(c, "id"), *connection = NULL, *integration = NULL, *sync = NULL;

	if (!connector_split(id, &connection, &integration, &sync))
		http_fail(c, 400, "invalid_body", "id is connection:integration");
	else
		connection_check(c, arg, connection, integration);
	free(id);
	free(connection);
	free(integration);
	free(sync);
}

/* ---- the table ---- */

static const struct http_param sync_params[] = {
	{.name = "limit", .place = IN_QUERY, .type = HTTP_INT, .min = 1, .max = 10000, .help = "at most so many; usually 100"},
	{.name = "due", .place = IN_QUERY, .type = HTTP_BOOL, .help = "true: only what is due"},
	{0},
};
static const struct http_field connector_fields[] = {
	{.name = "id", .type = HTTP_TEXT, .required = true, .help = "connection:integration:sync"},
	{.name = "name", .type = HTTP_TEXT, .required = true},
	{.name = "type", .type = HTTP_TEXT, .required = true, .help = "the plugin"},
	{.name = "status", .type = HTTP_TEXT, .required = true,
	 .words = (const char *const[]){"ACTIVE", "SYNCING", "ERROR", "INACTIVE", NULL}},
	{.name = "autoSync", .type = HTTP_BOOL, .required = true},
	{.name = "syncInterval", .type = HTTP_INT, .required = true, .nullable = true, .help = "seconds; null: by cron"},
	{.name = "cron", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "lastSyncAt", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "lastSyncStatus", .type = HTTP_TEXT, .required = true, .nullable = true,
	 .words = (const char *const[]){"IN_PROGRESS", "COMPLETED", "FAILED", NULL}},
	{.name = "lastSyncError", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "due", .type = HTTP_BOOL, .required = true},
	{.name = "dueAt", .type = HTTP_TEXT, .required = true, .nullable = true},
	{0},
};
static const struct http_schema connector_schema = {.name = "Connector", .fields = connector_fields};
static const struct http_field connectors_fields[] = {
	{.name = "connectors", .type = HTTP_ARRAY, .required = true, .of = &connector_schema}, {0}};
static const struct http_schema connectors_schema = {.name = "Connectors", .fields = connectors_fields};
static const struct http_answer connectors_answers[] = {{.status = 200, .schema = &connectors_schema}, {0}};

static const struct http_field trigger_fields[] = {
	{.name = "limit", .type = HTTP_INT, .min = 1, .max = 10000, .help = "start at most so many; usually 10"}, {0}};
static const struct http_field started_fields[] = {
	{.name = "id", .type = HTTP_TEXT, .required = true},
	{.name = "name", .type = HTTP_TEXT, .required = true},
	{.name = "type", .type = HTTP_TEXT, .required = true},
	{.name = "error", .type = HTTP_TEXT, .help = "why it did not start"},
	{0},
};
static const struct http_schema started_schema = {.name = "StartedConnector", .fields = started_fields};
static const struct http_field triggered_fields[] = {
	{.name = "success", .type = HTTP_BOOL, .required = true},
	{.name = "count", .type = HTTP_INT, .required = true},
	{.name = "started", .type = HTTP_ARRAY, .required = true, .of = &started_schema},
	{.name = "failed", .type = HTTP_ARRAY, .required = true, .of = &started_schema},
	{0},
};
static const struct http_schema triggered_schema = {.name = "TriggeredConnectors", .fields = triggered_fields};
static const struct http_answer triggered_answers[] = {{.status = 200, .schema = &triggered_schema}, {0}};

static const struct http_param history_params[] = {
	{.name = "connectorId", .place = IN_QUERY, .type = HTTP_NAME, .help = "only of this one"},
	{.name = "limit", .place = IN_QUERY, .type = HTTP_INT, .min = 1, .max = 1000, .help = "at most so many; usually 100"},
	{.name = "before", .place = IN_QUERY, .type = HTTP_INT, .min = 1, .max = INT64_MAX, .help = "of the page that came before"},
	{0},
};
static const struct http_field past_fields[] = {
	{.name = "id", .type = HTTP_INT, .required = true, .help = "the run's number"},
	{.name = "connectorId", .type = HTTP_TEXT, .required = true},
	{.name = "status", .type = HTTP_TEXT, .required = true,
	 .words = (const char *const[]){"IN_PROGRESS", "COMPLETED", "FAILED", NULL}},
	{.name = "startedAt", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "finishedAt", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "recordsFetched", .type = HTTP_INT, .required = true},
	{.name = "recordsProcessed", .type = HTTP_INT, .required = true},
	{.name = "error", .type = HTTP_TEXT, .required = true, .nullable = true},
	{0},
};
static const struct http_schema past_schema = {.name = "ConnectorRun", .fields = past_fields};
static const struct http_field history_fields[] = {
	{.name = "history", .type = HTTP_ARRAY, .required = true, .of = &past_schema},
	{.name = "before", .type = HTTP_INT, .required = true},
	{.name = "more", .type = HTTP_BOOL, .required = true},
	{0},
};
static const struct http_schema history_schema = {.name = "ConnectorHistory", .fields = history_fields};
static const struct http_answer history_answers[] = {{.status = 200, .schema = &history_schema}, {0}};

static const struct http_field test_fields[] = {
	{.name = "id", .type = HTTP_TEXT, .required = true, .max = 600, .help = "connection:integration"}, {0}};
const struct http_route connectors_routes[] = {
	{.method = "GET", .path = "/api/connectors/sync", .name = "listConnectors", .tag = "Connectors",
	 .rights = RIGHT_READ | RIGHT_TRIGGER, .summary = "All connectors with their last sync, those that are due first",
	 .params = sync_params, .answers = connectors_answers, .handle = connectors_get},
	{.method = "POST", .path = "/api/connectors/sync", .name = "syncConnectors", .tag = "Connectors",
	 .rights = RIGHT_TRIGGER | RIGHT_WRITE, .summary = "Starts what is due, at most limit", .body = trigger_fields,
	 .answers = triggered_answers, .handle = connectors_trigger},
	{.method = "GET", .path = "/api/connectors/history", .name = "listConnectorHistory", .tag = "Connectors",
	 .rights = RIGHT_READ | RIGHT_TRIGGER, .summary = "Runs, the newest first", .params = history_params,
	 .answers = history_answers, .handle = connectors_history},
	{.method = "POST", .path = "/api/connectors/test", .name = "testConnector", .tag = "Connectors",
	 .rights = RIGHT_TRIGGER | RIGHT_WRITE, .summary = "Asks the provider whether a connection's credentials are good",
	 .body = test_fields, .answers = connection_check_answers, .handle = connectors_test},
	{0},
};
