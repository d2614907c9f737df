/* decided.c - see decided.h.
 *
 * Awkward: a connection whose plugin cannot be described has no syncs that could be named; it is passed over as long as
 * something else was meant, and is the answer when nothing else was. */
#include <string.h>
#include "run/member.h"
#include "schedule/decided.h"

static bool
fits(const char *wanted, const char *name)
{
	return !wanted || strcmp(wanted, name) == 0;
}

bool
ask_fits(const struct service_ask *a, const struct connection_settings *k)
{
	return fits(a->connection, k->name) && fits(a->integration, k->integration->name);
}

/* ---- a sync ---- */

uint32_t
chosen_scope(struct host *h, const struct chosen *c, bool make, struct err *err)
{
	const struct scope_name name = {.connection = c->connection->name,
	                                .integration = c->connection->integration->name,
	                                .sync = c->sync->name};

	if (!host_store(h)) {
		err_set(err, ERR_HOST, "there is no store to write to");
		return 0;
	}
	return make ? store_scope(host_store(h), &name, err) : store_scope_find(host_store(h), &name);
}

struct decided
decided_of(struct host *h, const struct chosen *c)
{
	uint32_t scope = chosen_scope(h, c, false, NULL);
	struct decided d = {0};
	struct buf value = {0};

	if (scope && store_state_get(host_store(h), scope, STATE_SCHEDULE, SLICE(""), &value)) {
		struct slice json = buf_view(&value);
		d.paused = member_bool(json, "paused", false);
		d.started = member_bool(json, "started", false);
		d.asked = member_bool(json, "asked", false);
		d.full_refresh = member_bool(json, "full_refresh", false);
		d.reset = member_bool(json, "reset", false);
		d.forgiven_us = member_int(json, "forgiven_us", 0);
		d.cancelled = (uint64_t)member_int(json, "cancelled", 0);
		d.every_ms = member_int(json, "every_ms", 0);
	}
	buf_free(&value);
	return d;
}

void
decided_commit(struct commit *c, uint32_t scope, const struct decided *d)
{
	struct buf value = {0};
	struct json_out o = json_out(&value);

	json_open(&o, '{');
	json_kv_bool(&o, "paused", d->paused);
	json_kv_bool(&o, "started", d->started);
	if (d->asked) {
		json_kv_bool(&o, "asked", true);
		json_kv_bool(&o, "full_refresh", d->full_refresh);
		json_kv_bool(&o, "reset", d->reset);
	}
	if (d->forgiven_us)
		json_kv_int(&o, "forgiven_us", d->forgiven_us);
	if (d->cancelled)
		json_kv_int(&o, "cancelled", (int64_t)d->cancelled);
	if (d->every_ms)
		json_kv_int(&o, "every_ms", d->every_ms);
	json_close(&o, '}');
	commit_state_set(c, scope, STATE_SCHEDULE, SLICE(""), buf_view(&value));
	buf_free(&value);
}

int
decided_put(struct host *h, const struct chosen *c, const struct decided *d, struct err *err)
{
	uint32_t scope = chosen_scope(h, c, true, err);
	struct commit *commit;

	if (!scope)
		return -1;
	commit = commit_new(host_store(h), (struct fence){0, 0});
	decided_commit(commit, scope, d);
	return store_commit_wait(host_store(h), commit, NULL, err);
}

/* ---- which are meant ---- */

static int
nothing_meant(const struct service_ask *a, const struct err *why, struct err *err)
{
	if (why->cls != ERR_NONE)
		return err_set(err, why->cls, "%s", why->text);
	return err_set(err, ERR_USAGE, "there is no sync%s%s%s%s%s%s%s: `sluice status` shows them",
	               a->sync ? " '" : "", a->sync ? a->sync : "", a->sync ? "'" : "",
	               a->connection ? " of connection " : "", a->connection ? a->connection : "",
	               a->integration ? a->connection ? " : " : " of integration " : "",
	               a->integration ? a->integration : "");
}

int
chosen_each(struct host *h, const struct service_ask *a, int (*each)(void *arg, const struct chosen *c, struct err *err),
            void *arg, struct err *err)
{
	const struct settings *s = host_settings(h);
	struct err why = {0};
	size_t n = 0;

	for (size_t i = 0; i < s->n_connections; i++) {
		struct chosen c = {.connection = s->connections[i]};
		if (!ask_fits(a, c.connection))
			continue;
		c.manifest = host_manifest_of(h, c.connection, &why);
		for (size_t k = 0; c.manifest && k < c.manifest->n_syncs; k++) {
			c.sync = &c.manifest->syncs[k];
			if (!fits(a->sync, c.sync->name))
				continue;
			n++;
			if (each(arg, &c, err) != 0)
				return -1;
		}
	}
	return n ? 0 : nothing_meant(a, &why, err);
}
