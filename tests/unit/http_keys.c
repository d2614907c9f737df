/* http_keys.c - core/http/keys.h: which key it is, and how long a guesser waits. */
#include <netinet/in.h>
#include "http/keys.h"
#include "../tap.h"

static struct keyring
ring_of(const char *const *values, size_t n)
{
	struct http_key keys[8];
	struct keyring ring;

	keyring_init(&ring);
	for (size_t i = 0; i < n; i++)
		keys[i] = (struct http_key){values[i], secret_new(slice_str(values[i])), 1u << i};
	keyring_set(&ring, keys, n);
	for (size_t i = 0; i < n; i++)
		secret_free((struct secret *)(uintptr_t)keys[i].value);
	return ring;
}

TEST("a key is found by its whole text, with its rights")
{
	const char *const values[] = {"first-key-value", "second-key-value", ""};
	struct keyring ring = ring_of(values, 3);
	const struct key_row *row = keyring_find(&ring, SLICE("second-key-value"));

	REQUIRE(row);
	CHECK_STR(row->name, "second-key-value");
	CHECK_INT(row->rights, 2);
	CHECK(!keyring_find(&ring, SLICE("second-key-valu")));
	CHECK(!keyring_find(&ring, SLICE("second-key-value2")));
	CHECK(!keyring_find(&ring, SLICE("")));
	keyring_finish(&ring);
}

TEST("other keys in their place, and the old ones open nothing")
{
	const char *const values[] = {"first-key-value"};
	struct keyring ring = ring_of(values, 1);
	struct secret *other = secret_new(SLICE("other-key-value"));

	keyring_set(&ring, &(struct http_key){"other", other, RIGHT_READ}, 1);
	CHECK(!keyring_find(&ring, SLICE("first-key-value")));
	CHECK(keyring_find(&ring, SLICE("other-key-value")) != NULL);
	secret_free(other);
	keyring_finish(&ring);
}

TEST("only Bearer and something behind it is a key")
{
	struct slice key;

	CHECK(key_bearer("Bearer abc", &key) && slice_is(key, "abc"));
	CHECK(key_bearer("bearer  abc ", &key) && slice_is(key, "abc"));
	CHECK(!key_bearer("Bearer ", &key));
	CHECK(!key_bearer("Bearer", &key));
	CHECK(!key_bearer("Basic abc", &key));
	CHECK(!key_bearer("", &key));
}

TEST("wrong keys in a row wait longer and longer, within bounds; a right one or a minute's rest forgives")
{
	struct keyring ring = ring_of(NULL, 0);
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a000001)}, other = from;
	const struct sockaddr *at = (const struct sockaddr *)&from;
	int64_t before = 0, wait = 0;

	for (int i = 0; i < 3; i++)
		CHECK_INT(keyring_wrong(&ring, at, 1000), 0);
	for (int i = 0; i < 40; i++, before = wait) {
		wait = keyring_wrong(&ring, at, 1000);
		CHECK(wait >= before && wait > 0 && wait <= DELAY_MOST_MS);
	}
	CHECK_INT(wait, DELAY_MOST_MS);
	other.sin_addr.s_addr = htonl(0x0a000002);
	CHECK_INT(keyring_wrong(&ring, (const struct sockaddr *)&other, 1000), 0);
	CHECK_INT(keyring_wrong(&ring, at, 62000), 0);
	for (int i = 0; i < 10; i++)
		keyring_wrong(&ring, at, 62000);
	keyring_right(&ring, at);
	CHECK_INT(keyring_wrong(&ring, at, 62000), 0);
	keyring_finish(&ring);
}
