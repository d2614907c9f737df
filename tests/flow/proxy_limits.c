/* proxy_limits.c - limits that many share, judged by the provider's own account of what came when.
 *
 * A keeper in memory stands for the store; a proxy that is freed without a last word stands for a killed process. */
#include "proxy_env.h"

#define OK_JSON "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}"
#define PEOPLE 50

static const struct script scripts[] = {{"/a", {{.bytes = OK_JSON}}}, {"/search", {{.bytes = OK_JSON}}}, {0}};

struct row {
	char *key;
	struct buf value;
};
struct shelf {
	struct env *env;
	struct row rows[80];
	size_t n;
	bool deaf; /* nothing becomes durable any more */
};

static void
shelf_put(void *arg, const char *key, struct slice value)
{
	struct shelf *s = arg;
	size_t i = 0;

	while (i < s->n && strcmp(s->rows[i].key, key) != 0)
		i++;
	if (i == s->n)
		s->rows[s->n++].key = xstrdup(key);
	buf_clear(&s->rows[i].value);
	buf_slice(&s->rows[i].value, value);
}

static void
shelf_save(void *arg)
{
	struct shelf *s = arg;

	if (s->deaf)
		return;
	proxy_limits_write(s->env->proxy, false, shelf_put, s);
	proxy_limits_saved(s->env->proxy);
}

static void
shelf_free(struct shelf *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->rows[i].key);
		buf_free(&s->rows[i].value);
	}
}

/* The most that the provider saw in any span. */
static unsigned
busiest(struct server *s, int64_t span)
{
	unsigned most = 0, n = server_count(s);

	for (unsigned i = 0; i < n; i++) {
		unsigned k = 0;

		for (unsigned j = 0; j < n; j++)
			k += s->seen[j].at_ms >= s->seen[i].at_ms && s->seen[j].at_ms < s->seen[i].at_ms + span;
		most = k > most ? k : most;
	}
	return most;
}

static struct proxy_target *
person(struct env *e, unsigned i)
{
	char name[32];
	struct proxy_target_options o = {
	        .base_trusted = true, .name = name, .base_url = e->base, .limit_key = "shop", .rate_n = 10, .rate_ms = 1000};
	struct err err = {0};

	snprintf(name, sizeof name, "p%u : shop", i);
	return proxy_target_new(e->proxy, &o, &err);
}

static struct proxy_request
get(const char *path)
{
	return (struct proxy_request){.endpoint = slice_str(path)};
}

static void
restart(struct env *e, struct shelf *s)
{
	struct proxy_options o = {.clock = &e->clock, .random_seed = 9};
	struct err err = {0};

	if (e->proxy)
		proxy_free(e->proxy);
	e->proxy = proxy_new(&e->loop, &o, &err);
	for (size_t i = 0; i < s->n; i++)
		proxy_limit_read(e->proxy, s->rows[i].key, buf_view(&s->rows[i].value));
	proxy_limits_keep(e->proxy, shelf_save, s);
}

TEST("fifty connections share 10/s: never more in any second, killed in between too, and a greedy one starves nobody")
{
	static struct got first[PEOPLE], greedy[100], again[PEOPLE];
	struct proxy_target *people[PEOPLE], *eater;
	struct env e;
	struct shelf shelf = {.env = &e};
	unsigned done = 0, eaten = 0;

	env_open(&e, scripts, NULL);
	restart(&e, &shelf);
	eater = person(&e, PEOPLE);
	for (size_t i = 0; i < LENGTH(greedy); i++)
		send_to(eater, get("/a"), &greedy[i]);
	for (unsigned i = 0; i < PEOPLE; i++) {
		people[i] = person(&e, i);
		send_to(people[i], get("/a"), &first[i]);
	}
	for (unsigned i = 0; i < 25; i++)
		env_wait(&e, &first[i]);
	shelf.deaf = true; /* killed: what was not saved is not */
	proxy_free(e.proxy);
	e.proxy = NULL;
	for (unsigned i = 0; i < PEOPLE; i++) {
		done += first[i].err.cls == ERR_NONE;
		proxy_target_free(people[i]);
	}
	for (size_t i = 0; i < LENGTH(greedy); i++)
		eaten += greedy[i].err.cls == ERR_NONE;
	proxy_target_free(eater);
	CHECK(done >= 25 && eaten < 25); /* it took what was free before the others came, then its turns */
	shelf.deaf = false;
	restart(&e, &shelf);
	for (unsigned i = 0; i < PEOPLE; i++) {
		people[i] = person(&e, i);
		send_to(people[i], get("/a"), &again[i]);
	}
	for (unsigned i = 0; i < 25; i++)
		env_wait(&e, &again[i]);
	printf("# busiest second: %u, requests: %u, greedy: %u of the first %u\n", busiest(e.server, 1000),
	       server_count(e.server), eaten, eaten + done);
	CHECK(busiest(e.server, 1000) <= 10);
	CHECK(server_count(e.server) >= 50);
	proxy_free(e.proxy);
	e.proxy = NULL;
	for (unsigned i = 0; i < PEOPLE; i++)
		proxy_target_free(people[i]);
	env_close(&e);
	shelf_free(&shelf);
}

TEST("a request waits for its group without holding up others, and the wait names it")
{
	static const struct proxy_limit limits[] = {{.key = "g : search", .match = "GET /search*", .n = 1, .per_ms = 60000}};
	struct env e;
	struct got one = {0}, two = {0}, other = {0};
	const char *what = NULL;
	int64_t until = 0;

	env_open(&e, scripts, NULL);
	env_target(&e, &(struct proxy_target_options){
	                       .base_trusted = true, .rate_n = 100, .rate_ms = 1000, .limits = limits, .n_limits = 1});
	send_to(e.target, get("/search"), &one);
	env_wait(&e, &one);
	send_to(e.target, get("/search"), &two);
	send_to(e.target, get("/a"), &other);
	env_wait(&e, &other);
	CHECK_INT(two.times, 0);
	CHECK_INT(proxy_waiting_for(two.call, &until, &what), WAIT_RATE);
	CHECK_STR(what, "g : search");
	CHECK(until > env_wall(&e) + 50000000);
	e.ahead_ms += 61000;
	proxy_poke(e.proxy);
	env_wait(&e, &two);
	CHECK_INT(two.status, 200);
	env_close(&e);
}

TEST("a quota that is used up says so at once and until when, and is still used up after a restart")
{
	static const struct proxy_limit limits[] = {{.key = "q : quota", .n = 5, .per_ms = 86400000, .quota = true}};
	static const struct proxy_target_options o = {.base_trusted = true, .limits = limits, .n_limits = 1};
	struct env e;
	struct shelf shelf = {.env = &e};
	struct got got[7] = {{0}};
	int64_t day = 86400000, wall;

	env_open(&e, scripts, NULL);
	wall = env_wall(&e) / 1000;
	e.ahead_ms += day - wall % day + 3600000; /* an hour past midnight, whatever the hour is here */
	restart(&e, &shelf);
	env_target(&e, &o);
	for (int i = 0; i < 6; i++) {
		send_to(e.target, get("/a"), &got[i]);
		env_wait(&e, &got[i]);
		CHECK_INT(got[i].err.cls, i < 5 ? ERR_NONE : ERR_RATE);
	}
	CHECK_HAS(got[5].err.text, "quota of 5 requests per");
	CHECK_HAS(got[5].err.text, "is used up until");
	CHECK_INT((got[5].retry_at_us + 500000) / 1000000, (env_wall(&e) / 1000 / day + 1) * day / 1000);
	proxy_target_free(e.target);
	restart(&e, &shelf);
	env_target(&e, &o);
	send_to(e.target, get("/a"), &got[6]);
	env_wait(&e, &got[6]);
	CHECK_INT(got[6].err.cls, ERR_RATE);
	CHECK_INT(server_count(e.server), 5);
	env_close(&e);
	shelf_free(&shelf);
}
