/* rekey.c - `sluice rekey --new-key ...`: another key opens the store from now on, and the old one no longer does.
 *
 * The operator's key wraps the store's own, so one value is exchanged, in one transaction. Awkward: the configuration
 * still names the old key afterwards; whoever edits it is told exactly what to write. */
#include "cli/cli.h"
#include "config/value.h"

static const struct cli_flag flags[] = {
        {"--new-key", "KEY", "file:PATH (made when it is not there) or env:NAME; never the key itself"},
        {NULL, NULL, NULL},
};

static int
new_key_parse(const char *text, struct host_settings *to, struct err *err)
{
	struct slice given = slice_str(text ? text : "");

	if (!slice_starts(given, "file:") && !slice_starts(given, "env:"))
		return err_set(err, ERR_USAGE,
		               "say --new-key file:PATH or --new-key env:NAME: a command line is public, so no "
		               "key stands on it");
	if (master_parse(given, to, err) == 0)
		return 0;
	return err_prefix(err, "--new-key %s", text);
}

static int
store_change(struct cli *c, const struct host_settings *key, struct err *err)
{
	const struct store_options was = host_store_options(c->settings),
	                           now = {.dir = was.dir, .key = key->encryption_key, .key_file = key->key_file};
	struct host *h = host_patient(c, true, false, err);
	int rc = -1;

	if (!h)
		return busy_remedy(err, "its key is changed while nobody else has it: end that one first (a service: `systemctl stop sluice`)");
	if (!host_store(h))
		err_set(err, ERR_USAGE,
		        "there is no store in %s yet: set encryption_key, and the first run makes it with that",
		        was.dir);
	else
		rc = store_rekey(host_store(h), &was, &now, err);
	host_free(h);
	return rc;
}

static void
change_tell(struct cli *c, const char *text)
{
	const char *dir = c->settings->host.data_dir;
	struct buf line = {0};
	struct json_out o = json_out(&line);

	if (c->format == FORMAT_TEXT) {
		printf("%s: only the new key opens it from now on. Write into [host]: encryption_key = %s\n"
		       "Backups from before need the old key: keep it as long as you keep them.\n",
		       dir, text);
		return;
	}
	json_open(&o, '{');
	json_kv_str(&o, "data_dir", dir);
	json_kv_str(&o, "encryption_key", text);
	json_close(&o, '}');
	print_object(c, buf_view(&line));
	buf_free(&line);
}

static int
command_rekey_run(struct cli *c)
{
	struct host_settings key = {0};
	const char *text = cli_value(c, "--new-key");
	struct buf full = {0};
	struct err err;
	int rc = new_key_parse(text, &key, &err);

	if (rc == 0)
		rc = store_change(c, &key, &err);
	if (rc == 0) {
		if (key.key_file)
			buf_printf(&full, "file:%s", key.key_file); /* absolute */
		change_tell(c, key.key_file ? buf_str(&full) : text);
	}
	buf_free(&full);
	master_unset(&key);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_rekey = {
        .name = "rekey",
        .usage = "--new-key file:PATH|env:NAME",
        .summary = "Changes the key that opens the store",
        .help = "Needs the store for itself: stop runs before. The data is not written again; the old key no longer "
                "opens it.",
        .flags = flags,
        .run = command_rekey_run,
};
