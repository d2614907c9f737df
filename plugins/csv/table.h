/* table.h - see table.c. */
#ifndef CSV_TABLE_H
#define CSV_TABLE_H

#include <sluice_json.h>
#include "reader.h"
#include "text.h"

struct column;

struct table {
	struct sluice_run *run;
	const char *model, *path;
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

void table_row(void *table, const struct row *row); /* a row of the file, the header among them */
void table_flush(struct table *t);                  /* saves what is waiting */
void table_finish(struct table *t);

#endif
