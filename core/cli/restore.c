/* restore.c - `sluice restore PATH`: a backup becomes the store, where there is none. */
#include <stdlib.h>
#include "cli/cli.h"
#include "config/value.h"

static int
command_restore_run(struct cli *c)
{
	const struct store_options options = host_store_options(c->settings);
	char *path = path_absolute(slice_str(c->args[0])), size[TIME_TEXT_MAX];
	struct buf line = {0};
	struct json_out o = json_out(&line);
	uint64_t bytes = 0;
	struct err err;
	int rc = owner_become(options.dir, &err) == 0 ? store_restore(&options, path, &bytes, &err) : -1;

	if (rc == 0 && c->format == FORMAT_TEXT) {
		printf("%s: restored from %s, %s, verified. The next run goes on where the backup stood.\n",
		       options.dir, path, size_format(bytes, size));
	} else if (rc == 0) {
		json_open(&o, '{');
		json_kv_str(&o, "data_dir", options.dir);
		json_kv_str(&o, "from", path);
		json_kv_int(&o, "bytes", (int64_t)bytes);
		json_kv_bool(&o, "verified", true);
		json_close(&o, '}');
		print_object(c, buf_view(&line));
	}
	buf_free(&line);
	free(path);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_restore = {
        .name = "restore",
        .usage = "PATH",
        .summary = "Puts a backup into data_dir, which must be empty or absent",
        .help = "It is verified with the key before it takes its place. A store that is there is never replaced.",
        .args_min = 1,
        .args_max = 1,
        .run = command_restore_run,
};
