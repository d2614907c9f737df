/* ask.h - what a pagination is called, and how its pages are asked for. */
#ifndef SLUICE_WORKER_ASK_H
#define SLUICE_WORKER_ASK_H

#include "worker/page.h"

int ask_check(struct step *s, const struct sluice_page_request *r); /* does it make sense? 0 or the sticky failure */
/* Appends the author's key, or "METHOD endpoint?query" and the hash of a body. */
void ask_key(struct step *s, const struct sluice_page_request *r, struct buf *out);
void ask_prepare(const struct step *s, const struct sluice_page_request *r, const struct mark *mark, struct asked *a);
struct exchange *ask_page(struct step *s, const struct asked *a); /* sends it. NULL: sticky failure */

#endif
