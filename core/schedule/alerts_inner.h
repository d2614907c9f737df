/* alerts_inner.h - the insides of struct alerts, for alerts.c (what is judged), alerts_watch.c (by what) and alerts_store.c
 * (what is kept) only. */
#ifndef SLUICE_SCHEDULE_ALERTS_INNER_H
#define SLUICE_SCHEDULE_ALERTS_INNER_H

#include "schedule/alerts.h"
#include "schedule/service_inner.h"

#define ALERTS_PAST 100u /* incidents that are over are kept */

struct incident {
	struct incident *next;
	enum alert_kind kind;
	int64_t since_us;
	char *text;
};

struct subject { /* what can have incidents; names are its own */
	char *connection, *integration, *sync, *limit;
	struct incident *open;
};

struct watch { /* a sync */
	struct subject subject;
	size_t link;              /* its connection */
	uint64_t failures, ended, failed, samples, held;
	int64_t usual_ms, interval_ms;
	int64_t success_us;       /* end of the last success; 0: never */
	int64_t finished_us;      /* of the last run, when that succeeded */
	int64_t refused_us;       /* its last run ended so, with refused credentials; 0: it did not */
	int64_t idle_us;          /* when it was last seen idle, or first seen */
	bool idle;
	char *reason;             /* of its last failure; NULL: the last run succeeded */
};

struct link_watch { /* a connection; recomputed at each look */
	struct subject subject;
	int64_t refused_us, success_us;
	const char *reason;
	bool busy;                /* some sync of it is not idle */
};

struct alerts {
	struct service *service;
	struct watch **syncs;     /* as the service's entries */
	size_t n_syncs;
	struct link_watch **links;
	size_t n_links;
	struct idset link_names;  /* index in links */
	struct subject host;
	struct subject **limits;
	size_t n_limits;
	char *past[ALERTS_PAST];  /* JSON; the newest first */
	bool past_dirty;
	int64_t begun_us;
	uv_timer_t timer;
	bool timer_open;
	void (*told)(void *arg, const struct alert *a);
	void *told_arg;
};

/* alerts.c */
int64_t alerts_now(const struct alerts *a); /* wall clock, us */

/* alerts_watch.c */
void watches_make(struct alerts *a); /* of syncs that came since the last time */
void watches_free(struct alerts *a);
void watch_read_last(const struct alerts *a, struct watch *w);     /* how its last run went, and what is held back */
void watch_read_held(const struct alerts *a, struct watch *w);
void watch_find_interval(const struct alerts *a, struct watch *w); /* by the settings as they are now */

/* alerts_store.c */
uint32_t subject_scope(struct store *s, const struct subject *u, bool make); /* 0: the host's, or none */
void subject_load(struct store *s, struct subject *u);   /* its open incidents */
void subject_finish(struct subject *u);
void incident_keep(struct store *s, const struct subject *u, const struct incident *i, bool open);
void past_load(struct alerts *a);
void past_keep(struct alerts *a);                        /* when it has changed */
void past_add(struct alerts *a, const struct alert *over);
struct alert alert_of(const struct subject *u, const struct incident *i);

#endif
