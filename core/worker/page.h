/* page.h - one answer as a page: its items, and where its pagination stands once the page is done. */
#ifndef SLUICE_WORKER_PAGE_H
#define SLUICE_WORKER_PAGE_H

#include <sluice.h>
#include "worker/items.h"
#include "worker/positions.h"

struct step;
struct exchange;

struct page {
	struct exchange *x;      /* the answer; the page's own */
	struct items items;      /* what the plugin sees */
	struct slice list;       /* "[...]", in the answer */
	struct mark after;       /* the position behind this page */
	bool more;               /* after.next is to be asked for */
	bool loops;              /* after.next was there before */
	bool aside;              /* the author's judge put it aside: it has no list, and nothing follows */
	size_t unchanged;        /* items of a page that is as it was, and is not shown again */
	bool is_unchanged;
	bool end_unseen;         /* the last one, but only its headers say so: the same content may get a successor */
	struct exchange *ahead;  /* the next page, asked for already; NULL: not */
};

struct asked {                   /* how the page was asked for */
	const struct sluice_page_request *r;
	const struct mark *mark; /* where the pagination stood */
	int limit;               /* items a page that were asked for; 0: none named */
	bool overlap;            /* offset: one item before the position was asked for, too */
	bool tracked;            /* a full run whose absences count: the end must be beyond doubt */
};

/* Takes x. NULL: sticky failure, x freed. With torn, an answer whose JSON ends too early is no failure yet, but sets it. */
struct page *page_read(struct step *s, const struct asked *asked, struct exchange *x, bool *torn);
/* The same for an answer that says "as it was": its body is what the host keeps of that page. */
struct page *page_unchanged(struct step *s, const struct asked *asked, struct exchange *x);
void page_free(struct page *p); /* NULL is fine; .ahead is the caller's */

#endif
