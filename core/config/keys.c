/* keys.c - the table itself; reference.c writes the page for people from it.
 *
 * A row says everything about its key. Defaults stand here as text and go through the same parser as what an operator
 * writes, so a default out of its own range is found by the first test that loads an empty file.
 *
 * Awkward: a few defaults depend on other values or on where the executable lies (data_dir.key, the folder of the
 * plugins). Their rows have no `initial` but say in words what holds (`unset`); settings.c makes it. */
#include "config/keys.h"

#include <string.h>
#include "base/mem.h"
#include "config/settings.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define SECOND UINT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

const struct section sections[SECTION_KINDS] = {
	[SECTION_HOST] = {"host", 0, "[host]", "[host]",
		"The host itself. Each key can also be given as environment variable SLUICE_<KEY>."},
	[SECTION_KEY] = {"key", 1, "[key NAME]", "[key app]",
		"An API key for applications."},
	[SECTION_INTEGRATION] = {"integration", 1, "[integration NAME]", "[integration slack]",
		"A plugin made available under a name. Needed only where something differs from what the plugin declares."},
	[SECTION_LIMIT] = {"limit", 2, "[limit INTEGRATION : NAME]", "[limit slack : search]",
		"A rate limit of its own for some of an integration's endpoints."},
	[SECTION_CONNECTION] = {"connection", 2, "[connection NAME : INTEGRATION]", "[connection acme : slack]",
		"One customer's account. Every further name is an option that the connector declares (name = value),\n"
		"or metadata.NAME = a JSON value or plain text: the first value of that metadata."},
	[SECTION_DATASET] = {"dataset", 3, "[dataset CONNECTION : INTEGRATION : NAME]", "[dataset acme : slack : users]",
		"A dataset that you name, of a connector that any source can be shaped with (rest, graphql, feed, csv). It is a model and\n"
		"a sync of this name. Every further name is an option that the connector declares for datasets."},
	[SECTION_SYNC] = {"sync", 3, "[sync CONNECTION : INTEGRATION : SYNC]", "[sync acme : slack : channel-messages]",
		"Overrides what the connector declares for one sync of one connection."},
	[SECTION_MERGE] = {"merge", 1, "[merge NAME]", "[merge people]",
		"One dataset out of several, by a common identifier; its connection and integration are both called merge."},
	[SECTION_WEBHOOK] = {"webhook", 1, "[webhook NAME]", "[webhook crm]",
		"An endpoint of an application that is told of changes by HTTP POST, signed, in order, at least once."},
	[SECTION_ALERT] = {"alert", 0, "[alert]", "[alert]",
		"When to speak up: once when it begins, once when it is over."},
};

static const char *const words_sandbox[] = {"full", "seccomp-only", NULL};
static const char *const words_scope[] = {"read", "trigger", "write", "admin", NULL};
static const char *const words_grant[] = {"auto", "refresh_token", "client_credentials", "jwt_bearer", NULL};
static const char *const words_share[] = {"connection", "integration", NULL};
static const char *const words_needs[] = {"success", "any", NULL};
static const char *const words_visibility[] = {"at-once", "complete", NULL};
static const char *const words_kind[] = {"full", "incremental", NULL};
static const char *const words_yes_no[] = {"yes", "no", NULL};
static const char *const words_payload[] = {"full", "pointer", NULL};
static const char *const words_level[] = {"debug", "info", "warn", "error", NULL};
static const char *const words_format[] = {"auto", "text", "json", NULL};

#define HOST(member) .section = SECTION_HOST, .offset = offsetof(struct host_settings, member)
#define APIKEY(member) .section = SECTION_KEY, .offset = offsetof(struct key_settings, member)
#define INTEGRATION(member) .section = SECTION_INTEGRATION, .offset = offsetof(struct integration_settings, member)
#define CONNECTION(member) .section = SECTION_CONNECTION, .offset = offsetof(struct connection_settings, member)
#define LIMIT(member) .section = SECTION_LIMIT, .offset = offsetof(struct limit_settings, member)
#define MERGE(member) .section = SECTION_MERGE, .offset = offsetof(struct merge_settings, member)
#define DATASET(member) .section = SECTION_DATASET, .offset = offsetof(struct dataset_settings, member)
#define WEBHOOK(member) .section = SECTION_WEBHOOK, .offset = offsetof(struct webhook_settings, member)
#define ALERT(member) .section = SECTION_ALERT, .offset = offsetof(struct alert_settings, member)
#define SYNC(member) .section = SECTION_SYNC, .offset = offsetof(struct sync_settings, member)

const struct key keys[] = {
	{HOST(data_dir), KEY_PATH, "data_dir", "var/sluice",
		.help = "the store: one directory, made with mode 0700"},
	{HOST(plugin_dir), KEY_PATH, "plugin_dir", .sample = "/usr/local/lib/sluice/plugins",
		.unset = "plugins/ beside the executable, else ../lib/sluice/plugins from there, else PREFIX/lib/sluice/plugins",
		.help = "drop connectors (.so files) in here"},
	{HOST(worker), KEY_PATH, "worker", .sample = "/usr/local/libexec/sluice/sluice-worker",
		.unset = "sluice-worker beside the executable, else ../libexec/sluice/sluice-worker from there, else PREFIX/...",
		.help = "the executable that runs connectors"},
	{HOST(encryption_key), KEY_MASTER, "encryption_key", .sample = "file:var/sluice.key",
		.unset = "file:<data_dir>.key",
		.help = "seals what is stored; a file that is not there is made on first start, with mode 0600"},
	{HOST(hash_ids), KEY_BOOL, "hash_ids", "no",
		.help = "keep record ids hashed in the store's keys, not in clear; only for a new store"},
	{HOST(sandbox), KEY_CHOICE, "sandbox", "full", .words = words_sandbox,
		.help = "seccomp-only: run also on a kernel without Landlock"},
	{HOST(max_answer), KEY_SIZE, "max_answer", "32MiB", .min = 64 * KIB, .max = GIB,
		.help = "largest answer of a provider, decoded"},
	{HOST(max_record), KEY_SIZE, "max_record", "1MiB", .min = KIB, .max = 8 * MIB,
		.help = "largest record; a larger one becomes a dead letter"},
	{HOST(max_batch), KEY_SIZE, "max_batch", "8MiB", .min = 64 * KIB, .max = 64 * MIB,
		.help = "largest batch that a worker sends at once; it splits larger ones"},
	{HOST(worker_memory), KEY_SIZE, "worker_memory", "512MiB", .min = 64 * MIB, .max = 64 * GIB,
		.help = "address space of a worker"},
	{HOST(worker_start_ms), KEY_DURATION, "worker_start", "10s", .min = 100, .max = 10 * MINUTE,
		.help = "how long a worker may take to come up"},
	{HOST(call_ms), KEY_DURATION, "call_limit", "60s", .min = 100, .max = DAY,
		.help = "how long a connector may compute between two calls of the host"},
	{HOST(stop_grace_ms), KEY_DURATION, "stop_grace", "5s", .min = 10, .max = 10 * MINUTE,
		.help = "between asking a worker to stop and killing it"},
	{HOST(commit_delay_ms), KEY_DURATION, "commit_delay", "50ms", .min = 0, .max = 10 * SECOND,
		.help = "how long a commit waits for more to join it"},
	{HOST(commit_bytes), KEY_SIZE, "commit_bytes", "4MiB", .min = 4 * KIB, .max = 256 * MIB,
		.help = "a commit of this size waits no longer"},
	{HOST(min_free), KEY_SIZE, "min_free", "256MiB", .min = 0, .max = 1024 * GIB,
		.help = "with less free space on the disk no run starts"},
	{HOST(connect_ms), KEY_DURATION, "connect_timeout", "10s", .min = 10, .max = 10 * MINUTE,
		.help = "for connecting to a provider"},
	{HOST(request_ms), KEY_DURATION, "request_timeout", "2m", .min = 10, .max = DAY,
		.help = "for one request to a provider, from connecting to the last byte"},
	{HOST(retries), KEY_COUNT, "retries", "5", .min = 0, .max = 100,
		.help = "how often one request is tried again"},
	{HOST(retry_base_ms), KEY_DURATION, "retry_base", "500ms", .min = 1, .max = 10 * MINUTE,
		.help = "first wait before trying again; it doubles from there"},
	{HOST(retry_max_ms), KEY_DURATION, "retry_max", "5m", .min = 1, .max = DAY,
		.help = "longest single wait; when a provider asks for more, the run ends at its checkpoint"},
	{HOST(ca_file), KEY_PATH, "ca_file", .sample = "/etc/ssl/certs/ca-certificates.crt",
		.unset = "the system's",
		.help = "certificates of the authorities to trust"},
	{HOST(max_runs), KEY_COUNT, "max_runs", "4", .min = 1, .max = 256,
		.help = "runs side by side"},
	{HOST(first_spread_ms), KEY_DURATION, "first_spread", "1m", .min = 0, .max = DAY,
		.help = "the first runs of syncs that never ran are spread over this time"},
	{HOST(fail_pause_ms), KEY_DURATION, "fail_pause", "1m", .min = 100, .max = DAY,
		.help = "before a run that failed is tried again; twice as long after each further failure"},
	{HOST(fail_pause_max_ms), KEY_DURATION, "fail_pause_max", "6h", .min = 100, .max = 30 * DAY,
		.help = "the longest such pause"},
	{HOST(stop_timeout_ms), KEY_DURATION, "stop_timeout", "30s", .min = 100, .max = HOUR,
		.help = "`sluice serve` has ended so long after SIGTERM at the latest; runs finish their step meanwhile"},
	{HOST(timezone), KEY_TEXT, "timezone", "UTC",
		.help = "of cron expressions, by its name: Europe/Berlin"},
	{HOST(log_file), KEY_PATH, "log_file", .sample = "/var/log/sluice.log", .unset = "stderr",
		.help = "where `sluice serve` logs to; opened anew on SIGUSR1 and at each reload"},
	{HOST(keep_runs_ms), KEY_DURATION, "keep_runs", "90 days", .min = HOUR, .max = 36600 * DAY,
		.help = "how long the history keeps runs and their steps"},
	{HOST(keep_logs_ms), KEY_DURATION, "keep_logs", "30 days", .min = HOUR, .max = 36600 * DAY,
		.help = "how long the log lines of runs are kept"},
	{HOST(max_log_bytes), KEY_SIZE, "max_log_bytes", "256MiB", .min = MIB, .max = 1024 * GIB,
		.help = "how much room they may take; the oldest go first"},
	{HOST(keep_deleted_ms), KEY_DURATION, "keep_deleted", .sample = "180 days", .min = HOUR, .max = 36600 * DAY,
		.unset = "for ever",
		.help = "how long deleted records are kept; a reader that comes later than that starts anew"},
	{HOST(keep_letters_ms), KEY_DURATION, "keep_letters", "90 days", .min = HOUR, .max = 36600 * DAY,
		.help = "how long dead letters are kept that somebody has settled, and events for applications that were given up"},
	{HOST(listen), KEY_LIST, "listen", "127.0.0.1:3003",
		.help = "where `sluice serve` answers HTTP: ADDRESS:PORT or unix:PATH, several with commas; none: nowhere"},
	{HOST(http_origins), KEY_LIST, "http_origins", .sample = "https://app.example.com", .unset = "none",
		.help = "sites whose pages may read the answers (CORS)"},
	{HOST(http_connections), KEY_COUNT, "http_connections", "2000", .min = 8, .max = 100000,
		.help = "open connections to it at once"},
	{HOST(http_waiting), KEY_COUNT, "http_waiting", "1500", .min = 1, .max = 100000,
		.help = "of these, long-polls and event streams"},
	{HOST(http_max_body), KEY_SIZE, "http_max_body", "32MiB", .min = 64 * KIB, .max = GIB,
		.help = "largest request"},
	{HOST(http_idle_ms), KEY_DURATION, "http_idle", "30s", .min = SECOND, .max = HOUR,
		.help = "a client that neither sends nor takes anything for so long is dropped"},
	{HOST(http_request_ms), KEY_DURATION, "http_request_time", "60s", .min = SECOND, .max = HOUR,
		.help = "a request that has not come in whole by then is dropped"},
	{HOST(keep_events_ms), KEY_DURATION, "keep_events", "7 days", .min = HOUR, .max = 3660 * DAY,
		.help = "how long incoming webhook events are kept that were handled: the same one again is told by them"},
	{HOST(log_level), KEY_WORD, "log_level", "info", .words = words_level,
		.help = "the least that is logged"},
	{HOST(log_format), KEY_WORD, "log_format", "auto", .words = words_format,
		.help = "auto: text on a terminal, JSON lines otherwise"},

	{APIKEY(value), KEY_SECRET, "value", .sample = "env:SLUICE_SECRET_KEY",
		.help = "the key itself"},
	{APIKEY(scope), KEY_CHOICE, "scope", "read", .words = words_scope,
		.help = "what it permits; trigger: /api/connectors alone, for a cron job elsewhere; write: read and trigger too; admin: all"},

	{INTEGRATION(plugin), KEY_PLUGIN, "plugin", .sample = "slack",
		.unset = "the integration's name",
		.help = "NAME.so in plugin_dir, written without .so"},
	{INTEGRATION(base_url), KEY_URL, "base_url", .sample = "http://127.0.0.1:8080",
		.unset = "what the connector declares",
		.help = "another server than the provider's: a test server, a proxy. Its address may be a private one"},
	{INTEGRATION(allow_hosts), KEY_HOSTS, "allow_hosts", .sample = "files.example.com, 10.0.0.7:8443",
		.help = "further hosts that the connector may reach. Their addresses may be private ones"},
	{INTEGRATION(rate_n), KEY_RATE, "rate_limit", .second = offsetof(struct integration_settings, rate_ms),
		.sample = "50/min", .unset = "what the connector declares",
		.help = "requests per time"},
	{INTEGRATION(rate_share), KEY_CHOICE, "rate_share", "connection", .words = words_share,
		.help = "who shares that limit: the runs of one connection, or all connections of the integration"},
	{INTEGRATION(quota_n), KEY_RATE, "quota", .second = offsetof(struct integration_settings, quota_ms),
		.sample = "15000/day", .unset = "none",
		.help = "requests per day (or another long time) that the provider allows each connection"},
	{INTEGRATION(max_runs), KEY_COUNT, "max_runs", .sample = "2", .min = 1, .max = 256,
		.unset = "as many as [host] allows",
		.help = "runs side by side of all its connections"},
	{INTEGRATION(client_id), KEY_SECRET, "client_id", .sample = "env:SLACK_CLIENT_ID",
		.help = "OAuth 2: the app at the provider; a connection's own goes before it"},
	{INTEGRATION(client_secret), KEY_SECRET, "client_secret", .sample = "env:SLACK_CLIENT_SECRET",
		.help = "OAuth 2: the app's secret"},
	{INTEGRATION(webhook_secret), KEY_SECRET, "webhook_secret", .sample = "env:SLACK_SIGNING_SECRET",
		.help = "what the provider signs events with, where that belongs to the app; a connection's own goes before it"},
	{INTEGRATION(webhook_secret_before), KEY_SECRET, "webhook_secret_before", .sample = "env:SLACK_SIGNING_SECRET_OLD",
		.help = "the one before, while it is rotated: both are good"},
	{INTEGRATION(authorize_url), KEY_URL, "authorize_url", .sample = "https://login.example.com/oauth2/authorize",
		.unset = "what the connector declares",
		.help = "OAuth 2: where a person permits access"},
	{INTEGRATION(token_url), KEY_URL, "token_url", .sample = "https://login.example.com/oauth2/token",
		.unset = "what the connector declares",
		.help = "OAuth 2: where tokens are had"},
	{INTEGRATION(oauth_scopes), KEY_TEXT, "oauth_scopes", .sample = "read offline_access",
		.unset = "what the connector declares",
		.help = "OAuth 2: the permissions asked for"},
	{INTEGRATION(grant), KEY_CHOICE, "grant", "auto", .words = words_grant,
		.help = "OAuth 2: how tokens are had; auto: by what the connection has"},

	{LIMIT(match), KEY_TEXT, "match", .sample = "GET /v1/search*",
		.help = "which requests: a path below base_url, * for anything; a method before it where only that one counts"},
	{LIMIT(rate_n), KEY_RATE, "rate", .second = offsetof(struct limit_settings, rate_ms), .sample = "20/min",
		.help = "so many of them per time, besides the integration's own limit"},
	{LIMIT(share), KEY_CHOICE, "share", "connection", .words = words_share,
		.help = "who shares it: the runs of one connection, or all connections of the integration"},

	{CONNECTION(token), KEY_SECRET, "token", .sample = "env:ACME_SLACK_TOKEN",
		.help = "credential: bearer token"},
	{CONNECTION(api_key), KEY_SECRET, "api_key", .sample = "env:ACME_API_KEY",
		.help = "credential: API key"},
	{CONNECTION(username), KEY_SECRET, "username", .sample = "env:ACME_USERNAME",
		.help = "credential: user name"},
	{CONNECTION(password), KEY_SECRET, "password", .sample = "file:acme.password",
		.help = "credential: password"},
	{CONNECTION(client_id), KEY_SECRET, "client_id", .sample = "env:ACME_CLIENT_ID",
		.help = "credential: OAuth client"},
	{CONNECTION(client_secret), KEY_SECRET, "client_secret", .sample = "env:ACME_CLIENT_SECRET",
		.help = "credential: OAuth client's secret"},
	{CONNECTION(refresh_token), KEY_SECRET, "refresh_token", .sample = "env:ACME_REFRESH_TOKEN",
		.help = "credential: OAuth refresh token"},
	{CONNECTION(base_url), KEY_URL, "base_url", .sample = "https://${subdomain}.example.com/api",
		.unset = "the integration's",
		.help = "another server for this connection alone"},
	{CONNECTION(active), KEY_BOOL, "active", "yes",
		.help = "no: nothing of this connection runs"},
	{CONNECTION(max_runs), KEY_COUNT, "max_runs", "1", .min = 1, .max = 256,
		.help = "syncs of this connection side by side; 1: one after the other, by priority"},
	{CONNECTION(private_key), KEY_SECRET, "private_key", .sample = "file:acme-service-account.pem",
		.help = "credential: OAuth 2 by a signed JWT (RFC 7523): the PEM of an RSA or EC key, or Google's JSON file"},
	{CONNECTION(webhook_secret), KEY_SECRET, "webhook_secret", .sample = "env:ACME_SLACK_SIGNING_SECRET",
		.help = "what the provider signs its events with; without one, here or in [integration], none is taken"},
	{CONNECTION(webhook_secret_before), KEY_SECRET, "webhook_secret_before", .sample = "env:ACME_SLACK_SIGNING_SECRET_OLD",
		.help = "the one before, while it is rotated: both are good"},
	{CONNECTION(webhook_unsigned), KEY_BOOL, "webhook_unsigned", "no",
		.help = "yes: events of webhooks whose provider signs nothing are taken; whoever knows the URL can send some"},
	{CONNECTION(oauth_issuer), KEY_TEXT, "oauth_issuer", .sample = "sync@project.iam.gserviceaccount.com",
		.unset = "the client_id",
		.help = "JWT: its iss"},
	{CONNECTION(oauth_subject), KEY_TEXT, "oauth_subject", .sample = "admin@example.com",
		.unset = "none",
		.help = "JWT: its sub, on whose behalf"},
	{CONNECTION(oauth_audience), KEY_TEXT, "oauth_audience", .sample = "https://login.salesforce.com",
		.unset = "the token_url",
		.help = "JWT: its aud"},

	{DATASET(kind), KEY_WORD, "kind", .sample = "incremental", .unset = "what the connector's pattern says", .words = words_kind,
		.help = "full: lists everything each time; incremental: what has changed since the last success"},
	{DATASET(every_ms), KEY_DURATION, "every", .sample = "1h", .min = SECOND, .max = 366 * DAY,
		.unset = "what the connector's pattern says",
		.help = "how often it is due"},
	{DATASET(id), KEY_TEXT, "id", .sample = "id", .unset = "id",
		.help = "the member of a record that is its key; some connectors take a dotted path"},
	{DATASET(fields), KEY_TEXT, "fields", .sample = "email:string, age:integer?, tags:array?", .unset = "whatever comes",
		.help = "members and their types (string integer number boolean time object array any), a ? where one may be missing"},
	{DATASET(description), KEY_TEXT, "description", .sample = "who may log in",
		.help = "for people"},
	{DATASET(track_deletes), KEY_WORD, "track_deletes", .sample = "yes", .unset = "yes where it is full", .words = words_yes_no,
		.help = "what a complete listing does not show any more is deleted"},

	{SYNC(every_ms), KEY_DURATION, "every", .sample = "every 30 minutes", .min = SECOND, .max = 366 * DAY,
		.unset = "what the connector declares",
		.help = "how often it is due, as `sluice status` shows; `sluice run` syncs, due or not"},
	{SYNC(every_ms), KEY_SECONDS, "seconds", .sample = "1800", .min = SECOND, .max = 366 * DAY,
		.unset = "what the connector declares",
		.help = "the same in seconds; give one of the two"},
	{SYNC(cron), KEY_TEXT, "cron", .sample = "0 */2 * * *",
		.help = "due at these times instead: minute, hour, day of month, month, day of week; or @hourly, @daily, ..."},
	{SYNC(timezone), KEY_TEXT, "timezone", .sample = "Europe/Berlin", .unset = "the one of [host]",
		.help = "of cron"},
	{SYNC(auto_sync), KEY_BOOL, "auto_sync", "yes",
		.help = "no: the schedule never starts it"},
	{SYNC(auto_start), KEY_BOOL, "auto_start", "yes",
		.help = "no: the schedule leaves it alone until somebody has started it once (`sluice start`)"},
	{SYNC(priority), KEY_COUNT, "priority", .sample = "10", .min = 0, .max = 1000000,
		.unset = "what the connector declares",
		.help = "among the syncs of its connection; higher first"},
	{SYNC(after), KEY_TEXT, "after", .sample = "acme : close : contacts",
		.help = "waits until that sync's run of the same round is over; CONNECTION : INTEGRATION : SYNC"},
	{SYNC(needs), KEY_CHOICE, "needs", "success", .words = words_needs,
		.help = "what `after` waits for: that it went well, or only that it ended"},
	{SYNC(run_retries), KEY_COUNT, "run_retries", "3", .min = 0, .max = 100,
		.help = "how often a failed run is tried again before its next due time, fail_pause after it and longer"},
	{SYNC(visibility), KEY_CHOICE, "visibility", "at-once", .words = words_visibility,
		.help = "complete: what a full sync brings is seen by readers only at its successful end, all at once"},
	{SYNC(step_calls), KEY_COUNT, "step_calls", .sample = "10", .min = 1, .max = 1000000,
		.unset = "what the connector declares, else 10",
		.help = "requests in one step of a run"},
	{SYNC(step_ms), KEY_DURATION, "step_time", .sample = "30s", .min = 100, .max = DAY,
		.unset = "none: step_calls counts",
		.help = "how long a step should take; the number of requests in it follows"},
	{SYNC(step_limit_ms), KEY_DURATION, "step_limit", "30m", .min = SECOND, .max = 30 * DAY,
		.help = "a step that takes longer, waits for the provider's limits not counted, is ended and tried again"},
	{SYNC(step_retries), KEY_COUNT, "step_retries", "3", .min = 0, .max = 100,
		.help = "how often one step is tried again in a run"},
	{SYNC(step_worker), KEY_BOOL, "step_worker", "no",
		.help = "a new worker for each step"},
	{SYNC(run_ms), KEY_DURATION, "run_limit", .sample = "24h", .min = SECOND, .max = 30 * DAY,
		.unset = "what the connector declares, else 24h",
		.help = "a run that takes longer ends at its checkpoint"},
	{SYNC(run_buffer_ms), KEY_DURATION, "run_buffer", .sample = "30m", .min = 0, .max = DAY,
		.unset = "an eighth of run_limit, at most 30m",
		.help = "no step begins so shortly before run_limit"},
	{SYNC(page_size), KEY_COUNT, "page_size", .sample = "100", .min = 1, .max = 1000000,
		.unset = "what the connector declares",
		.help = "records asked for in one request"},
	{SYNC(lookback_ms), KEY_DURATION, "lookback", .sample = "5m", .min = 0, .max = 3660 * DAY,
		.unset = "what the connector declares",
		.help = "an incremental sync asks for changes since this long before the last success"},
	{SYNC(max_delete_share), KEY_SHARE, "max_delete_share", .sample = "20%",
		.unset = "20%",
		.help = "when more of the records than this are gone, or more than half, the deletes are held back; 100%: never"},
	{SYNC(max_rejected), KEY_SHARE, "max_rejected", .sample = "1%",
		.unset = "1%",
		.help = "when more of the records than this, and at least 10, are faulty, the run fails"},
	{SYNC(max_requests), KEY_COUNT, "max_requests", .sample = "1000000", .min = 1, .max = 1000000000,
		.unset = "1000000",
		.help = "a run that sends more requests, retries included, ends where it is; the next goes on"},
	{SYNC(max_bytes), KEY_SIZE, "max_bytes", .sample = "100GiB", .min = KIB, .max = 1024 * 1024 * GIB,
		.unset = "100GiB",
		.help = "a run that receives more, as counted on the wire, ends where it is; the next goes on"},
	{SYNC(max_stale_pages), KEY_COUNT, "max_stale_pages", .sample = "20", .min = 1, .max = 1000000,
		.unset = "20",
		.help = "pages in a row without a new id before the run is ended as an endless loop"},

	{MERGE(sources), KEY_TEXT, "sources", .sample = "acme:close:Contact, acme:stripe:Customer",
		.help = "CONNECTION:INTEGRATION:MODEL, in order of priority: each field comes from the first that has it"},
	{MERGE(key), KEY_TEXT, "key", .sample = "email",
		.help = "the common identifier: a dotted path into the records, or several; a record without one stands alone"},
	{MERGE(fields), KEY_TEXT, "fields", .sample = "name, email, phone", .unset = "all",
		.help = "what the merged record has of them"},

	{WEBHOOK(url), KEY_URL, "url", .sample = "https://app.example.com/hooks/sluice",
		.help = "where events are posted. Its address may be a private one"},
	{WEBHOOK(secret), KEY_SECRET, "secret", .sample = "env:HOOK_SECRET",
		.help = "signs them (Standard Webhooks); with the prefix whsec_ it is base64"},
	{WEBHOOK(secret_before), KEY_SECRET, "secret_before", .sample = "env:HOOK_SECRET_OLD",
		.help = "a second signature, while receivers change over to a new secret"},
	{WEBHOOK(nango_secret), KEY_SECRET, "nango_secret", .sample = "env:NANGO_SECRET",
		.unset = "the first key of scope write",
		.help = "signs the X-Nango headers"},
	{WEBHOOK(event_list), KEY_TEXT, "events", "sync.success, sync.error, records.created, records.updated, records.deleted",
		.help = "also: sync (in Nango's shape), auth, action, alert"},
	{WEBHOOK(of), KEY_LIST, "of", .sample = "acme:slack:Message, *:stripe", .unset = "everything",
		.help = "only of these: CONNECTION:INTEGRATION:MODEL, * for any, what is left away is any"},
	{WEBHOOK(payload), KEY_CHOICE, "payload", "full", .words = words_payload,
		.help = "of records.*: the records, or only how many and from which cursor to read them"},
	{WEBHOOK(batch), KEY_COUNT, "batch", "100", .min = 1, .max = 1000,
		.help = "records in one event at most"},
	{WEBHOOK(max_pending), KEY_COUNT, "max_pending", "100000", .min = 10, .max = 10000000,
		.help = "events that may wait; those beyond are left out, and a gap event names the cursors to read them from"},
	{WEBHOOK(timeout_ms), KEY_DURATION, "timeout", "15s", .min = 100, .max = 5 * MINUTE,
		.help = "for one delivery"},
	{WEBHOOK(give_up_ms), KEY_DURATION, "give_up", "3 days", .min = SECOND, .max = 30 * DAY,
		.help = "an event that was not taken by then is parked, and the next one's turn comes"},
	{WEBHOOK(active), KEY_BOOL, "active", "yes",
		.help = "no: events wait"},

	{ALERT(consecutive_failures), KEY_COUNT, "consecutive_failures", "3", .min = 0, .max = 1000,
		.help = "so many failed runs of a sync in a row; 0: never"},
	{ALERT(longer_than), KEY_FACTOR, "longer_than", "3x",
		.help = "a run takes so many times its sync's usual duration, and a minute longer at least; 0x: never"},
	{ALERT(error_rate), KEY_SHARE, "error_rate", "20%",
		.help = "of the last 20 runs of a sync (at least 10) more than this failed; 0%: never"},
	{ALERT(stale_after), KEY_FACTOR, "stale_after", "3x",
		.help = "no success for so many times the sync's interval; 0x: never"},
	{ALERT(held_deletes), KEY_BOOL, "held_deletes", "yes",
		.help = "deletes were held back"},
};
const size_t keys_count = LENGTH(keys);

const struct key *
key_find(enum section_kind section, const char *name)
{
	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == section && !strcmp(k->name, name))
			return k;
	return NULL;
}

const char *
key_nearest(enum section_kind section, const char *wrong)
{
	const char *names[LENGTH(keys) + 1];
	size_t n = 0;

	for (const struct key *k = keys; k < keys + keys_count; k++)
		if (k->section == section)
			names[n++] = k->name;
	names[n] = NULL;
	return nearest(wrong, names);
}

const char *
section_nearest(const char *wrong)
{
	const char *names[SECTION_KINDS + 1] = {0};

	for (int i = 0; i < SECTION_KINDS; i++)
		names[i] = sections[i].name;
	return nearest(wrong, names);
}
