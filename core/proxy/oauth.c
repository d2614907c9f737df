/* oauth.c - see oauth.h: the life of one connection's tokens.
 *
 *   IDLE --wanted, none that is good--> ASKING --tokens--> SAVING --durable--> IDLE: all who wait get it
 *    ^                                   |   |               |
 *    |<------------- refused, failed ----'   '-- the newest refresh token is refused: once more, with the previous one
 *    '<-- not saved: they are kept here, and saving is tried again by the next who wants one
 *
 * Where another process keeps them, ASKING means asking that one, again and again until it has them, and there is no SAVING.
 *
 * Awkward: a refusal is remembered, a failure that passes is for a while, doubling: a hundred calls of a run that all
 * want a token make one request. And an API that refuses a good token (a missing permission) must not make us renew it
 * for ever: one that was just had and that nobody has accepted yet is not renewed for a doubt, and for doubts once a minute at most. */
#include "proxy/oauth.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "proxy/oauth_ask.h"
#include "proxy/oauth_grant.h"
#include "proxy/oauth_tokens.h"
#include "proxy/private.h"

#define DOUBT_MS 60000
#define REST_MAX_MS 60000
#define FORGIVE_MS 10000
#define RENEW_MS 50 /* between two questions to the process that renews */

enum stage { IDLE, ASKING, SAVING };

struct oauth {
	struct proxy *proxy;
	unsigned refs;
	struct oauth_client *client; /* NULL: OAUTH_STATIC */
	struct oauth_grant grant;
	char identity[33], from[33], client_hash[33];
	void (*load)(void *arg, struct buf *json);
	void (*save)(void *arg, struct slice json);
	int (*renew)(void *arg, bool doubted, struct err *err);
	void *arg;

	enum stage stage;
	struct oauth_tokens tokens;
	uint64_t generation; /* counts access tokens; 0: there has been none */
	bool fresh;          /* this process got it from the provider */
	bool proven;         /* an API has accepted it */
	bool stale;          /* an API has refused it */
	bool unsaved;        /* the tokens here are newer than what is kept */
	bool second;         /* the previous refresh token is being tried */
	unsigned saves;      /* under way */

	struct err refused;      /* for good; cls ERR_NONE: not */
	struct err failed;       /* the last failure that passes */
	int64_t got_ms, refused_ms, rest_until_ms, doubted_ms; /* monotonic; doubted 0: never */
	unsigned failures;

	struct oauth_waiter *first, **last;
	struct alarm alarm; /* tells those who wait, from the loop */
	struct err told;    /* what */
	struct alarm again; /* asks the process that renews */
};

static const struct err no_error;

static void turn(struct oauth *o);

/* ---- what it is made of ---- */

/* All that the configuration says but the first refresh token; client: without what can change under a token. */
static void
options_hash(const struct oauth_options *o, char client[33], char identity[33])
{
	const char how = (char)o->how, basic = o->basic ? 1 : 0;
	const struct slice parts[] = {slice_of(&how, 1), slice_str(o->token_url), secret_reveal(o->client_id), slice_str(o->scopes),
	                              secret_reveal(o->key), slice_str(o->issuer), slice_str(o->subject), slice_str(o->audience),
	                              secret_reveal(o->access), secret_reveal(o->client_secret), slice_str(o->params),
	                              secret_reveal(o->refresh), slice_of(&basic, 1), slice_str(o->key_id)};

	oauth_hash(o->hash_key, parts, 9, client);
	oauth_hash(o->hash_key, parts, LENGTH(parts), identity);
}

static void oauth_rang(void *arg);
static void renew(void *arg);

struct oauth *
oauth_new(struct proxy *p, const struct oauth_options *o, struct err *err)
{
	struct oauth *k = XNEW(struct oauth);
	struct slice refresh = secret_reveal(o->refresh);

	*k = (struct oauth){.proxy = p,
	                    .refs = 1,
	                    .load = o->load,
	                    .save = o->save,
	                    .renew = o->renew,
	                    .arg = o->arg};
	oauth_grant_init(&k->grant, o);
	k->last = &k->first;
	k->alarm = (struct alarm){.ring = oauth_rang, .arg = k};
	k->again = (struct alarm){.ring = renew, .arg = k};
	options_hash(o, k->client_hash, k->identity);
	if (refresh.len)
		oauth_hash(o->hash_key, &refresh, 1, k->from);
	k->tokens.access = secret_dup(o->access);
	k->tokens.refresh = secret_dup(o->refresh);
	snprintf(k->tokens.from, sizeof k->tokens.from, "%s", k->from);
	snprintf(k->tokens.client, sizeof k->tokens.client, "%s", k->client_hash);
	k->generation = k->tokens.access ? 1 : 0;
	if (o->how != OAUTH_STATIC)
		k->client = oauth_client_new(p, o, err);
	if (o->how != OAUTH_STATIC && !k->client) {
		oauth_free(k);
		return NULL;
	}
	oauth_reload(k);
	return k;
}

struct oauth *
oauth_hold(struct oauth *o)
{
	o->refs++;
	return o;
}

void
oauth_free(struct oauth *o)
{
	if (!o || --o->refs)
		return;
	assert(!o->first);
	alarm_clear(&o->proxy->alarms, &o->alarm);
	alarm_clear(&o->proxy->alarms, &o->again);
	oauth_client_free(o->client);
	oauth_tokens_free(&o->tokens);
	oauth_grant_finish(&o->grant);
	free(o);
}

bool
oauth_same(const struct oauth *o, const struct oauth_options *options)
{
	char client[33], identity[33];

	options_hash(options, client, identity);
	return !strcmp(identity, o->identity);
}

/* ---- what is kept ---- */

/* Other tokens stand here now: what was known of those before says nothing of them. */
static void
tokens_changed(struct oauth *o, bool fresh)
{
	o->generation++;
	o->fresh = fresh;
	o->proven = o->stale = false;
	o->refused = no_error;
	o->rest_until_ms = 0;
}

void
oauth_reload(struct oauth *o)
{
	struct buf json = {0};
	struct oauth_tokens kept;
	bool there;

	if (!o->load || o->unsaved)
		return;
	o->load(o->arg, &json);
	there = oauth_tokens_read(&kept, buf_view(&json));
	buf_wipe(&json);
	if (there && oauth_tokens_adopt(&o->tokens, &kept, o->from, o->client_hash))
		tokens_changed(o, false);
}

static void
tokens_save(struct oauth *o)
{
	struct buf json = {0};

	o->unsaved = false;
	if (!o->save)
		return;
	oauth_tokens_write(&json, &o->tokens);
	o->saves++;
	oauth_hold(o);
	o->save(o->arg, buf_view(&json));
	buf_wipe(&json);
}

/* ---- who waits ---- */

static bool
resting(const struct oauth *o)
{
	return o->rest_until_ms > proxy_now(o->proxy);
}

static bool
ready(const struct oauth *o)
{
	int64_t now = clock_wall_us(o->proxy->clock);

	if (!o->tokens.access || o->unsaved || o->stage == SAVING)
		return false;
	if (o->grant.how == OAUTH_STATIC)
		return true;
	if (o->stale)
		return false;
	if (now < oauth_tokens_until(&o->tokens))
		return true;
	return now < o->tokens.expires_us && (resting(o) || o->refused.cls); /* better the last of it than nothing */
}

/* All who wait now, one after the other: one that is told may end another. Who begins to wait meanwhile stands behind
 * the last of them, and waits for the next. */
static void
oauth_rang(void *arg)
{
	struct oauth *o = arg;
	struct oauth_waiter mark = {.waiting = true};
	struct err told = ready(o) ? no_error : o->told;

	oauth_hold(o);
	*o->last = &mark;
	o->last = &mark.next;
	while (o->first != &mark) {
		struct oauth_waiter *w = o->first;
		oauth_leave(o, w);
		w->ready(w->arg, &told);
	}
	oauth_leave(o, &mark);
	if (o->first && o->stage == IDLE && !o->alarm.place)
		turn(o);
	oauth_free(o);
}

static void
tell(struct oauth *o, const struct err *what)
{
	o->told = *what;
	alarm_set(&o->proxy->alarms, &o->alarm, proxy_now(o->proxy));
}

static void
fail(struct oauth *o, const struct err *why, bool for_good)
{
	int64_t now = proxy_now(o->proxy), rest = INT64_C(1000) << (o->failures < 6 ? o->failures : 6);

	o->stage = IDLE;
	if (for_good) {
		o->refused = *why;
		o->refused_ms = now;
	} else if (why->cls != ERR_STOPPED) {
		o->failed = *why;
		o->failures++;
		o->rest_until_ms = now + (rest < REST_MAX_MS ? rest : REST_MAX_MS);
	}
	tell(o, why);
}

/* ---- asking ---- */

static void
tokens_take(struct oauth *o, const struct oauth_answer *a)
{
	oauth_tokens_renew(&o->tokens, o->second, a->access, a->refresh);
	snprintf(o->tokens.client, sizeof o->tokens.client, "%s", o->client_hash);
	o->tokens.expires_us = a->expires_us;
	o->tokens.got_us = clock_wall_us(o->proxy->clock);
	o->got_ms = proxy_now(o->proxy);
	o->failures = 0;
	tokens_changed(o, true);
}

static void ask(struct oauth *o);

static void
answered(void *arg, struct oauth_answer *a)
{
	struct oauth *o = arg;

	if (!a->err.cls) {
		tokens_take(o, a);
		log_debug("%s: a new access token%s", o->grant.name, o->tokens.previous ? ", and a new refresh token" : "");
		o->stage = SAVING;
		tokens_save(o);
		if (!o->save) {
			o->stage = IDLE;
			tell(o, &no_error);
		}
	} else if (a->bad_grant && o->grant.how == OAUTH_REFRESH && !o->second && o->tokens.previous) {
		o->second = true;
		ask(o);
	} else {
		fail(o, &a->err, a->refused);
	}
	oauth_free(o);
}

static void
ask(struct oauth *o)
{
	const struct secret *refresh = o->second ? o->tokens.previous : o->tokens.refresh;
	struct buf form = {0};
	struct err err;

	o->stage = ASKING;
	if (oauth_grant_form(&o->grant, secret_reveal(refresh), clock_wall_us(o->proxy->clock), &form, &err) != 0) {
		fail(o, &err, true);
	} else {
		oauth_hold(o);
		oauth_ask(o->client, buf_view(&form), answered, o);
	}
	buf_wipe(&form);
}

void
oauth_saved(struct oauth *o, const struct err *err)
{
	assert(o->saves);
	o->saves--;
	if (err->cls)
		o->unsaved = true;
	if (o->stage == SAVING && !o->saves) {
		o->stage = IDLE;
		tell(o, err);
	}
	oauth_free(o);
}

/* The process that keeps them has done what it could. */
static void
renewed(struct oauth *o)
{
	bool doubted = o->stale;
	struct err err;

	o->stage = IDLE;
	oauth_reload(o);
	if (ready(o)) {
		tell(o, &no_error);
		return;
	}
	if (doubted)
		err_set(&err, ERR_CREDENTIALS, "%s: the access token is refused, and the process that keeps it has had it just now", o->grant.name);
	else
		err_set(&err, ERR_CREDENTIALS, "%s: its tokens are kept by a process that knows it by other settings than these: `sluice reload` "
		        "there first", o->grant.name);
	fail(o, &err, true);
}

static void
renew(void *arg)
{
	struct oauth *o = arg;
	struct err err;
	int rc;

	o->stage = IDLE;
	if (!o->first) /* nobody waits any more */
		return;
	o->stage = ASKING;
	rc = o->renew(o->arg, o->stale, &err);
	if (rc > 0)
		alarm_set(&o->proxy->alarms, &o->again, proxy_now(o->proxy) + RENEW_MS);
	else if (rc < 0)
		fail(o, &err, err.cls == ERR_CREDENTIALS);
	else
		renewed(o);
}

static void
turn(struct oauth *o)
{
	if (o->grant.how == OAUTH_STATIC) {
		tell(o, &o->refused);
		return;
	}
	if (o->unsaved) { /* they may be the only ones that are valid */
		o->stage = SAVING;
		tokens_save(o);
		return;
	}
	oauth_reload(o);
	if (ready(o)) {
		tell(o, &no_error);
	} else if (o->refused.cls) {
		tell(o, &o->refused);
	} else if (resting(o)) {
		tell(o, &o->failed);
	} else if (o->renew) {
		renew(o);
	} else {
		o->second = false;
		ask(o);
	}
}

bool
oauth_want(struct oauth *o, struct oauth_waiter *w)
{
	if (ready(o))
		return true;
	assert(!w->waiting);
	w->next = NULL;
	w->waiting = true;
	*o->last = w;
	o->last = &w->next;
	if (o->stage == IDLE)
		turn(o);
	return false;
}

void
oauth_leave(struct oauth *o, struct oauth_waiter *w)
{
	if (!w->waiting)
		return;
	for (struct oauth_waiter **at = &o->first; *at; at = &(*at)->next) {
		if (*at != w)
			continue;
		*at = w->next;
		if (!*at)
			o->last = at;
		break;
	}
	w->waiting = false;
}

/* ---- what the API says ---- */

const struct secret *
oauth_token(const struct oauth *o, uint64_t *generation)
{
	*generation = o->generation;
	return o->tokens.access;
}

void
oauth_proved(struct oauth *o, uint64_t generation)
{
	if (generation != o->generation || o->proven)
		return;
	o->proven = true;
	if (o->tokens.previous && o->stage == IDLE && !o->unsaved) {
		secret_free(o->tokens.previous);
		o->tokens.previous = NULL;
		tokens_save(o);
	}
}

bool
oauth_doubt(struct oauth *o, uint64_t generation)
{
	int64_t now = proxy_now(o->proxy);

	if (o->grant.how == OAUTH_STATIC)
		return false;
	if (generation != o->generation || o->stage != IDLE || o->stale)
		return true;
	if ((o->fresh && !o->proven && now - o->got_ms < DOUBT_MS) || (o->doubted_ms && now - o->doubted_ms < DOUBT_MS))
		return false;
	o->doubted_ms = now ? now : 1;
	o->stale = true;
	return true;
}

void
oauth_forgive(struct oauth *o)
{
	if (o->refused.cls && proxy_now(o->proxy) - o->refused_ms >= FORGIVE_MS)
		o->refused = no_error;
}

const char *
oauth_state(const struct oauth *o, int64_t *expires_us)
{
	*expires_us = o->tokens.expires_us;
	if (o->refused.cls)
		return "refused";
	if (o->stage != IDLE)
		return "asking";
	if (!o->tokens.access)
		return "none";
	return o->stale || (o->tokens.expires_us && clock_wall_us(o->proxy->clock) >= o->tokens.expires_us) ? "expired" : "valid";
}
