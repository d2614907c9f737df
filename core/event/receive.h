/* receive.h - one event as it comes in over HTTP: whose it is, whether it is genuine, and into the store with it.
 *
 * Guarantee: "taken" is said when the event is durable, and never before; the same event again is taken and not handled
 * twice. What cannot be told from a stranger's request is refused, and nobody is told which of a name, a connection or an
 * option was wrong. A long event is looked at beside the loop (aside.h): whoever sends forged ones holds up nobody but those
 * who send long ones too. */
#ifndef SLUICE_EVENT_RECEIVE_H
#define SLUICE_EVENT_RECEIVE_H

#include "run/run.h"

struct event_call {
	const char *integration;
	const char *connection;      /* NULL: the payload says whose it is */
	const char *(*header)(void *arg, const char *name);
	void *arg;                   /* of header, which is called in any thread */
	struct slice body;
}; /* all that it points to is good until the answer is given */

struct event_answer {
	int status;                  /* 200; 401 refused; 404 nobody is there; 400 no JSON; 503 not now: send it again */
	const char *code, *text;     /* of an error; static */
	struct slice challenge;      /* JSON; empty: none was asked for */
	bool known, ignored;         /* it was there already; its type is not handled */
};

/* answer is called once, at once or when the store has the event. */
void event_receive(struct host *h, const struct event_call *call, void (*answer)(void *arg, const struct event_answer *a), void *arg);

#endif
