/* webhooks.c - see webhooks.h.
 *
 * Two shapes: {"type","timestamp","data"} of ours, and the flat body of the contract with its keys in order, one for each
 * model that has changed. What a run's last commit publishes and sweeps is not known here; the store puts those numbers
 * into the body as it applies the commit.
 *
 * Awkward: the contract's body tells of changes since the body before it, not of this run alone; so what a run brought that
 * was killed or failed is told by the next that succeeds, and "modifiedAfter" reaches back to the first of them
 * ("since_us" in STATE_LAST). */
#include "run/webhooks.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "config/variant.h"
#include "run/connections.h"
#include "run/inside.h"
#include "run/reveal.h"
#include "sluice.h"
#include "store/events_out.h"

/* ---- a body with numbers that the store puts in ---- */

struct body {
	struct buf text;
	struct json_out o;
	struct event_count counts[8];
	size_t n;
};

static void
body_begin(struct body *b)
{
	*b = (struct body){0};
	b->o = json_out(&b->text);
	json_open(&b->o, '{');
}

static void
body_count(struct body *b, const char *key, struct event_count count)
{
	json_key(&b->o, key);
	count.at = b->text.len;
	b->counts[b->n++] = count;
	b->o.comma = true;
}

static void
body_put(struct body *b, struct commit *c, struct event *e)
{
	json_close(&b->o, '}');
	e->body = buf_view(&b->text);
	e->counts = b->counts;
	e->n_counts = b->n;
	commit_event(c, e);
	buf_wipe(&b->text);
}

/* ---- ours ---- */

static const char **
models_of(const struct run *r)
{
	const char **models = xcalloc(r->n_models + 1, sizeof(*models));

	for (size_t i = 0; i < r->n_models; i++)
		models[i] = r->models[i].model->name;
	return models;
}

static void
reason_blanked(const struct err *err, struct buf *out)
{
	buf_puts(out, err->text);
	log_blank(out);
}

static void
counts_put(const struct run *r, struct body *b)
{
	const struct run_counts *n = &r->counts;

	json_key(&b->o, "counts");
	json_open(&b->o, '{');
	json_kv_int(&b->o, "fetched", (int64_t)n->fetched);
	json_kv_int(&b->o, "saved", (int64_t)n->saved);
	body_count(b, "added", (struct event_count){.what = EVENT_ADDED, .base = n->added});
	body_count(b, "updated", (struct event_count){.what = EVENT_UPDATED, .base = n->updated});
	body_count(b, "unchanged", (struct event_count){.what = EVENT_UNCHANGED, .base = n->unchanged});
	body_count(b, "deleted", (struct event_count){.what = EVENT_DELETED, .base = n->deleted});
	body_count(b, "held", (struct event_count){.what = EVENT_HELD, .base = n->held});
	json_kv_int(&b->o, "rejected", (int64_t)n->rejected);
	json_close(&b->o, '}');
}

static void
error_put(const struct run *r, struct body *b)
{
	struct buf text = {0};

	reason_blanked(&r->err, &text);
	json_key(&b->o, "error");
	json_open(&b->o, '{');
	json_kv_str(&b->o, "class", reason_class(r->err.cls));
	json_kv_slice(&b->o, "message", buf_view(&text));
	json_close(&b->o, '}');
	buf_wipe(&text);
}

static void
checkpoint_put(const struct run *r, struct body *b)
{
	struct buf value = {0};

	if (r->scope && store_state_get(r->host->store, r->scope, STATE_CHECKPOINT, SLICE(""), &value))
		json_kv_raw(&b->o, "checkpoint", buf_view(&value));
	buf_free(&value);
}

static void
ended_put(const struct run *r, struct commit *c)
{
	bool good = r->err.cls == ERR_NONE;
	const char *type = good ? "sync.success" : "sync.error", **models = models_of(r);
	struct event e = {.wants = good ? WEBHOOK_SYNC_SUCCESS : WEBHOOK_SYNC_ERROR,
	                  .connection = r->connection->name,
	                  .integration = r->connection->integration->name,
	                  .models = r->n_models ? models : NULL,
	                  .type = type};
	int64_t now_us = clock_wall_us(r->host->clock);
	char time[TIME_TEXT_MAX];
	struct body b;

	body_begin(&b);
	json_kv_str(&b.o, "type", type);
	json_kv_str(&b.o, "timestamp", time_format(now_us, time));
	json_key(&b.o, "data");
	json_open(&b.o, '{');
	json_kv_str(&b.o, "connection", e.connection);
	json_kv_str(&b.o, "integration", e.integration);
	json_kv_str(&b.o, "sync", r->request.name);
	json_kv_int(&b.o, "run", (int64_t)r->number);
	json_kv_bool(&b.o, "full", r->facts.full);
	json_kv_str(&b.o, "started_at", time_format(r->start_us, time));
	json_kv_str(&b.o, "finished_at", time_format(now_us, time));
	counts_put(r, &b);
	if (!good)
		error_put(r, &b);
	checkpoint_put(r, &b);
	json_close(&b.o, '}');
	body_put(&b, c, &e);
	free(models);
}

/* ---- the contract's: keys in their order ---- */

static const char *
variant_word(const struct run *r)
{
	const char *variant = variant_of(r->request.name);

	return variant ? variant : VARIANT_BASE;
}

static const char *
sync_type(const struct run *r, struct slice last)
{
	return r->webhook ? "WEBHOOK" : last.len && member_int(last, "last_success_us", 0) ? "INCREMENTAL" : "INITIAL";
}

static void
model_put(const struct run *r, struct commit *c, const struct run_model *m, int64_t since_us, struct slice last)
{
	const char *models[] = {m->model->name, NULL};
	struct event e = {.wants = WEBHOOK_SYNC,
	                  .connection = r->connection->name,
	                  .integration = r->connection->integration->name,
	                  .models = models,
	                  .type = "sync",
	                  .scope = r->scope,
	                  .unless_zero = true};
	struct event_count count = {.dataset = m->dataset, .since = true};
	char time[TIME_TEXT_MAX];
	struct body b;

	body_begin(&b);
	json_kv_str(&b.o, "connectionId", e.connection);
	json_kv_str(&b.o, "from", "nango");
	json_kv_str(&b.o, "model", m->model->name);
	json_kv_str(&b.o, "modifiedAfter", time_format_ms(since_us, time));
	json_kv_str(&b.o, "providerConfigKey", e.integration);
	json_kv_str(&b.o, "queryTimeStamp", time_format_ms(r->start_us, time));
	json_key(&b.o, "responseResults");
	json_open(&b.o, '{');
	count.what = EVENT_ADDED;
	body_count(&b, "added", count);
	count.what = EVENT_DELETED;
	body_count(&b, "deleted", count);
	count.what = EVENT_UPDATED;
	body_count(&b, "updated", count);
	json_close(&b.o, '}');
	json_kv_bool(&b.o, "success", true);
	json_kv_slice(&b.o, "syncName", variant_base(r->request.name));
	json_kv_str(&b.o, "syncType", sync_type(r, last));
	json_kv_str(&b.o, "syncVariant", variant_word(r));
	json_kv_str(&b.o, "type", "sync");
	body_put(&b, c, &e);
}

static void
failed_put(const struct run *r, struct commit *c, struct slice last)
{
	const char **models = models_of(r);
	struct event e = {.wants = WEBHOOK_SYNC,
	                  .connection = r->connection->name,
	                  .integration = r->connection->integration->name,
	                  .models = r->n_models ? models : NULL,
	                  .type = "sync"};
	struct buf text = {0}, names = {0};
	char time[TIME_TEXT_MAX];
	struct body b;

	reason_blanked(&r->err, &text);
	for (size_t i = 0; i < r->n_models; i++)
		buf_printf(&names, "%s%s", i ? "," : "", models[i]);
	body_begin(&b);
	json_kv_str(&b.o, "connectionId", e.connection);
	json_key(&b.o, "error");
	json_open(&b.o, '{');
	json_kv_slice(&b.o, "description", buf_view(&text));
	json_kv_str(&b.o, "type", "script_error");
	json_close(&b.o, '}');
	json_kv_str(&b.o, "failedAt", time_format_ms(clock_wall_us(r->host->clock), time));
	json_kv_str(&b.o, "from", "nango");
	json_kv_slice(&b.o, "model", buf_view(&names));
	json_kv_str(&b.o, "providerConfigKey", e.integration);
	json_kv_str(&b.o, "startedAt", time_format_ms(r->start_us, time));
	json_kv_bool(&b.o, "success", false);
	json_kv_slice(&b.o, "syncName", variant_base(r->request.name));
	json_kv_str(&b.o, "syncType", sync_type(r, last));
	json_kv_str(&b.o, "syncVariant", variant_word(r));
	json_kv_str(&b.o, "type", "sync");
	body_put(&b, c, &e);
	buf_wipe(&text);
	buf_free(&names);
	free(models);
}

/* By these an application knows whose connection it is. */
static void
owner_put(struct json_out *o, struct slice user)
{
	struct slice id, organization;

	if (json_type(user) != JSON_OBJECT || !json_member(user, "id", &id))
		return;
	json_key(o, "endUser");
	json_open(o, '{');
	json_kv_raw(o, "endUserId", id);
	if (json_path(user, "organization.id", &organization))
		json_kv_raw(o, "organizationId", organization);
	json_close(o, '}');
}

void
webhook_auth(struct commit *c, const struct webhook_auth *a)
{
	struct event e = {.wants = WEBHOOK_AUTH, .connection = a->connection, .integration = a->integration, .type = "auth"};
	struct slice tags = a->labels.len ? member_raw(a->labels, "tags") : (struct slice){0};
	struct buf text = {0};
	struct body b;

	body_begin(&b);
	json_kv_str(&b.o, "authMode", a->mode);
	json_kv_str(&b.o, "connectionId", a->connection);
	if (a->labels.len)
		owner_put(&b.o, member_raw(a->labels, "end_user"));
	json_kv_str(&b.o, "environment", "production");
	if (a->error) {
		reason_blanked(a->error, &text);
		json_key(&b.o, "error");
		json_open(&b.o, '{');
		json_kv_slice(&b.o, "description", buf_view(&text));
		json_kv_str(&b.o, "type", "credentials_refused");
		json_close(&b.o, '}');
	}
	json_kv_str(&b.o, "from", "nango");
	json_kv_str(&b.o, "operation", a->operation);
	json_kv_str(&b.o, "provider", a->provider);
	json_kv_str(&b.o, "providerConfigKey", a->integration);
	json_kv_bool(&b.o, "success", !a->error);
	if (json_type(tags) == JSON_OBJECT)
		json_kv_raw(&b.o, "tags", tags);
	json_kv_str(&b.o, "type", "auth");
	body_put(&b, c, &e);
	buf_wipe(&text);
}

void
webhook_connection(struct commit *c, struct host *h, const struct connection_settings *k, bool again, struct slice labels)
{
	webhook_auth(c, &(struct webhook_auth){.connection = k->name,
	                                       .integration = k->integration->name,
	                                       .provider = k->integration->plugin,
	                                       .mode = credentials_type(h, k),
	                                       .operation = again ? "override" : "creation",
	                                       .labels = labels});
}

void
webhook_action(struct commit *c, const char *connection, const char *integration, const char *id)
{
	struct event e = {.wants = WEBHOOK_ACTION, .connection = connection, .integration = integration, .type = "async_action"};
	struct buf url = {0};
	struct body b;

	buf_printf(&url, "/action/%s", id);
	body_begin(&b);
	json_kv_str(&b.o, "connectionId", connection);
	json_kv_str(&b.o, "from", "nango");
	json_key(&b.o, "payload");
	json_open(&b.o, '{');
	json_kv_str(&b.o, "id", id);
	json_kv_slice(&b.o, "statusUrl", buf_view(&url));
	json_close(&b.o, '}');
	json_kv_str(&b.o, "providerConfigKey", integration);
	json_kv_str(&b.o, "type", "async_action");
	body_put(&b, c, &e);
	buf_free(&url);
}

/* ---- a run's end ---- */

static const char *
auth_mode(const struct manifest *m)
{
	static const char *const modes[] = {[SLUICE_BASIC] = "BASIC", [SLUICE_OAUTH2] = "OAUTH2"};
	size_t i = m ? (size_t)m->auth : 0;

	return !m || m->auth == SLUICE_NONE ? "NONE" : i < LENGTH(modes) && modes[i] ? modes[i] : "API_KEY";
}

/* One refusal is told once, by the first run that met it. */
static void
refused_put(const struct run *r, struct commit *c, struct slice last)
{
	const struct scope_name of = {.connection = r->connection->name, .integration = r->connection->integration->name};
	char *before = last.len ? member_text(last, "class") : NULL;
	uint32_t scope = store_scope_find(r->host->store, &of);
	struct buf labels = {0};

	if (scope)
		store_state_get(r->host->store, scope, STATE_CONNECTION, CONNECTION_LABELS, &labels);
	if (!before || strcmp(before, reason_class(ERR_CREDENTIALS)) != 0)
		webhook_auth(c, &(struct webhook_auth){.connection = r->connection->name,
		                                       .integration = r->connection->integration->name,
		                                       .provider = r->connection->integration->plugin,
		                                       .mode = auth_mode(r->manifest),
		                                       .operation = "refresh",
		                                       .error = &r->err,
		                                       .labels = buf_view(&labels)});
	buf_free(&labels);
	free(before);
}

void
webhooks_ended(struct run *r, struct commit *c, struct slice last)
{
	int64_t since_us = last.len ? member_int(last, "since_us", 0) : 0;

	if (r->err.cls == ERR_STOPPED || !store_outbox_wanted(r->host->store, ~0u))
		return;
	if (!r->webhook)
		ended_put(r, c);
	if (r->err.cls != ERR_NONE) {
		if (!r->webhook)
			failed_put(r, c, last);
		if (r->err.cls == ERR_CREDENTIALS)
			refused_put(r, c, last);
		return;
	}
	if (!since_us || since_us > r->facts.now_us)
		since_us = r->facts.now_us;
	for (size_t i = 0; i < r->n_models; i++)
		model_put(r, c, &r->models[i], since_us, last);
}
