/* tick.c - two small syncs of a connection, each of one request to a path of its own: so the provider's account by path
 * says how often which of them ran. */
#include <sluice.h>

static int
fetch(struct sluice_run *run, const char *sync, const char *model)
{
	struct sluice_response got = {0};
	const char *path = sluice_format(run, "/tick/%s/%s", sluice_get_option(run, "who"), sync);

	if (path && sluice_proxy_get(run, path, NULL, &got) == SLUICE_OK)
		sluice_batch_save(run, model, got.body, got.len);
	return sluice_status(run);
}

static int
fetch_even(struct sluice_run *run)
{
	return fetch(run, "even", "Even");
}

static int
fetch_odd(struct sluice_run *run)
{
	return fetch(run, "odd", "Odd");
}

static const struct sluice_option options[] = {{.name = "who", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED}, {0}};
static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Even", .fields = fields}, {.name = "Odd", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "even", .model = "Even", .kind = SLUICE_INCREMENTAL, .every = "1m", .fetch = fetch_even},
	{.name = "odd", .model = "Odd", .kind = SLUICE_INCREMENTAL, .every = "1m", .fetch = fetch_odd},
	{0}
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "tick", .version = "1.0.0", .options = options, .models = models, .syncs = syncs};
