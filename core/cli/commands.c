/* commands.c - the verbs, in the order in which --help shows them. */
#include "cli/cli.h"

extern const struct command command_run, command_dry_run, command_test_connection, command_status, command_history,
	command_logs, command_datasets, command_records, command_changes, command_dead_letters, command_confirm_deletes,
	command_metadata, command_checkpoint, command_export, command_verify, command_backup, command_restore, command_prune,
	command_rekey, command_describe, command_deploy, command_rollback, command_dev,
	command_action, command_connections, command_config, command_version;

const struct command *const commands[] = {
	&command_run,
	&command_dry_run,
	&command_test_connection,
	&command_status,
	&command_history,
	&command_logs,
	&command_datasets,
	&command_records,
	&command_changes,
	&command_export,
	&command_dead_letters,
	&command_confirm_deletes,
	&command_metadata,
	&command_checkpoint,
	&command_verify,
	&command_backup,
	&command_restore,
	&command_prune,
	&command_rekey,
	&command_connections,
	&command_action,
	&command_describe,
	&command_deploy,
	&command_rollback,
	&command_dev,
	&command_config,
	&command_version,
	NULL,
};
