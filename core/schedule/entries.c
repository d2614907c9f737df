/* entries.c - what the service is to do: one entry for each sync that is configured, and the schedule filled from them.
 *
 *   settings + manifests + store --service_refit--> entries, troubles, schedule
 *
 * Guarantee: nothing that befalls one connection stops another. One that cannot be scheduled (no plugin, no secrets) is a
 * trouble with its reason, told once and looked at again at each refit. Whoever comes back has its past.
 *
 * Awkward: an entry is never taken away while the service lives, for runs and timers point at it; and one whose sync is
 * configured no more stays in the schedule until the run that is under way has ended (`leaving`). */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/alerts.h"
#include "schedule/judge.h"
#include "schedule/past.h"
#include "schedule/plan.h"
#include "schedule/service_inner.h"

const struct log_field *
entry_fields(const struct entry *e, struct log_field fields[4])
{
	fields[0] = (struct log_field){"connection", e->connection, 0};
	fields[1] = (struct log_field){"integration", e->integration, 0};
	fields[2] = (struct log_field){"sync", e->sync, 0};
	fields[3] = (struct log_field){NULL, NULL, 0};
	return fields;
}

/* ---- entries ---- */

static void
entry_key(struct buf *key, const char *connection, const char *integration, const char *sync)
{
	buf_printf(key, "%s\n%s\n%s", connection, integration, sync);
}

struct entry *
service_entry(const struct service *s, const char *connection, const char *integration, const char *sync)
{
	struct buf key = {0};
	struct entry *e = NULL;
	bool fresh;

	entry_key(&key, connection, integration, sync);
	if (idset_has(&s->names, buf_view(&key)))
		e = s->entries[*idset_put((struct idset *)(uintptr_t)&s->names, buf_view(&key), &fresh)];
	buf_free(&key);
	return e;
}

static struct entry *
entry_make(struct service *s, const struct chosen *c)
{
	const char *integration = c->connection->integration->name;
	struct entry *e = service_entry(s, c->connection->name, integration, c->sync->name);
	struct buf key = {0};
	bool fresh;

	if (e)
		return e;
	e = XNEW(struct entry);
	e->service = s;
	e->connection = xstrdup(c->connection->name);
	e->integration = xstrdup(integration);
	e->sync = xstrdup(c->sync->name);
	entry_key(&key, e->connection, e->integration, e->sync);
	*idset_put(&s->names, buf_view(&key), &fresh) = (uint32_t)s->n_entries;
	buf_free(&key);
	s->entries = xrealloc(s->entries, (s->n_entries + 1) * sizeof(*s->entries));
	e->at = s->n_entries;
	s->entries[s->n_entries++] = e;
	return e;
}

bool
entry_chosen(const struct entry *e, struct chosen *c, struct err *err)
{
	struct host *h = e->service->host;

	c->connection = settings_connection(host_settings(h), e->connection, e->integration);
	c->manifest = c->connection ? host_manifest_of(h, c->connection, err) : NULL;
	c->sync = c->manifest ? manifest_sync(c->manifest, e->sync) : NULL;
	if (!c->connection || (c->manifest && !c->sync))
		err_set(err, ERR_USAGE, "%s : %s : %s is configured no more", e->connection, e->integration, e->sync);
	return c->sync != NULL;
}

/* ---- filling the schedule ---- */

/* Other credentials or another address than those that it failed with: what waited for them to change waits no longer. */
static void
mark_compare(struct service *s, struct entry *e, const struct chosen *c, bool fresh)
{
	char mark[CREDENTIALS_MARK];

	credentials_mark(s->host, c->manifest, c->connection, false, mark);
	if (!fresh && strcmp(e->mark, mark) != 0)
		schedule_forgive(s->schedule, e->connection, e->integration);
	memcpy(e->mark, mark, sizeof mark);
}

static int
item_put(struct service *s, struct entry *e, const struct chosen *c, struct err *err)
{
	const struct schedule_name name = {e->connection, e->integration, e->sync};
	struct decided d = decided_of(s->host, c);
	bool fresh = !e->item, back = fresh || e->leaving;
	struct schedule_past past;
	struct schedule_item *item;
	struct schedule_plan plan;
	struct log_field fields[4];

	if (fresh)
		past_fill(s->host, c, &d, &past);
	plan_of(s->host, c, &plan);
	item = schedule_put(s->schedule, &name, &plan, fresh ? &past : NULL, err);
	if (!item)
		return err_prefix(err, "%s : %s : %s", e->connection, e->integration, e->sync);
	e->item = item;
	e->leaving = false;
	mark_compare(s, e, c, fresh);
	if (back && d.asked && schedule_ask(s->schedule, e->item, d.full_refresh, d.reset, NULL) != 0)
		log_line(LOG_INFO, entry_fields(e, fields),
		         "a run that was asked for does not begin: its connection is switched off");
	return 0;
}

int
entry_replan(struct service *s, struct entry *e, const struct chosen *c, struct err *err)
{
	const struct schedule_name name = {e->connection, e->integration, e->sync};
	struct schedule_plan plan;

	plan_of(s->host, c, &plan);
	return schedule_put(s->schedule, &name, &plan, NULL, err) ? 0 : -1;
}

static void
trouble_add(struct service *s, const struct connection_settings *k, const char *why)
{
	s->troubles = xrealloc(s->troubles, (s->n_troubles + 1) * sizeof *s->troubles);
	s->troubles[s->n_troubles++] = (struct trouble){xstrdup(k->name), xstrdup(k->integration->name), xstrdup(why)};
}

static void
troubles_free(struct trouble *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].connection);
		free(list[i].integration);
		free(list[i].why);
	}
	free(list);
}

static void
connection_put(struct service *s, const struct connection_settings *k, struct idset *meant)
{
	struct chosen c = {.connection = k};
	struct buf key = {0};
	struct err err = {0};
	bool fresh;

	if (judge_connection(s->host, host_settings(s->host), k, &err) == 0)
		c.manifest = host_manifest_of(s->host, k, &err);
	for (size_t i = 0; c.manifest && i < c.manifest->n_syncs; i++) {
		struct entry *e;
		c.sync = &c.manifest->syncs[i];
		e = entry_make(s, &c);
		if (item_put(s, e, &c, &err) != 0)
			continue;
		buf_clear(&key);
		entry_key(&key, e->connection, e->integration, e->sync);
		idset_put(meant, buf_view(&key), &fresh);
	}
	if (err.cls != ERR_NONE)
		trouble_add(s, k, err.text);
	buf_free(&key);
}

static void
unmeant_remove(struct service *s, const struct idset *meant)
{
	struct buf key = {0};

	for (size_t i = 0; i < s->n_entries; i++) {
		struct entry *e = s->entries[i];
		buf_clear(&key);
		entry_key(&key, e->connection, e->integration, e->sync);
		if (!e->item || idset_has(meant, buf_view(&key)))
			continue;
		if (!e->leaving)
			schedule_remove(s->schedule, e->item);
		e->leaving = e->run != NULL; /* the schedule keeps it until that has ended */
		if (!e->leaving)
			e->item = NULL;
	}
	buf_free(&key);
}

void
service_limits(const struct service *s, struct schedule_options *o)
{
	const struct host_settings *h = &host_settings(s->host)->host;

	*o = (struct schedule_options){
		.clock = host_clock(s->host),
		.max_runs = h->max_runs,
		.first_spread_ms = h->first_spread_ms,
		.fail_pause_ms = h->fail_pause_ms,
		.fail_pause_max_ms = h->fail_pause_max_ms,
		.seed = store_seed(host_store(s->host))->low,
	};
}

static void
troubles_tell(const struct service *s, const struct trouble *before, size_t n_before)
{
	for (size_t i = 0; i < s->n_troubles; i++) {
		const struct trouble *t = &s->troubles[i];
		const char *was = service_trouble(before, n_before, t->connection, t->integration);
		if (!was || strcmp(was, t->why) != 0)
			log_warn("connection %s : %s is not scheduled: %s", t->connection, t->integration, t->why);
	}
}

void
service_fit(struct service *s)
{
	const struct settings *settings = host_settings(s->host);
	struct trouble *before = s->troubles;
	size_t n_before = s->n_troubles;
	struct idset meant = {0};
	struct err err;

	s->troubles = NULL;
	s->n_troubles = 0;
	for (size_t i = 0; i < settings->n_connections; i++)
		connection_put(s, settings->connections[i], &meant);
	unmeant_remove(s, &meant);
	troubles_tell(s, before, n_before);
	if (schedule_order_check(s->schedule, &err) != 0)
		log_error("%s: what comes after it does not begin", err.text);
	troubles_free(before, n_before);
	idset_free(&meant);
}

void
service_refit(struct service *s)
{
	struct schedule_options o;

	host_manifests_age(s->host);
	service_limits(s, &o);
	schedule_limits(s->schedule, &o);
	service_fit(s);
	alerts_refit(s->alerts);
	if (s->o.settled)
		s->o.settled(s->o.arg);
	service_turn_soon(s);
}

void
entries_free(struct service *s)
{
	for (size_t i = 0; i < s->n_entries; i++) {
		struct entry *e = s->entries[i];
		free(e->connection);
		free(e->integration);
		free(e->sync);
		free(e->refused);
		free(e);
	}
	free(s->entries);
	idset_free(&s->names);
	troubles_free(s->troubles, s->n_troubles);
}
