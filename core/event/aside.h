/* aside.h - work that would hold up the loop, done beside it: one piece at a time, in order, in a thread that stands back.
 *
 * What anybody may send, without a key, shall cost the loop next to nothing; and more than one thread of it would take the
 * processors from those who sync. The line is not bounded here: whoever puts into it is (the bodies of strangers are). */
#ifndef SLUICE_EVENT_ASIDE_H
#define SLUICE_EVENT_ASIDE_H

#include <uv.h>

struct aside;

struct aside *aside_new(uv_loop_t *loop);
void aside_free(struct aside *a); /* turns the loop until the line is empty; NULL is fine */
/* work(arg) in that thread, which touches nothing but arg; then(arg) on the loop. */
void aside_do(struct aside *a, void (*work)(void *arg), void (*then)(void *arg), void *arg);

#endif
