/* csv.c - mirrors files of separated values; each [dataset] section of the operator names one.
 *
 * The file is read in pieces (sluice_open), unpacked where it is gzip (unpack.h), cut into rows (reader.h), and saved
 * 500 rows at a time; so its length does not matter. A row is an object of its columns' names, written without a tree.
 *
 * Guarantee: a row that does not fit the header goes to the dead letters with its line, and the others are saved.
 * Awkward: HTTP gives no place to go on at that would be known to be the same file, so a run is one piece
 * (SLUICE_WHOLE) and begins anew after a failure. Values are texts; which columns are numbers the operator says. */
#define _GNU_SOURCE /* strcasestr */
#include <sluice_json.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "../common/sections.h"
#include "reader.h"
#include "unpack.h"

#define BATCH_ROWS 500
#define BATCH_BYTES (1u << 20)
#define COLUMNS_MAX 10000

struct text {
	char *p;
	size_t len, cap;
};

struct column {
	char *name;
	bool number;
	size_t copies; /* further columns that the header calls so */
};

struct table {
	struct sluice_run *run;
	const char *model, *path;
	struct reader *reader;
	struct column *columns;
	size_t n_columns;
	bool named;           /* the columns are known */
	int key;              /* of the column that is the record's id; -1: the row's number is */
	const char *key_name; /* the record's member that is its id */
	long skip;            /* rows before the header */
	long rows;            /* behind the header */
	size_t in_batch, batch_rows;
	struct text batch;
};

/* ---- JSON ---- */

static void
text_add(struct text *t, const char *p, size_t len)
{
	if (t->len + len + 1 > t->cap) {
		t->cap = (t->len + len) * 2 + 4096;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	memcpy(t->p + t->len, p, len);
	t->len += len;
	t->p[t->len] = '\0';
}

/* A string. ascii: what is none becomes U+FFFD, byte by byte. */
static void
string_add(struct text *t, const char *p, size_t len, bool ascii)
{
	size_t from = 0;
	char escaped[8];

	text_add(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)p[i];

		if (c >= 0x20 && c != '"' && c != '\\' && (c < 0x80 || !ascii))
			continue;
		text_add(t, p + from, i - from);
		from = i + 1;
		snprintf(escaped, sizeof(escaped), c < 0x20 ? "\\u%04x" : c < 0x80 ? "\\%c" : "\\ufffd", c);
		text_add(t, escaped, strlen(escaped));
	}
	text_add(t, p + from, len - from);
	text_add(t, "\"", 1);
}

/* RFC 8259, 6. */
static bool
number_is(const char *p, size_t len)
{
	const char *end = p + len;
	size_t digits = 0;

	p += p < end && *p == '-';
	if (p < end && *p == '0')
		p++, digits++;
	else
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			digits++;
	if (!digits)
		return false;
	for (int part = 0; part < 2; part++) {
		if (p == end || (part ? (*p | 32) != 'e' : *p != '.'))
			continue;
		p += 1 + (part && p + 1 < end && (p[1] == '+' || p[1] == '-'));
		for (digits = 0; p < end && *p >= '0' && *p <= '9'; p++)
			digits++;
		if (!digits)
			return false;
	}
	return p == end;
}

static void
cell_add(struct text *t, const struct column *column, const struct cell *cell)
{
	if (column->number && !cell->len)
		text_add(t, "null", 4);
	else if (column->number && number_is(cell->p, cell->len))
		text_add(t, cell->p, cell->len);
	else
		string_add(t, cell->p, cell->len, false);
}

static void
member_add(struct text *t, const char *name, const struct column *column, const struct cell *cell)
{
	string_add(t, name, strlen(name), false);
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

static void
batch_save(struct table *t)
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
		batch_save(t);
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
		string_add(&json, row->cells[i].p, row->cells[i].len < 65536 ? row->cells[i].len : 65536, true);
	}
	text_add(&json, "]}", 2);
	if (row->fault)
		sluice_reject(t->run, t->model, json.p, json.len, "line %ld holds %s", row->line, row->fault);
	else
		sluice_reject(t->run, t->model, json.p, json.len, "line %ld has %zu cells, and there are %zu columns",
		              row->line, row->count, t->n_columns);
	free(json.p);
}

static void
row_take(void *arg, const struct row *row)
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

static int
bytes_take(void *arg, const char *p, size_t len)
{
	struct table *t = arg;

	return reader_feed(t->reader, p, len) != 0 || sluice_status(t->run) != 0;
}

/* ---- the run ---- */

/* "tab", or the character itself. 0: not given; -1: neither. */
static int
character_of(const char *text)
{
	static const struct {
		const char *name;
		char is;
	} names[] = {
		{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}, {"pipe", '|'}, {"space", ' '},
	};

	if (!text || !*text)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i].name, text) == 0)
			return names[i].is;
	return text[1] || *text & 0x80 || *text == '\n' || *text == '\r' ? -1 : *text;
}

static int
dialect_take(struct sluice_run *run, struct dialect *d)
{
	const char *delimiter = sluice_get_option(run, "delimiter"), *quote = sluice_get_option(run, "quote"),
		   *encoding = sluice_get_option(run, "encoding");
	const int is = character_of(delimiter), quotes = !quote                       ? '"'
	                                                 : strcmp(quote, "none") == 0 ? 0
	                                                                              : character_of(quote);

	*d = (struct dialect){.delimiter = (char)is, .quote = (char)quotes};
	if (is < 0)
		return sluice_fail(run, SLUICE_EFAILED,
		                   "delimiter = %s: say one character, or comma, semicolon, tab, pipe or space",
		                   delimiter);
	if (quotes < 0 || (quotes && quotes == is))
		return sluice_fail(run, SLUICE_EFAILED,
		                   "quote = %s: say one character that is not the delimiter, or none", quote);
	if (encoding && strcasecmp(encoding, "utf-8") != 0 && strcasecmp(encoding, "utf8") != 0) {
		d->charset = charset_find(encoding);
		if (!d->charset)
			return sluice_fail(
				run, SLUICE_EFAILED,
				"encoding = %s is none of those that are read: utf-8 and the single-byte ones, such as "
				"windows-1252",
				encoding);
	}
	return 0;
}

/* All of the body through the pipe. */
static void
body_read(struct table *t)
{
	static char piece[1 << 16];
	struct unpack *unpack = unpack_new(bytes_take, t);
	long n;
	int rc = 0;

	while (rc == 0 && (n = sluice_read(t->run, piece, sizeof(piece))) > 0)
		rc = unpack_feed(unpack, piece, (size_t)n);
	if (sluice_status(t->run) == 0 && rc == 0)
		rc = unpack_end(unpack);
	if (sluice_status(t->run) == 0 && (*reader_fault(t->reader) || (rc == 0 && reader_end(t->reader) != 0)))
		sluice_fail(t->run, SLUICE_EDATA, "%s: %s", t->path, reader_fault(t->reader));
	else if (rc < 0)
		sluice_fail(t->run, SLUICE_EDATA, "%s is a gzip file that is damaged or ends too early", t->path);
	unpack_free(unpack);
}

/* What comes with status 200 and is no file. Its first line would be taken for a header without rows, and all that is
 * stored for gone. NULL: it is nothing of the kind. */
static const char *
stranger_find(const char *headers)
{
	static const char *const types[][2] = {
		{"content-type: text/html", "a page (text/html)"},
		{"content-type: application/xhtml+xml", "a page (application/xhtml+xml)"},
		{"content-type: application/json", "JSON (application/json)"},
		{"content-type: application/problem+json", "JSON (application/problem+json)"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strcasestr(headers, types[i][0]))
			return types[i][1];
	return NULL;
}

/* Asks for the file, and no more: its body may then be read, and is closed by the caller. 0: it is open. */
static int
file_open(struct sluice_run *run, const char *path)
{
	const struct sluice_pair headers[] = {{"Accept", "text/csv, text/*;q=0.9, */*;q=0.5"}, {NULL, NULL}};
	const struct sluice_request request = {.endpoint = path, .headers = headers};
	struct sluice_response answer;
	const char *stranger;

	if (sluice_open(run, &request, &answer) < 0)
		return -1;
	if (answer.status < 200 || answer.status > 299)
		sluice_fail(run, answer.status == 401 || answer.status == 403 ? SLUICE_ECREDENTIALS : SLUICE_EHTTP,
		            "GET %s answered status %d", path, answer.status);
	else if ((stranger = stranger_find(answer.headers)))
		sluice_fail(run, SLUICE_EDATA, "%s answered %s, and no file: does it ask to sign in?", path, stranger);
	return 0;
}

static void
file_read(struct table *t)
{
	if (file_open(t->run, t->path) != 0)
		return;
	if (sluice_status(t->run) == 0)
		body_read(t);
	sluice_close(t->run);
	if (sluice_status(t->run) == 0 && !t->named)
		sluice_fail(t->run, SLUICE_EDATA, "%s is empty: it has not even a header", t->path);
	batch_save(t);
	if (sluice_status(t->run) == 0 && t->key < 0)
		sluice_log(
			t->run, SLUICE_INFO,
			"%s has no column 'id': its rows are known by their number; say id = COLUMN if one is unique",
			t->path);
	sluice_full_done(t->run, t->model);
}

static int
fetch(struct sluice_run *run)
{
	const char *skip = sluice_get_option(run, "skip"), *rows = sluice_get_option(run, "page_size");
	struct table t = {.run = run,
	                  .model = sluice_dataset(run),
	                  .path = sluice_get_option(run, "path"),
	                  .skip = skip ? atol(skip) : 0,
	                  .batch_rows = rows ? (size_t)atol(rows) : BATCH_ROWS};
	struct dialect dialect;

	if (dialect_take(run, &dialect) == 0) {
		t.reader = reader_new(&dialect, row_take, &t);
		file_read(&t);
	}
	reader_free(t.reader);
	for (size_t i = 0; i < t.n_columns; i++)
		free(t.columns[i].name);
	free(t.columns);
	free(t.batch.p);
	return sluice_status(run);
}

static const struct sluice_option options[] = {
	{.name = "auth",
	 .type = SLUICE_STRING,
	 .help = "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"},
	{0},
};
/* Whether the file is there; how it is written, a dry run shows. */
static void
file_try(struct sluice_run *run, struct skim section, cJSON *told)
{
	const char *path = skim_text(run, skim_get(section, "path"));

	if (file_open(run, path) == 0)
		sluice_close(run);
	cJSON_AddStringToObject(told, "path", path);
}

static int
check(struct sluice_run *run)
{
	return sections_check(run, file_try);
}

static const struct sluice_option of_dataset[] = {
	{.name = "path",
	 .type = SLUICE_STRING,
	 .flags = SLUICE_REQUIRED,
	 .help = "where the file is, below base_url: /export.csv"},
	{.name = "delimiter",
	 .type = SLUICE_STRING,
	 .help = "what separates cells; not given: what the first line has most of , ; tab |",
	 .form = "comma | semicolon | tab | pipe | space | <character>"},
	{.name = "quote",
	 .type = SLUICE_STRING,
	 .help = "what encloses cells that hold a delimiter; not given: the double quote; none: nothing does",
	 .form = "none | <character>"},
	{.name = "encoding",
	 .type = SLUICE_STRING,
	 .fallback = "utf-8",
	 .help = "utf-8, or a single-byte one: windows-1252, iso-8859-15"},
	{.name = "header",
	 .type = SLUICE_BOOLEAN,
	 .fallback = "true",
	 .help = "whether the first row names the columns"},
	{.name = "columns",
	 .type = SLUICE_STRING,
	 .help = "names of the columns, separated by commas, in place of the header's"},
	{.name = "numbers",
	 .type = SLUICE_STRING,
	 .help = "columns that hold numbers, separated by commas; * for all: an empty cell is null, "
		 "and what is no number stays text"},
	{.name = "skip",
	 .type = SLUICE_INTEGER,
	 .fallback = "0",
	 .help = "rows before the header, or the first row, that are passed over",
	 .form = "<0..>"},
	{0},
};
static const struct sluice_sync dataset = {.kind = SLUICE_FULL,
					   .flags = SLUICE_WHOLE | SLUICE_TRACK_DELETES,
					   .every = "every 1h",
					   .endpoint = "GET path",
					   .fetch = fetch};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "csv",
	.version = "1.0.0",
	.description = "Files of separated values over HTTP",
	.auth = SLUICE_ANY_AUTH,
	.options = options,
	.check = check,
	.dataset = &dataset,
	.dataset_options = of_dataset,
};
