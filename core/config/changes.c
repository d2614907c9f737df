/* changes.c - see changes.h: two settings side by side, section by section, by the table of keys.
 *
 * A section is the same one when it bears the same title, wherever it stands. What a key's values are is known by its
 * type alone (keys.h), so a new key is compared without a line here. Awkward: a connection's options and metadata have no
 * rows in the table; they are lists of pairs, compared by name. */
#include "config/changes.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

/* One section of either side. */
struct side {
	const void *at;    /* its struct; NULL: it is not there */
	struct origin origin;
};

struct comparing {
	void (*each)(void *arg, const struct change *c);
	void *arg;
	size_t n;
};

/* ---- values ---- */

static bool
text_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool
list_same(char *const *a, char *const *b)
{
	if (!a || !b)
		return a == b;
	while (*a && *b && strcmp(*a, *b) == 0)
		a++, b++;
	return *a == *b; /* both ended */
}

static bool
secret_same(const struct secret *a, const struct secret *b)
{
	return a && b ? secret_eq(a, secret_reveal(b)) : a == b;
}

static const size_t plain_sizes[KEY_TYPES] = {
	[KEY_CHOICE] = sizeof(unsigned), [KEY_BOOL] = sizeof(bool),      [KEY_DURATION] = sizeof(int64_t),
	[KEY_SECONDS] = sizeof(int64_t), [KEY_SIZE] = sizeof(uint64_t),  [KEY_COUNT] = sizeof(uint64_t),
	[KEY_SHARE] = sizeof(double),    [KEY_FACTOR] = sizeof(double),  [KEY_RATE] = sizeof(uint64_t),
};

/* The member at offset, as the pointer that it is. */
static const void *
pointer_at(const void *section, size_t offset)
{
	const void *p;

	memcpy(&p, (const char *)section + offset, sizeof p);
	return p;
}

static bool
master_same(const struct host_settings *a, const struct host_settings *b)
{
	return a->encrypt == b->encrypt && text_same(a->key_file, b->key_file) &&
	       (a->key_file || secret_same(a->encryption_key, b->encryption_key));
}

static bool
value_same(const struct key *k, const void *a, const void *b)
{
	const char *at = (const char *)a + k->offset, *bt = (const char *)b + k->offset;

	if (k->type == KEY_SECRET)
		return secret_same(pointer_at(a, k->offset), pointer_at(b, k->offset));
	if (k->type == KEY_MASTER)
		return master_same(a, b);
	if (k->type == KEY_HOSTS || k->type == KEY_LIST)
		return list_same(pointer_at(a, k->offset), pointer_at(b, k->offset));
	if (!plain_sizes[k->type])
		return text_same(pointer_at(a, k->offset), pointer_at(b, k->offset));
	return memcmp(at, bt, plain_sizes[k->type]) == 0 &&
	       (k->type != KEY_RATE || memcmp((const char *)a + k->second, (const char *)b + k->second, sizeof(int64_t)) == 0);
}

/* ---- which keys ---- */

struct names {
	char **list;
	size_t n;
};

static void
names_add(struct names *n, char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (strcmp(n->list[i], name) == 0) {
			free(name);
			return;
		}
	n->list = xrealloc(n->list, (n->n + 2) * sizeof *n->list);
	n->list[n->n++] = name;
	n->list[n->n] = NULL;
}

static const struct pair *
pair_find(const struct pair *list, size_t n, const char *name)
{
	const struct pair *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			found = &list[i]; /* the last one counts */
	return found;
}

static void
pairs_compare(const char *prefix, const struct pair *a, size_t n_a, const struct pair *b, size_t n_b, struct names *out)
{
	for (size_t i = 0; i < n_a; i++) {
		const struct pair *other = pair_find(b, n_b, a[i].name);

		if (!other || strcmp(pair_find(a, n_a, a[i].name)->value, other->value) != 0)
			names_add(out, xasprintf("%s%s", prefix, a[i].name));
	}
	for (size_t i = 0; i < n_b; i++)
		if (!pair_find(a, n_a, b[i].name))
			names_add(out, xasprintf("%s%s", prefix, b[i].name));
}

static void
connection_compare(const struct connection_settings *a, const struct connection_settings *b, struct names *out)
{
	pairs_compare("", a->options, a->n_options, b->options, b->n_options, out);
	pairs_compare("metadata.", a->metadata, a->n_metadata, b->metadata, b->n_metadata, out);
	if (!text_same(a->broken, b->broken))
		names_add(out, xstrdup(b->broken ? "what it refers to is missing" : "what it refers to is there again"));
}

/* Two keys may be two ways to say one thing (every, seconds): the first of them names it. */
static bool
said_before(const struct key *k)
{
	for (const struct key *p = keys; p < k; p++)
		if (p->section == k->section && p->offset == k->offset)
			return true;
	return false;
}

static void
dataset_compare(const struct dataset_settings *a, const struct dataset_settings *b, struct names *out)
{
	pairs_compare("", a->options, a->n_options, b->options, b->n_options, out);
}

static void
keys_compare(enum section_kind kind, const void *a, const void *b, struct names *out)
{
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == kind && !said_before(k) && !value_same(k, a, b))
			names_add(out, xstrdup(k->name));
	if (kind == SECTION_CONNECTION)
		connection_compare(a, b, out);
	else if (kind == SECTION_DATASET)
		dataset_compare(a, b, out);
}

/* ---- which sections ---- */

static void
section_compare(struct comparing *c, enum section_kind kind, const char *title, struct side before, struct side now)
{
	struct names names = {0};
	struct change change = {.kind = kind,
	                        .title = title,
	                        .removed = !now.at,
	                        .added = !before.at,
	                        .at = now.at ? now.origin : before.origin};

	if (before.at && now.at)
		keys_compare(kind, before.at, now.at, &names);
	change.keys = names.list;
	if (!before.at || !now.at || names.n) {
		c->n++;
		c->each(c->arg, &change);
	}
	for (size_t i = 0; i < names.n; i++)
		free(names.list[i]);
	free(names.list);
}

/* The i-th section of a kind, with its title (yours); .at NULL: there are no more, or (skip) it is not in question. */
static struct side
side_at(const struct settings *s, enum section_kind kind, size_t i, char **title, bool *skip)
{
	*title = NULL;
	*skip = false;
	if (kind == SECTION_KEY && i < s->n_keys) {
		*title = xasprintf("key %s", s->keys[i].name);
		return (struct side){&s->keys[i], s->keys[i].at};
	}
	if (kind == SECTION_INTEGRATION && i < s->n_integrations) {
		*title = xasprintf("integration %s", s->integrations[i]->name);
		return (struct side){s->integrations[i], s->integrations[i]->at};
	}
	if (kind == SECTION_LIMIT && i < s->n_limits) {
		*title = xasprintf("limit %s : %s", s->limits[i]->integration->name, s->limits[i]->name);
		return (struct side){s->limits[i], s->limits[i]->at};
	}
	if (kind == SECTION_CONNECTION && i < s->n_connections) {
		const struct connection_settings *k = s->connections[i];

		*title = xasprintf("connection %s : %s", k->name, k->integration->name);
		*skip = k->stored;
		return (struct side){k, k->at};
	}
	if (kind == SECTION_DATASET && i < s->n_datasets) {
		const struct connection_settings *k = s->datasets[i]->connection;

		*title = xasprintf("dataset %s : %s : %s", k->name, k->integration->name, s->datasets[i]->name);
		return (struct side){s->datasets[i], s->datasets[i]->at};
	}
	if (kind == SECTION_SYNC && i < s->n_syncs) {
		const struct connection_settings *k = s->syncs[i]->connection;

		*title = xasprintf("sync %s : %s : %s", k->name, k->integration->name, s->syncs[i]->sync);
		return (struct side){s->syncs[i], s->syncs[i]->at};
	}
	if (kind == SECTION_MERGE && i < s->n_merges) {
		*title = xasprintf("merge %s", s->merges[i]->name);
		return (struct side){s->merges[i], s->merges[i]->at};
	}
	if (kind == SECTION_WEBHOOK && i < s->n_webhooks) {
		*title = xasprintf("webhook %s", s->webhooks[i]->name);
		return (struct side){s->webhooks[i], s->webhooks[i]->at};
	}
	return (struct side){0};
}

static struct side
side_find(const struct settings *s, enum section_kind kind, const char *wanted)
{
	struct side side = {0}, found = {0};
	char *title;
	bool skip;

	for (size_t i = 0; !found.at && (side = side_at(s, kind, i, &title, &skip)).at; i++) {
		if (!skip && strcmp(title, wanted) == 0)
			found = side;
		free(title);
	}
	return found;
}

static void
kind_compare(struct comparing *c, enum section_kind kind, const struct settings *before, const struct settings *now)
{
	struct side side;
	char *title;
	bool skip;

	for (size_t i = 0; (side = side_at(before, kind, i, &title, &skip)).at; i++) {
		if (!skip)
			section_compare(c, kind, title, side, side_find(now, kind, title));
		free(title);
	}
	for (size_t i = 0; (side = side_at(now, kind, i, &title, &skip)).at; i++) {
		if (!skip && !side_find(before, kind, title).at)
			section_compare(c, kind, title, (struct side){0}, side);
		free(title);
	}
}

size_t
settings_changes(const struct settings *before, const struct settings *now,
                 void (*each)(void *arg, const struct change *c), void *arg)
{
	struct comparing c = {.each = each, .arg = arg};

	section_compare(&c, SECTION_HOST, "host", (struct side){&before->host, {0}}, (struct side){&now->host, {0}});
	section_compare(&c, SECTION_ALERT, "alert", (struct side){&before->alert, {0}}, (struct side){&now->alert, {0}});
	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		if (kind != SECTION_HOST && kind != SECTION_ALERT)
			kind_compare(&c, kind, before, now);
	return c.n;
}
