/* mem.h - memory that is there or the process ends: one line on stderr, exit 70.
 *
 * Sizes that come from outside are capped by the caller before they are allocated. */
#ifndef SLUICE_BASE_MEM_H
#define SLUICE_BASE_MEM_H

#include <stddef.h>

#define XNEW(type) ((type *)xcalloc(1, sizeof(type)))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull)); /* exactly n bytes and a NUL */
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* broken invariant: exit 70 */

#endif
