/* area.h - what part of a spreadsheet a range in A1 notation means. Texts live as long as those of sluice_format. */
#ifndef AREA_H
#define AREA_H

#include <sluice_json.h>

struct area {
	const char *text;           /* as configured: the records' range */
	const char *ask;            /* as asked for in one piece */
	const char *title;          /* of the sheet; NULL: a named range, which is asked for in one piece */
	const char *left, *right;   /* letters; "": all columns */
	long top, bottom;           /* rows, from 1; bottom 0: all */
};

/* A range as the operator writes it: Sheet, Sheet!A1:D, A1:D of the first sheet, or the name of a range. sheets: the
 * list that Google gives. A negative status: it is none of these, and the run has failed. */
int area_read(struct sluice_run *run, const cJSON *sheets, const char *text, struct area *a);
/* The same columns of these rows. */
const char *area_rows(struct sluice_run *run, const struct area *a, long from, long to);
/* B, 7, B7: letters, and a row (0: none). Returns what is behind it. */
const char *area_corner(struct sluice_run *run, const char *p, const char **letters, long *row);
long area_column(const char *letters); /* A is 1 */
const char *area_letters(struct sluice_run *run, long column);

#endif
