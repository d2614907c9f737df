/* csv.c - mirrors files of separated values; each [dataset] section of the operator names one.
 *
 * The file is read in pieces (sluice_open), unpacked where it is gzip (unpack.h), cut into rows (reader.h), which become
 * records (table.h) and are saved 500 at a time; so its length does not matter.
 *
 * Guarantee: what is cut, damaged or no such file at all is a failure, and never taken for a shorter one.
 * Awkward: HTTP gives no place to go on at that would be known to be the same file, so a run is one piece
 * (SLUICE_WHOLE) and begins anew after a failure. Values are texts; which columns are numbers the operator says. */
#define _GNU_SOURCE /* strcasestr */
#include <stdlib.h>
#include "../common/sections.h"
#include "table.h"
#include "unpack.h"

#define BATCH_ROWS 500

struct file {
	struct table table;
	struct reader *reader;
};

/* ---- how it is written ---- */

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

/* ---- the file ---- */

static int
bytes_take(void *arg, const char *p, size_t len)
{
	struct file *f = arg;

	return reader_feed(f->reader, p, len) != 0 || sluice_status(f->table.run) != 0;
}

/* All of the body through the pipe. */
static void
body_read(struct file *f)
{
	static char piece[1 << 16];
	const struct table *t = &f->table;
	struct unpack *unpack = unpack_new(bytes_take, f);
	long n;
	int rc = 0;

	while (rc == 0 && (n = sluice_read(t->run, piece, sizeof(piece))) > 0)
		rc = unpack_feed(unpack, piece, (size_t)n);
	if (sluice_status(t->run) == 0 && rc == 0)
		rc = unpack_end(unpack);
	if (sluice_status(t->run) == 0 && (*reader_fault(f->reader) || (rc == 0 && reader_end(f->reader) != 0)))
		sluice_fail(t->run, SLUICE_EDATA, "%s: %s", t->path, reader_fault(f->reader));
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

/* Asks for the file, and no more: its body may then be read, and is closed by the caller. 0: it is open; 1: it is, and
 * has not changed. */
static int
file_open(struct sluice_run *run, const char *path)
{
	const struct sluice_pair headers[] = {{"Accept", "text/csv, text/*;q=0.9, */*;q=0.5"}, {NULL, NULL}};
	static const int unchanged[] = {304, 0};
	const struct sluice_request request = {
		.endpoint = path, .headers = headers, .accept = unchanged, .flags = SLUICE_UNCHANGED_SKIPS};
	struct sluice_response answer;
	const char *stranger;

	if (sluice_open(run, &request, &answer) < 0)
		return -1;
	if (answer.status == 304)
		return 1;
	if (answer.status < 200 || answer.status > 299)
		sluice_fail(run, answer.status == 401 || answer.status == 403 ? SLUICE_ECREDENTIALS : SLUICE_EHTTP,
		            "GET %s answered status %d", path, answer.status);
	else if ((stranger = stranger_find(answer.headers)))
		sluice_fail(run, SLUICE_EDATA, "%s answered %s, and no file: does it ask to sign in?", path, stranger);
	return 0;
}

static void
file_read(struct file *f)
{
	struct table *t = &f->table;

	const int opened = file_open(t->run, t->path);

	if (opened < 0)
		return;
	if (opened == 0 && sluice_status(t->run) == 0)
		body_read(f);
	sluice_close(t->run);
	if (opened > 0)
		return;
	if (sluice_status(t->run) == 0 && !t->named)
		sluice_fail(t->run, SLUICE_EDATA, "%s is empty: it has not even a header", t->path);
	table_flush(t);
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
	struct file f = {.table = {.run = run,
	                           .model = sluice_dataset(run),
	                           .path = sluice_get_option(run, "path"),
	                           .skip = skip ? atol(skip) : 0,
	                           .batch_rows = rows ? (size_t)atol(rows) : BATCH_ROWS}};
	struct dialect dialect;

	if (dialect_take(run, &dialect) == 0) {
		f.reader = reader_new(&dialect, table_row, &f.table);
		file_read(&f);
	}
	reader_free(f.reader);
	table_finish(&f.table);
	return sluice_status(run);
}

/* Whether the file is there; how it is written, a dry run shows. */
static void
file_try(struct sluice_run *run, struct skim section, cJSON *told)
{
	const char *path = skim_text(run, skim_get(section, "path"));

	if (file_open(run, path) >= 0)
		sluice_close(run);
	cJSON_AddStringToObject(told, "path", path);
}

static int
check(struct sluice_run *run)
{
	return sections_check(run, file_try);
}

/* ---- what is declared ---- */

static const struct sluice_option options[] = {
	{.name = "auth",
	 .type = SLUICE_STRING,
	 .help = "bearer, basic, header NAME [PREFIX], query NAME, or none; by itself what the credentials are"},
	{0},
};
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
