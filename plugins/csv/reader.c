/* reader.c - see reader.h. A machine of four states, one byte at a time:
 *
 *     BEGIN ----- other ----> PLAIN        (a quote in the midst of a plain cell is itself)
 *       | quote                 |
 *       v                       | delimiter, end of line: the cell is over
 *     QUOTED <--- quote ----  CLOSING      (two quotes are one; after the closing quote only the cell's end may come)
 *            ---- quote --->
 *
 * Guarantee: where the pieces are cut makes no difference. Each row tells its own faults, and the next row is not
 * harmed. Awkward: the delimiter may not be known yet. Then the first line is kept, judged, and only then goes through
 * the machine. Lines end with LF, CRLF or CR alone, also mixed. */
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include "../common/text.h"

enum state { BEGIN = 0, PLAIN, QUOTED, CLOSING };

struct reader {
	struct dialect dialect;
	reader_row row;
	void *arg;
	enum state state;
	bool begun;         /* past a byte order mark and the choice of a delimiter */
	bool returned;      /* the last byte was a CR: an LF behind it is no other line */
	struct text head;   /* until begun */
	struct text text;   /* of the row in hand: its cells, one behind the other */
	struct cell *cells; /* whose p is an offset until the row is over */
	size_t n_cells, cap_cells, cell_from;
	bool cell_quoted;
	long line, row_line, quote_line;
	const char *row_fault;
	char fault[160];
};

struct reader *
reader_new(const struct dialect *dialect, reader_row row, void *arg)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	r->dialect = *dialect;
	r->row = row;
	r->arg = arg;
	r->line = r->row_line = 1;
	return r;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	free(r->head.p);
	free(r->text.p);
	free(r->cells);
	free(r);
}

const char *
reader_fault(const struct reader *r)
{
	return r->fault;
}

/* ---- cells and rows ---- */

/* Text of the encoding, as UTF-8. */
static void
byte_add(struct reader *r, unsigned char c)
{
	char utf8[3];
	unsigned code = c;

	if (c >= 0x80 && r->dialect.charset) {
		code = r->dialect.charset->high[c - 0x80];
		if (!code) {
			r->row_fault = "a byte that means nothing in its encoding";
			code = 0xfffd;
		}
		text_add(&r->text, utf8, charset_utf8(code, utf8));
	} else {
		utf8[0] = (char)c;
		text_add(&r->text, utf8, 1);
	}
}

/* RFC 3629. */
static bool
utf8_good(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		const unsigned c = *p++;
		const int more = c < 0x80 ? 0 : c < 0xc2 ? -1 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : -1;
		const unsigned low = c == 0xe0   ? 0xa0
		                     : c == 0xf0 ? 0x90
		                                 : 0x80,
			       high = c == 0xed   ? 0x9f
		                      : c == 0xf4 ? 0x8f
		                                  : 0xbf;

		if (more < 0 || end - p < more || (more && (*p < low || *p > high)))
			return false;
		for (int i = 1; i < more; i++)
			if ((p[i] & 0xc0) != 0x80)
				return false;
		p += more;
	}
	return true;
}

static void
cell_end(struct reader *r)
{
	if (r->n_cells == r->cap_cells) {
		r->cap_cells = r->cap_cells * 2 + 16;
		r->cells = realloc(r->cells, r->cap_cells * sizeof(*r->cells));
		if (!r->cells)
			abort();
	}
	r->cells[r->n_cells++] = (struct cell){.len = r->text.len - r->cell_from, .quoted = r->cell_quoted};
	r->cell_from = r->text.len;
	r->cell_quoted = false;
	r->state = BEGIN;
}

static void
row_end(struct reader *r)
{
	struct row row;
	size_t at = 0;

	cell_end(r);
	for (size_t i = 0; i < r->n_cells; i++) {
		r->cells[i].p = r->text.p ? r->text.p + at : "";
		at += r->cells[i].len;
	}
	if (!r->row_fault && !r->dialect.charset && !utf8_good(r->text.p ? r->text.p : "", r->text.len))
		r->row_fault = "bytes that are no UTF-8";
	row = (struct row){r->cells, r->n_cells, r->row_line, r->row_fault};
	if (r->n_cells > 1 || r->text.len || r->cells[0].quoted) /* an empty line is no row */
		r->row(r->arg, &row);
	r->n_cells = r->text.len = r->cell_from = 0;
	r->row_fault = NULL;
	r->row_line = r->line;
}

/* ---- the machine ---- */

static void
byte_take(struct reader *r, char c)
{
	const bool end = c == '\n' || c == '\r';

	if (r->state == QUOTED) {
		if (c == r->dialect.quote)
			r->state = CLOSING;
		else
			byte_add(r, (unsigned char)c);
	} else if (r->state == CLOSING && c == r->dialect.quote) {
		byte_add(r, (unsigned char)c);
		r->state = QUOTED;
	} else if (c == r->dialect.delimiter) {
		cell_end(r);
	} else if (end) {
		row_end(r);
	} else if (r->state == BEGIN && r->dialect.quote && c == r->dialect.quote) {
		r->cell_quoted = true;
		r->quote_line = r->line;
		r->state = QUOTED;
	} else {
		if (r->state == CLOSING)
			r->row_fault = "text behind a closing quote";
		else
			r->state = PLAIN;
		byte_add(r, (unsigned char)c);
	}
}

static int
bytes_take(struct reader *r, const char *p, size_t len)
{
	for (size_t i = 0; i < len && !r->fault[0]; i++) {
		const bool second = p[i] == '\n' && r->returned;

		r->returned = p[i] == '\r';
		if ((p[i] == '\n' && !second) || p[i] == '\r')
			r->line++;
		if (second && r->state != QUOTED) {
			r->row_line = r->line;
			continue;
		}
		byte_take(r, p[i]);
		if (r->text.len > ROW_MAX) {
			if (r->state == QUOTED)
				snprintf(r->fault, sizeof(r->fault),
				         "line %ld: a quote is opened here and not closed within 1 MiB", r->quote_line);
			else
				snprintf(r->fault, sizeof(r->fault), "line %ld: a row of more than 1 MiB", r->row_line);
		}
	}
	return r->fault[0] ? -1 : 0;
}

/* ---- the beginning ---- */

/* Looks at the first line, quotes and all. false: it has not ended yet. *best is the delimiter that it has most outside
 * of quotes; the comma where it has none. */
static bool
first_line(const struct reader *r, char *best)
{
	static const char known[] = ",;\t|";
	size_t counts[4] = {0}, most = 0;
	bool quoted = false, ended = false;

	for (size_t i = 0; i < r->head.len && !ended; i++) {
		const char c = r->head.p[i], *is = c ? strchr(known, c) : NULL;

		if (r->dialect.quote && c == r->dialect.quote)
			quoted = !quoted;
		else if (!quoted && is)
			counts[is - known]++;
		ended = !quoted && (c == '\n' || c == '\r');
	}
	for (size_t i = 1; i < 4; i++)
		if (counts[i] > counts[most])
			most = i;
	*best = known[most];
	return ended;
}

/* Enough is there to begin: the first line, or all. */
static int
begin(struct reader *r)
{
	size_t mark = r->head.len >= 3 && memcmp(r->head.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	if (r->head.len >= 2 && (memcmp(r->head.p, "\xff\xfe", 2) == 0 || memcmp(r->head.p, "\xfe\xff", 2) == 0)) {
		snprintf(r->fault, sizeof(r->fault),
		         "it is UTF-16, which is not read: UTF-8 and single-byte encodings are");
		return -1;
	}
	if (mark)
		r->dialect.charset = NULL; /* it says what it is */
	if (!r->dialect.delimiter)
		first_line(r, &r->dialect.delimiter);
	r->begun = true;
	return bytes_take(r, r->head.len ? r->head.p + mark : "", r->head.len - mark);
}

int
reader_feed(struct reader *r, const char *p, size_t len)
{
	char unused;

	if (r->fault[0])
		return -1;
	if (!len)
		return 0;
	if (r->begun)
		return bytes_take(r, p, len);
	text_add(&r->head, p, len);
	return r->head.len >= ROW_MAX || first_line(r, &unused) ? begin(r) : 0;
}

int
reader_end(struct reader *r)
{
	if (r->fault[0] || (!r->begun && begin(r) != 0))
		return -1;
	if (r->state == QUOTED) {
		snprintf(r->fault, sizeof(r->fault), "line %ld: a quote is opened here and never closed",
		         r->quote_line);
		return -1;
	}
	if (r->n_cells || r->text.len || r->state != BEGIN)
		row_end(r);
	return 0;
}
