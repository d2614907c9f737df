/* signing.c - see signing.h. What is wrong with a secret is found when the configuration is read, not when an event is due.
 *
 * Awkward: base64 of a whsec_ secret comes with and without padding; both are read, as the published libraries do. */
#include "config/signing.h"

#include <sodium.h>
#include <string.h>

#define PREFIX "whsec_"
#define KEY_LEAST 24
#define KEY_MOST 64

static bool
base64_read(struct slice text, int variant, unsigned char key[KEY_MOST], size_t *n)
{
	const char *end;

	return sodium_base642bin(key, KEY_MOST, text.p, text.len, NULL, n, &end, variant) == 0 &&
	       end == text.p + text.len;
}

int
signing_key(const struct secret *secret, struct buf *key, struct err *err)
{
	struct slice text = secret_reveal(secret);
	unsigned char bytes[KEY_MOST];
	size_t n = 0;

	if (!slice_starts(text, PREFIX)) {
		buf_slice(key, text);
		return 0;
	}
	text = slice_of(text.p + strlen(PREFIX), text.len - strlen(PREFIX));
	if (!base64_read(text, sodium_base64_VARIANT_ORIGINAL, bytes, &n) &&
	    !base64_read(text, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, bytes, &n))
		n = 0;
	if (n >= KEY_LEAST)
		buf_put(key, bytes, n);
	sodium_memzero(bytes, sizeof bytes);
	if (n >= KEY_LEAST)
		return 0;
	return err_set(err, ERR_USAGE,
	               "behind whsec_ stand base64 letters for %d to %d bytes; these are none: `openssl rand -base64 "
	               "32` makes them",
	               KEY_LEAST, KEY_MOST);
}
