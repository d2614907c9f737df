/* verify.c - see verify.h.
 *
 * Awkward: Stripe sends several signatures of one scheme in one header while a secret is rotated ("t=1,v1=a,v1=b"), and each
 * has to be tried; so a header is always walked as a list, which of a plain one has a single member. */
#include "event/verify.h"

#include <sodium.h>
#include <string.h>
#include "base/clock.h"
#include "sluice.h"

#define MAC crypto_auth_hmacsha256_BYTES
#define SIGNATURES_MAX 16 /* of one header that are looked at */

/* The next member of "t=1,v1=a" that is called key; key NULL: the whole, once. false: no more. */
static bool
member_next(struct slice *rest, const char *key, struct slice *value)
{
	size_t n = key ? strlen(key) : 0;

	while (rest->p && rest->len) {
		const char *comma = key ? memchr(rest->p, ',', rest->len) : NULL;
		struct slice part = slice_trim(slice_of(rest->p, comma ? (size_t)(comma - rest->p) : rest->len));

		*rest = comma ? slice_of(comma + 1, rest->len - (size_t)(comma + 1 - rest->p)) : (struct slice){0};
		if (!key || (part.len > n && memcmp(part.p, key, n) == 0 && part.p[n] == '=')) {
			*value = key ? slice_of(part.p + n + 1, part.len - n - 1) : part;
			return true;
		}
	}
	return false;
}

static bool
mac_read(const struct manifest_webhook *w, struct slice text, unsigned char mac[MAC])
{
	size_t n = w->signature_prefix ? strlen(w->signature_prefix) : 0, got = 0;
	const char *end = NULL;

	if (text.len < n || (n && memcmp(text.p, w->signature_prefix, n) != 0))
		return false;
	text = slice_of(text.p + n, text.len - n);
	if (w->flags & SLUICE_BASE64)
		return sodium_base642bin(mac, MAC, text.p, text.len, NULL, &got, &end, sodium_base64_VARIANT_ORIGINAL) == 0 &&
		       got == MAC && end == text.p + text.len;
	return sodium_hex2bin(mac, MAC, text.p, text.len, NULL, &got, &end) == 0 && got == MAC && end == text.p + text.len;
}

/* The declared text with its two placeholders filled in, piece by piece: the body is never copied. */
static void
mac_make(const struct event_proof *p, struct slice key, struct slice timestamp, unsigned char mac[MAC])
{
	const char *text = p->webhook->signed_text ? p->webhook->signed_text : "${body}";
	const struct {
		const char *name;
		struct slice value;
	} holes[] = {{"${timestamp}", timestamp}, {"${body}", p->body}};
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, (const unsigned char *)(key.p ? key.p : ""), key.len);
	while (*text) {
		size_t plain = 1;
		struct slice put = {0};
		for (size_t i = 0; i < 2 && !put.p; i++)
			if (strncmp(text, holes[i].name, strlen(holes[i].name)) == 0) {
				plain = strlen(holes[i].name);
				put = holes[i].value.p ? holes[i].value : SLICE("");
			}
		if (!put.p)
			put = slice_of(text, plain);
		crypto_auth_hmacsha256_update(&state, (const unsigned char *)put.p, put.len);
		text += plain;
	}
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof state);
}

/* All of them are compared, whichever fits. */
static bool
signature_fits(const struct event_proof *p, struct slice header, struct slice timestamp)
{
	const struct manifest_webhook *w = p->webhook;
	unsigned char sent[MAC], ours[2][MAC];
	struct slice text;
	bool fits = false;

	for (size_t i = 0; i < 2; i++)
		if (secret_reveal(p->secrets[i]).len)
			mac_make(p, secret_reveal(p->secrets[i]), timestamp, ours[i]);
	for (int n = 0; n < SIGNATURES_MAX && member_next(&header, w->signature_key, &text); n++) {
		if (!mac_read(w, text, sent))
			continue;
		for (size_t i = 0; i < 2; i++)
			if (secret_reveal(p->secrets[i]).len)
				fits |= sodium_memcmp(sent, ours[i], MAC) == 0;
	}
	sodium_memzero(ours, sizeof ours);
	return fits;
}

static bool
seconds_read(struct slice text, int64_t *seconds)
{
	*seconds = 0;
	if (!text.len || text.len > 12)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
		*seconds = *seconds * 10 + (text.p[i] - '0');
	}
	return true;
}

enum event_verdict
event_verify(const struct event_proof *p, struct err *err)
{
	const struct manifest_webhook *w = p->webhook;
	struct slice header, times, timestamp = {0};
	int64_t seconds = 0, apart;
	char text[TIME_TEXT_MAX];

	if (!w->signature) {
		err_set(err, ERR_CREDENTIALS, "webhook '%s' declares no signature: 'webhook_unsigned = yes' in the connection's "
		        "section takes its events all the same", w->name);
		return EVENT_UNSIGNED;
	}
	if (!secret_reveal(p->secrets[0]).len && !secret_reveal(p->secrets[1]).len) {
		err_set(err, ERR_CREDENTIALS, "there is no webhook_secret: give the connection, or its integration, the one that the provider signs with");
		return EVENT_UNSIGNED;
	}
	header = slice_str(p->header(p->arg, w->signature));
	times = w->timestamp ? slice_str(p->header(p->arg, w->timestamp)) : (struct slice){0};
	if (!header.len || (w->timestamp && !(member_next(&times, w->timestamp_key, &timestamp) && seconds_read(timestamp, &seconds)))) {
		err_set(err, ERR_CREDENTIALS, "it has no %s header%s", header.len ? w->timestamp : w->signature,
		        header.len ? " with a time in seconds" : "");
		return EVENT_FORGED;
	}
	if (!signature_fits(p, header, timestamp)) {
		err_set(err, ERR_CREDENTIALS, "its signature is not that of webhook_secret");
		return EVENT_FORGED;
	}
	apart = p->now_us / 1000000 - seconds;
	if (w->timestamp && (apart > w->tolerance_s || apart < -w->tolerance_s)) {
		err_set(err, ERR_CREDENTIALS, "it was signed %s %s: more than the %lld seconds that are tolerated (a replay, or a clock that is wrong)",
		        duration_format((apart < 0 ? -apart : apart) * 1000, text), apart < 0 ? "ahead" : "ago", (long long)w->tolerance_s);
		return EVENT_STALE;
	}
	return EVENT_GENUINE;
}

bool
event_type_fits(char *const *types, struct slice type)
{
	if (!types || !types[0])
		return true;
	for (; *types; types++) {
		size_t n = strlen(*types);
		bool open = n && (*types)[n - 1] == '*';

		n -= open;
		if (type.len >= n && (open || type.len == n) && memcmp(type.p, *types, n) == 0)
			return true;
	}
	return false;
}
