/* store_kit.h - what the tests of the store share: a directory that goes away, a clock that stands, and short names for
 * saving and reading. Seams are the clock and the directory; everything between them is the real store. */
#ifndef SLUICE_STORE_KIT_H
#define SLUICE_STORE_KIT_H

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../tap.h"
#include "base/mem.h"
#include "store/events_in.h"
#include "store/events_out.h"
#include "store/store.h"

#define KIT_T0 INT64_C(1800000000000000)

struct kit {
	struct store *s;
	struct store_options o;
	char dir[128], key_file[160];
	_Atomic int64_t now_us; /* what the store's clock says; the writer reads it too */
	struct clock clock;
	struct err err;
};

static inline int64_t
kit_mono(void *arg)
{
	return ((struct kit *)arg)->now_us / 1000;
}

static inline int64_t
kit_wall(void *arg)
{
	return ((struct kit *)arg)->now_us;
}

static inline int
kit_unlink(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	return remove(path);
}

/* Makes the directory and the options, opens nothing. Members of k->o may be changed before kit_open. */
static inline void
kit_init(struct kit *k)
{
	const char *tmp = getenv("TMPDIR");

	*k = (struct kit){.now_us = KIT_T0};
	snprintf(k->dir, sizeof(k->dir), "%s/sluice-store-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(k->dir))
		abort();
	snprintf(k->key_file, sizeof(k->key_file), "%s/the.key", k->dir);
	strcat(k->dir, "/store");
	k->clock = (struct clock){kit_mono, kit_wall, k};
	k->o = (struct store_options){.dir = k->dir, .key_file = k->key_file, .clock = &k->clock};
}

static inline bool
kit_open(struct kit *k)
{
	k->err = (struct err){0};
	k->s = store_open(&k->o, &k->err);
	if (!k->s)
		printf("# store_open: %s\n", k->err.text);
	return k->s != NULL;
}

static inline void
kit_close(struct kit *k)
{
	store_close(k->s);
	k->s = NULL;
}

static inline bool
kit_reopen(struct kit *k)
{
	kit_close(k);
	return kit_open(k);
}

static inline void
kit_finish(struct kit *k)
{
	char top[128];

	kit_close(k);
	snprintf(top, sizeof(top), "%.*s", (int)(strlen(k->dir) - strlen("/store")), k->dir);
	nftw(top, kit_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

static inline uint32_t
kit_dataset(struct kit *k, const char *model)
{
	uint32_t n = store_dataset(
	        k->s, &(struct dataset_name){.connection = "acme", .integration = "crm", .model = model}, &k->err);

	if (!n)
		printf("# store_dataset: %s\n", k->err.text);
	return n;
}

static inline uint32_t
kit_scope(struct kit *k, const char *sync)
{
	return store_scope(k->s, &(struct scope_name){.connection = "acme", .integration = "crm", .sync = sync},
	                   &k->err);
}

static inline struct json_hash
kit_hash(struct kit *k, const char *json)
{
	struct json_hash h = {0};
	struct json_fault fault;

	if (!json_scan(slice_str(json), JSON_DEPTH_MAX, store_seed(k->s), &h, &fault))
		printf("# the test's JSON is bad: %s: %s\n", fault.what, json);
	return h;
}

static inline void
kit_put(struct kit *k, struct commit *c, uint32_t dataset, const char *id, const char *json)
{
	struct json_hash h = kit_hash(k, json);

	commit_save(c, dataset, slice_str(id), slice_str(json), &h);
}

static inline struct commit *
kit_commit(struct kit *k)
{
	return commit_new(k->s, (struct fence){0});
}

static inline struct commit_counts
kit_wait(struct kit *k, struct commit *c)
{
	struct commit_counts n = {0};

	k->err = (struct err){0};
	if (store_commit_wait(k->s, c, &n, &k->err) < 0)
		tap_fail(__FILE__, __LINE__, k->err.text);
	return n;
}

static inline struct commit_counts
kit_save(struct kit *k, uint32_t dataset, const char *id, const char *json)
{
	struct commit *c = kit_commit(k);

	kit_put(k, c, dataset, id, json);
	return kit_wait(k, c);
}

static inline struct commit_counts
kit_delete(struct kit *k, uint32_t dataset, const char *id)
{
	struct commit *c = kit_commit(k);

	commit_delete(c, dataset, slice_str(id));
	return kit_wait(k, c);
}

static inline bool
kit_feed_line(void *arg, const struct record *r)
{
	struct buf *b = arg;

	buf_printf(b, "%s%llu:%s:%.*s=%.*s", b->len ? " " : "", (unsigned long long)r->sequence, change_name(r->action),
	           (int)r->id.len, r->id.p, (int)r->json.len, r->json.p);
	return true;
}

/* The feed behind a cursor as one line: "1:added:a={} 2:updated:b={}"; yours, or an error's text in brackets. */
static inline char *
kit_feed(struct kit *k, uint32_t dataset, uint64_t after)
{
	struct buf b = {0};
	struct feed_query q = {.dataset = dataset, .after = after};
	uint64_t next;
	bool more;

	k->err = (struct err){0};
	if (store_feed(k->s, &q, kit_feed_line, &b, &next, &more, &k->err) < 0) {
		buf_clear(&b);
		buf_printf(&b, "[%s]", k->err.text);
	}
	return buf_take(&b);
}

#define CHECK_FEED(k, dataset, after, wanted)                                                                          \
	do {                                                                                                           \
		char *kit_got = kit_feed(k, dataset, after);                                                           \
		CHECK_STR(kit_got, wanted);                                                                            \
		free(kit_got);                                                                                         \
	} while (0)

struct kit_record {
	bool found;
	char json[4096];
	int64_t first_seen_us, modified_us, deleted_us;
	uint64_t sequence;
};

static inline void
kit_take_record(void *arg, const struct record *r)
{
	struct kit_record *out = arg;

	snprintf(out->json, sizeof(out->json), "%.*s", (int)r->json.len, r->json.p);
	out->first_seen_us = r->first_seen_us;
	out->modified_us = r->modified_us;
	out->deleted_us = r->deleted_us;
	out->sequence = r->sequence;
}

static inline struct kit_record
kit_record(struct kit *k, uint32_t dataset, const char *id)
{
	struct kit_record r = {0};

	r.found = store_record(k->s, dataset, slice_str(id), kit_take_record, &r);
	return r;
}

static inline void
kit_take_info(void *arg, const struct dataset_info *i)
{
	*(struct dataset_info *)arg = *i; /* its names are gone after this */
}

static inline struct dataset_info
kit_info(struct kit *k, uint32_t dataset)
{
	struct dataset_info i = {0};

	store_dataset_info(k->s, dataset, kit_take_info, &i);
	return i;
}

static inline void
kit_fault(void *arg, const char *text)
{
	(void)arg;
	printf("# verify: %s\n", text);
}

static inline bool
kit_verify(struct kit *k)
{
	k->err = (struct err){0};
	return store_verify(k->s, kit_fault, NULL, &k->err) == 0;
}

#endif
