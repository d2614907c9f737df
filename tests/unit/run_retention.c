/* Retention: what is old goes by itself, a bounded step a turn; the newest run, and what is under way, never. */
#include "run/retention.h"
#include "store_kit.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define DAY_MS (INT64_C(86400) * 1000)

/* A run's record; days: how long ago it ended. status "running": it has not. */
static void
run_put(struct kit *k, uint64_t run, int days, const char *status, unsigned lines)
{
	struct commit *c = kit_commit(k);
	char time[TIME_TEXT_MAX], text[256];

	time_format(k->now_us - days * DAY_US, time);
	snprintf(text, sizeof text, "{\"status\":\"%s\",\"%s\":\"%s\"}", status,
	         strcmp(status, "running") == 0 || strcmp(status, "interrupted") == 0 ? "started_at" : "finished_at", time);
	commit_run(c, run, slice_str(text));
	commit_step(c, run, 1, SLICE("{}"));
	for (unsigned i = 0; i < lines; i++)
		commit_log(c, run, SLICE("{\"msg\":\"a line of a hundred bytes, so that pages of the file are filled by a few dozens of them\"}"));
	kit_wait(k, c);
}

static bool
number_add(void *arg, uint64_t run, struct slice json)
{
	struct buf *b = arg;

	(void)json;
	buf_printf(b, "%s%llu", b->len ? " " : "", (unsigned long long)run);
	return true;
}

#define CHECK_RUNS(k, wanted)                                                                                          \
	do {                                                                                                           \
		struct buf got = {0};                                                                                  \
		store_runs_oldest((k)->s, 0, 1000, number_add, &got, &(k)->err);                                       \
		CHECK_STR(buf_str(&got), wanted);                                                                      \
		buf_free(&got);                                                                                        \
	} while (0)

static uint64_t
lines(struct kit *k, uint64_t run)
{
	uint64_t first, last;

	return store_log_span(k->s, run, &first, &last) ? last - first + 1 : 0;
}

static bool
step_count(void *arg, uint64_t step, struct slice json)
{
	(void)step;
	(void)json;
	++*(int *)arg;
	return true;
}

struct waited {
	bool done, more;
};

static void
turn_done(void *arg, bool more)
{
	struct waited *w = arg;

	w->done = true;
	w->more = more;
}

/* A whole round; how many turns it took. */
static int
round_do(struct kit *k, const struct host_settings *keep)
{
	struct retention *r = retention_new(k->s);
	struct waited w = {.more = true};
	int turns = 0;

	for (; w.more && turns < 1000; turns++) {
		w.done = false;
		retention_turn(r, keep, k->now_us, turn_done, &w);
		if (!w.done)
			store_drain(k->s);
		if (!w.done)
			break;
	}
	CHECK(w.done && !w.more);
	retention_free(r);
	return turns;
}

TEST("old runs go with their steps and lines, younger ones and the newest stay")
{
	const struct host_settings keep = {.keep_runs_ms = 90 * DAY_MS};
	struct kit k;
	int steps = 0;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	run_put(&k, 1, 100, "success", 3);
	run_put(&k, 2, 80, "success", 3);
	run_put(&k, 3, 91, "error", 3);
	run_put(&k, 4, 100, "success", 3);
	round_do(&k, &keep);
	CHECK_RUNS(&k, "2 4");
	CHECK_INT(lines(&k, 1) + lines(&k, 3), 0);
	CHECK_INT(lines(&k, 2) + lines(&k, 4), 6);
	store_steps(k.s, 1, 0, 10, step_count, &steps, &k.err);
	CHECK_INT(steps, 0);
	REQUIRE(kit_reopen(&k));
	CHECK_INT(store_run_next(k.s), 5);
	k.now_us += 11 * DAY_US;
	round_do(&k, &keep);
	CHECK_RUNS(&k, "4");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a run that STATE_RUN names stays with its lines, however old; an interrupted one that none names goes")
{
	const struct host_settings keep = {.keep_runs_ms = DAY_MS, .keep_logs_ms = DAY_MS, .max_log_bytes = 1};
	struct commit *c;
	struct kit k;
	uint32_t scope;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	scope = kit_scope(&k, "S");
	run_put(&k, 1, 9, "interrupted", 2);
	run_put(&k, 2, 9, "error", 2); /* to be gone on with */
	run_put(&k, 3, 9, "running", 2);
	run_put(&k, 4, 0, "success", 2);
	c = kit_commit(&k);
	commit_state_set(c, scope, STATE_RUN, SLICE(""), SLICE("{\"run\":2}"));
	kit_wait(&k, c);
	round_do(&k, &keep);
	CHECK_RUNS(&k, "2 3 4");
	CHECK_INT(lines(&k, 2), 2);
	c = kit_commit(&k);
	commit_state_clear(c, scope, STATE_RUN, SLICE(""));
	kit_wait(&k, c);
	round_do(&k, &keep);
	CHECK_RUNS(&k, "3 4");
	kit_finish(&k);
}

TEST("lines go before their runs: by age, and the newest run's too")
{
	const struct host_settings keep = {.keep_runs_ms = 90 * DAY_MS, .keep_logs_ms = 30 * DAY_MS};
	struct kit k;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	run_put(&k, 1, 31, "success", 5);
	run_put(&k, 2, 29, "success", 5);
	run_put(&k, 3, 31, "success", 5);
	round_do(&k, &keep);
	CHECK_RUNS(&k, "1 2 3");
	CHECK_INT(lines(&k, 1), 0);
	CHECK_INT(lines(&k, 2), 5);
	CHECK_INT(lines(&k, 3), 0);
	kit_finish(&k);
}

TEST("when lines take too much room the oldest run's go first, in bounded steps, until they fit")
{
	const struct host_settings keep = {.max_log_bytes = 256 << 10};
	struct kit k;
	int turns;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	for (uint64_t run = 1; run <= 8; run++)
		run_put(&k, run, 0, "success", 1500);
	CHECK(store_log_bytes(k.s) > 1 << 20);
	turns = round_do(&k, &keep);
	CHECK(store_log_bytes(k.s) <= 256 << 10);
	CHECK(store_log_bytes(k.s) > 128 << 10);
	CHECK(turns > 12 && turns < 30);
	CHECK_INT(lines(&k, 1) + lines(&k, 2) + lines(&k, 3), 0);
	CHECK(lines(&k, 8) >= 1000);
	CHECK_RUNS(&k, "1 2 3 4 5 6 7 8");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static void
letter_put(struct kit *k, uint32_t scope, uint32_t d, const char *id)
{
	struct commit *c = kit_commit(k);

	commit_dead(c, &(struct dead_letter){.scope = scope, .dataset = d, .model = SLICE("M"), .id = slice_str(id), .raw = SLICE("{}"), .reason = SLICE("bad")});
	kit_wait(k, c);
}

static bool
letter_add(void *arg, const struct dead_info *d)
{
	return number_add(arg, d->number, SLICE(""));
}

TEST("settled letters go, open ones stay; of more than one step's too")
{
	const struct host_settings keep = {.keep_letters_ms = 90 * DAY_MS};
	struct buf got = {0};
	struct commit *c;
	struct kit k;
	uint32_t scope, d;
	char id[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	scope = kit_scope(&k, "S");
	d = kit_dataset(&k, "M");
	for (int i = 1; i <= 250; i++) {
		snprintf(id, sizeof id, "%d", i);
		letter_put(&k, scope, d, id);
	}
	c = kit_commit(&k);
	for (uint64_t i = 2; i <= 248; i++)
		commit_dead_change(c, i, DEAD_SETTLE, SLICE("test"));
	kit_wait(&k, c);
	k.now_us += 89 * DAY_US;
	c = kit_commit(&k);
	commit_dead_change(c, 249, DEAD_SETTLE, SLICE("test"));
	kit_wait(&k, c);
	round_do(&k, &keep);
	CHECK(store_dead(k.s, 0, 0, 300, letter_add, &got, &k.err) == 0 && got.len > 500);
	k.now_us += 2 * DAY_US;
	round_do(&k, &keep);
	buf_clear(&got);
	CHECK(store_dead(k.s, 0, 0, 300, letter_add, &got, &k.err) == 0);
	CHECK_STR(buf_str(&got), "1 249 250");
	CHECK_INT(store_dead_count(k.s, 0), 2);
	CHECK(kit_verify(&k));
	buf_free(&got);
	kit_finish(&k);
}

static bool
parked_add(void *arg, const struct outbox_event *e)
{
	return number_add(arg, e->number, SLICE(""));
}

TEST("events that were given up go when they are old, of more than one step's too; those that wait stay")
{
	const struct host_settings keep = {.keep_letters_ms = 90 * DAY_MS};
	struct outbox_query parked = {.parked = true, .limit = 300};
	struct buf got = {0};
	struct commit *c;
	struct kit k;
	uint32_t d;
	char id[16];

	kit_init(&k);
	REQUIRE(kit_open(&k));
	CHECK(store_outbox_rules(k.s, &(struct outbox_rule){.name = "crm", .wants = OUTBOX_CREATED, .batch = 1}, 1, &k.err) == 0);
	parked.endpoint = store_outbox_endpoint(k.s, "crm");
	d = kit_dataset(&k, "M");
	c = kit_commit(&k);
	for (int i = 1; i <= 250; i++) {
		snprintf(id, sizeof id, "%d", i);
		kit_put(&k, c, d, id, "{}");
	}
	kit_wait(&k, c);
	c = kit_commit(&k);
	for (uint64_t i = 1; i <= 247; i++)
		commit_outbox_park(c, parked.endpoint, i, SLICE("test"));
	kit_wait(&k, c);
	k.now_us += 89 * DAY_US;
	c = kit_commit(&k);
	commit_outbox_park(c, parked.endpoint, 248, SLICE("test"));
	kit_wait(&k, c);
	k.now_us += 2 * DAY_US;
	round_do(&k, &keep);
	CHECK(store_outbox_list(k.s, &parked, parked_add, &got, &k.err) == 0);
	CHECK_STR(buf_str(&got), "248");
	parked.parked = false;
	buf_clear(&got);
	CHECK(store_outbox_list(k.s, &parked, parked_add, &got, &k.err) == 0);
	CHECK_STR(buf_str(&got), "249 250");
	CHECK(kit_verify(&k));
	buf_free(&got);
	kit_finish(&k);
}

TEST("tombstones stay for ever unless keep_deleted says otherwise")
{
	struct host_settings keep = {.keep_runs_ms = 1, .keep_logs_ms = 1, .keep_letters_ms = 1, .max_log_bytes = 1};
	struct kit k;
	uint32_t a, b;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_dataset(&k, "A");
	b = kit_dataset(&k, "B");
	kit_save(&k, a, "1", "{}");
	kit_save(&k, b, "1", "{}");
	kit_save(&k, b, "2", "{}");
	kit_delete(&k, a, "1");
	kit_delete(&k, b, "1");
	k.now_us += 10 * DAY_US;
	kit_delete(&k, b, "2");
	round_do(&k, &keep);
	CHECK_INT(kit_info(&k, a).gone + kit_info(&k, b).gone, 3);
	keep.keep_deleted_ms = 5 * DAY_MS;
	round_do(&k, &keep);
	CHECK_INT(kit_info(&k, a).gone, 0);
	CHECK_INT(kit_info(&k, b).gone, 1);
	CHECK(kit_record(&k, b, "2").found);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("a round left in the middle is taken back by nobody, and freeing it waits for its commit")
{
	const struct host_settings keep = {.keep_runs_ms = 1};
	struct retention *r;
	struct waited w = {0};
	struct kit k;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	run_put(&k, 1, 1, "success", 1);
	run_put(&k, 2, 1, "success", 1);
	r = retention_new(k.s);
	retention_turn(r, &keep, k.now_us, turn_done, &w);
	CHECK(!w.done);
	retention_free(r);
	CHECK(!w.done);
	CHECK_RUNS(&k, "2");
	kit_finish(&k);
}
