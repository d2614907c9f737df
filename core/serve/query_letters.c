/* query_letters.c - the questions about dead letters, and what people do with them: resolve, purge, retry.
 *
 * A retry is judged twice: by whoever asks, against the model of the connector that is installed (describing a
 * connector may take a worker, for which the one who serves must not wait), and here by the rules that hold for every
 * record of a run: size, syntax, the id inside. Guarantee: it saves only while the letter is still there, in one commit
 * with the letter's end; so it cannot undo what a run has saved since.
 *
 * Awkward: the letter may be another one by the time the answer to the first look comes back; `attempts` tells. */
#include <stdlib.h>
#include "base/mem.h"
#include "config/variant.h"
#include "plugin/manifest.h"
#include "serve/question.h"
#include "sluice.h"

#define PURGE_AT_ONCE 1000

static void
letter_write(struct question *q, const struct dead_info *d, bool whole)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_int(&o, "number", (int64_t)d->number);
	json_kv_str(&o, "connection", d->connection);
	json_kv_str(&o, "integration", d->integration);
	json_kv_str(&o, "sync", d->sync);
	json_kv_slice(&o, "model", d->model);
	json_kv_slice(&o, "id", d->id);
	json_kv_slice(&o, "reason", d->reason);
	json_kv_int(&o, "attempts", (int64_t)d->attempts);
	json_kv_int(&o, "run", (int64_t)d->run);
	json_kv_time(&o, "first_at", d->first_us);
	json_kv_time(&o, "last_at", d->last_us);
	json_kv_time(&o, "resolved_at", d->settled_us);
	json_key(&o, "resolved_by");
	if (d->settled_us)
		json_put_slice(&o, d->settler);
	else
		json_put_null(&o);
	json_kv_int(&o, "raw_bytes", (int64_t)d->raw_len);
	if (whole)
		json_kv_slice(&o, "raw", d->raw); /* a string: it may be anything but JSON */
	json_close(&o, '}');
	question_row(q);
}

/* ---- which are meant ---- */

struct letters {
	struct question *q;
	char *model;
	int64_t before_us;  /* only those last seen before; 0: any */
	bool open, settled; /* only these; neither: both */
	uint64_t last;
	size_t left, walked;
	uint64_t *numbers; /* of a purge */
	size_t n;
};

static bool
letter_fits(const struct letters *l, const struct dead_info *d)
{
	return name_fits(l->q->connection, d->connection) && name_fits(l->q->integration, d->integration) &&
	       name_fits(l->q->sync, d->sync) && (!l->model || slice_is(d->model, l->model)) &&
	       !(l->open && d->settled_us) && !(l->settled && !d->settled_us) &&
	       (!l->before_us || d->last_us < l->before_us);
}

static struct letters
letters_meant(struct question *q)
{
	return (struct letters){.q = q,
	                        .model = member_text(q->json, "model"),
	                        .before_us = member_int(q->json, "before_us", 0),
	                        .open = member_bool(q->json, "unresolved", false),
	                        .settled = member_bool(q->json, "resolved", false)};
}

static bool
letter_row(void *arg, const struct dead_info *d)
{
	struct letters *l = arg;

	l->last = d->number;
	l->walked++;
	if (letter_fits(l, d)) {
		letter_write(l->q, d, false);
		l->left--;
	}
	return l->left > 0;
}

int
ask_dead_letters(struct question *q)
{
	struct letters l = letters_meant(q);
	uint64_t after;
	int rc = question_cursor(q, &after, NULL);

	l.left = question_limit(q);
	if (rc == 0 && q->store)
		rc = store_dead(q->store, 0, after, QUESTION_ROWS_MAX, letter_row, &l, q->err);
	if (rc == 0 && q->store) {
		json_kv_int(&q->end, "cursor", (int64_t)l.last);
		json_kv_bool(&q->end, "more", l.left == 0 || l.walked == QUESTION_ROWS_MAX);
	}
	free(l.model);
	return rc;
}

static void
letter_one(void *arg, const struct dead_info *d)
{
	letter_write(arg, d, true);
}

static int
letter_none(struct question *q, uint64_t number)
{
	return err_set(q->err, ERR_USAGE,
	               "there is no dead letter %llu: `sluice dead-letters list` shows which there are",
	               (unsigned long long)number);
}

int
ask_dead_letter(struct question *q)
{
	uint64_t number = (uint64_t)member_int(q->json, "number", 0);

	if (q->store && store_dead_get(q->store, number, letter_one, q))
		return 0;
	return letter_none(q, number);
}

/* ---- resolve ---- */

/* All of them, or none. */
int
ask_resolve_letters(struct question *q)
{
	struct json_iter it = json_iter(member_raw(q->json, "numbers"));
	struct commit *c;
	char *by;
	int64_t number;
	int rc;

	if (!q->store)
		return letter_none(q, json_next(&it) && json_int(it.value, &number) ? (uint64_t)number : 0);
	by = member_text(q->json, "by");
	c = commit_new(q->store, (struct fence){0, 0});
	while (json_next(&it) && json_int(it.value, &number))
		commit_dead_change(c, (uint64_t)number, DEAD_SETTLE, slice_str(by ? by : "somebody"));
	rc = store_commit_wait(q->store, c, NULL, q->err);
	free(by);
	return rc;
}

/* ---- purge ---- */

static bool
letter_note(void *arg, const struct dead_info *d)
{
	struct letters *l = arg;

	l->last = d->number;
	if (letter_fits(l, d))
		l->numbers[l->n++] = d->number;
	return l->n < PURGE_AT_ONCE;
}

/* Once over all of them, in commits of a bounded size. */
int
ask_purge_letters(struct question *q)
{
	struct letters l = letters_meant(q);
	uint64_t before, purged = 0;
	struct commit *c;
	int rc = 0;

	l.numbers = xcalloc(PURGE_AT_ONCE, sizeof *l.numbers);
	do {
		before = l.last;
		l.n = 0;
		if (q->store)
			rc = store_dead(q->store, 0, l.last, QUESTION_ROWS_MAX, letter_note, &l, q->err);
		if (rc != 0 || l.n == 0)
			continue;
		c = commit_new(q->store, (struct fence){0, 0});
		for (size_t i = 0; i < l.n; i++)
			commit_dead_change(c, l.numbers[i], DEAD_DROP, (struct slice){0});
		rc = store_commit_wait(q->store, c, NULL, q->err);
		purged += l.n;
	} while (rc == 0 && l.last > before);
	json_kv_int(&q->end, "purged", (int64_t)purged);
	free(l.numbers);
	free(l.model);
	return rc;
}

/* ---- retry ---- */

struct retry {
	struct question *q;
	char *connection, *integration, *sync, *model;
	struct buf raw, id;
	int64_t attempts, last_us, changed_us;
	bool whole;
	uint32_t dataset;
	struct json_hash hash;
};

static void
letter_keep(void *arg, const struct dead_info *d)
{
	struct retry *r = arg;

	r->connection = xstrdup(d->connection);
	r->integration = xstrdup(d->integration);
	r->sync = d->sync ? xstrdup(d->sync) : NULL;
	r->model = slice_dup(d->model);
	buf_slice(&r->raw, d->raw);
	r->attempts = (int64_t)d->attempts;
	r->last_us = d->last_us;
	r->whole = d->raw_len == d->raw.len;
}

static void
record_changed(void *arg, const struct record *record)
{
	struct retry *r = arg;

	r->changed_us = record->modified_us;
}

static const char *
id_fault(struct retry *r, const char *key)
{
	struct slice value, json = buf_view(&r->raw);

	if (!key || !json_member(json, key, &value))
		return "its id is missing";
	if (json_type(value) == JSON_STRING)
		json_unquote(value, &r->id);
	else if (type_matches(SLUICE_INTEGER, 0, value))
		buf_slice(&r->id, value);
	else
		return "its id is neither a string nor an integer";
	if (r->id.len == 0 || r->id.len > STORE_ID_MAX)
		return "an id has 1 to 255 bytes";
	return NULL;
}

/* As core/run/intake.c judges what a worker sends. */
static const char *
record_fault(struct retry *r, const char *key)
{
	const struct dataset_name name = {.connection = r->connection,
	                                  .integration = r->integration,
	                                  .model = r->model,
	                                  .variant = r->sync ? variant_of(r->sync) : NULL};
	struct slice json = buf_view(&r->raw);
	struct json_fault fault;

	r->dataset = store_dataset_find(r->q->store, &name);
	if (!r->dataset)
		return "nothing of its model was ever synced";
	if (json.len > r->q->settings->host.max_record)
		return "it is larger than max_record allows";
	if (!json_scan(json, JSON_DEPTH_MAX, store_seed(r->q->store), &r->hash, &fault))
		return fault.what;
	if (json_type(json_trim(json)) != JSON_OBJECT)
		return "it is no object";
	return id_fault(r, key);
}

static int
retry_commit(struct retry *r, uint64_t number, const char *fault)
{
	struct question *q = r->q;
	struct commit *c = commit_new(q->store, (struct fence){0, 0});
	struct json_out o = json_out(&q->row);

	commit_dead_change(c, number, fault ? DEAD_AGAIN : DEAD_TAKE, slice_str(fault));
	if (!fault)
		commit_save(c, r->dataset, buf_view(&r->id), json_trim(buf_view(&r->raw)), &r->hash);
	if (store_commit_wait(q->store, c, NULL, q->err) != 0)
		return -1;
	json_open(&o, '{');
	json_kv_int(&o, "number", (int64_t)number);
	json_kv_bool(&o, "saved", !fault);
	json_kv_slice(&o, "id", buf_view(&r->id));
	json_kv_str(&o, "reason", fault);
	json_kv_int(&o, "attempts", r->attempts + 1);
	json_close(&o, '}');
	question_row(q);
	return 0;
}

static int
retry_do(struct retry *r, uint64_t number, const char *key, const char *fault)
{
	struct question *q = r->q;

	if (r->attempts != member_int(q->json, "attempts", r->attempts))
		return err_set(q->err, ERR_BUSY, "dead letter %llu has changed just now: try again",
		               (unsigned long long)number);
	if (!r->whole)
		return err_set(
		        q->err, ERR_USAGE,
		        "dead letter %llu holds only the first 64 KiB of its record: `sluice dead-letters retry %llu --refetch` "
		        "fetches it again",
		        (unsigned long long)number, (unsigned long long)number);
	if (!fault)
		fault = record_fault(r, key);
	if (!fault)
		store_record(q->store, r->dataset, buf_view(&r->id), record_changed, r);
	if (r->changed_us > r->last_us)
		return err_set(q->err, ERR_USAGE,
		               "dead letter %llu is older than the record's last change: `sluice dead-letters resolve "
		               "%llu` puts it aside",
		               (unsigned long long)number, (unsigned long long)number);
	return retry_commit(r, number, fault);
}

int
ask_retry_letter(struct question *q)
{
	uint64_t number = (uint64_t)member_int(q->json, "number", 0);
	char *key = member_text(q->json, "key"), *fault = member_text(q->json, "fault");
	struct retry r = {.q = q};
	int rc;

	if (q->store && store_dead_get(q->store, number, letter_keep, &r))
		rc = retry_do(&r, number, key, fault);
	else
		rc = letter_none(q, number);
	free(r.connection);
	free(r.integration);
	free(r.sync);
	free(r.model);
	buf_free(&r.raw);
	buf_free(&r.id);
	free(key);
	free(fault);
	return rc;
}
