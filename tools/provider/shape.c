/* shape.c - the compiler and the renderer of shapes.
 *
 * A shape becomes a list of operations, each a literal or a function with its arguments parsed beforehand, so that an
 * object of 1 KB costs about a microsecond and the provider is not what a benchmark measures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "shape.h"

enum { PICKS_MAX = 12 };

struct op;

struct draw {
	const struct dataset *d;
	uint32_t i;
	uint64_t still;    /* random stream that stays when the object changes */
	uint64_t shifting; /* and the one that does not */
};

struct op {
	void (*fn)(const struct op *op, struct draw *w, struct buf *out);
	bool shifting;     /* a ~ stood before the name */
	struct slice text; /* of a literal, or the arguments */
	int64_t number[2]; /* arguments that are numbers */
	struct slice picks[PICKS_MAX];
	size_t pick_count;
	const struct dataset *of; /* kind that is referred to */
};

struct shape {
	char *text; /* with the quotes in place; the operations point into it */
	struct op *ops;
	size_t count;
};

static const char *const firsts[] = {"Ada",   "Grace",  "Zoë",   "José",   "Łukasz", "Mei",    "Amara", "Björn",
                                     "Chloé", "Dmitri", "Emre",  "Fatima", "Giulia", "Hiro",   "Ines",  "Jürgen",
                                     "Kofi",  "Leila",  "Mateo", "Noor",   "Olga",   "Priya",  "Quinn", "Rosa",
                                     "Sven",  "Tomás",  "Uma",   "Viktor", "Wanda",  "Ximena", "Yusuf", "李"};
static const char *const lasts[] = {"Abel",    "Brandt", "Castillo", "Dubois",   "Eriksen",  "Fischer",   "García",
                                    "Haddad",  "Ito",    "Jansen",   "Kowalski", "Lovelace", "Müller",    "Nakamura",
                                    "O'Neill", "Petrov", "Quist",    "Rossi",    "Sørensen", "Takahashi", "Ünal",
                                    "Vargas",  "Weiß",   "Xu",       "Yılmaz",   "Zimmer"};
static const char *const words[] = {"amber",   "basin",   "cobalt",  "delta",  "ember",  "fjord",  "granite",
                                    "harbor",  "indigo",  "juniper", "kelp",   "lumen",  "meadow", "nimbus",
                                    "onyx",    "prairie", "quartz",  "ridge",  "summit", "tundra", "umber",
                                    "valley",  "willow",  "zephyr",  "signal", "ledger", "review", "invoice",
                                    "renewal", "upgrade", "pilot",   "launch"};

static uint64_t
draw_next(const struct op *op, struct draw *w)
{
	return random_next(op->shifting ? &w->shifting : &w->still);
}

static void
put_number(struct buf *out, int64_t v)
{
	char text[24], *p = text + sizeof(text);
	uint64_t u = v < 0 ? (uint64_t)-v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	buf_put(out, p, (size_t)(text + sizeof(text) - p));
}

/* ---- operations ---- */

static void
op_literal(const struct op *op, struct draw *w, struct buf *out)
{
	(void)w;
	buf_put(out, op->text.p, op->text.len);
}

static void
op_id(const struct op *op, struct draw *w, struct buf *out)
{
	char id[ID_MAX];

	(void)op;
	buf_puts(out, dataset_id(w->d, w->i, id));
}

static void
op_index(const struct op *op, struct draw *w, struct buf *out)
{
	(void)op;
	put_number(out, w->i);
}

static void
op_rev(const struct op *op, struct draw *w, struct buf *out)
{
	(void)op;
	put_number(out, dataset_round(w->d, w->i));
}

static void
op_created(const struct op *op, struct draw *w, struct buf *out)
{
	put_number(out, dataset_created_us(w->d, w->i) / 1000000 + op->number[0]);
}

static void
op_updated(const struct op *op, struct draw *w, struct buf *out)
{
	put_number(out, dataset_updated_us(w->d, w->i) / 1000000 + op->number[0]);
}

/* As Close and Python write it: 2026-06-19T12:05:28.327000+00:00. */
static void
put_time(struct buf *out, int64_t us)
{
	char text[TIME_TEXT_MAX];

	time_format(us, text);
	buf_put(out, text, strlen(text) - 1);
	buf_puts(out, "+00:00");
}

static void
op_created_at(const struct op *op, struct draw *w, struct buf *out)
{
	(void)op;
	put_time(out, dataset_created_us(w->d, w->i));
}

static void
op_updated_at(const struct op *op, struct draw *w, struct buf *out)
{
	(void)op;
	put_time(out, dataset_updated_us(w->d, w->i));
}

static void
op_ts(const struct op *op, struct draw *w, struct buf *out)
{
	int64_t us = dataset_created_us(w->d, w->i);

	(void)op;
	buf_printf(out, "%lld.%06d", (long long)(us / 1000000), (int)(us % 1000000));
}

static void
op_num(const struct op *op, struct draw *w, struct buf *out)
{
	uint64_t span = (uint64_t)(op->number[1] - op->number[0]) + 1;

	put_number(out, op->number[0] + (int64_t)(draw_next(op, w) % span));
}

static void
op_pick(const struct op *op, struct draw *w, struct buf *out)
{
	buf_slice(out, op->picks[draw_next(op, w) % op->pick_count]);
}

/* <every 7 A|B>: A for each seventh object, B for the others. */
static void
op_every(const struct op *op, struct draw *w, struct buf *out)
{
	buf_slice(out, op->picks[w->i % (uint32_t)op->number[0] == (uint32_t)op->number[0] - 1 ? 0 : 1]);
}

static void
op_ref(const struct op *op, struct draw *w, struct buf *out)
{
	char id[ID_MAX];

	buf_puts(out, dataset_id(op->of, (uint32_t)(draw_next(op, w) % op->of->base), id));
}

/* The object of another kind that has this one's share of the numbers: children spread evenly over their parents. */
static void
op_parent(const struct op *op, struct draw *w, struct buf *out)
{
	char id[ID_MAX];

	buf_puts(out, dataset_id(op->of, w->i % op->of->base, id));
}

static void
op_first(const struct op *op, struct draw *w, struct buf *out)
{
	buf_puts(out, firsts[draw_next(op, w) % LENGTH(firsts)]);
}

static void
op_last(const struct op *op, struct draw *w, struct buf *out)
{
	buf_puts(out, lasts[draw_next(op, w) % LENGTH(lasts)]);
}

static void
op_word(const struct op *op, struct draw *w, struct buf *out)
{
	buf_puts(out, words[draw_next(op, w) % LENGTH(words)]);
}

static void
op_text(const struct op *op, struct draw *w, struct buf *out)
{
	uint64_t bits = 0;

	for (int64_t k = 0; k < op->number[0]; k++) {
		bits = k % 10 ? bits >> 6 : draw_next(op, w);
		if (k)
			buf_putc(out, ' ');
		buf_puts(out, words[bits % LENGTH(words)]);
	}
}

static void
op_hex(const struct op *op, struct draw *w, struct buf *out)
{
	uint64_t bits = 0;

	for (int64_t k = 0; k < op->number[0]; k++) {
		bits = k % 16 ? bits >> 4 : draw_next(op, w);
		buf_putc(out, "0123456789abcdef"[bits & 15]);
	}
}

static const struct placeholder {
	const char *name;
	void (*fn)(const struct op *op, struct draw *w, struct buf *out);
	unsigned numbers; /* arguments that are numbers, all or none given */
	bool picks, kind; /* then: a|b|c, or a kind of the same API */
} placeholders[] = {
        {"id", op_id, 0, false, false},
        {"i", op_index, 0, false, false},
        {"rev", op_rev, 0, false, false},         /* the round of the last change: differs after every change */
        {"created", op_created, 1, false, false}, /* seconds since 1970, plus the argument */
        {"updated", op_updated, 1, false, false},
        {"created_at", op_created_at, 0, false, false},
        {"updated_at", op_updated_at, 0, false, false},
        {"ts", op_ts, 0, false, false},
        {"num", op_num, 2, false, false}, /* from, to */
        {"pick", op_pick, 0, true, false},
        {"every", op_every, 1, true, false},
        {"ref", op_ref, 0, false, true},
        {"parent", op_parent, 0, false, true},
        {"first", op_first, 0, false, false},
        {"last", op_last, 0, false, false},
        {"word", op_word, 0, false, false},
        {"text", op_text, 1, false, false}, /* words */
        {"hex", op_hex, 1, false, false},   /* digits */
};

/* ---- compiling ---- */

static const struct placeholder *
placeholder_find(struct slice name)
{
	for (size_t i = 0; i < LENGTH(placeholders); i++)
		if (slice_is(name, placeholders[i].name))
			return &placeholders[i];
	return NULL;
}

static void
picks_parse(struct op *op, const char *p, const char *end)
{
	while (op->pick_count < PICKS_MAX) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		op->picks[op->pick_count++] = slice_of(p, (size_t)((bar ? bar : end) - p));
		if (!bar)
			return;
		p = bar + 1;
	}
}

static int
op_compile(struct op *op, char *p, char *end, const struct dataset *d, struct err *err)
{
	char *name_end;

	*end = 0; /* the '>' */
	op->shifting = *p == '~';
	p += op->shifting;
	name_end = p + strcspn(p, " ");
	const struct placeholder *h = placeholder_find(slice_of(p, (size_t)(name_end - p)));
	if (!h)
		return err_set(err, ERR_DATA, "<%s>: no such placeholder", p);
	op->fn = h->fn;
	p = name_end;
	for (unsigned k = 0; k < h->numbers && *p; k++)
		op->number[k] = strtoll(p, &p, 10);
	p += *p == ' ';
	if (h->picks)
		picks_parse(op, p, end);
	if (h->kind && !(op->of = world_find(d->world, d->kind->api, p)))
		return err_set(err, ERR_DATA, "'%s': no such kind in this API", p);
	return 0;
}

static struct op *
shape_append(struct shape *s)
{
	s->ops = xrealloc(s->ops, (s->count + 1) * sizeof(*s->ops));
	s->ops[s->count] = (struct op){0};
	return &s->ops[s->count++];
}

struct shape *
shape_new(const char *text, const struct dataset *d, struct err *err)
{
	struct shape *s = XNEW(struct shape);

	s->text = xstrdup(text);
	for (char *p = s->text; *p; p++)
		if (*p == '\'')
			*p = '"';
	for (char *p = s->text; *p;) {
		size_t plain = strcspn(p, "<");
		if (plain)
			*shape_append(s) = (struct op){.fn = op_literal, .text = slice_of(p, plain)};
		p += plain;
		if (!*p)
			break;
		char *end = strchr(p, '>');
		if (!end) {
			err_set(err, ERR_DATA, "a '<' without its '>': %.40s", p);
			goto fail;
		}
		if (op_compile(shape_append(s), p + 1, end, d, err) < 0)
			goto fail;
		p = end + 1;
	}
	return s;
fail:
	shape_free(s);
	return NULL;
}

void
shape_free(struct shape *s)
{
	if (!s)
		return;
	free(s->ops);
	free(s->text);
	free(s);
}

void
shape_render(const struct shape *s, const struct dataset *d, uint32_t i, struct buf *out)
{
	struct draw w = {.d = d, .i = i, .still = random_of(d->seed, i)};

	w.shifting = random_of(w.still, dataset_round(d, i) + UINT64_C(1));
	for (size_t k = 0; k < s->count; k++)
		s->ops[k].fn(&s->ops[k], &w, out);
}
