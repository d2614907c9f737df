/* http.h - HTTP exchanges over the channel: several may be under way, each is found by its request's serial. */
#ifndef SLUICE_WORKER_HTTP_H
#define SLUICE_WORKER_HTTP_H

#include <sluice.h>
#include "wire/message.h"

struct step;

struct exchange {
	struct exchange *next;
	uint32_t serial;
	bool head, done;        /* its head is here; all of it is here */
	bool streamed, conditional; /* conditional: the host may say that nothing of it has changed */
	int status;             /* 0: failed */
	enum err_class cls;     /* why, when it failed */
	char *error;
	struct buf headers;     /* NUL-terminated */
	struct buf body;        /* NUL-terminated when done */
	size_t taken;           /* streamed: bytes of body that were read */
	const char *what;       /* "GET /v1/tickets", for messages; in the step's arena */
};

struct http {
	struct exchange *open;  /* sent, and not freed */
	struct exchange *given; /* answers that the plugin holds, newest first */
	struct exchange *stream;
	size_t given_bytes;
};

struct http_request {
	const char *method;     /* NULL: GET, or POST with a body */
	struct slice endpoint, query, body;
	const struct sluice_pair *headers;
	const int *accept, *retry_on;
	int retries, timeout_ms;
	bool safe, page, link, streamed, conditional;
};

struct exchange *http_send(struct step *s, const struct http_request *r); /* NULL: sticky failure */
int http_wait(struct step *s, struct exchange *x);        /* until it is done (streamed: until its head is here); 0 or
							   * the sticky failure */
int http_failure(struct step *s, const struct exchange *x); /* makes its failure sticky */
int http_refused(struct step *s, const struct exchange *x); /* the same for a status that is no success */
void http_give(struct step *s, struct exchange *x);       /* the plugin holds it from now on */
void http_free(struct step *s, struct exchange *x);       /* tells the host to forget it when it is not done; NULL is
							   * fine */
void http_detach(struct step *s, struct exchange *x);     /* a done one becomes the caller's, who calls exchange_free */
void exchange_free(struct exchange *x);                   /* NULL is fine */
bool http_accepted(int status, const int *accept);        /* 2xx or listed */
bool http_pending(const struct step *s);                  /* is any answer still on its way? */
bool http_frame(struct step *s, const struct frame *f);   /* ANSWER and BODY: false: something else */
void http_finish(struct step *s);
const char *http_method(const char *method, bool body);   /* the name to use; NULL: unknown method */
/* The beginning of a text, made printable, for messages: as much as `out` holds. */
#define GLIMPSE_MAX 64       /* what something is */
#define GLIMPSE_REASON 400   /* why a provider refused: its sentence often names what is to be done */
const char *glimpse(struct slice text, char *out, size_t cap);

/* The host's table (requests.c). */
int run_proxy(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response, int strict);
int run_open(struct sluice_run *run, const struct sluice_request *request, struct sluice_response *response);
long run_read(struct sluice_run *run, void *to, size_t max);
int run_close(struct sluice_run *run);

#endif
