/* query_doctor_connections.c - what `sluice doctor` asks of connections that only the store's holder can see: those that were
 * made by a command, whose credentials are sealed there, and how the access tokens stand that it keeps.
 *
 * Connections of the INI are judged by the command itself, by the INI as it is now. Awkward: nothing is changed, so where
 * there is no store no keeper of tokens is made up. No answer holds a secret. */
#include <stdlib.h>
#include "base/mem.h"
#include "run/connections.h"
#include "run/options.h"
#include "run/tokens.h"
#include "serve/doctor.h"

static void
stored_check(struct question *q, const struct connection_settings *k, const char *subject)
{
	const char *todo = "`sluice connections add --replace` with what is missing, or `sluice connections remove`";
	struct err err;

	if (k->broken)
		doctor_row(q, "connection", subject, "problem", k->broken, todo);
	else if (connection_judge(q->host, k, &err) != 0)
		doctor_row(q, "connection", subject, "problem", err.text, todo);
	else
		doctor_row(q, "connection", subject, "ok", "it is stored; options and credentials are given and fit the connector", NULL);
}

/* What the keeper says of a token, for a person. */
static const struct {
	const char *state, *verdict, *means, *todo;
} states[] = {
	{"valid", "ok", "the access token is valid", NULL},
	{"expired", "ok", "the access token has expired; the next request renews it", NULL},
	{"none", "ok", "there is no access token yet; the first request gets one", NULL},
	{"asking", "ok", "an access token is being asked for", NULL},
	{"refused", "problem", "the token endpoint refuses this client, or its refresh token",
	 "compare client_id and client_secret with what the provider shows, or `sluice authorize` anew"},
};

static void
state_tell(struct question *q, const char *subject, const char *state, int64_t expires_us)
{
	char time[TIME_TEXT_MAX], *text;

	for (size_t i = 0; i < LENGTH(states); i++) {
		bool until = i == 0 && expires_us;
		if (strcmp(states[i].state, state) != 0)
			continue;
		text = xasprintf("%s%s%.19s%s", states[i].means, until ? " until " : "", until ? time_format(expires_us, time) : "",
		                 until ? "Z" : "");
		doctor_row(q, "token", subject, states[i].verdict, text, states[i].todo);
		free(text);
	}
}

/* Nobody may have permitted access yet: then no token is to be had. */
static void
token_check(struct question *q, const struct connection_settings *k, const char *subject)
{
	const struct manifest *m = host_manifest_of(q->host, k, NULL);
	struct buf options = {0}, state = {0};
	int64_t expires_us = 0;
	struct err err;

	if (!m || !tokens_used(m, k) || options_build(m, k, &options, NULL) != 0)
		goto out; /* that is told elsewhere */
	if (tokens_check(q->host, m, k, buf_view(&options), &err) != 0) {
		if (err.cls == ERR_CREDENTIALS)
			doctor_row(q, "token", subject, "problem", err.text, "`sluice authorize`, once, in a browser");
		goto out;
	}
	if (!tokens_show(q->host, k->name, k->integration->name, &state, &expires_us))
		buf_puts(&state, "none");
	state_tell(q, subject, buf_str(&state), expires_us);
out:
	buf_free(&options);
	buf_free(&state);
}

void
doctor_connections(struct question *q)
{
	for (size_t i = 0; q->store && i < q->settings->n_connections; i++) {
		const struct connection_settings *k = q->settings->connections[i];
		char *subject;
		if (!name_fits(q->connection, k->name) || !name_fits(q->integration, k->integration->name))
			continue;
		subject = xasprintf("%s : %s", k->name, k->integration->name);
		if (k->stored)
			stored_check(q, k, subject);
		if (!k->broken)
			token_check(q, k, subject);
		free(subject);
	}
}
