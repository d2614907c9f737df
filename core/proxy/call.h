/* call.h - one call's life: what proxy_send began and done ends. */
#ifndef SLUICE_PROXY_CALL_H
#define SLUICE_PROXY_CALL_H

#include "proxy/exchange.h"
#include "proxy/oauth.h"
#include "proxy/target.h"

enum call_state { CALL_NEW, CALL_TOKEN, CALL_QUEUED, CALL_SENDING, CALL_WAITING, CALL_ENDING };

struct proxy_call {
	struct proxy *proxy;
	struct proxy_target *target;
	struct proxy_call *prev, *next; /* of the proxy's calls */
	struct proxy_call *queue_next;
	bool queued;
	unsigned limits; /* of its target's, a bit each */

	enum call_state state;
	enum wait_reason reason;
	int64_t since;      /* monotonic ms; when the reason began */
	struct alarm alarm; /* by state: deadline, time limit, end of the wait, the end */
	struct alarm kick;  /* a stream goes on */

	/* what was asked; copies */
	char method[12];
	struct buf headers, body;
	uint16_t *retry_on;
	size_t n_retry_on;
	unsigned limit; /* retries at most */
	int64_t timeout_ms, deadline;
	bool endless; /* a stream without a time limit of its own */
	bool safe, cancelled;
	proxy_done *done;
	proxy_body *on_body;
	void *arg;

	/* where it is now */
	struct url url;
	struct access access;
	struct curl_slist *lines;
	struct exchange_plan plan;
	struct exchange exchange;
	bool in_engine; /* libcurl works on it */
	bool over;      /* libcurl has ended, pieces are held back */
	CURLcode rc;    /* how, when over */
	bool settled;   /* the answer stands, only its pieces are held back */
	unsigned redirects;
	int64_t granted_ms; /* the request under way was given to libcurl then; monotonic */
	struct oauth_waiter token_wait;
	struct secret *token;      /* OAuth 2: what it was sent with; a copy */
	uint64_t token_generation; /* which one that is */
	bool renewed;              /* it was refused once, and sent again with a newer one */
	struct proxy_answer answer;
	char type[128];
};

/* For the queue. */
void call_granted(struct proxy_call *c);
void call_refused(struct proxy_call *c, int64_t until); /* it cannot wait so long: ends later with ERR_RATE */
/* For outcome.c and limit.c: the state it is in, and its end. Those that end it are the last to touch it. */
void call_enter(struct proxy_call *c, enum call_state state, enum wait_reason reason, int64_t alarm_at);
void call_reason(struct proxy_call *c, enum wait_reason reason); /* from now on the time goes to this one */
void call_alarm(struct proxy_call *c, int64_t at);               /* INT64_MAX: none */
int64_t call_deadline(const struct proxy_call *c);               /* INT64_MAX: none */
void call_queue(struct proxy_call *c);                           /* it waits for the limit, then is sent */
bool call_doubts(const struct proxy_call *c, int status);        /* may that be the access token's fault? */
bool call_renew(struct proxy_call *c);                           /* false: it is not; else it is asked again */
void call_name_error(struct proxy_call *c);                      /* answer.err says whose request it was */
void call_fail(struct proxy_call *c, const struct err *why);
void call_finish(struct proxy_call *c);
/* For the proxy. */
void call_transferred(void *call, CURLcode rc); /* libcurl has ended */
void call_abort(struct proxy_call *c);          /* done is called now with ERR_STOPPED */

#endif
