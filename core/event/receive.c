/* receive.c - see receive.h.
 *
 *   JSON? -> connections of that name (or of the account in the payload), and the webhooks of their connector: candidates ->
 *   signatures -> challenge? -> type -> id and time -> store -> "taken"
 *
 * What costs time by the length of the body, JSON and signatures, is done beside the loop when it is long. So settings and
 * plugins are held until it is over.
 *
 * A connector may declare several webhooks: the first that the signature fits and that handles the type has the event.
 * Without a connection in the URL an account may be several connections; each whose secret fits gets the event.
 *
 * Awkward: where the payload names the account, it is read before anything is known of who sent it. It only chooses whose
 * secrets are tried. A challenge may come without an account: then all of the integration are. A short event may overtake a long
 * one; who waits for his answer before he sends the next is not overtaken. */
#include "event/receive.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "event/queue.h"
#include "event/verify.h"
#include "plugin/registry.h"
#include "run/member.h"
#include "run/metrics.h"
#include "store/events_in.h"

#define ID_MAX 1024u     /* bytes of an event's id that are kept */
#define TYPE_MAX 255u
#define CHALLENGE_MAX 8192u /* bytes of one that names no account */

#define LONG 16384u /* bytes of a body; a shorter one takes the loop a tenth of a millisecond */

struct candidate {
	const struct connection_settings *connection;
	const struct manifest_webhook *webhook;
	enum event_verdict verdict;
};

struct receiving {
	struct host *host;
	struct event_call call;
	bool object;                     /* its body is a JSON object */
	struct settings *settings;       /* held, and */
	struct plugin_file **plugins;    /* these, for the candidates, */
	size_t n_plugins;
	struct candidate *candidates;    /* one connection's together */
	size_t n_candidates;
	void (*answer)(void *arg, const struct event_answer *a);
	void *arg;
	char *integration;
	int64_t now_us;
	struct err why;                  /* of the last refusal */
	enum event_verdict worst;
	const struct manifest_webhook *unclaimed; /* one for which no connection was found */
	bool there;                      /* the integration has connections */
	unsigned genuine, ignored, full; /* connections with a webhook that its signature fits; of them */
	struct buf challenge;
	const struct manifest_webhook *looked; /* whose account is that of the payload; */
	struct buf account;
	bool asks;                       /* there is none, but a challenge */
	struct commit *c;
	uint32_t *scopes;                /* that get it */
	size_t n;
};

static const struct metric_family received = {
	"sluice_events_received_total", "Events that providers sent, by what became of them on arrival.", METRIC_COUNTER,
	{"integration", "outcome"}, NULL, 0};

static void
receiving_end(struct receiving *r, const char *outcome, const struct event_answer *a)
{
	bool known = a->status != 404 && a->status != 400; /* a stranger's words make no label */

	metric_add(host_metrics(r->host), &received, (const char *const[]){known ? r->integration : "", outcome}, 1);
	r->answer(r->arg, a);
	commit_free(r->c);
	buf_free(&r->challenge);
	buf_free(&r->account);
	for (size_t i = 0; i < r->n_plugins; i++)
		plugin_file_drop(r->plugins[i]);
	free(r->plugins);
	free(r->candidates);
	settings_free(r->settings);
	free(r->integration);
	free(r->scopes);
	free(r);
}

/* Beside the loop where the body is long. then goes on, on the loop. */
static void
receiving_aside(struct receiving *r, void (*work)(void *arg), void (*then)(void *arg))
{
	if (r->call.body.len >= LONG && host_events(r->host)) {
		aside_do(events_aside(host_events(r->host)), work, then, r);
		return;
	}
	work(r);
	then(r);
}

/* ---- what stands in the body ---- */

/* A string's text or a number's; false: nothing there. */
static bool
text_at(struct slice body, const char *path, struct buf *out)
{
	struct slice value;

	buf_clear(out);
	if (!path || !json_path(body, path, &value))
		return false;
	if (json_type(value) == JSON_STRING)
		return json_unquote(value, out) && out->len > 0;
	if (json_type(value) == JSON_NUMBER)
		buf_slice(out, value);
	return out->len > 0;
}

/* Seconds or milliseconds since 1970, "1355517523.000005" of Slack too, or RFC 3339; 0: none of these. */
static int64_t
time_at(struct slice body, const char *path)
{
	struct buf text = {0};
	int64_t us = 0;
	double n;
	char *end;

	if (!text_at(body, path, &text))
		return 0;
	if (!time_parse(buf_view(&text), &us)) {
		n = strtod(buf_str(&text), &end);
		us = *end || !(n > 0) || n > 1e14 ? 0 : (int64_t)(n * (n > 1e11 ? 1e3 : 1e6));
	}
	buf_free(&text);
	return us;
}

/* ---- whose it is ---- */

static bool
option_is(const struct connection_settings *k, const struct manifest *m, const char *name, struct slice value)
{
	const struct manifest_option *declared = manifest_option(m, name);
	struct buf text = {0};
	bool is = false;

	for (size_t i = 0; i < k->n_options; i++)
		if (strcmp(k->options[i].name, name) == 0)
			return slice_is(value, k->options[i].value);
	if (declared && declared->fallback && text_at(slice_str(declared->fallback), "", &text))
		is = slice_eq(buf_view(&text), value);
	buf_free(&text);
	return is;
}

static bool
metadata_is(struct host *h, const struct connection_settings *k, const char *name, struct slice value)
{
	const struct scope_name scope_name = {.connection = k->name, .integration = k->integration->name};
	uint32_t scope = store_scope_find(host_store(h), &scope_name);
	struct buf metadata = {0}, text = {0};
	bool is = scope && store_state_get(host_store(h), scope, STATE_METADATA, SLICE(""), &metadata) &&
	          text_at(buf_view(&metadata), name, &text) && slice_eq(buf_view(&text), value);

	for (size_t i = 0; !metadata.len && i < k->n_metadata && !is; i++) /* INI's first value, before any run */
		is = strcmp(k->metadata[i].name, name) == 0 && text_at(slice_str(k->metadata[i].value), "", &text) &&
		     slice_eq(buf_view(&text), value);
	buf_free(&metadata);
	buf_free(&text);
	return is;
}

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
looks_alike(const struct manifest_webhook *a, const struct manifest_webhook *b)
{
	return a && same_text(a->account, b->account) && same_text(a->type, b->type) && same_text(a->challenge_type, b->challenge_type);
}

/* Once for all connections: a long body shall not be gone through for each of them, before anything is known of its sender.
 * For the same reason a challenge, which all of them are tried for, is short. */
static void
account_look(struct receiving *r, const struct manifest_webhook *w)
{
	struct buf type = {0};

	if (looks_alike(r->looked, w))
		return;
	r->looked = w;
	r->asks = !text_at(r->call.body, w->account, &r->account) && r->call.body.len <= CHALLENGE_MAX && w->challenge_type &&
	          text_at(r->call.body, w->type, &type) && slice_is(buf_view(&type), w->challenge_type);
	buf_free(&type);
}

static bool
account_fits(struct receiving *r, const struct connection_settings *k, const struct manifest *m, const struct manifest_webhook *w)
{
	struct slice account;

	if (r->call.connection)
		return strcmp(k->name, r->call.connection) == 0;
	if (!w->account)
		return false;
	account_look(r, w);
	account = buf_view(&r->account);
	if (!account.len)
		return r->asks;
	return option_is(k, m, w->account_name, account) || metadata_is(r->host, k, w->account_name, account);
}

/* ---- one connection ---- */

static enum event_verdict
judge(struct receiving *r, const struct candidate *m)
{
	const struct connection_settings *k = m->connection;
	const struct integration_settings *i = k->integration;
	const bool own = k->webhook_secret || k->webhook_secret_before;
	const struct event_proof proof = {.webhook = m->webhook, .header = r->call.header, .arg = r->call.arg, .body = r->call.body,
	                                  .secrets = {own ? k->webhook_secret : i->webhook_secret,
	                                              own ? k->webhook_secret_before : i->webhook_secret_before},
	                                  .now_us = r->now_us};
	enum event_verdict verdict;

	if (!m->webhook->signature && k->webhook_unsigned)
		return EVENT_GENUINE;
	verdict = event_verify(&proof, &r->why);
	if (verdict != EVENT_GENUINE)
		err_prefix(&r->why, "%s : %s", k->name, k->integration->name);
	return verdict;
}

/* The challenge as JSON: {"challenge":...}; false: this is none. */
static bool
challenge_take(struct receiving *r, const struct manifest_webhook *w, struct slice type)
{
	struct slice value;
	struct json_out o;

	if (!w->challenge_type || !slice_is(type, w->challenge_type) || !json_path(r->call.body, w->challenge, &value) ||
	    json_type(value) != JSON_STRING)
		return false;
	if (!r->challenge.len) {
		o = json_out(&r->challenge);
		json_open(&o, '{');
		json_kv_raw(&o, "challenge", value);
		json_close(&o, '}');
	}
	return true;
}

static void
event_put(struct receiving *r, uint32_t scope, const struct manifest_webhook *w, struct slice type)
{
	struct inbox_event e = {.scope = scope, .arrived_us = r->now_us, .happened_us = time_at(r->call.body, w->time),
	                        .webhook = slice_str(w->name), .type = type, .body = r->call.body};
	struct buf id = {0};

	if (!text_at(r->call.body, w->id, &id) || id.len > ID_MAX)
		buf_clear(&id);
	e.id = id.len ? buf_view(&id) : r->call.body; /* without an id the same body is the same event */
	e.type.len = e.type.len < TYPE_MAX ? e.type.len : TYPE_MAX;
	if (e.happened_us > e.arrived_us) /* nothing happens after it was told: their clock is ahead of ours */
		e.happened_us = e.arrived_us;
	if (!r->c)
		r->c = commit_new(host_store(r->host), (struct fence){0});
	commit_inbox(r->c, &e);
	r->scopes = xrealloc(r->scopes, (r->n + 1) * sizeof *r->scopes);
	r->scopes[r->n++] = scope;
	buf_free(&id);
}

static void
webhook_take(struct receiving *r, const struct connection_settings *k, const struct manifest_webhook *w, struct slice type)
{
	const struct scope_name name = {.connection = k->name, .integration = k->integration->name};
	struct err err = {0};
	uint32_t scope = store_scope(host_store(r->host), &name, &err);

	if (!scope || events_waiting(host_events(r->host), scope) >= EVENTS_WAITING_MAX) {
		r->full++;
		log_warn("an event of %s : %s is not taken: %s", k->name, k->integration->name,
		         scope ? "too many wait to be handled (`sluice events list --waiting`)" : err.text);
		return;
	}
	event_put(r, scope, w, type);
}

/* The webhooks of one connection: the first that is genuine and handles the type has the event. */
static void
connection_try(struct receiving *r, const struct candidate *list, size_t n)
{
	bool done = false, passed = false;
	struct buf type = {0};

	for (size_t i = 0; i < n && !done; i++) {
		const struct manifest_webhook *w = list[i].webhook;

		if (list[i].verdict != EVENT_GENUINE) {
			r->worst = list[i].verdict > r->worst ? list[i].verdict : r->worst;
			continue;
		}
		passed = true;
		text_at(r->call.body, w->type, &type);
		done = challenge_take(r, w, buf_view(&type));
		if (!done && event_type_fits(w->types, buf_view(&type))) {
			webhook_take(r, list[i].connection, w, buf_view(&type));
			done = true;
		}
	}
	r->genuine += passed;
	r->ignored += passed && !done;
	buf_free(&type);
}

/* ---- who may have sent it ---- */

static void
candidates_of(struct receiving *r, const struct connection_settings *k, struct plugin_file *plugin)
{
	const struct manifest *m = plugin->manifest;
	size_t before = r->n_candidates;

	for (size_t i = 0; i < m->n_webhooks; i++) {
		const struct manifest_webhook *w = &m->webhooks[i];

		if (!account_fits(r, k, m, w)) {
			r->unclaimed = w->account || !r->unclaimed ? w : r->unclaimed;
			continue;
		}
		r->candidates = xrealloc(r->candidates, (r->n_candidates + 1) * sizeof *r->candidates);
		r->candidates[r->n_candidates++] = (struct candidate){.connection = k, .webhook = w};
	}
	if (r->n_candidates == before)
		return;
	r->plugins = xrealloc(r->plugins, (r->n_plugins + 1) * sizeof *r->plugins);
	r->plugins[r->n_plugins++] = plugin_file_hold(plugin);
}

static void
candidates_find(struct receiving *r)
{
	const struct settings *s = r->settings;
	struct plugin_file *plugin;

	for (size_t i = 0; i < s->n_connections; i++) {
		const struct connection_settings *k = s->connections[i];
		if (strcmp(k->integration->name, r->integration) != 0)
			continue;
		r->there = true;
		if (!k->active || k->broken || (r->call.connection && strcmp(k->name, r->call.connection) != 0))
			continue;
		plugin = host_plugin_look(r->host, k->integration->plugin); /* a service has had all of them described */
		if (plugin && plugin->manifest)
			candidates_of(r, k, plugin);
	}
}

/* Aside: it reads what does not change, and writes what nobody else looks at meanwhile. */
static void
candidates_judge(void *arg)
{
	struct receiving *r = arg;

	for (size_t i = 0; i < r->n_candidates; i++)
		r->candidates[i].verdict = judge(r, &r->candidates[i]);
}

static void
candidates_try(struct receiving *r)
{
	for (size_t i = 0, n; i < r->n_candidates; i += n) {
		for (n = 1; i + n < r->n_candidates && r->candidates[i + n].connection == r->candidates[i].connection;)
			n++;
		connection_try(r, &r->candidates[i], n);
	}
}

/* ---- the answer ---- */

static void
stored(void *arg, const struct commit_result *result)
{
	struct receiving *r = arg;
	struct event_answer a = {.status = 200, .known = result->known == r->n};

	r->c = NULL;
	if (result->err.cls != ERR_NONE) {
		log_warn("an event of %s is not taken: %s", r->integration, result->err.text);
		a = (struct event_answer){503, "unavailable", "it cannot be stored now; send it again", {0}, false, false};
		receiving_end(r, "unavailable", &a);
		return;
	}
	for (size_t i = 0; i < r->n && result->known < r->n && host_events(r->host); i++)
		events_arrived(host_events(r->host), r->scopes[i], 1);
	receiving_end(r, a.known ? "known" : "taken", &a);
}

/* An operator who has registered the wrong URL, or has not said whose account it is, wants to know; that somebody tries names of
 * integrations which are not there is no news. */
static void
nobody_note(struct receiving *r)
{
	if (r->unclaimed && r->unclaimed->account)
		err_set(&r->why, ERR_USAGE, "/webhook/%s: what stands as %s in it is the option or metadata '%s' of no connection",
		        r->integration, r->unclaimed->account, r->unclaimed->account_name);
	else if (r->unclaimed)
		err_set(&r->why, ERR_USAGE, "/webhook/%s: such an event names no account; register /webhook/%s/CONNECTION",
		        r->integration, r->integration);
	else
		err_set(&r->why, ERR_USAGE, "/webhook/%s: the URL names no connection that is switched on and takes events",
		        r->integration);
	if (r->there)
		events_refused(host_events(r->host), r->why.text);
}

/* Who is not let in learns no more than that; the operator finds the reason in the log. */
static void
refuse(struct receiving *r)
{
	static const struct event_answer nobody = {404, "unknown_webhook", "there is no such webhook here", {0}, false, false},
	                                 forged = {401, "invalid_signature", "the signature does not fit", {0}, false, false},
	                                 stale = {401, "stale_signature", "it was signed too long ago", {0}, false, false};

	if (!r->n_candidates) {
		nobody_note(r);
		receiving_end(r, "unknown", &nobody);
		return;
	}
	events_refused(host_events(r->host), r->why.text);
	receiving_end(r, r->worst == EVENT_STALE ? "stale" : "forged", r->worst == EVENT_STALE ? &stale : &forged);
}

/* ---- from beginning to end ---- */

static void
judged(void *arg)
{
	static const struct event_answer full = {503, "too_many_events", "too many events wait here; send it again later", {0}, false, false};
	struct receiving *r = arg;
	struct event_answer a = {.status = 200};

	candidates_try(r);
	a.challenge = buf_view(&r->challenge);
	a.ignored = r->ignored > 0;
	if (r->n) {
		struct commit *c = r->c;
		r->c = NULL;
		store_commit(host_store(r->host), c, true, stored, r);
	} else if (r->full) {
		receiving_end(r, "full", &full);
	} else if (r->genuine) {
		receiving_end(r, r->challenge.len ? "challenge" : "ignored", &a);
	} else {
		refuse(r);
	}
}

static void
body_check(void *arg)
{
	struct receiving *r = arg;

	r->object = json_check(r->call.body, JSON_DEPTH_MAX, NULL) && json_type(json_trim(r->call.body)) == JSON_OBJECT;
}

static void
body_checked(void *arg)
{
	static const struct event_answer text = {400, "invalid_body", "the event is no JSON object", {0}, false, false};
	struct receiving *r = arg;

	if (!r->object) {
		receiving_end(r, "invalid", &text);
		return;
	}
	candidates_find(r);
	if (r->n_candidates)
		receiving_aside(r, candidates_judge, judged);
	else
		refuse(r);
}

void
event_receive(struct host *h, const struct event_call *call, void (*answer)(void *arg, const struct event_answer *a), void *arg)
{
	struct receiving *r = XNEW(struct receiving);

	*r = (struct receiving){.host = h, .call = *call, .answer = answer, .arg = arg, .integration = xstrdup(call->integration),
	                        .settings = settings_hold(host_settings(h)), .now_us = clock_wall_us(host_clock(h))};
	receiving_aside(r, body_check, body_checked);
}
