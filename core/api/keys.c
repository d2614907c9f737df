/* keys.c - see keys.h: scopes into rights, one row each. */
#include "api/keys.h"

#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/apikey.h"

#define KEY_SHORT 16

static const unsigned rights_of[] = {
	[SCOPE_READ] = RIGHT_READ,
	[SCOPE_TRIGGER] = RIGHT_TRIGGER,
	[SCOPE_WRITE] = RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE,
	[SCOPE_ADMIN] = RIGHT_READ | RIGHT_TRIGGER | RIGHT_WRITE | RIGHT_ADMIN,
};

static int
made_key_set(struct http *http, struct host *h, bool first, struct err *err)
{
	bool made;
	const struct secret *value = apikey_need(h, &made, err);

	if (!value)
		return -1;
	if (made)
		apikey_tell(value);
	else if (first)
		log_info("no [key NAME] is configured: the key that was made at the first start holds; `sluice api-key show` tells it");
	http_keys_set(http, &(struct http_key){"made", value, rights_of[SCOPE_WRITE]}, 1);
	return 0;
}

/* The server answers wrong keys late, but from many addresses at once that is no wall: the length is. */
static void
key_judge(const struct key_settings *k)
{
	if (secret_reveal(k->value).len < KEY_SHORT)
		log_warn("key %s is shorter than %d bytes and can be guessed: `openssl rand -hex 24` makes a better one", k->name, KEY_SHORT);
}

int
api_keys_settle(struct http *http, struct host *h, bool first, struct err *err)
{
	const struct settings *s = host_settings(h);
	struct http_key *keys;
	size_t n = 0;

	if (!s->n_keys)
		return made_key_set(http, h, first, err);
	keys = xcalloc(s->n_keys, sizeof *keys);
	for (size_t i = 0; i < s->n_keys; i++) {
		if (s->keys[i].broken)
			log_error("key %s cannot be used: %s", s->keys[i].name, s->keys[i].broken);
		else
			keys[n++] = (struct http_key){s->keys[i].name, s->keys[i].value, rights_of[s->keys[i].scope]};
		if (!s->keys[i].broken)
			key_judge(&s->keys[i]);
	}
	http_keys_set(http, keys, n);
	free(keys);
	return 0;
}
