/* api_key.c - `sluice api-key`: the key of the HTTP API that the host made at its first start, because the configuration names
 * none. On stdout, for the one who owns the store; the log never shows it. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

static int
key_ask(struct cli *c, bool rotate, struct err *err)
{
	struct slice question = rotate ? SLICE("{\"query\":\"api_key\",\"rotate\":true}") : SLICE("{\"query\":\"api_key\"}");
	struct access a = {0};
	struct buf end = {0};
	char *key = NULL;
	int rc = access_open(&a, c, rotate, err);

	if (rc == 0)
		rc = access_ask(&a, question, row_none, NULL, &end, err);
	access_close(&a);
	if (rc == 0) {
		key = member_text(buf_view(&end), "key");
		if (!key)
			rc = err_set(err, ERR_USAGE, "there is none yet: `sluice serve` makes it at its first start, or `sluice api-key rotate` now");
		else if (c->format == FORMAT_TEXT)
			puts(key);
		else
			print_object(c, buf_view(&end));
	}
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	buf_wipe(&end);
	return rc;
}

static int
command_api_key_run(struct cli *c)
{
	bool rotate = strcmp(c->args[0], "rotate") == 0;
	struct err err = {0};
	int rc;

	if (!rotate && strcmp(c->args[0], "show") != 0)
		rc = err_set(&err, ERR_USAGE, "usage: sluice api-key %s", c->command->usage);
	else
		rc = key_ask(c, rotate, &err);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_api_key = {
	.name = "api-key",
	.usage = "show | rotate",
	.summary = "Shows the key of the HTTP API that the host made itself, or makes another one",
	.help = "Only where the configuration has no [key NAME]. After rotate the one before opens nothing any more, at once. Where\n"
                "several programs have keys of their own, give each a section [key NAME]: then one is changed without the others.",
	.args_min = 1,
	.args_max = 1,
	.run = command_api_key_run,
};
