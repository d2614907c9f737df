/* proxy_jwt.c - assertions that we sign are what RFC 7515 and 7523 say: verified with the public key, by OpenSSL itself. */
#include "../tap.h"
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sodium.h>
#include "base/json.h"
#include "base/mem.h"
#include "proxy/jwt.h"

#define NOW_US INT64_C(1795000000123456)

static const struct jwt_claims claims = {.issuer = "app", .audience = "https://login.example.com/token", .subject = "user@example.com",
                                         .scope = "read write", .key_id = "k1", .now_us = NOW_US};

static void
pem_of(EVP_PKEY *key, const EVP_CIPHER *cipher, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, cipher ? "pass" : NULL, cipher ? 4 : 0, NULL, NULL);
	n = BIO_get_mem_data(bio, &text);
	buf_put(out, text, (size_t)n);
	BIO_free(bio);
}

static void
part_decode(struct slice part, struct buf *out)
{
	size_t n = 0;

	buf_reserve(out, part.len + 1);
	CHECK_INT(sodium_base642bin((unsigned char *)out->p, part.len, part.p, part.len, NULL, &n, NULL,
	                            sodium_base64_VARIANT_URLSAFE_NO_PADDING), 0);
	out->len = n;
}

struct parts {
	struct buf head, claims, signature;
	struct slice text; /* what is signed */
};

static void
parts_cut(struct parts *p, struct slice jwt)
{
	const char *first = memchr(jwt.p, '.', jwt.len), *second;

	REQUIRE(first);
	second = memchr(first + 1, '.', jwt.len - (size_t)(first + 1 - jwt.p));
	REQUIRE(second);
	p->text = slice_of(jwt.p, (size_t)(second - jwt.p));
	part_decode(slice_of(jwt.p, (size_t)(first - jwt.p)), &p->head);
	part_decode(slice_of(first + 1, (size_t)(second - first - 1)), &p->claims);
	part_decode(slice_of(second + 1, jwt.len - (size_t)(second + 1 - jwt.p)), &p->signature);
}

static void
parts_free(struct parts *p)
{
	buf_free(&p->head);
	buf_free(&p->claims);
	buf_free(&p->signature);
}

static bool
verifies(EVP_PKEY *key, struct slice text, const unsigned char *sig, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	            EVP_DigestVerify(ctx, sig, len, (const unsigned char *)text.p, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

static void
claims_check(const struct parts *p, const char *algorithm)
{
	struct slice v;
	int64_t iat = 0, exp = 0;

	REQUIRE(json_check(buf_view(&p->head), 4, NULL) && json_check(buf_view(&p->claims), 4, NULL));
	CHECK(json_member(buf_view(&p->head), "alg", &v) && json_string_is(v, algorithm));
	CHECK(json_member(buf_view(&p->head), "kid", &v) && json_string_is(v, "k1"));
	CHECK(json_member(buf_view(&p->claims), "iss", &v) && json_string_is(v, "app"));
	CHECK(json_member(buf_view(&p->claims), "sub", &v) && json_string_is(v, "user@example.com"));
	CHECK(json_member(buf_view(&p->claims), "aud", &v) && json_string_is(v, "https://login.example.com/token"));
	CHECK(json_member(buf_view(&p->claims), "scope", &v) && json_string_is(v, "read write"));
	CHECK(json_member(buf_view(&p->claims), "iat", &v) && json_int(v, &iat));
	CHECK(json_member(buf_view(&p->claims), "exp", &v) && json_int(v, &exp));
	CHECK(iat < NOW_US / 1000000 && iat > NOW_US / 1000000 - 60);
	CHECK_INT(exp - iat, JWT_LIFE_S);
}

TEST("an RSA key signs by RS256, and its public key verifies it")
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct buf pem = {0}, jwt = {0};
	struct parts p = {0};
	struct err err = {0};

	pem_of(key, NULL, &pem);
	CHECK_INT(jwt_sign(&jwt, &claims, buf_view(&pem), &err), 0);
	parts_cut(&p, buf_view(&jwt));
	claims_check(&p, "RS256");
	CHECK(verifies(key, p.text, (const unsigned char *)p.signature.p, p.signature.len));
	p.signature.p[5] = (char)(p.signature.p[5] ^ 1);
	CHECK(!verifies(key, p.text, (const unsigned char *)p.signature.p, p.signature.len));
	parts_free(&p);
	buf_free(&pem);
	buf_free(&jwt);
	EVP_PKEY_free(key);
}

TEST("an EC key on P-256 signs by ES256: two numbers of 32 bytes, also when one begins with zeros")
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf pem = {0};

	pem_of(key, NULL, &pem);
	for (int i = 0; i < 300; i++) { /* one in 128 has a number that is shorter */
		struct buf jwt = {0};
		struct parts p = {0};
		struct err err = {0};
		ECDSA_SIG *sig = ECDSA_SIG_new();
		unsigned char *der = NULL;
		int n;

		CHECK_INT(jwt_sign(&jwt, &claims, buf_view(&pem), &err), 0);
		parts_cut(&p, buf_view(&jwt));
		claims_check(&p, "ES256");
		REQUIRE(p.signature.len == 64);
		ECDSA_SIG_set0(sig, BN_bin2bn((unsigned char *)p.signature.p, 32, NULL),
		               BN_bin2bn((unsigned char *)p.signature.p + 32, 32, NULL));
		n = i2d_ECDSA_SIG(sig, &der);
		CHECK(verifies(key, p.text, der, (size_t)n));
		OPENSSL_free(der);
		ECDSA_SIG_free(sig);
		parts_free(&p);
		buf_free(&jwt);
	}
	buf_free(&pem);
	EVP_PKEY_free(key);
}

TEST("what cannot sign is refused with its reason, and the reason does not show it")
{
	EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-384"), *good = EVP_RSA_gen(2048);
	struct buf pems[4] = {{0}};
	static const char *const reasons[] = {"neither an RSA key of 2048 bits", "neither an RSA key of 2048 bits", "not encrypted",
	                                      "no PEM"};
	struct buf jwt = {0};

	pem_of(small, NULL, &pems[0]);
	pem_of(curve, NULL, &pems[1]);
	pem_of(good, EVP_aes_256_cbc(), &pems[2]);
	buf_puts(&pems[3], "-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----\n");
	for (size_t i = 0; i < LENGTH(pems); i++) {
		struct err err = {0};

		CHECK_INT(jwt_sign(&jwt, &claims, buf_view(&pems[i]), &err), -1);
		CHECK_INT(err.cls, ERR_USAGE);
		CHECK_HAS(err.text, reasons[i]);
		CHECK(!strstr(err.text, "bm90"));
		buf_free(&pems[i]);
	}
	CHECK_INT(jwt.len, 0);
	EVP_PKEY_free(small);
	EVP_PKEY_free(curve);
	EVP_PKEY_free(good);
}

TEST("no two assertions are the same, and what is not said is left out")
{
	static const struct jwt_claims bare = {.issuer = "app", .audience = "a", .now_us = NOW_US};
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct buf pem = {0}, one = {0}, two = {0};
	struct parts p = {0}, q = {0};
	struct slice v;
	struct err err = {0};

	pem_of(key, NULL, &pem);
	CHECK_INT(jwt_sign(&one, &bare, buf_view(&pem), &err), 0);
	CHECK_INT(jwt_sign(&two, &bare, buf_view(&pem), &err), 0);
	parts_cut(&p, buf_view(&one));
	parts_cut(&q, buf_view(&two));
	CHECK(!slice_eq(buf_view(&p.claims), buf_view(&q.claims)));
	CHECK(!json_member(buf_view(&p.claims), "sub", &v) && !json_member(buf_view(&p.claims), "scope", &v));
	CHECK(!json_member(buf_view(&p.head), "kid", &v));
	parts_free(&p);
	parts_free(&q);
	buf_free(&pem);
	buf_free(&one);
	buf_free(&two);
	EVP_PKEY_free(key);
}
