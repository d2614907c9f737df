/* campaign.c - kill -9 of the host or a worker, at any moment of a 10 000-record sync, many times; then the truth is looked for.
 *
 * Each round: the provider changes, drops and adds 1 %; `sluice run` is killed (half at a random time, half at the N-th
 * call of write, fdatasync, sendmsg and the like, counted by the shim); the store must then be sound and no checkpoint
 * ahead of its data; another `sluice run` must end well; the store must then equal the provider's list, record by record;
 * and a consumer of the change feed, who read in between, must have seen each change once and now hold the same.
 * Every eighth round begins with an empty store.
 *
 * The control: the same against a host that commits checkpoints before their records must fail. Seeds are printed;
 * CAMPAIGN_SEED and CAMPAIGN_KILLS (200) repeat one. The control is what shows that this test can fail. */
#define TAP_NO_MAIN
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/json.h"
#include "base/mem.h"
#include "store/store.h"
#include "../tap.h"

enum { RECORDS = 10000 };
#define ALL SIZE_MAX

struct seen {                     /* what the feed's consumer holds of one record */
	char *id;
	uint64_t low, high;       /* its content */
	bool live;
	int shown;                /* by the provider in this round */
};

struct campaign {
	const char *binary;       /* the host under test */
	const char *build;
	const char *sync, *model;
	char dir[64];
	int port;
	pid_t provider;
	uint64_t seed, random;
	struct seen *held;        /* sorted by nothing: a hash table by id */
	size_t cap, n;
	uint64_t cursor;          /* of the consumer */
	long ms;                  /* an undisturbed run takes this long */
	long calls;               /* and makes so many counted calls */
	char wrong[1400];          /* the first violation; empty: none */
};

#define SPAWN_ARGS(v) ((char *const *)(uintptr_t)(v))
#define WRONG(c, ...) do { if (!(c)->wrong[0]) snprintf((c)->wrong, sizeof((c)->wrong), __VA_ARGS__); } while (0)

static uint64_t
random_next(struct campaign *c)
{
	c->random ^= c->random << 13;
	c->random ^= c->random >> 7;
	c->random ^= c->random << 17;
	return c->random;
}

static long
now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* ---- the provider ---- */

static void
http(struct campaign *c, const char *method, const char *path, struct buf *body)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct buf all = {0};
	char piece[65536];
	ssize_t got;

	REQUIRE(connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0);
	dprintf(fd, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method, path);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buf_put(&all, piece, (size_t)got);
	close(fd);
	const char *text = buf_str(&all), *end = strstr(text, "\r\n\r\n");
	REQUIRE(end && strstr(text, " 200 "));
	if (body)
		buf_put(body, end + 4, all.len - (size_t)(end + 4 - text));
	buf_free(&all);
}

static void
provider_start(struct campaign *c)
{
	char program[256], file[128], line[32] = "";

	snprintf(program, sizeof(program), "%s/sluice-provider", c->build);
	snprintf(file, sizeof(file), "%s/port", c->dir);
	const char *argv[] = {program, "--port-file", file, "--exit-with-parent", "--quiet", NULL};
	extern char **environ;
	posix_spawn_file_actions_t to;
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	REQUIRE(posix_spawn(&c->provider, program, &to, NULL, SPAWN_ARGS(argv), environ) == 0);
	posix_spawn_file_actions_destroy(&to);
	for (int i = 0; i < 3000 && !c->port; i++) {
		FILE *f = fopen(file, "r");
		if (f && fgets(line, sizeof(line), f))
			c->port = atoi(line);
		if (f)
			fclose(f);
		usleep(10000);
	}
	REQUIRE(c->port);
	snprintf(program, sizeof(program), "/_control/set?plain.records=%d&plain.size=300", RECORDS);
	http(c, "POST", program, NULL);
}

/* ---- the host ---- */

static void
ini_write(struct campaign *c)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/sluice.ini", c->dir);
	FILE *f = fopen(path, "w");
	REQUIRE(f);
	fprintf(f, "[host]\ndata_dir = %s/store\nplugin_dir = %s/tests/plugins\nworker = %s/sluice-worker\nlog_level = error\nretries = 1\n"
	        "[integration campaign]\nbase_url = http://127.0.0.1:%d\n[connection c : campaign]\n"
	        "[sync c : campaign : %s]\nmax_delete_share = 50%%\n", c->dir, c->build, c->build, c->port, c->sync);
	fclose(f);
}

static pid_t
host_start(struct campaign *c, long kill_at, const char *count_file)
{
	char ini[128], shim[300], at[48], count[200], log[128];
	const char *argv[] = {c->binary, "--conf", ini, "run", "--sync", c->sync, NULL};
	const char *envp[] = {"LC_ALL=C", shim, at, count, "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0", NULL};
	pid_t pid;

	snprintf(ini, sizeof(ini), "%s/sluice.ini", c->dir);
	snprintf(log, sizeof(log), "%s/log", c->dir);
	snprintf(shim, sizeof(shim), kill_at || count_file ? "LD_PRELOAD=%s/tests/plugins/shim.so" : "NOTHING=", c->build);
	snprintf(at, sizeof(at), kill_at ? "SHIM_KILL_AT=%ld" : "NOTHING_AT=", kill_at);
	snprintf(count, sizeof(count), "SHIM_COUNT_FILE=%s", count_file ? count_file : "");
	if (!count_file)
		strcpy(count, "NOTHING_COUNT=");
	posix_spawn_file_actions_t to;
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&to, 2, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	REQUIRE(posix_spawn(&pid, c->binary, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(envp)) == 0);
	posix_spawn_file_actions_destroy(&to);
	return pid;
}

static int
host_wait(pid_t pid, int *status)
{
	long until = now_ms() + 120000;

	while (now_ms() < until) {
		pid_t got = waitpid(pid, status, WNOHANG);
		if (got == pid)
			return 0;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return -1;
}

static void
log_show(struct campaign *c)
{
	char path[128], line[512];

	snprintf(path, sizeof(path), "%s/log", c->dir);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		printf("#   %s", line);
	if (f)
		fclose(f);
}

static void
run_well(struct campaign *c, const char *count_file)
{
	int status = 0;

	if (host_wait(host_start(c, 0, count_file), &status))
		WRONG(c, "the run hung");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		WRONG(c, "the run after the kill ended with %s %d", WIFEXITED(status) ? "exit" : "signal",
		      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		log_show(c);
	}
}

static pid_t
worker_find(pid_t host) /* a child of the host; 0: none now */
{
	char path[64], text[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", host, host);
	FILE *f = fopen(path, "r");
	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	return (pid_t)atoi(text);
}

static void
run_killed(struct campaign *c, uint64_t kind)
{
	int status;
	pid_t pid;

	if (kind % 2) {
		pid = host_start(c, 1 + (long)(random_next(c) % (uint64_t)c->calls), NULL);
	} else {
		pid = host_start(c, 0, NULL);
		usleep((useconds_t)(random_next(c) % (uint64_t)(c->ms * 1000 + 1000)));
		pid_t worker = kind % 6 == 4 ? worker_find(pid) : 0;
		kill(worker > 0 ? worker : pid, SIGKILL);
	}
	if (host_wait(pid, &status))
		WRONG(c, "the killed run hung");
}

/* ---- the truth ---- */

static struct seen *
seen_find(struct campaign *c, struct slice id)
{
	if (c->n * 2 >= c->cap) {
		struct seen *old = c->held;
		size_t cap = c->cap;
		c->cap = cap ? cap * 2 : 32768;
		c->held = xcalloc(c->cap, sizeof(*c->held));
		c->n = 0;
		for (size_t i = 0; i < cap; i++)
			if (old[i].id)
				*seen_find(c, slice_str(old[i].id)) = old[i];
		free(old);
	}
	uint64_t h = 1469598103934665603u;
	for (size_t i = 0; i < id.len; i++)
		h = (h ^ (uint8_t)id.p[i]) * 1099511628211u;
	size_t at = h % c->cap;
	while (c->held[at].id && !slice_is(id, c->held[at].id))
		at = (at + 1) % c->cap;
	if (!c->held[at].id) {
		c->held[at].id = slice_dup(id);
		c->n++;
	}
	return &c->held[at];
}

struct look { struct campaign *c; uint64_t last; };

static bool
consume(void *arg, const struct record *r)
{
	struct look *l = arg;
	struct seen *seen = seen_find(l->c, r->id);
	struct json_hash hash;
	static const struct json_seed seed = {1, 2};

	if (r->sequence <= l->last)
		WRONG(l->c, "feed: sequence %llu after %llu", (unsigned long long)r->sequence, (unsigned long long)l->last);
	l->last = r->sequence;
	json_hash_value(r->json, &seed, &hash);
	bool same = seen->low == hash.low && seen->high == hash.high;
	if (r->action == CHANGE_DELETED ? !seen->live : seen->live && same)
		WRONG(l->c, "feed: %.*s was shown twice as %s", (int)r->id.len, r->id.p, change_name(r->action));
	if ((r->action == CHANGE_ADDED) == seen->live && r->action != CHANGE_DELETED)
		WRONG(l->c, "feed: %.*s came as %s, but was %s", (int)r->id.len, r->id.p, change_name(r->action), seen->live ? "there" : "not there");
	seen->live = r->action != CHANGE_DELETED;
	seen->low = hash.low;
	seen->high = hash.high;
	return true;
}

static void
fault(void *arg, const char *text)
{
	struct campaign *c = arg;
	WRONG(c, "verify: %s", text);
}

static void
note_live(void *arg, const struct dataset_info *i)
{
	uint64_t *live = arg;
	*live = i->live;
}

/* The store after a kill or a run: sound; the consumer reads on; what the checkpoint claims to have listed is noted. */
static void
store_look(struct campaign *c, int64_t *claim)
{
	char dir[128], key[128];
	struct err err = {0};
	struct buf text = {0};
	struct slice value;
	int64_t claimed = 0;
	uint64_t live = 0;
	bool more = true;

	*claim = 0;
	snprintf(dir, sizeof(dir), "%s/store", c->dir);
	snprintf(key, sizeof(key), "%s/store.key", c->dir);
	if (access(dir, F_OK) || access(key, F_OK))
		return; /* killed before there was one */
	struct store_options o = {.dir = dir, .key_file = key};
	struct store *s = NULL;
	/* A host killed while it was starting a worker leaves a child that has the lock until it has become the worker. */
	for (int i = 0; i < 3000 && !(s = store_open(&o, &err)) && err.cls == ERR_BUSY; i++)
		usleep(10000);
	if (!s) {
		WRONG(c, "the store does not open: %s", err.text);
		return;
	}
	if (store_verify(s, fault, c, &err))
		WRONG(c, "verify: %s", err.text);
	struct dataset_name d = {"c", "campaign", c->model, NULL};
	uint32_t dataset = store_dataset_find(s, &d);
	struct scope_name n = {"c", "campaign", c->sync, NULL}, m = {"c", "campaign", NULL, NULL};
	bool meta = strcmp(c->sync, "handmade") == 0;
	uint32_t scope = store_scope_find(s, meta ? &m : &n);
	if (dataset)
		store_dataset_info(s, dataset, note_live, &live);
	if (scope && store_state_get(s, scope, meta ? STATE_METADATA : STATE_CHECKPOINT, SLICE(""), &text) &&
	    json_member(buf_view(&text), "n", &value) && json_int(value, &claimed))
		*claim = claimed;
	if ((uint64_t)claimed > live)
		WRONG(c, "the checkpoint says %lld records, the store has %llu", (long long)claimed, (unsigned long long)live);
	struct look l = {c, c->cursor};
	while (dataset && more && !c->wrong[0]) {
		struct feed_query q = {.dataset = dataset, .after = c->cursor, .limit = 1000};
		if (store_feed(s, &q, consume, &l, &c->cursor, &more, &err)) {
			WRONG(c, "feed: %s", err.text);
			break;
		}
	}
	buf_free(&text);
	store_close(s);
}

struct truth { struct campaign *c; size_t n, limit; };

static bool
compare_item(void *arg, const struct json_item *item)
{
	struct truth *t = arg;
	struct slice id;
	struct json_hash hash;
	static const struct json_seed seed = {1, 2};

	if (t->n >= t->limit || !json_member(item->text, "id", &id))
		return false;
	struct seen *seen = seen_find(t->c, slice_of(id.p + 1, id.len - 2));
	json_hash_value(item->text, &seed, &hash);
	if (!seen->live || seen->low != hash.low || seen->high != hash.high)
		WRONG(t->c, "%s is %s the provider's", seen->id, seen->live ? "not" : "missing among");
	seen->shown = 1;
	t->n++;
	return true;
}

/* What the consumer holds equals what the provider lists: all of it, or its first `claimed` records. */
static void
truth_compare(struct campaign *c, size_t claimed)
{
	char path[64];
	struct truth t = {c, 0, claimed};
	struct json_fault why = {0};
	struct json_split how = {.depth = JSON_DEPTH_MAX, .each = compare_item, .arg = &t};

	for (size_t i = 0; i < c->cap; i++)
		c->held[i].shown = 0;
	for (int page = 0; !c->wrong[0]; page++) {
		struct buf body = {0};
		size_t before = t.n;
		snprintf(path, sizeof(path), "/plain/offset?limit=1000&offset=%d", page * 1000);
		http(c, "GET", path, &body);
		if (!json_split(buf_view(&body), "items", &how, &why))
			WRONG(c, "the provider's list: %s", why.what);
		buf_free(&body);
		if (t.n == before)
			break;
	}
	for (size_t i = 0; i < c->cap && claimed == ALL; i++)
		if (c->held[i].id && c->held[i].live && !c->held[i].shown)
			WRONG(c, "%s is in the store, but the provider has dropped it", c->held[i].id);
}

static void
held_forget(struct campaign *c)
{
	for (size_t i = 0; i < c->cap; i++)
		free(c->held[i].id);
	free(c->held);
	c->held = NULL;
	c->cap = c->n = 0;
	c->cursor = 0;
}

static void
store_empty(struct campaign *c)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s/store %s/store.key", c->dir, c->dir);
	REQUIRE(system(command) == 0);
	held_forget(c);
}

static void
ahead(struct campaign *c, int64_t claim)
{
	char what[256];

	snprintf(what, sizeof(what), "%.255s", c->wrong);
	snprintf(c->wrong, sizeof(c->wrong), "the checkpoint says that %lld records are there, but %s", (long long)claim, what);
}

static int
campaign_run(struct campaign *c, int kills)
{
	char count[128], command[128];
	uint64_t calls = 0;
	int64_t claim;
	int round = 0;

	strcpy(c->dir, "/tmp/sluice-campaign-XXXXXX");
	REQUIRE(mkdtemp(c->dir));
	c->random = c->seed * 2654435761u + 88172645463325252u;
	provider_start(c);
	ini_write(c);
	snprintf(count, sizeof(count), "%s/count", c->dir);
	long from = now_ms();
	run_well(c, count);
	c->ms = now_ms() - from;
	int fd = open(count, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, &calls, sizeof(calls)) != sizeof(calls))
		calls = 0;
	if (fd >= 0)
		close(fd);
	c->calls = (long)calls;
	if (c->calls < 10)
		WRONG(c, "the shim counted %ld calls: it does not work", c->calls);
	store_look(c, &claim);
	truth_compare(c, ALL);
	for (round = 0; round < kills && !c->wrong[0]; round++) {
		if (round % 8 == 0)
			store_empty(c);
		http(c, "POST", "/_control/mutate?api=plain&change=1%25&drop=1%25&add=1%25", NULL);
		run_killed(c, (uint64_t)round);
		store_look(c, &claim);
		if (claim && !c->wrong[0]) {
			truth_compare(c, (size_t)claim);
			if (c->wrong[0])
				ahead(c, claim);
		}
		run_well(c, NULL);
		store_look(c, &claim);
		if (!c->wrong[0])
			truth_compare(c, ALL);
	}
	printf("# %s: %d kills, seed %llu, %ld ms and %ld counted calls a run%s%s\n", c->sync, round, (unsigned long long)c->seed, c->ms,
	       c->calls, c->wrong[0] ? ": " : "", c->wrong);
	held_forget(c);
	kill(c->provider, SIGKILL);
	waitpid(c->provider, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", c->dir);
	if (!getenv("CAMPAIGN_KEEP") && system(command))
		printf("# %s stays\n", c->dir);
	return round;
}

static struct campaign
campaign_of(const char *binary, const char *sync, const char *model)
{
	static char path[256];
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build", *seed = getenv("CAMPAIGN_SEED");
	struct campaign c = {.build = build, .sync = sync, .model = model, .binary = path};

	snprintf(path, sizeof(path), "%s/%s", build, binary);
	c.seed = seed ? strtoull(seed, NULL, 10) : 20261123;
	return c;
}

static int
kills_wanted(void)
{
	const char *n = getenv("CAMPAIGN_KILLS");
	return n ? atoi(n) : 200;
}

TEST("a sync killed at any moment, host or worker, ends equal to an undisturbed one")
{
	struct campaign c = campaign_of("sluice", "paged", "Paged");
	campaign_run(&c, kills_wanted() * 3 / 5);
	CHECK_STR(c.wrong, "");
}

TEST("so does one whose connector keeps its progress by metadata alone")
{
	struct campaign c = campaign_of("sluice", "handmade", "Handmade");
	campaign_run(&c, kills_wanted() * 2 / 5);
	CHECK_STR(c.wrong, "");
}

TEST("the control, a host that commits checkpoints apart from their records, is caught")
{
	struct campaign c = campaign_of("sluice-control", "paged", "Paged");
	CHECK(campaign_run(&c, kills_wanted()) > 0); /* undisturbed it is as good as any */
	/* a checkpoint ahead of its data, or what comes of one: never that a run only failed */
	CHECK(strncmp(c.wrong, "the checkpoint says", 19) == 0 || strstr(c.wrong, "the provider"));
}

int
main(int argc, char **argv)
{
	return tap_main(argc, argv);
}
