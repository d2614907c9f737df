/* Signatures of incoming events, by the schemes of Stripe and Slack, against values that others have worked out. */
#include "../tap.h"
#include <stdio.h>
#include <string.h>
#include <sodium.h>
#include "event/verify.h"
#include "sluice.h"

struct headers {
	const char *list[3][2];
};

static const char *
header(void *arg, const char *name)
{
	const struct headers *h = arg;

	for (int i = 0; i < 3 && h->list[i][0]; i++)
		if (strcmp(h->list[i][0], name) == 0)
			return h->list[i][1];
	return NULL;
}

#define T(text) ((char[]){text}) /* a manifest's texts are its own */

static struct manifest_webhook stripe = {.name = T("events"), .signature = T("Stripe-Signature"), .signature_key = T("v1"),
                                         .signed_text = T("${timestamp}.${body}"), .timestamp = T("Stripe-Signature"),
                                         .timestamp_key = T("t"), .tolerance_s = 300};
static struct manifest_webhook slack = {.name = T("events"), .signature = T("X-Slack-Signature"), .signature_prefix = T("v0="),
                                        .signed_text = T("v0:${timestamp}:${body}"), .timestamp = T("X-Slack-Request-Timestamp"),
                                        .tolerance_s = 300};

static enum event_verdict
verdict(const struct manifest_webhook *w, struct headers h, const char *body, const char *first, const char *second, int64_t now_s)
{
	struct secret *a = first ? secret_new(slice_str(first)) : NULL, *b = second ? secret_new(slice_str(second)) : NULL;
	struct err err = {0};
	struct event_proof p = {.webhook = w, .header = header, .arg = &h, .body = slice_str(body), .secrets = {a, b}, .now_us = now_s * 1000000};
	enum event_verdict v = event_verify(&p, &err);

	CHECK((v == EVENT_GENUINE) == (err.cls == ERR_NONE));
	secret_free(a);
	secret_free(b);
	return v;
}

/* From Slack's own page on verifying requests. */
#define SLACK_SECRET "8f742231b10e8888abcd99yyyzzz85a5"
#define SLACK_BODY \
	"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=" \
	"U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%" \
	"2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
#define SLACK_SIGNATURE "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
#define SLACK_TIME 1531420618

static struct headers
slack_headers(const char *signature, const char *time)
{
	return (struct headers){{{"X-Slack-Signature", signature}, {"X-Slack-Request-Timestamp", time}}};
}

TEST("Slack's example of a signed request is genuine, and no other secret, body or time makes it so")
{
	struct headers good = slack_headers(SLACK_SIGNATURE, "1531420618");

	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_GENUINE);
	CHECK_INT(verdict(&slack, good, SLACK_BODY "x", SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET "x", NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, slack_headers(SLACK_SIGNATURE, "1531420619"), SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, slack_headers(&SLACK_SIGNATURE[3], "1531420618"), SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, slack_headers(NULL, "1531420618"), SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, slack_headers(SLACK_SIGNATURE, NULL), SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
	CHECK_INT(verdict(&slack, slack_headers("v0=", "1531420618"), SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_FORGED);
}

TEST("what was signed well is stale behind the tolerance, before and after")
{
	struct headers good = slack_headers(SLACK_SIGNATURE, "1531420618");

	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME + 300), EVENT_GENUINE);
	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME + 301), EVENT_STALE);
	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME - 300), EVENT_GENUINE);
	CHECK_INT(verdict(&slack, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME - 301), EVENT_STALE);
}

TEST("without a secret, or without a declared signature, nothing is genuine")
{
	const struct manifest_webhook open = {.name = T("open")};
	struct headers good = slack_headers(SLACK_SIGNATURE, "1531420618");

	CHECK_INT(verdict(&slack, good, SLACK_BODY, NULL, NULL, SLACK_TIME), EVENT_UNSIGNED);
	CHECK_INT(verdict(&slack, good, SLACK_BODY, "", "", SLACK_TIME), EVENT_UNSIGNED);
	CHECK_INT(verdict(&open, good, SLACK_BODY, SLACK_SECRET, NULL, SLACK_TIME), EVENT_UNSIGNED);
}

/* hmac_sha256("whsec_test_secret", "1492774577." body), by openssl dgst -sha256 -hmac. */
#define STRIPE_BODY "{\"id\":\"evt_1\",\"object\":\"event\"}"
#define STRIPE_GOOD "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543"
#define OTHER "0000000000000000000000000000000000000000000000000000000000000000"

static enum event_verdict
stripe_verdict(const char *value, const char *first, const char *second)
{
	return verdict(&stripe, (struct headers){{{"Stripe-Signature", value}}}, STRIPE_BODY, first, second, 1492774577);
}

TEST("of several signatures in Stripe's header one that fits suffices, whatever else stands there, with either secret")
{
	CHECK_INT(stripe_verdict("t=1492774577,v1=" STRIPE_GOOD ",v0=" OTHER, "whsec_test_secret", NULL), EVENT_GENUINE);
	CHECK_INT(stripe_verdict("t=1492774577,v1=" OTHER ",v1=" STRIPE_GOOD, "whsec_test_secret", NULL), EVENT_GENUINE);
	CHECK_INT(stripe_verdict("v1=" STRIPE_GOOD ", t=1492774577", "whsec_new", "whsec_test_secret"), EVENT_GENUINE);
	CHECK_INT(stripe_verdict("t=1492774577,v0=" STRIPE_GOOD, "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict("t=1492774578,v1=" STRIPE_GOOD, "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict("t=,v1=" STRIPE_GOOD, "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict("t=1492774577,v1=" STRIPE_GOOD "00", "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict("t=1492774577", "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict("", "whsec_test_secret", NULL), EVENT_FORGED);
	CHECK_INT(stripe_verdict(",,,=", "whsec_test_secret", NULL), EVENT_FORGED);
}

TEST("a signature may be base64, and the body alone what is signed")
{
	const struct manifest_webhook plain = {.name = T("p"), .signature = T("X-Sig"), .flags = SLUICE_BASE64};
	unsigned char mac[32];
	char text[64];

	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)"k", 1);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)"{}", 2);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
	CHECK_INT(verdict(&plain, (struct headers){{{"X-Sig", text}}}, "{}", "k", NULL, 1), EVENT_GENUINE);
	CHECK_INT(verdict(&plain, (struct headers){{{"X-Sig", text}}}, "{ }", "k", NULL, 1), EVENT_FORGED);
	text[5] ^= 1;
	CHECK_INT(verdict(&plain, (struct headers){{{"X-Sig", text}}}, "{}", "k", NULL, 1), EVENT_FORGED);
}

TEST("types are named whole, or by their beginning with a star")
{
	char one[] = "customer.*", two[] = "invoice.paid";
	char *const types[] = {one, two, NULL}, *const none[] = {NULL};

	CHECK(event_type_fits(types, SLICE("customer.updated")));
	CHECK(event_type_fits(types, SLICE("invoice.paid")));
	CHECK(!event_type_fits(types, SLICE("invoice.paid.late")));
	CHECK(!event_type_fits(types, SLICE("custome")));
	CHECK(!event_type_fits(types, SLICE("")));
	CHECK(event_type_fits(none, SLICE("anything")));
}
