/* metric.c - see metric.h.
 *
 * A family's series stand in an array in order of arrival, and are found by a hash of their labels in a table of its own.
 * Awkward: a scrape must show each family once, all its series together, under one HELP and TYPE; so families are kept sorted
 * by name when they first appear. */
#include "base/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

struct series {
	char *labels;     /* as they are printed, without braces: a="x",b="y"; "" */
	double value;     /* of a histogram: the sum */
	uint64_t *counts; /* of a histogram: n_bounds + 1, not cumulated */
	uint64_t hash;
};

struct family {
	const struct metric_family *is;
	struct series *list;
	size_t n, room;
	uint32_t *table;  /* index + 1; 0: free */
	size_t mask;      /* size of the table - 1 */
};

struct metrics {
	struct family *list; /* sorted by name */
	size_t n;
	struct buf text;
};

struct metrics *
metrics_new(void)
{
	return XNEW(struct metrics);
}

static void
family_clear(struct family *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->list[i].labels);
		free(f->list[i].counts);
	}
	free(f->list);
	free(f->table);
	*f = (struct family){.is = f->is};
}

void
metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		family_clear(&m->list[i]);
	free(m->list);
	buf_free(&m->text);
	free(m);
}

/* ---- finding ---- */

static struct family *
family_find(struct metrics *m, const struct metric_family *is)
{
	size_t at = 0;

	while (at < m->n && strcmp(m->list[at].is->name, is->name) < 0)
		at++;
	if (at < m->n && strcmp(m->list[at].is->name, is->name) == 0)
		return &m->list[at];
	m->list = xrealloc(m->list, (m->n + 1) * sizeof *m->list);
	memmove(&m->list[at + 1], &m->list[at], (m->n - at) * sizeof *m->list);
	m->n++;
	m->list[at] = (struct family){.is = is};
	return &m->list[at];
}

static void
value_escape(struct buf *out, const char *value)
{
	for (const char *p = value ? value : ""; *p; p++) {
		if (*p == '\\' || *p == '"')
			buf_putc(out, '\\');
		if (*p == '\n')
			buf_puts(out, "\\n");
		else
			buf_putc(out, *p);
	}
}

static void
labels_write(const struct metric_family *is, const char *const *values, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; is->labels[i]; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "", is->labels[i]);
		value_escape(out, values ? values[i] : "other");
		buf_putc(out, '"');
	}
}

static uint64_t
labels_hash(struct slice s) /* FNV-1a; labels come from the operator and his connectors, not from strangers */
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return h;
}

static void
table_grow(struct family *f)
{
	size_t size = f->mask ? (f->mask + 1) * 2 : 16;

	free(f->table);
	f->table = xcalloc(size, sizeof *f->table);
	f->mask = size - 1;
	for (size_t i = 0; i < f->n; i++) {
		size_t at = f->list[i].hash & f->mask;
		while (f->table[at])
			at = (at + 1) & f->mask;
		f->table[at] = (uint32_t)i + 1;
	}
}

static struct series *
series_named(struct family *f, struct slice labels, bool make)
{
	uint64_t hash = labels_hash(labels);
	size_t at;

	if (f->n * 2 >= f->mask)
		table_grow(f);
	for (at = hash & f->mask; f->table[at]; at = (at + 1) & f->mask) {
		struct series *s = &f->list[f->table[at] - 1];
		if (s->hash == hash && slice_is(labels, s->labels))
			return s;
	}
	if (!make)
		return NULL;
	if (f->n == f->room) {
		f->room = f->room ? f->room * 2 : 8;
		f->list = xrealloc(f->list, f->room * sizeof *f->list);
	}
	f->list[f->n] = (struct series){.labels = slice_dup(labels), .hash = hash};
	if (f->is->kind == METRIC_HISTOGRAM)
		f->list[f->n].counts = xcalloc(f->is->n_bounds + 1, sizeof(uint64_t));
	f->table[at] = (uint32_t)f->n + 1;
	return &f->list[f->n++];
}

static struct series *
series_find(struct metrics *m, const struct metric_family *is, const char *const *values)
{
	static const char *const none[] = {NULL};
	struct family *f = family_find(m, is);
	struct series *s;

	labels_write(is, values || is->labels[0] ? values : none, &m->text);
	s = series_named(f, buf_view(&m->text), f->n < METRIC_SERIES_MAX);
	if (s)
		return s;
	labels_write(is, NULL, &m->text);
	return series_named(f, buf_view(&m->text), true);
}

/* ---- counting ---- */

void
metric_add(struct metrics *m, const struct metric_family *f, const char *const *values, double by)
{
	if (m)
		series_find(m, f, values)->value += by;
}

void
metric_set(struct metrics *m, const struct metric_family *f, const char *const *values, double to)
{
	if (m)
		series_find(m, f, values)->value = to;
}

void
metric_observe(struct metrics *m, const struct metric_family *f, const char *const *values, double value)
{
	struct series *s = m ? series_find(m, f, values) : NULL;
	unsigned i = 0;

	if (!s)
		return;
	while (i < f->n_bounds && value > f->bounds[i])
		i++;
	s->counts[i]++;
	s->value += value;
}

void
metric_put(struct metrics *m, const struct metric_family *f, const char *const *values, const uint64_t *counts, double sum)
{
	struct series *s = m ? series_find(m, f, values) : NULL;

	if (!s)
		return;
	memcpy(s->counts, counts, (f->n_bounds + 1) * sizeof *counts);
	s->value = sum;
}

void
metric_forget(struct metrics *m, const struct metric_family *f)
{
	if (m)
		family_clear(family_find(m, f));
}

/* ---- writing ---- */

static void
number_write(struct buf *out, double v)
{
	if (v == floor(v) && fabs(v) < 1e15)
		buf_printf(out, " %.0f\n", v);
	else
		buf_printf(out, " %.15g\n", v);
}

static void
plain_write(const struct family *f, const struct series *s, struct buf *out)
{
	buf_puts(out, f->is->name);
	if (*s->labels)
		buf_printf(out, "{%s}", s->labels);
	number_write(out, s->value);
}

static void
histogram_write(const struct family *f, const struct series *s, struct buf *out)
{
	const char *name = f->is->name, *comma = *s->labels ? "," : "";
	uint64_t sum = 0;

	for (unsigned i = 0; i < f->is->n_bounds; i++) {
		sum += s->counts[i];
		buf_printf(out, "%s_bucket{%s%sle=\"%g\"} %llu\n", name, s->labels, comma, f->is->bounds[i], (unsigned long long)sum);
	}
	sum += s->counts[f->is->n_bounds];
	buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, s->labels, comma, (unsigned long long)sum);
	buf_printf(out, *s->labels ? "%s_sum{%s}" : "%s_sum%s", name, s->labels);
	number_write(out, s->value);
	buf_printf(out, *s->labels ? "%s_count{%s} %llu\n" : "%s_count%s %llu\n", name, s->labels, (unsigned long long)sum);
}

void
metrics_write(const struct metrics *m, struct buf *out)
{
	static const char *const kinds[] = {
		[METRIC_COUNTER] = "counter", [METRIC_GAUGE] = "gauge", [METRIC_HISTOGRAM] = "histogram"};

	for (const struct family *f = m->list; f < m->list + m->n; f++) {
		if (!f->n)
			continue;
		buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", f->is->name, f->is->help, f->is->name, kinds[f->is->kind]);
		for (const struct series *s = f->list; s < f->list + f->n; s++)
			(f->is->kind == METRIC_HISTOGRAM ? histogram_write : plain_write)(f, s, out);
	}
}
