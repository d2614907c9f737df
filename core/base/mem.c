/* mem.c - memory or the end of the process.
 *
 * Guarantee: no function here returns NULL, also not for zero bytes, so callers have one path fewer to test.
 * Awkward: when memory is short, the last line must not need any: it is made on the stack, written with one write(2),
 * and the process leaves by _exit, since handlers of atexit could allocate or wait for a lock that we hold. */
#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_BROKEN 70 /* EX_SOFTWARE: restart me */

void
die(const char *fmt, ...)
{
	char line[512];
	size_t len;
	va_list ap;

	snprintf(line, sizeof line, "%s: ", program_invocation_short_name);
	len = strlen(line);
	va_start(ap, fmt);
	vsnprintf(line + len, sizeof line - len - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len] = '\n';
	if (write(STDERR_FILENO, line, len + 1) < 0) {
		/* Nobody is there to be told. */
	}
	_exit(EXIT_BROKEN);
}

static _Noreturn void
die_short(size_t n)
{
	die("out of memory: %zu bytes could not be had", n);
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die_short(n);
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory: %zu times %zu bytes could not be had", n, size);
	return p;
}

void *
xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		die_short(n);
	return p;
}

char *
xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	char *p;

	if (n == SIZE_MAX)
		die_short(n);
	p = xmalloc(n + 1);
	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void *
xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	char *p;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		die("out of memory: a text could not be made");
	va_end(ap);
	return p;
}
