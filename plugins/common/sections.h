/* sections.h - a connection's [dataset] sections, for a check that tries them all.
 *
 * Each is asked for by a function of the connector, with the section's name and its options; in a check nothing but these
 * knows them, for sluice_get_option answers for the dataset that is running. What a section showed goes into the reply of the check,
 * {"datasets":{"posts":{...}}}. The first section that fails ends it, as its failure ends any function. */
#ifndef CONNECTORS_SECTIONS_H
#define CONNECTORS_SECTIONS_H

#include "skim.h"

/* Tries one section; what it says of it goes into `told`. */
typedef void section_try(struct sluice_run *run, struct skim section, cJSON *told);

static inline int
sections_check(struct sluice_run *run, section_try *one)
{
	const char *connection = sluice_get_connection(run);
	struct skim_walk w = skim_walk(skim_get(skim_of(connection, strlen(connection)), "datasets"));
	cJSON *facts = cJSON_CreateObject(), *datasets = cJSON_AddObjectToObject(facts, "datasets");

	while (!sluice_status(run) && skim_next(&w))
		one(run, w.value,
		    cJSON_AddObjectToObject(datasets, sluice_format(run, "%.*s", (int)w.key.len, w.key.p)));
	if (!cJSON_GetArraySize(datasets))
		sluice_fail(run, SLUICE_EFAILED,
		            "no dataset is named yet: add a section [dataset CONNECTION : INTEGRATION : NAME] with a path");
	if (!sluice_status(run))
		sluice_reply(run, sluice_json_print(run, facts));
	cJSON_Delete(facts);
	return sluice_status(run);
}

#endif
