/* jwt.c - see jwt.h: RFC 7519 in the compact form, signed by OpenSSL's EVP interface.
 *
 * Guarantee: the key is in memory only while it signs, in memory that OpenSSL frees with the key.
 * Awkward: iat lies a little in the past, since providers whose clock is behind ours refuse a token from the future. And
 * OpenSSL signs ECDSA in DER, while RFC 7518 wants the two numbers of the signature as 32 bytes each. */
#include "proxy/jwt.h"

#include <openssl/bio.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/mem.h"

#define CLOCK_SLACK_S 10
#define RSA_BITS_LEAST 2048
#define ES256_HALF 32

static void
base64url_put(struct buf *out, struct slice bytes)
{
	size_t room = sodium_base64_ENCODED_LEN(bytes.len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);

	sodium_bin2base64(buf_grow(out, room), room, (const unsigned char *)bytes.p, bytes.len,
	                  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	out->len--; /* its NUL */
}

/* An encrypted key is refused instead of asking a terminal for its pass phrase. */
static int
no_pass_phrase(char *to, int room, int writing, void *arg)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)arg;
	return -1;
}

static EVP_PKEY *
key_read(struct slice pem, const char **algorithm, struct err *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;
	char curve[64] = "";

	BIO_free(bio);
	ERR_clear_error();
	if (!key) {
		err_set(err, ERR_USAGE,
		        "private_key is no PEM of a private key that is not encrypted; it begins with '-----BEGIN PRIVATE KEY-----'");
		return NULL;
	}
	if (EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_bits(key) >= RSA_BITS_LEAST) {
		*algorithm = "RS256";
		return key;
	}
	if (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1 &&
	    (!strcmp(curve, "prime256v1") || !strcmp(curve, "P-256"))) {
		*algorithm = "ES256";
		return key;
	}
	err_set(err, ERR_USAGE, "private_key is neither an RSA key of %d bits or more nor an EC key on P-256", RSA_BITS_LEAST);
	EVP_PKEY_free(key);
	return NULL;
}

static void
head_put(struct buf *out, const char *algorithm, const char *key_id)
{
	struct buf json = {0};
	struct json_out o = json_out(&json);

	json_open(&o, '{');
	json_kv_str(&o, "alg", algorithm);
	json_kv_str(&o, "typ", "JWT");
	if (key_id)
		json_kv_str(&o, "kid", key_id);
	json_close(&o, '}');
	base64url_put(out, buf_view(&json));
	buf_free(&json);
}

static void
claims_put(struct buf *out, const struct jwt_claims *c)
{
	int64_t now = c->now_us / 1000000 - CLOCK_SLACK_S;
	unsigned char random[16];
	char id[2 * sizeof random + 1];
	struct buf json = {0};
	struct json_out o = json_out(&json);

	randombytes_buf(random, sizeof random);
	sodium_bin2hex(id, sizeof id, random, sizeof random);
	json_open(&o, '{');
	json_kv_str(&o, "iss", c->issuer);
	if (c->subject)
		json_kv_str(&o, "sub", c->subject);
	json_kv_str(&o, "aud", c->audience);
	if (c->scope && *c->scope)
		json_kv_str(&o, "scope", c->scope);
	json_kv_int(&o, "iat", now);
	json_kv_int(&o, "exp", now + JWT_LIFE_S);
	json_kv_str(&o, "jti", id);
	json_close(&o, '}');
	base64url_put(out, buf_view(&json));
	buf_free(&json);
}

/* DER to r and s, big-endian, 32 bytes each. */
static int
ecdsa_raw(const unsigned char *der, size_t len, unsigned char raw[2 * ES256_HALF])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	const BIGNUM *r, *s;
	int rc = -1;

	if (!sig)
		return -1;
	ECDSA_SIG_get0(sig, &r, &s);
	if (BN_bn2binpad(r, raw, ES256_HALF) == ES256_HALF && BN_bn2binpad(s, raw + ES256_HALF, ES256_HALF) == ES256_HALF)
		rc = 0;
	ECDSA_SIG_free(sig);
	return rc;
}

static int
signature_put(struct buf *out, EVP_PKEY *key, struct slice text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = (size_t)EVP_PKEY_get_size(key);
	unsigned char *sig = xmalloc(len), raw[2 * ES256_HALF];
	int rc = -1;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text.p, text.len) != 1)
		goto out;
	if (!EVP_PKEY_is_a(key, "EC"))
		base64url_put(out, slice_of(sig, len));
	else if (ecdsa_raw(sig, len, raw) == 0)
		base64url_put(out, slice_of(raw, sizeof raw));
	else
		goto out;
	rc = 0;
out:
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	free(sig);
	return rc;
}

int
jwt_sign(struct buf *out, const struct jwt_claims *claims, struct slice pem, struct err *err)
{
	const char *algorithm = NULL;
	EVP_PKEY *key = key_read(pem, &algorithm, err);
	struct buf text = {0};
	int rc = -1;

	if (!key)
		return -1;
	head_put(&text, algorithm, claims->key_id);
	buf_putc(&text, '.');
	claims_put(&text, claims);
	buf_slice(out, buf_view(&text));
	buf_putc(out, '.');
	rc = signature_put(out, key, buf_view(&text));
	if (rc != 0)
		err_set(err, ERR_USAGE, "private_key cannot sign");
	buf_free(&text);
	EVP_PKEY_free(key);
	return rc;
}
