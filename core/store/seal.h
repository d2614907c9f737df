/* seal.h - values sealed with XChaCha20-Poly1305 and heads with SipHash-2-4, all under keys of one store.
 *
 * The store has a random master key of its own, made with it and kept in it wrapped by the operator's key: a wrong key
 * is told at once, and a change of the operator's key need not touch the data. Everything else is derived from the
 * master. A store that was made plain keeps the master open and replaces the seal by a keyed checksum of the same size,
 * so damage is found there too.
 *
 * Awkward: nonces are random (16 bytes, once per transaction) plus a counter (8 bytes): no system call per record, and
 * no state to keep; a transaction that is replayed takes new ones. */
#ifndef SLUICE_STORE_SEAL_H
#define SLUICE_STORE_SEAL_H

#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/json.h"

#define SEAL_KEY_SIZE 32
#define SEAL_NONCE_SIZE 24
#define SEAL_TAG_SIZE 16
#define SEAL_OVERHEAD (SEAL_NONCE_SIZE + SEAL_TAG_SIZE)
#define SEAL_WRAPPED_SIZE (SEAL_OVERHEAD + SEAL_KEY_SIZE)
#define SEAL_ID_SIZE 24

struct seal {
	bool plain;
	uint8_t body[32]; /* key of values */
	uint8_t head[16]; /* of feed heads */
	uint8_t name[32]; /* of ids that stand hashed in keys, and of names too long for a key */
	struct json_seed seed;
};

struct seal_nonce {
	uint8_t prefix[16];
	uint64_t count;
};

/* What a sealed value belongs to: a letter for its database and its key. Moved elsewhere it no longer opens. */
enum seal_kind {
	SEAL_ROW = 'r',
	SEAL_STATE = 's',
	SEAL_RUN = 'h',
	SEAL_LOG = 'l',
	SEAL_STEP = 't',
	SEAL_DEAD = 'd',
	SEAL_MASTER = 'm',
	SEAL_MERGE = 'g',
	SEAL_STAGED = 'v',
	SEAL_INBOX = 'i',
	SEAL_OUTBOX = 'o',
};
struct seal_place {
	enum seal_kind kind;
	struct slice key;
};

void seal_random(void *out, size_t n);
void seal_init(struct seal *s, const uint8_t master[SEAL_KEY_SIZE], bool plain);
void seal_finish(struct seal *s); /* wipes */
void seal_wrap(const uint8_t key[SEAL_KEY_SIZE], const uint8_t master[SEAL_KEY_SIZE], uint8_t out[SEAL_WRAPPED_SIZE]);
bool seal_unwrap(const uint8_t key[SEAL_KEY_SIZE], struct slice wrapped,
                 uint8_t master[SEAL_KEY_SIZE]); /* false: wrong key */

void seal_nonce_start(struct seal_nonce *n);
/* Writes plain.len + SEAL_OVERHEAD bytes to out. */
void seal_put(const struct seal *s, struct seal_nonce *n, struct seal_place at, struct slice plain, uint8_t *out);
/* *plain is borrowed: from scratch, or in a plain store from sealed itself. false: damaged, or another place's. */
bool seal_get(const struct seal *s, struct seal_place at, struct slice sealed, struct buf *scratch,
              struct slice *plain);

uint64_t seal_mac(const struct seal *s, struct slice key, struct slice value);
void seal_id(const struct seal *s, struct slice id, uint8_t out[SEAL_ID_SIZE]);

#endif
