/* contract_actions.c - the contract's actions: carried out now and answered with their output, or kept and fetched later.
 *
 *   POST /action/trigger                    200, the output and nothing else
 *   POST /action/trigger, X-Async: true     202, {"id","statusUrl"}, durable before it is answered
 *   GET  /action/{id}                       what the first would have answered; 404 while it is not over, as the contract has it
 *
 * Input is judged before anything begins. What the provider said to a failed action goes along, without what is secret in it.
 *
 * Awkward: a client that leaves does not stop its action: it may have written at the provider already. And an output may be any
 * JSON value, so errors are told by the status alone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "api/contract.h"
#include "base/mem.h"
#include "run/async.h"
#include "run/member.h"

#define REFUSED 400 /* statuses of a provider from here on */

/* ---- how a failure is told, now and later ---- */

static const struct {
	int status;
	const char *code;
} failures[ERR_CLASSES] = {
	[ERR_USAGE] = {400, "invalid_input"},
	[ERR_CREDENTIALS] = {424, "invalid_credentials"},
	[ERR_BUSY] = {409, "busy"},
	[ERR_RATE] = {429, "rate_limited"},
	[ERR_PROVIDER] = {424, "provider_error"},
	[ERR_DATA] = {500, "action_script_failure"},
	[ERR_CONNECTOR] = {500, "action_script_failure"},
	[ERR_HOST] = {503, "unavailable"},
	[ERR_STOPPED] = {503, "stopped"},
};

static void
headers_put(struct json_out *o, struct slice lines)
{
	json_key(o, "headers");
	json_open(o, '{');
	while (lines.len) {
		const char *newline = memchr(lines.p, '\n', lines.len), *colon = memchr(lines.p, ':', lines.len);
		size_t n = newline ? (size_t)(newline - lines.p) : lines.len;

		if (colon && colon < lines.p + n) {
			char *name = xstrndup(lines.p, (size_t)(colon - lines.p));
			json_kv_slice(o, name, slice_trim(slice_of(colon + 1, n - (size_t)(colon + 1 - lines.p))));
			free(name);
		}
		n += newline ? 1 : 0;
		lines = slice_of(lines.p + n, lines.len - n);
	}
	json_close(o, '}');
}

/* The body is JSON as it is, where it is JSON and was not cut. */
static void
upstream_put(struct json_out *o, const struct action_result *r)
{
	json_key(o, "upstream");
	json_open(o, '{');
	json_kv_int(o, "status", r->status);
	headers_put(o, r->headers);
	if (r->answer.len && json_check(r->answer, 0, NULL))
		json_kv_raw(o, "body", json_trim(r->answer));
	else
		json_kv_slice(o, "body", r->answer);
	json_close(o, '}');
}

static void
failure_answer(struct http_call *c, const struct action_result *r)
{
	bool refused = r->status >= REFUSED && !r->timed_out && r->err.cls != ERR_HOST && r->err.cls != ERR_STOPPED;
	int status = refused ? 424 : r->timed_out ? 504 : failures[r->err.cls].status;
	const char *code = refused ? "script_http_error" : r->timed_out ? "action_script_timeout" : failures[r->err.cls].code;
	struct buf error = {0};
	struct json_out o = json_out(&error);

	json_open(&o, '{');
	json_kv_str(&o, "code", code);
	json_kv_str(&o, "message", r->err.text);
	if (refused)
		upstream_put(&o, r);
	json_close(&o, '}');
	contract_retry_after(c, status == 429 ? r->retry_ms : 0);
	http_fail_json(c, status, buf_view(&error));
	buf_free(&error);
}

static void
result_answer(struct http_call *c, const struct action_result *r)
{
	if (r->err.cls == ERR_NONE)
		http_reply(c, 200, r->reply);
	else
		failure_answer(c, r);
}

/* ---- what is asked for ---- */

/* "'name' is missing (string)": which. */
static void
input_refuse(struct http_call *c, const struct err *err)
{
	const char *from = *err->text == '\'' ? err->text + 1 : NULL, *to = from ? strchr(from, '\'') : NULL;
	struct buf error = {0};
	struct json_out o = json_out(&error);

	json_open(&o, '{');
	json_kv_str(&o, "code", "invalid_action_input");
	json_kv_str(&o, "message", err->text);
	json_key(&o, "errors");
	json_open(&o, '[');
	json_open(&o, '{');
	json_kv_str(&o, "code", "invalid_type");
	json_kv_str(&o, "message", err->text);
	json_key(&o, "path");
	json_open(&o, '[');
	json_put_str(&o, "input");
	if (to)
		json_put_slice(&o, slice_of(from, (size_t)(to - from)));
	json_close(&o, ']');
	json_close(&o, '}');
	json_close(&o, ']');
	json_close(&o, '}');
	http_fail_json(c, 400, buf_view(&error));
	buf_free(&error);
}

static const struct manifest_action *
action_find(struct http_call *c, struct host *h, const struct connection_settings *to, const char *name)
{
	struct err err = {0};
	const struct manifest *m = host_manifest_of(h, to, &err);
	const struct manifest_action *a = m ? manifest_action(m, name) : NULL;
	const char **names, *near;

	if (a)
		return a;
	if (!m) {
		http_fail_err(c, &err);
		return NULL;
	}
	names = xcalloc(m->n_actions + 1, sizeof *names);
	for (size_t i = 0; i < m->n_actions; i++)
		names[i] = m->actions[i].name;
	near = nearest(name, names);
	http_fail(c, 404, "not_found", "integration '%s' has no action '%s'%s%s%s", to->integration->name, name,
	          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	free(names);
	return NULL;
}

/* NULL: answered. */
static const struct connection_settings *
connection_find(const struct api *a, struct http_call *c)
{
	const char *key = http_param(c, "Provider-Config-Key");

	if (contract_integration(a, key))
		return contract_connection_header(a, c);
	http_fail(c, 400, "unknown_provider", "there is no integration '%s'", key);
	return NULL;
}

/* ---- POST /action/trigger ---- */

static void
action_over(void *arg, const struct action_result *r)
{
	result_answer(arg, r);
}

static void
action_kept(void *arg, const char *id, const struct err *err)
{
	struct http_call *c = arg;
	char *url = xasprintf("/action/%s", id);
	struct buf body = {0};
	struct json_out o = json_out(&body);

	if (err->cls != ERR_NONE) {
		http_fail_err(c, err);
	} else {
		json_open(&o, '{');
		json_kv_str(&o, "id", id);
		json_kv_str(&o, "statusUrl", url);
		json_close(&o, '}');
		http_answer_header(c, "Location", url);
		http_reply(c, 202, buf_view(&body));
	}
	buf_free(&body);
	free(url);
}

static void
action_start(struct http_call *c, struct host *h, const struct action_ask *ask)
{
	const char *async = http_param(c, "X-Async");
	struct err err = {0};

	if (async && !strcasecmp(async, "true")) {
		if (async_put(h, ask, action_kept, c, &err) != 0)
			http_fail_err(c, &err);
	} else if (!action_begin(h, ask, action_over, c, &err)) {
		failure_answer(c, &(struct action_result){.err = err});
	}
}

/* As struct action_ask wants it. */
static int
retries_asked(const struct http_call *c)
{
	int64_t n = http_param_int(c, "X-Max-Retries", -1);

	return n < 0 ? 0 : n == 0 ? -1 : (int)n;
}

static void
trigger_handle(struct http_call *c, void *arg)
{
	struct host *h = api_host(arg);
	const struct connection_settings *to = connection_find(arg, c);
	char *name = http_field_text(c, "action_name");
	const struct manifest_action *a = to ? action_find(c, h, to, name) : NULL;
	struct slice input = json_trim(http_field(c, "input"));
	struct err err = {0};

	if (!input.len || json_type(input) == JSON_NULL)
		input = SLICE("{}");
	if (a && (a->n_input ? !fields_match(a->input, a->n_input, input, &err) : json_type(input) != JSON_OBJECT)) {
		if (err.cls == ERR_NONE)
			err_set(&err, ERR_DATA, "the input is no object");
		input_refuse(c, &err);
	} else if (a) {
		const struct action_ask ask = {
			.connection = to->name,
			.integration = to->integration->name,
			.name = name,
			.input = input,
			.retries = retries_asked(c),
		};
		action_start(c, h, &ask);
	}
	free(name);
}

/* ---- GET /action/{id} ---- */

static void
result_handle(struct http_call *c, void *arg)
{
	struct async_view v;

	if (!async_look(api_host(arg), http_param(c, "id"), &v))
		http_fail(c, 404, "not_found", "there is no action of this id; results are kept for 7 days, and for an hour once fetched");
	else if (!v.done)
		http_fail(c, 404, "not_found", "the action is not over yet: ask again");
	else
		result_answer(c, &v.result);
	async_view_finish(&v);
}

static const struct http_param trigger_params[] = {
	{.name = "Provider-Config-Key", .place = IN_HEADER, .type = HTTP_NAME, .required = true, .help = "the integration"},
	{.name = "Connection-Id", .place = IN_HEADER, .type = HTTP_NAME, .required = true, .help = "the connection"},
	{.name = "X-Async", .place = IN_HEADER, .type = HTTP_TEXT, .help = "true: it is kept, and the answer is where its result will be"},
	{.name = "X-Max-Retries", .place = IN_HEADER, .type = HTTP_INT, .min = 0, .max = 5,
	 .help = "how often a failure that may pass is tried again; only of an action that its connector calls repeatable, usually 2"},
	{0}};

static const struct http_field trigger_body[] = {
	{.name = "action_name", .type = HTTP_NAME, .required = true, .help = "the action"},
	{.name = "input", .type = HTTP_ANY, .nullable = true, .help = "an object with the fields that the action declares"},
	{0}};

static const struct http_field async_fields[] = {
	{.name = "id", .type = HTTP_TEXT, .required = true, .help = "of this action"},
	{.name = "statusUrl", .type = HTTP_TEXT, .required = true, .help = "the path that its result is to be fetched from"},
	{0}};
static const struct http_schema async_schema = {.name = "AsyncAction", .fields = async_fields};

static const struct http_answer trigger_answers[] = {
	{.status = 200, .type = "application/json", .help = "what the action answers, any JSON value"},
	{.status = 202, .schema = &async_schema, .help = "kept; Location says where its result will be"},
	{.status = 404, .help = "the integration has no such action"},
	{.status = 424, .help = "the provider refused; upstream holds its status, headers and body"},
	{.status = 429, .help = "the provider's limit or the quota leaves no room; Retry-After says until when"},
	{.status = 504, .help = "the action did not end in its time"},
	{0}};

static const struct http_param result_params[] = {
	{.name = "id", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "of POST /action/trigger"}, {0}};

static const struct http_answer result_answers[] = {
	{.status = 200, .type = "application/json", .help = "what the action answers, any JSON value"},
	{.status = 404, .help = "it is not over yet, or there is none"},
	{.status = 424, .help = "it failed, as POST /action/trigger tells it"},
	{0}};

const struct http_route contract_action_routes[] = {
	{.method = "POST", .path = "/action/trigger", .name = "triggerAction", .tag = "Actions",
	 .summary = "Carries out an action of a connector, now or later", .rights = RIGHT_WRITE | RIGHT_ADMIN, .params = trigger_params,
	 .body = trigger_body, .loose = true, .max_body = 4u << 20, .answers = trigger_answers, .handle = trigger_handle},
	{.method = "GET", .path = "/action/{id}", .name = "getAsyncActionResult", .tag = "Actions",
	 .summary = "The result of an action that was asked for with X-Async", .rights = RIGHT_WRITE | RIGHT_ADMIN,
	 .params = result_params, .answers = result_answers, .handle = result_handle},
	{0}};
