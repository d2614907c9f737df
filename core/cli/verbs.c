/* verbs.c - see verbs.h.
 *
 * Awkward: rows that were printed before something failed stand in an array that is still closed, so that a program that
 * reads them can. */
#include "cli/verbs.h"

#include <string.h>

const struct cli_verb *
verb_find(const struct cli *c, const struct cli_verb *verbs, struct err *err)
{
	for (const struct cli_verb *v = verbs; v->name; v++)
		if (strcmp(c->args[0], v->name) == 0)
			return v;
	err_set(err, ERR_USAGE, "usage: sluice %s %s", c->command->name, c->command->usage);
	return NULL;
}

int
verb_run(struct cli *c, const struct cli_verb *verbs, struct access *a, void *arg, struct err *err)
{
	const struct cli_verb *v = verb_find(c, verbs, err);
	int rc = -1;

	if (!v)
		return -1;
	if (access_open(a, c, v->writes, err) == 0)
		rc = v->run(arg, err);
	if (c->format != FORMAT_TEXT && v->rows && (rc == 0 || c->array_used))
		print_end(c);
	access_close(a);
	return rc;
}

int
verb_number(const struct cli *c, size_t i, int64_t *number, struct err *err)
{
	struct slice text = slice_str(c->args[i]);

	if (json_check(text, 0, NULL) && json_int(text, number) && *number > 0)
		return 0;
	return err_set(err, ERR_USAGE, "'%s' is no number: `sluice %s list` shows them", c->args[i], c->command->name);
}

int
verb_numbers_put(const struct cli *c, struct json_out *o, struct err *err)
{
	int64_t number;

	if (c->n_args < 2)
		return 0;
	json_key(o, "numbers");
	json_open(o, '[');
	for (size_t i = 1; i < c->n_args; i++) {
		if (verb_number(c, i, &number, err) != 0)
			return -1;
		json_put_int(o, number);
	}
	json_close(o, ']');
	return 0;
}
