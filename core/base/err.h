/* err.h - why something failed: one class and one sentence.
 *
 * A function that can fail takes `struct err *` last, returns 0 or -1 (or a pointer or NULL), and on failure has
 * set it, once, where the cause is known. The sentence names the thing, the place and the remedy:
 * "sluice.ini:12: every: '1x' is no duration; say for example 'every 15 minutes'". The class decides the exit code
 * and whether a run is tried again. A NULL err is allowed: the reason is then dropped. */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

#include <stdarg.h>

enum err_class {
	ERR_NONE = 0,
	ERR_USAGE,       /* command line or configuration is wrong: exit 2, do not retry */
	ERR_CREDENTIALS, /* the provider refused the credentials: exit 3 */
	ERR_BUSY,        /* somebody else has it (store open elsewhere, run already under way): exit 4 */
	ERR_RATE,        /* the provider's rate limit or quota: exit 75 */
	ERR_PROVIDER,    /* the provider failed or is unreachable, after retries: exit 75 */
	ERR_DATA,        /* an answer or record is not what was promised: exit 1 */
	ERR_CONNECTOR,   /* the plugin crashed, hung, misbehaved or said that it failed: exit 1 */
	ERR_HOST,        /* disk, memory, kernel, store: exit 75 */
	ERR_STOPPED,     /* ended on request; state is saved: exit 130/143 */
	ERR_CLASSES
};

struct err {
	enum err_class cls;
	char text[1024]; /* one sentence, no newline, never a secret; cut at the end when longer */
};

int err_set(struct err *e, enum err_class cls, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* -1 */
int err_setv(struct err *e, enum err_class cls, const char *fmt, va_list ap) __attribute__((format(printf, 3, 0)));
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3))); /* "fmt: text"; -1 */
const char *err_class_name(enum err_class cls); /* "credentials", "provider", ... stable, shown to users */
enum err_class err_class_find(const char *name); /* ERR_NONE when there is none of that name */
int err_exit_code(enum err_class cls);          /* INTERFACES: 0 1 2 3 4 70 75 */

#endif
