/* query_doctor_record.c - what `sluice doctor --record` finds: where a record is that somebody misses.
 *
 * Awkward: a record that is not there leaves no trace that says so; what is told then is everything that would explain it:
 * deleted, rejected, of another connection or model. */
#include <stdlib.h>
#include "base/mem.h"
#include "serve/doctor.h"

struct record_search {
	struct about *about;
	const char *id, *model, *connection; /* of the question; model NULL: any */
	unsigned live;                       /* of the connection that was meant */
};

static void
record_found(void *arg, const struct record *r)
{
	struct record_search *s = arg;
	char time[TIME_TEXT_MAX];

	if (r->deleted_us)
		doctor_found(s->about, PROBLEM, "if it is at the provider, `sluice run --full-refresh` brings it back",
		             "it was deleted at %.19sZ: its last listing did not hold it, or the connector said so",
		             time_format(r->deleted_us, time));
	else
		doctor_found(s->about, FINE, NULL, "it is there, changed last at %.19sZ", time_format(r->modified_us, time));
	s->live += r->deleted_us == 0;
}

static void
record_other(void *arg, const struct record *r)
{
	(void)arg;
	(void)r;
}

static bool
record_dataset(void *arg, const struct dataset_info *d)
{
	struct record_search *s = arg;
	char *subject;

	if (!name_fits(s->model, d->model) || !name_fits(s->about->q->integration, d->integration))
		return true;
	subject = xasprintf("%s : %s : %s", d->connection, d->integration, d->model);
	s->about->subject = subject;
	if (name_fits(s->connection, d->connection))
		store_record(s->about->q->store, d->dataset, slice_str(s->id), record_found, s);
	else if (store_record(s->about->q->store, d->dataset, slice_str(s->id), record_other, s))
		doctor_found(s->about, WARN, "ask with that --connection-id", "another connection has a record of this id");
	free(subject);
	return true;
}

static bool
record_letter(void *arg, const struct dead_info *d)
{
	struct record_search *s = arg;
	char *subject;

	if (!slice_is(d->id, s->id) || (s->model && !slice_is(d->model, s->model)) || d->settled_us)
		return true;
	subject = xasprintf("%s : %s : %s", d->connection, d->integration, d->sync);
	s->about->subject = subject;
	doctor_found(s->about, PROBLEM, "`sluice dead-letters show` has it whole", "it was rejected by run %llu: %.*s",
	             (unsigned long long)d->run, (int)d->reason.len, d->reason.p);
	s->live++;
	free(subject);
	return true;
}

int
doctor_record(struct question *q, const char *id)
{
	char *model = member_text(q->json, "model"), *subject = xasprintf("%s%s%s", model ? model : "", model ? " " : "", id);
	struct about about = {.q = q, .check = "record"};
	struct record_search s = {.about = &about, .id = id, .model = model, .connection = q->connection};
	int rc = 0;

	if (q->store)
		rc = store_datasets(q->store, record_dataset, &s, q->err);
	if (rc == 0 && q->store)
		rc = store_dead(q->store, 0, 0, SIZE_MAX, record_letter, &s, q->err);
	about.subject = subject;
	if (rc == 0 && !s.live)
		doctor_found(&about, PROBLEM, "see the checks of its sync above: did it run, and to its end? Does the provider list it?",
		             "no live record of this id was ever seen, or it is gone");
	free(subject);
	free(model);
	return rc;
}
