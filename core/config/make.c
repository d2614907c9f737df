/* make.c - see make.h: values by the table of keys, then what must hold between them.
 *
 * Awkward: a connection may name an integration that no section declares (a plugin of that name); it is made on the way. And
 * what the environment or a file lacks for one connection is that connection's trouble alone (`broken`). */
#include "config/make.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/loaded.h"
#include "config/signing.h"
#include "config/value.h"

#define METADATA_MAX (64u * 1024) /* bytes of one value, as in the store */
#define METADATA_PREFIX "metadata."

/* ---- values ---- */

bool
entry_refers(const struct draft_entry *e)
{
	return slice_starts(slice_str(e->value), "env:") || slice_starts(slice_str(e->value), "file:");
}

/* What the environment or a file lacks for one connection is that one's trouble: all others go on, and what is stored
 * can be read. What is wrong in the INI itself is everybody's. */
static void
entry_fault(struct building *b, const struct draft_section *s, const struct draft_entry *e, const struct err *why)
{
	char *before;

	if (!b->broken || !entry_refers(e)) {
		fault_add(&b->draft->faults, e->at, s->title, e->name, "%s", why->text);
		return;
	}
	before = *b->broken;
	*b->broken = xasprintf("%s%s%s:%u: [%s]: %s: %s", before ? before : "", before ? "\n" : "", e->at.file, e->at.line,
	                       s->title, e->name, why->text);
	free(before);
}

static void
entry_parse(struct building *b, const struct draft_section *s, const struct draft_entry *e, void *at)
{
	struct err why = {0};

	if (key_parse(e->key, slice_str(e->value), at, &why) < 0)
		entry_fault(b, s, e, &why);
}

static void
section_parse(struct building *b, const struct draft_section *s, void *at)
{
	for (const struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++)
		if (e->key)
			entry_parse(b, s, e, at);
}

static struct origin
entry_origin(const struct draft_section *s, const char *name)
{
	const struct draft_entry *e = draft_entry(s, key_find(s->kind, name));

	return e ? e->at : (struct origin){0};
}

/* ---- [host] ---- */

/* ADDRESS:PORT, [ADDRESS]:PORT or unix:PATH. */
static bool
listen_valid(const char *text)
{
	const char *colon = strrchr(text, ':');
	char *end;

	if (!strncmp(text, "unix:", 5))
		return text[5] != '\0';
	return colon && colon > text && colon[1] >= '0' && colon[1] <= '9' && strtoul(colon + 1, &end, 10) <= 65535 && !*end;
}

static void
host_check(struct building *b, const struct draft_section *s)
{
	const struct host_settings *h = &b->s->host;
	struct faults *f = &b->draft->faults;

	if (h->max_batch && h->max_batch < h->max_record)
		fault_add(f, entry_origin(s, "max_batch"), s->title, "max_batch",
		          "is smaller than max_record (%llu bytes); a batch must hold at least one record",
		          (unsigned long long)h->max_record);
	if (h->retry_max_ms && h->retry_max_ms < h->retry_base_ms)
		fault_add(f, entry_origin(s, "retry_max"), s->title, "retry_max",
		          "is shorter than retry_base (%lld ms); give a longer one", (long long)h->retry_base_ms);
	for (char **at = h->listen; at && *at; at++)
		if (!listen_valid(*at))
			fault_add(f, entry_origin(s, "listen"), s->title, "listen",
			          "'%s' is no place to listen; say for example 127.0.0.1:3003, [::1]:3003, unix:/run/sluice.sock or none",
			          *at);
}

static void
make_host(struct building *b, const struct draft_section *s)
{
	struct host_settings *h = &b->s->host;
	const struct key *master = key_find(SECTION_HOST, "encryption_key");

	section_parse(b, s, h);
	if (!draft_entry(s, master) && h->data_dir) {
		char *file = xasprintf("file:%s.key", h->data_dir);
		draft_host_default(b->draft, master->name, file);
		entry_parse(b, s, draft_entry(s, master), h);
		free(file);
	}
	host_check(b, s);
}

/* ---- [key], [integration] ---- */

/* Of two sections with one value the first one's scope would hold, whatever the other says. */
static void
key_judge(struct building *b, const struct draft_section *s, const struct key_settings *k)
{
	if (!k->value)
		return;
	for (const struct key_settings *other = b->s->keys; other < k; other++)
		if (other->value && secret_eq(other->value, secret_reveal(k->value)))
			fault_add(&b->draft->faults, s->at, s->title, "value", "is that of [key %s] too: each has its own", other->name);
}

static void
make_key(struct building *b, const struct draft_section *s)
{
	struct key_settings *k;

	b->s->keys = xrealloc(b->s->keys, (b->s->n_keys + 1) * sizeof(*b->s->keys));
	k = &b->s->keys[b->s->n_keys++];
	*k = (struct key_settings){.name = xstrdup(s->part[0]), .at = s->at};
	b->broken = &k->broken;
	section_parse(b, s, k);
	b->broken = NULL;
	if (!draft_entry(s, key_find(SECTION_KEY, "value")))
		fault_add(&b->draft->faults, s->at, s->title, "value", "is missing; say for example value = env:SLUICE_SECRET_KEY");
	key_judge(b, s, k);
}

static struct integration_settings *
integration_add(struct building *b, const char *name, struct origin at)
{
	struct settings *s = b->s;
	struct integration_settings *i = XNEW(struct integration_settings);

	i->name = xstrdup(name);
	i->at = at;
	s->integrations = xrealloc(s->integrations, (s->n_integrations + 1) * sizeof(*s->integrations));
	s->integrations[s->n_integrations++] = i;
	return i;
}

static void
make_integration(struct building *b, const struct draft_section *s)
{
	struct integration_settings *i = integration_add(b, s->part[0], s->at);

	section_parse(b, s, i);
	i->base_url_at = entry_origin(s, "base_url");
	if (!i->plugin)
		i->plugin = xstrdup(i->name);
}

static const struct integration_settings *
integration_find(struct building *b, const char *name, struct origin at)
{
	for (size_t i = 0; i < b->s->n_integrations; i++)
		if (!strcmp(b->s->integrations[i]->name, name))
			return b->s->integrations[i];
	struct integration_settings *i = integration_add(b, name, at);
	i->plugin = xstrdup(name);
	return i;
}

/* ---- [connection] ---- */

bool
entry_is_metadata(const struct draft_entry *e)
{
	return !e->key && !strncmp(e->name, METADATA_PREFIX, strlen(METADATA_PREFIX));
}

/* Turns the text of a metadata value into JSON: as it stands when it is JSON, else a string. */
static int
metadata_json(struct value *v, struct err *err)
{
	struct slice text = buf_view(&v->text);
	struct json_fault fault;
	struct buf quoted = {0};

	if (text.len > METADATA_MAX)
		return err_set(err, ERR_USAGE, "is longer than 64 KiB");
	if (json_check(text, JSON_DEPTH_MAX, &fault))
		return 0;
	if (!text.len || (!v->resolved && strchr("[{\"", text.p[0])))
		return err_set(err, ERR_USAGE, "is no JSON: %s at byte %zu", text.len ? fault.what : "nothing", fault.at);
	json_quote(&quoted, text);
	buf_str(&quoted);
	buf_wipe(&v->text);
	v->text = quoted;
	return 0;
}

static void
pair_add(struct building *b, const struct draft_section *s, const struct draft_entry *e, bool metadata, struct pair **list,
         size_t *n)
{
	const char *name = metadata ? e->name + strlen(METADATA_PREFIX) : e->name;
	struct err why = {0};
	struct value v;

	if (value_resolve(&v, slice_str(e->value), &why) < 0 || (metadata && metadata_json(&v, &why) < 0)) {
		entry_fault(b, s, e, &why);
	} else if (!*name) {
		fault_add(&b->draft->faults, e->at, s->title, e->name, "names no metadata; say for example metadata.region");
	} else {
		*list = xrealloc(*list, (*n + 1) * sizeof(**list));
		(*list)[(*n)++] = (struct pair){xstrdup(name), xstrdup(buf_str(&v.text)), v.resolved, e->at};
		if (v.resolved)
			log_secret(buf_view(&v.text));
	}
	value_finish(&v);
}

static void
make_connection(struct building *b, const struct draft_section *s)
{
	struct connection_settings *c = XNEW(struct connection_settings);

	b->s->connections = xrealloc(b->s->connections, (b->s->n_connections + 1) * sizeof(*b->s->connections));
	b->s->connections[b->s->n_connections++] = c;
	c->name = xstrdup(s->part[0]);
	c->at = s->at;
	c->integration = integration_find(b, s->part[1], s->at);
	b->broken = &c->broken;
	section_parse(b, s, c);
	c->base_url_at = entry_origin(s, "base_url");
	for (const struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++)
		if (!e->key && entry_is_metadata(e))
			pair_add(b, s, e, true, &c->metadata, &c->n_metadata);
		else if (!e->key)
			pair_add(b, s, e, false, &c->options, &c->n_options);
	b->broken = NULL;
}

/* ---- [sync] ---- */

static void
sync_orphaned(struct building *b, const struct draft_section *s)
{
	const char **titles = xcalloc(b->draft->n_sections + 1, sizeof(*titles));
	char *wanted = xasprintf("connection %s : %s", s->part[0], s->part[1]);
	const char *near;
	size_t n = 0;

	for (size_t i = 0; i < b->draft->n_sections; i++)
		if (b->draft->sections[i]->kind == SECTION_CONNECTION)
			titles[n++] = b->draft->sections[i]->title;
	near = b->draft->faults.count < FAULTS_SHOWN ? nearest(wanted, titles) : NULL; /* not for what nobody reads */
	fault_add(&b->draft->faults, s->at, s->title, NULL, "there is no [%s]%s%s%s", wanted,
	          near ? "; did you mean [" : "; add that section", near ? near : "", near ? "]?" : "");
	free(wanted);
	free(titles);
}

/* ---- [dataset] ---- */

static void
make_dataset(struct building *b, const struct draft_section *s)
{
	struct dataset_settings *d = XNEW(struct dataset_settings);

	b->s->datasets = xrealloc(b->s->datasets, (b->s->n_datasets + 1) * sizeof(*b->s->datasets));
	b->s->datasets[b->s->n_datasets++] = d;
	*d = (struct dataset_settings){.name = xstrdup(s->part[2]), .at = s->at};
	d->connection = settings_connection(b->s, s->part[0], s->part[1]);
	if (!d->connection)
		sync_orphaned(b, s);
	if (!isalpha((unsigned char)*d->name) || strlen(d->name) > 64 ||
	    d->name[strspn(d->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		fault_add(&b->draft->faults, s->at, s->title, NULL,
		          "'%s' cannot be a model's name: it is made of letters, digits and _, at most 64, a letter first", d->name);
	section_parse(b, s, d);
	for (const struct draft_entry *e = s->entries; e < s->entries + s->n_entries; e++)
		if (!e->key)
			pair_add(b, s, e, false, &d->options, &d->n_options);
}

/* "CONNECTION : INTEGRATION : SYNC" taken apart. Whether it is there is judged later: connections may be in the store. */
static void
after_split(struct building *b, const struct draft_section *s, struct sync_settings *y)
{
	struct slice rest = slice_str(y->after ? y->after : "");
	size_t n = 0;

	while (y->after && n < LENGTH(y->after_parts)) {
		const char *colon = memchr(rest.p, ':', rest.len);
		size_t len = colon ? (size_t)(colon - rest.p) : rest.len;
		struct slice part = slice_trim(slice_of(rest.p, len));
		if (!part.len || (!colon && n < LENGTH(y->after_parts) - 1) || (colon && n == LENGTH(y->after_parts) - 1))
			break;
		y->after_parts[n++] = slice_dup(part);
		rest = colon ? slice_of(colon + 1, rest.len - len - 1) : slice_of(rest.p + rest.len, 0);
	}
	if (y->after && n < LENGTH(y->after_parts))
		fault_add(&b->draft->faults, entry_origin(s, "after"), s->title, "after",
		          "'%s' names no sync; write CONNECTION : INTEGRATION : SYNC, like acme : close : contacts", y->after);
	else if (y->after && !strcmp(y->after_parts[0], s->part[0]) && !strcmp(y->after_parts[1], s->part[1]) &&
	         !strcmp(y->after_parts[2], s->part[2]))
		fault_add(&b->draft->faults, entry_origin(s, "after"), s->title, "after",
		          "a sync cannot wait for itself; name another one, or take the line away");
}

static void
sync_times_check(struct building *b, const struct draft_section *s, const struct sync_settings *y)
{
	const struct draft_entry *every = draft_entry(s, key_find(SECTION_SYNC, "every")),
	                         *cron = draft_entry(s, key_find(SECTION_SYNC, "cron"));

	if (y->cron && every)
		fault_add(&b->draft->faults, cron->at, s->title, "cron",
		          "'%s' is given too (%s:%u); take one of the two away", every->name, every->at.file,
		          every->at.line);
}

static void
make_sync(struct building *b, const struct draft_section *s)
{
	struct sync_settings *y = XNEW(struct sync_settings);

	b->s->syncs = xrealloc(b->s->syncs, (b->s->n_syncs + 1) * sizeof(*b->s->syncs));
	b->s->syncs[b->s->n_syncs++] = y;
	*y = (struct sync_settings){.sync = xstrdup(s->part[2]), .max_delete_share = -1, .max_rejected = -1, .priority = PRIORITY_UNSET,
	                             .at = s->at};
	y->connection = settings_connection(b->s, s->part[0], s->part[1]);
	if (!y->connection)
		sync_orphaned(b, s);
	section_parse(b, s, y);
	sync_times_check(b, s, y);
	after_split(b, s, y);
}

/* ---- [limit], [merge], [webhook], [alert] ---- */

static void
key_needed(struct building *b, const struct draft_section *s, const char *name)
{
	const struct key *k = key_find(s->kind, name);

	if (!draft_entry(s, k))
		fault_add(&b->draft->faults, s->at, s->title, name, "is missing; say for example %s = %s", name, k->sample);
}

static void
make_limit(struct building *b, const struct draft_section *s)
{
	struct limit_settings *l = XNEW(struct limit_settings);

	b->s->limits = xrealloc(b->s->limits, (b->s->n_limits + 1) * sizeof(*b->s->limits));
	b->s->limits[b->s->n_limits++] = l;
	l->name = xstrdup(s->part[1]);
	l->at = s->at;
	l->integration = integration_find(b, s->part[0], s->at);
	section_parse(b, s, l);
	key_needed(b, s, "match");
	key_needed(b, s, "rate");
}

static void
make_merge(struct building *b, const struct draft_section *s)
{
	struct merge_settings *m = XNEW(struct merge_settings);

	b->s->merges = xrealloc(b->s->merges, (b->s->n_merges + 1) * sizeof(*b->s->merges));
	b->s->merges[b->s->n_merges++] = m;
	m->name = xstrdup(s->part[0]);
	m->at = s->at;
	section_parse(b, s, m);
	key_needed(b, s, "sources");
	key_needed(b, s, "key");
}

/* "sync.success, records.created" as bits of enum webhook_event. */
static void
events_split(struct building *b, const struct draft_section *s, struct webhook_settings *w)
{
	static const char *const words[] = {"records.created", "records.updated", "records.deleted", "sync.success",
	                                    "sync.error", "sync", "auth", "action", "alert", NULL};
	const char *from = w->event_list ? w->event_list : "";

	for (const char *end = from + strlen(from), *to; from < end; from = to + 1) {
		char *word;
		size_t i = 0;

		to = memchr(from, ',', (size_t)(end - from));
		to = to ? to : end;
		word = slice_dup(slice_trim(slice_of(from, (size_t)(to - from))));
		while (words[i] && strcmp(words[i], word) != 0)
			i++;
		if (words[i])
			w->events |= 1u << i;
		else
			fault_add(&b->draft->faults, entry_origin(s, "events"), s->title, "events",
			          "'%s' is no event%s%s%s; there are sync.success, sync.error, records.created, records.updated, "
			          "records.deleted, sync, auth, action, alert", word, nearest(word, words) ? ", did you mean '" : "",
			          nearest(word, words) ? nearest(word, words) : "", nearest(word, words) ? "'" : "");
		free(word);
	}
}

static void
signing_check(struct building *b, const struct draft_section *s, const char *key, const struct secret *secret)
{
	struct buf bytes = {0};
	struct err err;

	if (secret && signing_key(secret, &bytes, &err) != 0)
		fault_add(&b->draft->faults, entry_origin(s, key), s->title, key, "%s", err.text);
	buf_wipe(&bytes);
}

static void
make_webhook(struct building *b, const struct draft_section *s)
{
	struct webhook_settings *w = XNEW(struct webhook_settings);

	b->s->webhooks = xrealloc(b->s->webhooks, (b->s->n_webhooks + 1) * sizeof(*b->s->webhooks));
	b->s->webhooks[b->s->n_webhooks++] = w;
	w->name = xstrdup(s->part[0]);
	w->at = s->at;
	b->broken = &w->broken;
	section_parse(b, s, w);
	b->broken = NULL;
	key_needed(b, s, "url");
	key_needed(b, s, "secret");
	signing_check(b, s, "secret", w->secret);
	signing_check(b, s, "secret_before", w->secret_before);
	events_split(b, s, w);
}

static void
make_alert(struct building *b, const struct draft_section *s)
{
	section_parse(b, s, &b->s->alert);
}
static void (*const makers[SECTION_KINDS])(struct building *b, const struct draft_section *s) = {
	[SECTION_HOST] = make_host,
	[SECTION_KEY] = make_key,
	[SECTION_INTEGRATION] = make_integration,
	[SECTION_LIMIT] = make_limit,
	[SECTION_MERGE] = make_merge,
	[SECTION_WEBHOOK] = make_webhook,
	[SECTION_ALERT] = make_alert,
	[SECTION_CONNECTION] = make_connection,
	[SECTION_DATASET] = make_dataset,
	[SECTION_SYNC] = make_sync,
};

void
section_make(struct building *b, const struct draft_section *s)
{
	makers[s->kind](b, s);
}
