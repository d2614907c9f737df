/* signature.c - see signature.h. HMAC and SHA-256 are libsodium's, fed piece by piece: a body is never copied to be signed.
 *
 * Guarantee: what is signed are the bytes given, and they are the bytes sent. Keys in clear live on the stack or in a buffer
 * that is wiped.
 * Awkward: libsodium's one-call HMAC takes keys of 32 bytes only, and secrets have any length; hence the calls in parts. */
#include "deliver/signature.h"

#include <sodium.h>
#include <stdio.h>

static void
hmac_feed(crypto_auth_hmacsha256_state *state, struct slice s)
{
	crypto_auth_hmacsha256_update(state, (const unsigned char *)s.p, s.len);
}

static void
standard_put(struct buf *out, struct slice key, struct slice id, int64_t seconds, struct slice body)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char text[sodium_base64_ENCODED_LEN(sizeof mac, sodium_base64_VARIANT_ORIGINAL)], time[32];
	crypto_auth_hmacsha256_state state;

	snprintf(time, sizeof time, ".%lld.", (long long)seconds);
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.len);
	hmac_feed(&state, id);
	hmac_feed(&state, slice_str(time));
	hmac_feed(&state, body);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof state);
	sodium_bin2base64(text, sizeof text, mac, sizeof mac, sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out, "%sv1,%s", out->len ? " " : "", text);
}

static int
standard_sign(struct buf *out, const struct secret *secret, struct slice id, int64_t seconds, struct slice body,
              struct err *err)
{
	struct buf key = {0};
	int rc = secret ? signing_key(secret, &key, err) : 0;

	if (secret && rc == 0)
		standard_put(out, buf_view(&key), id, seconds, body);
	buf_wipe(&key);
	return rc;
}

static void
nango_sign(struct signatures *out, struct slice key, struct slice body)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES], hash[crypto_hash_sha256_BYTES];
	crypto_auth_hmacsha256_state hmac;
	crypto_hash_sha256_state sha;

	crypto_auth_hmacsha256_init(&hmac, (const unsigned char *)key.p, key.len);
	hmac_feed(&hmac, body);
	crypto_auth_hmacsha256_final(&hmac, mac);
	sodium_memzero(&hmac, sizeof hmac);
	crypto_hash_sha256_init(&sha);
	crypto_hash_sha256_update(&sha, (const unsigned char *)key.p, key.len);
	crypto_hash_sha256_update(&sha, (const unsigned char *)body.p, body.len);
	crypto_hash_sha256_final(&sha, hash);
	sodium_memzero(&sha, sizeof sha);
	sodium_bin2hex(out->hmac, sizeof out->hmac, mac, sizeof mac);
	sodium_bin2hex(out->hash, sizeof out->hash, hash, sizeof hash);
}

int
signatures_make(struct signatures *out, const struct signing *by, struct slice id, int64_t seconds, struct slice body,
                struct err *err)
{
	*out = (struct signatures){0};
	if (standard_sign(&out->standard, by->secret, id, seconds, body, err) != 0 ||
	    standard_sign(&out->standard, by->before, id, seconds, body, err) != 0) {
		buf_free(&out->standard);
		return -1;
	}
	if (by->nango)
		nango_sign(out, secret_reveal(by->nango), body);
	return 0;
}
