/* verbs.h - a command whose first word says what is done: `sluice events list`; and the numbers that stand behind it. */
#ifndef SLUICE_CLI_VERBS_H
#define SLUICE_CLI_VERBS_H

#include "cli/cli.h"

struct cli_verb {
	const char *name;    /* NULL ends a table */
	bool rows;           /* what it prints are rows: in json an array */
	bool writes;         /* it needs the store to write */
	int (*run)(void *arg, struct err *err); /* 0 or -1; arg: the command's own */
};
const struct cli_verb *verb_find(const struct cli *c, const struct cli_verb *verbs, struct err *err); /* NULL: there is none */
/* Finds it, opens a (closed again in any case), runs it, and ends what it printed. */
int verb_run(struct cli *c, const struct cli_verb *verbs, struct access *a, void *arg, struct err *err);

int verb_number(const struct cli *c, size_t i, int64_t *number, struct err *err); /* the i-th argument; the verb is 0 */
/* All arguments behind the verb, as "numbers":[...]; none: nothing. */
int verb_numbers_put(const struct cli *c, struct json_out *o, struct err *err);

#endif
