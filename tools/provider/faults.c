/* faults.c - reading rules, and choosing the one for a request.
 *
 * The choice is a function of the seed, the rules and the order of requests, so a failed test can be run again. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dataset.h"
#include "faults.h"

struct fault {
	const struct fault_kind *kind;
	char *json;         /* the rule as given */
	char *match;        /* NULL: every request */
	uint64_t every;     /* each so many-th; 0: not asked */
	uint64_t *ordinals; /* or these */
	size_t ordinal_count;
	uint64_t from, times; /* not before this one; at most so often (0: always) */
	double probability;   /* of those left; 1 when not given */
	bool last_page;       /* only where the reply is the last page of a list */
	uint64_t seen, used;
};

struct faults {
	uint64_t seed, random;
	struct fault **rules;
	size_t count;
};

struct faults *
faults_new(uint64_t seed)
{
	struct faults *s = XNEW(struct faults);

	s->seed = s->random = seed;
	return s;
}

static void
fault_free(struct fault *f)
{
	free(f->json);
	free(f->match);
	free(f->ordinals);
	free(f);
}

void
faults_reset(struct faults *s)
{
	for (size_t i = 0; i < s->count; i++)
		fault_free(s->rules[i]);
	free(s->rules);
	*s = (struct faults){.seed = s->seed, .random = s->seed};
}

void
faults_free(struct faults *s)
{
	if (!s)
		return;
	faults_reset(s);
	free(s);
}

/* ---- parameters ---- */

const struct fault_kind *
fault_kind_of(const struct fault *f)
{
	return f->kind;
}

struct slice
fault_rule(const struct fault *f)
{
	return slice_str(f->json);
}

bool
fault_value(const struct fault *f, const char *name, struct slice *json)
{
	return json_member(slice_str(f->json), name, json);
}

int64_t
fault_number(const struct fault *f, const char *name, int64_t otherwise)
{
	struct slice v;
	int64_t n;

	return fault_value(f, name, &v) && json_int(v, &n) ? n : otherwise;
}

bool
fault_flag(const struct fault *f, const char *name)
{
	struct slice v;
	bool is;

	return fault_value(f, name, &v) && json_bool(v, &is) && is;
}

char *
fault_text(const struct fault *f, const char *name)
{
	struct slice v;

	return fault_value(f, name, &v) ? json_text(v) : NULL;
}

/* ---- reading ---- */

static void
ordinals_read(struct fault *f, struct slice v)
{
	struct json_iter it = json_iter(v);
	int64_t n;

	if (json_int(v, &n) && n > 0)
		f->every = (uint64_t)n;
	if (json_type(v) != JSON_ARRAY)
		return;
	f->ordinals = xcalloc(json_count(v) + 1, sizeof(*f->ordinals));
	while (json_next(&it))
		if (json_int(it.value, &n) && n > 0)
			f->ordinals[f->ordinal_count++] = (uint64_t)n;
}

/* All members that a rule may have. A fault that does nothing because of a slip of the pen would let a test pass that
 * proves nothing. */
static const char *const members[] = {
        "match",  "nth",     "from",  "times",       "probability", "last_page", "do",    "note",
        "status", "headers", "body",  "type",        "retry_after", "location",  "after", "percent",
        "reset",  "length",  "bytes", "interval_ms", "ms",          "count",     "size",  "chunked",
        "cut",    "layers",  "with",  "at",          "depth",       "record",
};

static int
members_check(const struct fault *f, struct err *err)
{
	for (struct json_iter it = json_iter(slice_str(f->json)); json_next(&it);) {
		size_t i = 0;
		while (i < LENGTH(members) && !slice_is(it.key, members[i]))
			i++;
		if (i == LENGTH(members))
			return err_set(err, ERR_DATA,
			               "a fault has no \"%.*s\"; tools/provider/README.md lists what it has",
			               (int)it.key.len, it.key.p);
	}
	char *with = fault_text(f, "with");
	int rc = with && !fault_spoiler_known(with)
	                 ? err_set(err, ERR_DATA, "\"with\": '%s' is no way to spoil a record", with)
	                 : 0;
	free(with);
	return rc;
}

int
faults_add(struct faults *s, struct slice rule, struct err *err)
{
	struct fault *f = XNEW(struct fault);
	struct slice v;
	char *kind, *probability;

	f->json = slice_dup(rule);
	kind = fault_text(f, "do");
	f->kind = kind ? fault_kind_find(kind) : NULL;
	if (!f->kind) {
		err_set(err, ERR_DATA,
		        "a fault's \"do\": '%s' is no kind of fault; tools/provider/README.md lists them",
		        kind ? kind : "");
		free(kind);
		fault_free(f);
		return -1;
	}
	free(kind);
	if (members_check(f, err) < 0) {
		fault_free(f);
		return -1;
	}
	f->match = fault_text(f, "match");
	if (fault_value(f, "nth", &v))
		ordinals_read(f, v);
	f->from = (uint64_t)fault_number(f, "from", 0);
	f->times = (uint64_t)fault_number(f, "times", 0);
	f->last_page = fault_flag(f, "last_page");
	probability = fault_text(f, "probability");
	f->probability = probability ? strtod(probability, NULL) : 1;
	free(probability);
	s->rules = xrealloc(s->rules, (s->count + 1) * sizeof(struct fault *));
	s->rules[s->count++] = f;
	return 0;
}

/* ---- choosing ---- */

/* `*` stands for any bytes; the whole text must match. */
static bool
glob_match(const char *pattern, struct slice text)
{
	for (; *pattern && *pattern != '*'; pattern++, text.p++, text.len--)
		if (!text.len || *text.p != *pattern)
			return false;
	if (!*pattern)
		return text.len == 0;
	for (size_t skip = 0; skip <= text.len; skip++)
		if (glob_match(pattern + 1, slice_of(text.p + skip, text.len - skip)))
			return true;
	return false;
}

/* "GET /path", "/path" (any method); a beginning, unless it has a `*`. */
static bool
fault_matches(const struct fault *f, const struct request *r)
{
	const char *m = f->match;

	if (!m)
		return true;
	if (*m != '/' && *m != '*') {
		const char *blank = strchr(m, ' ');
		if (!blank || !slice_eq(r->method, slice_of(m, (size_t)(blank - m))))
			return false;
		m = blank + 1;
	}
	return strchr(m, '*') ? glob_match(m, r->target) : slice_starts(r->target, m);
}

static bool
fault_due(struct faults *s, struct fault *f)
{
	bool listed = f->ordinal_count == 0;

	for (size_t i = 0; i < f->ordinal_count; i++)
		listed |= f->ordinals[i] == f->seen;
	if (!listed || f->seen < f->from || (f->every && f->seen % f->every) || (f->times && f->used >= f->times))
		return false;
	return f->probability >= 1 || (double)(random_next(&s->random) >> 11) * 0x1p-53 < f->probability;
}

static const struct fault *
faults_choose(struct faults *s, struct request *r, bool last_page)
{
	const struct fault *chosen = NULL;

	for (size_t i = 0; i < s->count; i++) {
		struct fault *f = s->rules[i];
		if (f->last_page != last_page || !fault_matches(f, r))
			continue;
		f->seen++;
		if (chosen || !fault_due(s, f))
			continue;
		f->used++;
		r->bend = f->kind->bend;
		r->bend_no = f->used - 1;
		chosen = f;
	}
	return chosen;
}

const struct fault *
faults_pick(struct faults *s, struct request *r)
{
	return s->count ? faults_choose(s, r, false) : NULL;
}

const struct fault *
faults_pick_last(struct faults *s, struct request *r)
{
	return s->count ? faults_choose(s, r, true) : NULL;
}

void
fault_apply(const struct fault *f, const struct request *r, struct reply *p)
{
	p->fault = f->kind->name;
	if (f->kind->apply)
		f->kind->apply(f, r, p);
}

void
faults_show(const struct faults *s, struct json_out *o)
{
	json_open(o, '[');
	for (size_t i = 0; i < s->count; i++) {
		json_open(o, '{');
		json_kv_raw(o, "rule", slice_str(s->rules[i]->json));
		json_kv_int(o, "seen", (int64_t)s->rules[i]->seen);
		json_kv_int(o, "used", (int64_t)s->rules[i]->used);
		json_close(o, '}');
	}
	json_close(o, ']');
}
