/* rest.h - a dataset as its section describes it, the walk through it and its parents, and what the pieces of this
 * connector do with them. */
#ifndef REST_H
#define REST_H

#include "../common/skim.h"

#define DATASET_PAIRS 24 /* query parameters, headers */
#define DATASET_MAP 60   /* entries of a map */
#define DATASET_DEPTH 4  /* a child, its parent, ... */
#define PAGE_SIZE 100    /* records in a page, unless somebody says otherwise */

/* How the pages follow each other: `paginate`. */
struct paging {
	int kind;               /* enum sluice_pagination; 0: one page */
	const char *param;      /* takes cursor, offset or page number */
	const char *path;       /* of the cursor or link */
	const char *size_param; /* takes the number of records wanted; NULL: not sent */
	const char *has_more;   /* path; NULL: none */
	const char *words;      /* as an operator writes it */
};

struct dataset {
	const char *name;
	const char *path, *method, *body, *items, *id, *key; /* id: path in the item; key: member of the record */
	struct sluice_pair query[DATASET_PAIRS + 2], headers[DATASET_PAIRS + 1];
	struct paging paging;
	int page_size;
	long start;                                          /* as in sluice_page_request */
	const char *since_param, *since_path, *since_format; /* since_param NULL: none */
	struct sluice_map map[DATASET_MAP + 4];
	size_t n_map;                      /* 0: records as they come */
	const char *parent, *parent_field; /* parent NULL: none */
	int single, skip_404;
	int knows_items, knows_paging; /* said by the operator, or seen */
};

/* dataset.c. Reads a section's options. 0, or the run's failure. */
int dataset_load(struct sluice_run *run, struct dataset *d, const char *name, struct skim options);
/* Reads "cursor meta.next after". 0, or the run's failure. */
int paging_read(struct sluice_run *run, struct paging *p, const char *dataset, const char *text);
/* "/x/${id}" with values of the parents' records (nearest first, n of them); encoded: for a URL. NULL: the run has
 * failed. */
const char *template_apply(struct sluice_run *run, const char *dataset, const char *text, const struct skim *records,
                           const char *const *names, size_t n, int encoded);

/* detect.c. What an answer tells about its list and its pages fills in what d does not know. 0, or the run's failure,
 * with what to write. */
int shape_detect(struct sluice_run *run, struct dataset *d, const char *body, size_t len, const char *headers);
/* Is the answer one that d's list can be taken from? 0, or the run's failure with what is there instead. */
int answer_judge(struct sluice_run *run, const struct dataset *d, const struct sluice_response *answer);
/* Can these items become records of d? 0, or the run's failure. */
int items_judge(struct sluice_run *run, const struct dataset *d, struct skim list);

/* since.c. The value that goes into since_param; NULL: everything is asked for. */
const char *since_value(struct sluice_run *run, const struct dataset *d, struct skim checkpoint);
/* The later of what was seen so far and what is in these items, as JSON. */
struct skim since_latest(const struct dataset *d, struct skim seen, struct skim list);

/* kept.c. The checkpoint; nothing when there is none. */
struct skim kept_read(struct sluice_run *run);
/* What is NULL is left out; shapes is text between braces. */
void kept_write(struct sluice_run *run, struct skim since, struct skim seen, const char *shapes);
/* What was found in this run, as text between braces; of one dataset; one more. */
const char *kept_shapes(struct sluice_run *run);
struct skim kept_shape(struct sluice_run *run, const char *dataset);
void kept_shape_put(struct sluice_run *run, const struct dataset *d);

struct walk { /* a dataset and its parents, the first of them last */
	struct dataset chain[DATASET_DEPTH];
	const char *names[DATASET_DEPTH];   /* of the parents of chain[0]: chain[1] ... */
	struct skim records[DATASET_DEPTH]; /* of the same, those at hand */
	int depth;
	struct skim seen; /* the latest of since_path; in the page at hand, or kept */
	const char *since;
};

struct asked { /* a list of one dataset below one parent */
	const char *endpoint;
	struct sluice_pair query[DATASET_PAIRS + 2];
};

/* walk.c. All sections of the connection. */
struct skim sections(struct sluice_run *run);
/* Reads the section of this name, and those of its parents. 0, or the run's failure. */
int walk_load(struct sluice_run *run, struct walk *w, const char *name);
/* Lists the first parent, and below it all others, and saves. */
void walk_all(struct sluice_run *run, struct walk *w);
/* What is asked for at this level, with the parents' records at hand. 0, or the run's failure. */
int asked_make(struct sluice_run *run, const struct walk *w, int level, struct asked *a);
/* One answer, for looking at it. One whose JSON ends too early is asked for again, as the host does with pages. */
int asked_fetch(struct sluice_run *run, const struct dataset *d, const struct asked *a, struct sluice_response *answer);

#endif
