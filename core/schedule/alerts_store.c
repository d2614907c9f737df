/* alerts_store.c - incidents as they stand in the store, and read back: by the service that begins, or by whoever asks
 * without one.
 *
 * Awkward: an incident is told in the moment in which it is handed to the store, not when it is durable: a crash within
 * these milliseconds tells it twice rather than never. */
#include <stdlib.h>
#include <string.h>
#include "base/json_time.h"
#include "base/mem.h"
#include "run/member.h"
#include "schedule/alerts_inner.h"

#define PAST SLICE("past")

static bool
kind_find(struct slice name, enum alert_kind *kind)
{
	const char *colon = memchr(name.p, ':', name.len);

	if (colon)
		name.len = (size_t)(colon - name.p);
	for (*kind = 0; *kind < ALERT_KINDS; ++*kind)
		if (slice_is(name, alert_names[*kind]))
			return true;
	return false;
}

uint32_t
subject_scope(struct store *s, const struct subject *u, bool make)
{
	const struct scope_name name = {.connection = u->connection, .integration = u->integration, .sync = u->sync};

	if (!u->connection)
		return 0;
	return make ? store_scope(s, &name, NULL) : store_scope_find(s, &name);
}

void
incident_keep(struct store *s, const struct subject *u, const struct incident *i, bool open)
{
	uint32_t scope = subject_scope(s, u, open);
	struct buf name = {0}, value = {0};
	struct json_out o = json_out(&value);
	struct commit *c;

	if (u->connection && !scope)
		return;
	buf_printf(&name, "%s%s%s", alert_names[i->kind], u->limit ? ":" : "", u->limit ? u->limit : "");
	c = commit_new(s, (struct fence){0, 0});
	if (open) {
		json_open(&o, '{');
		json_kv_int(&o, "since_us", i->since_us);
		json_kv_str(&o, "text", i->text);
		json_close(&o, '}');
		commit_state_set(c, scope, STATE_INCIDENT, buf_view(&name), buf_view(&value));
	} else {
		commit_state_clear(c, scope, STATE_INCIDENT, buf_view(&name));
	}
	store_commit(s, c, false, NULL, NULL);
	buf_free(&name);
	buf_free(&value);
}

/* ---- of one subject ---- */

static bool
incident_load(void *arg, struct slice name, struct slice value)
{
	struct subject *u = arg;
	const char *colon = memchr(name.p, ':', name.len);
	enum alert_kind kind;
	struct incident *i;

	if (!kind_find(name, &kind))
		return true;
	if (u->limit ? !colon || !slice_is(slice_of(colon + 1, (size_t)(name.p + name.len - colon) - 1), u->limit) : colon != NULL)
		return true;
	i = XNEW(struct incident);
	*i = (struct incident){.next = u->open, .kind = kind, .since_us = member_int(value, "since_us", 0)};
	i->text = member_text(value, "text");
	if (!i->text)
		i->text = xstrdup("");
	u->open = i;
	return true;
}

void
subject_load(struct store *s, struct subject *u)
{
	uint32_t scope = subject_scope(s, u, false);

	if (scope || !u->connection)
		store_state_list(s, scope, STATE_INCIDENT, incident_load, u, NULL);
}

void
subject_finish(struct subject *u)
{
	while (u->open) {
		struct incident *i = u->open;
		u->open = i->next;
		free(i->text);
		free(i);
	}
	free(u->connection);
	free(u->integration);
	free(u->sync);
	free(u->limit);
}

struct alert
alert_of(const struct subject *u, const struct incident *i)
{
	return (struct alert){.kind = i->kind,
	                      .connection = u->connection,
	                      .integration = u->integration,
	                      .sync = u->sync,
	                      .limit = u->limit,
	                      .since_us = i->since_us,
	                      .text = i->text};
}

/* ---- those that are over ---- */

void
alert_write(const struct alert *a, struct json_out *o)
{
	char text[TIME_TEXT_MAX];

	json_open(o, '{');
	json_kv_str(o, "kind", alert_names[a->kind]);
	json_kv_str(o, "connection", a->connection);
	json_kv_str(o, "integration", a->integration);
	json_kv_str(o, "sync", a->sync);
	if (a->limit)
		json_kv_str(o, "limit", a->limit);
	json_kv_str(o, "since", time_format(a->since_us, text));
	json_kv_time(o, "until", a->until_us);
	json_kv_str(o, "text", a->text);
	json_close(o, '}');
}

void
past_add(struct alerts *a, const struct alert *over)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	alert_write(over, &o);
	free(a->past[ALERTS_PAST - 1]);
	memmove(a->past + 1, a->past, (ALERTS_PAST - 1) * sizeof *a->past);
	a->past[0] = buf_take(&row);
	a->past_dirty = true;
}

void
past_load(struct alerts *a)
{
	struct buf value = {0};
	struct json_iter it;
	size_t n = 0;

	if (store_state_get(host_store(a->service->host), 0, STATE_INCIDENT, PAST, &value)) {
		it = json_iter(buf_view(&value));
		while (n < ALERTS_PAST && json_next(&it))
			a->past[n++] = slice_dup(it.value);
	}
	buf_free(&value);
}

void
past_keep(struct alerts *a)
{
	struct store *s = host_store(a->service->host);
	struct buf value = {0};
	struct json_out o = json_out(&value);
	struct commit *c;

	if (!a->past_dirty)
		return;
	a->past_dirty = false;
	json_open(&o, '[');
	for (size_t i = 0; i < ALERTS_PAST && a->past[i]; i++)
		json_put_raw(&o, slice_str(a->past[i]));
	json_close(&o, ']');
	c = commit_new(s, (struct fence){0, 0});
	commit_state_set(c, 0, STATE_INCIDENT, PAST, buf_view(&value));
	store_commit(s, c, false, NULL, NULL);
	buf_free(&value);
}

/* ---- asking ---- */

struct asking {
	struct host *host;
	bool (*each)(void *arg, const struct alert *a);
	void *arg;
	const struct scope_name *scope; /* NULL: the host's */
	bool stopped;
};

static bool
subject_each(struct asking *k, const struct subject *u)
{
	for (const struct incident *i = u->open; i && !k->stopped; i = i->next) {
		const struct alert a = alert_of(u, i);
		k->stopped = !k->each(k->arg, &a);
	}
	return !k->stopped;
}

static void
living_each(struct asking *k, const struct alerts *a)
{
	subject_each(k, &a->host);
	for (size_t i = 0; i < a->n_limits; i++)
		subject_each(k, a->limits[i]);
	for (size_t i = 0; i < a->n_links; i++)
		subject_each(k, &a->links[i]->subject);
	for (size_t i = 0; i < a->n_syncs; i++)
		subject_each(k, &a->syncs[i]->subject);
}

static bool
stored_row(void *arg, struct slice name, struct slice value)
{
	struct asking *k = arg;
	char *full = slice_dup(name), *text = member_text(value, "text"), *colon = strchr(full, ':');
	struct alert a = {.since_us = member_int(value, "since_us", 0), .text = text, .limit = colon ? colon + 1 : NULL};

	if (k->scope) {
		a.connection = k->scope->connection;
		a.integration = k->scope->integration;
		a.sync = k->scope->sync && *k->scope->sync ? k->scope->sync : NULL;
	}
	if (kind_find(name, &a.kind))
		k->stopped = !k->each(k->arg, &a);
	free(full);
	free(text);
	return !k->stopped;
}

static bool
stored_scope(void *arg, uint32_t scope, const struct scope_name *name)
{
	struct asking *k = arg;

	k->scope = name;
	store_state_list(host_store(k->host), scope, STATE_INCIDENT, stored_row, k, NULL);
	return !k->stopped;
}

static bool
past_row(struct asking *k, struct slice row)
{
	char *kind = member_text(row, "kind"), *connection = member_text(row, "connection"),
	     *integration = member_text(row, "integration"), *sync = member_text(row, "sync"),
	     *limit = member_text(row, "limit"), *text = member_text(row, "text");
	struct alert a = {.connection = connection, .integration = integration, .sync = sync, .limit = limit, .text = text,
	                  .since_us = member_time(row, "since"), .until_us = member_time(row, "until")};

	if (kind && kind_find(slice_str(kind), &a.kind))
		k->stopped = !k->each(k->arg, &a);
	free(kind);
	free(connection);
	free(integration);
	free(sync);
	free(limit);
	free(text);
	return !k->stopped;
}

static void
past_each(struct asking *k)
{
	const struct service *s = host_service(k->host);
	const struct alerts *a = s ? s->alerts : NULL;
	struct buf value = {0};
	struct json_iter it;

	for (size_t i = 0; a && i < ALERTS_PAST && a->past[i]; i++)
		if (!past_row(k, slice_str(a->past[i])))
			return;
	if (!a && store_state_get(host_store(k->host), 0, STATE_INCIDENT, PAST, &value)) {
		it = json_iter(buf_view(&value));
		while (json_next(&it) && past_row(k, it.value))
			continue;
	}
	buf_free(&value);
}

int
alerts_each(struct host *h, bool ended, bool (*each)(void *arg, const struct alert *a), void *arg, struct err *err)
{
	struct asking k = {.host = h, .each = each, .arg = arg};
	const struct service *s = host_service(h);

	if (!host_store(h))
		return 0;
	if (ended) {
		past_each(&k);
		return 0;
	}
	if (s && s->alerts) {
		living_each(&k, s->alerts);
		return 0;
	}
	if (store_state_list(host_store(h), 0, STATE_INCIDENT, stored_row, &k, err) != 0)
		return -1;
	return k.stopped ? 0 : store_scopes(host_store(h), stored_scope, &k, err);
}

void
alerts_of(struct host *h, const struct scope_name *sync, bool (*each)(void *arg, const struct alert *a), void *arg)
{
	const struct scope_name connection = {.connection = sync->connection, .integration = sync->integration};
	const struct scope_name *const both[] = {sync, &connection};
	struct asking k = {.host = h, .each = each, .arg = arg};
	const struct service *s = host_service(h);
	const struct entry *e = s && s->alerts ? service_entry(s, sync->connection, sync->integration, sync->sync) : NULL;

	if (e && e->at < s->alerts->n_syncs) {
		const struct watch *w = s->alerts->syncs[e->at];
		if (subject_each(&k, &w->subject))
			subject_each(&k, &s->alerts->links[w->link]->subject);
		return;
	}
	for (size_t i = 0; host_store(h) && !k.stopped && i < LENGTH(both); i++) {
		uint32_t scope = store_scope_find(host_store(h), both[i]);
		if (scope)
			stored_scope(&k, scope, both[i]);
	}
}
