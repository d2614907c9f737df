/* store_outbox_model.c - random commits against a model of what each endpoint has to be told: saves, updates, deletes, sweeps,
 * staged runs that publish or are forgotten, two datasets in turns, commits that are refused, a map that grows under them,
 * stores that are closed and opened. What stands in the queues, put end to end, must be the model's changes: each once, of
 * each dataset in the order of its sequences. SLUICE_SEED replays. */
#include <time.h>
#include "store_kit.h"
#include "base/json.h"

#define IDS 14
#define SETS 2
#define COMMITS 1500

static const char *const any_contact[] = {"acme:*:Contact", NULL};
static const struct outbox_rule rules[] = {
	{.name = "all", .wants = 7, .batch = 3},
	{.name = "made", .wants = OUTBOX_CREATED | OUTBOX_DELETED, .batch = 100},
	{.name = "contact", .wants = 7, .of = any_contact, .batch = 1},
	{.name = "updated", .wants = OUTBOX_UPDATED},
};
static const char *const models[SETS] = {"Contact", "Deal"};

struct row {
	bool known, live, seen, staged, staged_delete;
	int value, staged_value;
	unsigned staged_at;
	uint64_t sequence;
};

struct change {
	enum change_action action;
	int id, value;
	uint64_t sequence;
};

struct set {
	uint32_t dataset;
	struct row row[IDS];
	bool marking;
	uint64_t sequence;
	unsigned arrivals;
	struct change *list; /* all changes so far */
	size_t n;
	size_t met[LENGTH(rules)]; /* of these, by endpoint: looked through */
};

struct world {
	struct kit k;
	unsigned long seed;
	struct set set[SETS];
	uint64_t last[LENGTH(rules)]; /* number of the last event read, by endpoint */
	size_t endpoint;
	struct set *reading;
	unsigned bad, events;
};

static unsigned
below(struct world *w, unsigned n)
{
	w->seed = w->seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)(w->seed >> 33) % n;
}

static void
wrong(struct world *w, const char *what, long long a, long long b)
{
	if (w->bad++ < 10)
		printf("# %s: %s (%lld, %lld)\n", rules[w->endpoint].name, what, a, b);
}

/* ---- the model ---- */

static void
change(struct set *s, enum change_action action, int id)
{
	struct row *r = &s->row[id];

	r->sequence = ++s->sequence;
	s->list = xrealloc(s->list, (s->n + 1) * sizeof(*s->list));
	s->list[s->n++] = (struct change){action, id, r->value, r->sequence};
}

static void
model_save(struct set *s, int id, int value)
{
	struct row *r = &s->row[id];
	bool fresh = !r->live;

	r->seen |= s->marking;
	if (r->live && r->value == value)
		return;
	r->known = r->live = true;
	r->value = value;
	change(s, fresh ? CHANGE_ADDED : CHANGE_UPDATED, id);
}

static void
model_delete(struct set *s, int id)
{
	if (!s->row[id].live)
		return;
	s->row[id].live = false;
	change(s, CHANGE_DELETED, id);
}

static void
model_sweep(struct set *s)
{
	if (!s->marking)
		return;
	for (;;) { /* the absent, by their last change */
		int first = -1;
		for (int i = 0; i < IDS; i++)
			if (s->row[i].live && !s->row[i].seen && (first < 0 || s->row[i].sequence < s->row[first].sequence))
				first = i;
		if (first < 0)
			break;
		model_delete(s, first);
	}
	s->marking = false;
}

static void
model_stage(struct set *s, int id, int value)
{
	struct row *r = &s->row[id];

	r->seen |= s->marking && r->live && r->value == value;
	r->staged = !(r->live && r->value == value);
	r->staged_value = value;
	r->staged_at = ++s->arrivals;
}

static void
model_publish(struct set *s)
{
	for (;;) {
		int first = -1;
		for (int i = 0; i < IDS; i++)
			if (s->row[i].staged && (first < 0 || s->row[i].staged_at < s->row[first].staged_at))
				first = i;
		if (first < 0)
			return;
		s->row[first].staged = false;
		model_save(s, first, s->row[first].staged_value);
	}
}

/* ---- the same for the store ---- */

static void
text_of(int value, char out[64])
{
	snprintf(out, 64, "{\"v\":%d}", value);
}

static void
step(struct world *w, struct commit *c, struct set *s)
{
	int id = (int)below(w, IDS), value = (int)below(w, 3);
	char name[16], text[64];

	snprintf(name, sizeof(name), "%d", id);
	text_of(value, text);
	switch (below(w, 16)) {
	case 0:
	case 1:
		commit_delete(c, s->dataset, slice_str(name));
		model_delete(s, id);
		break;
	case 2:
	case 3:
		commit_update(c, s->dataset, slice_str(name), slice_str(text));
		if (s->row[id].live)
			model_save(s, id, value);
		break;
	case 4:
		commit_staged(c, true);
		kit_put(&w->k, c, s->dataset, name, text);
		commit_staged(c, false);
		model_stage(s, id, value);
		break;
	case 5:
		commit_publish(c, s->dataset);
		model_publish(s);
		break;
	case 6:
		commit_seen_begin(c, s->dataset); /* and what was staged is forgotten */
		s->marking = true;
		for (int i = 0; i < IDS; i++)
			s->row[i].seen = s->row[i].staged = false;
		break;
	case 7:
		commit_sweep(c, &(struct sweep){.dataset = s->dataset, .force = true});
		model_sweep(s);
		break;
	default:
		kit_put(&w->k, c, s->dataset, name, text);
		model_save(s, id, value);
	}
}

/* ---- what an endpoint was told ---- */

static bool
wanted(const struct world *w, const struct change *c)
{
	return rules[w->endpoint].wants & 1u << (c->action - CHANGE_ADDED);
}

static long long
number(struct slice object, const char *key)
{
	struct slice v;
	int64_t n = -1;

	return json_member(object, key, &v) && json_int(v, &n) ? n : -1;
}

static bool
is_text(struct slice object, const char *key, const char *text)
{
	struct slice v;

	return json_member(object, key, &v) && json_string_is(v, text);
}

static const struct change *
next_change(struct world *w)
{
	struct set *s = w->reading;

	while (s->met[w->endpoint] < s->n && !wanted(w, &s->list[s->met[w->endpoint]]))
		s->met[w->endpoint]++;
	return s->met[w->endpoint] < s->n ? &s->list[s->met[w->endpoint]++] : NULL;
}

static const struct change *
record_check(struct world *w, struct slice record, const char *type)
{
	static const char *const types[] = {NULL, "records.created", "records.updated", "records.deleted"};
	const struct change *c = next_change(w);
	struct slice own = {0};
	char id[16];

	if (!c || !json_member(record, "_sluice", &own)) {
		wrong(w, "a change that nobody made", number(own, "sequence"), 0);
		return NULL;
	}
	snprintf(id, sizeof(id), "%d", c->id);
	if ((uint64_t)number(own, "sequence") != c->sequence || !is_text(own, "id", id) || !is_text(own, "action", change_name(c->action)) ||
	    number(record, "v") != c->value || strcmp(type, types[c->action]) != 0)
		wrong(w, "another change than was made", number(own, "sequence"), (long long)c->sequence);
	return c;
}

static bool
event_check(void *arg, const struct outbox_event *e)
{
	struct world *w = arg;
	struct slice data = {0}, records = {0};
	const struct change *first = NULL, *last = NULL;
	struct json_iter it;
	uint64_t n = 0;

	json_member(e->body, "data", &data);
	json_member(data, "records", &records);
	w->reading = &w->set[is_text(data, "model", models[1])];
	for (it = json_iter(records); json_next(&it); n++) {
		last = record_check(w, it.value, e->type);
		first = first ? first : last;
	}
	if (!n || n != (uint64_t)number(data, "count") || n > (rules[w->endpoint].batch ? rules[w->endpoint].batch : 100))
		wrong(w, "an event of so many records", (long long)n, number(data, "count"));
	if (first && last && ((uint64_t)number(data, "after") != first->sequence - 1 || (uint64_t)number(data, "to") != last->sequence))
		wrong(w, "an event with other borders", number(data, "after"), number(data, "to"));
	if (e->number <= w->last[w->endpoint])
		wrong(w, "numbers do not ascend", (long long)e->number, (long long)w->last[w->endpoint]);
	w->last[w->endpoint] = e->number;
	w->events++;
	return true;
}

static void
endpoint_check(struct world *w, size_t i)
{
	struct outbox_query q = {.endpoint = store_outbox_endpoint(w->k.s, rules[i].name), .after = w->last[i], .limit = 1000000};

	w->endpoint = i;
	if (store_outbox_list(w->k.s, &q, event_check, w, &w->k.err) < 0)
		wrong(w, w->k.err.text, 0, 0);
	for (size_t k = 0; k < SETS; k++) {
		w->reading = &w->set[k];
		if ((i != 2 || k == 0) && next_change(w))
			wrong(w, "a change is missing", (long long)k, (long long)w->set[k].sequence);
	}
}

/* Takes some of the front away, as a delivery would. */
static void
endpoint_take(struct world *w, size_t i)
{
	uint32_t endpoint = store_outbox_endpoint(w->k.s, rules[i].name);
	uint64_t left = below(w, 5), upto = w->last[i] > left ? w->last[i] - left : 0;
	struct commit *c = kit_commit(&w->k);

	for (uint64_t n = upto > 40 ? upto - 40 : 1; n <= upto; n++)
		commit_outbox_done(c, endpoint, n);
	kit_wait(&w->k, c);
}

/* One that is refused whole, after it has changed records: the others of its group are applied anew without it. */
static void
refused_put(struct world *w)
{
	struct commit *c = kit_commit(&w->k);

	kit_put(&w->k, c, w->set[0].dataset, "0", "{\"v\":77}");
	commit_outbox_retry(c, 1, UINT64_MAX);
	store_commit(w->k.s, c, false, NULL, NULL);
}

TEST("each change is in the queue of each endpoint that wants it, once and in order")
{
	const char *seed = getenv("SLUICE_SEED");
	struct world *w = XNEW(struct world);

	w->seed = seed ? strtoul(seed, NULL, 10) : 20261123;
	printf("# seed %lu\n", w->seed);
	kit_init(&w->k);
	w->k.o.map_bytes = 256 << 10;
	w->k.o.commit_delay_ms = 1;
	REQUIRE(kit_open(&w->k));
	CHECK(store_outbox_rules(w->k.s, rules, LENGTH(rules), &w->k.err) == 0);
	for (size_t i = 0; i < SETS; i++)
		w->set[i].dataset = kit_dataset(&w->k, models[i]);
	for (unsigned n = 0; n < COMMITS && !w->bad; n++) {
		struct commit *c = kit_commit(&w->k);
		for (unsigned k = below(w, 12); k-- > 0;)
			step(w, c, &w->set[below(w, SETS)]);
		store_commit(w->k.s, c, false, NULL, NULL);
		if (n % 7 == 0)
			refused_put(w);
		if (n % 5 != 0)
			continue;
		store_drain(w->k.s);
		if (n % 100 == 0 && !kit_reopen(&w->k))
			break;
		for (size_t i = 0; i < LENGTH(rules); i++)
			endpoint_check(w, i);
		endpoint_take(w, below(w, LENGTH(rules)));
	}
	CHECK_INT(w->bad, 0);
	CHECK(w->events > 1000);
	CHECK(kit_verify(&w->k));
	printf("# %u events of %llu changes\n", w->events, (unsigned long long)(w->set[0].sequence + w->set[1].sequence));
	for (size_t i = 0; i < SETS; i++)
		free(w->set[i].list);
	kit_finish(&w->k);
	free(w);
}
