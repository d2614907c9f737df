/* table.c - rows become records: the columns' names, which of them is the id, and what fits no column.
 *
 * A row is an object of its columns' names, written without a tree, and saved some hundred at a time. Guarantee: a row that
 * does not fit the header goes to the dead letters with its line, and the others are saved.
 *
 * Awkward: headers are written by people. Two columns of one name are told apart by a number, one without a name gets its
 * place, and where no column is the id a row is known by its number. */
#define _GNU_SOURCE /* asprintf */
#include "table.h"
#include <stdio.h>
#include <stdlib.h>

#define BATCH_BYTES (1u << 20)
#define COLUMNS_MAX 10000

struct column {
	char *name;
	bool number;
	size_t copies; /* further columns that the header calls so */
};

/* ---- cells ---- */

static void
cell_add(struct text *t, const struct column *column, const struct cell *cell)
{
	if (column->number && !cell->len)
		text_add(t, "null", 4);
	else if (column->number && number_is(cell->p, cell->len))
		text_add(t, cell->p, cell->len);
	else
		text_string(t, cell->p, cell->len, false);
}

static void
member_add(struct text *t, const char *name, const struct column *column, const struct cell *cell)
{
	text_string(t, name, strlen(name), false);
	text_add(t, ":", 1);
	cell_add(t, column, cell);
}

/* ---- columns ---- */

static bool
name_listed(const char *list, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',') {
		p += strspn(p, " ");
		size_t n = strcspn(p, ",");
		while (n && p[n - 1] == ' ')
			n--;
		if ((n == 1 && *p == '*') || (n == len && strncmp(p, name, n) == 0))
			return true;
	}
	return false;
}

/* Two of one name are told apart by a number; one without gets its place. */
static void
column_name(struct table *t, const char *text, size_t len)
{
	struct column *c = &t->columns[t->n_columns], *original = NULL;
	char *name;

	for (; len && (*text == ' ' || *text == '\t'); len--)
		text++;
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	if ((len ? asprintf(&name, "%.*s", (int)len, text) : asprintf(&name, "column_%zu", t->n_columns + 1)) < 0)
		abort();
	for (size_t i = 0; i < t->n_columns; i++) {
		char *other;

		if (strcmp(t->columns[i].name, name) != 0)
			continue;
		original = original ? original : &t->columns[i]; /* it counts: no search for each of thousands */
		if (asprintf(&other, "%.*s_%zu", (int)len, text, ++original->copies + 1) < 0)
			abort();
		free(name);
		name = other;
		i = (size_t)-1;
	}
	*c = (struct column){name, name_listed(sluice_get_option(t->run, "numbers"), name), 0};
	t->n_columns++;
}

static void
key_find(struct table *t)
{
	const char *about = sluice_get_connection(t->run); /* there is the host's own word of a dataset too */
	cJSON *connection = sluice_json_parse(about, strlen(about));
	const char *given = sluice_json_text(sluice_json_get(connection, "options"), "id");
	const char *id = sluice_format(t->run, "%s", given ? given : "id");
	struct text names = {0};

	cJSON_Delete(connection);
	t->key_name = strchr(id, '.') ? "id" : id; /* the host's rule for names with a dot */
	t->key = -1;
	for (size_t i = 0; i < t->n_columns; i++) {
		if (strcmp(t->columns[i].name, id) == 0)
			t->key = (int)i;
		if (names.len < 300) {
			text_add(&names, i ? ", " : "", i ? 2 : 0);
			text_add(&names, t->columns[i].name, strlen(t->columns[i].name));
		}
	}
	if (t->key < 0 && strcmp(id, "id") != 0)
		sluice_fail(t->run, SLUICE_EDATA, "%s has no column '%s', which is to be the id; it has: %.300s",
		            t->path, id, names.p);
	free(names.p);
}

/* From the header, or the option; without either by their places. true: the row was the header. */
static bool
columns_take(struct table *t, const struct row *row)
{
	const char *names = sluice_get_option(t->run, "columns"), *header = sluice_get_option(t->run, "header");
	const bool has_header = !header || strcmp(header, "true") == 0;
	size_t most = row->count;

	for (const char *p = names; p && *p; p++)
		most += *p == ',';
	if (most > COLUMNS_MAX) {
		sluice_fail(t->run, SLUICE_ELIMIT, "%s: line %ld has more than %d columns", t->path, row->line,
		            COLUMNS_MAX);
		return true;
	}
	t->columns = calloc(most + 1, sizeof(*t->columns));
	if (!t->columns)
		abort();
	if (names && *names)
		for (const char *p = names; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
			column_name(t, p, strcspn(p, ","));
	else if (row->fault)
		sluice_fail(t->run, SLUICE_EDATA, "%s: line %ld, the header, holds %s", t->path, row->line, row->fault);
	else
		for (size_t i = 0; i < row->count; i++)
			column_name(t, has_header ? row->cells[i].p : "", has_header ? row->cells[i].len : 0);
	t->named = true;
	key_find(t);
	return has_header;
}

/* ---- rows ---- */

void
table_flush(struct table *t)
{
	if (t->in_batch) {
		text_add(&t->batch, "]", 1);
		sluice_batch_save(t->run, t->model, t->batch.p, t->batch.len);
		sluice_progress(t->run, (uint64_t)t->rows, 0);
	}
	t->batch.len = 0;
	t->in_batch = 0;
}

static void
row_save(struct table *t, const struct row *row)
{
	char number[32];

	text_add(&t->batch, t->in_batch ? ",{" : "[{", 2);
	if (t->key < 0) {
		snprintf(number, sizeof(number), "\"id\":%ld,", t->rows);
		text_add(&t->batch, number, strlen(number));
	} else if (strcmp(t->key_name, t->columns[t->key].name) != 0) {
		member_add(&t->batch, t->key_name, &t->columns[t->key], &row->cells[t->key]);
		text_add(&t->batch, ",", 1);
	}
	for (size_t i = 0; i < row->count; i++) {
		text_add(&t->batch, ",", i > 0);
		member_add(&t->batch, t->columns[i].name, &t->columns[i], &row->cells[i]);
	}
	text_add(&t->batch, "}", 1);
	if (++t->in_batch >= t->batch_rows || t->batch.len > BATCH_BYTES)
		table_flush(t);
}

/* To the dead letters: where it stands, and what it says as far as it can be told. */
static void
row_reject(struct table *t, const struct row *row)
{
	struct text json = {0};
	char at[64];

	snprintf(at, sizeof(at), "{\"line\":%ld,\"cells\":[", row->line);
	text_add(&json, at, strlen(at));
	for (size_t i = 0; i < row->count && json.len < 65536; i++) {
		text_add(&json, ",", i > 0);
		text_string(&json, row->cells[i].p, row->cells[i].len < 65536 ? row->cells[i].len : 65536, true);
	}
	text_add(&json, "]}", 2);
	if (row->fault)
		sluice_reject(t->run, t->model, json.p, json.len, "line %ld holds %s", row->line, row->fault);
	else
		sluice_reject(t->run, t->model, json.p, json.len, "line %ld has %zu cells, and there are %zu columns",
		              row->line, row->count, t->n_columns);
	free(json.p);
}

void
table_row(void *arg, const struct row *row)
{
	struct table *t = arg;

	if (t->skip > 0) {
		t->skip--;
		return;
	}
	if (sluice_status(t->run) || (!t->named && columns_take(t, row)) || sluice_status(t->run))
		return;
	t->rows++;
	if (row->fault || row->count != t->n_columns)
		row_reject(t, row);
	else
		row_save(t, row);
}

void
table_finish(struct table *t)
{
	for (size_t i = 0; i < t->n_columns; i++)
		free(t->columns[i].name);
	free(t->columns);
	free(t->batch.p);
}
