/* settings.h - what the INI files say, as typed settings, each value with the place it came from.
 *
 * Precedence: command line > environment (SLUICE_<KEY>, [host] only) > files (later files win key by key) > default.
 * One table (keys.c) describes every key: section, name, type, default, range, help; reader, `sluice config`, the commented
 * default configuration and the errors' "did you mean" all derive from it. A settings object is immutable after
 * settings_load; a reload makes a new one, and whoever still works by the old one holds it. */
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
#define ORIGIN_MAX 512
const char *origin_text(struct origin at, char text[ORIGIN_MAX]); /* "sluice.ini:12", "the store"; for messages */

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
	uint64_t max_runs;          /* runs side by side; 4 */
	int64_t first_spread_ms;    /* first runs are spread over this time; 1 min */
	int64_t fail_pause_ms;      /* before a failed run is tried again; doubles with each failure in a row; 1 min */
	int64_t fail_pause_max_ms;  /* up to this; 6 h */
	int64_t stop_timeout_ms;    /* `serve` ends within this after SIGTERM; 30 s */
	char *timezone;             /* of cron expressions; "UTC" */
	char *log_file;             /* NULL: stderr */
	int64_t keep_runs_ms;       /* history of runs and steps; 90 days */
	int64_t keep_logs_ms;       /* log lines; 30 days */
	uint64_t max_log_bytes;     /* log lines, all together; 256 MiB */
	int64_t keep_deleted_ms;    /* tombstones; 0: for ever */
	int64_t keep_letters_ms;    /* settled dead letters; 90 days */
	char **listen;              /* "127.0.0.1:3003", "[::1]:0", "unix:/path"; NULL-terminated; empty: no HTTP */
	char **http_origins;        /* "https://app.example"; NULL-terminated; NULL: none */
	uint64_t http_connections;  /* 2000 */
	uint64_t http_waiting;      /* long-polls and event streams at once; 1500 */
	uint64_t http_max_body;     /* of a request; 32 MiB */
	int64_t http_idle_ms;       /* a client that neither sends nor takes; 30 s */
	int64_t http_request_ms;    /* for a request to come in whole; 60 s */
	int64_t keep_events_ms;     /* incoming events that were handled, for duplicates and for people; 7 days */
	char *log_level;            /* debug info warn error */
	char *log_format;           /* auto text json */
};

enum key_scope { SCOPE_READ, SCOPE_TRIGGER, SCOPE_WRITE, SCOPE_ADMIN }; /* trigger: /api/connectors alone, for a cron job elsewhere */

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
	unsigned rate_share;        /* enum limit_share: who shares it */
	uint64_t quota_n;           /* quota = 15000/day: requests, per connection's credential */
	int64_t quota_ms;           /* 0: none */
	uint64_t max_runs;          /* of all its connections side by side; 0: no limit of its own */
	struct secret *client_id, *client_secret; /* OAuth 2: of the app; a connection's own go before */
	struct secret *webhook_secret, *webhook_secret_before; /* of the app's events; a connection's own go before */
	char *authorize_url, *token_url; /* OAuth 2; NULL: the connector's */
	char *oauth_scopes;         /* blank-separated; NULL: the connector's */
	unsigned grant;             /* enum oauth_grant */
	struct origin at, base_url_at;
};

enum oauth_grant { GRANT_AUTO, GRANT_REFRESH_TOKEN, GRANT_CLIENT_CREDENTIALS, GRANT_JWT_BEARER };

struct limit_settings {         /* [limit INTEGRATION : NAME]: an endpoint group with a rate of its own */
	const struct integration_settings *integration;
	char *name;
	char *match;                /* "GET /v1/search*": method (optional) and path pattern, * at its end or between slashes */
	uint64_t rate_n;
	int64_t rate_ms;
	unsigned share;             /* enum limit_share */
	struct origin at;
};
enum limit_share { SHARE_CONNECTION, SHARE_INTEGRATION };

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
	struct secret *webhook_secret, *webhook_secret_before; /* that incoming events are signed with; before: while it is rotated */
	bool webhook_unsigned;      /* the operator's word: events that nobody signed are taken */
	struct secret *private_key; /* PEM, for JWT bearer; NULL: not given */
	char *oauth_issuer, *oauth_subject, *oauth_audience; /* claims of the JWT; NULL: see conf/GUIDE.md */
	char *base_url;             /* NULL: the integration's */
	bool active;                /* default yes */
	uint64_t max_runs;          /* of its syncs side by side; 1: one after the other, by priority */
	bool stored;                /* it was made by a command and lives in the store, not in INI */
	bool sealed;                /* stored, and its credentials are known to the host that has the store, not to us */
	bool switched;              /* `active` is the word of that host: people may have switched it by a command */
	struct pair *options;       /* n_options; what the connector declares; checked against it by plugin/ */
	size_t n_options;
	struct pair *metadata;      /* metadata.NAME = JSON value or bare text (then a string); first value */
	size_t n_metadata;          /* values are JSON text once loaded */
	char **variants;            /* n_variants; "leads::eu", as the store has them: config/variant.h */
	size_t n_variants;
	unsigned variants_turn;     /* another one whenever they change */
	char *broken;               /* NULL: usable; else which env: or file: cannot be had, a line each: file, line, key, remedy */
	struct origin at, base_url_at;
};

struct sync_settings {          /* [sync CONNECTION : INTEGRATION : SYNC]; zero or negative: as the connector declares */
	const struct connection_settings *connection;
	char *sync;
	int64_t every_ms;           /* every = ..., or seconds = N */
	char *cron;                 /* instead of every: five fields; NULL: none */
	char *timezone;             /* of cron; NULL: [host]'s */
	bool auto_sync;             /* no: never started by the schedule; default yes */
	bool auto_start;            /* no: waits for the first `sluice start`; default yes */
	uint64_t priority;          /* among its connection's syncs; higher first; PRIORITY_UNSET: the connector's */
	char *after;                /* "CONNECTION : INTEGRATION : SYNC"; NULL: none */
	char *after_parts[3];       /* the same taken apart; NULLs: none */
	unsigned needs;             /* enum after_needs */
	uint64_t run_retries;       /* of a failed run before its next due time; 3 */
	unsigned visibility;        /* enum visibility; of full syncs */
	uint64_t step_calls;        /* API calls a step; 10 */
	int64_t step_ms;            /* aimed at instead of step_calls, which then adapt; 0: none */
	int64_t step_limit_ms;      /* a step that takes longer is ended, and tried again by a new worker; 30 min */
	uint64_t step_retries;      /* of one step; 3 */
	bool step_worker;           /* a new worker for each step; default no */
	int64_t run_buffer_ms;      /* no step is begun so long before run_limit; 0: an eighth of run_limit, at most 30 min */
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

struct dataset_settings {       /* [dataset CONNECTION : INTEGRATION : NAME]: one that the operator names, of a connector without code of its own */
	const struct connection_settings *connection;
	char *name;
	char *kind;                 /* "full", "incremental"; NULL: the connector's pattern */
	int64_t every_ms;           /* 0: the pattern's */
	char *id;                   /* the record's key; NULL: "id" */
	char *fields;               /* "name:string, age:integer"; NULL: anything */
	char *description;
	char *track_deletes;        /* "yes", "no"; NULL: yes where it is full */
	struct pair *options;       /* n_options; what the connector declares for datasets */
	size_t n_options;
	struct origin at;
};

#define PRIORITY_UNSET UINT64_MAX
enum after_needs { NEEDS_SUCCESS, NEEDS_ANY };
enum visibility { VISIBLE_AT_ONCE, VISIBLE_COMPLETE };

struct merge_settings {         /* [merge NAME]: one dataset out of several */
	char *name;                 /* the merged model */
	char *sources;              /* "connection:integration:Model, ...", in order of priority */
	char *key;                  /* the common identifier: a dotted path */
	char *fields;               /* "a, b, c"; NULL: all */
	struct origin at;
};

enum webhook_event {            /* bits of webhook_settings.events */
	WEBHOOK_CREATED = 1, WEBHOOK_UPDATED = 2, WEBHOOK_DELETED = 4, WEBHOOK_SYNC_SUCCESS = 8, WEBHOOK_SYNC_ERROR = 16,
	WEBHOOK_SYNC = 32 /* the contract's body */, WEBHOOK_AUTH = 64, WEBHOOK_ACTION = 128, WEBHOOK_ALERT = 256,
};
enum webhook_payload { PAYLOAD_FULL, PAYLOAD_POINTER };

struct webhook_settings {       /* [webhook NAME]: an endpoint of an application, told of changes */
	char *name;
	char *url;
	struct secret *secret;      /* of Standard Webhooks; text, or "whsec_" and base64 */
	struct secret *secret_before; /* a second signature while it is rotated; NULL: none */
	struct secret *nango_secret; /* of the other pair of headers; NULL: the first key of scope write */
	char *event_list;           /* "sync.success, records.created" */
	unsigned events;            /* the same as bits of enum webhook_event */
	char **of;                  /* "acme:slack:Message", "*:stripe"; NULL-terminated; NULL: everything */
	unsigned payload;           /* enum webhook_payload */
	uint64_t batch;             /* records in one event; 100 */
	uint64_t max_pending;       /* events that wait; what comes then is left out, and a gap event says so; 100 000 */
	int64_t timeout_ms;         /* of one delivery; 15 s */
	int64_t give_up_ms;         /* then an event is parked; 3 days */
	bool active;                /* no: events are kept waiting; default yes */
	char *broken;               /* as of a connection */
	struct origin at;
};

struct alert_settings {         /* [alert]; zero: that alert is off */
	uint64_t consecutive_failures; /* 3 */
	double longer_than;         /* times the usual duration; 3 */
	double error_rate;          /* 0..1, of the last 20 runs; 0.2 */
	double stale_after;         /* times the interval without success; 3 */
	bool held_deletes;          /* yes */
};

struct settings {
	struct host_settings host;
	struct alert_settings alert;
	struct limit_settings **limits;            size_t n_limits;
	struct merge_settings **merges;            size_t n_merges;
	struct webhook_settings **webhooks;        size_t n_webhooks;
	struct key_settings *keys;                 size_t n_keys;
	struct integration_settings **integrations; size_t n_integrations;
	struct connection_settings **connections;  size_t n_connections;
	struct connection_settings **retired;      size_t n_retired; /* stored ones that were removed; runs may hold them */
	struct dataset_settings **datasets;        size_t n_datasets; /* those of one connection in the order of the files */
	struct sync_settings **syncs;              size_t n_syncs;
	struct setting_shown *shown;               size_t n_shown; /* for `sluice config` */
	unsigned holders;           /* besides the first: settings_hold */
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
struct settings *settings_hold(const struct settings *s); /* one settings_free more */
void settings_free(struct settings *s); /* the last holder's wipes secrets; NULL is fine */

const struct connection_settings *settings_connection(const struct settings *s, const char *name, const char *integration); /* integration NULL: if only one matches */
const struct sync_settings *settings_sync(const struct settings *s, const struct connection_settings *c, const char *sync); /* NULL: no section; of a variant: its sync's */
const struct dataset_settings *settings_dataset(const struct settings *s, const struct connection_settings *c, const char *name); /* NULL: none; likewise */
/* The same with what holds where nothing is given. Borrowed from s. */
void settings_sync_fill(const struct settings *s, const struct connection_settings *c, const char *sync, struct sync_settings *out);
void settings_exposed(const struct settings *s); /* a warning for each file that holds a secret and that others may read */
void settings_document(struct buf *out); /* the commented reference of all keys: conf/reference.ini */
const char *nearest(const char *wrong, const char *const *names); /* NULL-terminated; NULL: nothing near (edit distance > 1/2 of the length) */

#endif
