/* keys.h - the one table of everything that can be configured.
 *
 * Whatever knows a key knows it from here: the parser (type, range, where the value goes), the defaults, `sluice config`,
 * the messages, and the commented reference file. A new key is a new row and a member in settings.h, nothing else. */
#ifndef SLUICE_CONFIG_KEYS_H
#define SLUICE_CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"

enum section_kind {
	SECTION_HOST,
	SECTION_KEY,
	SECTION_INTEGRATION,
	SECTION_LIMIT,
	SECTION_CONNECTION,
	SECTION_DATASET,
	SECTION_SYNC,
	SECTION_MERGE,
	SECTION_WEBHOOK,
	SECTION_ALERT,
	SECTION_KINDS
};

#define SECTION_PARTS 3

struct section {
	const char *name;
	unsigned parts;          /* how many names follow: 0 for [host], 3 for [sync A : B : C] */
	const char *form;        /* "[sync CONNECTION : INTEGRATION : SYNC]" */
	const char *sample;      /* "[sync acme : slack : channel-messages]" */
	const char *help;
};

/* What a value may be, and with it what the member in the settings struct is. */
enum key_type {
	KEY_TEXT,     /* char * */
	KEY_PATH,     /* char *, absolute */
	KEY_PLUGIN,   /* char *, a plugin's name */
	KEY_URL,      /* char *, http or https */
	KEY_WORD,     /* char *, one of words */
	KEY_CHOICE,   /* an enum, the index into words */
	KEY_BOOL,     /* bool */
	KEY_DURATION, /* int64_t, ms; range in ms */
	KEY_SECONDS,  /* int64_t, ms, written as plain seconds; range in ms */
	KEY_SIZE,     /* uint64_t, bytes */
	KEY_COUNT,    /* uint64_t */
	KEY_SHARE,    /* double, 0..1 */
	KEY_FACTOR,   /* double, "3x" */
	KEY_RATE,     /* uint64_t at offset and int64_t (ms) at `second` */
	KEY_HOSTS,    /* char **, NULL-terminated list of host or host:port */
	KEY_LIST,     /* char **, NULL-terminated list of texts; "none": an empty one */
	KEY_SECRET,   /* struct secret * */
	KEY_MASTER,   /* the encryption key: host_settings' encryption_key, key_file and encrypt */
	KEY_TYPES
};

struct key {
	enum section_kind section;
	size_t offset;           /* of the member in the section's struct of settings.h */
	enum key_type type;
	const char *name;
	const char *initial;     /* default, as one would write it; NULL: none */
	const char *unset;       /* with initial NULL: what then holds, in words; NULL: it is then just absent */
	const char *sample;      /* for the reference file, when there is no initial */
	const char *const *words; /* NULL-terminated, for WORD and CHOICE */
	uint64_t min, max;       /* both 0: any; unit of the type */
	size_t second;           /* of the second member, for RATE */
	const char *help;
};

extern const struct section sections[SECTION_KINDS];
extern const struct key keys[];
extern const size_t keys_count;

/* NULL: no such key in that section (in a [connection] it is then an option). */
const struct key *key_find(enum section_kind section, const char *name);
void key_range(const struct key *k, struct buf *out); /* "a duration from 10ms to 10m"; what may be written */
/* The valid names nearest to a wrong one; NULL: none is near. */
const char *key_nearest(enum section_kind section, const char *wrong);
const char *section_nearest(const char *wrong);

#endif
