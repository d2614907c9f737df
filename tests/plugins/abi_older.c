/* abi_older.c - built with an older minor version: its structs end early. Two elements each, so that a wrong stride shows. */
#include "abi_kit.h"

struct old_field { const char *name; int type; int flags; };
struct old_model { const char *name; const struct old_field *fields; };
struct old_option { const char *name; int type; int flags; };
struct old_sync { const char *name; const char *model; const char *const *models; int kind; int flags; const char *every; int priority; const char *endpoint; const char *description; const struct old_field *input; int (*fetch)(struct sluice_run *run); };
struct old_connector {
	struct abi_prefix prefix;
	const char *name, *version, *description, *base_url;
	const char *const *hosts;
	int auth;
	const char *auth_name, *auth_prefix;
	const char *const *headers, *const *scopes;
	const struct sluice_rate *rate;
	const struct old_option *options;
	const struct old_model *models;
	const struct old_sync *syncs; /* actions and check were not there yet */
};

static const struct old_field ticket[] = {{"id", SLUICE_STRING, SLUICE_KEY}, {"subject", SLUICE_STRING, SLUICE_OPTIONAL}, {0}};
static const struct old_field user[] = {{"mail", SLUICE_STRING, 0}, {"uid", SLUICE_INTEGER, SLUICE_KEY}, {0}};
static const struct old_model models[] = {{"Ticket", ticket}, {"User", user}, {0}};
static const struct old_option options[] = {{"team", SLUICE_STRING, SLUICE_REQUIRED}, {"days", SLUICE_INTEGER, 0}, {0}};
static const struct old_sync syncs[] = {{.name = "tickets", .model = "Ticket", .fetch = abi_fetch}, {.name = "things", .model = "User", .every = "2h", .fetch = abi_fetch}, {0}};
SLUICE_EXPORT const struct old_connector sluice_connector = {
	{1, 0, sizeof(struct old_connector), sizeof(struct old_field), sizeof(struct old_model), sizeof(struct old_option), sizeof(struct old_sync),
	 sizeof(struct sluice_action), sizeof(struct sluice_rate), SIZES_OF_CALLS},
	.name = "abi-older", .base_url = "https://old.example", .options = options, .models = models, .syncs = syncs};
