/* connection_check.c - see connection_check.h.
 *
 * A connector's own check takes as long as its provider does: the call waits, suspended, a minute at most. Whatever comes of
 * the check is the answer, by 200; other statuses say that none was made.
 * Awkward: a client that leaves takes its check with it, and is answered all the same, for its call is still owed one. */
#include "api/connection_check.h"

#include <stdlib.h>
#include "base/mem.h"
#include "plugin/registry.h"
#include "run/actions.h"
#include "run/member.h"

#define TEST_MS 60000

struct testing {
	struct http_call *call;
	struct action_task *task;
	char *connection, *integration;
};

static void
testing_free(struct testing *t)
{
	free(t->connection);
	free(t->integration);
	free(t);
}

static void
test_told(void *arg, const struct action_result *r)
{
	struct testing *t = arg;
	char *cls = member_text(r->reply, "class"), *reason = member_text(r->reply, "reason");
	bool good = r->err.cls == ERR_NONE && !cls;
	char *id = xasprintf("%s:%s", t->connection, t->integration);
	struct slice facts = member_raw(r->reply, "reply");
	struct buf out = {0};
	struct json_out o = json_out(&out);

	json_open(&o, '{');
	json_kv_str(&o, "id", id);
	json_kv_bool(&o, "success", good);
	json_kv_str(&o, "class", cls ? cls : r->err.cls != ERR_NONE ? err_class_name(r->err.cls) : NULL);
	json_kv_str(&o, "error", good ? NULL : reason ? reason : r->err.text);
	json_kv_int(&o, "status", member_int(r->reply, "status", r->status));
	json_kv_raw(&o, "facts", facts.len ? facts : SLICE("null"));
	json_kv_int(&o, "requests", member_int(r->reply, "requests", 0));
	json_kv_int(&o, "durationMs", member_int(r->reply, "duration_ms", 0));
	json_close(&o, '}');
	http_on_gone(t->call, NULL, NULL);
	http_reply(t->call, 200, buf_view(&out));
	buf_free(&out);
	free(id);
	free(cls);
	free(reason);
	testing_free(t);
}

static void
test_gone(struct http_call *c, void *arg)
{
	struct testing *t = arg;

	action_forget(t->task);
	http_fail(c, 503, "unavailable", "the host ends");
	testing_free(t);
}

void
connection_check(struct http_call *c, struct api *a, const char *connection, const char *integration)
{
	const struct connection_settings *k = settings_connection(host_settings(api_host(a)), connection, integration);
	const struct plugin_file *f = k ? host_plugin_look(api_host(a), k->integration->plugin) : NULL;
	const struct action_ask ask = {
		.connection = connection, .integration = k ? k->integration->name : NULL, .check = true, .timeout_ms = TEST_MS};
	struct testing *t;
	struct err err = {0};

	if (!k || (f && !f->manifest->has_check)) {
		if (!k)
			http_fail(c, 404, "unknown_connection", "there is no connection %s : %s", connection, integration ? integration : "?");
		else
			http_fail(c, 409, "no_check", "connector '%s' has no check of its own", k->integration->plugin);
		return;
	}
	t = XNEW(struct testing);
	t->call = c;
	t->connection = xstrdup(k->name);
	t->integration = xstrdup(k->integration->name);
	t->task = action_begin(api_host(a), &ask, test_told, t, &err);
	if (!t->task) {
		http_fail_err(c, &err);
		testing_free(t);
		return;
	}
	http_on_gone(c, test_gone, t);
}

static const struct http_field tested_fields[] = {
	{.name = "id", .type = HTTP_TEXT, .required = true},
	{.name = "success", .type = HTTP_BOOL, .required = true},
	{.name = "class", .type = HTTP_TEXT, .required = true, .nullable = true, .help = "credentials, provider, rate, ..."},
	{.name = "error", .type = HTTP_TEXT, .required = true, .nullable = true},
	{.name = "status", .type = HTTP_INT, .required = true, .help = "of the provider's last answer; 0: there was none"},
	{.name = "facts", .type = HTTP_ANY, .required = true, .nullable = true, .help = "what the connector says of the account"},
	{.name = "requests", .type = HTTP_INT, .required = true},
	{.name = "durationMs", .type = HTTP_INT, .required = true},
	{0},
};
static const struct http_schema tested_schema = {.name = "ConnectionTest", .fields = tested_fields};
const struct http_answer connection_check_answers[] = {{.status = 200, .schema = &tested_schema}, {0}};
