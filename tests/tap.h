/* tap.h - the whole of the test library: cases that register themselves, checks that name their line, TAP on stdout.
 *
 *   TEST("a checkpoint outlives a killed worker") { CHECK(got == 3); CHECK_STR(err.text, "..."); }
 *
 * One program per file; arguments select cases by substring. A failed check marks its case and goes on; REQUIRE ends it. */
#ifndef SLUICE_TAP_H
#define SLUICE_TAP_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_case { const char *name; void (*fn)(void); struct tap_case *next; };
static struct tap_case *tap_first, **tap_last = &tap_first;
static int tap_bad;
static jmp_buf tap_out;

static inline void tap_fail(const char *file, int line, const char *what) { tap_bad++; printf("# %s:%d: %s\n", file, line, what); }

#define TAP_CAT2(a, b) a##b
#define TAP_CAT(a, b) TAP_CAT2(a, b)
#define TEST(sentence) TAP_TEST(sentence, TAP_CAT(tap_fn_, __LINE__), TAP_CAT(tap_case_, __LINE__), TAP_CAT(tap_reg_, __LINE__))
#define TAP_TEST(sentence, fn_, case_, reg_) \
	static void fn_(void); \
	static struct tap_case case_ = {sentence, fn_, NULL}; \
	__attribute__((constructor)) static void reg_(void) { *tap_last = &case_; tap_last = &case_.next; } \
	static void fn_(void)
#define CHECK(cond) do { if (!(cond)) tap_fail(__FILE__, __LINE__, #cond); } while (0)
#define REQUIRE(cond) do { if (!(cond)) { tap_fail(__FILE__, __LINE__, #cond); longjmp(tap_out, 1); } } while (0)
#define CHECK_INT(a, b) do { long long tap_a = (long long)(a), tap_b = (long long)(b); if (tap_a != tap_b) { \
	tap_fail(__FILE__, __LINE__, #a " == " #b); printf("#   %lld != %lld\n", tap_a, tap_b); } } while (0)
#define CHECK_STR(a, b) do { const char *tap_a = (a), *tap_b = (b); if (!tap_a || !tap_b || strcmp(tap_a, tap_b)) { \
	tap_fail(__FILE__, __LINE__, #a " == " #b); printf("#   \"%s\" != \"%s\"\n", tap_a ? tap_a : "(null)", tap_b ? tap_b : "(null)"); } } while (0)
#define CHECK_HAS(a, part) do { const char *tap_a = (a), *tap_b = (part); if (!tap_a || !strstr(tap_a, tap_b)) { \
	tap_fail(__FILE__, __LINE__, #a " has " #part); printf("#   \"%s\" lacks \"%s\"\n", tap_a ? tap_a : "(null)", tap_b); } } while (0)

/* On its own, so that no variable of the loop lives across setjmp. */
static inline void
tap_run(const struct tap_case *t)
{
	if (!setjmp(tap_out))
		t->fn();
}

static inline int
tap_main(int argc, char **argv)
{
	int n = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct tap_case *t = tap_first; t; t = t->next) {
		bool wanted = argc < 2;
		for (int i = 1; i < argc; i++)
			wanted |= strstr(t->name, argv[i]) != NULL;
		if (!wanted)
			continue;
		tap_bad = 0;
		tap_run(t);
		failed += tap_bad != 0;
		printf("%sok %d - %s\n", tap_bad ? "not " : "", ++n, t->name);
	}
	printf("1..%d\n", n);
	return failed != 0;
}

#ifndef TAP_NO_MAIN
int main(int argc, char **argv) { return tap_main(argc, argv); }
#endif

#endif
