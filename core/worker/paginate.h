/* paginate.h - sluice_paginate: which pagination a call means, what to ask next, when a page is done. */
#ifndef SLUICE_WORKER_PAGINATE_H
#define SLUICE_WORKER_PAGINATE_H

#include "worker/page.h"
#include "worker/positions.h"

struct level {                     /* a pagination with a page in the plugin's hands */
	struct position *p;
	struct page *page;
	const void *given;         /* the plugin's struct sluice_page: another pagination that fills it ends this one */
};

struct pager {
	struct level levels[POSITION_DEPTH]; /* [0] is the outermost */
	unsigned depth;
	struct buf key;            /* scratch */
};

int run_paginate(struct sluice_run *run, const struct sluice_page_request *request, struct sluice_page *page);
/* The page in hand whose list these bytes are; NULL: none. */
const struct page *pager_holds(const struct step *s, const char *json, size_t len);
void pager_end(struct step *s);    /* the function returned well: what is still open was left early, or is at its end */
void pager_keep(struct step *s);   /* the step is over: pages in hand wait for the next one */
void pager_drop(struct step *s);   /* the step failed */
void pager_finish(struct step *s);

#endif
