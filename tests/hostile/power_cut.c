/* power_cut.c - the store after a power cut: whatever part of the writes since the last barrier reached the disk, it opens,
 * every invariant holds, what was acknowledged is there, and the writer goes on.
 *
 * The real store saves pages (store_pages.h) while power_record.h notes its writes and barriers. Then states are made of
 * that log: everything up to a moment, of what no barrier covers yet a subset, in sectors of 512 bytes, and of the file's
 * growth nothing, all, or a part; of its name likewise, until its directory is synced. Each is opened by the real store,
 * and must be the state after so many whole pages, none of them acknowledged and missing.
 *
 * The control ignores all barriers, as a disk would that lies about them: most of its states must be found bad, or this
 * campaign proves nothing. They may crash whoever reads them, so each is looked at by a process of its own.
 *
 * POWER_STATES (1200) and SLUICE_SEED change the campaign. Assumed: a sector is written whole or not at all. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include "power_record.h"
#include "store_held.h"

#define SECTOR 512
#define PAGES 60          /* saved while it is recorded */
#define STATES_A_LOG 400
#define CONTROLS 100      /* states of the control */
#define DISK_MAX (16u << 20)

struct random {
	unsigned long seed;
};

static unsigned
random_below(struct random *r, size_t n)
{
	r->seed = r->seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned)((r->seed >> 33) % n);
}

/* ---- the writer ---- */

static void
page_acked(void *arg, const struct commit_result *r)
{
	CHECK(!r->err.cls);
	if (!r->err.cls)
		power_add(POWER_ACK, (uintptr_t)arg, NULL, 0);
}

/* Makes a store and saves pages, sometimes several in a group, with the recorder on from before its first byte. */
static void
log_make(struct kit *k, struct power_log *log, struct random *r)
{
	uint32_t d, scope;
	struct fence fence;

	power_record(log);
	REQUIRE(kit_open(k));
	d = kit_dataset(k, "M");
	scope = kit_scope(k, "sync");
	REQUIRE(d && scope && writer_rules(k));
	fence = (struct fence){scope, store_epoch_next(k->s, scope, &k->err)};
	for (unsigned p = 0; p < PAGES; p++) {
		store_commit(k->s, page_commit(k, fence, d, p), random_below(r, 2), page_acked, (void *)(uintptr_t)p);
		if (random_below(r, 3) == 0)
			store_drain(k->s);
		store_poll(k->s);
	}
	store_drain(k->s);
	power_record(NULL);
	kit_close(k);
}

/* ---- the disk, as it would be found ---- */

struct piece { /* of a write that no barrier covers: what lies in one sector */
	size_t at, len;
	const uint8_t *bytes;
};

struct disk {
	const struct power_log *log;
	size_t next;      /* event */
	bool lying;       /* it ignores barriers */
	uint8_t *sure;    /* what is durable, DISK_MAX bytes, the first `size` in use */
	size_t size, grown; /* grown: with all that is pending */
	struct piece *pieces;
	size_t n, cap;
	bool renamed;     /* the log has a name by rename(2): before that, no name */
	bool named, name_sure;
	unsigned acked;   /* pages from 0 */
};

static void
disk_init(struct disk *k, const struct power_log *log, bool lying)
{
	*k = (struct disk){.log = log, .lying = lying, .sure = xcalloc(1, DISK_MAX)};
	for (size_t i = 0; i < log->n; i++)
		k->renamed |= log->events[i].what == POWER_NAME;
}

static void
disk_finish(struct disk *k)
{
	free(k->sure);
	free(k->pieces);
}

static void
piece_settle(struct disk *k, const struct piece *p)
{
	memcpy(k->sure + p->at, p->bytes, p->len);
	if (p->at + p->len > k->size)
		k->size = p->at + p->len;
}

static void
disk_write(struct disk *k, const struct power_event *e)
{
	if (e->at + e->len > DISK_MAX)
		die("the recorded file is larger than %u bytes", DISK_MAX);
	for (size_t done = 0, len; done < e->len; done += len) {
		size_t at = e->at + done;
		len = SECTOR - at % SECTOR < e->len - done ? SECTOR - at % SECTOR : e->len - done;
		if (k->n == k->cap) {
			k->cap = k->cap ? k->cap * 2 : 1024;
			k->pieces = xrealloc(k->pieces, k->cap * sizeof(*k->pieces));
		}
		k->pieces[k->n++] = (struct piece){at, len, e->bytes + done};
	}
	if (e->at + e->len > k->grown)
		k->grown = e->at + e->len;
}

/* A barrier of a few bytes only: what is pending in their sectors goes with them, the rest stays pending. */
static void
disk_settle(struct disk *k, size_t at, size_t end)
{
	size_t left = 0;

	at -= at % SECTOR;
	for (size_t i = 0; i < k->n; i++) {
		if (k->pieces[i].at >= at && k->pieces[i].at < end)
			piece_settle(k, &k->pieces[i]);
		else
			k->pieces[left++] = k->pieces[i];
	}
	k->n = left;
}

static void
disk_step(struct disk *k)
{
	const struct power_event *e = &k->log->events[k->next++];

	switch (e->what) {
	case POWER_WRITE:
	case POWER_WRITE_SYNC:
		disk_write(k, e);
		k->named |= !k->renamed;
		if (e->what == POWER_WRITE_SYNC && !k->lying)
			disk_settle(k, e->at, e->at + e->len);
		break;
	case POWER_BARRIER:
		if (!k->lying)
			disk_settle(k, 0, DISK_MAX);
		break;
	case POWER_SIZE:
		die("the store cuts data.mdb to %zu bytes: the replay does not know how", e->at);
	case POWER_NAME:
		k->named = true;
		break;
	case POWER_NAME_SYNC:
		k->name_sure |= k->named && !k->lying;
		break;
	case POWER_ACK:
		k->acked = (unsigned)e->at + 1;
		break;
	}
}

enum loss { LOSS_ALL, LOSS_NONE, LOSS_HALF, LOSS_MOST, LOSS_FEW, LOSS_LATER, LOSS_EARLIER, LOSS_KINDS };
static const char *const loss_names[LOSS_KINDS] = {
	[LOSS_ALL] = "all of it lost",       [LOSS_NONE] = "none of it lost",   [LOSS_HALF] = "each sector by chance",
	[LOSS_MOST] = "one in ten written",  [LOSS_FEW] = "one in ten lost",    [LOSS_LATER] = "written in order up to one",
	[LOSS_EARLIER] = "only the later written",
};

static bool
is_kept(enum loss loss, struct random *r, size_t i, size_t border)
{
	switch (loss) {
	case LOSS_NONE: return true;
	case LOSS_HALF: return random_below(r, 2);
	case LOSS_MOST: return random_below(r, 10) == 0;
	case LOSS_FEW: return random_below(r, 10) != 0;
	case LOSS_LATER: return i < border;
	case LOSS_EARLIER: return i >= border;
	default: return false;
	}
}

/* How much of the growth is found: mostly all, for then sectors inside it decide. */
static size_t
size_found(const struct disk *k, struct random *r)
{
	size_t grown = k->grown > k->size ? k->grown - k->size : 0;

	if (!grown || random_below(r, 2))
		return k->size + grown;
	return random_below(r, 2) ? k->size : k->size + random_below(r, grown / SECTOR + 1) * SECTOR;
}

/* Writes what is found into k's directory. False: no file at all. Nothing has the store open meanwhile. */
static bool
disk_cut(const struct disk *k, const char *dir, enum loss loss, struct random *r)
{
	static uint8_t found[DISK_MAX];
	char path[192];
	size_t size = size_found(k, r), border = random_below(r, k->n + 1);
	int fd;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	if (!k->named || (!k->name_sure && random_below(r, 2))) {
		unlink(path);
		return false;
	}
	memcpy(found, k->sure, k->size);
	memset(found + k->size, 0, size > k->size ? size - k->size : 0);
	for (size_t i = 0; i < k->n; i++) {
		const struct piece *p = &k->pieces[i];
		if (is_kept(loss, r, i, border) && p->at < size)
			memcpy(found + p->at, p->bytes, p->at + p->len <= size ? p->len : size - p->at);
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, found, size) != (ssize_t)size || ftruncate(fd, (off_t)size) < 0)
		die("cannot write %s", path);
	close(fd);
	return true;
}

/* ---- the campaigns ---- */

struct campaign {
	struct kit k;
	struct power_log log;
	struct random r;
	unsigned states, bad;
};

static unsigned
number(const char *name, unsigned usual)
{
	const char *n = getenv(name);

	return n ? (unsigned)strtoul(n, NULL, 10) : usual;
}

static void
campaign_log(struct campaign *c)
{
	power_log_free(&c->log);
	if (c->k.dir[0])
		kit_finish(&c->k);
	held_init(&c->k);
	log_make(&c->k, &c->log, &c->r);
	c->k.o.map_bytes = DISK_MAX;
}

static void
campaign_start(struct campaign *c, unsigned long salt)
{
	*c = (struct campaign){.r = {number("SLUICE_SEED", 20261123)}};
	printf("# seed %lu\n", c->r.seed);
	c->r.seed ^= salt << 32;
	campaign_log(c);
}

static void
campaign_finish(struct campaign *c)
{
	power_log_free(&c->log);
	kit_finish(&c->k);
}

static void
state_try(struct campaign *c, const struct disk *disk)
{
	enum loss loss = random_below(&c->r, LOSS_KINDS);
	bool there = disk_cut(disk, c->k.dir, loss, &c->r);
	const char *what = store_fault(&c->k, disk->acked, c->states % 8 == 0);

	c->states++;
	if (!what)
		return;
	if (c->bad++ < 5)
		printf("# cut before event %zu of %zu, %zu sectors pending, %s: %s\n", disk->next, c->log.n, disk->n,
		       there ? loss_names[loss] : "no file", what);
}

TEST("after a power cut at any moment the store opens, is sound, and has all that was acknowledged")
{
	struct campaign c;
	struct disk disk;
	unsigned wanted = number("POWER_STATES", 1200), events = 0;

	campaign_start(&c, 1);
	while (c.states < wanted) {
		if (c.states)
			campaign_log(&c);
		disk_init(&disk, &c.log, false);
		for (unsigned i = 0; i < STATES_A_LOG && c.states < wanted; i++) {
			while (disk.next < c.log.n * (i + 1) / STATES_A_LOG)
				disk_step(&disk);
			state_try(&c, &disk);
		}
		events += (unsigned)c.log.n;
		disk_finish(&disk);
	}
	printf("# power cut: %u states of %u writes and barriers, %u bad\n", c.states, events, c.bad);
	CHECK_INT(c.bad, 0);
	campaign_finish(&c);
}

TEST("a power cut while the store is made leaves one that opens, or none")
{
	struct campaign c;
	struct disk disk;

	campaign_start(&c, 2);
	disk_init(&disk, &c.log, false);
	while (!disk.acked && disk.next < c.log.n) {
		for (int i = 0; i < 8; i++)
			state_try(&c, &disk);
		disk_step(&disk);
	}
	printf("# cut while it is made: %u states, %u bad\n", c.states, c.bad);
	CHECK(c.states > 100);
	CHECK_INT(c.bad, 0);
	disk_finish(&disk);
	campaign_finish(&c);
}

/* In a process of its own, which a broken file may crash or keep busy. */
static bool
is_found_bad(struct campaign *c, unsigned acked)
{
	int status = 0, null;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
		for (int i = 1; i < NSIG; i++)
			signal(i, SIG_DFL);
		alarm(20);
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		_exit(store_fault(&c->k, acked, false) != NULL);
	}
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status != 0;
}

TEST("a disk that ignores barriers is found out: at least half of what it leaves is bad")
{
	struct campaign c;
	struct disk disk;

	campaign_start(&c, 3);
	disk_init(&disk, &c.log, true);
	while (c.states < CONTROLS) {
		c.states++;
		while (disk.next < c.log.n * c.states / CONTROLS)
			disk_step(&disk);
		disk_cut(&disk, c.k.dir, random_below(&c.r, LOSS_KINDS), &c.r);
		c.bad += is_found_bad(&c, disk.acked);
	}
	printf("# power cut, barriers ignored: %u states, %u bad\n", c.states, c.bad);
	CHECK(c.bad * 2 >= c.states);
	disk_finish(&disk);
	campaign_finish(&c);
}
