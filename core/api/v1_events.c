/* v1_events.c - /api/v1 about events that providers sent: which there are, what became of each, and those that were put aside.
 *
 * An event's body is shown only by itself: it holds what the provider sent, personal data included. */
#include "api/v1.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}
#define TIME(name_, help_) {.name = (name_), .type = HTTP_TEXT, .nullable = true, .help = (help_)}

static const char *const states[] = {"waiting", "done", "dead", NULL};
static const struct http_param filters[] = {
	V1_FILTERS,
	V1_TEXT("webhook", "only of this handler of the connector"),
	V1_TEXT("type", "only of this type"),
	{.name = "state", .place = IN_QUERY, .type = HTTP_WORD, .words = states, .help = "only in this state"},
	V1_LIMIT,
	{.name = "cursor", .place = IN_QUERY, .type = HTTP_TEXT, .max = 20, .help = "of the page before"},
	{0},
};
static const struct http_param of_event[] = {
	{.name = "number", .place = IN_PATH, .type = HTTP_INT, .required = true, .min = 1, .max = INT64_MAX, .help = "the event's number"},
	{0},
};
static const struct http_field event_fields[] = {
	{.name = "number", .type = HTTP_INT, .required = true},
	{.name = "connection", .type = HTTP_TEXT, .required = true},
	{.name = "integration", .type = HTTP_TEXT, .required = true},
	{.name = "webhook", .type = HTTP_TEXT, .required = true, .help = "the connector's handler"},
	{.name = "type", .type = HTTP_TEXT, .required = true, .help = "empty: it has none"},
	{.name = "id", .type = HTTP_TEXT, .required = true, .help = "the provider's; empty: it has none"},
	{.name = "state", .type = HTTP_TEXT, .required = true, .words = states},
	{.name = "attempts", .type = HTTP_INT, .required = true, .help = "that failed"},
	{.name = "reason", .type = HTTP_TEXT, .nullable = true, .help = "of the last that failed"},
	{.name = "run", .type = HTTP_INT, .required = true, .help = "of the last attempt; 0: none yet"},
	TIME("arrived_at", "by our clock"),
	TIME("happened_at", "by the provider's"),
	TIME("next_at", "of one that waits: not before then"),
	TIME("settled_at", "done, or put aside"),
	{.name = "bytes", .type = HTTP_INT, .required = true},
	{.name = "body", .type = HTTP_OBJECT, .help = "what the provider sent"},
	{0},
};
static const struct http_schema event_schema = {.name = "ReceivedEvent", .fields = event_fields};
static const struct http_field events_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &event_schema},
	{.name = "cursor", .type = HTTP_INT},
	{.name = "more", .type = HTTP_BOOL},
	{0},
};
static const struct http_schema events_schema = {.name = "ReceivedEvents", .fields = events_fields};
static const struct http_answer events_answers[] = {{.status = 200, .schema = &events_schema}, {0}};
static const struct http_field one_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &event_schema}, {0}};
static const struct http_schema one_schema = {.name = "ReceivedEventAnswer", .fields = one_fields};
static const struct http_answer one_answers[] = {{.status = 200, .schema = &one_schema}, {0}};
static const struct http_field numbers_fields[] = {
	{.name = "numbers", .type = HTTP_ARRAY, .required = true, .min = 1, .max = 1000, .help = "of the events; all or none"}, {0}};

const struct http_route v1_event_routes[] = {
	{.method = "GET", .path = "/api/v1/events", .name = "listEvents", .tag = "Webhooks in", .rights = RIGHT_READ,
	 .summary = "Events that providers sent, the newest first", .params = filters, .answers = events_answers,
	 .data = ASK("events"), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/events/{number}", .name = "getEvent", .tag = "Webhooks in", .rights = RIGHT_READ,
	 .summary = "One of them, with what the provider sent", .params = of_event, .answers = one_answers,
	 .data = ASK("event", .shape = V1_ONE, .missing = true), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/events/retry", .name = "retryEvents", .tag = "Webhooks in", .rights = RIGHT_WRITE,
	 .summary = "Has events that were put aside handled again", .body = numbers_fields, .answers = v1_done,
	 .data = ASK("retry_events", .missing = true), .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/events/drop", .name = "dropEvents", .tag = "Webhooks in", .rights = RIGHT_ADMIN,
	 .summary = "Forgets events, handled or not", .body = numbers_fields, .answers = v1_done,
	 .data = ASK("drop_events", .missing = true), .handle = v1_ask},
	{0},
};
