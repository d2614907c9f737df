/* honest.c - not hostile at all: what ordinary library code does behind one's back must carry on in the sandbox, if need be without. */
#define _GNU_SOURCE
#include <sluice.h>
#include <cjson/cJSON.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 1 << 18 };

static int
by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* qsort of a large array asks sysconf for the memory that there is. */
static int
sorted(void)
{
	int *v = malloc(MANY * sizeof *v), good = 1;

	for (int i = 0; i < MANY; i++)
		v[i] = (int)((unsigned)i * 2654435761u >> 8);
	qsort(v, MANY, sizeof *v, by_value);
	for (int i = 1; i < MANY; i++)
		good &= v[i - 1] <= v[i];
	free(v);
	return good;
}

static int
fetch(struct sluice_run *run)
{
	time_t t = 1763880917;
	char when[64], *memory, *large = malloc(64 << 20), *json;
	size_t size;
	FILE *f;

	memset(large, 1, 64 << 20);
	large = realloc(large, 100 << 20);
	free(large);
	strftime(when, sizeof when, "%F %T", localtime(&t)); /* UTC, and no file is opened */
	setlocale(LC_ALL, "");
	f = open_memstream(&memory, &size);
	fprintf(f, "%.3f", sqrt(2));
	fclose(f);
	printf("words that nobody reads\n");
	fflush(stdout);
	isatty(1);
	json = cJSON_PrintUnformatted(cJSON_Parse("{\"a\":[1,{}]}"));
	sluice_log(run, SLUICE_INFO, "%d %s %s %s %s %ld", sorted(), when, memory, json, getenv("PATH") ? getenv("PATH") : "none", sysconf(_SC_PAGESIZE));
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "things", .model = "Thing", .fetch = fetch}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "honest", .models = models, .syncs = syncs};
