/* rules.h - what manifest.c (reading) and rules.c (judging) share; not for others, but for manifest_write.c's words. */
#ifndef SLUICE_PLUGIN_RULES_H
#define SLUICE_PLUGIN_RULES_H

#include "plugin/manifest.h"

#define MANIFEST_TEXT 16384 /* bytes of one text, quotes and escapes included */
#define MANIFEST_MANY 1000  /* elements of any list */
#define MANIFEST_DEPTH 16

struct parse {
	struct manifest *m;
	struct err *err;
	bool failed;     /* err is set; nothing more is looked at */
	char place[160]; /* "sync 'tickets'"; "" for the connector itself */
};
int parse_fail(struct parse *p, const char *fmt, ...)
        __attribute__((format(printf, 2, 3))); /* the first one counts; -1 */
void parse_at(struct parse *p, const char *what,
              const char *name); /* where we are; what NULL: at the connector itself */

void rules_check(struct parse *p);                          /* everything that needs the whole manifest */
void rule_unknown_model(struct parse *p, const char *name); /* with the nearest one */

/* Words of the JSON and their values in sdk/sluice.h; lists end with a NULL name. */
struct manifest_word {
	const char *name;
	int value;
};
extern const struct manifest_word manifest_field_flags[], manifest_option_flags[], manifest_sync_flags[],
        manifest_action_flags[], manifest_oauth_flags[], manifest_webhook_flags[];

/* The texts of a webhook: names in the JSON, and where they stand in struct manifest_webhook; ends with a NULL name. */
struct manifest_text {
	const char *name;
	size_t at;
};
extern const struct manifest_text manifest_webhook_texts[];

void texts_free(char **list); /* manifest.c: a NULL-terminated list and what is in it; NULL is fine */

extern const struct manifest_word *const manifest_auths, *const manifest_kinds;

#endif
