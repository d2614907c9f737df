/* service_look.c - how a service stands, for those who ask; and what it looks at by itself once a minute.
 *
 * Awkward: connections that cannot be scheduled have no item and may have no entry; all that is known of them is their
 * trouble. */
#include <string.h>
#include "schedule/past.h"
#include "schedule/service_inner.h"

const char *
service_trouble(const struct trouble *list, size_t n, const char *connection, const char *integration)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].connection, connection) == 0 && strcmp(list[i].integration, integration) == 0)
			return list[i].why;
	return NULL;
}

const char *
service_short_of(const struct service *s)
{
	return s->short_of;
}

void
service_look(const struct service *s, const char *connection, const char *integration, const char *sync,
             struct service_view *v)
{
	const struct entry *e = service_entry(s, connection, integration, sync);

	*v = (struct service_view){.trouble = service_trouble(s->troubles, s->n_troubles, connection, integration)};
	v->since_us = s->since_us;
	if (!e)
		return;
	v->asked_ends = e->asked_ends;
	v->asked_run = e->asked_run;
	v->asked_err = e->asked_err;
	v->asked_running = e->run && e->cause == CAUSE_ASKED;
	if (!e->item || e->leaving)
		return;
	v->scheduled = true;
	schedule_look(s->schedule, e->item, &v->schedule);
	if (e->refused && !e->run)
		v->trouble = e->refused;
	if (s->short_of && v->schedule.state == SCHEDULE_QUEUED)
		v->trouble = s->short_of;
}

void
service_counts(const struct service *s, size_t *connections, size_t *syncs, int64_t *next_us)
{
	const struct entry *before = NULL;
	struct schedule_view v;

	*connections = *syncs = 0;
	*next_us = 0;
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct entry *e = s->entries[i];
		if (!e->item)
			continue;
		schedule_look(s->schedule, e->item, &v);
		++*syncs;
		*connections += !before || strcmp(before->connection, e->connection) != 0 ||
		                strcmp(before->integration, e->integration) != 0;
		before = e;
		if (v.next_us && (!*next_us || v.next_us < *next_us))
			*next_us = v.next_us;
	}
}

/* ---- attention ---- */

static bool
attention_waits(struct service *s, const struct chosen *c)
{
	const struct entry *e = service_entry(s, c->connection->name, c->connection->integration->name, c->sync->name);
	struct schedule_view v;

	if (!e || !e->item || e->leaving)
		return false;
	schedule_look(s->schedule, e->item, &v);
	return v.state == SCHEDULE_ATTENTION;
}

static bool
refusal_stands(struct service *s, const struct chosen *c)
{
	struct decided d = decided_of(s->host, c);

	return past_refused(s->host, c, &d);
}

static bool
any_sync(struct service *s, const struct connection_settings *k, bool (*is)(struct service *s, const struct chosen *c))
{
	struct chosen c = {.connection = k, .manifest = host_manifest_of(s->host, k, NULL)};

	for (size_t i = 0; c.manifest && i < c.manifest->n_syncs; i++) {
		c.sync = &c.manifest->syncs[i];
		if (is(s, &c))
			return true;
	}
	return false;
}

/* `sluice authorize` may have put other tokens into the store. */
void
service_attention_look(struct service *s)
{
	const struct settings *settings = host_settings(s->host);

	for (size_t i = 0; i < settings->n_connections; i++) {
		const struct connection_settings *k = settings->connections[i];
		if (any_sync(s, k, attention_waits) && !any_sync(s, k, refusal_stands))
			schedule_forgive(s->schedule, k->name, k->integration->name);
	}
}
