/* inner.h - the insides of the server, for the files of core/http only.
 *
 * Locks. h->lock guards the calls' state, the inbox, the streams' queues and the keys; it may be held while libmicrohttpd is
 * told to suspend or resume. h->sockets_lock guards the list of connections, is taken inside of libmicrohttpd's own
 * callbacks, and nothing is called while it is held. */
#ifndef SLUICE_HTTP_INNER_H
#define SLUICE_HTTP_INNER_H

#include <microhttpd.h>
#include <pthread.h>
#include <sys/socket.h>
#include "http/http.h"
#include "http/keys.h"
#include "http/match.h"
#include "http/params.h"

#define PIECE_SIZE (64 << 10)       /* of a long answer, as it is handed to the client */
#define STREAM_HIGH (256 << 10)     /* http.h says so */
#define STREAM_MOST (16 << 20)      /* who writes on all the same: the client is dropped */
#define STRANGE_MOST (64 << 20)      /* bodies of clients without a key, all together */
#define SWALLOW_MOST (256 << 10)    /* the body of a refused request that is read to its end, so that the answer arrives */

/* ---- one connection: sockets.c ---- */

struct http_socket {
	struct http_socket *next, **self;
	struct http *http;
	int fd;
	int64_t since_ms;    /* waits for a request, or for the rest of one, since then */
	int64_t deadline_ms; /* 0: it is the host that is waited for */
	bool known;          /* a right key was shown on it */
	bool asking;         /* a request is under way */
	bool sending;        /* and its answer is given */
};
void sockets_notify(void *cls, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code);
enum MHD_Result sockets_accept(void *cls, const struct sockaddr *address, socklen_t len);
void socket_begin(struct http_socket *s);   /* a request's first line is in */
void socket_wait(struct http_socket *s);    /* the host works on it */
void socket_send(struct http_socket *s);    /* the client took something, or may now */
void socket_known(struct http_socket *s);   /* a right key was shown */
void socket_done(struct http_socket *s);    /* the next request may come */
void sockets_sweep(struct http *h);         /* drops who is too slow */
bool sockets_crowded(struct http *h);       /* what is left is kept for those who showed a key */
int64_t http_now(const struct http *h);     /* ms */

/* ---- one request: call.c ---- */

enum call_state {
	CALL_LINE,     /* the request line is in; headers come */
	CALL_BODY,     /* let through, or refused with a short body: its bytes come */
	CALL_HANDED,   /* suspended; on its way to the loop, or with the route's code */
	CALL_READING,  /* resumed; a function of the route's runs in the HTTP thread */
	CALL_DELAYED,  /* suspended; the answer is there, and held back */
	CALL_ANSWERED, /* resumed; the answer is there */
	CALL_SENDING,  /* it was given to libmicrohttpd */
	CALL_OVER,     /* libmicrohttpd is done with it */
};

enum { POST_HAND = 1, POST_DELAY = 2, POST_DRAINED = 4, POST_OVER = 8, POST_LEAVE = 16 };

struct http_line { /* a header of the answer */
	struct http_line *next;
	char *name, *value;
};

struct answer {
	int status; /* 0: none yet */
	char *type;
	struct buf body;
	struct http_line *lines;
	bool (*pull)(void *arg, struct buf *out);
	void *arg;
	void (*release)(void *arg);
	bool close;  /* the connection with it */
};

struct stream {
	bool open;     /* between http_stream and http_stream_end */
	bool on;       /* the answer is a stream */
	bool whole, ended;
	bool asleep;   /* suspended by its reader: nothing to send */
	bool full;     /* http_stream_write has said no */
	struct buf queue;
	size_t taken;
	void (*drained)(struct http_call *c, void *arg);
	void *arg;
};

struct http_call {
	struct http *http;
	struct MHD_Connection *connection;
	struct http_socket *socket;
	struct http_call *next, **self;   /* of all that were handed over and are not over: on the loop */
	struct http_call *next_post;
	struct http_call *next_delayed;
	unsigned posts;
	enum call_state state;
	char *target;                     /* as it came */
	const char *query;                /* in it, behind '?' */
	char method[24];
	char id[65];
	struct http_match match;
	const struct http_route *route;   /* NULL: refused before */
	char *key_name;
	unsigned char key_hash[KEY_HASH_SIZE]; /* by which its key is known again when the keys are set anew */
	unsigned rights;
	struct http_values values;
	struct buf body;
	size_t max_body, swallowed, strange; /* strange: what of h->strange is this body's */
	int64_t delay_until_ms, delay_ms;
	uint64_t begun_ns;
	bool owed;                        /* the route's code has it and has not answered, or streams */
	bool over, telling;               /* the loop's alone: libmicrohttpd is done with it; the route's code is being told so */
	bool waits;                       /* counted in h->waiting */
	bool watched;                     /* its socket is in the watch */
	bool left;                        /* the client has, or the host ends */
	bool turned_away;                 /* too many wait: whatever is answered, it is 503 */
	bool gzip;
	struct answer answer;
	struct stream stream;
	struct squeeze *squeeze;          /* of a pulled body that is compressed */
	struct buf pulled;
	size_t pulled_at;
	bool pulled_all;
	void (*gone)(struct http_call *c, void *arg);
	void *gone_arg;
	void (*read)(struct http_call *c, void *arg);
	void *read_arg;
	void (*read_release)(void *arg);
};

void *call_new(void *cls, const char *target, struct MHD_Connection *connection); /* MHD_OPTION_URI_LOG_CALLBACK */
enum MHD_Result call_heard(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                           const char *bytes, size_t *n, void **context);
void call_over(void *cls, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode code);
void call_free(struct http_call *c);
void call_post(struct http_call *c, unsigned what);          /* h->lock is held */
/* h->lock is held. The answer is there: back to the HTTP thread; once the lock is let go, c may be no more. */
void call_answered(struct http_call *c);
void call_waits(struct http_call *c, bool yes);              /* h->lock is held: counted, and its socket watched */
void calls_turn(struct http *h);                              /* on the loop: what was posted */
void call_leave(struct http_call *c);                        /* on the loop: its client is gone, or shall be taken for gone */
void calls_delayed_turn(struct http *h, bool all);

/* check.c: headers against limits, routes, keys and rows; a refusal is an answer */
void call_check_head(struct http_call *c);
void call_check_body(struct http_call *c);

/* reply.c */
enum MHD_Result answer_queue(struct http_call *c);           /* in the HTTP thread */
void answer_set(struct http_call *c, int status, const char *type, struct slice bytes); /* the struct alone */
void answer_fail(struct http_call *c, int status, const char *code, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void answer_fail_json(struct http_call *c, int status, struct slice error);
void answer_line(struct http_call *c, const char *name, const char *value);
void answer_finish(struct answer *a);

/* stream.c */
void stream_cut(struct http_call *c);                        /* h->lock is held: it ends here, and not whole */
ssize_t stream_read(void *cls, uint64_t at, char *out, size_t max);
ssize_t pull_read(void *cls, uint64_t at, char *out, size_t max);
ssize_t body_read(void *cls, uint64_t at, char *out, size_t max);

/* squeeze.c: gzip */
struct squeeze;
bool squeeze_wanted(const char *accept_encoding, const char *type);
bool squeeze_all(const struct buf *in, struct buf *out);
struct squeeze *squeeze_new(void);
void squeeze_put(struct squeeze *z, struct slice bytes, bool last, struct buf *out);
void squeeze_free(struct squeeze *z);

/* watch.c: who leaves while nothing is read from him */
int watch_open(struct http *h, struct err *err);
void watch_add(struct http_call *c);    /* h->lock is held */
void watch_drop(struct http_call *c);   /* h->lock is held */
void watch_close(struct http *h);

/* origins.c: pages of other sites */
bool origin_known(const struct http *h, const char *origin);
bool origin_preflight(struct http_call *c); /* true: answered */

/* listen.c: one listening socket of "127.0.0.1:0" or "unix:/path" */
struct listener {
	char *text, *path; /* path: of a unix socket */
	int fd;
	unsigned port;
	struct MHD_Daemon *daemon;
};
int listener_open(struct listener *l, const char *text, struct err *err);
void listener_close(struct listener *l); /* behind its daemon's end */

struct http {
	uv_loop_t *loop;
	const struct clock *clock;
	struct http_limits limits;
	const struct http_route *const *routes;
	char **origins;
	void (*told)(void *arg, const struct http_route *route, int status, int64_t took_us);
	void *arg;
	struct listener *listeners;
	size_t n_listeners;
	pthread_mutex_t lock;
	struct http_call *posted, **posted_end;
	unsigned n_over;              /* posts that nobody was woken for */
	struct keyring keys;
	struct http_call *calls;      /* handed over; the loop's alone */
	struct http_call *delayed;    /* the loop's alone */
	size_t waiting, n_delayed;
	size_t strange;               /* bytes of bodies kept for clients without a key */
	bool calm;
	pthread_mutex_t sockets_lock;
	struct http_socket *sockets;
	size_t n_sockets;
	int watch_fd;
	uv_poll_t watch;
	uv_async_t wake;
	uv_timer_t sweep, held_back;
	int handles;
};

#endif
