/* oauth.h - one connection's access token: had, kept, renewed before it expires, and once however many need it.
 *
 * Guarantees. A token that a provider has handed out is durable before it is used, and before the refresh token that it
 * came from is forgotten; the one before it is kept until an API has accepted the new one. However many calls of however
 * many runs want a token at the same moment, one request is made. What the provider has refused for good is not asked
 * again until something has changed. No token is in a log, and every one is told to log_secret(). Of several processes that
 * want tokens of one connection one renews them; the others have it do so (`renew`), and never send a refresh token: of those
 * that rotate the newest would be known to the wrong one.
 *
 * Awkward: a request for a token may have been answered without us having seen it (a crash, a cut line). Then the old
 * refresh token is tried again, which providers accept until the new one is used, and after it the one before. */
#ifndef SLUICE_PROXY_OAUTH_H
#define SLUICE_PROXY_OAUTH_H

#include "proxy/proxy.h"

enum oauth_how { OAUTH_REFRESH, OAUTH_CLIENT, OAUTH_JWT, OAUTH_STATIC }; /* static: as given, never renewed */

struct oauth_options { /* all copied */
	const char *name; /* "acme : slack" */
	enum oauth_how how;
	const char *token_url; /* complete; NULL only for OAUTH_STATIC */
	bool trusted;          /* the operator wrote it: any address; else public ones */
	const struct secret *client_id, *client_secret; /* NULL: none */
	bool basic;            /* they go in the Authorization header, else in the body */
	const char *scopes, *params; /* separated by blanks; encoded. NULL: none */
	const struct secret *key;    /* PEM */
	const char *issuer, *subject, *audience, *key_id;
	const struct secret *refresh, *access; /* first values, of the configuration */
	/* Where tokens are kept; NULL: nowhere. load gives what was saved last ("" none). save: oauth_saved() follows, later. */
	void (*load)(void *arg, struct buf *json);
	void (*save)(void *arg, struct slice json);
	/* Another process keeps them, and alone renews them: this has it do so. 0: what load gives now is the newest that there is; 1: ask
	 * again in a moment; -1: it cannot. doubted: an API has refused the one that we have. NULL: we renew them ourselves. */
	int (*renew)(void *arg, bool doubted, struct err *err);
	struct slice hash_key; /* for what is kept of the configuration's values: a keyed hash */
	void *arg;
};
struct oauth;
struct oauth *oauth_new(struct proxy *p, const struct oauth_options *o, struct err *err); /* one reference: yours */
struct oauth *oauth_hold(struct oauth *o);
void oauth_free(struct oauth *o); /* one reference less; NULL is fine. The last: after its proxy's calls have ended */
bool oauth_same(const struct oauth *o, const struct oauth_options *options);
void oauth_saved(struct oauth *o, const struct err *err);
void oauth_reload(struct oauth *o);  /* what is kept has been changed by somebody else */
void oauth_forgive(struct oauth *o); /* somebody asks: a refusal that is not of just now is forgotten */

struct oauth_waiter { /* zero, with ready and arg set */
	void (*ready)(void *arg, const struct err *err); /* err->cls ERR_NONE: there is one. Never from inside oauth_want */
	void *arg;
	struct oauth_waiter *next;
	bool waiting;
};
bool oauth_want(struct oauth *o, struct oauth_waiter *w); /* true: there is a token now; else ready is called once */
void oauth_leave(struct oauth *o, struct oauth_waiter *w); /* fine when it does not wait */
const struct secret *oauth_token(const struct oauth *o, uint64_t *generation); /* borrowed until the loop's next turn */
/* What an API said to that token. doubt: it was refused; true: ask again, with what oauth_want then gives. */
void oauth_proved(struct oauth *o, uint64_t generation);
bool oauth_doubt(struct oauth *o, uint64_t generation);

/* For people: "valid", "expired", "none", "refused", "asking"; expires_us 0: not known. */
const char *oauth_state(const struct oauth *o, int64_t *expires_us);

#endif
