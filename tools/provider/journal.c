/* journal.c - a ring of the last requests, and a hash table of paths.
 *
 * Entries keep one block of memory each (method, target, head, a body that is short), reused when the ring comes round, so that writing the
 * journal costs two copies and no allocation. A Retry-After given as a date has whole seconds: the moment it names. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "journal.h"

struct entry {
	uint64_t n;                  /* number of the request, from 1 */
	int64_t t_ms;                /* when it came, monotonic */
	int status;                  /* 0: never answered */
	char fault[32];              /* "" when none */
	size_t method, target, head, body; /* lengths of the four parts of text */
	struct buf text;
};

struct counter {
	char *path;
	uint64_t count, early;
	int64_t not_before_ms; /* 0: at any time */
};

struct journal {
	const struct clock *clock;
	struct entry *ring;
	uint64_t total, early;
	struct counter *paths; /* open addressing, a power of two */
	size_t path_cap, path_count;
	struct counter *current;
};

struct journal *
journal_new(const struct clock *clock)
{
	struct journal *j = XNEW(struct journal);

	j->clock = clock;
	j->ring = xcalloc(JOURNAL_KEEP, sizeof(*j->ring));
	j->path_cap = 256;
	j->paths = xcalloc(j->path_cap, sizeof(*j->paths));
	return j;
}

void
journal_reset(struct journal *j)
{
	for (size_t i = 0; i < j->path_cap; i++) {
		free(j->paths[i].path);
		j->paths[i] = (struct counter){0};
	}
	j->path_count = 0;
	j->total = j->early = 0;
	j->current = NULL;
}

void
journal_free(struct journal *j)
{
	if (!j)
		return;
	journal_reset(j);
	for (size_t i = 0; i < JOURNAL_KEEP; i++)
		buf_free(&j->ring[i].text);
	free(j->paths);
	free(j->ring);
	free(j);
}

/* ---- counting by path ---- */

static uint64_t
path_hash(struct slice path)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < path.len; i++)
		h = (h ^ (unsigned char)path.p[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static struct counter *
path_slot(struct journal *j, struct slice path)
{
	size_t at = path_hash(path) & (j->path_cap - 1);

	while (j->paths[at].path && !slice_is(path, j->paths[at].path))
		at = (at + 1) & (j->path_cap - 1);
	return &j->paths[at];
}

static void
paths_grow(struct journal *j)
{
	struct counter *old = j->paths;
	size_t old_cap = j->path_cap;

	j->path_cap *= 2;
	j->paths = xcalloc(j->path_cap, sizeof(*j->paths));
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].path)
			*path_slot(j, slice_str(old[i].path)) = old[i];
	free(old);
}

static struct counter *
path_count(struct journal *j, struct slice path)
{
	struct counter *c = path_slot(j, path);

	if (!c->path) {
		if (++j->path_count * 2 > j->path_cap) {
			paths_grow(j);
			c = path_slot(j, path);
		}
		c->path = slice_dup(path);
	}
	c->count++;
	return c;
}

/* ---- one request ---- */

uint64_t
journal_begin(struct journal *j, const struct request *r)
{
	struct entry *e = &j->ring[j->total++ % JOURNAL_KEEP];

	e->n = j->total;
	e->t_ms = r->came_ms;
	e->status = 0;
	e->fault[0] = 0;
	e->method = r->method.len;
	e->target = r->target.len;
	e->head = r->head.len;
	e->body = r->body.len <= JOURNAL_BODY ? r->body.len : 0;
	buf_clear(&e->text);
	buf_slice(&e->text, r->method);
	buf_slice(&e->text, r->target);
	buf_slice(&e->text, r->head);
	buf_slice(&e->text, slice_of(r->body.p, e->body));
	j->current = path_count(j, r->path);
	if (clock_mono_ms(j->clock) < j->current->not_before_ms) {
		j->current->early++;
		j->early++;
	}
	return e->n;
}

static struct slice
retry_header(const struct reply *p)
{
	static const char name[] = "Retry-After:";
	const char *at = p->head.p, *end = at + p->head.len;

	while (at < end) {
		const char *line = memchr(at, '\r', (size_t)(end - at));
		size_t len = (size_t)((line ? line : end) - at);
		if (len > sizeof(name) && strncasecmp(at, name, sizeof(name) - 1) == 0)
			return slice_of(at + sizeof(name), len - sizeof(name)); /* without the blank */
		at += len + 2;
	}
	return (struct slice){0};
}

/* When the path may be asked again, by the Retry-After among the reply's headers; 0: it does not say. */
static int64_t
retry_time(const struct journal *j, const struct reply *p)
{
	struct slice value = retry_header(p);
	int64_t us, seconds = 0;

	if (time_parse_http(value, &us))
		return clock_mono_ms(j->clock) + (us - clock_wall_us(j->clock)) / 1000;
	for (size_t i = 0; i < value.len; i++) {
		if (!isdigit((unsigned char)value.p[i]) || seconds > 1000000000)
			return 0;
		seconds = seconds * 10 + (value.p[i] - '0');
	}
	return value.len ? clock_mono_ms(j->clock) + seconds * 1000 : 0;
}

void
journal_end(struct journal *j, const struct request *r, const struct reply *p)
{
	if (!j->current)
		return; /* it was the request that reset the journal */
	struct entry *e = &j->ring[(j->total - 1) % JOURNAL_KEEP];

	(void)r;
	e->status = p->plan.silence ? 0 : p->status;
	snprintf(e->fault, sizeof(e->fault), "%s", p->fault ? p->fault : "");
	if (p->status == 429 || p->status == 503)
		j->current->not_before_ms = retry_time(j, p);
	j->current = NULL;
}

/* ---- showing ---- */

static void
headers_show(struct json_out *o, const char *p, const char *end)
{
	json_open(o, '{');
	while (p < end) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		const char *colon = memchr(p, ':', (size_t)(line - p));
		char name[128];
		size_t n = (size_t)(colon - p) < sizeof(name) - 1 ? (size_t)(colon - p) : sizeof(name) - 1;
		for (size_t i = 0; i < n; i++)
			name[i] = (char)tolower((unsigned char)p[i]);
		name[n] = 0;
		for (p = colon + 1; *p == ' '; p++)
			;
		json_kv_slice(o, name, slice_of(p, (size_t)(line - p) - (line > p && line[-1] == '\r')));
		p = line + 1;
	}
	json_close(o, '}');
}

static void
entry_show(struct json_out *o, const struct entry *e)
{
	const char *p = e->text.p;

	json_open(o, '{');
	json_kv_int(o, "n", (int64_t)e->n);
	json_kv_int(o, "t_ms", e->t_ms);
	json_kv_slice(o, "method", slice_of(p, e->method));
	json_kv_slice(o, "target", slice_of(p + e->method, e->target));
	json_kv_int(o, "status", e->status);
	json_kv_str(o, "fault", e->fault[0] ? e->fault : NULL);
	json_key(o, "headers");
	headers_show(o, p + e->method + e->target, p + e->method + e->target + e->head);
	p += e->method + e->target + e->head;
	if (e->body && utf8_valid(slice_of(p, e->body)))
		json_kv_slice(o, "body", slice_of(p, e->body));
	json_close(o, '}');
}

void
journal_show(const struct journal *j, struct json_out *o, bool log)
{
	uint64_t first = j->total > JOURNAL_KEEP ? j->total - JOURNAL_KEEP : 0;

	json_kv_int(o, "total", (int64_t)j->total);
	json_kv_int(o, "early_requests", (int64_t)j->early);
	json_key(o, "paths");
	json_open(o, '{');
	for (size_t i = 0; i < j->path_cap; i++)
		if (j->paths[i].path)
			json_kv_int(o, j->paths[i].path, (int64_t)j->paths[i].count);
	json_close(o, '}');
	json_key(o, "early");
	json_open(o, '{');
	for (size_t i = 0; i < j->path_cap; i++)
		if (j->paths[i].early)
			json_kv_int(o, j->paths[i].path, (int64_t)j->paths[i].early);
	json_close(o, '}');
	if (!log)
		return;
	json_key(o, "requests");
	json_open(o, '[');
	for (uint64_t n = first; n < j->total; n++)
		entry_show(o, &j->ring[n % JOURNAL_KEEP]);
	json_close(o, ']');
}
