/* table.h - one line of the benchmark's table: what, the figure, the bar it should reach, the CPU seconds behind it.
 *
 * A bar that is missed is marked, and nothing more: the machine is rarely ours alone. */
#ifndef TESTS_BENCH_TABLE_H
#define TESTS_BENCH_TABLE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

struct row {
	const char *what;
	double figure;
	const char *unit;
	char side;  /* of the bar: '>' at least, '<' at most, '=' exactly, 0: there is none */
	double bar; /* in the same unit */
	double cpu; /* seconds of CPU (user and system, all processes of ours) behind the figure; 0: not told */
};

static inline double
wall_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline double
usage_seconds(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static inline double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return usage_seconds(&u);
}

static inline int
number_compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static inline double
median(double *of, size_t n)
{
	qsort(of, n, sizeof *of, number_compare);
	return n % 2 ? of[n / 2] : (of[n / 2 - 1] + of[n / 2]) / 2;
}

/* 179 208 from a thousand on, else two places behind the point, or none when they say nothing. */
static inline const char *
figure_text(double v, char out[32])
{
	long whole = (long)(v + 0.5);

	if (v >= 1e6)
		snprintf(out, 32, "%ld %03ld %03ld", whole / 1000000, whole / 1000 % 1000, whole % 1000);
	else if (v >= 1e3)
		snprintf(out, 32, "%ld %03ld", whole / 1000, whole % 1000);
	else
		snprintf(out, 32, v == (double)whole ? "%.0f" : "%.2f", v);
	return out;
}

__attribute__((format(printf, 2, 3))) static inline void
row_print(const struct row *r, const char *more, ...)
{
	char figure[32], number[32], bar[40] = "", cpu[32] = "";
	bool missed = (r->side == '>' && r->figure < r->bar) || (r->side == '<' && r->figure > r->bar) ||
	              (r->side == '=' && r->figure != r->bar);
	va_list ap;

	if (r->side)
		snprintf(bar, sizeof bar, "%s %s",
		         r->side == '>'   ? ">="
		         : r->side == '<' ? "<="
		                          : "=",
		         figure_text(r->bar, number));
	if (r->cpu > 0)
		snprintf(cpu, sizeof cpu, r->cpu < 0.1 ? "%.4f" : "%.2f", r->cpu);
	printf("%-50s %11s %-16s %-11s %-7s %6s   ", r->what, figure_text(r->figure, figure), r->unit, bar,
	       missed ? "MISSED" : "", cpu);
	va_start(ap, more);
	vprintf(more, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

static inline void
table_head(const char *title)
{
	printf("\n%-50s %11s %-16s %-11s %-7s %6s   %s\n", title, "figure", "", "bar", "", "CPU s", "");
}

#endif
