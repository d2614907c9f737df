/* unpack.h - a body that may be a gzip file, in pieces. */
#ifndef CSV_UNPACK_H
#define CSV_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

struct unpack;
typedef int (*unpack_bytes)(void *arg, const char *p, size_t len); /* 0 goes on */

struct unpack *unpack_new(unpack_bytes bytes, void *arg);
void unpack_free(struct unpack *u); /* NULL is fine */
/* 0; what `bytes` returned, if that is not 0; -1: a broken gzip file. */
int unpack_feed(struct unpack *u, char *p, size_t len);
/* That was all. 0, or -1: a gzip file that ends too early. */
int unpack_end(struct unpack *u);

#endif
