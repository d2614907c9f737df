/* proxy_oauth.c - the keeper of access tokens against a provider of raw bytes, with a clock that the test moves and a
 * store whose writes it can hold back, let fail or lose. */
#include "proxy_env.h"
#include "base/log.h"
#include "proxy/oauth_ask.h"
#include "proxy/oauth_tokens.h"

#define JSON_HEAD "Content-Type: application/json\r\n"

/* An answer with its length; lives until bench_close. */
static char *said[32];
static size_t n_said;

static const char *
says(const char *status, const char *json)
{
	REQUIRE(n_said < LENGTH(said));
	return said[n_said++] = xasprintf("HTTP/1.1 %s\r\n" JSON_HEAD "Content-Length: %zu\r\n\r\n%s", status, strlen(json), json);
}

struct keep { /* the store */
	struct oauth *oauth;
	char *json; /* what is durable; NULL: nothing */
	char *held; /* not durable yet */
	bool hold, fail;
	unsigned saves;
	unsigned later, wanted, doubts; /* renewed by another process: after so many questions; how many there were */
	const char *next;               /* what that one then makes durable; NULL: it cannot */
};

static void
keep_load(void *arg, struct buf *json)
{
	const struct keep *k = arg;

	if (k->json)
		buf_puts(json, k->json);
}

static void
keep_done(struct keep *k)
{
	const struct err none = {0}, full = {ERR_HOST, "the disk is full"};

	if (!k->fail) {
		free(k->json);
		k->json = k->held;
	} else {
		free(k->held);
	}
	k->held = NULL;
	oauth_saved(k->oauth, k->fail ? &full : &none);
}

static void
keep_save(void *arg, struct slice json)
{
	struct keep *k = arg;

	k->saves++;
	free(k->held);
	k->held = slice_dup(json);
	if (!k->hold)
		keep_done(k);
}

static int
keep_renew(void *arg, bool doubted, struct err *err)
{
	struct keep *k = arg;

	k->wanted++;
	k->doubts += doubted;
	if (k->later && k->later--)
		return 1;
	if (!k->next)
		return err_set(err, ERR_PROVIDER, "the other process is not there");
	free(k->json);
	k->json = xstrdup(k->next);
	return 0;
}

struct bench {
	struct env e;
	bool guest;
	struct keep keep;
	struct oauth *oauth;
	struct secret *id, *secret, *refresh;
	char url[160];
};

static struct oauth *
keeper_make(struct bench *b, enum oauth_how how, bool trusted)
{
	struct oauth_options o = {.name = "acme : test", .how = how, .token_url = b->url, .trusted = trusted, .client_id = b->id,
	                          .client_secret = b->secret, .scopes = "read", .refresh = how == OAUTH_REFRESH ? b->refresh : NULL,
	                          .load = keep_load, .save = b->guest ? NULL : keep_save, .renew = b->guest ? keep_renew : NULL,
	                          .arg = &b->keep};
	struct err err = {0};

	b->oauth = b->keep.oauth = oauth_new(b->e.proxy, &o, &err);
	if (!b->oauth)
		printf("# keeper: %s\n", err.text);
	return b->oauth;
}

static void
target_make(struct bench *b)
{
	struct proxy_target_options t = {.base_trusted = true, .auth = {.kind = SLUICE_OAUTH2, .oauth = b->oauth}};

	env_target(&b->e, &t);
}

static void
bench_open(struct bench *b, const struct script *scripts, enum oauth_how how)
{
	struct proxy_options o = {.retries = UINT64_MAX};

	memset(b, 0, sizeof *b);
	env_open(&b->e, scripts, &o);
	b->id = secret_new(SLICE("the-app"));
	b->secret = secret_new(SLICE("the-secret"));
	b->refresh = secret_new(SLICE("refresh-one"));
	snprintf(b->url, sizeof b->url, "%s/token", b->e.base);
	REQUIRE(keeper_make(b, how, true));
	target_make(b);
}

static void
bench_close(struct bench *b)
{
	oauth_free(b->oauth);
	env_close(&b->e);
	free(b->keep.json);
	free(b->keep.held);
	secret_free(b->id);
	secret_free(b->secret);
	secret_free(b->refresh);
	log_secrets_forget();
	while (n_said)
		free(said[--n_said]);
}

static unsigned
asked(struct bench *b, const char *path)
{
	unsigned n = 0;

	pthread_mutex_lock(&b->e.server->lock);
	for (unsigned i = 0; i < b->e.server->n_seen; i++)
		n += !strcmp(b->e.server->seen[i].path, path);
	pthread_mutex_unlock(&b->e.server->lock);
	return n;
}

static const struct seen *
last_of(struct bench *b, const char *path)
{
	static const struct seen none;
	const struct seen *found = &none;

	pthread_mutex_lock(&b->e.server->lock);
	for (unsigned i = 0; i < b->e.server->n_seen; i++)
		if (!strcmp(b->e.server->seen[i].path, path))
			found = &b->e.server->seen[i];
	pthread_mutex_unlock(&b->e.server->lock);
	return found;
}

static const struct proxy_request api = {.endpoint = {"/api", 4}};

#define GIVES(n, more) says("200 OK", "{\"access_token\":\"access-" n "\",\"token_type\":\"Bearer\"" more "}")
#define API_OK says("200 OK", "{}")
#define API_401 says("401 No", "{\"error\":\"no\"}")
#define INVALID says("400 Bad", "{\"error\":\"invalid_grant\",\"error_description\":\"refresh-one is over\"}")

TEST("a token is had by the client's own credentials, sent as a bearer, and used again")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"expires_in\":3600"), 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}}}, {0}};
	struct bench b;
	struct got g = {0}, again = {0};

	bench_open(&b, scripts, OAUTH_CLIENT);
	env_ask(&b.e, api, &g);
	env_ask(&b.e, api, &again);
	CHECK_INT(g.status, 200);
	CHECK_INT(again.status, 200);
	CHECK_INT(asked(&b, "/token"), 1);
	CHECK_STR(last_of(&b, "/token")->body, "grant_type=client_credentials&scope=read&client_id=the-app&client_secret=the-secret");
	CHECK_HAS(last_of(&b, "/token")->text, "Content-Type: application/x-www-form-urlencoded\r\n");
	CHECK_HAS(last_of(&b, "/api")->text, "\r\nAuthorization: Bearer access-1\r\n");
	bench_close(&b);
}

TEST("forty calls that want a token at the same moment make one request, and say what they wait for")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"expires_in\":3600"), 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}}}, {0}};
	struct bench b;
	struct got g[40] = {{0}};
	int64_t until;

	bench_open(&b, scripts, OAUTH_REFRESH);
	for (size_t i = 0; i < LENGTH(g); i++)
		send_to(b.e.target, api, &g[i]);
	CHECK_INT(proxy_waiting(g[7].call, &until), WAIT_TOKEN);
	CHECK_STR(wait_names[WAIT_TOKEN], "waiting for an access token");
	for (size_t i = 0; i < LENGTH(g); i++) {
		env_wait(&b.e, &g[i]);
		CHECK_INT(g[i].status, 200);
		CHECK_INT(g[i].times, 1);
	}
	CHECK_INT(asked(&b, "/token"), 1);
	CHECK_INT(asked(&b, "/api"), 40);
	bench_close(&b);
}

TEST("no token is used before it is durable; one that could not be kept is kept by the next who wants one, not asked for again")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"expires_in\":3600,\"refresh_token\":\"refresh-two\""), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g = {0}, beside = {0}, later = {0};

	bench_open(&b, scripts, OAUTH_REFRESH);
	b.keep.hold = true;
	send_to(b.e.target, api, &g);
	while (!b.keep.held)
		uv_run(&b.e.loop, UV_RUN_ONCE);
	send_to(b.e.target, api, &beside); /* there is a token now, but not for anybody yet */
	env_idle(&b.e, 50);
	CHECK_INT(asked(&b, "/api"), 0);
	CHECK_HAS(b.keep.held, "\"refresh\":\"refresh-two\",\"previous\":\"refresh-one\"");
	b.keep.fail = true;
	keep_done(&b.keep);
	env_wait(&b.e, &g);
	CHECK_INT(g.err.cls, ERR_HOST);
	env_wait(&b.e, &beside);
	CHECK_INT(beside.err.cls, ERR_HOST);
	CHECK_INT(asked(&b, "/api"), 0);
	b.keep.hold = b.keep.fail = false;
	env_ask(&b.e, api, &later);
	CHECK_INT(later.status, 200);
	CHECK_INT(asked(&b, "/token"), 1);
	CHECK_HAS(b.keep.json, "\"refresh\":\"refresh-two\"");
	bench_close(&b);
}

TEST("the refresh token before is kept until an API has accepted the new access token")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"expires_in\":3600,\"refresh_token\":\"refresh-two\""), 0, KEEP}}},
	                                 {"/api", {{says("500 No", "{}"), 0, KEEP}, {API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g = {0}, good = {0};

	bench_open(&b, scripts, OAUTH_REFRESH);
	env_ask(&b.e, api, &g);
	CHECK_HAS(b.keep.json, "\"previous\":\"refresh-one\"");
	env_ask(&b.e, api, &good);
	CHECK_INT(good.status, 200);
	CHECK(!strstr(b.keep.json, "previous"));
	CHECK_HAS(b.keep.json, "\"refresh\":\"refresh-two\"");
	bench_close(&b);
}

TEST("after a crash between answer and commit the old refresh token is tried; and the previous one when the newest is refused")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"refresh_token\":\"refresh-two\""), 0, KEEP},
	                                             {INVALID, 0, KEEP},
	                                             {GIVES("3", ",\"refresh_token\":\"refresh-3\""), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g = {0}, next = {0};

	bench_open(&b, scripts, OAUTH_REFRESH);
	b.keep.hold = true;
	send_to(b.e.target, api, &g);
	while (!b.keep.held)
		uv_run(&b.e.loop, UV_RUN_ONCE);
	proxy_cancel(g.call); /* the process dies here */
	env_wait(&b.e, &g);
	b.keep.fail = true;
	keep_done(&b.keep);
	proxy_target_free(b.e.target);
	b.e.target = NULL;
	oauth_free(b.oauth);
	b.keep = (struct keep){.json = xstrdup("{\"refresh\":\"refresh-lost\",\"previous\":\"refresh-one\",\"from\":\"\",\"client\":\"\"}")};
	secret_free(b.refresh);
	b.refresh = NULL;
	REQUIRE(keeper_make(&b, OAUTH_REFRESH, true));
	target_make(&b);
	env_ask(&b.e, api, &next);
	CHECK_INT(next.status, 200);
	CHECK_INT(asked(&b, "/token"), 3);
	CHECK_HAS(last_of(&b, "/token")->body, "refresh_token=refresh-one&");
	CHECK_HAS(b.keep.json, "\"refresh\":\"refresh-3\"");
	bench_close(&b);
}

TEST("a token is renewed before it expires: a tenth of its life before, a minute at most")
{
	static const struct {
		const char *life;
		int64_t still_ms, over_ms;
	} lives[] = {{",\"expires_in\":100", 88000, 91000}, {",\"expires_in\":\"3600\"", 3538000, 3541000}};

	for (size_t i = 0; i < LENGTH(lives); i++) {
		char *json = xasprintf("{\"access_token\":\"access-1\"%s}", lives[i].life);
		const struct script scripts[] = {{"/token", {{says("200 OK", json), 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}}}, {0}};
		struct bench b;
		struct got g = {0}, still = {0}, over = {0};

		bench_open(&b, scripts, OAUTH_CLIENT);
		env_ask(&b.e, api, &g);
		b.e.ahead_ms = lives[i].still_ms;
		env_ask(&b.e, api, &still);
		CHECK_INT(asked(&b, "/token"), 1);
		b.e.ahead_ms = lives[i].over_ms;
		env_ask(&b.e, api, &over);
		CHECK_INT(asked(&b, "/token"), 2);
		bench_close(&b);
		free(json);
	}
}

TEST("a refusal is remembered until somebody asks; its reason holds the provider's words and no token")
{
	const struct script scripts[] = {{"/token", {{INVALID, 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}}}, {0}};
	struct bench b;
	struct got g[4] = {{0}};

	bench_open(&b, scripts, OAUTH_REFRESH);
	env_ask(&b.e, api, &g[0]);
	CHECK_INT(g[0].err.cls, ERR_CREDENTIALS);
	CHECK_HAS(g[0].err.text, "invalid_grant: *** is over");
	b.e.ahead_ms += 3600000;
	env_ask(&b.e, api, &g[1]);
	CHECK_INT(g[1].err.cls, ERR_CREDENTIALS);
	CHECK_INT(asked(&b, "/token"), 1);
	oauth_forgive(b.oauth);
	env_ask(&b.e, api, &g[2]);
	oauth_forgive(b.oauth); /* that was just now */
	env_ask(&b.e, api, &g[3]);
	CHECK_INT(asked(&b, "/token"), 2);
	CHECK_INT(asked(&b, "/api"), 0);
	bench_close(&b);
}

TEST("a failure that passes is not met by a storm: it rests, longer each time, and then asks again")
{
	const struct script scripts[] = {{"/token", {{says("503 Busy", "{}"), 0, KEEP}, {says("503 Busy", "{}"), 0, KEEP}, {GIVES("1", ""), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g[5] = {{0}};

	bench_open(&b, scripts, OAUTH_CLIENT);
	env_ask(&b.e, api, &g[0]);
	CHECK_INT(g[0].err.cls, ERR_PROVIDER);
	env_ask(&b.e, api, &g[1]);
	CHECK_INT(g[1].err.cls, ERR_PROVIDER);
	CHECK_INT(asked(&b, "/token"), 1);
	b.e.ahead_ms += 1100;
	env_ask(&b.e, api, &g[2]);
	b.e.ahead_ms += 1100;
	env_ask(&b.e, api, &g[3]);
	CHECK_INT(asked(&b, "/token"), 2);
	b.e.ahead_ms += 1100;
	env_ask(&b.e, api, &g[4]);
	CHECK_INT(g[4].status, 200);
	bench_close(&b);
}

TEST("near its end a token is still used while the provider cannot give another")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"expires_in\":100"), 0, KEEP}, {says("503 Busy", "{}"), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g[3] = {{0}};

	bench_open(&b, scripts, OAUTH_CLIENT);
	env_ask(&b.e, api, &g[0]);
	b.e.ahead_ms = 95000;
	env_ask(&b.e, api, &g[1]);
	CHECK_INT(g[1].status, 200);
	b.e.ahead_ms = 101000;
	env_ask(&b.e, api, &g[2]);
	CHECK_INT(g[2].err.cls, ERR_PROVIDER);
	bench_close(&b);
}

TEST("a 401 renews the token once and asks again, also for a stream and a POST; one that stays stands, and is no reason for more")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ""), 0, KEEP}, {GIVES("2", ""), 0, KEEP}, {GIVES("3", ""), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {"/post", {{API_401, 0, KEEP}, {API_OK, 0, KEEP}}},
	                                 {"/never", {{API_401, 0, KEEP}}},
	                                 {"/stream", {{API_401, 0, KEEP}, {API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g[6] = {{0}};

	bench_open(&b, scripts, OAUTH_CLIENT);
	env_ask(&b.e, api, &g[0]);
	env_ask(&b.e, (struct proxy_request){.method = "POST", .endpoint = SLICE("/post"), .body = SLICE("{}")}, &g[1]);
	CHECK_INT(g[1].status, 200);
	CHECK_INT(g[1].attempts, 2);
	CHECK_HAS(last_of(&b, "/post")->text, "Bearer access-2\r\n");
	b.e.ahead_ms += 61000;
	env_ask(&b.e, (struct proxy_request){.endpoint = SLICE("/never")}, &g[2]);
	CHECK_INT(g[2].status, 401);
	CHECK_INT(asked(&b, "/never"), 2);
	CHECK_INT(asked(&b, "/token"), 3);
	env_ask(&b.e, api, &g[3]);
	env_ask(&b.e, (struct proxy_request){.endpoint = SLICE("/never")}, &g[4]);
	CHECK_INT(g[4].status, 401);
	CHECK_INT(asked(&b, "/token"), 3); /* the token is good, and that was a moment ago */
	b.e.ahead_ms += 61000;
	env_ask(&b.e, (struct proxy_request){.endpoint = SLICE("/stream"), .streamed = true}, &g[5]);
	CHECK_INT(g[5].status, 200);
	CHECK_INT(g[5].ends, 1);
	buf_str(&g[5].pieces);
	CHECK_STR(g[5].pieces.p, "{}");
	bench_close(&b);
}

TEST("a token that was just had, and that nobody has accepted yet, is not renewed for a 401")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ""), 0, KEEP}}}, {"/never", {{API_401, 0, KEEP}}}, {0}};
	struct bench b;
	struct got g[3] = {{0}};

	bench_open(&b, scripts, OAUTH_CLIENT);
	for (int i = 0; i < 3; i++) {
		env_ask(&b.e, (struct proxy_request){.endpoint = SLICE("/never")}, &g[i]);
		CHECK_INT(g[i].status, 401);
		CHECK_INT(asked(&b, "/token"), i < 2 ? 1 : 2);
		b.e.ahead_ms += i ? 61000 : 30000;
	}
	CHECK_INT(asked(&b, "/never"), 4);
	bench_close(&b);
}

TEST("a call that waits for a token can be cancelled, and ends at its deadline; the token comes all the same")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ""), 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}}}, {0}};
	struct bench b;
	struct got stopped = {0}, late = {0}, good = {0};
	struct proxy_request short_of_time = api;

	bench_open(&b, scripts, OAUTH_CLIENT);
	b.keep.hold = true;
	send_to(b.e.target, api, &stopped);
	short_of_time.deadline_mono_ms = clock_mono_ms(&b.e.clock) + 30000;
	send_to(b.e.target, short_of_time, &late);
	send_to(b.e.target, api, &good);
	while (!b.keep.held)
		uv_run(&b.e.loop, UV_RUN_ONCE);
	proxy_cancel(stopped.call);
	env_wait(&b.e, &stopped);
	CHECK_INT(stopped.err.cls, ERR_STOPPED);
	b.e.ahead_ms = 31000;
	proxy_poke(b.e.proxy);
	env_wait(&b.e, &late);
	CHECK_INT(late.err.cls, ERR_PROVIDER);
	CHECK_HAS(late.err.text, "no access token came");
	keep_done(&b.keep);
	env_wait(&b.e, &good);
	CHECK_INT(good.status, 200);
	bench_close(&b);
}

/* Another keeper for the same target: of a process that only reads what is kept. */
static void
bench_visit(struct bench *b)
{
	proxy_target_free(b->e.target);
	oauth_free(b->oauth);
	b->guest = true;
	REQUIRE(keeper_make(b, OAUTH_REFRESH, true));
	target_make(b);
}

TEST("who only reads the tokens has their keeper renew them, and never asks the provider")
{
	const struct script scripts[] = {
	        {"/token", {{GIVES("1", ",\"expires_in\":3600"), 0, KEEP}}}, {"/api", {{API_OK, 0, KEEP}, {API_OK, 0, KEEP}, {API_OK, 0, KEEP}, {API_401, 0, KEEP}, {API_OK, 0, KEEP}}}, {0}};
	struct bench b;
	struct got g[5] = {{0}};
	struct oauth_tokens t = {0};
	struct buf next = {0};

	bench_open(&b, scripts, OAUTH_REFRESH);
	env_ask(&b.e, api, &g[0]);
	bench_visit(&b);
	env_ask(&b.e, api, &g[1]);
	CHECK_INT(b.keep.wanted, 0); /* what is kept is good */
	REQUIRE(oauth_tokens_read(&t, slice_str(b.keep.json)));
	secret_free(t.access);
	t.access = secret_new(SLICE("access-2"));
	t.expires_us += INT64_C(3600000000) * 24;
	oauth_tokens_write(&next, &t);
	b.keep.next = buf_str(&next);
	b.keep.later = 1;
	b.e.ahead_ms = 3600000;
	send_to(b.e.target, api, &g[2]);
	CHECK_INT(b.keep.wanted, 1);
	b.e.ahead_ms += 1000;
	proxy_poke(b.e.proxy);
	env_wait(&b.e, &g[2]);
	CHECK_INT(g[2].status, 200);
	CHECK_INT(b.keep.wanted, 2);
	CHECK_HAS(last_of(&b, "/api")->text, "Bearer access-2\r\n");
	env_ask(&b.e, api, &g[3]); /* refused; that one has no other */
	CHECK_INT(g[3].err.cls, ERR_CREDENTIALS);
	CHECK_HAS(g[3].err.text, "the process that keeps it has had it just now");
	CHECK_INT(b.keep.doubts, 1);
	CHECK_INT(asked(&b, "/token"), 1);
	b.keep.next = NULL;
	bench_visit(&b);
	b.e.ahead_ms += INT64_C(3600000) * 25;
	env_ask(&b.e, api, &g[4]);
	CHECK_HAS(g[4].err.text, "the other process is not there");
	CHECK_INT(asked(&b, "/token"), 1);
	oauth_tokens_free(&t);
	buf_wipe(&next);
	bench_close(&b);
}

TEST("a connector's own token endpoint must be at a public address")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ""), 0, KEEP}}}, {0}};
	struct bench b;
	struct got g = {0};

	bench_open(&b, scripts, OAUTH_CLIENT);
	proxy_target_free(b.e.target);
	oauth_free(b.oauth);
	REQUIRE(keeper_make(&b, OAUTH_CLIENT, false));
	target_make(&b);
	env_ask(&b.e, api, &g);
	CHECK(g.err.cls != ERR_NONE);
	CHECK_INT(asked(&b, "/token"), 0);
	bench_close(&b);
}

TEST("what is no token answer is named: a page, another type of token, an error with status 200")
{
	static const struct {
		const char *status, *json, *reason;
		int cls;
	} rows[] = {
	        {"200 OK", "<html>", "answers without an access token", ERR_DATA},
	        {"200 OK", "{\"ok\":true}", "answers without an access token", ERR_DATA},
	        {"200 OK", "{\"access_token\":\"access-1\",\"token_type\":\"mac\"}", "only bearer tokens", ERR_CREDENTIALS},
	        {"200 OK", "{\"error\":\"bad_refresh_token\"}", "bad_refresh_token", ERR_CREDENTIALS},
	        {"401 No", "{\"error\":\"invalid_client\"}", "invalid_client", ERR_CREDENTIALS},
	        {"403 No", "nothing", "status 403", ERR_CREDENTIALS},
	        {"400 Bad", "{\"error\":\"temporarily_unavailable\"}", "temporarily_unavailable", ERR_PROVIDER},
	        {"429 Slow", "{}", "asks to wait", ERR_RATE},
	};

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct script scripts[] = {{"/token", {{says(rows[i].status, rows[i].json), 0, KEEP}}}, {0}};
		struct bench b;
		struct got g = {0};

		bench_open(&b, scripts, OAUTH_CLIENT);
		env_ask(&b.e, api, &g);
		CHECK_INT(g.err.cls, rows[i].cls);
		CHECK_HAS(g.err.text, rows[i].reason);
		bench_close(&b);
	}
}

TEST("a refresh token of the configuration that changes wins over what is kept")
{
	const struct script scripts[] = {{"/token", {{GIVES("1", ",\"refresh_token\":\"refresh-two\",\"expires_in\":3600"), 0, KEEP},
	                                             {GIVES("2", ",\"expires_in\":3600"), 0, KEEP}}},
	                                 {"/api", {{API_OK, 0, KEEP}}},
	                                 {0}};
	struct bench b;
	struct got g[3] = {{0}};

	bench_open(&b, scripts, OAUTH_REFRESH);
	env_ask(&b.e, api, &g[0]);
	for (int i = 1; i < 3; i++) { /* a new process with the same configuration; one with another refresh token */
		proxy_target_free(b.e.target);
		oauth_free(b.oauth);
		if (i == 2) {
			secret_free(b.refresh);
			b.refresh = secret_new(SLICE("refresh-new"));
		}
		REQUIRE(keeper_make(&b, OAUTH_REFRESH, true));
		target_make(&b);
		env_ask(&b.e, api, &g[i]);
		CHECK_INT(g[i].status, 200);
		CHECK_INT(asked(&b, "/token"), i);
	}
	CHECK_HAS(last_of(&b, "/token")->body, "refresh_token=refresh-new&");
	bench_close(&b);
}
