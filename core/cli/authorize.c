/* authorize.c - `sluice authorize`: a person permits access at the provider, and the connection has its first tokens.
 *
 * The address is printed and nothing else is tried: it may be opened on another machine's browser only with the port
 * forwarded (ssh -L), which the help says. The store is opened at the very end, for a moment: a host that is running
 * goes on, and is handed the tokens over its socket. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/loopback.h"
#include "run/permit.h"

#define TIMEOUT_MS (INT64_C(10) * 60 * 1000)

static const struct cli_flag flags[] = {
	{"--integration", "I", "of this integration; needed when several connections have the name"},
	{"--timeout", "D", "how long to wait for the browser; 10 minutes"},
	{NULL, NULL, NULL},
};

/* "acme", "acme:slack", "acme : slack" in one argument or in three. */
static const struct connection_settings *
connection_named(const struct cli *c, struct err *err)
{
	struct buf all = {0};
	const struct connection_settings *k;
	const char *integration = cli_value(c, "--integration");
	char *colon, *name;

	for (size_t i = 0; i < c->n_args; i++)
		buf_puts(&all, c->args[i]);
	name = buf_take(&all);
	colon = strchr(name, ':');
	if (colon) {
		*colon = '\0';
		integration = colon + 1 + strspn(colon + 1, " ");
		while (colon > name && colon[-1] == ' ')
			*--colon = '\0';
	}
	k = settings_connection(c->settings, name, integration);
	if (!k)
		err_set(err, ERR_USAGE, "there is no one connection '%s'%s%s in the configuration: say CONNECTION : INTEGRATION, or add [connection %s : INTEGRATION]",
		        name, integration ? " : " : "", integration ? integration : "", name);
	free(name);
	return k;
}

static int
timeout_read(const struct cli *c, int64_t *ms, struct err *err)
{
	const char *text = cli_value(c, "--timeout");

	*ms = TIMEOUT_MS;
	if (text && (!duration_parse(slice_str(text), ms) || *ms <= 0))
		return err_set(err, ERR_USAGE, "--timeout: '%s' is no duration; say for example 5m", text);
	return 0;
}

static bool
state_expected(const void *arg, const char *state)
{
	return permit_state_is(arg, state);
}

static int
answer_check(const struct connection_settings *k, const struct loopback_answer *a, struct err *err)
{
	if (!a->error[0])
		return 0;
	return err_set(err, ERR_CREDENTIALS, "connection %s : %s: the provider gives no access: %.120s%s%.400s", k->name,
	               k->integration->name, a->error, a->why[0] ? ": " : "", a->why);
}

struct granted {
	struct buf tokens;
	int64_t expires_us;
	char scope[256];
};

static void
url_tell(struct cli *c, struct buf *url)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	if (c->format == FORMAT_TEXT) {
		fprintf(stderr, "Open this address in a browser on this machine and permit access:\n\n");
		printf("%s\n", buf_str(url));
	} else {
		json_open(&o, '{');
		json_kv_slice(&o, "authorize_url", buf_view(url));
		json_close(&o, '}');
		print_row(c, buf_view(&row));
		buf_free(&row);
	}
	fflush(stdout);
}

/* The whole way through the browser. */
static int
tokens_have(struct cli *c, struct host *h, const struct connection_settings *k, struct granted *g, struct err *err)
{
	struct permit *p = permit_new(h, k, err);
	struct loopback *l = p ? loopback_new(state_expected, p, err) : NULL;
	struct loopback_answer answer = {0};
	struct buf url = {0};
	int64_t wait_ms;
	int rc = -1;

	if (!l || timeout_read(c, &wait_ms, err) != 0)
		goto out;
	permit_url(p, loopback_uri(l), &url);
	url_tell(c, &url);
	if (loopback_wait(l, wait_ms, &answer, err) == 0 && answer_check(k, &answer, err) == 0)
		rc = permit_exchange(p, answer.code, loopback_uri(l), &g->tokens, &g->expires_us, g->scope, err);
out:
	explicit_bzero(&answer, sizeof answer);
	loopback_free(l);
	permit_free(p);
	buf_free(&url);
	return rc;
}

static int
tokens_hand_over(struct cli *c, const struct connection_settings *k, const struct granted *g, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	struct access a;
	int rc;

	buf_reserve(&question, g->tokens.len + 512);
	json_open(&o, '{');
	json_kv_str(&o, "query", "set_token");
	json_kv_str(&o, "connection", k->name);
	json_kv_str(&o, "integration", k->integration->name);
	json_kv_raw(&o, "token", buf_view(&g->tokens));
	json_close(&o, '}');
	rc = access_open(&a, c, true, err);
	if (rc == 0)
		rc = access_ask(&a, buf_view(&question), row_none, NULL, &end, err);
	access_close(&a);
	buf_wipe(&question);
	buf_free(&end);
	return rc;
}

static void
success_tell(struct cli *c, const struct connection_settings *k, const struct granted *g)
{
	char time[TIME_TEXT_MAX], text[TIME_TEXT_MAX];
	const char *until = g->expires_us ? time_format(g->expires_us, time) : NULL;
	struct buf row = {0};
	struct json_out o = json_out(&row);

	if (c->format == FORMAT_TEXT) {
		fprintf(stderr, "Connection %s : %s is authorized%s%s; its access token is good until %s.\n", k->name,
		        k->integration->name, g->scope[0] ? " for " : "", g->scope, until ? time_short(until, text) : "it is revoked");
		return;
	}
	json_open(&o, '{');
	json_kv_str(&o, "connection", k->name);
	json_kv_str(&o, "integration", k->integration->name);
	json_kv_str(&o, "scope", g->scope);
	json_kv_str(&o, "expires_at", until);
	json_close(&o, '}');
	print_row(c, buf_view(&row));
	buf_free(&row);
}

static int
command_authorize_run(struct cli *c)
{
	const struct host_options o = {.loop = &c->loop, .settings = c->settings, .no_store = true};
	struct err err;
	const struct connection_settings *k = connection_named(c, &err);
	struct host *h = k ? host_new(&o, &err) : NULL;
	struct granted g = {0};
	int code = 0, rc;

	if (!h)
		return cli_fail(c, &err);
	rc = tokens_have(c, h, k, &g, &err);
	host_free(h);
	if (rc == 0)
		rc = tokens_hand_over(c, k, &g, &err);
	if (rc == 0)
		success_tell(c, k, &g);
	else
		code = cli_fail(c, &err);
	if (c->format != FORMAT_TEXT)
		print_end(c);
	buf_wipe(&g.tokens);
	return code;
}

const struct command command_authorize = {
	.name = "authorize",
	.usage = "CONNECTION [: INTEGRATION] [--timeout D]",
	.summary = "Gets a connection its first OAuth 2 tokens: a person permits access in a browser",
	.help = "Prints an address, and waits on 127.0.0.1 for the browser to come back. On a machine without a browser, forward\n"
		"the port that stands in its redirect_uri (ssh -L PORT:127.0.0.1:PORT). The tokens go into the store, sealed; a\n"
		"running host is handed them. Exit 3: access was denied.",
	.flags = flags,
	.args_min = 1,
	.args_max = 3,
	.run = command_authorize_run,
};
