/* headers.h - request headers that a plugin may set, and answer headers as they come in.
 *
 * Answer headers become "name: value\n" lines with lower-case names, control bytes as blanks; what could hand a
 * secret to a plugin (cookies, echoes of credentials) is left out. Their size, their number and the number of interim
 * answers are bounded. */
#ifndef SLUICE_PROXY_HEADERS_H
#define SLUICE_PROXY_HEADERS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#define HEADERS_BYTES_MAX (256 * 1024) /* of all header blocks of an exchange */
#define HEADERS_LINES_MAX 1000
#define HEADERS_INTERIM_MAX 20 /* 1xx answers before the real one */

struct headers {
	struct buf lines;          /* of the last block */
	const char *hide_name;     /* borrowed: header that carries our key, or NULL */
	const struct secret *hide; /* borrowed: overwritten where it stands in a value; NULL: none */
	int status;
	size_t bytes;
	unsigned count, interim;
	bool done;    /* the final block has ended; what follows are trailers */
	bool dropped; /* the last line was left out, so its continuations are */
};

void headers_reset(struct headers *h);
void headers_finish(struct headers *h);
/* One line as libcurl gives it, with its line end. ERR_DATA: a bound was passed. */
int headers_add(struct headers *h, struct slice line, struct err *err);
struct slice headers_find(struct slice lines, const char *name); /* lower case; the first one's value; p NULL: none */
unsigned headers_count(struct slice lines, const char *name);

/* Cuts "name: value"; false: not of that form, or with bytes that may not be in it. */
bool header_split(struct slice line, struct slice *name, struct slice *value);
/* May a plugin or manifest set it? ERR_USAGE names what is wrong. key_name: the header that carries our key, or NULL.
 */
int header_check(struct slice line, const char *key_name, struct err *err);

/* Headers of a request; one of the same name replaces the former. */
struct curl_slist *header_put(struct curl_slist *list, struct slice line);
bool header_has(const struct curl_slist *list, const char *name);
void header_list_wipe(struct curl_slist *list); /* overwrites, then frees */

#endif
