/* gzip.h - compressed bodies: proper ones, and those that a client must refuse. */
#ifndef PROVIDER_GZIP_H
#define PROVIDER_GZIP_H

#include "reply.h"
#include "request.h"

void gzip_reply(const struct request *r,
                struct reply *p);                 /* when the request accepts it, and the reply is 1 KiB or more */
void gzip_body(struct buf *body);                 /* the body becomes its gzip */
void gzip_bomb(struct buf *body, uint64_t bytes); /* a gzip of so many blanks (whole MiB), made in no time */

#endif
