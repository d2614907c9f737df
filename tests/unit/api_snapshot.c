/* Snapshot and changes against a model, at random, while others write between any two pieces: what a reader makes of them is the
 * dataset. By the code that serves them, without HTTP. */
#include "api/snapshot.h"
#include "store_kit.h"

#define IDS 8192
#define AT_ONCE 12 /* ids that are written now; later ones are others, so that records are born all the time */
#define PLAYS 60

struct play {
	struct kit k;
	uint32_t dataset;
	uint64_t random;
	int now[IDS];      /* what is stored: version, 0: not there */
	int believed[IDS]; /* by the reader */
	int version;
	unsigned first;    /* of those that are written now */
};

static unsigned
roll(struct play *p, unsigned n)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(p->random >> 33) % n;
}

static void
write_some(struct play *p, unsigned n)
{
	struct commit *c = kit_commit(&p->k);
	char id[16], json[32];

	p->first += p->first + AT_ONCE < IDS && roll(p, 2);
	p->k.now_us += roll(p, 3); /* sometimes the clock stands */
	for (unsigned i = 0; i < n; i++) {
		unsigned which = p->first + roll(p, AT_ONCE);

		snprintf(id, sizeof id, "r%u", which);
		if (p->now[which] && roll(p, 2)) {
			commit_delete(c, p->dataset, slice_str(id));
			p->now[which] = 0;
		} else {
			p->now[which] = ++p->version;
			snprintf(json, sizeof json, "{\"v\":%d}", p->version);
			kit_put(&p->k, c, p->dataset, id, json);
		}
	}
	if (n)
		kit_wait(&p->k, c);
	else
		commit_free(c);
}

/* What is not written any more goes, so that a snapshot is short, and what is born while it lasts is soon deleted. */
static void
old_delete(struct play *p)
{
	struct commit *c = kit_commit(&p->k);
	char id[16];

	commit_delete(c, p->dataset, SLICE("none"));
	for (unsigned i = 0; i < p->first; i++)
		if (p->now[i]) {
			snprintf(id, sizeof id, "r%u", i);
			commit_delete(c, p->dataset, slice_str(id));
			p->now[i] = 0;
		}
	kit_wait(&p->k, c);
}

static void
believe(struct play *p, struct slice row, bool deleted)
{
	struct slice v;
	char *id;
	int64_t version = 0;

	REQUIRE(json_path(row, "id", &v));
	id = json_text(v);
	REQUIRE(deleted || (json_path(row, "record.v", &v) && json_int(v, &version)));
	p->believed[atoi(id + 1)] = deleted ? 0 : (int)version;
	free(id);
}

static bool
line_read(struct play *p, struct slice line, struct cursor *cursor)
{
	struct slice value;
	char *text;

	if (!json_member(line, "cursor", &value)) {
		believe(p, line, false);
		return false;
	}
	text = json_text(value);
	CHECK(cursor_read(p->k.s, text, cursor, &p->k.err) == 0);
	free(text);
	return true;
}

static struct feed
feed_of(struct play *p, enum cursor_of of, size_t limit)
{
	return (struct feed){.store = p->k.s, .clock = &p->k.clock, .at = {.of = of, .dataset = p->dataset}, .limit = limit};
}

static void
snapshot_read(struct play *p, struct cursor *cursor)
{
	struct feed feed = feed_of(p, CURSOR_RECORDS, 1 + roll(p, 6));
	struct snapshot_lines s;
	struct buf out = {0};
	bool more = true, whole = false;
	const char *nl;

	snapshot_lines_begin(&s, &feed);
	while (more) {
		write_some(p, roll(p, 5));
		buf_clear(&out);
		more = snapshot_lines_pull(&s, &out);
		CHECK(out.len > 0);
		for (const char *line = out.p; out.len && (nl = memchr(line, '\n', (size_t)(out.p + out.len - line))); line = nl + 1)
			whole = line_read(p, slice_of(line, (size_t)(nl - line)), cursor);
	}
	CHECK(whole);
	buf_free(&out);
}

static void
change_take(void *arg, const struct record *r, const struct cursor *behind)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	(void)behind;
	feed_put_change(&o, r);
	believe(arg, buf_view(&row), r->action == CHANGE_DELETED);
	buf_free(&row);
}

static void
changes_read(struct play *p, struct cursor *cursor)
{
	struct feed feed = feed_of(p, CURSOR_CHANGES, 1 + roll(p, 6));
	bool more = true, last = false;

	feed.at = *cursor;
	while (more || !last) {
		last = !more;
		if (!last)
			write_some(p, roll(p, 3));
		if (feed_read(&feed, change_take, p, &more, &p->k.err) != 0) {
			tap_fail(__FILE__, __LINE__, p->k.err.text);
			return;
		}
		if (roll(p, 40) == 0)
			break; /* it comes again later */
	}
	*cursor = feed.at;
	while (more || feed.at.after != cursor->after) { /* to the end of what there is */
		feed.at = *cursor;
		if (feed_read(&feed, change_take, p, &more, &p->k.err) != 0)
			return;
		*cursor = feed.at;
	}
}

TEST("snapshot and changes are the dataset, whatever is written between any two pieces of them")
{
	static struct play p = {.random = 20261123};
	struct cursor cursor;
	int wrong = 0;

	kit_init(&p.k);
	REQUIRE(kit_open(&p.k));
	p.dataset = kit_dataset(&p.k, "M");
	for (int i = 0; i < PLAYS; i++) {
		memset(p.believed, 0, sizeof p.believed);
		cursor = (struct cursor){.of = CURSOR_CHANGES, .dataset = p.dataset};
		old_delete(&p);
		write_some(&p, roll(&p, 20));
		snapshot_read(&p, &cursor);
		for (int n = 0; n < 3; n++) {
			write_some(&p, roll(&p, 10));
			changes_read(&p, &cursor);
			for (int id = 0; id < IDS; id++)
				wrong += p.believed[id] != p.now[id];
		}
	}
	CHECK_INT(wrong, 0);
	kit_finish(&p.k);
}
