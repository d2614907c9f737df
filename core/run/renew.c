/* renew.c - an access token that one process keeps and another one wants: both sides of it.
 *
 *   guest: its token has expired, or is refused -> asks whoever has the store -> reads what that one has made durable
 *
 * So no token goes from process to process, and no refresh token is ever sent by two. The question is asked again until there
 * is an answer: the first one begins the renewal, which all runs of the keeping process that want a token share.
 * Awkward: a guest doubts the token that an API has refused, but by then the keeper may have another; so the guest names the
 * one that it means, by a keyed hash. */
#include <string.h>
#include "base/mem.h"
#include "run/host.h"
#include "run/options.h"
#include "run/tokens_inner.h"

static void
token_hash(const struct tokens *t, char hex[33])
{
	uint64_t generation;
	struct slice access = secret_reveal(oauth_token(t->oauth, &generation));

	hex[0] = '\0';
	if (access.len)
		oauth_hash(slice_of(store_seed(t->host->store), sizeof(struct json_seed)), &access, 1, hex);
}

int
tokens_guest_renew(void *arg, bool doubted, struct err *err)
{
	struct tokens *t = arg;
	char hex[33] = "";

	if (doubted)
		token_hash(t, hex);
	if (t->host->renew) {
		int rc = t->host->renew(t->host->renew_arg, t->connection, t->integration, hex, err);
		if (rc < 0 && err->cls == ERR_USAGE)
			err->cls = ERR_CREDENTIALS; /* a person has to say them to the other process; asking again is of no use */
		return rc;
	}
	return err_set(err, ERR_CREDENTIALS, "connection %s : %s: its access token has to be renewed by the process that has the store",
	               t->connection, t->integration);
}

static void
renewed(void *arg, const struct err *err)
{
	struct tokens *t = arg;

	t->renewed = *err;
}

static int
keeper_renew(struct tokens *t, const char *doubted, bool *done, struct err *err)
{
	uint64_t generation;
	char hex[33];

	*done = false;
	if (t->renewing.waiting)
		return 0;
	if (t->renewed.cls) {
		*err = t->renewed;
		t->renewed = (struct err){0};
		return -1;
	}
	token_hash(t, hex);
	oauth_token(t->oauth, &generation);
	if (*doubted && strcmp(doubted, hex) == 0 && !oauth_doubt(t->oauth, generation)) {
		*done = true; /* another one would not be taken either */
		return 0;
	}
	t->renewing.ready = renewed;
	t->renewing.arg = t;
	*done = oauth_want(t->oauth, &t->renewing);
	return 0;
}

int
tokens_renew(struct host *h, const char *connection, const char *integration, const char *doubted, bool *done, struct err *err)
{
	const struct connection_settings *c = settings_connection(h->settings, connection, integration);
	const struct manifest *m = c ? host_manifest_of(h, c, err) : NULL;
	struct buf options = {0};
	struct oauth *keeper;
	int rc = -1;

	if (!c)
		return err_set(err, ERR_USAGE, "the process that has the store knows no connection %s : %s: `sluice reload` there first",
		               connection, integration);
	if (!m || options_build(m, c, &options, err) != 0)
		goto out;
	keeper = tokens_keeper(h, m, c, buf_view(&options), true, err);
	if (!keeper)
		goto out;
	for (struct tokens *t = h->tokens; t; t = t->next)
		if (t->oauth == keeper)
			rc = keeper_renew(t, doubted, done, err);
	oauth_free(keeper);
out:
	buf_free(&options);
	return rc;
}
