/* webhook_in.c - POST /webhook/INTEGRATION[/CONNECTION]: events that providers send.
 *
 * No key is asked for: who it is from, the event's own signature says (event/verify.h). The answer is given when the event is
 * in the store. A provider takes anything but 2xx for "send it again", so what is known already or not handled is 200 too. */
#include "api/api.h"
#include "event/receive.h"

#define BODY_MAX ((size_t)1 << 20)

static const struct http_param of_integration[] = {
	{.name = "integration", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "name of the integration"}, {0}};
static const struct http_param of_connection[] = {
	{.name = "integration", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "name of the integration"},
	{.name = "connection", .place = IN_PATH, .type = HTTP_NAME, .required = true, .help = "name of the connection"},
	{0},
};
static const struct http_field taken_fields[] = {
	{.name = "received", .type = HTTP_BOOL, .help = "it is stored, and will be handled"},
	{.name = "known", .type = HTTP_BOOL, .help = "it was there already: it is not handled twice"},
	{.name = "ignored", .type = HTTP_BOOL, .help = "the connector handles no events of its type"},
	{.name = "challenge", .type = HTTP_TEXT, .help = "alone: the answer to a provider that asks whether this URL is ours"},
	{0},
};
static const struct http_schema taken_schema = {.name = "EventReceived", .fields = taken_fields};
static const struct http_answer answers[] = {
	{.status = 200, .schema = &taken_schema, .help = "stored, known, or of no interest"},
	{.status = 401, .help = "no signature, one that does not fit, or one made too long ago"},
	{.status = 404, .help = "no such webhook"},
	{.status = 503, .help = "it cannot be stored now: send it again"},
	{0},
};

static const char *
header_of(void *arg, const char *name)
{
	return http_header(arg, name);
}

static void
answer(void *arg, const struct event_answer *a)
{
	struct http_call *c = arg;
	struct buf json = {0};
	struct json_out o = json_out(&json);

	if (a->status == 503)
		http_answer_header(c, "Retry-After", "30");
	if (a->status != 200) {
		http_fail(c, a->status, a->code, "%s", a->text);
	} else if (a->challenge.len) {
		http_reply(c, 200, a->challenge);
	} else {
		json_open(&o, '{');
		json_kv_bool(&o, "received", !a->ignored);
		json_kv_bool(&o, "known", a->known);
		json_kv_bool(&o, "ignored", a->ignored);
		json_close(&o, '}');
		http_reply(c, 200, buf_view(&json));
	}
	buf_free(&json);
}

static void
event_in(struct http_call *c, void *arg)
{
	const struct event_call call = {.integration = http_param(c, "integration"), .connection = http_param(c, "connection"),
	                                .header = header_of, .arg = c, .body = http_body(c)};

	event_receive(api_host(arg), &call, answer, c);
}

const struct http_route webhook_in_routes[] = {
	{.method = "POST", .path = "/webhook/{integration}/{connection}", .name = "receiveEvent", .tag = "Webhooks in",
	 .summary = "An event that a provider sends", .help = "Any JSON, signed as the connector declares. No key is needed.",
	 .params = of_connection, .raw = true, .loose = true, .max_body = BODY_MAX, .answers = answers, .handle = event_in},
	{.method = "POST", .path = "/webhook/{integration}", .name = "receiveAccountEvent", .tag = "Webhooks in",
	 .summary = "An event that names its account itself",
	 .help = "For providers with one URL for all accounts, where the connector says how the connection is found.",
	 .params = of_integration, .raw = true, .loose = true, .max_body = BODY_MAX, .answers = answers, .handle = event_in},
	{0},
};
