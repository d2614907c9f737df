/* readers.h - readers of a dataset over HTTP beside a syncing service, and what each believes the dataset to be.
 *
 * A reader takes a snapshot, then follows the changes from its cursor, by pages that are waited for or as a stream. What it
 * believes is a table of ids with a hash of each record, changed by nothing but what it was told. At the end it must be
 * what a new snapshot says: that is the whole test. */
#ifndef TESTS_FLOW_READERS_H
#define TESTS_FLOW_READERS_H

#include <curl/curl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include "../bench/stage.h"
#include "base/json.h"
#include "run/idset.h"
#include "run/member.h"

#define KEY "7d9f1c1e-0f3a-4d52-9a57-2f6d9f7c1b11"
#define DATASET "/api/v1/datasets/c0/bench/Pass"

struct served {
	struct stage st;
	pid_t pid;
	char base[64]; /* http://127.0.0.1:PORT */
	bool stand_back; /* readers take only what nobody else wants of the processors */
};

/* ---- the service ---- */

static inline bool
served_port(struct served *s)
{
	char *path = xasprintf("%s/log", s->st.dir), line[1024], *at;
	FILE *f = fopen(path, "re");
	int port = 0;

	while (f && fgets(line, sizeof line, f))
		if ((at = strstr(line, "listens on http://127.0.0.1:")))
			port = atoi(at + strlen("listens on http://127.0.0.1:"));
	if (f)
		fclose(f);
	free(path);
	snprintf(s->base, sizeof s->base, "http://127.0.0.1:%d", port);
	return port != 0;
}

static inline void
served_start(struct served *s)
{
	char *log = xasprintf("%s/log", s->st.dir);

	unlink(log);
	free(log);
	s->pid = program_start(&s->st, (const char *[]){"--log-level", "info", "serve", NULL}, "out");
	for (int i = 0; i < 3000 && !served_port(s) && waitpid(s->pid, NULL, WNOHANG) == 0; i++)
		nap(10000);
}

static inline void
served_init(struct served *s, long records)
{
	char *path;
	FILE *f;

	stage_init(&s->st, 1);
	stage_records(&s->st, records);
	path = xasprintf("%s/sluice.ini", s->st.dir);
	f = fopen(path, "ae");
	fprintf(f,
	        "[sync c0 : bench : pass]\nauto_sync = no\nmax_delete_share = 50%%\n[sync c0 : bench : tree]\nauto_sync = no\n"
	        "[host]\nlisten = 127.0.0.1:0\nlog_file = %s/log\nworker = %s/sluice-worker\nmin_free = 0\n"
	        "[key test]\nvalue = " KEY "\nscope = admin\n",
	        s->st.dir, s->st.build);
	fclose(f);
	free(path);
	served_start(s);
}

static inline void
served_end(struct served *s, int how)
{
	kill(s->pid, how);
	waitpid(s->pid, NULL, 0);
}

static inline void
served_finish(struct served *s)
{
	served_end(s, SIGTERM);
	stage_finish(&s->st);
}

/* ---- asking ---- */

static inline size_t
bytes_take(char *p, size_t size, size_t n, void *arg)
{
	buf_put(arg, p, size * n);
	return size * n;
}

static inline CURL *
client_new(void)
{
	CURL *c = curl_easy_init();

	curl_easy_setopt(c, CURLOPT_XOAUTH2_BEARER, KEY);
	curl_easy_setopt(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 120L);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, NULL);
	return c;
}

/* The status; 0: there was no answer. post NULL: GET. */
static inline long
client_ask(CURL *c, const struct served *s, const char *path, const char *post, struct buf *out)
{
	char *url = xasprintf("%s%s", s->base, path);
	struct curl_slist *head = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;

	buf_clear(out);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, bytes_take);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, out);
	if (post) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, post);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
	} else {
		curl_easy_setopt(c, CURLOPT_HTTPGET, 1L);
	}
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(head);
	free(url);
	return status;
}

/* Runs, or is still to: a host that was killed may do once more what it was asked for before. */
static inline bool
sync_busy(struct slice status)
{
	struct slice value;

	return (json_path(status, "data.running", &value) && slice_is(value, "true")) ||
	       (json_path(status, "data.schedule.asked", &value) && slice_is(value, "true"));
}

/* Asks for a run, and waits for its end. False: it did not succeed. */
static inline bool
served_sync(const struct served *s)
{
	CURL *c = client_new();
	struct buf out = {0};
	struct slice row;
	int64_t before = -1, run = -1;
	bool good = false;

	if (client_ask(c, s, "/api/v1/syncs/c0/bench/pass", NULL, &out) == 200 && json_path(buf_view(&out), "data.last.run", &row))
		json_int(row, &before);
	good = client_ask(c, s, "/api/v1/syncs/c0/bench/pass/trigger", "{}", &out) == 200;
	for (int i = 0; good && i < 12000; i++) {
		nap(10000);
		good = client_ask(c, s, "/api/v1/syncs/c0/bench/pass", NULL, &out) == 200;
		if (good && json_path(buf_view(&out), "data.last.run", &row) && json_int(row, &run) && run != before &&
		    !sync_busy(buf_view(&out)))
			break;
	}
	good = good && run != before && json_path(buf_view(&out), "data.last.status", &row) && json_string_is(row, "success");
	if (!good)
		printf("# sync: %.*s\n", (int)(out.len < 500 ? out.len : 500), out.p ? out.p : "");
	buf_free(&out);
	curl_easy_cleanup(c);
	return good;
}

/* ---- what a reader believes ---- */

struct belief {
	struct idset ids;
	uint64_t *hashes; /* by number; 0: it is not there */
	size_t n, live;
};

static inline void
belief_put(struct belief *b, struct slice row, bool deleted)
{
	static const struct json_seed seed = {1, 2};
	struct slice id = member_raw(row, "id"), record = member_raw(row, "record");
	struct json_hash hash;
	uint32_t *at;
	bool fresh;

	at = idset_put(&b->ids, id, &fresh);
	if (fresh) {
		*at = (uint32_t)b->n;
		b->hashes = xrealloc(b->hashes, (b->n + 1) * sizeof *b->hashes);
		b->hashes[b->n++] = 0;
	}
	b->live -= b->hashes[*at] != 0;
	json_hash_value(record, &seed, &hash);
	b->hashes[*at] = deleted ? 0 : hash.low | 1;
	b->live += !deleted;
}

static inline void
belief_free(struct belief *b)
{
	idset_free(&b->ids);
	free(b->hashes);
	*b = (struct belief){0};
}

/* How many of a's are not the same in b. */
static inline size_t
belief_lacks(struct belief *a, struct belief *b, struct slice row)
{
	struct slice id = member_raw(row, "id");
	bool fresh;

	if (!idset_has(&a->ids, id) || !idset_has(&b->ids, id))
		return 1;
	return a->hashes[*idset_put(&a->ids, id, &fresh)] != b->hashes[*idset_put(&b->ids, id, &fresh)];
}

/* False: it is not whole. cursor gets that of its last line; other NULL, or compared with: *wrong counts what differs. */
static inline bool
snapshot_take(CURL *c, const struct served *s, struct belief *b, char cursor[128], struct belief *other, size_t *wrong)
{
	struct buf out = {0};
	struct slice line, value;
	const char *p, *nl;
	bool whole = false;

	if (client_ask(c, s, DATASET "/snapshot", NULL, &out) == 200)
		for (p = out.p; (nl = memchr(p, '\n', (size_t)(out.p + out.len - p))); p = nl + 1) {
			line = slice_of(p, (size_t)(nl - p));
			whole = json_member(line, "cursor", &value);
			if (whole) {
				snprintf(cursor, 128, "%.*s", (int)value.len - 2, value.p + 1);
				break;
			}
			belief_put(b, line, false);
			if (other)
				*wrong += belief_lacks(other, b, line);
		}
	buf_free(&out);
	return whole;
}

/* ---- a reader ---- */

enum reader_way { BY_PAGES, BY_WAITING, BY_STREAM };

struct reader_client {
	const struct served *served;
	enum reader_way way;
	int wait_ms;           /* BY_PAGES: between two pages, when there was nothing */
	atomic_bool *stop;     /* read to the end of what there is, and stop */
	pthread_t thread;
	struct belief belief;
	char cursor[128];
	long pages, streams;
	atomic_long changes;   /* told so far */
	const char *trouble;
	CURL *curl;
	bool slow;             /* BY_STREAM: takes nothing until it is told to stop */
	struct buf line;       /* BY_STREAM: what came of the next one */
	double heard;          /* when something came */
};

static inline void
changes_take(struct reader_client *r, struct slice list)
{
	struct json_iter it = json_iter(list);

	while (json_next(&it)) {
		belief_put(&r->belief, it.value, json_string_is(member_raw(it.value, "action"), "deleted"));
		r->changes++;
	}
}

static inline void
pages_follow(struct reader_client *r, CURL *c)
{
	struct buf out = {0};
	struct slice body, value;
	bool more = true, stopping;

	while (!r->trouble) {
		char *path = xasprintf(DATASET "/changes?limit=100&cursor=%s%s", r->cursor, r->way == BY_WAITING ? "&wait=1s" : "");

		stopping = atomic_load(r->stop); /* before the page: what was written by then is in it */
		if (client_ask(c, r->served, path, NULL, &out) != 200) {
			r->trouble = "a page was refused";
		} else {
			body = buf_view(&out);
			changes_take(r, member_raw(body, "changes"));
			more = member_bool(body, "more", false);
			value = member_raw(body, "cursor");
			snprintf(r->cursor, sizeof r->cursor, "%.*s", (int)value.len - 2, value.p + 1);
			r->pages++;
		}
		free(path);
		if (stopping && !more)
			break;
		if (!more && r->way == BY_PAGES)
			nap(r->wait_ms * 1000L);
	}
	buf_free(&out);
}

static inline void
line_heard(struct reader_client *r, struct slice line)
{
	if (slice_starts(line, "id: "))
		snprintf(r->cursor, sizeof r->cursor, "%.*s", (int)line.len - 4, line.p + 4);
	else if (slice_starts(line, "event: error"))
		r->trouble = "the stream ended with an error";
	else if (slice_starts(line, "data: {\"action\"")) {
		struct slice row = slice_of(line.p + 6, line.len - 6);

		belief_put(&r->belief, row, json_string_is(member_raw(row, "action"), "deleted"));
		r->changes++;
	}
}

static inline size_t
stream_take(char *p, size_t size, size_t n, void *arg)
{
	struct reader_client *r = arg;
	size_t left = size * n;
	char *nl;

	if (r->slow)
		return CURL_WRITEFUNC_PAUSE;
	r->heard = wall_seconds();
	while ((nl = memchr(p, '\n', left))) {
		buf_put(&r->line, p, (size_t)(nl - p));
		line_heard(r, buf_view(&r->line));
		buf_clear(&r->line);
		left -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	buf_put(&r->line, p, left);
	return size * n;
}

/* Stops when nothing has come for a while since it was told to. */
static inline int
stream_look(void *arg, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
	struct reader_client *r = arg;

	(void)a, (void)b, (void)d, (void)e;
	if (!atomic_load(r->stop))
		r->heard = wall_seconds();
	else if (r->slow) {
		r->slow = false;
		r->heard = wall_seconds();
		curl_easy_pause(r->curl, CURLPAUSE_CONT);
	}
	return r->trouble || wall_seconds() - r->heard > 2;
}

static inline void
stream_follow(struct reader_client *r, CURL *c)
{
	r->curl = c;
	curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, stream_look);
	curl_easy_setopt(c, CURLOPT_XFERINFODATA, r);
	r->heard = wall_seconds();
	while (!r->trouble && wall_seconds() - r->heard <= 2) {
		char *url = xasprintf("%s" DATASET "/changes/stream", r->served->base), *last = xasprintf("Last-Event-ID: %s", r->cursor);
		struct curl_slist *head = curl_slist_append(NULL, last);
		long status = 0;

		buf_clear(&r->line);
		curl_easy_setopt(c, CURLOPT_URL, url);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, head);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, stream_take);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, r);
		curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
		if (status != 200 && status != 0)
			r->trouble = "the stream was refused";
		r->streams++;
		curl_slist_free_all(head);
		free(last);
		free(url);
	}
}

static inline void *
reader_main(void *arg)
{
	struct reader_client *r = arg;
	CURL *c = client_new();

	if (r->served->stand_back)
		sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){0}); /* a nice one may end its slice before others wake */
	if (!snapshot_take(c, r->served, &r->belief, r->cursor, NULL, NULL))
		r->trouble = "the snapshot was not whole";
	else if (r->way == BY_STREAM)
		stream_follow(r, c);
	else
		pages_follow(r, c);
	curl_easy_cleanup(c);
	buf_free(&r->line);
	return NULL;
}

static inline void
reader_start(struct reader_client *r, const struct served *s, enum reader_way way, atomic_bool *stop)
{
	*r = (struct reader_client){.served = s, .way = way, .wait_ms = 50, .stop = stop};
	pthread_create(&r->thread, NULL, reader_main, r);
}

#endif
