/* stripe.c - mirrors the list endpoints of the Stripe API (version 2020-08-27): one row of a table each.
 *
 * All lists are alike: newest first, `starting_after` the last id, `has_more` (https://stripe.com/docs/api/pagination).
 * A list can be asked for what was *created* since, not for what changed: so a sync is incremental by `created[gte]`,
 * and a run without an earlier success (the first, or `--full-refresh`) lists everything, and then finds changes and
 * deletions too.
 *
 * Webhooks tell of every change at once: an event holds the object as it is then (https://stripe.com/docs/webhooks).
 *
 * A page goes into the store as it came. Only where a list within an object says has_more (the lines of a long invoice)
 * the page becomes a tree, and that list is fetched to its end.
 *
 * Awkward: those inner lists have no position of their own, so a run that is cut off while it reads them begins the
 * page again. Stripe keeps events for 30 days; one that is gone from the list was not deleted. A subscription that is
 * "deleted" is a canceled one, which its list still shows. */
#include <sluice_json.h>

/* What is asked for again although it was there at the last success: clocks differ, and objects become visible late. */
enum { OVERLAP_S = 300 };

enum { INNER_MOST = 100000 }; /* items in a list within an object; Stripe shows the first 10 */

struct list {
	const char *path, *model;
	const struct sluice_pair *extra; /* further parameters, or NULL */
	int past;                        /* what it holds is how things were: lists within are not as they are now */
};

/* ---- lists within objects ---- */

/* Does the text hold "has_more": true? What stands behind it is a NUL, or the rest of its answer. */
static int
goes_on(const char *text, size_t len)
{
	static const char member[] = "\"has_more\"";
	const char *end = text + len, *p = text;

	while ((p = strstr(p, member)) && p < end) {
		p += sizeof member - 1;
		p += strspn(p, " \t\r\n:");
		if (strncmp(p, "true", 4) == 0)
			return 1;
	}
	return 0;
}

/* One more page of it, appended. https://stripe.com/docs/api/pagination */
static int
list_extend(struct sluice_run *run, cJSON *list)
{
	cJSON *data = sluice_json_get(list, "data"), *item, *page, *more;
	const char *url = sluice_json_text(list, "url");
	const char *last = sluice_json_text(cJSON_GetArrayItem(data, cJSON_GetArraySize(data) - 1), "id");
	const struct sluice_pair query[] = {{"limit", "100"}, {"starting_after", last}, {NULL, NULL}};
	struct sluice_response answer;

	if (!url || strncmp(url, "/v1/", 4) != 0 || !last)
		return sluice_fail(run, SLUICE_EDATA, "a list within an object says has_more, and not where (url: %.80s)",
		                   url ? url : "none");
	if (cJSON_GetArraySize(data) > INNER_MOST)
		return sluice_fail(run, SLUICE_ELIMIT, "%s has more than %d items", url, INNER_MOST);
	if (sluice_proxy_get(run, url, query, &answer))
		return sluice_status(run);
	page = sluice_json_answer(run, &answer);
	more = sluice_json_get(page, "data");
	if (page && !cJSON_IsArray(more))
		sluice_fail(run, SLUICE_EDATA, "%s answers no list", url);
	else if (cJSON_GetArraySize(more) == 0 && sluice_json_bool(page, "has_more", 0))
		sluice_fail(run, SLUICE_ELOOP, "%s says has_more after %s, and shows nothing", url, last);
	while ((item = cJSON_DetachItemFromArray(more, 0)))
		cJSON_AddItemToArray(data, item);
	cJSON_ReplaceItemInObjectCaseSensitive(list, "has_more",
	                                       cJSON_CreateBool(sluice_json_bool(page, "has_more", 0)));
	cJSON_Delete(page);
	return sluice_status(run);
}

/* Fetches to its end each list that the object holds, and those that their items hold: the refunds of the charges of a
 * payment intent. It goes no deeper than the parser let the answer be. */
static void
object_complete(struct sluice_run *run, cJSON *object)
{
	cJSON *member;

	while (sluice_json_bool(object, "has_more", 0) && list_extend(run, object) == 0)
		;
	cJSON_ArrayForEach(member, object)
		if (sluice_status(run) == 0)
			object_complete(run, member);
}

static void
page_save(struct sluice_run *run, const struct list *list, const struct sluice_page *page)
{
	cJSON *objects;

	if (list->past || !goes_on(page->body, page->len)) {
		sluice_batch_save(run, list->model, page->body, page->len);
		return;
	}
	objects = sluice_json_page(run, page);
	object_complete(run, objects);
	if (sluice_status(run) == 0)
		sluice_json_save(run, list->model, objects);
	cJSON_Delete(objects);
}

/* ---- lists ---- */

static int
fetch_list(struct sluice_run *run)
{
	const struct list *list = (const struct list *)sluice_data(run);
	const int64_t last = sluice_last_success(run);
	const char *since = last > 0 ? sluice_format(run, "%lld", (long long)(last / 1000000 - OVERLAP_S)) : NULL;
	const struct sluice_pair query[] = {
		{"created[gte]", since}, /* NULL: left out */
		{list->extra ? list->extra->name : NULL, list->extra ? list->extra->value : NULL},
		{NULL, NULL},
	};
	const struct sluice_page_request request = {
		.endpoint = list->path, .query = query, .items = "data", .limit = 100,
		.kind = SLUICE_LAST_ITEM, .cursor_param = "starting_after", .cursor = "id", .has_more = "has_more",
	};
	struct sluice_page page;

	while (sluice_paginate(run, &request, &page) > 0)
		page_save(run, list, &page);
	return sluice_status(run);
}

/* ---- events ---- */

static const struct {
	const char *object, *model;
	int stays; /* its list shows it after its .deleted, too */
} kinds[] = {
	{"customer", "StripeCustomer", 0}, {"charge", "StripeCharge", 0}, {"invoice", "StripeInvoice", 0},
	{"subscription", "StripeSubscription", 1}, {"product", "StripeProduct", 0}, {"price", "StripePrice", 0},
	{"refund", "StripeRefund", 0}, {"payment_intent", "StripePaymentIntent", 0}, {"payout", "StripePayout", 0},
	{"plan", "StripePlan", 0},
};

static int
ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

/* The object may have been cut to the first items of its lists, as in a page. */
static void
event_save(struct sluice_run *run, const char *model, cJSON *list)
{
	object_complete(run, list->child);
	if (sluice_status(run) == 0)
		sluice_json_save(run, model, list);
}

/* What is no model of ours (cards, discounts, disputes, ...) is passed over. */
static int
take_event(struct sluice_run *run)
{
	const char *text = sluice_event(run);
	cJSON *event = sluice_json_parse(text, strlen(text));
	cJSON *object = cJSON_DetachItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(event, "data"), "object");
	const char *type = sluice_json_text(event, "type"), *what = sluice_json_text(object, "object");
	cJSON *list = cJSON_CreateArray();

	if (!type || !what)
		sluice_fail(run, SLUICE_EDATA, "the event has no %s", type ? "data.object" : "type");
	else
		cJSON_AddItemToArray(list, object);
	for (size_t i = 0; type && what && i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(kinds[i].object, what) != 0)
			continue;
		if (ends_with(type, ".deleted") && !kinds[i].stays)
			sluice_json_delete(run, kinds[i].model, list);
		else
			event_save(run, kinds[i].model, list);
	}
	if (!type || !what)
		cJSON_Delete(object);
	cJSON_Delete(list);
	cJSON_Delete(event);
	return sluice_status(run);
}

/* One customer at most. A restricted key may lack the permission; Stripe's refusal names it. */
static int
check(struct sluice_run *run)
{
	const struct sluice_pair query[] = {{"limit", "1"}, {NULL, NULL}};
	struct sluice_response answer;

	return sluice_proxy_get(run, "/v1/customers", query, &answer);
}

/* ---- what is declared: the members that every object has, and then its own ---- */

#define COMMON \
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY, .description = "Stripe's id of the object"}, \
	{.name = "object", .type = SLUICE_STRING, .description = "what it is: customer, charge, ..."}, \
	{.name = "created", .type = SLUICE_TIME, .description = "when it was made, seconds since 1970"}
#define OPTIONAL(name_, type_, text_) {.name = name_, .type = type_, .flags = SLUICE_OPTIONAL, .description = text_}
#define PERSONAL(name_, type_, text_) \
	{.name = name_, .type = type_, .flags = SLUICE_OPTIONAL | SLUICE_SENSITIVE, .description = text_}
#define AMOUNT "in the currency's smallest unit"

static const struct sluice_field customer[] = {
	COMMON,
	PERSONAL("email", SLUICE_STRING, "address that receipts go to"),
	PERSONAL("name", SLUICE_STRING, "full name or business name"),
	PERSONAL("phone", SLUICE_STRING, "telephone number"),
	PERSONAL("address", SLUICE_OBJECT, "where bills go to"),
	PERSONAL("shipping", SLUICE_OBJECT, "where goods go to"),
	OPTIONAL("balance", SLUICE_INTEGER, "what is owed to (negative) or by the customer, " AMOUNT),
	OPTIONAL("metadata", SLUICE_OBJECT, "the account's own key-value pairs"),
	{0},
};
static const struct sluice_field charge[] = {
	COMMON,
	PERSONAL("billing_details", SLUICE_OBJECT, "who paid: name, address, telephone number"),
	PERSONAL("receipt_email", SLUICE_STRING, "address that the receipt went to"),
	PERSONAL("shipping", SLUICE_OBJECT, "where goods go to"),
	{.name = "amount", .type = SLUICE_INTEGER, .description = AMOUNT},
	{.name = "currency", .type = SLUICE_STRING, .description = "ISO 4217, lower case"},
	OPTIONAL("customer", SLUICE_ANY, "id of the customer"),
	OPTIONAL("status", SLUICE_STRING, "succeeded, pending or failed"),
	{0},
};
static const struct sluice_field invoice[] = {
	COMMON,
	PERSONAL("customer_email", SLUICE_STRING, "as it was when the invoice was finalized, and so the next three"),
	PERSONAL("customer_name", SLUICE_STRING, "full name or business name"),
	PERSONAL("customer_phone", SLUICE_STRING, "telephone number"),
	PERSONAL("customer_address", SLUICE_OBJECT, "where the bill went to"),
	OPTIONAL("customer", SLUICE_ANY, "id of the customer"),
	OPTIONAL("status", SLUICE_STRING, "draft, open, paid, uncollectible or void"),
	OPTIONAL("total", SLUICE_INTEGER, AMOUNT),
	OPTIONAL("lines", SLUICE_OBJECT, "its line items, all of them, itself a list"),
	{0},
};
static const struct sluice_field subscription[] = {
	COMMON,
	OPTIONAL("customer", SLUICE_ANY, "id of the customer"),
	OPTIONAL("status", SLUICE_STRING, "trialing, active, past_due, canceled, ..."),
	OPTIONAL("items", SLUICE_OBJECT, "the prices subscribed to, all of them, itself a list"),
	{0},
};
static const struct sluice_field product[] = {
	COMMON,
	OPTIONAL("name", SLUICE_STRING, "as customers see it"),
	OPTIONAL("active", SLUICE_BOOLEAN, "whether it can be bought"),
	{0},
};
static const struct sluice_field price[] = {
	COMMON,
	OPTIONAL("product", SLUICE_ANY, "id of the product"),
	OPTIONAL("unit_amount", SLUICE_INTEGER, AMOUNT),
	OPTIONAL("currency", SLUICE_STRING, "ISO 4217, lower case"),
	{0},
};
static const struct sluice_field refund[] = {
	COMMON,
	{.name = "amount", .type = SLUICE_INTEGER, .description = AMOUNT},
	OPTIONAL("charge", SLUICE_ANY, "id of the charge that was refunded"),
	OPTIONAL("status", SLUICE_STRING, "pending, succeeded, failed or canceled"),
	{0},
};
static const struct sluice_field payment_intent[] = {
	COMMON,
	PERSONAL("client_secret", SLUICE_STRING, "whoever has it can complete the payment"),
	PERSONAL("receipt_email", SLUICE_STRING, "address that the receipt goes to"),
	PERSONAL("shipping", SLUICE_OBJECT, "where goods go to"),
	{.name = "amount", .type = SLUICE_INTEGER, .description = AMOUNT},
	OPTIONAL("customer", SLUICE_ANY, "id of the customer"),
	OPTIONAL("status", SLUICE_STRING, "requires_payment_method, ..., succeeded"),
	{0},
};
static const struct sluice_field balance_transaction[] = {
	COMMON,
	{.name = "amount", .type = SLUICE_INTEGER, .description = "gross, " AMOUNT},
	{.name = "fee", .type = SLUICE_INTEGER, .description = "what Stripe and others took of it"},
	{.name = "net", .type = SLUICE_INTEGER, .description = "what is left"},
	{.name = "currency", .type = SLUICE_STRING, .description = "ISO 4217, lower case"},
	{.name = "type", .type = SLUICE_STRING, .description = "charge, refund, payout, adjustment, ..."},
	OPTIONAL("source", SLUICE_ANY, "id of the object that moved the money"),
	OPTIONAL("available_on", SLUICE_TIME, "when it can be paid out"),
	OPTIONAL("status", SLUICE_STRING, "available or pending"),
	{0},
};
static const struct sluice_field payout[] = {
	COMMON,
	{.name = "amount", .type = SLUICE_INTEGER, .description = AMOUNT},
	{.name = "currency", .type = SLUICE_STRING, .description = "ISO 4217, lower case"},
	OPTIONAL("arrival_date", SLUICE_TIME, "when it should reach the bank"),
	OPTIONAL("destination", SLUICE_ANY, "id of the bank account or card that it goes to"),
	OPTIONAL("status", SLUICE_STRING, "paid, pending, in_transit, canceled or failed"),
	{0},
};
static const struct sluice_field plan[] = {
	COMMON,
	OPTIONAL("product", SLUICE_ANY, "id of the product"),
	OPTIONAL("amount", SLUICE_INTEGER, "per interval, " AMOUNT),
	OPTIONAL("currency", SLUICE_STRING, "ISO 4217, lower case"),
	OPTIONAL("interval", SLUICE_STRING, "day, week, month or year"),
	OPTIONAL("active", SLUICE_BOOLEAN, "whether it can be subscribed to"),
	{0},
};
static const struct sluice_field event[] = {
	COMMON,
	{.name = "type", .type = SLUICE_STRING, .description = "customer.created, invoice.paid, ..."},
	{.name = "data", .type = SLUICE_OBJECT, .flags = SLUICE_SENSITIVE, .description = "the object as it was then"},
	{0},
};

static const struct sluice_model models[] = {
	{.name = "StripeCustomer", .fields = customer, .description = "who pays"},
	{.name = "StripeCharge", .fields = charge, .description = "an attempt to move money into the account"},
	{.name = "StripeInvoice", .fields = invoice, .description = "amounts owed by a customer"},
	{.name = "StripeSubscription", .fields = subscription, .description = "what a customer pays for again and again"},
	{.name = "StripeProduct", .fields = product, .description = "goods or services that are offered"},
	{.name = "StripePrice", .fields = price, .description = "what a product costs, and how often"},
	{.name = "StripeRefund", .fields = refund, .description = "a charge that was given back, wholly or in part"},
	{.name = "StripePaymentIntent", .fields = payment_intent, .description = "the course of one payment"},
	{.name = "StripeBalanceTransaction", .fields = balance_transaction,
	 .description = "money that came to the account's balance or went from it"},
	{.name = "StripePayout", .fields = payout, .description = "money sent from the balance to a bank account or card"},
	{.name = "StripePlan", .fields = plan, .description = "what prices were before there were prices"},
	{.name = "StripeEvent", .fields = event, .description = "what happened; Stripe keeps 30 days of it"},
	{0},
};

static const struct sluice_pair all_states = {"status", "all"};
static const struct list customers = {"/v1/customers", "StripeCustomer", NULL, 0};
static const struct list charges = {"/v1/charges", "StripeCharge", NULL, 0};
static const struct list invoices = {"/v1/invoices", "StripeInvoice", NULL, 0};
static const struct list subscriptions = {"/v1/subscriptions", "StripeSubscription", &all_states, 0};
static const struct list products = {"/v1/products", "StripeProduct", NULL, 0};
static const struct list prices = {"/v1/prices", "StripePrice", NULL, 0};
static const struct list refunds = {"/v1/refunds", "StripeRefund", NULL, 0};
static const struct list payment_intents = {"/v1/payment_intents", "StripePaymentIntent", NULL, 0};
static const struct list balance_transactions = {"/v1/balance_transactions", "StripeBalanceTransaction", NULL, 0};
static const struct list payouts = {"/v1/payouts", "StripePayout", NULL, 0};
static const struct list plans = {"/v1/plans", "StripePlan", NULL, 0};
static const struct list events = {"/v1/events", "StripeEvent", NULL, 1};

#define SYNC(name_, model_, list_, every_, flags_, text_) \
	{.name = name_, .model = model_, .kind = SLUICE_INCREMENTAL, .flags = flags_, .every = every_, \
	 .endpoint = "GET /v1/" name_, .description = text_, .fetch = fetch_list, .data = &list_}

static const struct sluice_sync syncs[] = {
	SYNC("customers", "StripeCustomer", customers, "every hour", SLUICE_TRACK_DELETES, "all customers"),
	SYNC("charges", "StripeCharge", charges, "every 30 minutes", SLUICE_TRACK_DELETES, "all charges"),
	SYNC("invoices", "StripeInvoice", invoices, "every hour", SLUICE_TRACK_DELETES, "all invoices"),
	SYNC("subscriptions", "StripeSubscription", subscriptions, "every hour", SLUICE_TRACK_DELETES,
	     "all subscriptions, canceled ones too"),
	SYNC("products", "StripeProduct", products, "every 6 hours", SLUICE_TRACK_DELETES, "all products"),
	SYNC("prices", "StripePrice", prices, "every 6 hours", SLUICE_TRACK_DELETES, "all prices"),
	SYNC("refunds", "StripeRefund", refunds, "every hour", SLUICE_TRACK_DELETES, "all refunds"),
	SYNC("payment_intents", "StripePaymentIntent", payment_intents, "every 30 minutes", SLUICE_TRACK_DELETES,
	     "all payment intents"),
	SYNC("balance_transactions", "StripeBalanceTransaction", balance_transactions, "every hour", SLUICE_TRACK_DELETES,
	     "all movements of the balance"),
	SYNC("payouts", "StripePayout", payouts, "every hour", SLUICE_TRACK_DELETES, "all payouts"),
	SYNC("plans", "StripePlan", plans, "every 6 hours", SLUICE_TRACK_DELETES, "all plans"),
	SYNC("events", "StripeEvent", events, "every 15 minutes", 0, "events of the last 30 days, kept for good"),
	{0},
};

static const char *const event_models[] = {
	"StripeCustomer", "StripeCharge", "StripeInvoice", "StripeSubscription", "StripeProduct", "StripePrice", "StripeRefund",
	"StripePaymentIntent", "StripePayout", "StripePlan", NULL,
};
static const char *const event_types[] = {
	"customer.*", "charge.*", "invoice.*", "product.*", "price.*", "refund.*", "payment_intent.*",
	"payout.*", "plan.*", NULL,
};
/* https://stripe.com/docs/webhooks#verify-manually */
static const struct sluice_webhook webhooks[] = {
	{.name = "events", .models = event_models, .description = "objects as they are when something happens to them",
	 .handle = take_event, .signature = "Stripe-Signature", .signature_key = "v1", .signed_text = "${timestamp}.${body}",
	 .timestamp = "Stripe-Signature", .timestamp_key = "t", .id = "id", .type = "type", .types = event_types, .time = "created"},
	{0},
};

static const char *const headers[] = {"Stripe-Version: 2020-08-27", NULL};
static const char *const scopes[] = {"read access to the objects that are synced (a restricted key will do)", NULL};
static const struct sluice_rate rate = {.requests = 80, .per_ms = 1000};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "stripe",
	.version = "1.1.0",
	.description = "Payments: customers, charges, invoices, subscriptions and what belongs to them",
	.base_url = "https://api.stripe.com",
	.auth = SLUICE_BEARER,
	.headers = headers,
	.scopes = scopes,
	.rate = &rate,
	.models = models,
	.syncs = syncs,
	.check = check,
	.webhooks = webhooks,
};
