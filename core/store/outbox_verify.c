/* outbox_verify.c - is the outbox as it must be: every event opens, is JSON, and stands in a queue that counts it.
 *
 * One walk over its database, in the order of the keys; each queue's events are counted against its entry afterwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "store/outbox.h"
#include "store/read.h"

struct found { /* a queue, as the walk finds it */
	uint32_t endpoint;
	struct queue_entry noted, counted; /* counted.next: behind the last number met */
	bool entry;
};

struct checking {
	struct snapshot *p;
	void (*fault)(void *arg, const char *text);
	void *arg;
	struct found *list;
	size_t n;
};

static void __attribute__((format(printf, 2, 3))) say(struct checking *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fault(c->arg, text);
}

static struct found *
found_of(struct checking *c, uint32_t endpoint)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].endpoint == endpoint)
			return &c->list[i];
	c->list = xrealloc(c->list, (c->n + 1) * sizeof(*c->list));
	c->list[c->n] = (struct found){.endpoint = endpoint};
	return &c->list[c->n++];
}

static void
check_entry(struct checking *c, struct slice key, struct slice value)
{
	struct queue_entry e;
	struct slice name;
	struct found *f;

	if (key.len != 5 || !outbox_entry_get(value, &e, &name)) {
		say(c, "outbox: the entry of an endpoint is damaged");
		return;
	}
	f = found_of(c, get_be32(key.p + 1));
	f->entry = true;
	f->noted = e;
}

static void
check_event(struct checking *c, struct slice key, struct slice value)
{
	bool parked = key.p[0] == OUTBOX_PARKED;
	uint64_t number = key.len == OUTBOX_KEY_SIZE ? get_be64(key.p + 5) : 0;
	struct queued q;
	struct found *f;
	int64_t when;

	if (!number || !outbox_event_get(&c->p->s->seal, key, value, &c->p->scratch, &q)) {
		say(c, "outbox: event %llu does not open", (unsigned long long)number);
		return;
	}
	memcpy(&when, value.p, sizeof(when));
	if (when != (parked ? q.parked_us : q.made_us))
		say(c, "outbox: event %llu has another time in clear than sealed", (unsigned long long)number);
	if (!json_check(q.body, 1000, NULL))
		say(c, "outbox: the body of event %llu is no JSON", (unsigned long long)number);
	f = found_of(c, get_be32(key.p + 1));
	*(parked ? &f->counted.parked : &f->counted.pending) += 1;
	*(parked ? &f->counted.parked_bytes : &f->counted.bytes) += value.len;
	if (number >= f->counted.next)
		f->counted.next = number + 1;
}

static void
check_rule(struct checking *c, struct slice key, struct slice value)
{
	struct endpoint e = {0};
	struct slice bytes;

	if (key.len != 5 ||
	    !seal_get(&c->p->s->seal, (struct seal_place){SEAL_OUTBOX, key}, value, &c->p->scratch, &bytes) ||
	    !outbox_rule_get(bytes, &e))
		say(c, "outbox: what an endpoint wants does not open");
	else
		found_of(c, get_be32(key.p + 1)); /* which must have an entry */
	endpoint_finish(&e);
}

static void
check_tally(struct checking *c, struct slice key, struct slice value)
{
	struct dataset_entry e;
	struct slice names;
	bool mark = key.p[0] == OUTBOX_MARK;

	if (key.len != (mark ? 9 : 5) || value.len != TALLY_SIZE ||
	    !snapshot_dataset(c->p, get_be32(key.p + key.len - 4), &e, &names))
		say(c, "outbox: changes are counted of a dataset that is not there");
}

static void
check_totals(struct checking *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct found *f = &c->list[i];
		if (!f->entry)
			say(c, "outbox: endpoint %u has events or a rule, and no entry", f->endpoint);
		else if (f->noted.pending != f->counted.pending || f->noted.bytes != f->counted.bytes ||
		         f->noted.parked != f->counted.parked || f->noted.parked_bytes != f->counted.parked_bytes)
			say(c, "outbox: endpoint %u counts %llu events that wait and %llu parked ones; there are %llu and %llu, or their bytes differ",
			    f->endpoint, (unsigned long long)f->noted.pending, (unsigned long long)f->noted.parked,
			    (unsigned long long)f->counted.pending, (unsigned long long)f->counted.parked);
		else if (f->counted.next > f->noted.next)
			say(c, "outbox: endpoint %u has an event beyond its last number", f->endpoint);
	}
}

static void (*const checks[])(struct checking *, struct slice key, struct slice value) = {
	[OUTBOX_ENTRY] = check_entry,  [OUTBOX_RULE] = check_rule,   [OUTBOX_PENDING] = check_event,
	[OUTBOX_PARKED] = check_event, [OUTBOX_TALLY] = check_tally, [OUTBOX_MARK] = check_tally,
};

int
outbox_verify(struct snapshot *p, void (*fault)(void *arg, const char *text), void *arg)
{
	struct checking c = {.p = p, .fault = fault, .arg = arg};
	MDB_cursor *cur;
	MDB_val k, v;
	int rc = snapshot_cursor(p, DB_OUTBOX, &cur);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(cur, &k, &v, MDB_NEXT))) {
		uint8_t kind = *(const uint8_t *)k.mv_data;
		if (kind < LENGTH(checks) && checks[kind])
			checks[kind](&c, slice_val(k), slice_val(v));
		else if (kind != OUTBOX_LAST)
			say(&c, "outbox: an entry of kind %u", kind);
	}
	mdb_cursor_close(cur);
	check_totals(&c);
	free(c.list);
	return rc == MDB_NOTFOUND ? 0 : rc;
}
