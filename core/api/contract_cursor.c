/* contract_cursor.c - see contract_cursor.h: 20 bytes and their MAC, as URL-safe base64 of 38 characters. */
#include "api/contract_cursor.h"

#include <sodium.h>
#include <string.h>

#define PURPOSE 'r' /* other cursors of this store have another */
#define PLAIN 20
#define SIZE (PLAIN + 8)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING
_Static_assert(sodium_base64_ENCODED_LEN(SIZE, BASE64) <= CONTRACT_CURSOR_MAX, "a cursor fits its text");

static uint64_t
stamp(const struct store *s, const uint8_t plain[PLAIN])
{
	uint8_t text[1 + PLAIN] = {PURPOSE};

	memcpy(text + 1, plain, PLAIN);
	return store_stamp(s, slice_of(text, sizeof text));
}

const char *
contract_cursor_write(const struct store *s, const struct contract_cursor *c, char out[CONTRACT_CURSOR_MAX])
{
	uint64_t began = c->sequence < c->began ? c->began : 0, mac;
	uint8_t bytes[SIZE];

	memcpy(bytes, &c->dataset, 4);
	memcpy(bytes + 4, &c->sequence, 8);
	memcpy(bytes + 12, &began, 8);
	mac = stamp(s, bytes);
	memcpy(bytes + PLAIN, &mac, 8);
	return sodium_bin2base64(out, CONTRACT_CURSOR_MAX, bytes, sizeof bytes, BASE64);
}

bool
contract_cursor_read(const struct store *s, const char *text, struct contract_cursor *c)
{
	uint8_t bytes[SIZE];
	uint32_t dataset;
	uint64_t mac;
	size_t len;

	if (sodium_base642bin(bytes, sizeof bytes, text, strlen(text), NULL, &len, NULL, BASE64) != 0 || len != sizeof bytes)
		return false;
	memcpy(&dataset, bytes, 4);
	memcpy(&c->sequence, bytes + 4, 8);
	memcpy(&c->began, bytes + 12, 8);
	mac = stamp(s, bytes);
	return sodium_memcmp(&mac, bytes + PLAIN, sizeof mac) == 0 && dataset == c->dataset;
}
