/* stripe.c - /stripe/v1/...: lists as Stripe serves them, newest first, paged by the id of the last item.
 *
 * The shapes follow the public OpenAPI description of 2022: every field that it requires and the usual others.
 * Credentials: any key that begins with sk_test_ or rk_test_ is good, sk_expired... is expired, rk_noscope... lacks the
 * permission that the list wants, anything else is unknown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "provider.h"
#include "window.h"

static const char *const customer_shapes[] = {
        "{'id':'<id>','object':'customer','address':{'city':'<word>','country':'<pick DE|FR|US|JP|BR|SE>',"
        "'line1':'<num 1 200> <word> street','line2':null,'postal_code':'<num 10000 99999>','state':null},"
        "'balance':<~num -5000 0>,'created':<created>,'currency':'<pick eur|usd|gbp>','default_source':null,"
        "'delinquent':<~pick false|false|false|true>,'description':'<~text 6>','discount':null,"
        "'email':'<word>.<hex 8>@example.com','invoice_prefix':'<hex 8>','invoice_settings':{'custom_fields':null,"
        "'default_payment_method':null,'footer':null},'livemode':false,"
        "'metadata':{'plan':'<~pick free|team|business|enterprise>','revision':'<rev>'},'name':'<first> <last>',"
        "'next_invoice_sequence':<~num 1 90>,'phone':'+49<num 1000000 9999999>',"
        "'preferred_locales':['<pick de|fr|en|ja>'],'shipping':null,'tax_exempt':'none','test_clock':null}",
        NULL};
static const char *const charge_shapes[] = {
        "{'id':'<id>','object':'charge','amount':<num 100 500000>,'amount_captured':<num 100 500000>,"
        "'amount_refunded':0,'application':null,'application_fee':null,'application_fee_amount':null,"
        "'balance_transaction':'txn_<hex 24>','billing_details':{'address':{'city':null,"
        "'country':'<pick DE|FR|US|JP|BR|SE>','line1':null,'line2':null,'postal_code':null,'state':null},"
        "'email':null,'name':'<first> <last>','phone':null},'calculated_statement_descriptor':'EXAMPLE CO',"
        "'captured':true,'created':<created>,'currency':'<pick eur|usd|gbp>','customer':'<ref customers>',"
        "'description':'<~text 4>','disputed':<~pick false|false|false|true>,'failure_code':null,"
        "'failure_message':null,'fraud_details':{},'invoice':'<ref invoices>','livemode':false,"
        "'metadata':{'order_id':'<num 1000 999999>','revision':'<rev>'},'on_behalf_of':null,"
        "'outcome':{'network_status':'approved_by_network','reason':null,'risk_level':'normal',"
        "'risk_score':<num 0 99>,'seller_message':'Payment complete.','type':'authorized'},'paid':true,"
        "'payment_intent':'<ref payment_intents>','payment_method':'pm_<hex 24>',"
        "'payment_method_details':{'card':{'brand':'<pick visa|mastercard|amex>','country':'US',"
        "'exp_month':<num 1 12>,'exp_year':<num 2027 2033>,'funding':'credit','last4':'<num 1000 9999>'},"
        "'type':'card'},'receipt_email':null,'refunded':false,'refunds':{'object':'list','data':[],'has_more':false,"
        "'url':'/v1/charges/<id>/refunds'},'status':'<pick succeeded|succeeded|succeeded|pending>'}",
        NULL};
static const char *const invoice_shapes[] = {
        "{'id':'<id>','object':'invoice','account_country':'DE','account_name':'Example Co',"
        "'amount_due':<~num 500 90000>,'amount_paid':<~num 0 90000>,'amount_remaining':<~num 0 500>,"
        "'attempt_count':<~num 0 3>,'attempted':true,'auto_advance':false,'automatic_tax':{'enabled':false,"
        "'status':null},'billing_reason':'subscription_cycle','charge':'<ref charges>',"
        "'collection_method':'charge_automatically','created':<created>,'currency':'eur',"
        "'customer':'<ref customers>','customer_email':'<word>.<hex 6>@example.com',"
        "'customer_name':'<first> <last>','default_tax_rates':[],'description':null,'discounts':[],'due_date':null,"
        "'ending_balance':0,'lines':{'object':'list','data':[{'id':'il_<hex 24>','object':'line_item',"
        "'amount':<num 500 40000>,'currency':'eur','description':'1 x <word> (monthly)','discountable':true,"
        "'livemode':false,'metadata':{},'period':{'end':<created 2592000>,'start':<created>},"
        "'price':{'id':'<ref prices>','object':'price'},'proration':false,'quantity':1,"
        "'subscription':'<ref subscriptions>','type':'subscription'},{'id':'il_<hex 24>','object':'line_item',"
        "'amount':<num 0 900>,'currency':'eur','description':'<text 3>','discountable':true,'livemode':false,"
        "'metadata':{},'period':{'end':<created>,'start':<created>},'proration':true,'quantity':<num 1 9>,"
        "'type':'invoiceitem'}],'has_more':false,'total_count':2,'url':'/v1/invoices/<id>/lines'},'livemode':false,"
        "'metadata':{'revision':'<rev>'},'number':'<hex 8>-<num 1000 9999>','paid':<~pick true|true|false>,"
        "'paid_out_of_band':false,'payment_intent':null,'payment_settings':{'payment_method_options':null,"
        "'payment_method_types':null},'period_end':<created>,'period_start':<created -2592000>,"
        "'post_payment_credit_notes_amount':0,'pre_payment_credit_notes_amount':0,'starting_balance':0,"
        "'status':'<~pick paid|paid|open|void>','status_transitions':{'finalized_at':<created 3600>,"
        "'marked_uncollectible_at':null,'paid_at':null,'voided_at':null},'subscription':'<ref subscriptions>',"
        "'subtotal':<~num 500 90000>,'tax':null,'total':<~num 500 90000>,'total_discount_amounts':[],"
        "'total_tax_amounts':[]}",
        NULL};
static const char *const subscription_shapes[] = {
        "{'id':'<id>','object':'subscription','application_fee_percent':null,'automatic_tax':{'enabled':false},"
        "'billing_cycle_anchor':<created>,'cancel_at':null,'cancel_at_period_end':<~pick false|false|true>,"
        "'canceled_at':null,'collection_method':'charge_automatically','created':<created>,"
        "'current_period_end':<created 2592000>,'current_period_start':<created>,'customer':'<ref customers>',"
        "'default_payment_method':null,'discount':null,'ended_at':null,'items':{'object':'list',"
        "'data':[{'id':'si_<hex 14>','object':'subscription_item','created':<created>,'metadata':{},"
        "'price':{'id':'<ref prices>','object':'price','currency':'eur','unit_amount':<num 500 9900>},"
        "'quantity':<~num 1 25>}],'has_more':false,'total_count':1,"
        "'url':'/v1/subscription_items?subscription=<id>'},'latest_invoice':'<ref invoices>','livemode':false,"
        "'metadata':{'revision':'<rev>'},'start_date':<created>,"
        "'status':'<~pick active|active|active|past_due|canceled|trialing>','trial_end':null,'trial_start':null}",
        NULL};
static const char *const product_shapes[] = {
        "{'id':'<id>','object':'product','active':<~pick true|true|true|false>,'created':<created>,"
        "'description':'<~text 9>','images':[],'livemode':false,'metadata':{'revision':'<rev>'},"
        "'name':'<word> <word>','package_dimensions':null,'shippable':null,'statement_descriptor':null,"
        "'tax_code':null,'unit_label':'seat','updated':<updated>,'url':null}",
        NULL};
static const char *const price_shapes[] = {
        "{'id':'<id>','object':'price','active':<~pick true|true|true|false>,'billing_scheme':'per_unit',"
        "'created':<created>,'currency':'<pick eur|usd|gbp>','livemode':false,'lookup_key':null,"
        "'metadata':{'revision':'<rev>'},'nickname':'<~text 2>','product':'<ref products>',"
        "'recurring':{'aggregate_usage':null,'interval':'<pick month|year>','interval_count':1,"
        "'usage_type':'licensed'},'tax_behavior':'unspecified','tiers_mode':null,'transform_quantity':null,"
        "'type':'recurring','unit_amount':<num 100 99000>,'unit_amount_decimal':'<num 100 99000>.5'}",
        NULL};
static const char *const refund_shapes[] = {
        "{'id':'<id>','object':'refund','amount':<num 100 50000>,'balance_transaction':'txn_<hex 24>',"
        "'charge':'<ref charges>','created':<created>,'currency':'<pick eur|usd|gbp>',"
        "'metadata':{'revision':'<rev>'},'payment_intent':'<ref payment_intents>',"
        "'reason':<pick null|'requested_by_customer'|'duplicate'>,'receipt_number':null,"
        "'status':'<~pick succeeded|succeeded|pending|failed>'}",
        NULL};
static const char *const payment_intent_shapes[] = {
        "{'id':'<id>','object':'payment_intent','amount':<num 100 500000>,'amount_capturable':0,"
        "'amount_received':<~num 0 500000>,'application':null,'application_fee_amount':null,"
        "'automatic_payment_methods':null,'canceled_at':null,'cancellation_reason':null,"
        "'capture_method':'automatic','charges':{'object':'list','data':[],'has_more':false,'total_count':0,"
        "'url':'/v1/charges?payment_intent=<id>'},'client_secret':'<id>_secret_<hex 24>',"
        "'confirmation_method':'automatic','created':<created>,'currency':'<pick eur|usd|gbp>',"
        "'customer':'<ref customers>','description':'<~text 4>','invoice':null,'last_payment_error':null,"
        "'livemode':false,'metadata':{'revision':'<rev>'},'next_action':null,'payment_method':'pm_<hex 24>',"
        "'payment_method_options':{},'payment_method_types':['card'],'receipt_email':null,'setup_future_usage':null,"
        "'shipping':null,'status':'<~pick succeeded|succeeded|requires_payment_method|processing>'}",
        NULL};
static const char *const balance_transaction_shapes[] = {
        "{'id':'<id>','object':'balance_transaction','amount':<num 100 50000>,'available_on':<created 172800>,"
        "'created':<created>,'currency':'eur','description':'<~text 3>','exchange_rate':null,'fee':<num 10 900>,"
        "'fee_details':[{'amount':<num 10 900>,'application':null,'currency':'eur',"
        "'description':'Stripe processing fees','type':'stripe_fee'}],'net':<num 90 49000>,"
        "'reporting_category':'charge','source':'<ref charges>','status':'<~pick available|available|pending>',"
        "'type':'charge'}",
        NULL};
static const char *const payout_shapes[] = {
        "{'id':'<id>','object':'payout','amount':<num 1000 900000>,'arrival_date':<created 259200>,'automatic':true,"
        "'balance_transaction':'txn_<hex 24>','created':<created>,'currency':'eur','description':'STRIPE PAYOUT',"
        "'destination':'ba_<hex 24>','failure_balance_transaction':null,'failure_code':null,'failure_message':null,"
        "'livemode':false,'metadata':{'revision':'<rev>'},'method':'standard','original_payout':null,"
        "'reversed_by':null,'source_type':'card','statement_descriptor':null,"
        "'status':'<~pick paid|paid|in_transit|pending>','type':'bank_account'}",
        NULL};
static const char *const plan_shapes[] = {
        "{'id':'<id>','object':'plan','active':<~pick true|true|true|false>,'aggregate_usage':null,"
        "'amount':<num 100 99000>,'amount_decimal':'<num 100 99000>','billing_scheme':'per_unit',"
        "'created':<created>,'currency':'<pick eur|usd|gbp>','interval':'<pick month|year>','interval_count':1,"
        "'livemode':false,'metadata':{'revision':'<rev>'},'nickname':'<~text 2>','product':'<ref products>',"
        "'tiers_mode':null,'transform_usage':null,'trial_period_days':null,'usage_type':'licensed'}",
        NULL};
static const char *const event_shapes[] = {
        "{'id':'<id>','object':'event','api_version':'2022-04-12','created':<created>,"
        "'data':{'object':{'id':'<ref customers>','object':'customer','email':'<word>.<hex 6>@example.com'},"
        "'previous_attributes':{'email':null}},'livemode':false,'pending_webhooks':<~num 0 3>,"
        "'request':{'id':'req_<hex 14>','idempotency_key':null},'type':'customer.updated','revision':<rev>}",
        "{'id':'<id>','object':'event','api_version':'2022-04-12','created':<created>,"
        "'data':{'object':{'id':'<ref charges>','object':'charge','amount':<num 100 90000>,'currency':'eur',"
        "'customer':'<ref customers>'}},'livemode':false,'pending_webhooks':<~num 0 3>,'request':{'id':null,"
        "'idempotency_key':null},'type':'charge.succeeded','revision':<rev>}",
        NULL};

const struct kind stripe_kinds[] = {
        {"stripe", "customers", "cus_", 14, false, 1, 1, 1, customer_shapes},
        {"stripe", "charges", "ch_", 24, false, 1, 2, 1, charge_shapes},
        {"stripe", "invoices", "in_", 24, false, 1, 2, 1, invoice_shapes},
        {"stripe", "subscriptions", "sub_", 24, false, 1, 4, 1, subscription_shapes},
        {"stripe", "products", "prod_", 14, false, 1, 50, 3, product_shapes},
        {"stripe", "prices", "price_", 24, false, 1, 20, 5, price_shapes},
        {"stripe", "refunds", "re_", 24, false, 1, 20, 1, refund_shapes},
        {"stripe", "payment_intents", "pi_", 24, false, 1, 2, 1, payment_intent_shapes},
        {"stripe", "balance_transactions", "txn_", 24, false, 1, 2, 1, balance_transaction_shapes},
        {"stripe", "payouts", "po_", 24, false, 1, 20, 1, payout_shapes},
        {"stripe", "plans", "plan_", 14, false, 1, 20, 3, plan_shapes},
        {"stripe", "events", "evt_", 24, false, 1, 1, 1, event_shapes},
        KINDS_END,
};

static void
stripe_error(struct reply *p, int status, const char *code, const char *param, const char *message)
{
	struct json_out o = reply_json(p, status);

	json_open(&o, '{');
	json_key(&o, "error");
	json_open(&o, '{');
	if (code)
		json_kv_str(&o, "code", code);
	json_kv_str(&o, "message", message);
	if (param)
		json_kv_str(&o, "param", param);
	json_kv_str(&o, "type", "invalid_request_error");
	json_close(&o, '}');
	json_close(&o, '}');
}

static bool
starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* `what` is the list's name in the singular, as permissions are named: customers -> rak_customer_read. */
static bool
stripe_admits(const struct request *r, const char *kind, struct reply *p)
{
	char key[256], message[512];

	if (!request_token(r, key, sizeof(key))) {
		reply_header(p, "WWW-Authenticate", "Basic realm=\"Stripe\"");
		stripe_error(p, 401, NULL, NULL,
		             "You did not provide an API key. You need to provide your API key in the Authorization "
		             "header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').");
		return false;
	}
	if (starts(key, "sk_test_") || starts(key, "rk_test_"))
		return true;
	if (starts(key, "rk_noscope")) {
		snprintf(message, sizeof(message),
		         "The provided key 'rk_noscop***' does not have the required permissions for this "
		         "endpoint on account 'acct_1Example'. Having the 'rak_%.*s_read' permission would allow this "
		         "request to continue.",
		         (int)strlen(kind) - 1, kind);
		stripe_error(p, 403, NULL, NULL, message);
		return false;
	}
	bool expired = starts(key, "sk_expired");
	snprintf(message, sizeof(message),
	         expired ? "Expired API Key provided: %.6s***" : "Invalid API Key provided: %.6s***", key);
	reply_header(p, "WWW-Authenticate", "Basic realm=\"Stripe\"");
	stripe_error(p, 401, expired ? "api_key_expired" : NULL, NULL, message);
	return false;
}

/* Newest first: place 0 is the youngest live object. */
static uint32_t
newest(const struct dataset *d, size_t place)
{
	return dataset_at(d, d->live_count - 1 - place);
}

static bool
stripe_start(const struct request *r, const struct dataset *d, struct window *w, struct reply *p)
{
	char id[ID_MAX], message[128];
	uint32_t i;

	if (!request_param(r, "starting_after", id, sizeof(id)))
		return true;
	if (!dataset_find(d, id, &i) || !dataset_has(d, i)) {
		snprintf(message, sizeof(message), "No such %.*s: '%s'", (int)strlen(d->kind->name) - 1, d->kind->name,
		         id);
		stripe_error(p, 400, "resource_missing", "starting_after", message);
		return false;
	}
	w->start = d->live_count - dataset_rank(d, i);
	return true;
}

static void
stripe_list(const struct request *r, const struct dataset *d, struct reply *p)
{
	struct window w = {.total = d->live_count, .limit = (size_t)request_limit(r, "limit", 10, 100)};
	int64_t since = request_number(r, "created[gte]", -1), after = request_number(r, "created[gt]", -1);

	if (after >= since && after >= 0)
		since = after + 1;
	if (since > 0)
		w.total -= dataset_since(d, since * 1000000);
	if (!stripe_start(r, d, &w, p))
		return;
	window_cut(&w, r);
	reply_json(p, 200);
	buf_printf(&p->body, "{\"object\":\"list\",\"url\":\"/v1/%s\",\"has_more\":%s,\"data\":", d->kind->name,
	           w.more ? "true" : "false");
	reply_items_begin(p);
	for (size_t k = 0; k < w.count; k++) {
		if (k)
			buf_putc(&p->body, ',');
		dataset_render(d, newest(d, window_rotate(&w, r, k)), &p->body);
	}
	reply_items_end(p, !w.more);
	buf_putc(&p->body, '}');
}

static void
stripe_account(struct reply *p)
{
	reply_json(p, 200);
	buf_puts(&p->body, "{\"id\":\"acct_1Example\",\"object\":\"account\",\"business_type\":\"company\",\"charges_"
	                   "enabled\":true,"
	                   "\"country\":\"DE\",\"default_currency\":\"eur\",\"email\":\"owner@example.com\",\"type\":"
	                   "\"standard\"}");
}

void
stripe_handle(struct provider *v, const struct request *r, struct slice rest, struct reply *p)
{
	char name[64], id[ID_MAX], message[256];
	uint32_t i;

	if (!slice_starts(rest, "v1/")) {
		stripe_error(p, 404, NULL, NULL, "Unrecognized request URL. Please see https://stripe.com/docs.");
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)rest.len - 3, rest.p + 3);
	char *slash = strchr(name, '/');
	snprintf(id, sizeof(id), "%s", slash ? slash + 1 : "");
	if (slash)
		*slash = 0;
	const struct dataset *d = world_find(&v->world, "stripe", name);
	if (!d && strcmp(name, "account") != 0) {
		snprintf(message, sizeof(message), "Unrecognized request URL (%.*s: /v1/%s).", (int)r->method.len,
		         r->method.p, name);
		stripe_error(p, 404, NULL, NULL, message);
	} else if (stripe_admits(r, name, p)) {
		if (!d) {
			stripe_account(p);
		} else if (!slash) {
			stripe_list(r, d, p);
		} else if (dataset_find(d, id, &i) && dataset_has(d, i)) {
			reply_json(p, 200);
			dataset_render(d, i, &p->body);
		} else {
			snprintf(message, sizeof(message), "No such %.*s: '%s'", (int)strlen(name) - 1, name, id);
			stripe_error(p, 404, "resource_missing", "id", message);
		}
	}
}
