/* reload.c - the configuration read anew while the host runs: all of it, or nothing.
 *
 *   load -> what needs a restart? -> judge every connection and sync -> swap -> fit the schedule -> stop what is no more
 *
 * Nothing is touched before the last judgement: a configuration that is refused leaves everything as it was, and every
 * reason is logged, not only the first. What was wrong before and still is (a connection whose plugin is missing) refuses
 * nothing, or a host that lives with one fault could never be reloaded; it is told as a warning.
 *
 * A file that a connection lacks may come at any time (a secret that is mounted late): while one is missing it is looked for
 * once a minute. Edits of anything else are not taken then; those wait for somebody to say that they are complete.
 *
 * A run that is under way holds the settings it began with and ends with them. Only the runs of what was removed are
 * stopped, in good order: their progress is saved. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "config/changes.h"
#include "config/variant.h"
#include "run/connections.h"
#include "run/endpoints.h"
#include "run/merges.h"
#include "run/sections.h"
#include "schedule/judge.h"
#include "schedule/service.h"
#include "wire/message.h"

/* What a living host cannot change, and why. */
static const struct {
	const char *key, *why;
} fixed[] = {
	{"data_dir", "the store is open"},
	{"plugin_dir", "it is being watched"},
	{"encryption_key", "the store is open; `sluice rekey` changes the key"},
	{"hash_ids", "the store was made with it"},
	{"worker", "workers of one build belong to one host"},
	{"sandbox", "workers under way have the one they began with"},
	{"worker_memory", "plugins are described with it"},
	{"worker_start", "plugins are described with it"},
	{"commit_delay", "the store is open"},
	{"commit_bytes", "the store is open"},
	{"first_spread", "the schedule was made with it"},
	{"log_file", "it is open; SIGUSR1 opens it anew"},
};

struct reloading {
	struct service *service;
	struct buf *changes;
	const struct settings *before, *now;
	struct err *err;
	unsigned faults;
};

/* ---- judging ---- */

static void
fault(void *arg, const struct err *why)
{
	struct reloading *r = arg;

	log_error("%s", why->text);
	if (r->faults++ == 0)
		err_set(r->err, ERR_USAGE, "%s", why->text);
}

static void
fixed_check(void *arg, const struct change *c)
{
	struct reloading *r = arg;
	struct err err;

	if (c->kind != SECTION_HOST)
		return;
	for (size_t i = 0; c->keys && c->keys[i]; i++)
		for (size_t k = 0; k < LENGTH(fixed); k++)
			if (strcmp(c->keys[i], fixed[k].key) == 0) {
				err_set(&err, ERR_USAGE,
				        "[host] %s cannot change while the host runs (%s): restart it, or put the value back",
				        fixed[k].key, fixed[k].why);
				fault(r, &err);
			}
}

static void
connections_judge(struct reloading *r)
{
	struct host *h = service_host(r->service);

	for (size_t i = 0; i < r->now->n_connections; i++) {
		const struct connection_settings *k = r->now->connections[i], *old;
		struct err err = {0};

		if (judge_connection(h, r->now, k, &err) == 0)
			continue;
		old = settings_connection(r->before, k->name, k->integration->name);
		if (old && judge_connection(h, r->before, old, NULL) != 0)
			log_warn("%s: as before", err.text);
		else
			fault(r, &err);
	}
}

static void
section_doubt(void *arg, const struct err *why)
{
	(void)arg;
	log_warn("%s", why->text);
}

/* ---- saying what changed ---- */

static void
change_say(void *arg, const struct change *c)
{
	struct reloading *r = arg;
	struct buf line = {0};

	buf_printf(&line, "[%s] %s", c->title, c->removed ? "removed" : c->added ? "added" : "changed: ");
	for (size_t i = 0; c->keys && c->keys[i]; i++)
		buf_printf(&line, "%s%s", i ? ", " : "", c->keys[i]);
	log_info("reload: %s", buf_str(&line));
	if (r->changes)
		buf_printf(r->changes, "%s\n", buf_str(&line));
	buf_free(&line);
}

/* ---- swapping ---- */

static void
removed_stop(struct host *h, const struct settings *now)
{
	struct run *next;

	for (struct run *r = run_next(h, NULL); r; r = next) {
		const struct run_request *q = run_asked(r);
		const struct connection_settings *k = settings_connection(now, q->connection->name, q->connection->integration->name);

		next = run_next(h, r);
		if (!k)
			run_stop(r, "its connection was removed; what it saved is kept");
		else if (q->what == STEP_SYNC && variant_of(q->name) && !variants_have(k, q->name))
			run_stop(r, "its variant was removed; what it saved is kept");
	}
}

void
service_connections_changed(struct service *s)
{
	struct host *h = service_host(s);

	service_refit(s);
	removed_stop(h, host_settings(h));
}

int
service_reload(struct service *s, struct buf *changes, struct err *err)
{
	struct host *h = service_host(s);
	struct settings *now = service_load(s, err);
	struct reloading r = {.service = s, .changes = changes, .before = host_settings(h), .now = now, .err = err};
	size_t n;

	if (!now) {
		log_error("reload: refused; everything goes on as it was");
		return -1;
	}
	if (connections_load(h, now, err) != 0) {
		log_error("reload: refused (%s); everything goes on as it was", err->text);
		settings_free(now);
		return -1;
	}
	settings_changes(r.before, now, fixed_check, &r);
	connections_judge(&r);
	judge_syncs(h, now, fault, &r);
	judge_schedule(h, now, fault, &r);
	sections_judge(h, now, &(struct section_judge){fault, section_doubt, &r});
	if (!r.faults && (merges_set(h, now, false, err) != 0 || endpoints_set(h, now, err) != 0)) /* all of them or none; built beside */
		r.faults++;
	if (r.faults) {
		if (r.faults > 1)
			err_prefix(err, "%u reasons, the first", r.faults);
		log_error("reload: refused; everything goes on as it was");
		settings_free(now);
		return -1;
	}
	n = settings_changes(r.before, now, change_say, &r);
	if (n == 0) {
		log_info("reload: nothing has changed");
		settings_free(now);
		return 0;
	}
	host_settings_replace(h, now); /* r.before may be gone from here on */
	service_connections_changed(s);
	return 0;
}

/* ---- what was missing is there ---- */

struct mending {
	const struct settings *before;
	bool mended, other;
};

static void
mending_look(void *arg, const struct change *c)
{
	struct mending *m = arg;
	bool theirs = false;

	for (size_t i = 0; i < m->before->n_connections && !theirs; i++) {
		const struct connection_settings *k = m->before->connections[i];
		char *title = k->broken ? xasprintf("connection %s : %s", k->name, k->integration->name) : NULL;
		theirs = title && strcmp(title, c->title) == 0;
		free(title);
	}
	m->mended |= theirs;
	m->other |= !theirs || c->added || c->removed;
}

static bool
lacks(const struct settings *s)
{
	for (size_t i = 0; i < s->n_connections; i++)
		if (s->connections[i]->broken)
			return true;
	return false;
}

void
service_mend(struct service *s)
{
	struct mending m = {.before = host_settings(service_host(s))};
	struct settings *now;
	struct err err;

	if (!lacks(m.before) || !(now = service_load(s, &err)))
		return; /* a file that is being edited is nobody's fault yet */
	settings_changes(m.before, now, mending_look, &m);
	settings_free(now);
	if (m.mended && !m.other)
		service_reload(s, NULL, &err);
}
