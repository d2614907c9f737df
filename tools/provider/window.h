/* window.h - which part of a list a page shows, whatever the API's way of asking for it.
 *
 * A handler turns its cursor into `start`, calls window_cut, and writes items start .. start+count-1. When a fault
 * bends the paging (endless cursors, empty lists), window_cut is where it does so, for every API alike; `token`, when
 * not empty, is then the cursor to hand out instead of the handler's own. */
#ifndef PROVIDER_WINDOW_H
#define PROVIDER_WINDOW_H

#include "request.h"

struct window {
	size_t total; /* items in the list */
	size_t start; /* in: asked for; out: shown */
	size_t limit; /* items on a page */
	size_t count; /* out: items on this page */
	bool more;    /* out: there is a next page */
	char token[32];
};

void window_cut(struct window *w, const struct request *r);
size_t window_rotate(const struct window *w, const struct request *r, size_t k); /* place of the k-th item shown */

#endif
