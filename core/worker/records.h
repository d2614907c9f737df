/* records.h - records out of JSON bytes: checked against their model, their ids taken out, sent in frames. */
#ifndef SLUICE_WORKER_RECORDS_H
#define SLUICE_WORKER_RECORDS_H

#include <sluice.h>
#include "plugin/manifest.h"
#include "wire/message.h"

#define RECORD_ID_MAX 255   /* bytes */
#define REASON_MAX 256

struct step;

/* A model made fast to check: its fields by hash of the name. */
struct checker {
	const struct manifest_model *model; /* NULL: not made yet */
	uint16_t *slots;            /* field index + 1; 0: empty */
	size_t mask;
	uint32_t *seen;             /* one a field: the round in which it was seen */
	uint32_t round;
	size_t n_required;
};
void checker_make(struct checker *c, const struct manifest_model *model);

/* Checks one record (checked text) and appends its id to `id`. false: reason says what is wrong, and id holds what
 * could be read of it. */
bool record_check(struct checker *c, enum save_op op, struct slice json, struct buf *id, char reason[REASON_MAX]);

/* The records of one call, on their way. */
struct batch {
	struct step *s;
	struct checker *checker;
	uint16_t model;
	enum save_op op;
	bool whole_page;            /* these are a page's own items: what is conditional goes by them */
	struct buf frame;           /* the SAVE frame being filled */
	size_t at;                  /* where it begins */
	uint32_t count;             /* records in it */
	struct buf dead;            /* DEAD frames, sent behind the call's records */
	struct buf id;              /* scratch */
	long accepted;
};
/* or the sticky failure */
int batch_begin(struct batch *b, struct step *s, enum save_op op, const char *call, const char *model);
void batch_put(struct batch *b, struct slice json); /* checked text; a bad record becomes a dead letter */
void batch_reject(struct batch *b, struct slice raw, const char *reason);
long batch_end(struct batch *b);                    /* sends; how many were accepted */

struct items;
void batch_fault(struct batch *b, const struct items *items, size_t i); /* item i is faulty: a dead letter */

/* The host's table. */
long run_save(struct sluice_run *run, int op, const char *model, const char *json, size_t len);
int run_reject(struct sluice_run *run, const char *model, const char *json, size_t len, const char *reason);
int run_full_done(struct sluice_run *run, const char *model);
int model_find(struct step *s, const char *call, const char *name, uint16_t *index); /* 0 or the sticky failure */

#endif
