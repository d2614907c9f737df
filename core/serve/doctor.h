/* doctor.h - what `sluice doctor` asks of whoever has the store open: how a finding is told, and the files that look. */
#ifndef SLUICE_SERVE_DOCTOR_H
#define SLUICE_SERVE_DOCTOR_H

#include "serve/question.h"

enum verdict { FINE, WARN, PROBLEM };

struct about { /* what a check is about; borrowed */
	struct question *q;
	const char *check, *subject;
};
/* A finding; todo is left out when all is well. */
void doctor_found(const struct about *p, enum verdict v, const char *todo, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* The same with its words: verdict ok, warn or problem; todo NULL: it is well. */
void doctor_row(struct question *q, const char *check, const char *subject, const char *verdict, const char *found, const char *todo);

void doctor_connections(struct question *q);          /* query_doctor_connections.c */
void doctor_webhooks(struct question *q);             /* query_doctor_webhooks.c */
void doctor_events(struct question *q);               /* query_doctor_events.c */
void doctor_syncs(struct question *q);                /* query_doctor_syncs.c */
int doctor_record(struct question *q, const char *id); /* query_doctor_record.c */

#endif
