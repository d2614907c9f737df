/* selection.c - whose messages are wanted: the connection's metadata {"channels": [...]}, else its option.
 *
 * Metadata goes first, so that an application can choose at run time. "*" stands for every channel that the app is a
 * member of. */
#include "slack.h"

cJSON *
selection_read(struct sluice_run *run)
{
	const char *given = sluice_get_metadata(run), *option = sluice_get_option(run, "channels");
	cJSON *metadata = given ? cJSON_Parse(given) : NULL;
	cJSON *ids = cJSON_DetachItemFromObjectCaseSensitive(metadata, "channels");

	cJSON_Delete(metadata);
	if (!ids && option)
		ids = cJSON_Parse(option);
	return ids;
}

int
selection_has(const cJSON *ids, const char *id)
{
	const cJSON *each;

	cJSON_ArrayForEach(each, ids)
		if (cJSON_IsString(each) && strcmp(each->valuestring, id) == 0)
			return 1;
	return 0;
}

int
selection_takes(struct sluice_run *run, const char *channel)
{
	cJSON *ids = selection_read(run);
	int yes = cJSON_IsArray(ids) && (selection_has(ids, channel) || selection_has(ids, "*"));

	cJSON_Delete(ids);
	return yes;
}

int
option_threads(struct sluice_run *run)
{
	const char *option = sluice_get_option(run, "threads");

	return option && strcmp(option, "true") == 0;
}
