/* rest.h - a dataset as its section describes it, and what the pieces of this connector do with it. */
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

#endif
