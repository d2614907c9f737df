/* master.c - the key that seals the store: `encryption_key = file:PATH`, env:NAME, the key itself, or none.
 *
 * Not resolved as other values are: a key file that does not exist yet is no error (the host makes it on first start),
 * one that others may read is, and in a file the 32 bytes may also stand as they are.
 *
 * Awkward: 32 bytes of a file are the key even if they look like text; with a newline after them they are nothing. */
#include "config/value.h"

#include <ctype.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "config/settings.h"

#define MASTER_BYTES 32

/* 64 hex digits, base64 (with or without padding), or, from a file, the 32 bytes themselves. */
static struct secret *
master_decode(struct slice text, bool raw)
{
	unsigned char key[MASTER_BYTES];
	struct secret *s = NULL;
	size_t n = 0;
	int base64;

	if (raw && text.len == sizeof(key))
		return secret_new(text);
	while (raw && text.len && isspace((unsigned char)text.p[text.len - 1]))
		text.len--;
	base64 = text.len == 44 ? sodium_base64_VARIANT_ORIGINAL : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
	if ((text.len == 64 && !sodium_hex2bin(key, sizeof(key), text.p, text.len, NULL, &n, NULL) && n == sizeof(key)) ||
	    ((text.len == 44 || text.len == 43) &&
	     !sodium_base642bin(key, sizeof(key), text.p, text.len, NULL, &n, NULL, base64) && n == sizeof(key)))
		s = secret_new(slice_of(key, sizeof(key)));
	sodium_memzero(key, sizeof(key));
	return s;
}

static int
master_file(struct host_settings *host, const char *path, struct err *err)
{
	struct buf text = {0};
	int rc;

	if (!*path)
		return err_set(err, ERR_USAGE, "file: names no file; say for example file:var/sluice.key");
	host->key_file = path_absolute(slice_str(path));
	if (access(host->key_file, F_OK) < 0 && errno == ENOENT)
		return 0;
	if (access(host->key_file, R_OK) < 0 && errno == EACCES)
		return 0; /* another user's store: whoever opens it is told so; the rest of the configuration is good */
	rc = file_read_private(host->key_file, VALUE_FILE_MAX, &text, err);
	if (rc == 0)
		host->encryption_key = master_decode(buf_view(&text), true);
	if (rc == 0 && !host->encryption_key)
		rc = err_set(err, ERR_USAGE, "%s holds no key: 32 bytes, 64 hex digits or base64 of 32 bytes", host->key_file);
	buf_wipe(&text);
	return rc;
}

static int
master_text(struct host_settings *host, struct slice given, struct err *err)
{
	struct value v;

	if (value_resolve_plain(&v, given, err) < 0)
		return -1;
	host->encryption_key = master_decode(buf_view(&v.text), false);
	value_finish(&v);
	return host->encryption_key ? 0
	                            : err_set(err, ERR_USAGE,
	                                      "is no key: 64 hex digits or base64 of 32 bytes; better let the host make one in "
	                                      "file:PATH");
}

/* Not resolved beforehand as other values are: a key file that does not exist yet is no error. */
int
master_parse(struct slice given, struct host_settings *host, struct err *err)
{
	host->encrypt = !slice_is(given, "none");
	if (!host->encrypt)
		return 0;
	if (!slice_starts(given, "file:"))
		return master_text(host, given, err);
	char *path = xstrndup(given.p + 5, given.len - 5);
	int rc = master_file(host, path, err);
	free(path);
	return rc;
}

void
master_unset(struct host_settings *host)
{
	secret_free(host->encryption_key);
	free(host->key_file);
	host->encryption_key = NULL;
	host->key_file = NULL;
}
