/* settings.h - what the INI files say, as typed settings, each value with the place it came from.
 *
 * Precedence: command line > environment (SLUICE_<KEY>, [host] only) > files (later files win key by key) > default.
 * One table (keys.c) describes every key: section, name, type, default, range, help; reader, `sluice config`, the commented
 * default configuration and the errors' "did you mean" all derive from it. A settings object is immutable after
 * settings_load; a reload makes a new one. */
#ifndef SLUICE_CONFIG_SETTINGS_H
#define SLUICE_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/secret.h"

/* Where a value stands: file and line, or "command line", "SLUICE_DATA_DIR" (environment), "default" with line 0. */
struct origin {
	const char *file;
	unsigned line;
};

enum sandbox_mode { SANDBOX_FULL, SANDBOX_SECCOMP_ONLY };

struct host_settings {
	char *data_dir;             /* absolute; mode 0700 */
	char *plugin_dir;           /* absolute */
	char *worker;               /* path of the sluice-worker executable; default: beside sluice, else ../libexec/sluice/ */
	struct secret *encryption_key; /* NULL: made on first start in key_file */
	char *key_file;             /* from `file:PATH`; NULL when the key came another way */
	bool encrypt;               /* encryption_key = none switches it off */
	bool hash_ids;
	enum sandbox_mode sandbox;
	uint64_t max_answer;        /* bytes, decoded, of one HTTP answer; 32 MiB */
	uint64_t max_record;        /* bytes; 1 MiB */
	uint64_t max_batch;         /* bytes; 8 MiB */
	uint64_t worker_memory;     /* bytes of address space; 512 MiB */
	int64_t worker_start_ms;    /* time for a worker to come up; 10 s */
	int64_t call_ms;            /* a plugin may compute this long between two calls of the host; 60 s */
	int64_t stop_grace_ms;      /* between asking a worker to stop and killing it; 5 s */
	int64_t commit_delay_ms;    /* group commit; 50 ms */
	uint64_t commit_bytes;      /* group commit; 4 MiB */
	uint64_t min_free;          /* bytes; below it no run starts; 256 MiB */
	int64_t connect_ms;         /* 10 s */
	int64_t request_ms;         /* one HTTP exchange, all of it; 2 minutes */
	uint64_t retries;           /* per request; 5 */
	int64_t retry_base_ms;      /* first backoff; 500 ms */
	int64_t retry_max_ms;       /* longest single wait, also one that a provider asks for; 5 min; longer ends the run at its checkpoint */
	char *ca_file;              /* NULL: the system's */
	uint64_t max_runs;          /* runs side by side in one `sluice run`; 4 */
	char *log_level;            /* debug info warn error */
	char *log_format;           /* auto text json */
};

enum key_scope { SCOPE_READ, SCOPE_TRIGGER, SCOPE_WRITE, SCOPE_ADMIN };

struct key_settings {           /* [key NAME] */
	char *name;
	struct secret *value;
	enum key_scope scope;
	char *broken;               /* as of a connection */
	struct origin at;
};

struct integration_settings {   /* [integration NAME] */
	char *name;
	char *plugin;               /* NAME.so in plugin_dir; default: the integration's name */
	char *base_url;             /* NULL: the connector's; set: the operator vouches for its host, private addresses too */
	char **allow_hosts;         /* "host" or "host:port", NULL-terminated: reachable besides, private addresses too */
	uint64_t rate_n;            /* rate_limit = 50/min: 50 */
	int64_t rate_ms;            /* 60000; 0: the connector's own */
	struct origin at, base_url_at;
};

struct pair {                   /* one name = value as it stands */
	char *name;
	char *value;                /* env: and file: already resolved */
	bool resolved;              /* it came by env: or file:, so it is not shown */
	struct origin at;
};

struct connection_settings {    /* [connection NAME : INTEGRATION] */
	char *name;
	const struct integration_settings *integration; /* an integration nobody declared is made from a plugin of that name */
	struct secret *token, *api_key, *username, *password, *client_id, *client_secret, *refresh_token; /* NULL: not given */
	char *base_url;             /* NULL: the integration's */
	bool active;                /* default yes */
	struct pair *options;       /* n_options; what the connector declares; checked against it by plugin/ */
	size_t n_options;
	struct pair *metadata;      /* metadata.NAME = JSON value or bare text (then a string); first value */
	size_t n_metadata;          /* values are JSON text once loaded */
	char *broken;               /* NULL: usable; else which env: or file: cannot be had, a line each: file, line, key, remedy */
	struct origin at, base_url_at;
};

struct sync_settings {          /* [sync CONNECTION : INTEGRATION : SYNC]; zero or negative: as the connector declares */
	const struct connection_settings *connection;
	char *sync;
	int64_t every_ms;           /* every = ..., or seconds = N */
	uint64_t step_calls;        /* API calls a step; 10 */
	int64_t run_ms;             /* run_limit; 24 h */
	uint64_t page_size;         /* overrides the connector's limit parameter */
	int64_t lookback_ms;        /* last_success is handed out this much earlier */
	double max_delete_share;    /* 0..1; negative: 0.2 */
	double max_rejected;        /* 0..1; negative: 0.01 (and at least 10 records) */
	uint64_t max_requests;      /* of one run, retries included; 1 000 000 */
	uint64_t max_bytes;         /* of answers on the wire, of one run; 100 GiB */
	uint64_t max_stale_pages;   /* pages in a row without a new id before the run ends; 20 */
	struct origin at;
};

struct settings {
	struct host_settings host;
	struct key_settings *keys;                 size_t n_keys;
	struct integration_settings **integrations; size_t n_integrations;
	struct connection_settings **connections;  size_t n_connections;
	struct sync_settings **syncs;              size_t n_syncs;
	struct setting_shown *shown;               size_t n_shown; /* for `sluice config` */
};

/* One row of `sluice config`: every key that has a value, given or default, and where it came from; what is not given
 * and is then the connector's or nobody's, is left out. */
struct setting_shown {
	char *section;              /* "host", "connection acme : slack" */
	const char *key;
	char *value;                /* "***" for secrets and what came by env: or file: */
	struct origin at;
	const char *help;
	bool literal;               /* a secret that stands where it was found, and not behind env: or file: */
};

struct settings_source {
	const char *conf;           /* a file or a directory (sluice.ini and conf.d/ *.ini in it, sorted); NULL: $SLUICE_CONF, ./sluice.ini, ./conf, ../etc/sluice from the executable, PREFIX/etc/sluice, in this order */
	bool no_search;             /* with conf NULL: no file at all */
	const char *const *set;     /* NULL-terminated "key=value" of [host] from the command line; NULL: none */
};

/* Loads and validates everything that can be judged without a plugin or the network. Relative paths are relative to the
 * current directory. All errors are found, not only the first: each is logged with log_error ("file:line: section: key: ..."),
 * and err holds the first. NULL on error (class ERR_USAGE). Reads files, touches nothing else. */
struct settings *settings_load(const struct settings_source *from, struct err *err);
void settings_free(struct settings *s); /* wipes secrets; NULL is fine */

const struct connection_settings *settings_connection(const struct settings *s, const char *name, const char *integration); /* integration NULL: if only one matches */
const struct sync_settings *settings_sync(const struct settings *s, const struct connection_settings *c, const char *sync); /* NULL: no section */
void settings_exposed(const struct settings *s); /* a warning for each file that holds a secret and that others may read */
void settings_document(struct buf *out); /* the commented reference of all keys: conf/reference.ini */
const char *nearest(const char *wrong, const char *const *names); /* NULL-terminated; NULL: nothing near (edit distance > 1/2 of the length) */

#endif
