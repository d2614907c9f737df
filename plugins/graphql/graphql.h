/* graphql.h - a dataset as its section describes it. */
#ifndef GRAPHQL_H
#define GRAPHQL_H

#include "../common/skim.h"

struct query { /* of one dataset */
	const char *name;
	const char *path;                            /* of the endpoint, below base_url */
	const char *text;                            /* the query */
	cJSON *variables;                            /* an object; yours until query_finish */
	const char *id, *key;                        /* id: path in the item; key: member of the record */
	const char *data;                            /* path of the list, below "data"; NULL: to be seen */
	int kind;                                    /* enum sluice_pagination; 0: one page */
	const char *cursor_variable, *size_variable; /* "variables.after"; NULL: none */
	const char *has_next, *cursor, *total;       /* paths in the answer; NULL: none */
	int page_size;
	long start;
	const char *since, *since_path; /* variable, and the item's member; NULL: none */
	const char *nested, *nested_query,
	        *nested_data; /* path in the item; the query; path below "data". NULL: none */
	int strict;           /* partial data is a failure */
	struct sluice_pair headers[17];
};

/* query.c. Reads a section's options. 0, or the run's failure with what to write. Finish it in any case. */
int query_load(struct sluice_run *run, struct query *q, const char *name, struct skim options);
void query_finish(struct query *q);
/* Where the list is, if the section does not say all of it; the first answer tells. 0, or the run's failure. */
int query_see(struct sluice_run *run, struct query *q, struct skim answer);
/* Is this the path of a connection's list: does it end in edges or nodes? */
int query_ends_in_list(const char *data);
/* Fills in the paths of the paging that stand beside the list. 0, or the run's failure. */
int query_place(struct sluice_run *run, struct query *q);
/* The JSON body of a request with these variables besides those of the section (NULL value: left out). */
const char *query_body(struct sluice_run *run, const char *text, const cJSON *variables,
                       const struct sluice_pair *more);

/* errors.c. Is the answer one that can be gone on with? 0, or the run's failure in the provider's words. */
int errors_judge(struct sluice_run *run, const char *dataset, int strict, const struct sluice_response *answer);
/* Says on the run that data came with errors; 1: it did. */
int errors_tell(struct sluice_run *run, const char *dataset, const char *answer, size_t len);

/* nested.c. Lists within these items that go on are fetched to their end, and the items saved. */
void nested_save(struct sluice_run *run, const struct query *q, const struct sluice_page *page, int unwrap);

#endif
