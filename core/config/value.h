/* value.h - one value of the configuration: what it says after env:, file: and quotes, and its way into a settings struct.
 *
 * Values that came from the environment or a file are never shown, nor is any part of a secret: the messages made here
 * hold "***" in their place. */
#ifndef SLUICE_CONFIG_VALUE_H
#define SLUICE_CONFIG_VALUE_H

#include <stdbool.h>
#include "base/err.h"
#include "config/keys.h"

#define VALUE_FILE_MAX (64u * 1024) /* bytes of a file:PATH */

struct value {
	struct buf text; /* what is meant; NUL-terminated by buf_str; wiped by value_finish */
	bool resolved;   /* it came by env: or file: */
};

/* Reads env:NAME and file:PATH; any other text is taken as it stands. May block on the file. -1: err says why and what
 * to do, without the place. */
int value_resolve(struct value *v, struct slice given, struct err *err);
/* The same, and a JSON string ("in quotes") becomes its text. For keys of the table, which are no JSON. */
int value_resolve_plain(struct value *v, struct slice given, struct err *err);
void value_finish(struct value *v);

/* Parses `given` as the key's type into its member of `at` (the section's struct), which is unset before.
 * -1: err says why, without the place. */
int key_parse(const struct key *k, struct slice given, void *at, struct err *err);
void key_unset(const struct key *k, void *at); /* frees what key_parse made, secrets wiped */

struct host_settings;
int master_parse(struct slice given, struct host_settings *host, struct err *err); /* KEY_MASTER */
void master_unset(struct host_settings *host);

/* The whole file, at most max bytes. Only regular files. -1: err names the file, and the remedy. */
int file_read(const char *path, size_t max, struct buf *out, struct err *err);
/* The same for a master key, which nobody else may read. */
int file_read_private(const char *path, size_t max, struct buf *out, struct err *err);
char *path_absolute(struct slice path); /* yours; relative ones are under the current directory */

#endif
