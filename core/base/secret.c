/* secret.c - a value that is wiped when it is done with.
 *
 * Guarantee: the bytes are in one allocation of their own, overwritten before it is freed, and told to the log before
 * anybody else can have them.
 * Awkward: comparing must not tell how many leading bytes were right, so every byte is looked at. */
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

struct secret {
	size_t len;   /* bytes */
	char bytes[]; /* and a NUL, for the few that need a C string */
};

static struct secret *
secret_make(struct slice value)
{
	struct secret *s;

	if (value.len > SIZE_MAX - sizeof *s - 1)
		die("a secret of %zu bytes is too long", value.len);
	s = xmalloc(sizeof *s + value.len + 1);
	s->len = value.len;
	if (value.len)
		memcpy(s->bytes, value.p, value.len);
	s->bytes[value.len] = '\0';
	return s;
}

struct secret *
secret_new(struct slice value)
{
	log_secret(value);
	return secret_make(value);
}

struct secret *
secret_dup(const struct secret *s)
{
	return s ? secret_make(secret_reveal(s)) : NULL;
}

void
secret_free(struct secret *s)
{
	if (!s)
		return;
	explicit_bzero(s, sizeof *s + s->len);
	free(s);
}

struct slice
secret_reveal(const struct secret *s)
{
	return s ? slice_of(s->bytes, s->len) : (struct slice){0};
}

bool
secret_eq(const struct secret *s, struct slice guess)
{
	struct slice own = secret_reveal(s);
	volatile unsigned char different = 0;

	if (!s || own.len != guess.len)
		return false;
	for (size_t i = 0; i < own.len; i++)
		different |= (unsigned char)(own.p[i] ^ guess.p[i]);
	return different == 0;
}
