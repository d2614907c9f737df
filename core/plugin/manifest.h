/* manifest.h - what a connector declares, as JSON and as a struct: the same on both sides of the border.
 *
 * The worker turns the plugin's structs (whatever minor version they have) into manifest JSON and checks it by
 * manifest_parse; the host gets that JSON over the wire and parses it again, believing nothing. Both then work with
 * `struct manifest`. `sluice describe` prints the JSON. Shared with the worker: base/ only. */
#ifndef SLUICE_PLUGIN_MANIFEST_H
#define SLUICE_PLUGIN_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/buf.h"

/* Values of type, flags, auth and kind are those of sdk/sluice.h. */
struct manifest_field {
	char *name, *description;
	int type, flags;
};
struct manifest_model {
	char *name, *description;
	struct manifest_field *fields;
	size_t n_fields;
	size_t key; /* index of the key field */
};
struct manifest_option {
	char *name, *help, *fallback; /* fallback: JSON text; NULL: none */
	char *form; /* plugin/form.h; NULL: any text of its type */
	int type, flags;
};
struct manifest_sync {
	char *name, *endpoint, *description;
	char *base, *variant; /* "leads", "eu" of one called "leads::eu" (run/shaped.h); NULL: it is the sync itself */
	uint16_t *models;
	size_t n_models; /* indexes */
	int kind, flags, priority;
	int64_t every_ms;
	struct manifest_field *input;
	size_t n_input;
};
struct manifest_action {
	char *name, *endpoint, *description;
	struct manifest_field *input, *output;
	size_t n_input, n_output;
	int64_t timeout_ms;
	int flags;
};
struct manifest_webhook {
	char *name;
	struct manifest_sync as_sync; /* for whoever saves: name and models; in one piece, and by nobody's schedule */
	char *signature, *signature_key, *signature_prefix, *signed_text, *timestamp, *timestamp_key;
	char *id, *type, *time, *account, *account_name, *challenge_type, *challenge;
	char **types; /* NULL-terminated; empty: all */
	int64_t tolerance_s, timeout_ms;
	int flags;
};
struct manifest_rate_group {
	char *match;
	uint64_t requests;
	int64_t per_ms;
};
struct manifest_rate {
	uint64_t requests;
	int64_t per_ms;
	char *remaining, *reset, *retry_after, *retry_body;
	struct manifest_rate_group *groups;
	size_t n_groups;
};

struct manifest_oauth { /* all NULL: none declared */
	char *token_url, *authorize_url, *authorize_params, *token_params;
	char **scopes; /* NULL-terminated; NULL: none declared */
	int flags;
};

struct manifest {
	char *name, *version, *description, *base_url;
	uint16_t abi_major, abi_minor;     /* that the plugin was built for */
	char **hosts, **headers, **scopes; /* NULL-terminated */
	int auth;
	char *auth_name, *auth_prefix;
	struct manifest_rate rate;
	struct manifest_oauth oauth;
	struct manifest_option *options;
	size_t n_options;
	struct manifest_model *models;
	size_t n_models;
	struct manifest_sync *syncs;
	size_t n_syncs;
	struct manifest_action *actions;
	size_t n_actions;
	struct manifest_webhook *webhooks;
	size_t n_webhooks;
	bool shaped;                   /* the operator may name datasets, */
	struct manifest_sync dataset;  /* after this pattern: no name, no models */
	struct manifest_option *dataset_options;
	size_t n_dataset_options;
	bool has_check;
};

/* Parses and validates: names, one key a model, known models, unique names, durations, reserved option names, at most
 * 1000 of anything, a tracked model written by one sync only, auth complete. NULL: err names the connector, the place
 * ("sync 'tickets': model 'Tickets' is not declared; did you mean 'Ticket'?") and the remedy. */
struct manifest *manifest_parse(struct slice json, struct err *err);
void manifest_free(struct manifest *m);                         /* NULL is fine */
void manifest_write(struct buf *out, const struct manifest *m); /* JSON again */

const struct manifest_sync *manifest_sync(const struct manifest *m, const char *name);
const struct manifest_action *manifest_action(const struct manifest *m, const char *name);
const struct manifest_webhook *manifest_webhook(const struct manifest *m, const char *name);
const struct manifest_model *manifest_model(const struct manifest *m, const char *name, uint16_t *index);
const struct manifest_option *manifest_option(const struct manifest *m, const char *name);
const struct manifest_option *manifest_dataset_option(const struct manifest *m, const char *name);
const char *manifest_type_name(int type); /* "string" ... */

/* Does the JSON object (checked text) have these fields with these types? For metadata, action input and output. err
 * names the path. */
bool fields_match(const struct manifest_field *fields, size_t n, struct slice object, struct err *err);
bool type_matches(int type, int flags, struct slice value); /* one value */

#endif
