/* store_pages.h - what the campaigns against the store (kills, power cuts) write and look for.
 *
 * A writer saves pages with a checkpoint behind each. What page p does is a function of p alone, so the state after
 * c pages is known without noting anything: its records, its feed, and the changes that an endpoint is told of. Whatever
 * happened to the writer, the store must be in one of these states, and in none before an acknowledged one. */
#ifndef SLUICE_STORE_PAGES_H
#define SLUICE_STORE_PAGES_H
#include "../unit/store_kit.h"

#define IDS 150
#define PAGE 20

static unsigned
mix(unsigned x)
{
	x ^= x >> 16;
	x *= 0x7feb352du;
	x ^= x >> 15;
	x *= 0x846ca68bu;
	return x ^ x >> 16;
}

static bool
page_deletes(unsigned p, unsigned *id)
{
	*id = mix(p) % IDS;
	return p % 3 == 2;
}

static unsigned
page_id(unsigned p, unsigned j)
{
	return mix(p * 31 + j) % IDS;
}

static void
record_text(unsigned p, unsigned id, char *out, size_t size)
{
	snprintf(out, size, "{\"id\":%u,\"page\":%u,\"pad\":\"%0*d\"}", id, p - p % 4, (int)(mix(id + p) % 700), 0);
}

static unsigned
checkpoint(struct store *s, uint32_t scope)
{
	struct buf b = {0};
	unsigned p = 0;

	if (store_state_get(s, scope, STATE_CHECKPOINT, SLICE(""), &b))
		p = (unsigned)strtoul(buf_str(&b), NULL, 10);
	buf_free(&b);
	return p;
}

static void
page_build(struct kit *k, struct commit *c, uint32_t d, uint32_t scope, unsigned p)
{
	char id[16], text[1024];
	unsigned gone;

	for (unsigned j = 0; j < PAGE; j++) {
		snprintf(id, sizeof(id), "%u", page_id(p, j));
		record_text(p, page_id(p, j), text, sizeof(text));
		kit_put(k, c, d, id, text);
	}
	if (page_deletes(p, &gone)) {
		snprintf(id, sizeof(id), "%u", gone);
		commit_delete(c, d, slice_str(id));
	}
	snprintf(text, sizeof(text), "%u", p + 1);
	commit_state_set(c, scope, STATE_CHECKPOINT, SLICE(""), slice_str(text));
}

/* ---- what is there after so many pages ---- */

struct model {
	char text[IDS][1024];
	bool known[IDS], gone[IDS];
	unsigned feed; /* of the feed: entries met, */
	bool twice;    /* some id more than once */
	bool met[IDS];
};

static void
model_after(struct model *m, unsigned pages)
{
	unsigned id;

	memset(m, 0, sizeof(*m));
	for (unsigned p = 0; p < pages; p++) {
		for (unsigned j = 0; j < PAGE; j++) {
			id = page_id(p, j);
			record_text(p, id, m->text[id], sizeof(m->text[id]));
			m->known[id] = true;
			m->gone[id] = false;
		}
		if (page_deletes(p, &id) && m->known[id])
			m->gone[id] = true;
	}
}

static bool
model_feed(void *arg, const struct record *r)
{
	struct model *m = arg;
	unsigned id = (unsigned)strtoul(r->id.p, NULL, 10) % IDS; /* JSON follows the id: no digit */

	m->feed++;
	m->twice |= m->met[id];
	m->met[id] = true;
	return true;
}

/* Are the records, and the feed, exactly those of so many pages? NULL, or what is wrong. */
static const char *
records_differ(struct kit *k, uint32_t d, unsigned pages)
{
	static struct model model;
	unsigned live = 0, wrong = 0;
	struct feed_query q = {.dataset = d, .limit = 10000};
	uint64_t next;
	bool more;

	model_after(&model, pages);
	for (unsigned i = 0; i < IDS; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%u", i);
		struct kit_record r = kit_record(k, d, id);
		live += model.known[i] && !model.gone[i];
		wrong += r.found != model.known[i] ||
		         (r.found && (strcmp(r.json, model.text[i]) != 0 || !r.deleted_us == model.gone[i]));
	}
	if (wrong)
		return "records are not those of the checkpoint";
	if (store_feed(k->s, &q, model_feed, &model, &next, &more, &k->err) < 0 || more)
		return k->err.text;
	return model.feed != live || model.twice ? "the feed is not the records" : NULL;
}

/* ---- the outbox ---- */

struct told { /* the changes of pages, one after the other, met in the queue's events */
	struct model m;
	struct buf list; /* "action id\n" each, from the first */
	uint64_t n, next; /* made by the pages; the next sequence to be met */
	const char *at;
	unsigned wrong;
	uint64_t below, taken; /* events of numbers below this are taken; and the last sequence in them */
};

static void
told_change(struct told *t, const char *action, unsigned id)
{
	buf_printf(&t->list, "%s %u\n", action, id);
	t->n++;
}

static void
told_pages(struct told *t, unsigned pages)
{
	struct model *m = &t->m;
	char text[1024];
	unsigned id;

	for (unsigned p = 0; p < pages; p++) {
		for (unsigned j = 0; j < PAGE; j++) {
			id = page_id(p, j);
			record_text(p, id, text, sizeof(text));
			if (!m->known[id] || m->gone[id] || strcmp(m->text[id], text) != 0)
				told_change(t, !m->known[id] || m->gone[id] ? "added" : "updated", id);
			snprintf(m->text[id], sizeof(m->text[id]), "%s", text);
			m->known[id] = true;
			m->gone[id] = false;
		}
		if (page_deletes(p, &id) && m->known[id] && !m->gone[id]) {
			m->gone[id] = true;
			told_change(t, "deleted", id);
		}
	}
}

static void
told_record(struct told *t, struct slice record)
{
	struct slice own, sequence, action, id;
	char *action_text, *id_text, line[64];
	int64_t n = 0;

	if (!json_member(record, "_sluice", &own) || !json_member(own, "sequence", &sequence) || !json_int(sequence, &n) ||
	    !json_member(own, "action", &action) || !json_member(own, "id", &id)) {
		t->wrong++;
		return;
	}
	action_text = json_text(action);
	id_text = json_text(id);
	snprintf(line, sizeof(line), "%s %s\n", action_text, id_text);
	t->wrong += (uint64_t)n != t->next || strncmp(t->at, line, strlen(line)) != 0;
	t->next++;
	t->at += *t->at ? strcspn(t->at, "\n") + 1 : 0;
	free(action_text);
	free(id_text);
}

static bool
told_event(void *arg, const struct outbox_event *e)
{
	struct told *t = arg;
	struct slice data, records = {0};
	struct json_iter it;

	if (json_member(e->body, "data", &data))
		json_member(data, "records", &records);
	it = json_iter(records);
	while (json_next(&it))
		told_record(t, it.value);
	if (e->number < t->below)
		t->taken = t->next - 1;
	return true;
}

#endif
