/* apikey.c - see apikey.h. Awkward: the log blanks every secret that it knows, so the one time that a key is to be read by a
 * person it is written to stderr directly, and only there: never into log_file, which others may read and keep. */
#include "run/apikey.h"

#include <sodium.h>
#include <stdio.h>
#include "run/host.h"

#define UUID_SIZE 36

const struct secret *
apikey_get(struct host *h)
{
	struct buf value = {0};

	if (!h->apikey && h->store && store_state_get(h->store, 0, STATE_APIKEY, SLICE(""), &value) && value.len)
		h->apikey = secret_new(buf_view(&value));
	buf_wipe(&value);
	return h->apikey;
}

/* RFC 9562, version 4: all random but for the version's and the variant's bits. */
static void
uuid_write(char out[UUID_SIZE + 1])
{
	unsigned char b[16];

	randombytes_buf(b, sizeof b);
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	snprintf(out, UUID_SIZE + 1, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4],
	         b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	sodium_memzero(b, sizeof b);
}

const struct secret *
apikey_rotate(struct host *h, struct err *err)
{
	char text[UUID_SIZE + 1];
	struct commit *commit;
	int rc;

	if (!h->store) {
		err_set(err, ERR_HOST, "there is no store that a key could be kept in");
		return NULL;
	}
	uuid_write(text);
	commit = commit_new(h->store, (struct fence){0, 0});
	commit_state_set(commit, 0, STATE_APIKEY, SLICE(""), slice_str(text));
	rc = store_commit_wait(h->store, commit, NULL, err);
	if (rc == 0) {
		secret_free(h->apikey);
		h->apikey = secret_new(slice_str(text));
		if (h->apikey_changed)
			h->apikey_changed(h->apikey_arg);
	}
	sodium_memzero(text, sizeof text);
	return rc == 0 ? h->apikey : NULL;
}

const struct secret *
apikey_need(struct host *h, bool *made, struct err *err)
{
	const struct secret *key = apikey_get(h);

	*made = key == NULL;
	return key ? key : apikey_rotate(h, err);
}

void
apikey_follow(struct host *h, void (*changed)(void *arg), void *arg)
{
	h->apikey_changed = changed;
	h->apikey_arg = arg;
}

void
apikey_tell(const struct secret *value)
{
	struct slice text = secret_reveal(value);
	struct buf line = {0};

	buf_puts(&line, "No [key NAME] is configured, so a key of scope write was made. It is shown this once:\n\n    ");
	buf_slice(&line, text);
	buf_puts(&line, "\n\nSend it as: Authorization: Bearer KEY. `sluice api-key show` tells it again, `sluice api-key rotate` makes another.\n");
	fwrite(line.p, 1, line.len, stderr);
	fflush(stderr);
	buf_wipe(&line);
}

const struct secret *
apikey_signing(struct host *h)
{
	const struct settings *s = h->settings;

	for (size_t i = 0; i < s->n_keys; i++)
		if (!s->keys[i].broken && (s->keys[i].scope == SCOPE_WRITE || s->keys[i].scope == SCOPE_ADMIN))
			return s->keys[i].value;
	return s->n_keys ? NULL : apikey_get(h);
}
