/* close.h - what the two files of the close connector share: a list, and a window of time in it. */
#ifndef CLOSE_H
#define CLOSE_H

#include <sluice_json.h>

enum narrowing {
	NOT_BY_DATE = 0, /* the list can only be had whole */
	BY_PARAMETER,    /* date_updated__gte=2026-01-01 */
	BY_SEARCH        /* query=date_updated>="2026-01-01" */
};

struct list {
	const char *path, *model;
	int limit;
	int by;             /* enum narrowing */
	const char *object; /* definitions of custom fields: which object they belong to; NULL: other things */
};

/* Seconds since 1970; the end is not part of it. */
struct window {
	const char *field; /* "date_created" or "date_updated" */
	int64_t from, to;  /* 0: open */
};

/* What a request needs to see nothing but the window, in `to`, which it returns. */
enum { WINDOW_PAIRS = 5 };
const struct sluice_pair *window_query(struct sluice_run *run, const struct list *list, const struct window *w,
                                       struct sluice_pair to[WINDOW_PAIRS]);

/* Saves what the window shows. How many objects came, in this step. */
long window_read(struct sluice_run *run, const struct list *list, const struct window *w);

/* Saves the whole list, or what was updated since the day of `since` (microseconds; 0: the whole). */
void list_read(struct sluice_run *run, const struct list *list, int64_t since);

#endif
