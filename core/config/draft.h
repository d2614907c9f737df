/* draft.h - the configuration as it was written: sections and entries with their places, merged by precedence, not yet
 * judged by type.
 *
 * Everything that is wrong is reported through `faults`; a draft is always usable, it then only lacks the faulty parts. */
#ifndef SLUICE_CONFIG_DRAFT_H
#define SLUICE_CONFIG_DRAFT_H

#include <stdbool.h>
#include "config/keys.h"
#include "config/settings.h"

/* Errors are counted and logged as they come, the first is kept; after FAULTS_SHOWN only counted. */
#define FAULTS_SHOWN 100
struct faults {
	struct err *err; /* of the first */
	unsigned count;
};
/* "sluice.ini:12: [sync acme : slack : x]: every: ..."; section and key may be NULL. */
void fault_add(struct faults *f, struct origin at, const char *section, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

struct draft_entry {
	const struct key *key; /* NULL: an option or metadata.NAME of a connection */
	char *name;
	char *value;           /* as written; wiped when freed */
	struct origin at;
	unsigned round;        /* of the file: twice in one round is an error, in a later one it wins */
};

/* An entry as a source gives it; all borrowed. */
struct draft_given {
	const struct key *key;
	const char *name, *value;
	struct origin at;
};

struct draft_section {
	enum section_kind kind;
	char *title;                /* "connection acme : slack" */
	char *part[SECTION_PARTS];  /* "acme", "slack" */
	struct origin at;           /* the first header */
	struct draft_entry *entries;
	size_t n_entries;
};

struct draft {
	struct draft_section **sections; /* the first is always [host] */
	size_t n_sections;
	void *by_title;                 /* the same as a search tree: thousands of connections must not cost seconds */
	char **files;                   /* what origins point to; taken over by the settings */
	size_t n_files;
	unsigned round;
	struct faults faults;
};

void draft_init(struct draft *d, struct err *err);
void draft_finish(struct draft *d);

/* The blocks that the sources are made of. */
void draft_set(struct draft *d, struct draft_section *s, const struct draft_given *new);
void draft_unknown(struct draft *d, const struct draft_section *s, const char *name, struct origin at);
const char *draft_keep(struct draft *d, const char *name); /* a copy that lives as long as the settings, for origins */

void draft_file(struct draft *d, const char *path);              /* one INI file */
void draft_path(struct draft *d, const char *conf);              /* a file or a configuration folder */
void draft_search(struct draft *d);                              /* where it lies when nobody says so; may be nowhere */
void draft_environment(struct draft *d);                         /* SLUICE_<KEY> */
void draft_command_line(struct draft *d, const char *const *set); /* "key=value"; NULL: none */
void draft_defaults(struct draft *d);                            /* what has an `initial` and was not given */
/* For a default that the table cannot hold; does nothing when the key was given. */
void draft_host_default(struct draft *d, const char *key, const char *value);

bool draft_name_good(struct slice s); /* may a connection, an integration, ... be called so? */
const struct draft_entry *draft_entry(const struct draft_section *s, const struct key *k); /* NULL: not given */

#endif
