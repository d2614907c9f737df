/* abi_newer.c - built with minor version 7: its structs are longer, with members that this host does not know. */
#include "abi_kit.h"

#define MORE const char *more; long long even_more
#define NEW .more = (const char *)-1, .even_more = -1

struct new_field { struct sluice_field f; MORE; };
struct new_model { struct sluice_model m; MORE; };
struct new_option { struct sluice_option o; MORE; };
struct new_sync { struct sluice_sync s; MORE; };
struct new_action { struct sluice_action a; MORE; };
struct new_connector {
	struct abi_prefix prefix;
	const char *name, *version, *description, *base_url;
	const char *const *hosts;
	int auth;
	const char *auth_name, *auth_prefix;
	const char *const *headers, *const *scopes;
	const struct sluice_rate *rate;
	const struct new_option *options;
	const struct new_model *models;
	const struct new_sync *syncs;
	const struct new_action *actions;
	int (*check)(struct sluice_run *run);
	MORE;
};

static const struct new_field ticket[] = {{{.name = "id", .type = SLUICE_STRING, .flags = SLUICE_KEY}, NEW}, {{.name = "subject", .type = SLUICE_STRING, .flags = SLUICE_OPTIONAL}, NEW}, {{0}}};
static const struct new_field user[] = {{{.name = "mail", .type = SLUICE_STRING}, NEW}, {{.name = "uid", .type = SLUICE_INTEGER, .flags = SLUICE_KEY | 0x4000}, NEW}, {{0}}};
static const struct new_model models[] = {{{.name = "Ticket", .fields = (const void *)ticket}, NEW}, {{.name = "User", .fields = (const void *)user}, NEW}, {{0}}};
static const struct new_option options[] = {{{.name = "team", .type = SLUICE_STRING, .flags = SLUICE_REQUIRED}, NEW}, {{.name = "days", .type = SLUICE_INTEGER}, NEW}, {{0}}};
static const struct new_sync syncs[] = {{{.name = "tickets", .model = "Ticket", .fetch = abi_fetch}, NEW}, {{.name = "things", .model = "User", .every = "2h", .fetch = abi_fetch}, NEW}, {{0}}};
static const struct new_action actions[] = {{{.name = "ping", .call = abi_fetch}, NEW}, {{.name = "pong", .call = abi_fetch}, NEW}, {{0}}};
SLUICE_EXPORT const struct new_connector sluice_connector = {
	{1, 7, sizeof(struct new_connector), sizeof(struct new_field), sizeof(struct new_model), sizeof(struct new_option), sizeof(struct new_sync),
	 sizeof(struct new_action), sizeof(struct sluice_rate), SIZES_OF_CALLS},
	.name = "abi-newer", .base_url = "https://new.example", .options = options, .models = models, .syncs = syncs, .actions = actions, NEW};
