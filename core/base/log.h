/* log.h - log lines on stderr: text on a terminal, JSON otherwise, secrets blanked.
 *
 * Every value that log_secret() was told (and its base64, hex and URL-encoded forms) is replaced by *** wherever a line would
 * show it; so no caller has to think of it. Lines are written whole, by one write(2). The only global of the house
 * besides the signal flag. Safe from any thread. */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdarg.h>
#include <stdint.h>
#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

/* One field of a line; the array ends with a NULL key. Keys: run connection integration sync model step attempt
 * records added updated deleted requests retries rate_limited duration_ms. */
struct log_field {
	const char *key;
	const char *text; /* or, when NULL, */
	int64_t number;
};

void log_setup(int fd, enum log_level least, enum log_format format);
void log_secret(struct slice value);   /* blank it from now on; copied; values under 4 bytes are ignored */
void log_secrets_forget(void);         /* wipes and frees all: at exit and between tests */
void log_blank(struct buf *text);      /* replaces secrets in a text that goes elsewhere (history, dead letters) */
/* Sees every line that passes the level, blanked; for the history in the store. fields end with a NULL key. */
void log_tap(void (*fn)(void *arg, enum log_level level, const char *msg, const struct log_field *fields), void *arg);

void log_line(enum log_level level, const struct log_field *fields, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define log_debug(...) log_line(LOG_DEBUG, 0, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, 0, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, 0, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, 0, __VA_ARGS__)
const char *log_level_name(enum log_level level); /* debug info warn error */
bool log_level_find(struct slice name, enum log_level *level);

#endif
