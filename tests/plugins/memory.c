/* memory.c - the Nth allocation of a real program fails, once or from then on; preloaded into it.
 *
 *   LD_PRELOAD=build/tests/plugins/memory.so MEMORY_FILE=/path program ...
 *
 * The file holds four numbers of 8 bytes, which whoever made it may change while the program runs: allocations so far,
 * the one that fails (0: none), how many fail from there (0: all), and how many have failed. So one call of a service
 * that is under way can be met as well as its start.
 *
 * Calls: malloc calloc realloc posix_memalign aligned_alloc memalign, and with them all that libraries and libc itself
 * (strdup, asprintf, getline, fopen) allocate. Awkward: sanitizers bring an allocator of their own, so this is for
 * ordinary builds; and a worker is given no environment, so one must be started by a script that preloads this. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SHIM __attribute__((visibility("default")))

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t at, size_t n);

static struct {
	_Atomic uint64_t count, at, many, failed;
} *told; /* NULL: nothing fails */

__attribute__((constructor)) static void
memory_start(void)
{
	const char *path = getenv("MEMORY_FILE");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *p = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p != MAP_FAILED)
		told = p;
	if (fd >= 0)
		close(fd);
}

static int
is_refused(void)
{
	uint64_t n, at, many;

	if (!told)
		return 0;
	n = atomic_fetch_add(&told->count, 1) + 1;
	at = atomic_load(&told->at);
	many = atomic_load(&told->many);
	if (!at || n < at || (many && n - at >= many))
		return 0;
	atomic_fetch_add(&told->failed, 1);
	errno = ENOMEM;
	return 1;
}

SHIM void *
malloc(size_t n)
{
	return is_refused() ? NULL : __libc_malloc(n);
}

SHIM void *
calloc(size_t n, size_t size)
{
	return is_refused() ? NULL : __libc_calloc(n, size);
}

SHIM void *
realloc(void *p, size_t n)
{
	return is_refused() ? NULL : __libc_realloc(p, n);
}

SHIM void *
memalign(size_t at, size_t n)
{
	return is_refused() ? NULL : __libc_memalign(at, n);
}

SHIM void *
aligned_alloc(size_t at, size_t n)
{
	return memalign(at, n);
}

SHIM int
posix_memalign(void **p, size_t at, size_t n)
{
	int before = errno;
	void *got = memalign(at, n);

	errno = before;
	if (!got)
		return ENOMEM;
	*p = got;
	return 0;
}
