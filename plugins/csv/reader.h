/* reader.h - separated values, read in pieces of any size (RFC 4180, and what is made in practice). */
#ifndef CSV_READER_H
#define CSV_READER_H

#include <stdbool.h>
#include <stddef.h>
#include "../common/charset.h"

#define ROW_MAX (1u << 20) /* bytes of one row; a quote that is never closed would otherwise swallow the file */

struct cell {
	const char *p;
	size_t len;
	bool quoted;
}; /* UTF-8, except where the row has a fault */

struct row {
	const struct cell *cells;
	size_t count;
	long line;         /* where it begins, from 1 */
	const char *fault; /* NULL: none; for people */
};

/* How the file is written; delimiter 0: the one of , ; | and the tab that the first row has most. */
struct dialect {
	char delimiter, quote;         /* quote 0: nothing is quoted */
	const struct charset *charset; /* NULL: UTF-8 */
};

struct reader;
typedef void (*reader_row)(void *arg, const struct row *row); /* the row lives until it returns */

struct reader *reader_new(const struct dialect *dialect, reader_row row, void *arg);
void reader_free(struct reader *r); /* NULL is fine */
/* The next bytes. 0, or -1: reader_fault says why, and nothing more is read. */
int reader_feed(struct reader *r, const char *p, size_t len);
/* That was all. */
int reader_end(struct reader *r);
const char *reader_fault(const struct reader *r);

#endif
