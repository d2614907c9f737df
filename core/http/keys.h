/* keys.h - who may do what: keys by their hashes, and how long a guesser has to wait.
 *
 * Guarantee: the time of a comparison tells nothing of how much of a key was right: the given text is hashed under a secret of
 * this process, and the hash is compared with each key's, all of them, always. Wrong keys in a row from one address are answered
 * later and later, up to DELAY_MOST_MS; right ones never. */
#ifndef SLUICE_HTTP_KEYS_H
#define SLUICE_HTTP_KEYS_H

#include "http/http.h"

struct sockaddr;

#define KEY_HASH_SIZE 32
#define DELAY_MOST_MS 2000
#define GUESSERS 256

struct key_row {
	char *name;
	unsigned rights;
	unsigned char hash[KEY_HASH_SIZE];
};
struct guesser { /* an address; a newer one may take its place */
	uint64_t address; /* its hash */
	unsigned wrong;
	int64_t last_ms;
};
struct keyring {
	struct key_row *rows;
	size_t n;
	unsigned char secret[KEY_HASH_SIZE];
	struct guesser guessers[GUESSERS];
};
void keyring_init(struct keyring *k);
void keyring_set(struct keyring *k, const struct http_key *keys, size_t n);
const struct key_row *keyring_find(const struct keyring *k, struct slice given); /* NULL: none of them */
bool keyring_permits(const struct keyring *k, const unsigned char hash[KEY_HASH_SIZE], unsigned rights); /* a key of that hash, still */
void keyring_finish(struct keyring *k);

/* "Bearer KEY" -> the key. False: it is not of that form. */
bool key_bearer(const char *header, struct slice *key);

/* How long the answer to a wrong key from there is held back: 0 for the first ones. */
int64_t keyring_wrong(struct keyring *k, const struct sockaddr *from, int64_t now_ms);
void keyring_right(struct keyring *k, const struct sockaddr *from);

#endif
