/* webhooks.c - webhooks out, from the outbox to a receiver's socket: a real store, real connections, and a clock that is moved.
 *
 * The host stands in this process. Waits of minutes and days are met by moving its wall clock; real time passes only for what
 * sockets and the disk need. */
#include <sys/stat.h>
#include <unistd.h>
#include "../tap.h"
#include "../receiver.h"
#include "base/log.h"
#include "base/mem.h"
#include "deliver/deliver.h"
#include "deliver/signature.h"
#include "serve/query.h"

#define SECOND_US INT64_C(1000000)
#define HOUR_US (3600 * SECOND_US)
#define PATIENCE_MS 20000 /* of a loaded machine */
#define QUIET_MS 150      /* in which nothing may happen */
#define WANTS_ALERT 256

struct bed {
	char *dir;
	struct clock clock;
	int64_t moved_us;
	uv_loop_t loop;
	uv_timer_t tick;
	struct settings *settings;
	struct host *host;
	struct deliver *deliver;
};

static int64_t
bed_mono(void *arg)
{
	(void)arg;
	return clock_mono_ms(&clock_system);
}

static int64_t
bed_wall(void *arg)
{
	return clock_wall_us(&clock_system) + ((const struct bed *)arg)->moved_us;
}

static void
tick_nothing(uv_timer_t *timer)
{
	(void)timer;
}

static void
bed_write(const struct bed *b, const char *sections)
{
	char *path = xasprintf("%s/sluice.ini", b->dir);
	FILE *f = fopen(path, "w");

	fprintf(f, "[host]\ndata_dir = %s/store\nplugin_dir = %s\ncommit_delay = 0s\n%s", b->dir, b->dir, sections);
	fclose(f);
	free(path);
}

static struct settings *
bed_load(const struct bed *b)
{
	char *path = xasprintf("%s/sluice.ini", b->dir);
	const struct settings_source from = {.conf = path};
	struct err err = {0};
	struct settings *s = settings_load(&from, &err);

	CHECK_STR(err.text, "");
	free(path);
	return s;
}

static bool
bed_begin(struct bed *b)
{
	struct deliver_options o = {.loop = &b->loop, .tick_ms = 5};
	struct err err = {0};

	o.host = b->host = host_new(&(struct host_options){.loop = &b->loop, .clock = &b->clock, .settings = b->settings}, &err);
	b->deliver = b->host ? deliver_new(&o, &err) : NULL;
	CHECK_STR(err.text, "");
	return b->deliver != NULL;
}

static void
bed_open(struct bed *b, const char *sections)
{
	char dir[] = "/tmp/sluice-webhooks-XXXXXX";

	log_setup(2, LOG_ERROR, LOG_TEXT);
	*b = (struct bed){.clock = {bed_mono, bed_wall, b}};
	b->dir = xstrdup(mkdtemp(dir));
	bed_write(b, sections);
	b->settings = bed_load(b);
	uv_loop_init(&b->loop);
	uv_timer_init(&b->loop, &b->tick);
	uv_timer_start(&b->tick, tick_nothing, 5, 5);
	REQUIRE(b->settings && bed_begin(b));
}

static void
bed_stop(struct bed *b)
{
	deliver_free(b->deliver);
	host_free(b->host);
}

static void
bed_close(struct bed *b)
{
	char *command = xasprintf("rm -rf %s", b->dir);

	bed_stop(b);
	settings_free(b->settings);
	uv_close((uv_handle_t *)&b->tick, NULL);
	uv_run(&b->loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&b->loop), 0);
	CHECK_INT(system(command), 0);
	free(command);
	free(b->dir);
}

static void
bed_turn(struct bed *b, int64_t ms)
{
	for (long long began = receiver_ms(); receiver_ms() - began < ms;)
		uv_run(&b->loop, UV_RUN_ONCE);
}

/* Until r has got n events; the clock stands. */
static bool
bed_until(struct bed *b, const struct receiver *r, int n)
{
	for (long long began = receiver_ms(); receiver_count(r) < n && receiver_ms() - began < PATIENCE_MS;)
		uv_run(&b->loop, UV_RUN_ONCE);
	return receiver_count(r) >= n;
}

/* The clock goes on by these, and nothing that is not due happens. */
static void
bed_move(struct bed *b, int64_t us)
{
	b->moved_us += us;
}

static void
events_put(struct bed *b, int from, int n)
{
	struct commit *c = commit_new(host_store(b->host), (struct fence){0, 0});
	struct err err = {0};

	for (int i = from; i < from + n; i++) {
		char *body = xasprintf("{\"type\":\"alert\",\"data\":{\"n\":%d,\"text\":\"\\u00e4 / \xc3\xa4\"}}", i);

		commit_event(c, &(struct event){.wants = WANTS_ALERT, .type = "alert", .body = slice_str(body)});
		free(body);
	}
	CHECK_INT(store_commit_wait(host_store(b->host), c, NULL, &err), 0);
}

static int
number_in(const struct received *e)
{
	const char *n = strstr(e->body, "\"n\":");

	return n ? atoi(n + 4) : -1;
}

struct look {
	const char *name;
	enum deliver_state state;
	struct standing standing;
	uint64_t pending, parked;
	bool found, trouble;
};

static bool
look_at(void *arg, const struct deliver_view *v)
{
	struct look *l = arg;

	if (strcmp(v->name, l->name) != 0)
		return true;
	l->found = true;
	l->state = v->state;
	l->standing = *v->standing;
	l->pending = v->outbox.pending;
	l->parked = v->outbox.parked;
	l->trouble = v->trouble != NULL;
	return false;
}

static struct look
looked(struct bed *b, const char *name)
{
	struct look l = {.name = name};
	struct err err = {0};

	deliver_each(b->host, look_at, &l, &err);
	return l;
}

static bool
bed_until_state(struct bed *b, const char *name, enum deliver_state state)
{
	long long began = receiver_ms();

	while (looked(b, name).state != state && receiver_ms() - began < PATIENCE_MS)
		uv_run(&b->loop, UV_RUN_ONCE);
	return looked(b, name).state == state;
}

static void
row_none(void *arg, struct slice json)
{
	(void)arg;
	(void)json;
}

static int
asked(struct bed *b, const char *question)
{
	const struct query_sink sink = {row_none, NULL};
	struct buf end = {0};
	struct err err = {0};
	int rc = query_answer(b->host, slice_str(question), &sink, &end, &err);

	if (rc != 0)
		printf("# %s: %s\n", question, err.text);
	buf_free(&end);
	return rc;
}

static char *
section(const char *name, const struct receiver *r, const char *more)
{
	return xasprintf("[webhook %s]\nurl = http://127.0.0.1:%u/h\nsecret = s3cret-of-%s\nevents = alert\n%s\n", name, r->port, name,
	                 more ? more : "");
}

TEST("events go out in order, once each, and both signatures are over the bytes that came")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, "nango_secret = 3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f");
	struct secret *secret = secret_new(SLICE("s3cret-of-app")), *nango = secret_new(SLICE("3f4ff4ee-1d4c-4ef4-9f6b-2b4f1c2d3e4f"));
	const struct signing by = {.secret = secret, .nango = nango};
	struct bed b;

	bed_open(&b, ini);
	events_put(&b, 0, 100);
	CHECK(bed_until(&b, r, 100));
	CHECK(bed_until_state(&b, "app", DELIVER_IDLE));
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 100);
	for (int i = 0; i < receiver_count(r); i++) {
		const struct received *e = receiver_at(r, i);
		struct signatures s;
		struct err err;

		CHECK_INT(number_in(e), i);
		CHECK(strncmp(e->id, "evt_", 4) == 0 && (i == 0 || strcmp(e->id, receiver_at(r, i - 1)->id) != 0));
		CHECK_INT(signatures_make(&s, &by, slice_str(e->id), atoll(e->seconds), slice_of(e->body, e->len), &err), 0);
		CHECK_STR(e->signature, buf_str(&s.standard));
		CHECK_STR(e->hmac, s.hmac);
		CHECK_STR(e->hash, s.hash);
		buf_free(&s.standard);
	}
	CHECK_INT(receiver_at(r, 99)->connection, 1);
	CHECK_INT(looked(&b, "app").standing.delivered, 100);
	CHECK_INT(looked(&b, "app").pending, 0);
	bed_close(&b);
	secret_free(secret);
	secret_free(nango);
	free(ini);
	receiver_free(r);
}

TEST("one that fails is tried again by its pace, with the same id; those behind it wait")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, NULL);
	struct look l;
	struct bed b;

	receiver_mode(r, RECEIVE_STATUS, 500, NULL);
	bed_open(&b, ini);
	events_put(&b, 0, 3);
	CHECK(bed_until(&b, r, 1));
	CHECK(bed_until_state(&b, "app", DELIVER_WAITING));
	bed_move(&b, 3 * SECOND_US);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 1);
	bed_move(&b, 4 * SECOND_US);
	CHECK(bed_until(&b, r, 2));
	bed_turn(&b, QUIET_MS);
	receiver_mode(r, RECEIVE_OK, 0, NULL);
	bed_move(&b, 20 * SECOND_US);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 2);
	bed_move(&b, 20 * SECOND_US);
	CHECK(bed_until(&b, r, 5));
	for (int i = 0; i < 3; i++)
		CHECK_STR(receiver_at(r, i)->id, receiver_at(r, 0)->id);
	for (int i = 2; i < 5; i++)
		CHECK_INT(number_in(receiver_at(r, i)), i - 2);
	CHECK(strcmp(receiver_at(r, 0)->seconds, receiver_at(r, 2)->seconds) != 0);
	CHECK(bed_until_state(&b, "app", DELIVER_IDLE));
	CHECK_INT(looked(&b, "app").standing.pace.failures, 0);
	l = looked(&b, "app");
	CHECK_INT(standing_late(&l.standing, 2)->attempts, 3);
	bed_close(&b);
	free(ini);
	receiver_free(r);
}

TEST("a restart goes on with attempts and waits, and does not storm")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, NULL);
	struct bed b;

	receiver_mode(r, RECEIVE_STATUS, 500, NULL);
	bed_open(&b, ini);
	events_put(&b, 0, 2);
	for (int i = 1; i <= 6; i++) { /* 5 s, 30 s, 2 m, 10 m, 30 m: five waits, then one of an hour */
		CHECK(bed_until(&b, r, i));
		CHECK(bed_until_state(&b, "app", i < PACE_OPEN ? DELIVER_WAITING : DELIVER_OPEN));
		if (i < 6)
			bed_move(&b, 45 * 60 * SECOND_US);
	}
	bed_stop(&b);
	REQUIRE(bed_begin(&b));
	CHECK_INT(looked(&b, "app").standing.pace.failures, 6);
	CHECK_INT(looked(&b, "app").state, DELIVER_OPEN);
	bed_move(&b, 40 * 60 * SECOND_US);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 6);
	receiver_mode(r, RECEIVE_OK, 0, NULL);
	bed_move(&b, 40 * 60 * SECOND_US);
	CHECK(bed_until(&b, r, 8)); /* the probe, and at once what was behind it */
	CHECK_STR(receiver_at(r, 6)->id, receiver_at(r, 0)->id);
	CHECK(bed_until_state(&b, "app", DELIVER_IDLE));
	bed_close(&b);
	free(ini);
	receiver_free(r);
}

TEST("after give_up an event is parked, and the next has its turn; a person puts it back to the end, with its id")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, "give_up = 1h");
	struct bed b;

	receiver_mode(r, RECEIVE_STATUS, 400, NULL);
	bed_open(&b, ini);
	events_put(&b, 0, 3);
	CHECK(bed_until(&b, r, 1));
	CHECK(bed_until_state(&b, "app", DELIVER_WAITING));
	bed_turn(&b, QUIET_MS);
	bed_move(&b, HOUR_US + SECOND_US);
	CHECK(bed_until(&b, r, 2));
	for (int i = 0; i < 3000 && looked(&b, "app").parked == 0; i++)
		bed_turn(&b, 10);
	CHECK_INT(looked(&b, "app").parked, 1);
	CHECK_INT(looked(&b, "app").pending, 2);
	receiver_mode(r, RECEIVE_OK, 0, NULL);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 2); /* the circuit knows: the next one waits its time as well */
	bed_move(&b, 60 * SECOND_US);
	CHECK(bed_until(&b, r, 4));
	CHECK_INT(number_in(receiver_at(r, 2)), 1);
	CHECK_INT(number_in(receiver_at(r, 3)), 2);
	CHECK_INT(asked(&b, "{\"query\":\"retry_deliveries\",\"endpoint\":\"app\",\"parked\":true}"), 0);
	CHECK(bed_until(&b, r, 5));
	CHECK_STR(receiver_at(r, 4)->id, receiver_at(r, 0)->id);
	CHECK(bed_until_state(&b, "app", DELIVER_IDLE));
	CHECK_INT(looked(&b, "app").parked, 0);
	bed_close(&b);
	free(ini);
	receiver_free(r);
}

TEST("410 switches an endpoint off, over a restart too, until a person says so, or a reload")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, NULL);
	struct settings *now;
	struct bed b;

	receiver_mode(r, RECEIVE_STATUS, 410, NULL);
	bed_open(&b, ini);
	events_put(&b, 0, 1);
	CHECK(bed_until(&b, r, 1));
	CHECK(bed_until_state(&b, "app", DELIVER_GONE));
	bed_turn(&b, QUIET_MS);
	bed_stop(&b);
	REQUIRE(bed_begin(&b));
	bed_move(&b, 48 * HOUR_US);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(r), 1);
	CHECK_INT(asked(&b, "{\"query\":\"retry_deliveries\",\"endpoint\":\"app\"}"), 0);
	CHECK(bed_until(&b, r, 2));
	CHECK(bed_until_state(&b, "app", DELIVER_GONE));
	receiver_mode(r, RECEIVE_OK, 0, NULL);
	now = bed_load(&b);
	host_settings_replace(b.host, settings_hold(now));
	deliver_settled(b.deliver);
	CHECK(bed_until(&b, r, 3));
	CHECK_STR(receiver_at(r, 2)->id, receiver_at(r, 0)->id);
	settings_free(now);
	bed_close(&b);
	free(ini);
	receiver_free(r);
}

TEST("a Retry-After is kept to; endpoints know nothing of each other")
{
	struct receiver *slow = receiver_new(), *busy = receiver_new(), *good = receiver_new();
	char *a = section("slow", slow, "timeout = 1s"), *c = section("busy", busy, NULL), *g = section("good", good, NULL);
	char *ini = xasprintf("%s%s%s", a, c, g);
	struct bed b;

	receiver_mode(slow, RECEIVE_TARPIT, 0, NULL);
	receiver_mode(busy, RECEIVE_STATUS, 429, "Retry-After: 600");
	bed_open(&b, ini);
	events_put(&b, 0, 50);
	CHECK(bed_until(&b, good, 50));
	CHECK(bed_until(&b, slow, 1));
	CHECK_INT(receiver_count(busy), 1);
	CHECK(bed_until_state(&b, "slow", DELIVER_WAITING));
	CHECK_HAS(looked(&b, "slow").standing.reason, "in time");
	bed_move(&b, 570 * SECOND_US);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(busy), 1);
	receiver_mode(busy, RECEIVE_OK, 0, NULL);
	bed_move(&b, 31 * SECOND_US);
	CHECK(bed_until(&b, busy, 51));
	bed_close(&b);
	free(a);
	free(c);
	free(g);
	free(ini);
	receiver_free(slow);
	receiver_free(busy);
	receiver_free(good);
}

TEST("a reload takes another address, another secret, and an endpoint less, also while its receiver owes an answer")
{
	struct receiver *one = receiver_new(), *two = receiver_new();
	char *before = section("app", one, NULL), *ini = xasprintf("%sactive = no\n", before), *after = section("app", two, "timeout = 500ms");
	struct settings *now;
	struct bed b;

	bed_open(&b, ini);
	events_put(&b, 0, 2);
	bed_turn(&b, QUIET_MS);
	CHECK_INT(receiver_count(one), 0);
	CHECK_INT(looked(&b, "app").state, DELIVER_OFF);
	bed_write(&b, after);
	now = bed_load(&b);
	host_settings_replace(b.host, settings_hold(now));
	deliver_settled(b.deliver);
	CHECK(bed_until(&b, two, 2));
	CHECK_INT(receiver_count(one), 0);
	settings_free(now);
	receiver_mode(two, RECEIVE_TARPIT, 0, NULL); /* its section goes while it owes an answer */
	events_put(&b, 2, 1);
	CHECK(bed_until(&b, two, 3));
	bed_write(&b, "");
	now = bed_load(&b);
	host_settings_replace(b.host, settings_hold(now));
	deliver_settled(b.deliver);
	CHECK_INT(looked(&b, "app").state, DELIVER_LEFT);
	for (int i = 0; i < 3000 && looked(&b, "app").standing.pace.failures == 0; i++)
		bed_turn(&b, 10);
	CHECK_INT(looked(&b, "app").standing.pace.failures, 1);
	CHECK_INT(looked(&b, "app").pending, 1);
	settings_free(now);
	bed_close(&b);
	free(before);
	free(ini);
	free(after);
	receiver_free(one);
	receiver_free(two);
}

TEST("events are dropped by number or all; a stop waits for the answer under way")
{
	struct receiver *r = receiver_new();
	char *ini = section("app", r, NULL);
	struct bed b;
	long long began;

	receiver_mode(r, RECEIVE_STATUS, 500, NULL);
	bed_open(&b, ini);
	events_put(&b, 0, 5);
	CHECK(bed_until(&b, r, 1));
	CHECK(bed_until_state(&b, "app", DELIVER_WAITING));
	bed_turn(&b, QUIET_MS);
	CHECK_INT(asked(&b, "{\"query\":\"drop_deliveries\",\"numbers\":[1]}"), 0);
	CHECK_INT(looked(&b, "app").pending, 4);
	CHECK_INT(asked(&b, "{\"query\":\"drop_deliveries\",\"pending\":true}"), 0);
	CHECK_INT(looked(&b, "app").pending, 0);
	CHECK(asked(&b, "{\"query\":\"drop_deliveries\",\"endpoint\":\"ap\",\"pending\":true}") != 0);
	receiver_mode(r, RECEIVE_TARPIT, 0, NULL);
	events_put(&b, 5, 1);
	CHECK_INT(asked(&b, "{\"query\":\"retry_deliveries\"}"), 0);
	CHECK(bed_until(&b, r, 2));
	deliver_stop(b.deliver);
	CHECK(!deliver_idle(b.deliver));
	for (began = receiver_ms(); !deliver_idle(b.deliver) && receiver_ms() - began < PATIENCE_MS;)
		uv_run(&b.loop, UV_RUN_ONCE);
	CHECK(deliver_idle(b.deliver));
	CHECK_INT(looked(&b, "app").pending, 1);
	bed_close(&b);
	free(ini);
	receiver_free(r);
}
