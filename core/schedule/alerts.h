/* alerts.h - incidents of a service: begun once, told once, over once, and not forgotten by a restart.
 *
 * Judged at each run's end and every few seconds, by the rules of alert.h over facts that are kept in memory. An open one
 * stands in STATE_INCIDENT: of a sync or of a connection in its scope, named by its kind; "no_room" and "quota:LIMIT" in
 * scope 0, and there too "past", an array of those that were over last (written now and then: a crash may lose the newest).
 * Beginnings are warnings in the log, ends information. */
#ifndef SLUICE_SCHEDULE_ALERTS_H
#define SLUICE_SCHEDULE_ALERTS_H

#include "schedule/alert.h"
#include "schedule/service.h"

struct alert { /* borrowed in calls */
	enum alert_kind kind;
	const char *connection, *integration, *sync; /* sync NULL: of the connection; all NULL: of the host */
	const char *limit;                           /* of a quota, else NULL */
	int64_t since_us, until_us;                  /* until 0: open */
	const char *text;                            /* as it was when it began */
};

/* Open ones, or with `ended` those that were over last, the newest first. With a service in this process from memory, else
 * as they stand in the store. each returns false to stop. */
int alerts_each(struct host *h, bool ended, bool (*each)(void *arg, const struct alert *a), void *arg, struct err *err);
/* The open ones of one sync and of its connection. */
void alerts_of(struct host *h, const struct scope_name *sync, bool (*each)(void *arg, const struct alert *a), void *arg);
/* Beginnings and ends from now on, behind the log. One listener; NULL: nobody. */
void alerts_listen(struct service *s, void (*told)(void *arg, const struct alert *a), void *arg);
void alert_write(const struct alert *a, struct json_out *o); /* as an object */

/* ---- for service.c ---- */
struct alerts;
struct entry;
struct alerts *alerts_new(struct service *s); /* what is open in the store is open */
void alerts_begin(struct alerts *a);          /* judges now, and from time to time */
void alerts_stop(struct alerts *a);           /* no more; what is known is kept */
void alerts_free(struct alerts *a);           /* NULL is fine */
void alerts_ended(struct alerts *a, const struct entry *e, int64_t took_ms); /* a run, or one that could not begin (0) */
void alerts_refit(struct alerts *a);          /* the settings are others */

#endif
