/* The shortest correct uses of the store: open, save, read, state, names, fences, history. */
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include "store_kit.h"

/* A process that has the store's lock for so long, under the name of `whose`. */
static pid_t
lock_hold(const struct kit *k, pid_t whose, useconds_t us)
{
	char path[160], text[16];
	int ready[2], fd;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/store.lock", k->dir);
	if (pipe2(ready, O_CLOEXEC) < 0)
		abort();
	if ((pid = fork()) == 0) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0 ||
		    dprintf(fd, "%ld\n", (long)(whose ? whose : getpid())) < 0 || write(ready[1], "!", 1) < 0)
			_exit(1);
		usleep(us);
		_exit(0);
	}
	if (read(ready[0], text, 1) != 1)
		abort();
	close(ready[0]);
	close(ready[1]);
	return pid;
}

TEST("a record that was saved can be read, also after reopening")
{
	struct kit k;
	uint32_t d;
	struct commit_counts n;
	struct kit_record r;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	n = kit_save(&k, d, "42", "{\"name\":\"Ada\"}");
	CHECK_INT(n.dataset, d);
	CHECK_INT(n.saved, 1);
	CHECK_INT(n.added, 1);
	REQUIRE(kit_reopen(&k));
	CHECK_INT(kit_dataset(&k, "Contact"), d);
	r = kit_record(&k, d, "42");
	CHECK(r.found);
	CHECK_STR(r.json, "{\"name\":\"Ada\"}");
	CHECK_INT(r.first_seen_us, KIT_T0);
	CHECK_INT(r.deleted_us, 0);
	CHECK(!kit_record(&k, d, "43").found);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("an unchanged record writes nothing, in whatever order its members come")
{
	struct kit k;
	uint32_t d;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "1", "{\"a\":1,\"b\":2}");
	n = kit_save(&k, d, "1", "{\"b\":2, \"a\":1}");
	CHECK_INT(n.unchanged, 1);
	CHECK_INT(n.added + n.updated, 0);
	CHECK_INT(kit_info(&k, d).sequence, 1);
	CHECK_FEED(&k, d, 0, "1:added:1={\"a\":1,\"b\":2}");
	n = kit_save(&k, d, "1", "{\"b\":3, \"a\":1}");
	CHECK_INT(n.updated, 1);
	CHECK_FEED(&k, d, 0, "2:added:1={\"b\":3, \"a\":1}");
	CHECK_FEED(&k, d, 1, "2:updated:1={\"b\":3, \"a\":1}");
	CHECK_FEED(&k, d, 2, "");
	kit_finish(&k);
}

TEST("an update merges deeply into what is stored; unknown and deleted ids count as missing")
{
	struct kit k;
	uint32_t d;
	struct commit *c;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "1", "{\"id\":\"1\",\"a\":{\"x\":1,\"y\":2}}");
	kit_save(&k, d, "2", "{\"id\":\"2\"}");
	kit_delete(&k, d, "2");
	c = kit_commit(&k);
	commit_update(c, d, SLICE("1"), SLICE("{\"a\":{\"y\":3}}"));
	commit_update(c, d, SLICE("1"), SLICE("{\"a\":{\"y\":3}}"));
	commit_update(c, d, SLICE("2"), SLICE("{\"a\":1}"));
	commit_update(c, d, SLICE("3"), SLICE("{\"a\":1}"));
	n = kit_wait(&k, c);
	CHECK_INT(n.updated, 1);
	CHECK_INT(n.unchanged, 1);
	CHECK_INT(n.missing, 2);
	CHECK_STR(kit_record(&k, d, "1").json, "{\"id\":\"1\",\"a\":{\"x\":1,\"y\":3}}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("updates make no record larger than STORE_RECORD_MAX; one that would is refused with its commit")
{
	struct kit k;
	struct buf patch = {0};
	uint32_t d;
	char *filling = xcalloc(1, (1 << 20) - 100);
	int i;

	memset(filling, 'x', (1 << 20) - 101);
	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "M");
	kit_save(&k, d, "1", "{}");
	for (i = 0; i < 20; i++) {
		struct commit *c = kit_commit(&k);

		buf_clear(&patch);
		buf_printf(&patch, "{\"%d\":\"%s\"}", i, filling);
		commit_update(c, d, SLICE("1"), buf_view(&patch));
		if (store_commit_wait(k.s, c, NULL, &k.err) < 0)
			break;
	}
	CHECK_INT(i, 8);
	CHECK_INT(k.err.cls, ERR_DATA);
	CHECK_HAS(k.err.text, "a record has at most 8388608");
	CHECK(kit_verify(&k));
	buf_free(&patch);
	free(filling);
	kit_finish(&k);
}

TEST("a deleted record keeps its last payload and its first-seen over delete and undelete")
{
	struct kit k;
	uint32_t d;
	struct kit_record r;
	struct dataset_info i;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "1", "{\"v\":1}");
	k.now_us += 1000;
	CHECK_INT(kit_delete(&k, d, "1").deleted, 1);
	CHECK_INT(kit_delete(&k, d, "1").missing, 1);
	CHECK_INT(kit_delete(&k, d, "9").missing, 1);
	r = kit_record(&k, d, "1");
	CHECK_STR(r.json, "{\"v\":1}");
	CHECK_INT(r.deleted_us, KIT_T0 + 1000);
	i = kit_info(&k, d);
	CHECK_INT(i.live, 0);
	CHECK_INT(i.gone, 1);
	CHECK_INT(i.bytes, 0);
	k.now_us += 1000;
	CHECK_INT(kit_save(&k, d, "1", "{\"v\":1}").added, 1);
	r = kit_record(&k, d, "1");
	CHECK_INT(r.first_seen_us, KIT_T0);
	CHECK_INT(r.modified_us, KIT_T0 + 2000);
	CHECK_INT(r.deleted_us, 0);
	CHECK_INT(r.sequence, 3);
	i = kit_info(&k, d);
	CHECK_INT(i.live, 1);
	CHECK_INT(i.gone, 0);
	CHECK_INT(i.bytes, strlen("{\"v\":1}"));
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("order by time is order by sequence, also when the clock goes back")
{
	struct kit k;
	uint32_t d;
	int64_t before;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	kit_save(&k, d, "1", "{}");
	before = kit_record(&k, d, "1").modified_us;
	k.now_us -= 3600 * INT64_C(1000000);
	kit_save(&k, d, "2", "{}");
	CHECK_INT(kit_record(&k, d, "2").modified_us, before + 1);
	REQUIRE(kit_reopen(&k));
	kit_save(&k, d, "3", "{}");
	CHECK_INT(kit_record(&k, d, "3").modified_us, before + 2);
	kit_finish(&k);
}

TEST("the same id twice in one commit: the last one wins, and the feed has it once")
{
	struct kit k;
	uint32_t d;
	struct commit *c;
	struct commit_counts n;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	c = kit_commit(&k);
	kit_put(&k, c, d, "1", "{\"v\":1}");
	kit_put(&k, c, d, "2", "{\"v\":1}");
	kit_put(&k, c, d, "1", "{\"v\":2}");
	commit_delete(c, d, SLICE("2"));
	kit_put(&k, c, d, "2", "{\"v\":3}");
	n = kit_wait(&k, c);
	CHECK_INT(n.saved, 4);
	CHECK_INT(n.added, 3);
	CHECK_INT(n.updated, 1);
	CHECK_INT(n.deleted, 1);
	CHECK_FEED(&k, d, 0, "3:added:1={\"v\":2} 5:added:2={\"v\":3}");
	CHECK_INT(kit_info(&k, d).live, 2);
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("one commit may touch several datasets, and counts each")
{
	struct kit k;
	uint32_t a, b;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	a = kit_dataset(&k, "A");
	b = kit_dataset(&k, "B");
	CHECK(a != b);
	c = kit_commit(&k);
	CHECK(commit_empty(c));
	kit_put(&k, c, b, "1", "{}");
	kit_put(&k, c, a, "1", "{}");
	kit_put(&k, c, b, "2", "{}");
	CHECK(!commit_empty(c));
	CHECK(commit_bytes(c) >= 3 * 1024); /* a small record weighs what it costs */
	kit_wait(&k, c);
	CHECK_FEED(&k, a, 0, "1:added:1={}");
	CHECK_FEED(&k, b, 0, "1:added:1={} 2:added:2={}");
	CHECK(kit_verify(&k));
	kit_finish(&k);
}

TEST("names map to the same numbers for good; a variant that is not named is base")
{
	struct kit k;
	struct dataset_name n = {"c", "i", "m", NULL};
	char longest[600] = {0};
	uint32_t d;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	CHECK_INT(store_dataset_find(k.s, &n), 0);
	d = store_dataset(k.s, &n, &k.err);
	CHECK(d != 0);
	n.variant = "base";
	CHECK_INT(store_dataset_find(k.s, &n), d);
	n.variant = "other";
	CHECK(store_dataset(k.s, &n, &k.err) != d);
	memset(longest, 'x', sizeof(longest) - 1);
	n.model = longest;
	CHECK_INT(store_dataset(k.s, &n, &k.err), 0);
	CHECK_INT(k.err.cls, ERR_USAGE);
	CHECK_INT(store_scope_find(k.s, &(struct scope_name){"c", "i", "s", NULL}), 0);
	CHECK(store_scope(k.s, &(struct scope_name){"c", "i", "s", NULL}, &k.err) != 0);
	CHECK(store_scope(k.s, &(struct scope_name){"c", "i", NULL, NULL}, &k.err) !=
	      store_scope_find(k.s, &(struct scope_name){"c", "i", "s", NULL}));
	kit_finish(&k);
}

TEST("a run with an older epoch is refused whole, and costs its group mates nothing")
{
	struct kit k;
	uint32_t d, scope;
	uint64_t old, new;
	struct commit *c;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	scope = kit_scope(&k, "contacts");
	old = store_epoch_next(k.s, scope, &k.err);
	new = store_epoch_next(k.s, scope, &k.err);
	CHECK(new > old);
	c = commit_new(k.s, (struct fence){scope, old});
	kit_put(&k, c, d, "zombie", "{}");
	store_commit(k.s, c, false, NULL, NULL);
	c = commit_new(k.s, (struct fence){scope, new});
	kit_put(&k, c, d, "alive", "{}");
	kit_wait(&k, c);
	CHECK_INT(k.err.cls, ERR_NONE);
	c = commit_new(k.s, (struct fence){scope, old});
	kit_put(&k, c, d, "zombie", "{}");
	CHECK(store_commit_wait(k.s, c, NULL, &k.err) < 0);
	CHECK_INT(k.err.cls, ERR_BUSY);
	CHECK_HAS(k.err.text, "superseded by a later run");
	CHECK_FEED(&k, d, 0, "1:added:alive={}");
	REQUIRE(kit_reopen(&k));
	CHECK(store_epoch_next(k.s, scope, &k.err) > new);
	kit_finish(&k);
}

static void
done_note(void *arg, const struct commit_result *r)
{
	int *n = arg;

	CHECK_INT(r->err.cls, ERR_NONE);
	CHECK_INT(r->n_counts, 1);
	CHECK_INT(r->counts[0].added, 1);
	++*n;
}

TEST("commits that arrive together share a transaction, and call back in order from store_poll")
{
	struct kit k;
	uint32_t d;
	int done = 0;
	struct store_stats before, after;
	char id[16];

	kit_init(&k);
	k.o.commit_delay_ms = 20;
	REQUIRE(kit_open(&k));
	d = kit_dataset(&k, "Contact");
	store_stats(k.s, &before);
	for (int i = 0; i < 50; i++) {
		struct commit *c = kit_commit(&k);
		snprintf(id, sizeof(id), "%d", i);
		kit_put(&k, c, d, id, "{}");
		store_commit(k.s, c, false, done_note, &done);
	}
	CHECK_INT(done, 0);
	store_drain(k.s);
	CHECK_INT(done, 50);
	store_stats(k.s, &after);
	CHECK_INT(after.commits - before.commits, 50);
	CHECK(after.groups - before.groups < 10);
	CHECK(after.file_bytes >= after.used_bytes && after.used_bytes > 0 && after.map_bytes >= after.file_bytes);
	kit_finish(&k);
}

TEST("runs and logs are numbered, read from the newest and from a line")
{
	struct kit k;
	struct buf b = {0};
	struct commit *c;
	uint64_t run;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	run = store_run_next(k.s);
	CHECK_INT(run, 1);
	CHECK_INT(store_run_next(k.s), 2);
	c = kit_commit(&k);
	commit_run(c, 1, SLICE("{\"run\":1}"));
	commit_run(c, 2, SLICE("{\"run\":2}"));
	commit_log(c, 2, SLICE("\"a\""));
	commit_log(c, 1, SLICE("\"b\""));
	commit_log(c, 2, SLICE("\"c\""));
	kit_wait(&k, c);
	REQUIRE(kit_reopen(&k));
	CHECK_INT(store_run_next(k.s), 3);
	CHECK(store_run_get(k.s, 2, &b));
	CHECK_STR(buf_str(&b), "{\"run\":2}");
	CHECK(!store_run_get(k.s, 7, &b));
	CHECK(kit_verify(&k));
	buf_free(&b);
	kit_finish(&k);
}

TEST("a lock whose holder is gone is waited for; one that is held is refused at once, by its holder's number")
{
	struct kit k;
	pid_t gone, holder;
	int status;

	kit_init(&k);
	REQUIRE(kit_open(&k));
	kit_close(&k);
	gone = fork();
	if (gone == 0)
		_exit(0);
	REQUIRE(waitpid(gone, &status, 0) == gone);
	holder = lock_hold(&k, gone, 100000); /* as a worker does that was just started by a host which then died */
	CHECK(kit_open(&k));
	kit_close(&k);
	waitpid(holder, &status, 0);
	CHECK_INT(status, 0);
	holder = lock_hold(&k, 0, 60000000);
	k.s = store_open(&k.o, &k.err);
	CHECK(!k.s);
	CHECK_INT(k.err.cls, ERR_BUSY);
	CHECK_HAS(k.err.text, "is open in another process (pid ");
	kill(holder, SIGKILL);
	waitpid(holder, &status, 0);
	kit_finish(&k);
}
