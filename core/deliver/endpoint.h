/* endpoint.h - one endpoint of an application: its queue emptied in order; for deliver.c and ledger.c only.
 *
 *   IDLE --event--> SENDING --taken--> IDLE (the receipt is written beside)
 *                      '----failed--> SETTLING --attempt is durable--> WAITING --time--> SENDING
 *                                        '------it is parked-------> IDLE
 *
 * endpoint_look is the only place that begins anything; everything that may change the matter calls it again. */
#ifndef SLUICE_DELIVER_ENDPOINT_H
#define SLUICE_DELIVER_ENDPOINT_H

#include "deliver/deliver.h"
#include "deliver/post.h"

#define LEDGER_MAX 256 /* receipts that may wait for the disk; so many events a crash repeats at most */

struct endpoint {
	struct deliver *deliver;
	char *name;
	const struct webhook_settings *settings; /* of deliver->settings; NULL: not in force */
	uint32_t number;         /* in the store; 0: none yet */
	char *trouble;           /* why its events wait; NULL: they need not */
	struct standing standing;

	struct post *post;       /* under way; the event: */
	uint64_t event;
	char id[OUTBOX_ID_MAX + 1], type[OUTBOX_TYPE_MAX + 1];
	uint64_t attempts;       /* before this one */
	int64_t first_us;        /* of the first attempt; 0: this is it */
	int64_t give_up_ms;      /* as it was when this attempt began: the section may go meanwhile */
	struct buf body;
	uint64_t sent;           /* number of the last that was taken or parked */

	/* ledger.c: what is to be written; n_writing of the receipts are on their way, and with them the rest where it says so */
	uint64_t taken[LEDGER_MAX];
	size_t n_taken, n_writing;
	enum ledger_mark {
		LEDGER_CLEAN, LEDGER_WANTED, LEDGER_WRITING
	} attempt, person;       /* of the last attempt, which failed; of a person's word */
	bool park;               /* with that attempt the event is given up */
	int64_t next_us;         /* else it is due again then */
	bool writing;
	int64_t again_ms;        /* the store refused: not before; 0: it did not */

	bool look;               /* something has changed */
	bool waits;              /* it is to be looked at by itself, at look_ms (monotonic) */
	int64_t look_ms;
	struct endpoint *next;
};

struct deliver {
	struct deliver_options o;
	struct store *store;
	struct settings *settings; /* in force; held */
	struct poster *poster;
	struct endpoint *endpoints;
	uv_timer_t timer;          /* the next look */
	uv_timer_t late;           /* the end of waiting for answers, when it stops */
	uv_check_t check;          /* has the outbox got anything? */
	unsigned handles;          /* open */
	uint64_t added;            /* store_outbox_added, as of the last look */
	bool stopping;
};

struct endpoint *endpoint_new(struct deliver *d, const char *name);
void endpoint_free(struct endpoint *e);       /* nothing under way */
void endpoint_settle(struct endpoint *e);     /* its settings may be others */
int64_t endpoint_look(struct endpoint *e);    /* begins what can; ms until it is to be looked at again, PACE_NEVER: somebody will */
void endpoint_again(struct endpoint *e);
void endpoint_look_soon(struct endpoint *e);  /* from the loop, with nothing else on the stack */
int64_t deliver_now_us(const struct deliver *d);
int64_t deliver_now_ms(const struct deliver *d);

/* ledger.c: what became of events is made durable, one commit at a time; what comes meanwhile goes with the next. */
void ledger_taken(struct endpoint *e);
void ledger_failed(struct endpoint *e, bool park, int64_t next_us);
void ledger_person(struct endpoint *e);       /* the standing alone has changed */
bool ledger_room(const struct endpoint *e);   /* another event may be sent before all of it is durable */
bool ledger_clear(const struct endpoint *e);  /* all of it is durable */
/* After the store refused: asks again when it is time; ms until then. 0: it need not. */
int64_t ledger_mend(struct endpoint *e);

#endif
