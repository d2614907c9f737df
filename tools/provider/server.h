/* server.h - sockets and connections: reads requests, calls the handler, sends its reply according to the reply's plan.
 */
#ifndef PROVIDER_SERVER_H
#define PROVIDER_SERVER_H

#include <signal.h>
#include "base/clock.h"
#include "base/err.h"
#include "reply.h"
#include "request.h"

struct server;

struct server_setup {
	const char *bind; /* address of this machine: 127.0.0.1, ::1, ... */
	int port;         /* 0: any */
	int64_t lifetime_ms;
	const struct clock *clock;
	void (*handle)(void *arg, struct request *r, struct reply *p);
	void *arg;
};

struct server *server_new(const struct server_setup *setup, struct err *err); /* NULL on failure */
int server_port(const struct server *s);
int server_run(struct server *s, const volatile sig_atomic_t *stop); /* until stopped or its lifetime is over; 0 */
void server_free(struct server *s);

#endif
