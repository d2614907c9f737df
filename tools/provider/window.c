/* window.c - honest pages and bent ones. */
#include <stdio.h>
#include "window.h"

static void
window_fit(struct window *w)
{
	if (w->start > w->total)
		w->start = w->total;
	w->count = w->total - w->start < w->limit ? w->total - w->start : w->limit;
	w->more = w->start + w->count < w->total;
}

void
window_cut(struct window *w, const struct request *r)
{
	w->token[0] = 0;
	switch (r->bend) {
	case BEND_NONE:
		window_fit(w);
		return;
	case BEND_EMPTY:
	case BEND_EMPTY_MORE:
		w->start = w->count = 0;
		w->more = r->bend == BEND_EMPTY_MORE;
		snprintf(w->token, sizeof(w->token), "empty%llu", (unsigned long long)r->bend_no);
		return;
	case BEND_SAME:
		w->start = 0;
		snprintf(w->token, sizeof(w->token), "same");
		break;
	case BEND_ALTERNATE:
		w->start = (r->bend_no & 1) * w->limit;
		snprintf(w->token, sizeof(w->token), "%s", r->bend_no & 1 ? "B" : "A");
		break;
	case BEND_DISTINCT:
		w->start = 0;
		snprintf(w->token, sizeof(w->token), "d%llu", (unsigned long long)r->bend_no);
		break;
	case BEND_ALWAYS_NEXT:
		w->start = w->total ? w->start % w->total : 0;
		break;
	}
	window_fit(w);
	w->more = true;
}

/* Where cursors are ids of items, the same items in another order are the only distinct cursors there can be. */
size_t
window_rotate(const struct window *w, const struct request *r, size_t k)
{
	return w->start + (r->bend == BEND_DISTINCT ? (k + (size_t)r->bend_no) % w->count : k);
}
