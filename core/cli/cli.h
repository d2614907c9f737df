/* cli.h - one command line: what all subcommands share. One command = one file = one const struct in the table of commands.c. */
#ifndef SLUICE_CLI_CLI_H
#define SLUICE_CLI_CLI_H

#include <stdio.h>
#include "base/log.h"
#include "run/run.h"
#include "run/member.h"

enum cli_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL };

struct cli_flag {
	const char *name;    /* "--sync" */
	const char *value;   /* what stands behind it, for the help; NULL: nothing does */
	const char *help;
};

struct cli;
struct command {
	const char *name;
	const char *usage;   /* after the name: "MODEL [--connection-id C]" */
	const char *summary; /* one line */
	const char *help;    /* more; NULL: none */
	const struct cli_flag *flags; /* ends with a NULL name; NULL: none */
	size_t args_min, args_max;
	bool bare;           /* needs no configuration */
	bool hidden;         /* for programs: no help lists it */
	bool (*alone)(const struct cli *c); /* with these arguments it needs no configuration file; NULL: it always does */
	int (*run)(struct cli *c); /* the exit code */
};
extern const struct command *const commands[]; /* ends with NULL */

struct cli_given { const struct cli_flag *flag; const char *value; };

struct cli {
	const struct command *command;
	enum cli_format format;
	const char *conf;
	char *env_conf;                /* of --env; owned */
	char **set;                    /* NULL-terminated "key=value" */
	size_t n_set;
	const char *log_level, *log_format;
	struct settings *settings;
	bool loading;               /* the settings were being loaded */
	uv_loop_t loop;
	struct cli_given *given;
	size_t n_given;
	const char **args;
	size_t n_args;
	bool array_open, array_used; /* print.c */
};

/* flags.c */
int cli_parse(struct cli *c, int argc, char **argv, struct err *err); /* 0; 1: help was asked for and given; -1 */
const char *cli_value(const struct cli *c, const char *flag);         /* the last one given; NULL */
bool cli_has(const struct cli *c, const char *flag);
int cli_number(const struct cli *c, const char *flag, uint64_t usual, uint64_t *n, struct err *err);
int cli_timeout(const struct cli *c, int64_t *ms, struct err *err);  /* --timeout; 0: not given */
const struct cli_flag *cli_globals(void);                            /* the flags of every command */
struct exit_word { const char *code, *text; };
extern const struct exit_word exit_words[];                          /* ends with a NULL text */
int cli_since(const struct cli *c, const char *flag, int64_t *us, struct err *err); /* "2h" ago, or a time; 0: not given */
void cli_help(const struct command *command);                         /* NULL: of everything */

/* print.c */
int cli_fail(struct cli *c, const struct err *err);                   /* says it on stderr; its exit code */
/* What is good to know and no error, on stderr: text, or {"note":{"message":...}}. */
void cli_note(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void print_row(struct cli *c, struct slice json);                     /* json, jsonl */
void print_end(struct cli *c);                                        /* closes json's array; also an empty one */
void print_object(struct cli *c, struct slice json);                  /* the one object of an answer */
const char *time_short(const char *rfc3339, char out[TIME_TEXT_MAX]); /* "2026-11-23 07:22:19"; NULL: "-" */
/* At most so many characters, the last an ellipsis where something is left out; nothing that would steer a terminal. */
void text_cut(struct buf *out, const char *text, size_t chars);
size_t line_width(int fd);                                            /* characters: of the terminal there, else 160 */
void print_line(const char *text);                                    /* cut to the terminal's width; elsewhere to 160 */

struct table { char **cells; size_t columns, n; };                    /* text that lines up */
void table_cell(struct table *t, const char *text);                   /* copied; columns first set, the first row is the head */
/* The last column left out where all rows say the same in it, or nothing: what they say (yours, "" for nothing), else NULL. */
char *table_fold(struct table *t);
void table_print(struct table *t, FILE *to);                          /* and frees; nothing when there is only the head */

/* mask.c */
/* A record for people: members that the model calls sensitive as "***". model NULL: all but the key are. */
void mask_record(const struct manifest_model *model, struct slice record, struct buf *out);
bool mask_field(const struct manifest_model *model, struct slice key);
/* The model as its connector describes it, for this command line's connection. NULL: no plugin does. Borrowed; of a merge it
 * is made in `merged`, out of all its sources: sensitive is what one of them calls so. mask_end(merged) when it is read. */
const struct manifest_model *mask_model(struct cli *c, struct host *h, const char *model, struct manifest_model *merged);
void mask_end(struct manifest_model *merged);

/* exit.c: which code stands for several results. */
int exit_worst(int a, int b);
int exit_of(const struct run_result *r);
const char *status_of(const struct run_result *r);

/* pick.c: which connections and syncs are meant. */
struct pick { const struct connection_settings *connection; const struct manifest *manifest; const struct manifest_sync *sync; };
struct picks {
	struct pick *list;
	size_t n;
	int exit;     /* of connections that cannot be used, or whose plugin cannot be described; they were told */
	bool manual;  /* yours to set: also syncs that never start by themselves */
	bool looking; /* nothing is to be run: connections that cannot be used are meant too */
};
int connection_broken(struct cli *c, const struct connection_settings *k); /* tells why; the exit code, 0 when it is not */
int pick_syncs(struct cli *c, struct host *h, struct picks *out, struct err *err); /* by --sync, --connection-id, --integration */
void pick_names_put(struct json_out *o, const struct pick *p); /* connection, integration, sync: members of an open object */
void picks_question(const struct picks *picks, size_t from, size_t most, struct buf *out); /* how these stand: query "status" */
const struct connection_settings *pick_connection(struct cli *c, struct err *err); /* exactly one */

/* owner.c: root becomes the owner of the store in dir, for good; all others stay who they are. */
int owner_become(const char *dir, struct err *err);

/* access.c: questions to the store, here or by whoever has it open. */
struct access { struct cli *cli; struct host *host, *before; bool remote, write, noted; }; /* before: manifests of it may be in use */
int access_open(struct access *a, struct cli *c, bool write, struct err *err);
void access_close(struct access *a);
int access_ask(struct access *a, struct slice question, void (*row)(void *arg, struct slice json), void *arg, struct buf *end,
               struct err *err);
/* test_connection.c: the connector's check of one connection, told; the exit code. */
int connection_test(struct access *a, const struct connection_settings *k);
int parent_sync(const char *path); /* backup.c: the name of an absolute path becomes durable */
void row_none(void *arg, struct slice json); /* for questions whose answer is its end */
/* job.c: what the store does on a thread of its own; waits for its end. */
struct job_ask {
	const char *query, *dir;              /* dir NULL: it needs none */
	void (*row)(void *arg, struct slice json);
	void *arg;
};
int job_wait(struct access *a, const struct job_ask *ask, struct buf *end, struct err *err);
void person_name(char out[64]); /* who is asking, for what is kept of a decision */
/* Waits a moment for others' short reads to end. beside: what takes long goes on with the loop. */
struct host *host_patient(struct cli *c, bool read_only, bool beside, struct err *err);
int busy_remedy(struct err *err, const char *remedy); /* what to do, when the error is that somebody else has it; -1 */

/* guest.c: for who only reads, and longer. guest: another process has the store, and this one reads beside it. */
struct host *host_visit(struct cli *c, bool *guest, struct err *err);

#endif
