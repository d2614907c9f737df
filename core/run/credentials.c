/* credentials.c - see credentials.h.
 *
 * Awkward: an access token that the host has had renewed is no change of a person's, but it always comes before a run is
 * refused, never after; so the mark that a refusal keeps is taken at its end. */
#include "run/credentials.h"

#include <sodium.h>
#include "base/mem.h"
#include "run/member.h"
#include "run/options.h"

/* With its length, so that two neighbours never read as two others. */
static void
part_add(crypto_generichash_state *sum, struct slice part)
{
	uint64_t len = part.len;

	crypto_generichash_update(sum, (const unsigned char *)&len, sizeof len);
	crypto_generichash_update(sum, (const unsigned char *)part.p, part.len);
}

static void
text_add(crypto_generichash_state *sum, const char *text)
{
	part_add(sum, slice_str(text ? text : ""));
}

static void
secrets_add(crypto_generichash_state *sum, const struct connection_settings *c)
{
	const struct secret *const list[] = {
		c->token,         c->api_key,       c->username,    c->password,               c->client_id,
		c->client_secret, c->refresh_token, c->private_key, c->integration->client_id, c->integration->client_secret};

	for (size_t i = 0; i < LENGTH(list); i++)
		part_add(sum, secret_reveal(list[i]));
}

static void
tokens_add(crypto_generichash_state *sum, struct store *s, const struct connection_settings *c)
{
	const struct scope_name name = {.connection = c->name, .integration = c->integration->name};
	uint32_t scope = store_scope_find(s, &name);
	struct buf value = {0};

	if (scope && store_state_get(s, scope, STATE_TOKEN, SLICE(""), &value)) {
		part_add(sum, member_raw(buf_view(&value), "access"));
		part_add(sum, member_raw(buf_view(&value), "refresh"));
	}
	buf_wipe(&value);
}

const char *
credentials_mark(struct host *h, const struct manifest *m, const struct connection_settings *c, bool tokens,
                 char mark[CREDENTIALS_MARK])
{
	const struct integration_settings *i = c->integration;
	unsigned char sum[crypto_generichash_BYTES];
	crypto_generichash_state state;
	struct buf options = {0};

	mark[0] = 0;
	if (host_store(h) && options_build(m, c, &options, NULL) == 0) {
		const struct json_seed *seed = store_seed(host_store(h));
		crypto_generichash_init(&state, (const unsigned char *)seed, sizeof *seed, sizeof sum);
		part_add(&state, buf_view(&options));
		text_add(&state, c->base_url ? c->base_url : i->base_url ? i->base_url : m->base_url);
		text_add(&state, i->token_url);
		text_add(&state, i->oauth_scopes);
		secrets_add(&state, c);
		if (tokens)
			tokens_add(&state, host_store(h), c);
		crypto_generichash_final(&state, sum, sizeof sum);
		sodium_bin2hex(mark, CREDENTIALS_MARK, sum, (CREDENTIALS_MARK - 1) / 2);
	}
	buf_free(&options);
	return mark;
}
