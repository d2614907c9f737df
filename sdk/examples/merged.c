/* merged.c - pattern: sources side by side, with a merge. Two lists of one provider tell of the same people; neither
 * needs the other, so each is a sync of its own, and they run at the same time. That both tell of Ada is the host's
 * affair, not ours:
 *
 *     [connection acme : merged]
 *     max_runs = 2
 *     [merge people]
 *     sources = acme : merged : Contact, acme : merged : Payer
 *     key     = email
 *
 * The merged dataset follows its sources in the same transaction. Each member comes from the first source that has it.
 */
#include <sluice.h>

static int
fetch_list(struct sluice_run *run)
{
	const char *const *what = (const char *const *)sluice_data(run);
	const struct sluice_page_request list = {
		.endpoint = what[0], .items = "data", .kind = SLUICE_CURSOR, .cursor = "next", .cursor_param = "after"};
	struct sluice_page page;

	while (sluice_paginate(run, &list, &page) > 0)
		sluice_batch_save(run, what[1], page.body, page.len);
	return sluice_status(run);
}

static const char *const contacts[] = {"/v1/contacts", "Contact"}, *const payers[] = {"/v1/payers", "Payer"};

static const struct sluice_field person[] = {
	{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY},
	{.name = "email", .type = SLUICE_STRING, .flags = SLUICE_SENSITIVE, .description = "by what they are merged"},
	{0},
};
static const struct sluice_model models[] = {
	{.name = "Contact", .fields = person}, {.name = "Payer", .fields = person}, {0}};
static const struct sluice_sync syncs[] = {
	{.name = "contacts",
	 .model = "Contact",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .fetch = fetch_list,
	 .data = contacts},
	{.name = "payers",
	 .model = "Payer",
	 .kind = SLUICE_FULL,
	 .flags = SLUICE_TRACK_DELETES,
	 .fetch = fetch_list,
	 .data = payers},
	{0},
};

SLUICE_EXPORT const struct sluice_connector sluice_connector = {
	SLUICE_ABI,
	.name = "merged",
	.version = "1.0.0",
	.base_url = "https://api.helpdesk.example",
	.description = "Pattern: parallel with merge",
	.auth = SLUICE_BEARER,
	.models = models,
	.syncs = syncs,
};
