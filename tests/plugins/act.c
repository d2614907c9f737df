/* act.c - actions of every kind: one that answers with its input, one that answers wrongly, one that fails, one that never ends. */
#include <string.h>
#include <unistd.h>
#include "sluice.h"

static int
fetch(struct sluice_run *run)
{
	(void)run;
	return 0;
}

static int
echo(struct sluice_run *run)
{
	return sluice_reply(run, sluice_input(run));
}

static int
wrong(struct sluice_run *run)
{
	return sluice_reply(run, "{\"name\":7}");
}

static int
fails(struct sluice_run *run)
{
	return sluice_fail(run, SLUICE_EDATA, "no such ticket");
}

static int
calls(struct sluice_run *run)
{
	struct sluice_response answer = {0};

	return sluice_proxy_get(run, "/", NULL, &answer);
}

static int
silent(struct sluice_run *run)
{
	(void)run;
	return 0;
}

static int
endless(struct sluice_run *run)
{
	(void)run;
	for (;;)
		usleep(10000);
	return 0;
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_field name[] = {{.name = "name", .type = SLUICE_STRING}, {0}};
static const struct sluice_field wishes[] = {{.name = "region", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "things", .model = "Thing", .input = wishes, .fetch = fetch}, {0}};
static const struct sluice_action actions[] = {
	{.name = "echo", .input = name, .output = name, .call = echo},
	{.name = "wrong", .output = name, .call = wrong},
	{.name = "fails", .call = fails},
	{.name = "calls", .flags = SLUICE_REPEATABLE, .call = calls},
	{.name = "calls-once", .call = calls},
	{.name = "silent", .output = name, .call = silent},
	{.name = "endless", .call = endless},
	{.name = "slow", .timeout_ms = 500, .call = endless},
	{0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "act", .version = "1.0.0", .base_url = "https://act.example", .models = models, .syncs = syncs, .actions = actions};
