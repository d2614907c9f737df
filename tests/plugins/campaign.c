/* campaign.c - the connector of the kill campaign: the provider's /plain records, by two ways of keeping progress.
 *
 *   paged      the host's pagination, full, deletes by absence; a checkpoint {"n": records listed so far} behind each page
 *   handmade   sluice_update_metadata alone: {"after": cursor, "n": ...}; full_done at the end
 *
 * In both, n counts records that were handed to the host before it: a checkpoint that claims more than the store holds is
 * ahead of its data, which the campaign looks for. */
#include <sluice.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>

static int
fetch_paged(struct sluice_run *run)
{
	const struct sluice_page_request list = {
		.endpoint = "/plain/cursor", .items = "items", .limit = 100,
		.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
	};
	struct sluice_page page;
	long n = 0;

	while (sluice_paginate(run, &list, &page) > 0) {
		sluice_batch_save(run, "Paged", page.body, page.len);
		n = (page.number - 1) * 100 + (long)page.count;
		const char *text = sluice_format(run, "{\"n\":%ld}", n);
		sluice_save_checkpoint(run, text);
	}
	if (!sluice_status(run) && !sluice_should_stop(run))
		sluice_clear_checkpoint(run);
	return sluice_status(run);
}

static int
fetch_handmade(struct sluice_run *run)
{
	const char *known = sluice_get_metadata(run);
	cJSON *state = known ? cJSON_Parse(known) : NULL;
	const cJSON *at = cJSON_GetObjectItemCaseSensitive(state, "after"), *count = cJSON_GetObjectItemCaseSensitive(state, "n");
	const char *after = cJSON_IsString(at) ? at->valuestring : "";
	long n = cJSON_IsNumber(count) ? (long)count->valuedouble : 0;

	do {
		struct sluice_response got = {0};
		const struct sluice_pair query[] = {{"limit", "100"}, {"after", *after ? after : NULL}, {0}};
		if (sluice_proxy_get(run, "/plain/cursor", query, &got))
			break;
		cJSON *page = cJSON_Parse(got.body);
		cJSON *items = cJSON_GetObjectItemCaseSensitive(page, "items");
		char *text = cJSON_PrintUnformatted(items);
		sluice_batch_save(run, "Handmade", text, strlen(text));
		n += cJSON_GetArraySize(items);
		const cJSON *next = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(page, "meta"), "next");
		after = sluice_format(run, "%s", cJSON_IsString(next) ? next->valuestring : "");
		sluice_update_metadata(run, sluice_format(run, "{\"after\":\"%s\",\"n\":%ld}", after ? after : "", n));
		free(text);
		cJSON_Delete(page);
	} while (after && *after && !sluice_should_stop(run) && !sluice_status(run));
	if (!sluice_status(run) && after && !*after) {
		sluice_full_done(run, "Handmade");
		sluice_update_metadata(run, "{\"after\":\"\",\"n\":0}");
	}
	cJSON_Delete(state);
	return sluice_status(run);
}

static const struct sluice_field record[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "revision", .type = SLUICE_INTEGER},
	{0}
};
static const struct sluice_model models[] = {{.name = "Paged", .fields = record}, {.name = "Handmade", .fields = record}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "paged", .model = "Paged", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_paged},
	{.name = "handmade", .model = "Handmade", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch_handmade},
	{0}
};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "campaign", .version = "1.0.0", .models = models, .syncs = syncs};
