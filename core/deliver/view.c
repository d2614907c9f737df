/* view.c - how endpoints stand, for people: from memory where a service delivers, else from the store. See deliver.h. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "deliver/endpoint.h"

struct views {
	struct host *host;
	const struct deliver *deliver;
	bool (*each)(void *arg, const struct deliver_view *v);
	void *arg;
};

static const struct webhook_settings *
settings_of(const struct settings *s, const char *name)
{
	for (size_t i = 0; i < s->n_webhooks; i++)
		if (strcmp(s->webhooks[i]->name, name) == 0)
			return s->webhooks[i];
	return NULL;
}

static const struct endpoint *
living(const struct deliver *d, const char *name)
{
	const struct endpoint *e = d ? d->endpoints : NULL;

	while (e && strcmp(e->name, name) != 0)
		e = e->next;
	return e;
}

static enum deliver_state
state_of(const struct deliver_view *v, const struct endpoint *e)
{
	const struct pace *p = &v->standing->pace;

	if (!v->settings)
		return DELIVER_LEFT;
	if (v->trouble || !v->settings->active)
		return DELIVER_OFF;
	if (p->gone)
		return DELIVER_GONE;
	if (e && e->post)
		return DELIVER_SENDING;
	if (!v->outbox.pending)
		return DELIVER_IDLE;
	return pace_open(p) ? DELIVER_OPEN : p->failures || !e ? DELIVER_WAITING : DELIVER_SENDING;
}

static bool
view_tell(const struct views *t, const char *name, const struct outbox_info *info)
{
	const struct endpoint *e = living(t->deliver, name);
	struct standing stored;
	struct deliver_view v = {.name = name, .settings = settings_of(host_settings(t->host), name)};

	if (e)
		v.standing = &e->standing;
	else
		standing_read(host_store(t->host), name, &stored), v.standing = &stored;
	if (info)
		v.outbox = *info;
	v.trouble = !v.settings ? NULL : e ? e->trouble : v.settings->broken;
	v.state = state_of(&v, e);
	return t->each(t->arg, &v);
}

struct infos { /* what the store has, copied: telling reads on */
	struct outbox_info *list;
	size_t n;
};

static bool
info_keep(void *arg, const struct outbox_info *i)
{
	struct infos *k = arg;

	k->list = xrealloc(k->list, (k->n + 1) * sizeof *k->list);
	k->list[k->n] = *i;
	k->list[k->n++].name = xstrdup(i->name);
	return true;
}

static const struct outbox_info *
info_of(const struct infos *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->list[i].name, name) == 0)
			return &k->list[i];
	return NULL;
}

static void
infos_free(struct infos *k)
{
	for (size_t i = 0; i < k->n; i++)
		free((char *)(uintptr_t)k->list[i].name);
	free(k->list);
}

int
deliver_each(struct host *h, bool (*each)(void *arg, const struct deliver_view *v), void *arg, struct err *err)
{
	const struct views t = {.host = h, .deliver = host_deliver(h), .each = each, .arg = arg};
	const struct settings *s = host_settings(h);
	struct infos infos = {0};
	bool go_on = true;
	int rc = 0;

	if (!host_store(h))
		return 0;
	rc = store_outbox_endpoints(host_store(h), info_keep, &infos, err);
	for (size_t i = 0; rc == 0 && go_on && i < s->n_webhooks; i++)
		go_on = view_tell(&t, s->webhooks[i]->name, info_of(&infos, s->webhooks[i]->name));
	for (size_t i = 0; rc == 0 && go_on && i < infos.n; i++)
		if (!settings_of(s, infos.list[i].name))
			go_on = view_tell(&t, infos.list[i].name, &infos.list[i]);
	infos_free(&infos);
	return rc;
}
