/* v1_deliveries.c - /api/v1 about webhooks out: receivers and how they stand, their events, and what a person does with them.
 *
 * An event is named by its endpoint and its number there. Its body is shown only by itself: it holds records. */
#include "api/v1.h"

#define ASK(name, ...) &(const struct v1_question){.query = (name), __VA_ARGS__}
#define V1_ENDPOINT V1_PATH("endpoint", "the webhook's name")
#define TIME(name_) {.name = (name_), .type = HTTP_TEXT, .nullable = true}

static const struct http_field endpoint_fields[] = {
	{.name = "endpoint", .type = HTTP_TEXT, .required = true, .help = "the name of its section"},
	{.name = "state", .type = HTTP_TEXT, .required = true,
	 .words = (const char *const[]){"idle", "sending", "waiting", "open", "gone", "off", "left", NULL},
	 .help = "waiting: the last try failed; open: several in a row; gone: it answered 410; left: its section is gone"},
	{.name = "receiver", .type = HTTP_TEXT, .nullable = true, .help = "its URL without path: that may be a secret"},
	{.name = "events", .type = HTTP_TEXT, .nullable = true},
	{.name = "trouble", .type = HTTP_TEXT, .nullable = true, .help = "why nothing is sent"},
	{.name = "pending", .type = HTTP_INT, .required = true},
	{.name = "bytes", .type = HTTP_INT, .required = true},
	TIME("oldest_at"),
	{.name = "parked", .type = HTTP_INT, .required = true, .help = "events that were given up"},
	{.name = "delivered", .type = HTTP_INT, .required = true, .help = "ever"},
	TIME("delivered_at"),
	{.name = "failed", .type = HTTP_INT, .required = true, .help = "attempts, ever"},
	TIME("failed_at"),
	{.name = "failures", .type = HTTP_INT, .required = true, .help = "in a row"},
	TIME("failing_since"),
	TIME("next_try_at"),
	{.name = "status", .type = HTTP_INT, .nullable = true, .help = "of the last failure; null: there was no answer"},
	{.name = "reason", .type = HTTP_TEXT, .nullable = true},
	{0},
};
static const struct http_schema endpoint_schema = {.name = "Webhook", .fields = endpoint_fields};
static const struct http_field endpoints_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &endpoint_schema}, {0}};
static const struct http_schema endpoints_schema = {.name = "Webhooks", .fields = endpoints_fields};
static const struct http_answer endpoints_answers[] = {{.status = 200, .schema = &endpoints_schema}, {0}};

static const char *const states[] = {"pending", "parked", "delivered", NULL};
static const struct http_field event_fields[] = {
	{.name = "endpoint", .type = HTTP_TEXT, .required = true},
	{.name = "number", .type = HTTP_INT, .help = "not of one that was delivered"},
	{.name = "id", .type = HTTP_TEXT, .required = true, .help = "webhook-id: the same over all attempts"},
	{.name = "type", .type = HTTP_TEXT, .required = true},
	{.name = "state", .type = HTTP_TEXT, .required = true, .words = states},
	TIME("made_at"),
	{.name = "attempts", .type = HTTP_INT, .required = true},
	TIME("first_try_at"),
	TIME("last_try_at"),
	TIME("next_try_at"),
	TIME("parked_at"),
	TIME("delivered_at"),
	{.name = "status", .type = HTTP_INT},
	{.name = "duration_ms", .type = HTTP_INT},
	{.name = "reason", .type = HTTP_TEXT, .nullable = true},
	{.name = "bytes", .type = HTTP_INT},
	{.name = "body", .type = HTTP_OBJECT, .help = "what is sent"},
	{0},
};
static const struct http_schema event_schema = {.name = "Delivery", .fields = event_fields};
static const struct http_field events_fields[] = {
	{.name = "data", .type = HTTP_ARRAY, .required = true, .of = &event_schema},
	{.name = "cursor", .type = HTTP_INT},
	{.name = "more", .type = HTTP_BOOL},
	{0},
};
static const struct http_schema events_schema = {.name = "Deliveries", .fields = events_fields};
static const struct http_answer events_answers[] = {{.status = 200, .schema = &events_schema}, {0}};
static const struct http_field event_answer_fields[] = {
	{.name = "data", .type = HTTP_OBJECT, .required = true, .of = &event_schema}, {0}};
static const struct http_schema event_answer_schema = {.name = "DeliveryAnswer", .fields = event_answer_fields};
static const struct http_answer event_answers[] = {{.status = 200, .schema = &event_answer_schema}, {0}};

static const struct http_param event_filters[] = {
	V1_TEXT("endpoint", "the webhook's name; not needed where there is one"),
	{.name = "state", .place = IN_QUERY, .type = HTTP_WORD, .words = states,
	 .help = "pending (usually), parked, or the last that were delivered, the newest first"},
	V1_LIMIT,
	{.name = "cursor", .place = IN_QUERY, .type = HTTP_TEXT, .max = 20, .help = "of the page before"},
	{0},
};
static const struct http_param of_event[] = {
	V1_ENDPOINT,
	{.name = "number", .place = IN_PATH, .type = HTTP_INT, .required = true, .min = 1, .max = INT64_MAX,
	 .help = "the event's number"},
	{0},
};
static const struct http_param of_endpoint[] = {
	V1_ENDPOINT, V1_BOOL("parked", "those that were given up go to the end of its queue as well"), {0}};

static const struct http_field changed_fields[] = {
	{.name = "data", .type = HTTP_ARRAY},
	{.name = "endpoint", .type = HTTP_TEXT, .required = true},
	{.name = "queued", .type = HTTP_INT},
	{.name = "dropped", .type = HTTP_INT},
	{0},
};
static const struct http_schema changed_schema = {.name = "DeliveriesChanged", .fields = changed_fields};
static const struct http_answer changed_answers[] = {{.status = 200, .schema = &changed_schema}, {0}};

#define EVENT "/api/v1/deliveries/{endpoint}/{number}"

const struct http_route v1_delivery_routes[] = {
	{.method = "GET", .path = "/api/v1/webhooks", .name = "listWebhooks", .tag = "Webhooks", .rights = RIGHT_READ,
	 .summary = "Receivers of events, and how they stand", .answers = endpoints_answers, .data = ASK("endpoints"),
	 .handle = v1_ask},
	{.method = "POST", .path = "/api/v1/webhooks/{endpoint}/retry", .name = "retryWebhook", .tag = "Webhooks",
	 .rights = RIGHT_WRITE, .summary = "Tries now what waits, also where the receiver has answered 410", .params = of_endpoint,
	 .answers = changed_answers, .data = ASK("retry_deliveries", .missing = true), .handle = v1_ask},
	{.method = "GET", .path = "/api/v1/deliveries", .name = "listDeliveries", .tag = "Webhooks", .rights = RIGHT_READ,
	 .summary = "Events of one webhook: those that wait, were given up, or were taken lately", .params = event_filters,
	 .answers = events_answers, .data = ASK("deliveries"), .handle = v1_ask},
	{.method = "GET", .path = EVENT, .name = "getDelivery", .tag = "Webhooks", .rights = RIGHT_READ,
	 .summary = "One event, with the body that is sent", .params = of_event, .answers = event_answers,
	 .data = ASK("delivery", .shape = V1_ONE, .missing = true), .handle = v1_ask},
	{.method = "POST", .path = EVENT "/retry", .name = "retryDelivery", .tag = "Webhooks", .rights = RIGHT_WRITE,
	 .summary = "Puts one that was given up to the end of its queue, with its id", .params = of_event,
	 .answers = changed_answers, .data = ASK("retry_deliveries", .missing = true), .handle = v1_ask},
	{.method = "DELETE", .path = EVENT, .name = "dropDelivery", .tag = "Webhooks", .rights = RIGHT_ADMIN,
	 .summary = "Drops an event for good: its receiver is never told", .params = of_event, .answers = changed_answers,
	 .data = ASK("drop_deliveries", .missing = true), .handle = v1_ask},
	{0},
};
