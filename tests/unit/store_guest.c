/* A store that one process writes and another one reads as its guest. The other process is a child that does what a letter tells it;
 * it is begun before anything is open here, for nothing of a store may be taken through a fork. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include "store_kit.h"

struct other {
	pid_t pid;
	int to, from;
};

static int answers; /* of the child */

static bool
answer(char c)
{
	return write(answers, &c, 1) == 1;
}

static bool
hold(void *arg, const struct record *r)
{
	(void)arg;
	(void)r;
	answer('+');
	while (true)
		pause();
	return false;
}

static void
many_put(struct kit *k, uint32_t d)
{
	char id[16], *text = xmalloc(3001);

	memset(text, 'x', 3000);
	text[0] = text[2999] = '"';
	text[3000] = 0;
	for (int page = 0; page < 40; page++) {
		struct commit *c = kit_commit(k);
		for (int i = 0; i < 50; i++) {
			snprintf(id, sizeof(id), "big%d", page * 50 + i);
			kit_put(k, c, d, id, text);
		}
		kit_wait(k, c);
	}
	free(text);
}

static bool
other_do(struct kit *k, char what)
{
	static unsigned saved;
	char id[16], json[32];
	struct feed_query q = {0};
	uint64_t next;
	bool more;

	switch (what) {
	case 'g': /* open as a guest */
		k->o.guest = true;
		return kit_open(k);
	case 'o': /* open to write */
		return kit_open(k);
	case 's': /* save one record: r1, r2, ... */
		snprintf(id, sizeof(id), "r%u", ++saved);
		snprintf(json, sizeof(json), "{\"n\":%u}", saved);
		return kit_save(k, kit_dataset(k, "M"), id, json).added == 1;
	case 'm': /* many large ones */
		many_put(k, kit_dataset(k, "M"));
		return true;
	case 'h': /* read, and stay in the middle of it */
		q.dataset = store_dataset_find(k->s, &(struct dataset_name){.connection = "acme", .integration = "crm", .model = "M"});
		store_feed(k->s, &q, hold, NULL, &next, &more, &k->err);
		return false;
	case 'c':
		kit_close(k);
		return true;
	default:
		return false;
	}
}

static struct other
other_begin(struct kit *k)
{
	struct other o;
	int to[2], from[2];
	char what;

	if (pipe(to) != 0 || pipe(from) != 0)
		abort();
	o = (struct other){fork(), to[1], from[0]};
	if (o.pid != 0) {
		close(to[0]);
		close(from[1]);
		return o;
	}
	close(to[1]);
	close(from[0]);
	answers = from[1];
	while (read(to[0], &what, 1) == 1 && answer(other_do(k, what) ? '+' : '-'))
		;
	_exit(0);
}

static bool
other_does(const struct other *o, const char *letters)
{
	char said = '+';

	for (; *letters && said == '+'; letters++)
		if (write(o->to, letters, 1) != 1 || read(o->from, &said, 1) != 1)
			said = '-';
	return said == '+';
}

static void
other_kill(const struct other *o)
{
	kill(o->pid, SIGKILL);
	waitpid(o->pid, NULL, 0);
	close(o->to);
	close(o->from);
}

static bool
visit(struct kit *k)
{
	k->o.guest = true;
	return kit_open(k);
}

static uint32_t
dataset_seen(struct kit *k)
{
	return store_dataset_find(k->s, &(struct dataset_name){.connection = "acme", .integration = "crm", .model = "M"});
}

TEST("a guest reads what the process that has the store has committed, and what it goes on to commit")
{
	struct kit k;
	struct other o;

	kit_init(&k);
	o = other_begin(&k);
	REQUIRE(other_does(&o, "os"));
	REQUIRE(visit(&k));
	CHECK_FEED(&k, dataset_seen(&k), 0, "1:added:r1={\"n\":1}");
	REQUIRE(other_does(&o, "s"));
	CHECK_FEED(&k, dataset_seen(&k), 1, "2:added:r2={\"n\":2}");
	CHECK_INT(store_peek(k.s, dataset_seen(&k), SLICE("r2"), &(struct json_hash){0}).known, 1);
	other_kill(&o);
	kit_finish(&k);
}

static void
told(void *arg, const struct commit_result *r)
{
	*(struct err *)arg = r->err;
}

TEST("a guest's commits fail at once, and nothing of them is written")
{
	struct kit k;
	struct other o;
	struct err err = {0}, later = {0};

	kit_init(&k);
	o = other_begin(&k);
	REQUIRE(other_does(&o, "os"));
	REQUIRE(visit(&k));
	CHECK_INT(store_dataset(k.s, &(struct dataset_name){.connection = "a", .integration = "b", .model = "N"}, &err), 0);
	CHECK_INT(err.cls, ERR_BUSY);
	CHECK_HAS(err.text, "only read here");
	store_commit(k.s, kit_commit(&k), false, told, &later);
	store_poll(k.s);
	CHECK_INT(later.cls, ERR_BUSY);
	store_commit(k.s, kit_commit(&k), true, told, &later); /* nobody polls: closing takes it along */
	store_drain(k.s);
	CHECK(other_does(&o, "s"));
	CHECK_INT(kit_info(&k, dataset_seen(&k)).sequence, 2);
	other_kill(&o);
	kit_finish(&k);
}

TEST("the writer's map grows beyond a guest's: it follows")
{
	struct kit k;
	struct other o;
	struct rlimit was, tight;
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	kit_init(&k);
	k.o.map_bytes = 256 << 10;
	o = other_begin(&k);
	REQUIRE(other_does(&o, "os"));
	REQUIRE(f && fscanf(f, "%lu", &pages) == 1);
	fclose(f);
	getrlimit(RLIMIT_AS, &was);
	tight = was;
	tight.rlim_cur = pages * 4096 + (1u << 30);
	if (!SLUICE_SANITIZED) /* whose shadow is address space too; there the map is large enough from the beginning */
		setrlimit(RLIMIT_AS, &tight);
	CHECK(visit(&k));
	setrlimit(RLIMIT_AS, &was);
	REQUIRE(k.s);
	CHECK_INT(kit_info(&k, dataset_seen(&k)).live, 1);
	REQUIRE(other_does(&o, "ms"));
	CHECK_INT(kit_info(&k, dataset_seen(&k)).live, 2002);
	CHECK_FEED(&k, dataset_seen(&k), 2001, "2002:added:r2={\"n\":2}");
	other_kill(&o);
	kit_finish(&k);
}

TEST("the process that has the store is killed, and another one takes its place: the guest reads on")
{
	struct kit k;
	struct other first, second;

	kit_init(&k);
	first = other_begin(&k);
	second = other_begin(&k);
	REQUIRE(other_does(&first, "os"));
	REQUIRE(visit(&k));
	CHECK_FEED(&k, dataset_seen(&k), 0, "1:added:r1={\"n\":1}");
	other_kill(&first);
	CHECK_FEED(&k, dataset_seen(&k), 0, "1:added:r1={\"n\":1}");
	REQUIRE(other_does(&second, "o"));
	CHECK(!other_does(&second, "s")); /* r1 again: unchanged */
	CHECK(other_does(&second, "s"));
	CHECK_FEED(&k, dataset_seen(&k), 1, "2:added:r2={\"n\":2}");
	other_kill(&second);
	kit_finish(&k);
}

TEST("a guest that is killed while it reads leaves nothing that keeps pages from being used again")
{
	struct kit k;
	struct other o;
	struct store_stats before, after;
	char json[2001];
	uint32_t d;

	kit_init(&k);
	o = other_begin(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "a", "{}");
	REQUIRE(other_does(&o, "gh"));
	other_kill(&o);
	memset(json, 'x', 2000);
	json[0] = json[1999] = '"';
	json[2000] = 0;
	for (int i = 0; i < 400; i++) {
		json[1 + i % 1900] ^= 1;
		kit_save(&k, d, "a", json);
		if (i == 40)
			store_stats(k.s, &before);
	}
	store_stats(k.s, &after);
	CHECK(after.file_bytes < before.file_bytes + before.file_bytes / 2);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

static void
file_copy(const char *from, const char *to)
{
	char piece[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	REQUIRE(in && out);
	while ((n = fread(piece, 1, sizeof(piece), in)) > 0)
		fwrite(piece, 1, n, out);
	fclose(in);
	fclose(out);
}

static void
saves(struct kit *k, int n)
{
	char id[16];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "%d", i);
		kit_save(k, kit_dataset(k, "M"), id, "{}");
	}
}

/* What counts is how many commits there were, odd or even: by that LMDB chooses between two heads. */
TEST("a store is moved away under a guest: what is made, or restored, in its place is whole")
{
	for (int i = 0; i < 8; i++) {
		struct kit k;
		struct other o;
		char data[160], old[160], backup[160];
		uint64_t bytes;
		bool restored = i & 1;

		kit_init(&k);
		o = other_begin(&k);
		snprintf(data, sizeof(data), "%s/data.mdb", k.dir);
		snprintf(old, sizeof(old), "%s.old", k.dir);
		snprintf(backup, sizeof(backup), "%s.backup", k.dir);
		REQUIRE(kit_open(&k));
		saves(&k, 3);
		kit_close(&k);
		REQUIRE(mkdir(backup, 0700) == 0);
		strcat(backup, "/data.mdb");
		file_copy(data, backup);
		*strrchr(backup, '/') = 0;
		REQUIRE(kit_open(&k));
		saves(&k, 3 + 1 + i / 2);
		REQUIRE(other_does(&o, "g"));
		kit_close(&k);
		REQUIRE(rename(data, old) == 0);
		if (restored)
			CHECK_INT(store_restore(&k.o, backup, &bytes, &k.err), 0);
		REQUIRE(kit_open(&k));
		kit_save(&k, kit_dataset(&k, "M"), "new", "{}");
		REQUIRE(kit_reopen(&k));
		CHECK_INT(kit_info(&k, kit_dataset(&k, "M")).live, restored ? 4 : 1);
		CHECK(kit_verify(&k));
		other_kill(&o);
		kit_finish(&k);
	}
}

TEST("where there is no store yet, or another key, a guest is told so")
{
	struct kit k;
	struct other o;
	static const char wrong[] = "0000000000000000000000000000000000000000000000000000000000000000";

	kit_init(&k);
	o = other_begin(&k);
	REQUIRE(mkdir(k.dir, 0700) == 0);
	CHECK(!visit(&k));
	CHECK_INT(k.err.cls, ERR_BUSY);
	REQUIRE(other_does(&o, "os"));
	k.o.key = secret_new(SLICE(wrong));
	CHECK(!visit(&k));
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_HAS(k.err.text, "wrong key");
	secret_free((struct secret *)(uintptr_t)k.o.key);
	k.o.key = NULL;
	CHECK(visit(&k));
	other_kill(&o);
	kit_finish(&k);
}
