/* queue.h - events that wait in the inbox become runs: in order for each connection, one at a time, beside its syncs.
 *
 *   in the store ──> lane of its connection ──> run (one worker, many events) ──> done, in the commit of what it saved
 *                         ^                        |
 *                         '── later again ── failed, up to EVENT_TRIES times; then it is put aside, and the next go on
 *
 * One object on the loop of a service. All that matters is in the store: a new process goes on with what waits there. */
#ifndef SLUICE_EVENT_QUEUE_H
#define SLUICE_EVENT_QUEUE_H

#include "event/aside.h"
#include "run/run.h"

#define EVENT_TRIES 5
#define EVENTS_REFUSED_TOLD 20u   /* in a minute */
#define EVENTS_WAITING_MAX 10000u /* of one connection; more are refused, and the provider sends them again */

struct events;

struct events *events_open(struct host *h, struct err *err); /* host_events(h) from then on, until it is closed */
void events_calm(struct events *q);  /* the host ends: no run begins any more; those under way are the service's to stop */
void events_close(struct events *q); /* turns the loop until all is closed; NULL is fine */

/* One more waits in this scope, durably; or a person has had one wait again (n 0). */
void events_arrived(struct events *q, uint32_t scope, uint64_t n);
/* Says in the log that somebody's event is not taken: so many times a minute, for anybody can have it said. q NULL: always. */
void events_refused(struct events *q, const char *why);
struct aside *events_aside(struct events *q); /* where long ones are looked at */
uint64_t events_waiting(const struct events *q, uint32_t scope); /* scope 0: all */

#endif
