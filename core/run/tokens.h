/* tokens.h - who keeps the access token of a connection: one keeper for all runs of this process, its tokens in the store. */
#ifndef SLUICE_RUN_TOKENS_H
#define SLUICE_RUN_TOKENS_H

#include "config/settings.h"
#include "plugin/manifest.h"
#include "proxy/oauth.h"
#include "proxy/oauth_ask.h"
#include "proxy/oauth_tokens.h"
#include "run/run.h"

/* Is that connection's access token had by OAuth 2? */
bool tokens_used(const struct manifest *m, const struct connection_settings *c);
/* Is all there that it needs? 0, or -1 with file, line, section, key and remedy (ERR_USAGE). h NULL: without looking into the store. */
int tokens_check(struct host *h, const struct manifest *m, const struct connection_settings *c, struct slice options, struct err *err);
/* One reference, yours. asked: by a person; an old refusal is then tried once more. */
struct oauth *tokens_keeper(struct host *h, const struct manifest *m, const struct connection_settings *c, struct slice options,
                            bool asked, struct err *err);
/* For a process that reads our store beside us: its token of that connection is no good any more, or the one of which `doubted` is the
 * keyed hash ("" none) was refused. done: what the store has now is the newest; else ask again in a moment. -1: none is to be had. */
int tokens_renew(struct host *h, const char *connection, const char *integration, const char *doubted, bool *done, struct err *err);
void tokens_end(struct host *h); /* of host_free; before its proxy and store */

/* For `sluice authorize`: the client at the token endpoint, and the tokens that it gave put where the keeper finds them. */
struct tokens_app {
	struct buf authorize_url, token_url, scopes; /* filled in; authorize_url empty: none is known */
	bool trusted, basic;
	const struct secret *client_id, *client_secret;
	const char *authorize_params, *token_params;
};
int tokens_app(const struct manifest *m, const struct connection_settings *c, struct slice options, struct tokens_app *app, struct err *err);
void tokens_app_free(struct tokens_app *app);
/* json: {"access","refresh","expires_us","scope"}, checked. Durable when it returns. Needs the store. */
int tokens_put(struct host *h, const char *connection, const char *integration, struct slice json, struct err *err);
/* The connection goes, or is replaced whole. Whoever has its keeper keeps it for his run, but nothing of it is stored any more;
 * who asks next gets a new one, which knows what the store holds and no more. */
void tokens_forget(struct host *h, const char *connection, const char *integration);
/* {"state":"valid","expires_us":N}; false: that connection has no keeper in this process and no token in the store. */
bool tokens_show(struct host *h, const char *connection, const char *integration, struct buf *state, int64_t *expires_us);

#endif
