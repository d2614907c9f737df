/* test_connection.c - `sluice test-connection`: the connector's own check, and what to do next.
 *
 * Refused, expired, missing scope and unreachable need different hands, so they are told apart: by the status, by the
 * words of the provider's answer where it has any, and by what the proxy says about a connection that never came about.
 * Providers that answer 200 to everything are told apart by their connector's reason alone. Beside a host that has the
 * store, connections whose credentials only it has are checked by it (checks.c). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/json_time.h"
#include "base/mem.h"
#include "cli/checks.h"
#include "cli/jobs.h"
#include "run/tokens.h"
#include "serve/local.h"
#include "wire/message.h"

#define CHECK_MS 60000

static const struct cli_flag flags[] = {
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{NULL, NULL, NULL},
};

enum trouble {
	TROUBLE_NONE,
	TROUBLE_UNCHECKED,
	TROUBLE_SCOPE,
	TROUBLE_EXPIRED,
	TROUBLE_REFUSED,
	TROUBLE_DNS,
	TROUBLE_CONNECT,
	TROUBLE_TLS,
	TROUBLE_TIME,
	TROUBLE_RATE,
	TROUBLE_PROVIDER,
	TROUBLE_OTHER,
	TROUBLES
};

static const struct {
	const char *word, *next;
	int exit;
} troubles[TROUBLES] = {
	[TROUBLE_NONE] = {"ok", "sluice dry-run shows what a sync would bring", 0},
	[TROUBLE_UNCHECKED] = {"cannot be tested", "sluice dry-run asks the provider too, and stores nothing", 1},
	[TROUBLE_SCOPE] = {"missing scope", "give the credential this permission at the provider, then try again", 3},
	[TROUBLE_EXPIRED] = {"expired", "make a new credential at the provider and put it in the place of the old one",
                             3},
	[TROUBLE_REFUSED] = {"refused",
                             "the provider does not know this credential: compare it with what the provider shows", 3},
	[TROUBLE_DNS] = {"unreachable (DNS)", "check the host name in base_url, and this machine's resolver", 75},
	[TROUBLE_CONNECT] = {"unreachable (no connection)",
                             "check address and port in base_url, firewalls, and that the server runs", 75},
	[TROUBLE_TLS] =
                {"unreachable (TLS)",
                 "check that base_url names the right host; for a certificate authority of your own set ca_file", 75},
	[TROUBLE_TIME] = {"unreachable (timeout)",
                          "try again later; if it stays so, check firewalls and proxies on the way", 75},
	[TROUBLE_RATE] = {"rate limited", "wait as long as the provider asks, then try again", 75},
	[TROUBLE_PROVIDER] = {"the provider fails", "look at the provider's status page, then try again", 75},
	[TROUBLE_OTHER] = {"not usable", "see the reason above", 1},
};

/* The first row whose class fits and one of whose words stands in the text decides. */
static const struct {
	enum trouble trouble;
	const char *words; /* separated by | */
} signs[] = {
	{TROUBLE_SCOPE, "scope|permission|forbidden|insufficient"},
	{TROUBLE_EXPIRED, "expired"},
	{TROUBLE_REFUSED,
         "invalid_auth|not_authed|unauthorized|revoked|account_inactive|refuses the credentials|status 401"},
	{TROUBLE_DNS, "dns|resolve"},
	{TROUBLE_TLS, "tls|certificate"},
	{TROUBLE_TIME, "timed out"},
	{TROUBLE_CONNECT, "refused|no connection|cut off|closed without"},
};

static bool
says(const char *text, const char *words)
{
	while (*words) {
		size_t n = strcspn(words, "|");
		char word[64];
		snprintf(word, sizeof word, "%.*s", (int)n, words);
		if (strcasestr(text, word))
			return true;
		words += n + (words[n] == '|');
	}
	return false;
}

static enum trouble
trouble_of(const struct run_result *r, const char *answer)
{
	bool credentials = r->err.cls == ERR_CREDENTIALS || r->status == 401 || r->status == 403;
	size_t first = credentials ? 0 : r->status ? LENGTH(signs) : 3, last = credentials ? 3 : LENGTH(signs);

	if (r->err.cls == ERR_NONE)
		return TROUBLE_NONE;
	for (size_t i = first; i < last; i++)
		if (says(r->err.text, signs[i].words) || (credentials && i < 2 && says(answer, signs[i].words)))
			return signs[i].trouble;
	if (credentials)
		return r->status == 403 ? TROUBLE_SCOPE : TROUBLE_REFUSED;
	if (r->err.cls == ERR_RATE)
		return TROUBLE_RATE;
	return r->err.cls == ERR_PROVIDER ? TROUBLE_PROVIDER : TROUBLE_OTHER;
}

static bool
like_scope(const char *word, size_t n)
{
	char text[64];

	snprintf(text, sizeof text, "%.*s", (int)n, word);
	return n > 3 && n < sizeof text && strchr(text, ' ') == NULL &&
	       (strchr(text, ':') || says(text, "read|write|admin|manage"));
}

/* Where providers name a scope: a member, or a quoted word of a sentence; else all that the connector asks for. */
static char *
scope_named(const char *answer, const struct manifest *m)
{
	static const char *const paths[] = {"needed",      "required_scope",       "required_scopes",
	                                    "scope",       "error.required_scope", "error.scope",
	                                    "error.param", "missing_scopes",       "error.missing_scopes"};
	struct buf all = {0};
	struct slice found;

	for (size_t i = 0; i < LENGTH(paths); i++)
		if (json_check(slice_str(answer), JSON_DEPTH_MAX, NULL) &&
		    json_path(slice_str(answer), paths[i], &found) && json_type(found) != JSON_NULL && found.len > 2)
			return json_text(found);
	for (const char *p = answer; (p = strpbrk(p, "'`\""));
	     p++) { /* a quoted word like 'rak_charge_read' or charges:read */
		size_t n = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_:.ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
		if (p[n + 1] == *p && like_scope(p + 1, n))
			return xstrndup(p + 1, n);
	}
	for (size_t i = 0; m->scopes && m->scopes[i]; i++)
		buf_printf(&all, "%s%s", i ? ", " : "one of ", m->scopes[i]);
	return buf_take(&all);
}

struct testing { /* arg of the jobs */
	struct access *access;
	int code;
};

/* Whoever has the store knows how a token is; we do where we have used it. */
static bool
token_ask(struct access *a, const struct connection_settings *c, struct buf *state, int64_t *expires_us)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	char *text = NULL, *until = NULL;
	struct err none;

	json_open(&o, '{');
	json_kv_str(&o, "query", "token");
	json_kv_str(&o, "connection", c->name);
	json_kv_str(&o, "integration", c->integration->name);
	json_close(&o, '}');
	if (access_ask(a, buf_view(&question), row_none, NULL, &end, &none) == 0) {
		text = member_text(buf_view(&end), "state");
		until = member_text(buf_view(&end), "expires_at");
	}
	buf_puts(state, text ? text : "");
	if (until)
		time_parse(slice_str(until), expires_us);
	free(text);
	free(until);
	buf_free(&question);
	buf_free(&end);
	return state->len > 0;
}

/* OAuth 2: until when its access token is good. */
static bool
token_of(const struct jobs *jobs, const struct job *j, struct buf *state, int64_t *expires_us)
{
	const struct testing *t = jobs->arg;
	const struct connection_settings *c = j->pick.connection;

	*expires_us = 0;
	return tokens_used(j->pick.manifest, c) &&
	       (tokens_show(jobs->host, c->name, c->integration->name, state, expires_us) ||
	        (t->access->remote && token_ask(t->access, c, state, expires_us)));
}

static void
token_json(const struct jobs *jobs, const struct job *j, struct json_out *o)
{
	struct buf state = {0};
	int64_t expires_us;

	if (token_of(jobs, j, &state, &expires_us)) {
		json_key(o, "token");
		json_open(o, '{');
		json_kv_str(o, "state", buf_str(&state));
		json_kv_time(o, "expires_at", expires_us);
		json_close(o, '}');
	}
	buf_free(&state);
}

static void
token_text(const struct jobs *jobs, const struct job *j, struct buf *text)
{
	struct buf state = {0};
	int64_t expires_us;
	char time[TIME_TEXT_MAX], cut[TIME_TEXT_MAX];

	if (token_of(jobs, j, &state, &expires_us))
		buf_printf(text, "  access token: %s%s%s\n", buf_str(&state), expires_us ? ", until " : "",
		           expires_us ? time_short(time_format(expires_us, time), cut) : "");
	buf_free(&state);
}

static void
verdict_json(struct jobs *jobs, const struct job *j, const struct run_result *r, enum trouble t, const char *scope)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	json_kv_str(&o, "connection", j->pick.connection->name);
	json_kv_str(&o, "integration", j->pick.connection->integration->name);
	json_kv_bool(&o, "ok", t == TROUBLE_NONE);
	json_kv_str(&o, "result", troubles[t].word);
	json_kv_int(&o, "status", r->status);
	if (r->err.cls != ERR_NONE)
		json_kv_str(&o, "reason", r->err.text);
	if (t == TROUBLE_SCOPE)
		json_kv_str(&o, "scope", scope);
	if (r->reply.len)
		json_kv_raw(&o, "facts", r->reply);
	token_json(jobs, j, &o);
	json_kv_int(&o, "duration_ms", r->counts.total_ms);
	json_kv_str(&o, "next", troubles[t].next);
	json_close(&o, '}');
	log_blank(&row);
	print_row(jobs->cli, buf_view(&row));
	buf_free(&row);
}

static void
verdict_text(const struct jobs *jobs, const struct job *j, const struct run_result *r, enum trouble t, const char *scope)
{
	const struct connection_settings *c = j->pick.connection;
	struct buf text = {0};
	char time[TIME_TEXT_MAX], at[ORIGIN_MAX];

	buf_printf(&text, "%s : %s  %s", c->name, c->integration->name, troubles[t].word);
	if (t == TROUBLE_SCOPE && *scope)
		buf_printf(&text, ": %s", scope);
	if (r->counts.requests)
		buf_printf(&text, "  (%s)", duration_format(r->counts.total_ms, time));
	buf_putc(&text, '\n');
	if (r->err.cls != ERR_NONE)
		buf_printf(&text, "  %s\n", r->err.text);
	if (r->reply.len) {
		buf_puts(&text, "  ");
		json_compact(&text, r->reply);
		buf_putc(&text, '\n');
	}
	token_text(jobs, j, &text);
	buf_printf(&text, "  next: %s", troubles[t].next);
	if (t == TROUBLE_NONE || t == TROUBLE_UNCHECKED)
		buf_printf(&text, ": sluice dry-run --connection-id %s --integration %s", c->name,
		           c->integration->name);
	else if (troubles[t].exit == 3)
		buf_printf(&text, " ([connection %s : %s], %s)", c->name, c->integration->name, origin_text(c->at, at));
	buf_putc(&text, '\n');
	log_blank(&text);
	fputs(buf_str(&text), stdout);
	buf_free(&text);
}

static void
ended(struct jobs *jobs, struct job *j, const struct run_result *r)
{
	struct testing *testing = jobs->arg;
	char *answer = slice_dup(r->answer), *scope;
	enum trouble t = r->err.cls == ERR_USAGE && r->status == 0 ? TROUBLE_OTHER : trouble_of(r, answer);

	if (r->err.cls != ERR_NONE && !j->pick.manifest->has_check)
		t = TROUBLE_UNCHECKED;
	scope = t == TROUBLE_SCOPE ? scope_named(answer, j->pick.manifest) : xstrdup("");
	if (jobs->cli->format == FORMAT_TEXT)
		verdict_text(jobs, j, r, t, scope);
	else
		verdict_json(jobs, j, r, t, scope);
	testing->code = exit_worst(testing->code, t == TROUBLE_OTHER ? err_exit_code(r->err.cls) : troubles[t].exit);
	free(scope);
	free(answer);
}

/* A connection once, whatever syncs it has. */
static int
connections_pick(struct cli *c, struct host *h, struct picks *out, struct err *err)
{
	struct picks all = {.manual = true};

	if (pick_syncs(c, h, &all, err) != 0)
		return -1;
	out->exit = all.exit;
	out->list = xcalloc(all.n + 1, sizeof *out->list);
	for (size_t i = 0; i < all.n; i++) {
		bool there = false;
		for (size_t k = 0; k < out->n; k++)
			there |= out->list[k].connection == all.list[i].connection;
		if (!there)
			out->list[out->n++] = (struct pick){all.list[i].connection, all.list[i].manifest, NULL};
	}
	free(all.list);
	return 0;
}

/* Takes from all those that the host has to check. */
static void
picks_split(const struct access *a, struct picks *all, struct picks *hosts)
{
	size_t n = 0;

	hosts->list = xcalloc(all->n + 1, sizeof *hosts->list);
	for (size_t i = 0; i < all->n; i++)
		if (check_is_hosts(a, &all->list[i]))
			hosts->list[hosts->n++] = all->list[i];
		else
			all->list[n++] = all->list[i];
	all->n = n;
}

/* The exit code. */
static int
picks_test(struct access *a, struct picks *all)
{
	struct testing t = {.access = a, .code = all->exit};
	struct jobs jobs = {.cli = a->cli, .host = a->host, .max = a->cli->settings->host.max_runs, .ended = ended, .arg = &t};
	struct picks hosts = {0};
	int stopped;

	jobs.request.what = STEP_CHECK;
	jobs.request.timeout_ms = CHECK_MS;
	picks_split(a, all, &hosts);
	stopped = jobs_run(&jobs, all);
	if (!jobs.signal)
		checks_run(a, &jobs, &hosts);
	free(hosts.list);
	return jobs.signal ? stopped : t.code;
}

static int
test_all(struct access *a, struct err *err)
{
	struct picks picks = {0};
	int code;

	if (connections_pick(a->cli, a->host, &picks, err) != 0)
		return -1;
	code = picks_test(a, &picks);
	if (a->cli->format != FORMAT_TEXT)
		print_end(a->cli);
	free(picks.list);
	return code;
}

int
connection_test(struct access *a, const struct connection_settings *k)
{
	struct pick one = {k, host_manifest_of(a->host, k, NULL), NULL};

	return picks_test(a, &(struct picks){.list = &one, .n = 1});
}

static int
command_test_connection_run(struct cli *c)
{
	struct access a;
	struct local *local = NULL;
	struct err err;
	int code;

	if (access_open(&a, c, false, &err) !=
	    0) /* the store is looked into for metadata only; a running sync does not keep us from testing */
		return cli_fail(c, &err);
	if (host_store(a.host))
		local = local_open(&c->loop, a.host, &err);
	code = test_all(&a, &err);
	if (code < 0)
		code = cli_fail(c, &err);
	local_close(local);
	access_close(&a);
	return code;
}

const struct command command_test_connection = {
	.name = "test-connection",
	.usage = "[--connection-id C] [--integration I]",
	.summary = "Are credentials and provider usable? Says what is wrong, and the next step to take",
	.help = "Exit 3: refused, expired, or a missing scope; 75: unreachable or temporary.",
	.flags = flags,
	.run = command_test_connection_run,
};
