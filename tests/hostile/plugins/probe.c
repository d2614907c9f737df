/* probe.c - the hostile connector: tries one attack of probes.h, in a constructor or in its function, as the test wrote into its file. */
#define _GNU_SOURCE
#include "../probes.h"
#include <sluice.h>

static volatile struct probe_site site = {.magic = PROBE_MAGIC, .number = -1};

static void
attack(int constructor)
{
	probe_site = (struct probe_site *)&site;
	if (site.number >= 0 && site.number < PROBES && site.constructor == constructor)
		probe_and_exit(&probes[site.number]);
}

__attribute__((constructor)) static void
loaded(void)
{
	attack(1);
}

static int
fetch(struct sluice_run *run)
{
	attack(0);
	return sluice_status(run);
}

static const struct sluice_field fields[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "Thing", .fields = fields}, {0}};
static const struct sluice_sync syncs[] = {{.name = "things", .model = "Thing", .fetch = fetch}, {0}};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI, .name = "probe", .models = models, .syncs = syncs};
