/* seal.c - the one file that knows the cipher.
 *
 * See seal.h for what is promised. Layout of a sealed value: nonce 24, tag 16, ciphertext. The associated data is the
 * place's letter and key. In a plain store the nonce is zero and the tag an XXH3-128 over associated data and text. */
#define XXH_INLINE_ALL
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>
#include <sodium.h>
#include "base/mem.h"
#include "store/layout.h"
#include "store/seal.h"

#define AD_MAX (1 + LAYOUT_KEY_MAX)

void
seal_random(void *out, size_t n)
{
	randombytes_buf(out, n);
}

void
seal_init(struct seal *s, const uint8_t master[SEAL_KEY_SIZE], bool plain)
{
	static const char context[crypto_kdf_CONTEXTBYTES + 1] = "sluice-1";
	uint8_t seed[16];

	s->plain = plain;
	crypto_kdf_derive_from_key(s->body, sizeof(s->body), 1, context, master);
	crypto_kdf_derive_from_key(s->head, sizeof(s->head), 2, context, master);
	crypto_kdf_derive_from_key(s->name, sizeof(s->name), 3, context, master);
	crypto_kdf_derive_from_key(seed, sizeof(seed), 4, context, master);
	memcpy(&s->seed.low, seed, 8);
	memcpy(&s->seed.high, seed + 8, 8);
	sodium_memzero(seed, sizeof(seed));
}

void
seal_finish(struct seal *s)
{
	sodium_memzero(s, sizeof(*s));
}

static size_t
place_ad(struct seal_place at, uint8_t out[AD_MAX])
{
	if (at.key.len > LAYOUT_KEY_MAX)
		die("store: a key of %zu bytes", at.key.len);
	out[0] = (uint8_t)at.kind;
	memcpy(out + 1, at.key.p, at.key.len);
	return 1 + at.key.len;
}

void
seal_wrap(const uint8_t key[SEAL_KEY_SIZE], const uint8_t master[SEAL_KEY_SIZE], uint8_t out[SEAL_WRAPPED_SIZE])
{
	static const uint8_t ad[1] = {SEAL_MASTER};

	randombytes_buf(out, SEAL_NONCE_SIZE);
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out + SEAL_OVERHEAD, out + SEAL_NONCE_SIZE, NULL, master,
	                                                    SEAL_KEY_SIZE, ad, sizeof(ad), NULL, out, key);
}

bool
seal_unwrap(const uint8_t key[SEAL_KEY_SIZE], struct slice wrapped, uint8_t master[SEAL_KEY_SIZE])
{
	static const uint8_t ad[1] = {SEAL_MASTER};
	const uint8_t *in = (const uint8_t *)wrapped.p;

	return wrapped.len == SEAL_WRAPPED_SIZE &&
	       crypto_aead_xchacha20poly1305_ietf_decrypt_detached(master, NULL, in + SEAL_OVERHEAD, SEAL_KEY_SIZE,
	                                                           in + SEAL_NONCE_SIZE, ad, sizeof(ad), in, key) == 0;
}

void
seal_nonce_start(struct seal_nonce *n)
{
	randombytes_buf(n->prefix, sizeof(n->prefix));
	n->count = 0;
}

static XXH128_canonical_t
checksum(const struct seal *s, const uint8_t *ad, size_t ad_len, struct slice text)
{
	XXH128_hash_t a = XXH3_128bits_withSeed(ad, ad_len, s->seed.low);
	XXH128_hash_t b = XXH3_128bits_withSeed(text.p, text.len, s->seed.high ^ a.low64);
	XXH128_canonical_t out;

	b.high64 ^= a.high64;
	XXH128_canonicalFromHash(&out, b);
	return out;
}

void
seal_put(const struct seal *s, struct seal_nonce *n, struct seal_place at, struct slice plain, uint8_t *out)
{
	uint8_t ad[AD_MAX];
	size_t ad_len = place_ad(at, ad);

	if (s->plain) {
		XXH128_canonical_t tag = checksum(s, ad, ad_len, plain);
		memset(out, 0, SEAL_NONCE_SIZE);
		memcpy(out + SEAL_NONCE_SIZE, &tag, SEAL_TAG_SIZE);
		if (plain.len)
			memcpy(out + SEAL_OVERHEAD, plain.p, plain.len);
		return;
	}
	memcpy(out, n->prefix, sizeof(n->prefix));
	memcpy(out + sizeof(n->prefix), &n->count, sizeof(n->count));
	n->count++;
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(out + SEAL_OVERHEAD, out + SEAL_NONCE_SIZE, NULL,
	                                                    (const uint8_t *)plain.p, plain.len, ad, ad_len, NULL, out,
	                                                    s->body);
}

bool
seal_get(const struct seal *s, struct seal_place at, struct slice sealed, struct buf *scratch, struct slice *plain)
{
	const uint8_t *in = (const uint8_t *)sealed.p;
	uint8_t ad[AD_MAX];
	size_t ad_len = place_ad(at, ad), len;

	if (sealed.len < SEAL_OVERHEAD)
		return false;
	len = sealed.len - SEAL_OVERHEAD;
	if (s->plain) {
		*plain = slice_of(in + SEAL_OVERHEAD, len);
		XXH128_canonical_t tag = checksum(s, ad, ad_len, *plain);
		return memcmp(&tag, in + SEAL_NONCE_SIZE, SEAL_TAG_SIZE) == 0;
	}
	buf_clear(scratch);
	uint8_t *out = buf_grow(scratch, len + 1); /* one more, so that an empty value has an address too */
	*plain = slice_of(out, len);
	return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL, in + SEAL_OVERHEAD, len,
	                                                           in + SEAL_NONCE_SIZE, ad, ad_len, in, s->body) == 0;
}

uint64_t
seal_mac(const struct seal *s, struct slice key, struct slice value)
{
	uint8_t text[FEED_KEY_SIZE + FEED_HEAD_MAX], mac[crypto_shorthash_BYTES];
	uint64_t v;

	if (key.len + value.len > sizeof(text))
		die("store: a head of %zu bytes", value.len);
	memcpy(text, key.p, key.len);
	memcpy(text + key.len, value.p, value.len);
	crypto_shorthash(mac, text, key.len + value.len, s->head);
	memcpy(&v, mac, sizeof(v));
	return v;
}

void
seal_id(const struct seal *s, struct slice id, uint8_t out[SEAL_ID_SIZE])
{
	crypto_generichash(out, SEAL_ID_SIZE, (const uint8_t *)id.p, id.len, s->name, sizeof(s->name));
}
