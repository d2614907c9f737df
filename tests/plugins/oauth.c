/* oauth.c - a connector of an OAuth 2 provider: two syncs that list what only an access token may read, and a check. */
#include <sluice.h>

static const struct sluice_page_request list = {
	.endpoint = "/oauth/api/cursor", .items = "items", .limit = 20,
	.kind = SLUICE_CURSOR, .cursor_param = "after", .cursor = "meta.next",
};

static int
fetch(struct sluice_run *run)
{
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, (const char *)sluice_data(run), page.body, page.len);
	return sluice_status(run);
}

static int
check(struct sluice_run *run)
{
	struct sluice_response answer;

	return sluice_proxy_get(run, "/oauth/api/cursor?limit=1", NULL, &answer);
}

static const struct sluice_field record[] = {{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, {0}};
static const struct sluice_model models[] = {{.name = "One", .fields = record}, {.name = "Two", .fields = record}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "one", .model = "One", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch, .data = "One"},
	{.name = "two", .model = "Two", .kind = SLUICE_FULL, .flags = SLUICE_TRACK_DELETES, .fetch = fetch, .data = "Two"},
	{0}
};
static const char *const scopes[] = {"read", NULL};
static const struct sluice_oauth oauth = {.token_url = "https://oauth.example/token", .authorize_url = "https://oauth.example/authorize",
	.scopes = scopes, .authorize_params = "access_type=offline"};
SLUICE_EXPORT const struct sluice_connector sluice_connector = {SLUICE_ABI,
	.name = "oauth", .version = "1.0.0", .auth = SLUICE_OAUTH2, .models = models, .syncs = syncs, .check = check, .oauth = &oauth};
