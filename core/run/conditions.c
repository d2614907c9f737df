/* conditions.c - see conditions.h.
 *
 * Awkward: the next page is asked for while this one is in hand, so what is known of a request waits, under its serial,
 * for the boundary of its own page. Pages that are saved staged are never kept: their records may yet be given up. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

#define ROWS_MAX (64u << 10)      /* bytes of ids of one page; larger ones are not kept */
#define VALIDATOR_MAX 512u        /* bytes */
#define USED_MAX 100000u          /* pages of one run; those behind are asked for as usual */

static bool
conditions_on(const struct run *r)
{
	return r->sync && !r->request.dry && r->scope && !(r->sync->flags & SLUICE_WHOLE) && !r->stop_why &&
	       !r->facts.staged && r->conditions.used.len < USED_MAX * CONDITION_NAME;
}

static void
condition_free(struct condition *c)
{
	buf_free(&c->kept);
	free(c->etag);
	free(c->modified);
	free(c);
}

static struct condition **
condition_find(struct run *r, uint32_t serial)
{
	struct condition **at = &r->conditions.list;

	while (*at && (*at)->serial != serial)
		at = &(*at)->next;
	return at;
}

static void
page_over(struct run *r)
{
	buf_clear(&r->conditions.rows);
	r->conditions.n_rows = 0;
	r->conditions.sum = (struct json_hash){0};
	r->conditions.spoiled = false;
}

void
conditions_drop(struct run *r)
{
	while (r->conditions.list) {
		struct condition *c = r->conditions.list;
		r->conditions.list = c->next;
		condition_free(c);
	}
	buf_free(&r->conditions.rows);
	page_over(r);
}

/* Pages come in the order in which they were asked for: one that was asked for before the page whose boundary this is, and
 * has none yet, was given up by the worker. */
static void
forsaken_drop(struct run *r, uint32_t serial)
{
	struct condition **at = &r->conditions.list;

	while (*at) {
		struct condition *c = *at;
		if (c->serial >= serial) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		condition_free(c);
	}
}

/* ---- asking ---- */

static void
name_part(crypto_generichash_state *h, struct slice s)
{
	uint64_t len = s.len;

	crypto_generichash_update(h, (const unsigned char *)&len, sizeof len);
	crypto_generichash_update(h, (const unsigned char *)s.p, s.len);
}

/* Another file of the plugin may make other records of the same page, and so may other fields of a dataset. */
void
conditions_name(const struct run *r, const struct proxy_request *q, uint8_t name[CONDITION_NAME])
{
	crypto_generichash_state h;
	struct stat st = {0};
	struct {
		uint64_t device, inode, size;
		int64_t seconds, nanoseconds;
	} file = {0};

	if (fstat(r->plugin->fd, &st) == 0) {
		file.device = st.st_dev;
		file.inode = st.st_ino;
		file.size = (uint64_t)st.st_size;
		file.seconds = st.st_mtim.tv_sec;
		file.nanoseconds = st.st_mtim.tv_nsec;
	}
	crypto_generichash_init(&h, NULL, 0, CONDITION_NAME);
	name_part(&h, slice_of(&file, sizeof file));
	name_part(&h, slice_str(q->method));
	name_part(&h, q->endpoint);
	name_part(&h, q->query);
	name_part(&h, q->headers);
	name_part(&h, q->body);
	name_part(&h, buf_view(&r->connection_json));
	name_part(&h, slice_str(r->shaped ? r->shaped->text : NULL));
	crypto_generichash_final(&h, name, CONDITION_NAME);
}

static void
sum_add(struct json_hash *sum, const struct json_hash *hash)
{
	sum->low += hash->low;
	sum->high += hash->high;
}

static void
sum_text(const struct json_hash *sum, char text[40])
{
	snprintf(text, 40, "%016llx%016llx", (unsigned long long)sum->high, (unsigned long long)sum->low);
}

/* Every record of the page is there, lives, and is what that page made of it. */
static bool
rows_live(struct run *r, struct slice kept)
{
	struct json_iter models = json_iter(member_raw(kept, "rows"));
	struct json_hash sum = {0};
	struct buf id = {0};
	char text[40];
	bool all = true;

	while (all && json_next(&models)) {
		struct run_model *m = run_model_at(r, (uint16_t)member_int(models.value, "model", -1));
		struct json_iter ids = json_iter(member_raw(models.value, "ids"));
		all = m != NULL;
		while (all && json_next(&ids)) {
			struct peek peek;
			buf_clear(&id);
			json_unquote(ids.value, &id);
			peek = store_peek(r->host->store, m->dataset, buf_view(&id), NULL);
			all = peek.known && !peek.deleted;
			sum_add(&sum, &peek.hash);
		}
	}
	buf_free(&id);
	sum_text(&sum, text);
	return all && json_string_is(member_raw(kept, "sum"), text);
}

static void
header_put(struct buf *headers, const char *name, struct slice kept, const char *key)
{
	char *value = member_text(kept, key);

	if (value)
		buf_printf(headers, "%s: %s\n", name, value);
	free(value);
}

void
conditions_headers(struct slice kept, struct buf *headers)
{
	header_put(headers, "If-None-Match", kept, "etag");
	header_put(headers, "If-Modified-Since", kept, "modified");
}

void
conditions_ask(struct run *r, uint32_t serial, const struct proxy_request *q, struct buf *headers)
{
	struct condition *c;
	struct slice kept;

	if (!conditions_on(r))
		return;
	c = XNEW(struct condition);
	c->serial = serial;
	c->next = r->conditions.list;
	r->conditions.list = c;
	conditions_name(r, q, c->name);
	if (r->request.full_refresh) /* what was kept goes with this run's first commit, which may not be durable yet */
		return;
	if (!store_state_get(r->host->store, r->scope, STATE_CONDITION, slice_of(c->name, CONDITION_NAME), &c->kept))
		return;
	kept = buf_view(&c->kept);
	if (!json_check(kept, JSON_DEPTH_MAX, NULL) || !rows_live(r, kept)) {
		buf_free(&c->kept);
		return;
	}
	conditions_headers(kept, headers);
}

/* ---- the answer ---- */

/* Of "name: value\n" lines in lower case; yours. NULL: not there, or nothing that can be sent back. */
static char *
validator(struct slice headers, const char *name)
{
	size_t n = strlen(name);
	const char *p = headers.p, *end = p + headers.len;

	while (p && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		if (len > n + 2 && memcmp(p, name, n) == 0 && p[n] == ':') {
			struct slice value = slice_trim(slice_of(p + n + 1, len - n - 1));
			return value.len && value.len <= VALIDATOR_MAX && utf8_valid(value) ? slice_dup(value) : NULL;
		}
		p += len + 1;
	}
	return NULL;
}

/* A time of whole seconds tells two states of one second apart only when it is past (RFC 9110, section 8.8.2.2). */
static bool
modified_proves(struct slice headers, const char *modified)
{
	int64_t changed_us, answered_us;
	char *date = validator(headers, "date");
	bool proves = date && time_parse_http(slice_str(date), &answered_us) &&
	              time_parse_http(slice_str(modified), &changed_us) && answered_us - changed_us >= INT64_C(1000000);

	free(date);
	return proves;
}

void
conditions_validators(const struct proxy_answer *a, char **etag, char **modified)
{
	*etag = validator(a->headers, "etag");
	*modified = validator(a->headers, "last-modified");
	if (!*etag && *modified && !modified_proves(a->headers, *modified)) {
		free(*modified);
		*modified = NULL;
	}
}

bool
conditions_answer(struct run *r, uint32_t serial, const struct proxy_answer *a, struct buf *body)
{
	struct condition *c = *condition_find(r, serial);

	if (!c || a->err.cls != ERR_NONE)
		return false;
	if (a->status == 304 && c->kept.len) {
		struct json_out o = json_out(body);
		c->unchanged = true;
		json_open(&o, '{');
		json_kv_int(&o, "items", member_int(buf_view(&c->kept), "items", 0));
		json_kv_raw(&o, "after", member_raw(buf_view(&c->kept), "after"));
		json_close(&o, '}');
		return true;
	}
	if (a->status == 200)
		conditions_validators(a, &c->etag, &c->modified);
	return false;
}

/* ---- what is saved from the page in hand ---- */

void
conditions_content(struct run *r, const struct json_hash *hash)
{
	sum_add(&r->conditions.sum, hash);
}

void
conditions_saved(struct run *r, uint16_t model, struct slice id)
{
	struct conditions *all = &r->conditions;

	if (!all->list || all->spoiled)
		return;
	buf_u16(&all->rows, model);
	buf_bytes(&all->rows, id);
	all->n_rows++;
	if (all->rows.len > ROWS_MAX)
		conditions_spoil(r);
}

void
conditions_spoil(struct run *r)
{
	r->conditions.spoiled = true;
	buf_clear(&r->conditions.rows);
}

/* ---- its boundary ---- */

/* The records of an unchanged page count as listed, as if they had come again. */
static void
rows_seen(struct run *r, struct slice kept)
{
	struct json_iter models = json_iter(member_raw(kept, "rows"));
	struct buf id = {0};
	uint64_t n = 0;

	while (json_next(&models)) {
		struct run_model *m = run_model_at(r, (uint16_t)member_int(models.value, "model", -1));
		struct json_iter ids = json_iter(member_raw(models.value, "ids"));
		while (m && json_next(&ids)) {
			buf_clear(&id);
			json_unquote(ids.value, &id);
			commit_seen(batch_open(r), m->dataset, buf_view(&id));
			n++;
		}
	}
	buf_free(&id);
	r->counts.saved += n;
	r->counts.unmodified++;
}

/* By model, in the order in which they came. */
static void
rows_write(struct run *r, struct json_out *o)
{
	json_key(o, "rows");
	json_open(o, '[');
	for (size_t i = 0; i < r->n_models; i++) {
		struct reader in = reader_of(buf_view(&r->conditions.rows));
		json_open(o, '{');
		json_kv_int(o, "model", r->models[i].index);
		json_key(o, "ids");
		json_open(o, '[');
		while (in.p < in.end) {
			uint16_t model = reader_u16(&in);
			struct slice id = reader_bytes(&in, STORE_ID_MAX);
			if (model == r->models[i].index)
				json_put_slice(o, id);
		}
		json_close(o, ']');
		json_close(o, '}');
	}
	json_close(o, ']');
}

static void
condition_put(struct run *r, const struct condition *c, struct slice state, uint32_t items)
{
	struct buf value = {0};
	struct json_out o = json_out(&value);
	char sum[40];

	json_open(&o, '{');
	if (c->etag)
		json_kv_str(&o, "etag", c->etag);
	if (c->modified)
		json_kv_str(&o, "modified", c->modified);
	json_kv_int(&o, "items", items);
	json_kv_raw(&o, "after", state);
	sum_text(&r->conditions.sum, sum);
	json_kv_str(&o, "sum", sum);
	rows_write(r, &o);
	json_close(&o, '}');
	commit_state_set(batch_open(r), r->scope, STATE_CONDITION, slice_of(c->name, CONDITION_NAME), buf_view(&value));
	buf_free(&value);
}

void
conditions_page(struct run *r, uint32_t of, struct slice state, uint32_t items, bool whole)
{
	struct condition **at = condition_find(r, of), *c = of ? *at : NULL;
	bool known = c && c->kept.len;
	bool saved = items == 0 || r->conditions.n_rows; /* else they may come later, and it is not known which they are */

	if (c) {
		*at = c->next;
		if (c->unchanged)
			rows_seen(r, buf_view(&c->kept));
		else if ((c->etag || c->modified) && whole && saved && !r->conditions.spoiled)
			condition_put(r, c, state, items);
		else if (known)
			commit_state_clear(batch_open(r), r->scope, STATE_CONDITION, slice_of(c->name, CONDITION_NAME));
		if (c->unchanged || c->etag || c->modified)
			buf_put(&r->conditions.used, c->name, CONDITION_NAME);
		condition_free(c);
	}
	forsaken_drop(r, of);
	page_over(r);
}

/* ---- the end of a run ---- */

static int
by_name(const void *a, const void *b)
{
	return memcmp(a, b, CONDITION_NAME);
}

struct dropping {
	struct run *run;
	struct commit *commit;
};

static bool
unused_drop(void *arg, struct slice name, struct slice value)
{
	struct dropping *d = arg;
	const struct buf *used = &d->run->conditions.used;

	(void)value;
	if (name.len != CONDITION_NAME || !used->len ||
	    !bsearch(name.p, used->p, used->len / CONDITION_NAME, CONDITION_NAME, by_name))
		commit_state_clear(d->commit, d->run->scope, STATE_CONDITION, name);
	return true;
}

/* A run that went on with another one did not meet the pages that that one had. */
void
conditions_end(struct run *r, struct commit *c)
{
	struct dropping d = {r, c};

	if (r->resumes || r->by_hand || !r->scope)
		return;
	if (r->conditions.used.len)
		qsort(r->conditions.used.p, r->conditions.used.len / CONDITION_NAME, CONDITION_NAME, by_name);
	store_state_list(r->host->store, r->scope, STATE_CONDITION, unused_drop, &d, NULL);
}
