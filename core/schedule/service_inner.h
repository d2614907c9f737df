/* service_inner.h - the insides of struct service, for service.c, entries.c, service_control.c, service_look.c and
 * the alerts (alerts_inner.h) only. */
#ifndef SLUICE_SCHEDULE_SERVICE_INNER_H
#define SLUICE_SCHEDULE_SERVICE_INNER_H

#include "base/log.h"
#include "run/credentials.h"
#include "run/idset.h"
#include "schedule/decided.h"
#include "schedule/upkeep.h"

/* What this process knows of one sync besides the schedule. Made when it is first configured, and kept. */
struct entry {
	struct service *service;
	size_t at;                   /* in the service's entries: they never move */
	struct schedule_item *item;  /* NULL: not configured now */
	char *connection, *integration, *sync;
	struct run *run;             /* under way */
	enum schedule_cause cause;   /* of it */
	bool cancelled;              /* of it: by a person */
	bool leaving;                /* not configured any more, but its run is under way */
	uint64_t asked_ends;         /* runs that were asked for, and are over */
	uint64_t asked_run;          /* the last of them; 0: it could not begin */
	struct err asked_err;        /* how it ended */
	char *refused;               /* why its last run could not begin; NULL: it could */
	bool owed;                   /* the request that its run meets stands in the store until it ends */
	char mark[CREDENTIALS_MARK]; /* of its connection's credentials, as configured */
};

struct service {
	struct host *host;
	struct service_options o;
	struct schedule *schedule;
	struct entry **entries;      /* in the order in which they came */
	size_t n_entries;
	struct idset names;          /* of entries: index */
	struct trouble *troubles;    /* connections that are not in the schedule */
	size_t n_troubles;
	struct upkeep *upkeep;       /* NULL: not begun */
	uv_timer_t timer;
	bool timer_open, begun, stopping, watching;
	struct alerts *alerts;
	int64_t since_us;            /* wall */
	int64_t mend_ms;             /* when what is missing is looked for again; monotonic */
	char *short_of;              /* why no run begins at the moment; NULL: they do */
	void (*idle)(void *arg);
	void *idle_arg;
};

struct trouble {
	char *connection, *integration, *why;
};

/* entries.c */
struct entry *service_entry(const struct service *s, const char *connection, const char *integration, const char *sync);
const struct log_field *entry_fields(const struct entry *e, struct log_field fields[4]);
bool entry_chosen(const struct entry *e, struct chosen *c, struct err *err); /* what it is of, in the settings of now; err may be NULL */
int entry_replan(struct service *s, struct entry *e, const struct chosen *c, struct err *err); /* what was decided of it is other now */
void service_limits(const struct service *s, struct schedule_options *o);    /* of [host], for the schedule */
void service_fit(struct service *s);                                         /* entries, troubles and schedule as configured now */
void entries_free(struct service *s);

/* service.c, service_look.c */
void service_turn_soon(struct service *s);
const char *service_trouble(const struct trouble *list, size_t n, const char *connection, const char *integration);
/* Attention of connections whose refusals stand no more is lifted. */
void service_attention_look(struct service *s);

#endif
