/* config_settings.c - settings from INI, environment and command line: precedence, every type, every message, and what
 * must never be shown. Each test writes its files into a folder of its own and works in there. */
#include "config/settings.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "config/keys.h"
#include "config/value.h"
#define TAP_NO_MAIN
#include "../tap.h"

static struct err err;          /* of the last load */
static struct buf logged;       /* its log lines */
static char root[4096];         /* of the project: where the test was started */

/* ---- a folder for each test ---- */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
tap_line(void *arg, enum log_level level, const char *msg, const struct log_field *fields)
{
	(void)arg, (void)level, (void)fields;
	buf_printf(&logged, "%s\n", msg);
}

/* Begins a test in an empty folder; what the last one left is removed. */
static void
fresh(void)
{
	static char dir[64];
	static int quiet = -1;

	if (!*root && !getcwd(root, sizeof(root)))
		abort();
	if (*dir)
		nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	strcpy(dir, "/tmp/config_settings.XXXXXX");
	if (!mkdtemp(dir) || chdir(dir) < 0)
		abort();
	if (quiet < 0)
		quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_setup(quiet, LOG_DEBUG, LOG_TEXT);
	log_tap(tap_line, NULL);
	log_secrets_forget();
}

static void
put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f) != 0)
		abort();
}

static struct settings *
load_from(const char *conf, const char *const *set)
{
	err = (struct err){0};
	buf_clear(&logged);
	return settings_load(&(struct settings_source){.conf = conf, .set = set}, &err);
}

static struct settings *
load(const char *ini)
{
	put("sluice.ini", ini);
	return load_from("sluice.ini", NULL);
}

static const struct setting_shown *
shown(const struct settings *s, const char *section, const char *key)
{
	for (size_t i = 0; i < s->n_shown; i++)
		if (!strcmp(s->shown[i].section, section) && !strcmp(s->shown[i].key, key))
			return &s->shown[i];
	return NULL;
}

static bool
secret_is(const struct secret *s, const char *text)
{
	return s && secret_eq(s, slice_str(text));
}

/* ---- use ---- */

TEST("a few lines of INI are typed settings")
{
	fresh();
	struct settings *s = load("[host]\n"
	                          "data_dir = store\n"
	                          "retries = 7\n"
	                          "[connection acme : slack]\n"
	                          "token = xoxb-123\n"
	                          "channels = [\"C1\",\n"
	                          "            \"C2 ; x\"]\n"
	                          "metadata.region = eu\n"
	                          "[sync acme : slack : channel-messages]\n"
	                          "every = every 30 minutes\n");
	REQUIRE(s);
	CHECK_INT(s->host.retries, 7);
	CHECK(s->host.data_dir[0] == '/');
	CHECK_HAS(s->host.data_dir, "/store");
	const struct connection_settings *c = settings_connection(s, "acme", NULL);
	REQUIRE(c);
	CHECK(secret_is(c->token, "xoxb-123"));
	CHECK(c->active);
	CHECK_STR(c->integration->name, "slack");
	CHECK_STR(c->integration->plugin, "slack");
	REQUIRE(c->n_options == 1 && c->n_metadata == 1);
	CHECK_STR(c->options[0].name, "channels");
	CHECK_STR(c->options[0].value, "[\"C1\", \"C2 ; x\"]");
	CHECK_STR(c->metadata[0].name, "region");
	CHECK_STR(c->metadata[0].value, "\"eu\"");
	const struct sync_settings *y = settings_sync(s, c, "channel-messages");
	REQUIRE(y);
	CHECK_INT(y->every_ms, 1800000);
	CHECK(y->max_delete_share < 0 && y->max_rejected < 0);
	CHECK(!settings_sync(s, c, "other"));
	settings_free(s);
}

TEST("without any configuration everything has its default")
{
	fresh();
	struct settings *s = load_from(NULL, NULL);
	REQUIRE(s);
	CHECK_HAS(s->host.data_dir, "/var/sluice");
	CHECK_HAS(s->host.key_file, "/var/sluice.key");
	CHECK(s->host.encrypt && !s->host.encryption_key);
	CHECK_STR(s->host.plugin_dir, SLUICE_PREFIX "/lib/sluice/plugins");
	CHECK_STR(s->host.worker, SLUICE_PREFIX "/libexec/sluice/sluice-worker");
	CHECK_INT(s->host.max_answer, 32 << 20);
	CHECK_INT(s->host.max_record, 1 << 20);
	CHECK_INT(s->host.max_batch, 8 << 20);
	CHECK_INT(s->host.worker_memory, 512 << 20);
	CHECK_INT(s->host.worker_start_ms, 10000);
	CHECK_INT(s->host.call_ms, 60000);
	CHECK_INT(s->host.stop_grace_ms, 5000);
	CHECK_INT(s->host.commit_delay_ms, 50);
	CHECK_INT(s->host.commit_bytes, 4 << 20);
	CHECK_INT(s->host.min_free, 256 << 20);
	CHECK_INT(s->host.connect_ms, 10000);
	CHECK_INT(s->host.request_ms, 120000);
	CHECK_INT(s->host.retries, 5);
	CHECK_INT(s->host.retry_base_ms, 500);
	CHECK_INT(s->host.retry_max_ms, 300000);
	CHECK_INT(s->host.max_runs, 4);
	CHECK(!s->host.ca_file && !s->host.hash_ids && s->host.sandbox == SANDBOX_FULL);
	CHECK_STR(s->host.log_level, "info");
	CHECK_STR(s->host.log_format, "auto");
	CHECK_INT(s->n_connections + s->n_keys + s->n_syncs + s->n_integrations, 0);
	CHECK_STR(shown(s, "host", "retries")->value, "5");
	CHECK_STR(shown(s, "host", "retries")->at.file, "default");
	settings_free(s);
}

/* ---- precedence ---- */

TEST("command line beats environment beats later file beats earlier file beats default")
{
	fresh();
	mkdir("conf", 0700);
	mkdir("conf/conf.d", 0700);
	put("conf/sluice.ini", "[host]\nretries = 1\nmax_runs = 11\nretry_base = 1s\nstop_grace = 1s\n");
	put("conf/conf.d/10-a.ini", "[host]\nmax_runs = 12\nretry_base = 2s\nstop_grace = 2s\n");
	put("conf/conf.d/9-b.ini", "[host]\nretry_base = 3s\nstop_grace = 3s\n");
	put("conf/conf.d/notes.txt", "no INI at all");
	put("conf/conf.d/.hidden.ini", "no INI at all");
	setenv("SLUICE_STOP_GRACE", "4s", 1);
	setenv("SLUICE_COMMIT_DELAY", "4ms", 1);
	struct settings *s = load_from("conf", (const char *const[]){"commit_delay=5ms", "commit_delay=6ms", NULL});
	unsetenv("SLUICE_STOP_GRACE");
	unsetenv("SLUICE_COMMIT_DELAY");
	REQUIRE(s);
	CHECK_INT(s->host.retries, 1);
	CHECK_INT(s->host.max_runs, 12);
	CHECK_INT(s->host.retry_base_ms, 3000);
	CHECK_INT(s->host.stop_grace_ms, 4000);
	CHECK_INT(s->host.commit_delay_ms, 6);
	CHECK_STR(shown(s, "host", "max_runs")->at.file, "conf/conf.d/10-a.ini");
	CHECK_INT(shown(s, "host", "max_runs")->at.line, 2);
	CHECK_STR(shown(s, "host", "stop_grace")->at.file, "SLUICE_STOP_GRACE");
	CHECK_STR(shown(s, "host", "commit_delay")->at.file, "command line");
	CHECK_STR(shown(s, "host", "commit_delay")->value, "6ms");
	settings_free(s);
}

TEST("the files of conf.d are read in the order of their names' bytes, however the folder lists them")
{
	static const char order[] = "7b0zX2mAq9";

	fresh();
	mkdir("conf", 0700);
	mkdir("conf/conf.d", 0700);
	for (unsigned i = 0; i < sizeof(order) - 1; i++) {
		char *path = xasprintf("conf/conf.d/%c.ini", order[i]), *ini = xasprintf("[host]\nretries = %d\n", order[i] % 100);
		put(path, ini);
		struct settings *s = load_from("conf", NULL);
		char last = 0;
		for (unsigned j = 0; j <= i; j++)
			last = order[j] > last ? order[j] : last;
		CHECK(s && s->host.retries == (uint64_t)(last % 100));
		settings_free(s);
		free(path);
		free(ini);
	}
}

TEST("later files win key by key, in connections and syncs too, and seconds is the same key as every")
{
	fresh();
	mkdir("c", 0700);
	mkdir("c/conf.d", 0700);
	put("c/sluice.ini", "[connection a : x]\ntoken = one\nopt = 1\n[sync a : x : s]\nevery = 1h\nstep_calls = 3\n");
	put("c/conf.d/1.ini", "[connection a:x]\ntoken = two\nmore = 2\n[sync  a :x: s]\nseconds = 90\n");
	struct settings *s = load_from("c", NULL);
	REQUIRE(s && s->n_connections == 1 && s->n_syncs == 1);
	CHECK(secret_is(s->connections[0]->token, "two"));
	CHECK_INT(s->connections[0]->n_options, 2);
	CHECK_INT(s->syncs[0]->every_ms, 90000);
	CHECK_INT(s->syncs[0]->step_calls, 3);
	CHECK_STR(s->connections[0]->at.file, "c/sluice.ini");
	settings_free(s);
}

TEST("configuration is searched as SLUICE_CONF, ./sluice.ini, ./conf")
{
	struct settings *s;

	fresh();
	mkdir("conf", 0700);
	s = load_from(NULL, NULL);
	CHECK(s && s->host.retries == 5); /* an empty ./conf is nobody's configuration */
	settings_free(s);
	put("conf/sluice.ini", "[host]\nretries = 1\n");
	s = load_from(NULL, NULL);
	CHECK(s && s->host.retries == 1);
	settings_free(s);
	put("sluice.ini", "[host]\nretries = 2\n");
	s = load_from(NULL, NULL);
	CHECK(s && s->host.retries == 2);
	settings_free(s);
	put("other.ini", "[host]\nretries = 3\n");
	setenv("SLUICE_CONF", "other.ini", 1);
	s = load_from(NULL, NULL);
	CHECK(s && s->host.retries == 3);
	settings_free(s);
	setenv("SLUICE_CONF", "gone.ini", 1);
	CHECK(!load_from(NULL, NULL));
	CHECK_HAS(err.text, "cannot read gone.ini: No such file");
	unsetenv("SLUICE_CONF");
}

/* ---- types ---- */

TEST("every key of every section reaches its member")
{
	fresh();
	setenv("T_TOKEN", "from-env", 1);
	put("pw", "from-file\n");
	struct settings *s = load(
		"[host]\ndata_dir=/d/\nplugin_dir=./p\nworker=w\nencryption_key=none\nhash_ids=on\nsandbox=seccomp-only\n"
		"max_answer=64MiB\nmax_record=2MiB\nmax_batch=4MiB\nworker_memory=1GiB\nworker_start=1s\ncall_limit=2s\n"
		"stop_grace=3s\ncommit_delay=4ms\ncommit_bytes=5MiB\nmin_free=0\nconnect_timeout=6s\nrequest_timeout=7s\n"
		"retries=0\nretry_base=8ms\nretry_max=9s\nca_file=/ca\nmax_runs=10\nlog_level=debug\nlog_format=json\n"
		"[key app]\nvalue=0f0e0d0c-0f0e0d0c-k\nscope=admin\n"
		"[integration i]\nplugin=\"slack\"\nbase_url=http://127.0.0.1:8080/x\nallow_hosts=a.b, [::1]:80 ,10.0.0.7:1\n"
		"rate_limit=50/min\n"
		"[connection c : i]\ntoken=env:T_TOKEN\napi_key=b\nusername=\"quoted ; \\\"name\\\"\"\npassword=file:pw\nclient_id=e\n"
		"client_secret=f\nrefresh_token=g\nbase_url=https://${sub}.example.com\nactive=off\n"
		"[sync c : i : s]\nseconds=60\nstep_calls=1\nrun_limit=2h\npage_size=3\nlookback=4m\nmax_delete_share=0%\n"
		"max_rejected=2.5%\nmax_stale_pages=5\n");
	REQUIRE(s);
	const struct host_settings *h = &s->host;
	CHECK_STR(h->data_dir, "/d");
	CHECK(h->plugin_dir[0] == '/' && !strstr(h->plugin_dir, "./"));
	CHECK(!h->encrypt && !h->key_file && !h->encryption_key);
	CHECK(h->hash_ids && h->sandbox == SANDBOX_SECCOMP_ONLY);
	CHECK_INT(h->max_answer, 64 << 20);
	CHECK_INT(h->max_record, 2 << 20);
	CHECK_INT(h->max_batch, 4 << 20);
	CHECK_INT(h->worker_memory, 1 << 30);
	CHECK_INT(h->worker_start_ms, 1000);
	CHECK_INT(h->call_ms, 2000);
	CHECK_INT(h->stop_grace_ms, 3000);
	CHECK_INT(h->commit_delay_ms, 4);
	CHECK_INT(h->commit_bytes, 5 << 20);
	CHECK_INT(h->min_free, 0);
	CHECK_INT(h->connect_ms, 6000);
	CHECK_INT(h->request_ms, 7000);
	CHECK_INT(h->retries, 0);
	CHECK_INT(h->retry_base_ms, 8);
	CHECK_INT(h->retry_max_ms, 9000);
	CHECK_STR(h->ca_file, "/ca");
	CHECK_INT(h->max_runs, 10);
	CHECK_STR(h->log_level, "debug");
	CHECK_STR(h->log_format, "json");
	CHECK_STR(s->keys[0].name, "app");
	CHECK(secret_is(s->keys[0].value, "0f0e0d0c-0f0e0d0c-k") && s->keys[0].scope == SCOPE_ADMIN);
	const struct integration_settings *i = s->integrations[0];
	CHECK_STR(i->plugin, "slack");
	CHECK_STR(i->base_url, "http://127.0.0.1:8080/x");
	CHECK_INT(i->base_url_at.line, 32);
	CHECK_STR(i->allow_hosts[0], "a.b");
	CHECK_STR(i->allow_hosts[1], "[::1]:80");
	CHECK_STR(i->allow_hosts[2], "10.0.0.7:1");
	CHECK(!i->allow_hosts[3]);
	CHECK_INT(i->rate_n, 50);
	CHECK_INT(i->rate_ms, 60000);
	const struct connection_settings *c = s->connections[0];
	CHECK(c->integration == i && !c->active);
	CHECK(secret_is(c->token, "from-env"));
	CHECK(secret_is(c->api_key, "b"));
	CHECK(secret_is(c->username, "quoted ; \"name\""));
	CHECK(secret_is(c->password, "from-file"));
	CHECK(secret_is(c->client_id, "e"));
	CHECK(secret_is(c->client_secret, "f"));
	CHECK(secret_is(c->refresh_token, "g"));
	CHECK_STR(c->base_url, "https://${sub}.example.com");
	const struct sync_settings *y = s->syncs[0];
	CHECK(y->connection == c);
	CHECK_INT(y->every_ms, 60000);
	CHECK_INT(y->step_calls, 1);
	CHECK_INT(y->run_ms, 7200000);
	CHECK_INT(y->page_size, 3);
	CHECK_INT(y->lookback_ms, 240000);
	CHECK(y->max_delete_share == 0 && y->max_rejected == 0.025);
	CHECK_INT(y->max_stale_pages, 5);
	settings_free(s);
}

TEST("yes, no and their like are booleans in any case")
{
	static const char *const words[] = {"yes", "true", "on", "1", "YES", "no", "false", "off", "0", "No"};

	fresh();
	for (unsigned i = 0; i < LENGTH(words); i++) {
		char *ini = xasprintf("[host]\nhash_ids = %s\n", words[i]);
		struct settings *s = load(ini);
		CHECK(s && s->host.hash_ids == (i < 5));
		settings_free(s);
		free(ini);
	}
}

TEST("every key of schedule, limits, OAuth, merges and alerts reaches its member")
{
	fresh();
	struct settings *s = load(
		"[host]\nfirst_spread=1s\nfail_pause=2s\nfail_pause_max=3h\nstop_timeout=4s\ntimezone=Europe/Berlin\n"
		"keep_runs=5d\nkeep_logs=6d\nmax_log_bytes=7MiB\nkeep_deleted=8d\nkeep_letters=9d\n"
		"[integration i]\nquota=15000/day\nmax_runs=3\ngrant=refresh_token\nrate_share=integration\nclient_id=a\nclient_secret=b\n"
		"authorize_url=https://a.example/o\ntoken_url=https://t.example/o\noauth_scopes=x y\n"
		"[limit i : search]\nmatch=GET /v1/search*\nrate=20/s\nshare=integration\n"
		"[connection c : i]\nmax_runs=2\nprivate_key=pem\noauth_issuer=iss\noauth_subject=sub\noauth_audience=https://aud.example\n"
		"[sync c : i : s]\ncron=@daily\ntimezone=UTC\nauto_sync=no\nauto_start=no\npriority=4\n"
		"after=c : i : other\nneeds=any\nrun_retries=5\nvisibility=complete\nstep_time=6s\nstep_limit=7m\nstep_retries=8\n"
		"step_worker=yes\nrun_buffer=9m\nmax_requests=10\nmax_bytes=11MiB\n"
		"[merge People]\nsources=c:i:A, c:i:B\nkey=email\nfields=a, b\n"
		"[alert]\nconsecutive_failures=1\nlonger_than=off\nerror_rate=50%\nstale_after=2x\nheld_deletes=no\n");
	REQUIRE(s);
	const struct host_settings *h = &s->host;
	CHECK(h->first_spread_ms == 1000 && h->fail_pause_ms == 2000 && h->fail_pause_max_ms == 3 * 3600000);
	CHECK_INT(h->stop_timeout_ms, 4000);
	CHECK_STR(h->timezone, "Europe/Berlin");
	CHECK(h->keep_runs_ms == 5 * INT64_C(86400000) && h->keep_logs_ms == 6 * INT64_C(86400000));
	CHECK_INT(h->max_log_bytes, 7 << 20);
	CHECK(h->keep_deleted_ms == 8 * INT64_C(86400000) && h->keep_letters_ms == 9 * INT64_C(86400000));
	const struct integration_settings *i = s->integrations[0];
	CHECK(i->quota_n == 15000 && i->quota_ms == 86400000 && i->max_runs == 3 && i->rate_share == SHARE_INTEGRATION);
	CHECK(i->grant == GRANT_REFRESH_TOKEN && secret_is(i->client_id, "a") && secret_is(i->client_secret, "b"));
	CHECK_STR(i->authorize_url, "https://a.example/o");
	CHECK_STR(i->token_url, "https://t.example/o");
	CHECK_STR(i->oauth_scopes, "x y");
	const struct limit_settings *l = s->limits[0];
	CHECK(l->integration == i && l->rate_n == 20 && l->rate_ms == 1000 && l->share == SHARE_INTEGRATION);
	CHECK_STR(l->name, "search");
	CHECK_STR(l->match, "GET /v1/search*");
	const struct connection_settings *c = s->connections[0];
	CHECK(c->max_runs == 2 && secret_is(c->private_key, "pem"));
	CHECK_STR(c->oauth_issuer, "iss");
	CHECK_STR(c->oauth_subject, "sub");
	CHECK_STR(c->oauth_audience, "https://aud.example");
	const struct sync_settings *y = s->syncs[0];
	CHECK_STR(y->cron, "@daily");
	CHECK_STR(y->timezone, "UTC");
	CHECK(!y->auto_sync && !y->auto_start && y->priority == 4 && y->needs == NEEDS_ANY && y->run_retries == 5);
	CHECK_STR(y->after_parts[2], "other");
	CHECK(y->visibility == VISIBLE_COMPLETE && y->step_ms == 6000 && y->step_limit_ms == 420000 && y->step_retries == 8);
	CHECK(y->step_worker && y->run_buffer_ms == 540000 && y->max_requests == 10 && y->max_bytes == 11 << 20);
	const struct merge_settings *m = s->merges[0];
	CHECK_STR(m->name, "People");
	CHECK_STR(m->sources, "c:i:A, c:i:B");
	CHECK_STR(m->key, "email");
	CHECK_STR(m->fields, "a, b");
	const struct alert_settings *a = &s->alert;
	CHECK(a->consecutive_failures == 1 && a->longer_than == 0 && a->error_rate == 0.5 && a->stale_after == 2 && !a->held_deletes);
	settings_free(s);
}

TEST("a factor can be switched off")
{
	const struct key *k = key_find(SECTION_ALERT, "stale_after");
	struct alert_settings a = {.stale_after = 7};

	CHECK(key_parse(k, SLICE("off"), &a, NULL) == 0 && a.stale_after == 0);
	CHECK(key_parse(k, SLICE("1.5x"), &a, NULL) == 0 && a.stale_after == 1.5);
	CHECK(key_parse(k, SLICE("0x"), &a, NULL) == 0 && a.stale_after == 0);
	CHECK(key_parse(k, SLICE("0.5x"), &a, NULL) != 0);
	CHECK(key_parse(k, SLICE("offx"), &a, NULL) != 0);
}

TEST("rates are numbers per unit or duration; lists are JSON arrays too")
{
	static const struct { const char *text; uint64_t n; int64_t ms; } rates[] = {
		{"10/s", 10, 1000}, {"5000/h", 5000, 3600000}, {"1/day", 1, 86400000}, {"3/10s", 3, 10000}, {"7/hour", 7, 3600000},
	};

	fresh();
	for (unsigned i = 0; i < LENGTH(rates); i++) {
		char *ini = xasprintf("[integration x]\nrate_limit = %s\nallow_hosts = [\"a:1\",\n \"b\"]\n", rates[i].text);
		struct settings *s = load(ini);
		CHECK(s && s->integrations[0]->rate_n == rates[i].n && s->integrations[0]->rate_ms == rates[i].ms);
		CHECK(s && !strcmp(s->integrations[0]->allow_hosts[1], "b") && !s->integrations[0]->allow_hosts[2]);
		settings_free(s);
		free(ini);
	}
}

TEST("options stand as written, metadata is JSON, both may come by env: and file:")
{
	fresh();
	setenv("T_OPT", "[1, 2]", 1);
	put("f", "plain \"text\"\r\n");
	struct settings *s = load("[connection c : x]\na = \"env:T_OPT\"\nb = env:T_OPT\nc =\nmetadata.n = 12345678901234567890\n"
	                          "metadata.t = some text\nmetadata.e = env:T_OPT\nmetadata.f = file:f\nmetadata.o = {\"a\": 1}\n"
	                          "metadata.x.y = \"s ; t\"\n");
	static const char *const names[] = {"n", "t", "e", "f", "o", "x.y"};
	static const char *const values[] = {"12345678901234567890", "\"some text\"", "[1, 2]", "\"plain \\\"text\\\"\"", "{\"a\": 1}",
	                                     "\"s ; t\""};
	REQUIRE(s);
	const struct connection_settings *c = s->connections[0];
	REQUIRE(c->n_options == 3 && c->n_metadata == LENGTH(names));
	CHECK_STR(c->options[0].value, "\"env:T_OPT\"");
	CHECK_STR(c->options[1].value, "[1, 2]");
	CHECK_STR(c->options[2].value, "");
	CHECK(c->options[1].resolved && !c->options[0].resolved);
	for (unsigned i = 0; i < LENGTH(names); i++) {
		CHECK_STR(c->metadata[i].name, names[i]);
		CHECK_STR(c->metadata[i].value, values[i]);
	}
	settings_free(s);
}

TEST("an option of 100 KB is whole")
{
	fresh();
	struct buf ini = {0};
	size_t from;

	buf_puts(&ini, "[connection c : x]\nchannels = [");
	from = ini.len - 1;
	for (int i = 0; i < 12000; i++)
		buf_printf(&ini, "%s\"C%07d ;\"", i ? ", " : "", i);
	buf_puts(&ini, "]");
	char *expected = xstrndup(ini.p + from, ini.len - from);
	buf_puts(&ini, "\nafter = 1\n");
	struct settings *s = load(buf_str(&ini));
	REQUIRE(s && s->connections[0]->n_options == 2);
	CHECK(strlen(expected) > 100000);
	CHECK(!strcmp(s->connections[0]->options[0].value, expected));
	CHECK_STR(s->connections[0]->options[1].value, "1");
	settings_free(s);
	free(expected);
	buf_free(&ini);
}

/* ---- the encryption key ---- */

TEST("an encryption key is read from its file as hex, base64 or 32 bytes, by env: too, and only if nobody else may read it")
{
	static const char hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	static const char base64[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
	static const char raw[] = "0123456789abcdefghijklmnopqrstuv";
	unsigned char key[32];
	struct settings *s;

	fresh();
	for (unsigned char i = 0; i < 32; i++)
		key[i] = i;
	umask(077);
	put("k", hex);
	s = load("[host]\nencryption_key = file:k\n");
	CHECK(s && secret_eq(s->host.encryption_key, slice_of(key, 32)) && s->host.encrypt);
	CHECK_HAS(s ? s->host.key_file : NULL, "/k");
	settings_free(s);
	put("k", base64);
	s = load("[host]\nencryption_key = file:k\n");
	CHECK(s && secret_eq(s->host.encryption_key, slice_of(key, 32)));
	settings_free(s);
	put("k", raw);
	s = load("[host]\nencryption_key = file:k\n");
	CHECK(s && secret_eq(s->host.encryption_key, slice_str(raw)));
	settings_free(s);
	setenv("T_KEY", hex, 1);
	s = load("[host]\nencryption_key = env:T_KEY\n");
	CHECK(s && secret_eq(s->host.encryption_key, slice_of(key, 32)) && !s->host.key_file);
	settings_free(s);
	s = load("[host]\nencryption_key = file:not/there/yet\n");
	CHECK(s && !s->host.encryption_key && s->host.encrypt);
	CHECK_HAS(s ? s->host.key_file : NULL, "/not/there/yet");
	settings_free(s);
	put("k", "too short");
	CHECK(!load("[host]\nencryption_key = file:k\n"));
	CHECK_HAS(err.text, "sluice.ini:2: [host]: encryption_key: ");
	CHECK_HAS(err.text, "/k holds no key: 32 bytes, 64 hex digits or base64");
	CHECK(!strstr(err.text, "too short"));
	put("k", hex);
	if (geteuid() != 0) {
		chmod("k", 0);
		s = load("[host]\nencryption_key = file:k\n"); /* another user's: who opens the store is told */
		CHECK(s && !s->host.encryption_key);
		settings_free(s);
	}
	chmod("k", 0640);
	CHECK(!load("[host]\nencryption_key = file:k\n"));
	CHECK_HAS(err.text, "(mode 0640); do: chmod 600 ");
	umask(022);
}

/* ---- secrets ---- */

TEST("no secret, and nothing from env: or file:, is shown or told in a message")
{
	static const char *const keys_given[] = {"token", "metadata.m", "opt", "base_url"};

	fresh();
	setenv("T_ENV", "canary-env", 1);
	setenv("T_URL", "http://canary.example", 1);
	put("t", "canary-file");
	struct settings *s = load("[connection c : x]\ntoken = canary-literal\nmetadata.m = env:T_ENV\nopt = file:t\n"
	                          "base_url = env:T_URL\n[key k]\nvalue = canary-key-of-somebody\n[host]\nretries = 3\n");
	REQUIRE(s);
	for (unsigned i = 0; i < LENGTH(keys_given); i++) {
		REQUIRE(shown(s, "connection c : x", keys_given[i]));
		CHECK_STR(shown(s, "connection c : x", keys_given[i])->value, "***");
	}
	for (size_t i = 0; i < s->n_shown; i++)
		CHECK(!strstr(s->shown[i].value, "canary"));
	CHECK_STR(shown(s, "host", "encryption_key")->value, "***");
	CHECK_STR(shown(s, "host", "retries")->value, "3");
	settings_free(s);
	CHECK(!load("[host]\nretries = env:T_ENV\nmax_record = file:t\nsandbox = env:T_ENV\nencryption_key = env:T_ENV\n"
	            "[integration x]\nallow_hosts = env:T_URL\nbase_url = env:T_ENV\nrate_limit = env:T_ENV\n"
	            "[connection c : x]\ntoken = \"canary\nmetadata.x = [canary\n"));
	CHECK(!strstr(buf_str(&logged), "canary"));
	CHECK(!strstr(err.text, "canary"));
	CHECK_HAS(buf_str(&logged), "retries: '***' is no whole number");
}

TEST("an encryption key written out on the command line is refused")
{
	fresh();
	CHECK(!load_from(NULL, (const char *const[]){"encryption_key=0001020304", NULL}));
	CHECK_HAS(err.text, "command line: [host]: encryption_key: everybody here can read a command line; use file:PATH");
	CHECK(!strstr(err.text, "0001020304"));
}

/* ---- messages ---- */

static const struct { const char *ini, *message; } bad[] = {
	{"[connection acme : slack]\n[sync acme : slack : x]\nevry = 1h\n",
	 "sluice.ini:3: [sync acme : slack : x]: unknown key 'evry'; did you mean 'every'?"},
	{"[host]\nzzzzzzzz = 1\n", "sluice.ini:2: [host]: unknown key 'zzzzzzzz'; reference.ini lists all keys"},
	{"[host]\nEVERY = 1\nrate_limit = 1/s\n", "sluice.ini:3: [host]: unknown key 'rate_limit'; it belongs into [integration NAME]"},
	{"a = 1\n", "sluice.ini:1: 'a' stands before the first section; put [host] above it"},
	{"\n[conection a : b]\ntoken = 1\n", "sluice.ini:2: unknown section [conection a : b]; did you mean [connection NAME : INTEGRATION]?"},
	{"[webhok crm]\nurl = x\n", "sluice.ini:1: unknown section [webhok crm]"},
		{"[webhook crm]\nurl = x\n", "sluice.ini:2: [webhook crm]: url: 'x' is no http or https URL"},
		{"[webhook crm]\nurl = http://127.0.0.1/\n", "sluice.ini:1: [webhook crm]: secret: is missing"},
		{"[webhook crm]\nurl = http://127.0.0.1/\nsecret = whsec_abc\n",
		 "sluice.ini:3: [webhook crm]: secret: behind whsec_ stand base64 letters for 24 to 64 bytes"},
		{"[webhook crm]\nevents = sync.sucess\n", "sluice.ini:2: [webhook crm]: events: 'sync.sucess' is no event, did you mean 'sync.success'"},
		{"[host]\nlisten = 127.0.0.1\n", "sluice.ini:2: [host]: listen: '127.0.0.1' is no place to listen"},
	{"[sync a : b]\n", "sluice.ini:1: [sync a : b] names 2 of 3; write [sync CONNECTION : INTEGRATION : SYNC], like [sync acme"},
	{"[host x]\n", "sluice.ini:1: [host x] names 1 of 0; write [host]"},
	{"[connection a]\n", "[connection a] names 1 of 2"},
	{"[connection a : b : c]\n", "[connection a : b : c] names 3 of 2"},
	{"[connection a b : c]\n", "sluice.ini:1: [connection a b : c]: 'a b' is no name: letters, digits and"},
	{"[integration ../x]\n", "'../x' is no name"},
	{"[integration ]\n", "[integration] names 0 of 1"},
	{"[host]\nretries = 1\nretries = 2\n", "sluice.ini:3: [host]: retries: already given as 'retries' in line 2; take one of the two away"},
	{"[host]\nretries = 1\n[host]\nretries = 1\n", "sluice.ini:4: [host]: retries: already given as 'retries' in line 2"},
	{"[connection a : b]\n[sync a : b : c]\nevery = 1h\nseconds = 60\n", "sluice.ini:4: [sync a : b : c]: seconds: already given as 'every' in line 3"},
	{"[connection a : b]\nopt = 1\nopt = 1\n", "sluice.ini:3: [connection a : b]: opt: already given as 'opt' in line 2"},
	{"[connection acme : slack]\n[sync acme : slak : x]\n",
	 "sluice.ini:2: [sync acme : slak : x]: there is no [connection acme : slak]; did you mean [connection acme : slack]?"},
	{"[sync acme : slack : x]\n", "there is no [connection acme : slack]; add that section"},
	{"[key app]\n", "sluice.ini:1: [key app]: value: is missing; say for example value = env:SLUICE_SECRET_KEY"},
	{"[key a]\nvalue = 0123456789abcdef\n[key b]\nvalue = 0123456789abcdef\nscope = admin\n",
	 "sluice.ini:3: [key b]: value: is that of [key a] too: each has its own"},
	{"[key app]\nvalue = 0123456789abcdef\nscope = wrte\n", "sluice.ini:3: [key app]: scope: 'wrte' is none of read, trigger, write, admin; did you mean 'write'?"},
	{"[host]\nsandbox = none\n", "sandbox: 'none' is none of full, seccomp-only"},
	{"[host]\nlog_level = inf\n", "log_level: 'inf' is none of debug, info, warn, error; did you mean 'info'?"},
	{"[host]\nhash_ids = maybe\n", "sluice.ini:2: [host]: hash_ids: 'maybe' is neither yes nor no"},
	{"[connection a : b]\n[sync a : b : c]\nevery = 1x\n",
	 "sluice.ini:3: [sync a : b : c]: every: '1x' is no duration; say for example 'every 15 minutes'"},
	{"[host]\ncall_limit = -5s\n", "call_limit: '-5s' is no duration"},
	{"[host]\nretry_base = 0\n", "retry_base: '0' is out of range; it is a duration from 1ms to 10m"},
	{"[host]\nmax_answer = 32 apples\n", "max_answer: '32 apples' is no size; say for example 32MiB"},
	{"[host]\nmax_answer = 1\n", "max_answer: '1' is out of range; it is a size from 64"},
	{"[host]\nretries = 5x\n", "retries: '5x' is no whole number; say for example 5"},
	{"[host]\nretries = -1\n", "retries: '-1' is no whole number"},
	{"[host]\nretries = 99999999999999999999999\n", "retries: '99999999999999999999999' is no whole number"},
	{"[host]\nretries = 101\n", "retries: '101' is out of range; it is a number from 0 to 100"},
	{"[connection a : b]\n[sync a : b : c]\nseconds = 0.5\n", "seconds: '0.5' is no number of seconds; say for example 1800"},
	{"[connection a : b]\n[sync a : b : c]\nseconds = 0\n", "seconds: '0' is out of range; it is a number of seconds from 1 to"},
	{"[connection a : b]\n[sync a : b : c]\nmax_delete_share = 0.2\n", "max_delete_share: '0.2' is no share; say for example 20%"},
	{"[connection a : b]\n[sync a : b : c]\nmax_rejected = 101%\n", "max_rejected: '101%' is more than 100%"},
	{"[integration x]\nrate_limit = 50\n", "rate_limit: '50' is no rate; say for example 50/min"},
	{"[integration x]\nrate_limit = 0/s\n", "rate_limit: '0/s' is no rate"},
	{"[integration x]\nrate_limit = 5/fortnight\n", "rate_limit: '5/fortnight' is no rate"},
	{"[integration x]\nplugin = slack.so\n", "plugin: 'slack.so' is no plugin's name; write it without folder and .so"},
	{"[integration x]\nplugin = ../slack\n", "plugin: '../slack' is no plugin's name"},
	{"[integration x]\nallow_hosts = http://a\n", "allow_hosts: 'http://a' is no host; say for example files.example.com"},
	{"[integration x]\nallow_hosts = a,,b\n", "allow_hosts: '' is no host"},
	{"[integration x]\nallow_hosts = [\"a\" \"b\"]\n", "allow_hosts: is no JSON array: "},
	{"[integration x]\nallow_hosts = [\"a\", 1]\n", "allow_hosts: the array holds something else than strings"},
	{"[integration x]\nbase_url = ftp://h\n", "base_url: 'ftp://h' is no http or https URL"},
	{"[integration x]\nbase_url = api.example.com\n", "'api.example.com' is no http or https URL; say for example https://"},
	{"[integration x]\nbase_url = https://u:p@h/\n", "base_url: the URL holds a user name or password; give these as credentials"},
	{"[integration x]\nbase_url = https://h/#x\n", "'https://h/#x' has a fragment"},
	{"[integration x]\nbase_url = https:///x\n", "'https:///x' names no host"},
	{"[integration x]\nbase_url = https://:80\n", "'https://:80' names no host"},
	{"[integration x]\nbase_url = https://h/a b\n", "'https://h/a b' holds a character that no URL may hold"},
	{"[integration x]\nbase_url = https://${h/x\n", "holds ${ without a name and } after it"},
	{"[connection a : b]\ntoken =\n", "sluice.ini:2: [connection a : b]: token: has no value; give one, or take the line away"},
	{"[connection a : b]\ntoken = \"\"\n", "token: is empty; give a value"},
	{"[connection a : b]\ntoken = \"a\" b\n", "token: begins with a quote, but is no JSON string"},
	{"[connection a : b]\nmetadata.x = {\"a\": }\n", "sluice.ini:2: [connection a : b]: metadata.x: is no JSON: "},
	{"[connection a : b]\nmetadata.x =\n", "metadata.x: is no JSON: nothing"},
	{"[connection a : b]\nmetadata. = 1\n", "metadata.: names no metadata"},
	{"[host]\nmax_record = 8MiB\nmax_batch = 4MiB\n", "sluice.ini:3: [host]: max_batch: is smaller than max_record"},
	{"[host]\nretry_base = 10s\nretry_max = 5s\n", "sluice.ini:3: [host]: retry_max: is shorter than retry_base"},
	{"[connection a : b]\n[sync a : b : c]\nevery = 1h\ncron = @daily\n",
	 "sluice.ini:4: [sync a : b : c]: cron: 'every' is given too (sluice.ini:3); take one of the two away"},
	{"[connection a : b]\n[sync a : b : c]\nseconds = 60\ncron = @daily\n", "cron: 'seconds' is given too (sluice.ini:3)"},
	{"[connection a : b]\n[sync a : b : c]\nafter = a : b\n",
	 "sluice.ini:3: [sync a : b : c]: after: 'a : b' names no sync; write CONNECTION : INTEGRATION : SYNC"},
	{"[connection a : b]\n[sync a : b : c]\nafter = a : b : c : d\n", "after: 'a : b : c : d' names no sync"},
	{"[connection a : b]\n[sync a : b : c]\nafter = a :: c\n", "after: 'a :: c' names no sync"},
	{"[connection a : b]\n[sync a : b : c]\nafter = a:b :c\n", "sluice.ini:3: [sync a : b : c]: after: a sync cannot wait for itself"},
	{"[alert]\nlonger_than = 3\n", "sluice.ini:2: [alert]: longer_than: "},
	{"[limit slack : search]\nrate = 20/min\n", "sluice.ini:1: [limit slack : search]: match: is missing; say for example match = GET"},
	{"[limit slack : search]\nmatch = /x\n", "[limit slack : search]: rate: is missing; say for example rate = 20/min"},
	{"[limit slack : s]\nmatch = /x\nrate = 1/s\nshare = all\n", "share: 'all' is none of connection, integration"},
	{"[merge people]\nkey = email\n", "sluice.ini:1: [merge people]: sources: is missing"},
	{"[merge people]\nsources = a:b:C, d:e:F\n", "[merge people]: key: is missing"},
	{"[host\nretries = x\n", "sluice.ini:1: the section's ']' is missing"},
	{"[host]\nretries: 5\n", "sluice.ini:2: no '=' in this line (a ':' does not separate name and value)"},
	{"[host]\n\n\nca_file = \"x\n", "sluice.ini:4: the quote that opens here is not closed"},
	{"[host]\nca_file = \xff\n", "sluice.ini:2: not UTF-8"},
	{"[host]\nca_file = env:T_NOT_SET\n", "sluice.ini:2: [host]: ca_file: env:T_NOT_SET: this environment variable is not set"},
	{"[host]\nencryption_key = hunter2\n", "encryption_key: is no key: 64 hex digits or base64 of 32 bytes"},
};

TEST("every mistake is told with file, line, section, key and remedy")
{
	fresh();
	mkdir("dir", 0700);
	put("empty", "\n");
	setenv("T_EMPTY", "", 1);
	for (unsigned i = 0; i < LENGTH(bad); i++) {
		struct settings *s = load(bad[i].ini);
		CHECK(!s);
		settings_free(s);
		CHECK_INT(err.cls, ERR_USAGE);
		CHECK_HAS(buf_str(&logged), bad[i].message);
		CHECK_HAS(buf_str(&logged), err.text);
	}
}

static const struct { const char *ini, *message; } lacking[] = {
	{"[connection a : b]\ntoken = env:T_NOT_SET\n",
	 "sluice.ini:2: [connection a : b]: token: env:T_NOT_SET: this environment variable is not set; set it, or use file:PATH"},
	{"[connection a : b]\ntoken = env:T_EMPTY\n", "token: env:T_EMPTY: this environment variable is empty; set it"},
	{"[connection a : b]\ntoken = env:\n", "token: env: names no variable; say for example env:MY_TOKEN"},
	{"[connection a : b]\nopt = file:gone\n", "sluice.ini:2: [connection a : b]: opt: file:gone: cannot read gone: No such file"},
	{"[connection a : b]\ntoken = file:dir\n", "token: file:dir: dir is a directory; name a file"},
	{"[connection a : b]\ntoken = file:/dev/zero\n", "/dev/zero is no regular file"},
	{"[connection a : b]\ntoken = file:empty\n", "token: file:empty: the file is empty"},
};

TEST("an env: or file: that cannot be had makes its connection unusable, with file, line, key and remedy, and no other")
{
	fresh();
	mkdir("dir", 0700);
	put("empty", "\n");
	setenv("T_EMPTY", "", 1);
	for (unsigned i = 0; i < LENGTH(lacking); i++) {
		char *ini = xasprintf("%s[connection c : d]\ntoken = t0ken\n", lacking[i].ini);
		struct settings *s = load(ini);
		free(ini);
		REQUIRE(s);
		CHECK_HAS(settings_connection(s, "a", "b")->broken, lacking[i].message);
		CHECK(!settings_connection(s, "c", "d")->broken);
		settings_free(s);
	}
	struct settings *s = load("[connection a : b]\ntoken = env:T_NOT_SET\nmetadata.x = file:gone\n[key k]\nvalue = env:T_NOT_SET\n");
	REQUIRE(s);
	CHECK_HAS(s->connections[0]->broken, "set it, or use file:PATH\nsluice.ini:3: [connection a : b]: metadata.x: file:gone");
	CHECK_HAS(s->keys[0].broken, "sluice.ini:5: [key k]: value: env:T_NOT_SET: this environment variable is not set");
	settings_free(s);
}

TEST("all mistakes are told, the first one is the error, and after a hundred it is enough")
{
	struct buf ini = {0};
	unsigned lines = 0;

	fresh();
	CHECK(!load("[host]\nretries = x\nmax_runs = y\n[nonsense]\n[connection a : b]\ntoken =\n"));
	CHECK_HAS(buf_str(&logged), "sluice.ini:2: ");
	CHECK_HAS(buf_str(&logged), "sluice.ini:3: ");
	CHECK_HAS(buf_str(&logged), "sluice.ini:4: ");
	CHECK_HAS(buf_str(&logged), "sluice.ini:6: ");
	CHECK_HAS(err.text, "sluice.ini:4: "); /* found first: while reading, before any value is judged */
	buf_puts(&ini, "[host]\n");
	for (int i = 0; i < 5000; i++)
		buf_puts(&ini, "nonsense\n");
	CHECK(!load(buf_str(&ini)));
	for (const char *p = buf_str(&logged); (p = strchr(p, '\n')); p++)
		lines++;
	CHECK_INT(lines, 101);
	buf_free(&ini);
}

TEST("names of environment and command line stand in their messages")
{
	fresh();
	setenv("SLUICE_RETRIES", "x", 1);
	CHECK(!load_from(NULL, NULL));
	CHECK_HAS(err.text, "SLUICE_RETRIES: [host]: retries: 'x' is no whole number");
	unsetenv("SLUICE_RETRIES");
	CHECK(!load_from(NULL, (const char *const[]){"retrys=1", NULL}));
	CHECK_HAS(err.text, "command line: [host]: unknown key 'retrys'; did you mean 'retries'?");
	CHECK(!load_from(NULL, (const char *const[]){"retries", NULL}));
	CHECK_HAS(err.text, "command line: [host]: 'retries' is no key=value");
}

/* ---- files ---- */

TEST("a file that is missing, unreadable, a directory, a pipe or too large is named; symbolic links are followed")
{
	fresh();
	CHECK(!load_from("gone.ini", NULL));
	CHECK_HAS(err.text, "cannot read gone.ini: No such file or directory");
	mkdir("empty", 0700);
	CHECK(!load_from("empty", NULL));
	CHECK_HAS(err.text, "empty holds neither sluice.ini nor conf.d/*.ini");
	mkdir("odd", 0700);
	mkdir("odd/conf.d", 0700);
	mkdir("odd/conf.d/x.ini", 0700);
	CHECK(!load_from("odd", NULL));
	CHECK_HAS(err.text, "odd/conf.d/x.ini is a directory; name a file");
	mkfifo("pipe.ini", 0600);
	CHECK(!load_from("pipe.ini", NULL));
	CHECK_HAS(err.text, "pipe.ini is no regular file");
	put("big.ini", "");
	CHECK_INT(truncate("big.ini", (16 << 20) + 1), 0);
	CHECK(!load_from("big.ini", NULL));
	CHECK_HAS(err.text, "cannot read big.ini: File too large");
	put("real.ini", "[host]\nretries = 9\n");
	CHECK_INT(symlink("real.ini", "link.ini"), 0);
	CHECK_INT(symlink("nowhere.ini", "dangling.ini"), 0);
	struct settings *s = load_from("link.ini", NULL);
	CHECK(s && s->host.retries == 9);
	settings_free(s);
	CHECK(!load_from("dangling.ini", NULL));
	chmod("real.ini", 0);
	if (geteuid() != 0) { /* root reads everything */
		CHECK(!load_from("real.ini", NULL));
		CHECK_HAS(err.text, "cannot read real.ini: Permission denied");
	}
}

/* ---- near names ---- */

TEST("the nearest name counts letters missing, added, changed and swapped, up to half the length")
{
	static const char *const names[] = {"every", "seconds", "lookback", "page_size", NULL};

	CHECK_STR(nearest("evry", names), "every");
	CHECK_STR(nearest("eveyr", names), "every");
	CHECK_STR(nearest("yb", (const char *const[]){"by", NULL}), "by"); /* one swap, not two changes */
	CHECK_STR(nearest("EVERY", names), "every");
	CHECK_STR(nearest("second", names), "seconds");
	CHECK_STR(nearest("look_back", names), "lookback");
	CHECK_STR(nearest("pagesize", names), "page_size");
	CHECK(!nearest("zzzzz", names));
	CHECK(!nearest("", names));
	char longest[5000];
	memset(longest, 'e', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	CHECK(!nearest(longest, names));
}

/* ---- the reference ---- */

static char *
reference(void)
{
	struct buf b = {0};

	settings_document(&b);
	return buf_take(&b);
}

TEST("conf/reference.ini is what the table of keys says (build/tests/unit/config_settings --write makes it anew)")
{
	fresh();
	char *path = xasprintf("%s/conf/reference.ini", root), *want = reference(), *got = NULL;
	FILE *f = fopen(path, "re");
	size_t n;

	if (f) {
		got = xcalloc(1, 1 << 20);
		n = fread(got, 1, (1 << 20) - 1, f);
		CHECK(n == strlen(want));
		fclose(f);
	}
	CHECK(got && !strcmp(got, want));
	free(got);
	free(want);
	free(path);
}

TEST("the reference loads as it stands, changes nothing, and loads with every line in force")
{
	fresh();
	char *text = reference();
	struct settings *s = load(text);
	CHECK(s && s->n_connections == 0 && s->host.retries == 5);
	settings_free(s);
	for (char *p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (*p == ';')
			*p = ' ';
	char *both = strstr(text, " seconds = "); /* the same key as every */
	REQUIRE(both);
	*both = '#';
	both = strstr(text, " cron = "); /* instead of every */
	REQUIRE(both);
	*both = '#';
	static const char *const env[] = {"SLUICE_SECRET_KEY", "ACME_SLACK_TOKEN", "ACME_API_KEY", "ACME_USERNAME", "ACME_CLIENT_ID",
	                                  "ACME_CLIENT_SECRET", "ACME_REFRESH_TOKEN", "HOOK_SECRET", "HOOK_SECRET_OLD", "NANGO_SECRET", "SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET",
	                                  "SLACK_SIGNING_SECRET", "SLACK_SIGNING_SECRET_OLD"};
	for (unsigned i = 0; i < LENGTH(env); i++)
		setenv(env[i], "0123456789abcdef", 1);
	put("acme.password", "x");
	put("acme-service-account.pem", "x");
	s = load(text);
	CHECK_STR(err.text, "");
	REQUIRE(s && s->n_syncs == 1 && s->n_datasets == 1 && s->n_connections == 1 && s->n_integrations == 1 && s->n_keys == 1);
	CHECK(settings_sync(s, settings_connection(s, "acme", "slack"), "channel-messages"));
	settings_free(s);
	free(text);
}

TEST("every key of the table has help, and a default or a sample, and no two are the same")
{
	for (const struct key *k = keys; k < keys + keys_count; k++) {
		CHECK(k->help && (k->initial || k->sample));
		CHECK(key_find(k->section, k->name) == k);
		CHECK((k->words != NULL) == (k->type == KEY_WORD || k->type == KEY_CHOICE));
	}
}

/* --write makes conf/reference.ini from the table. */
int
main(int argc, char **argv)
{
	unsetenv("SLUICE_LISTEN"); /* tests/run sets it for those that serve */
	if (argc < 2 || strcmp(argv[1], "--write"))
		return tap_main(argc, argv);
	char *text = reference();
	put("conf/reference.ini", text);
	free(text);
	return 0;
}
