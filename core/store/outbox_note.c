/* outbox_note.c - changes of records on their way into the queues: one event for successive changes of one action.
 *
 * Each endpoint that wants a dataset has an event in the making there. A change of another action that it wants, an event
 * that is full, or the end of the commit sends it off; so what stands in a queue has the order of the feed. A record is
 * put into its words once, however many endpoints want it.
 *
 * Awkward: a sweep and a delete have no payload at hand; the record is read from its row, which no delete touches. One
 * transaction may delete or publish a million records, and is held in memory: what is beyond 64 MiB of events is told by
 * sequences alone. A record may have a member "_sluice" of its own, which then gives way. */
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "store/outbox.h"

static const struct {
	unsigned bit;
	const char *type;
} events[] = {
	[CHANGE_ADDED] = {OUTBOX_CREATED, "records.created"},
	[CHANGE_UPDATED] = {OUTBOX_UPDATED, "records.updated"},
	[CHANGE_DELETED] = {OUTBOX_DELETED, "records.deleted"},
};

/* ---- who listens ---- */

void
outbox_heard_free(struct dataset *d)
{
	if (!d->heard)
		return;
	for (size_t i = 0; i < d->heard->n; i++)
		buf_wipe(&d->heard->out[i].records);
	free(d->heard->out);
	free(d->heard);
	d->heard = NULL;
}

static int
tally_read(struct group *g, uint32_t dataset, struct tally *t)
{
	uint64_t all[3];
	uint8_t key[5];
	MDB_val v;
	int rc;

	*t = (struct tally){0};
	outbox_entry_key(key, OUTBOX_TALLY, dataset);
	rc = group_get(g, DB_OUTBOX, slice_of(key, sizeof(key)), &v);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : rc;
	if (v.mv_size != TALLY_SIZE)
		return MDB_CORRUPTED;
	memcpy(all, v.mv_data, sizeof(all));
	*t = (struct tally){all[0], all[1], all[2]};
	return 0;
}

int
outbox_tally(struct group *g, uint32_t dataset, struct tally *t)
{
	struct dataset *d;
	int rc = group_dataset(g, dataset, &d);

	if (rc)
		return rc;
	if (!d->heard)
		return tally_read(g, dataset, t);
	*t = d->heard->tally;
	return 0;
}

int
outbox_listen(struct group *g, struct dataset *d)
{
	const struct outbox *o = &g->s->outbox;
	const char *names[4];

	if (!layout_names_get(d->names, names))
		return MDB_CORRUPTED;
	for (size_t i = 0; i < o->n; i++) {
		const char *const model[] = {names[2], NULL};
		if (!outbox_wants(&o->list[i], names[0], names[1], model))
			continue;
		if (!d->heard)
			d->heard = XNEW(struct heard);
		d->heard->out = xrealloc(d->heard->out, (d->heard->n + 1) * sizeof(*d->heard->out));
		d->heard->out[d->heard->n++] = (struct outgoing){.to = &o->list[i]};
	}
	return d->heard ? tally_read(g, d->number, &d->heard->tally) : 0;
}

/* ---- one record in words ---- */

/* All but a member of our name; the object stays open. */
static void
members_copy(struct buf *out, struct slice json)
{
	struct json_iter it = json_iter(json);

	buf_putc(out, '{');
	while (json_next(&it)) {
		struct slice quoted = slice_of(it.key.p - 1, it.key.len + 2);
		if (json_string_is(quoted, "_sluice"))
			continue;
		if (out->p[out->len - 1] != '{')
			buf_putc(out, ',');
		buf_slice(out, quoted);
		buf_putc(out, ':');
		buf_slice(out, it.value);
	}
}

static void
record_write(struct buf *out, const struct change *c, struct slice id, struct slice json)
{
	struct slice own, text = json_trim(json);
	char first[TIME_TEXT_MAX], modified[TIME_TEXT_MAX];
	struct json_iter it = json_iter(text);
	struct json_out o;

	if (json_member(text, "_sluice", &own))
		members_copy(out, text);
	else
		buf_put(out, text.p, text.len - 1);
	o = json_out(out);
	o.comma = json_next(&it) && out->p[out->len - 1] != '{';
	json_key(&o, "_sluice");
	json_open(&o, '{');
	json_kv_slice(&o, "id", id);
	json_kv_str(&o, "action", change_name(c->action));
	json_kv_int(&o, "sequence", (int64_t)c->sequence);
	json_kv_str(&o, "first_seen_at", time_format(c->first_us, first));
	json_kv_str(&o, "modified_at", time_format(c->modified_us, modified));
	json_close(&o, '}');
	json_close(&o, '}');
}

static int
record_words(struct group *g, struct dataset *d, const struct change *c, struct slice *words)
{
	struct slice id = c->id, json = c->json;
	struct buf *out = &outbox_work(g)->record;
	int rc = json.p ? 0 : record_read(g, d->number, c->row, &id, &json);

	buf_clear(out);
	if (!rc)
		record_write(out, c, id, json);
	*words = buf_view(out);
	return rc;
}

/* ---- events in the making ---- */

static void
event_write(struct group *g, const struct dataset *d, const struct outgoing *o, struct buf *body)
{
	struct json_out j = json_out(body);
	char time[TIME_TEXT_MAX];
	const char *names[4] = {"", "", "", "base"};

	layout_names_get(d->names, names);
	json_open(&j, '{');
	json_kv_str(&j, "type", events[o->action].type);
	json_kv_str(&j, "timestamp", time_format(g->now_us, time));
	json_key(&j, "data");
	json_open(&j, '{');
	json_kv_str(&j, "connection", names[0]);
	json_kv_str(&j, "integration", names[1]);
	json_kv_str(&j, "model", names[2]);
	if (strcmp(names[3], "base") != 0)
		json_kv_str(&j, "variant", names[3]);
	json_kv_int(&j, "count", (int64_t)o->count);
	json_kv_int(&j, "after", (int64_t)o->first - 1);
	json_kv_int(&j, "to", (int64_t)o->last);
	if (!o->bare) {
		json_key(&j, "records");
		json_open(&j, '[');
		buf_slice(body, buf_view(&o->records));
		json_close(&j, ']');
	}
	json_close(&j, '}');
	json_close(&j, '}');
}

static int
outgoing_send(struct group *g, struct dataset *d, struct outgoing *o)
{
	struct buf body = {0};
	int rc;

	if (!o->count)
		return 0;
	event_write(g, d, o, &body);
	rc = outbox_put(g, o->to, events[o->action].type, buf_view(&body),
	                &(struct loss){d, o->count, o->first - 1, o->last});
	buf_wipe(&body);
	buf_clear(&o->records);
	o->count = 0;
	return rc;
}

int
outbox_send(struct group *g)
{
	int rc = 0;

	for (size_t i = 0; i < g->n_ds; i++)
		for (size_t k = 0; g->ds[i]->heard && k < g->ds[i]->heard->n && !rc; k++)
			rc = outgoing_send(g, g->ds[i], &g->ds[i]->heard->out[k]);
	return rc;
}

static bool
is_full(const struct outgoing *o, struct slice words)
{
	return !o->bare && (o->count >= o->to->batch || o->records.len + words.len > OUTBOX_EVENT_BYTES);
}

static int
outgoing_add(struct group *g, struct dataset *d, struct outgoing *o, const struct change *c, struct slice words)
{
	bool bare = !words.len;
	int rc = 0;

	if (o->action != c->action || o->bare != bare || is_full(o, words))
		rc = outgoing_send(g, d, o);
	if (!o->count)
		o->first = c->sequence;
	else if (!bare)
		buf_putc(&o->records, ',');
	o->action = c->action;
	o->bare = bare;
	o->last = c->sequence;
	o->count++;
	buf_slice(&o->records, words);
	return rc;
}

int
outbox_note(struct group *g, struct dataset *d, const struct change *c)
{
	struct heard *h = d->heard;
	bool large = outbox_work(g)->bytes >= OUTBOX_GROUP_BYTES;
	struct slice words = {0};
	int rc = 0;

	h->dirty = true;
	h->tally.added += c->action == CHANGE_ADDED;
	h->tally.updated += c->action == CHANGE_UPDATED;
	h->tally.deleted += c->action == CHANGE_DELETED;
	for (size_t i = 0; i < h->n && !rc; i++) {
		const struct endpoint *to = h->out[i].to;
		if (!(to->wants & events[c->action].bit))
			continue;
		if (!to->pointer && !large && !words.len)
			rc = record_words(g, d, c, &words);
		if (!rc)
			rc = outgoing_add(g, d, &h->out[i], c, to->pointer ? (struct slice){0} : words);
	}
	return rc;
}
