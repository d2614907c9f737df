/* question.h - one question while it is being answered; for the files that answer (query*.c). */
#ifndef SLUICE_SERVE_QUESTION_H
#define SLUICE_SERVE_QUESTION_H

#include <string.h>
#include "base/json_time.h"
#include "run/member.h"
#include "serve/query.h"

#define QUESTION_ROWS_MAX 10000 /* in one answer */

struct question {
	struct host *host;
	struct store *store;             /* NULL: none */
	const struct settings *settings;
	struct slice json;               /* the question, checked */
	const struct query_sink *sink;
	struct json_out end;             /* an object that is open */
	struct err *err;
	char *connection, *integration, *sync; /* of the question; NULL: not given */
	struct buf row;
};

void question_row(struct question *q); /* sends what stands in row, and empties it */
size_t question_limit(const struct question *q);                     /* rows that are wanted */
int question_cursor(struct question *q, uint64_t *after, uint64_t *began); /* 0: none was given; began NULL: takes none */

/* A name that the question gives and the thing does not have leaves it out. */
static inline bool
name_fits(const char *wanted, const char *name)
{
	return !wanted || (name && strcmp(wanted, name) == 0);
}

int ask_history(struct question *q);
int ask_run(struct question *q);
int ask_log(struct question *q);
int ask_steps(struct question *q);

/* query_doctor.c */
int ask_doctor(struct question *q);

/* query_alerts.c */
int ask_alerts(struct question *q);
void status_alerts(const struct question *q, struct json_out *o, const struct scope_name *name); /* "alerts":[...] */

/* query_letters.c */
int ask_dead_letters(struct question *q);
int ask_dead_letter(struct question *q);
int ask_resolve_letters(struct question *q);
int ask_purge_letters(struct question *q);
int ask_retry_letter(struct question *q);

/* query_deliveries.c */
int ask_endpoints(struct question *q);
int ask_deliveries(struct question *q);
int ask_delivery(struct question *q);
int ask_retry_deliveries(struct question *q);
int ask_drop_deliveries(struct question *q);
void status_endpoints(struct question *q, struct json_out *o); /* "webhooks":[...] */
/* query_events.c */
int ask_events(struct question *q);
int ask_event(struct question *q);
int ask_retry_events(struct question *q);
int ask_drop_events(struct question *q);
void status_events(struct question *q, struct json_out *o); /* "events":[...]: how many wait, how many were put aside */

/* query_held.c */
int ask_held(struct question *q);
int ask_held_records(struct question *q);
int ask_confirm_held(struct question *q);
int ask_dismiss_held(struct question *q);

/* query_connections.c */
int ask_connections(struct question *q);
int ask_enable(struct question *q);
int ask_add_connection(struct question *q);
int ask_remove_connection(struct question *q);

/* query_variants.c */
int ask_variants(struct question *q);
int ask_add_variant(struct question *q);
int ask_remove_variant(struct question *q);

/* query_action.c */
int ask_action(struct question *q);

/* query_control.c */
int ask_trigger(struct question *q);
int ask_cancel(struct question *q);
int ask_pause_syncs(struct question *q);
int ask_start_syncs(struct question *q);
int ask_reload(struct question *q);
int ask_service(struct question *q);
int ask_due(struct question *q);
/* Members of a status row: "schedule" of a service, "progress" of a run under way. */
void status_live(const struct question *q, struct json_out *o, const struct scope_name *name);

/* query_limits.c */
int ask_limits(struct question *q);

int ask_metadata(struct question *q);
int ask_checkpoint(struct question *q);
int ask_verify(struct question *q);
int ask_backup(struct question *q);
int ask_prune(struct question *q);

/* query_token.c */
int ask_set_token(struct question *q);
int ask_token(struct question *q);
int ask_renew_token(struct question *q);

/* query_apikey.c */
int ask_api_key(struct question *q);

/* query_positions.c */
int ask_positions(struct question *q);

/* query_plugins.c */
int ask_plugins(struct question *q);

#endif
