/* keys.c - see keys.h. Awkward: behind a reverse proxy all clients come from one address: the wait is the guesser's own, and
 * short, so that it hurts nobody else; what makes guessing hopeless is the length of the keys. */
#include "http/keys.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

#define FREE_GUESSES 3
#define FORGET_MS 60000

void
keyring_init(struct keyring *k)
{
	*k = (struct keyring){0};
	if (sodium_init() < 0)
		die("no random numbers are to be had");
	randombytes_buf(k->secret, sizeof k->secret);
}

static void
key_hash(const struct keyring *k, struct slice text, unsigned char hash[KEY_HASH_SIZE])
{
	crypto_generichash(hash, KEY_HASH_SIZE, (const unsigned char *)(text.p ? text.p : ""), text.len, k->secret, sizeof k->secret);
}

void
keyring_set(struct keyring *k, const struct http_key *keys, size_t n)
{
	struct key_row *rows = xcalloc(n ? n : 1, sizeof *rows);
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		struct slice text = secret_reveal(keys[i].value);

		if (!text.len)
			continue; /* one that cannot be had opens nothing */
		rows[used].name = xstrdup(keys[i].name);
		rows[used].rights = keys[i].rights;
		key_hash(k, text, rows[used++].hash);
	}
	for (size_t i = 0; i < k->n; i++)
		free(k->rows[i].name);
	free(k->rows);
	k->rows = rows;
	k->n = used;
}

const struct key_row *
keyring_find(const struct keyring *k, struct slice given)
{
	const struct key_row *found = NULL;
	unsigned char hash[KEY_HASH_SIZE];

	key_hash(k, given, hash);
	for (size_t i = 0; i < k->n; i++)
		if (sodium_memcmp(hash, k->rows[i].hash, sizeof hash) == 0)
			found = &k->rows[i];
	sodium_memzero(hash, sizeof hash);
	return found;
}

bool
keyring_permits(const struct keyring *k, const unsigned char hash[KEY_HASH_SIZE], unsigned rights)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->rows[i].rights & rights && sodium_memcmp(hash, k->rows[i].hash, KEY_HASH_SIZE) == 0)
			return true;
	return false;
}

void
keyring_finish(struct keyring *k)
{
	keyring_set(k, NULL, 0);
	free(k->rows);
	sodium_memzero(k, sizeof *k);
}

bool
key_bearer(const char *header, struct slice *key)
{
	if (strncasecmp(header, "Bearer ", 7) != 0)
		return false;
	*key = slice_trim(slice_str(header + 7));
	return key->len > 0;
}

/* ---- guessers ---- */

static struct guesser *
guesser_of(struct keyring *k, const struct sockaddr *from)
{
	unsigned char hash[crypto_shorthash_BYTES];
	const void *bytes = "unix";
	struct guesser *g;
	size_t n = 4;
	uint64_t address;

	if (from && from->sa_family == AF_INET) {
		bytes = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
	} else if (from && from->sa_family == AF_INET6) {
		bytes = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
		n = 8; /* one subscriber has a /64 to himself */
	}
	crypto_shorthash(hash, bytes, n, k->secret);
	memcpy(&address, hash, sizeof address);
	g = &k->guessers[address % GUESSERS];
	if (g->address != address)
		*g = (struct guesser){.address = address};
	return g;
}

int64_t
keyring_wrong(struct keyring *k, const struct sockaddr *from, int64_t now_ms)
{
	struct guesser *g = guesser_of(k, from);
	unsigned doubled;

	if (now_ms - g->last_ms > FORGET_MS)
		g->wrong = 0;
	g->last_ms = now_ms;
	if (g->wrong++ < FREE_GUESSES)
		return 0;
	doubled = g->wrong - FREE_GUESSES - 1;
	return doubled < 6 ? 50 << doubled : DELAY_MOST_MS;
}

void
keyring_right(struct keyring *k, const struct sockaddr *from)
{
	guesser_of(k, from)->wrong = 0;
}
