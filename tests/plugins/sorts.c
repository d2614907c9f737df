/* sorts.c - a connector that is told as which variant of its syncs it runs, and does otherwise by it. */
#include <sluice.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "eu"; "base" when it is the sync itself. */
static const char *
variant(struct sluice_run *run, char out[64])
{
	static const char key[] = "\"variant\":\"";
	const char *at = strstr(sluice_get_connection(run), key);

	snprintf(out, 64, "%.*s", at ? (int)strcspn(at + strlen(key), "\"") : 4, at ? at + strlen(key) : "base");
	return out;
}

/* Two records that bear its name; how often it ran, and how many of its own it found. All that it does not list is deleted. Where
 * its metadata says so the listing is empty. */
static int
fetch_things(struct sluice_run *run)
{
	const char *checkpoint = sluice_get_checkpoint(run), *listed;
	int runs = checkpoint ? atoi(checkpoint) + 1 : 1;
	long found = 0;
	char name[64], own[80], text[256];

	variant(run, name);
	snprintf(own, sizeof own, "\"of %s\"", name);
	for (long k = sluice_list_records(run, "Thing", 0, &listed); k > 0; k = sluice_list_records(run, "Thing", 1, &listed))
		found += strstr(listed, own) ? k : 0;
	snprintf(text, sizeof text, "[{\"id\":\"%s\",\"runs\":%d,\"found\":%ld},{\"id\":\"of %s\"}]", name, runs, found, name);
	if (!strstr(sluice_get_metadata(run), "\"empty\":true"))
		sluice_batch_save(run, "Thing", text, strlen(text));
	sluice_full_done(run, "Thing");
	snprintf(text, sizeof text, "%d", runs);
	sluice_save_checkpoint(run, text);
	return sluice_status(run);
}

/* Goes on until it is stopped, its progress in the checkpoint. */
static int
fetch_steps(struct sluice_run *run)
{
	const char *checkpoint = sluice_get_checkpoint(run);
	char text[64];

	for (int n = checkpoint ? atoi(checkpoint) : 0; n < 1000000 && !sluice_should_stop(run); n++) {
		snprintf(text, sizeof text, "[{\"id\":\"n%d\"}]", n);
		sluice_batch_save(run, "Step", text, strlen(text));
		snprintf(text, sizeof text, "%d", n + 1);
		sluice_save_checkpoint(run, text);
		usleep(5000);
	}
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {.name = "Step", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "things", .model = "Thing", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .every = "1h", .fetch = fetch_things},
	{.name = "steps", .model = "Step", .flags = SLUICE_MANUAL, .fetch = fetch_steps},
	{0}
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "sorts", .version = "1.0.0", .base_url = "https://sorts.example", .models = models, .syncs = syncs};
