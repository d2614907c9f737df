/* positions.h - where each pagination of a run stands, kept over steps here and over workers by the host.
 *
 * A position's name is its depth (one byte, 1 for the outermost) and its key. The host knows it by that name only and
 * gives its state back as it was; the state's JSON is written and read here and nowhere else. */
#ifndef SLUICE_WORKER_POSITIONS_H
#define SLUICE_WORKER_POSITIONS_H

#include "base/buf.h"
#include "base/err.h"
#include "worker/guard.h"

#define POSITION_DEPTH 16  /* nested paginations, at most */
#define POSITION_KEY 200   /* bytes of a key; longer ones are cut and get their hash */

struct page;

struct mark {              /* what can be kept of one pagination: a plain value, but for .next */
	int kind;          /* enum sluice_pagination; 0: a single page */
	char *next;        /* JSON of what asks for the next page (cursor, URL, offset, number); NULL: from the start */
	uint64_t pages, items; /* done so far */
	struct guard guard;
	uint8_t proof;     /* enum proof: the worst so far; 0: nothing done yet */
	bool full;         /* offset: the last page was full */
	bool has_last;
	uint64_t last;     /* offset: hash of the last item's key */
	bool has_first;
	uint64_t first;    /* offset: of the item that the last page was asked to overlap with, and did; of a page that is kept as unchanged */
	bool nests;        /* others were opened within it: no prefetch, which would be lost at each step's end */
};

struct position {
	char *name;        /* depth byte and key, NUL-terminated */
	size_t len;        /* bytes, without the NUL */
	struct mark mark;
	struct page *kept; /* the page in hand when the last step was over */
};

enum position_found { POSITION_NONE, POSITION_OPEN, POSITION_FINISHED };

struct position_set;
struct position_set *positions_new(void);
void positions_free(struct position_set *set); /* NULL is fine */
/* The position of that name (depth byte first). Finished ones are only known to be finished. */
enum position_found positions_find(const struct position_set *set, struct slice name, struct position **p);
struct position *positions_add(struct position_set *set, struct slice name); /* new, open, from the start */
void positions_finish(struct position_set *set, struct slice name);          /* from now on FINISHED */
bool positions_deeper(const struct position_set *set, unsigned depth);       /* is any deeper than that? */
void positions_drop(struct position_set *set, unsigned depth);               /* forgets those that are deeper */
/* Takes a kept state from the host. */
int positions_load(struct position_set *set, struct slice name, struct slice state, struct err *err);

bool mark_read(struct mark *m, struct slice state); /* checked text; false: no such kind */
void mark_write(struct buf *out, const struct mark *m, bool finished);
void mark_copy(struct mark *to, const struct mark *from);
void mark_free(struct mark *m); /* and zeroes it */
void position_name(struct buf *out, unsigned depth, struct slice key);

#endif
