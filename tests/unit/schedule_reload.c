/* schedule_reload.c - the configuration read anew under a living host: all of it or nothing, and what changed by name. */
#include <sys/stat.h>
#include <unistd.h>
#include "base/mem.h"
#include "schedule/service.h"
#include "../tap.h"

/* What reload.c needs of a service, and no more. */
struct service {
	uv_loop_t loop;
	char *dir, *conf;
	struct host *host;
	unsigned refits;
	struct buf changes;
	struct err err;
};

struct host *
service_host(const struct service *s)
{
	return s->host;
}

struct settings *
service_load(struct service *s, struct err *err)
{
	const struct settings_source from = {.conf = s->conf};

	return settings_load(&from, err);
}

void
service_refit(struct service *s)
{
	s->refits++;
}

static void
write_text(const struct service *s, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", s->dir, name);
	FILE *f = fopen(path, "wbe");

	if (!f || fputs(text, f) < 0)
		printf("# cannot write %s\n", path);
	if (f)
		fclose(f);
	chmod(path, 0600);
	free(path);
}

/* [host] as it must be here, `host` after it, a base URL for all, then the rest. */
static void
configure(const struct service *s, const char *host, const char *rest)
{
	const char *build = getenv("BUILD") ? getenv("BUILD") : "build";
	char *text = xasprintf("[host]\ndata_dir = %s/store\nplugin_dir = %s\nworker = %s/sluice-worker\n%s\n[integration hot]\nbase_url = http://127.0.0.1:9\n%s", s->dir,
	                       s->dir, build, host, rest);

	write_text(s, "sluice.ini", text);
	free(text);
}

#define TWO "[connection acme : hot]\n[connection beta : hot]\n[sync acme : hot : items]\nevery = 1h\n"

static bool
begin(struct service *s, const char *rest)
{
	struct host_options o = {.loop = &s->loop};
	char *copy;
	struct settings *settings;

	*s = (struct service){.dir = xasprintf("%s/sluice-reload-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp")};
	if (!mkdtemp(s->dir))
		return false;
	chmod(s->dir, 0755);
	copy = xasprintf("cp %s/tests/plugins/hot_one.so %s/hot.so", getenv("BUILD") ? getenv("BUILD") : "build", s->dir);
	s->conf = xasprintf("%s/sluice.ini", s->dir);
	uv_loop_init(&s->loop);
	configure(s, "", rest);
	settings = system(copy) == 0 ? service_load(s, &s->err) : NULL;
	free(copy);
	o.settings = settings;
	s->host = settings ? host_new(&o, &s->err) : NULL;
	settings_free(settings); /* the host has its own hold */
	if (!s->host)
		printf("# %s\n", s->err.text);
	return s->host != NULL;
}

static void
finish(struct service *s)
{
	char *command = xasprintf("rm -rf %s", s->dir);

	host_free(s->host);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	uv_loop_close(&s->loop);
	if (system(command) != 0)
		printf("# %s stays\n", s->dir);
	free(command);
	free(s->dir);
	free(s->conf);
	buf_free(&s->changes);
}

static int
reload(struct service *s)
{
	buf_clear(&s->changes);
	s->err = (struct err){0};
	return service_reload(s, &s->changes, &s->err);
}

TEST("what changed is said by section and key; the old settings live on while somebody holds them")
{
	struct service s;
	struct settings *old;

	REQUIRE(begin(&s, TWO));
	old = settings_hold(host_settings(s.host));
	configure(&s, "max_runs = 7\nrequest_timeout = 5s\n",
	          "[connection acme : hot]\nbase_url = http://127.0.0.1:1\nmetadata.region = eu\n[connection gamma : hot]\n"
	          "[sync acme : hot : items]\nevery = 2h\npage_size = 5\n");
	CHECK_INT(reload(&s), 0);
	CHECK_STR(buf_str(&s.changes), "[host] changed: request_timeout, max_runs\n"
	                               "[connection acme : hot] changed: base_url, metadata.region\n"
	                               "[connection beta : hot] removed\n"
	                               "[connection gamma : hot] added\n"
	                               "[sync acme : hot : items] changed: every, page_size\n");
	CHECK_INT(s.refits, 1);
	CHECK_INT(host_settings(s.host)->host.max_runs, 7);
	CHECK(settings_connection(host_settings(s.host), "gamma", "hot"));
	CHECK(settings_connection(old, "beta", "hot")); /* a run that began with it may go on */
	settings_free(old);
	finish(&s);
}

TEST("nothing changed is nothing done, wherever the lines stand now")
{
	struct service s;
	const struct settings *before;

	REQUIRE(begin(&s, TWO));
	before = host_settings(s.host);
	configure(&s, "# a remark\n\n",
	          "[sync acme : hot : items]\nevery = 60 minutes\n[connection beta : hot]\n[connection acme : hot]\n");
	CHECK_INT(reload(&s), 0);
	CHECK_STR(buf_str(&s.changes), "");
	CHECK(host_settings(s.host) == before);
	CHECK_INT(s.refits, 0);
	finish(&s);
}

TEST("a secret rotated in its file is noticed")
{
	struct service s;

	REQUIRE(begin(&s, TWO));
	write_text(&s, "token", "the-first-one");
	{
		char *rest = xasprintf("[connection acme : hot]\ntoken = file:%s/token\n", s.dir);

		configure(&s, "", rest);
		free(rest);
	}
	CHECK_INT(reload(&s), 0);
	CHECK_INT(reload(&s), 0);
	CHECK_STR(buf_str(&s.changes), "");
	write_text(&s, "token", "the-second-one");
	CHECK_INT(reload(&s), 0);
	CHECK_STR(buf_str(&s.changes), "[connection acme : hot] changed: token\n");
	CHECK_INT(s.refits, 2);
	finish(&s);
}

static const struct {
	const char *host, *rest, *says;
} faulty[] = {
	{"max_runs = many\n", TWO, "max_runs"},
	{"encryption_key = none\n", TWO, "[host] encryption_key cannot change while the host runs"},
	{"hash_ids = yes\n", TWO, "[host] hash_ids cannot change"},
	{"", TWO "[connection delta : absent]\n", "there is no plugin 'absent'"},
	{"", TWO "[connection delta : hot]\ncolour = red\n", "colour"},
	{"", TWO "[connection delta : hot]\ntoken = env:SLUICE_TEST_NOT_SET\n", "SLUICE_TEST_NOT_SET"},
	{"", TWO "[sync beta : hot : itemz]\n", "no sync 'itemz'; did you mean 'items'"},
	{"", TWO "[sync beta : hot : items]\nafter = beta : hot : items\n", "items"},
};

TEST("one fault refuses the whole of it: what was good in it is not taken either")
{
	struct service s;
	const struct settings *before;

	REQUIRE(begin(&s, TWO));
	before = host_settings(s.host);
	for (size_t i = 0; i < LENGTH(faulty); i++) {
		char *host = xasprintf("retries = 1\n%s", faulty[i].host);

		configure(&s, host, faulty[i].rest);
		CHECK_INT(reload(&s), -1);
		CHECK_HAS(s.err.text, faulty[i].says);
		CHECK(host_settings(s.host) == before);
		CHECK_INT(s.refits, 0);
		free(host);
	}
	configure(&s, "", TWO "[connection delta : absent]\n[connection eps : absent]\n");
	CHECK_INT(reload(&s), -1);
	CHECK_HAS(s.err.text, "2 reasons, the first: ");
	finish(&s);
}

TEST("what was wrong before refuses nothing: a host that lives with one fault can be reloaded")
{
	struct service s;

	REQUIRE(begin(&s, TWO "[connection delta : absent]\n"));
	configure(&s, "", TWO "[connection delta : absent]\n[connection gamma : hot]\n");
	CHECK_INT(reload(&s), 0);
	CHECK_STR(buf_str(&s.changes), "[connection gamma : hot] added\n");
	finish(&s);
}

TEST("a file that a connection lacked is taken when it comes; edits of anything else wait for a reload")
{
	struct service s;
	char *rest;

	REQUIRE(begin(&s, TWO));
	rest = xasprintf("%s[connection delta : hot]\ntoken = file:%s/late\n", TWO, s.dir);
	configure(&s, "", rest);
	{
		struct settings *now = service_load(&s, &s.err); /* as a host that started without the file */

		REQUIRE(now);
		host_settings_replace(s.host, now);
	}
	CHECK(settings_connection(host_settings(s.host), "delta", "hot")->broken);
	service_mend(&s);
	CHECK_INT(s.refits, 0); /* still missing */
	write_text(&s, "late", "the-token");
	configure(&s, "max_runs = 7\n", rest);
	service_mend(&s);
	CHECK_INT(s.refits, 0); /* somebody is editing */
	configure(&s, "", rest);
	service_mend(&s);
	CHECK_INT(s.refits, 1);
	CHECK(!settings_connection(host_settings(s.host), "delta", "hot")->broken);
	service_mend(&s);
	CHECK_INT(s.refits, 1);
	free(rest);
	finish(&s);
}

TEST("a connection that is added without a base URL refuses it")
{
	struct service s;

	REQUIRE(begin(&s, TWO));
	configure(&s, "", TWO "[integration bare]\nplugin = hot\n[connection delta : bare]\n");
	CHECK_INT(reload(&s), -1);
	CHECK_HAS(s.err.text, "connection delta : bare: base_url is missing: connector 'hot' has none of its own; set it in its [integration]");
	CHECK_INT(s.refits, 0);
	finish(&s);
}

TEST("a circle of after is refused, and so is one that names nothing")
{
	struct service s;

	REQUIRE(begin(&s, TWO));
	configure(&s, "", "[connection acme : hot]\n[connection beta : hot]\n[sync acme : hot : items]\nevery = 1h\n"
	                  "after = beta : hot : items\n[sync beta : hot : items]\nafter = acme : hot : items\n");
	CHECK_INT(reload(&s), -1);
	CHECK_HAS(s.err.text, "a circle");
	configure(&s, "", TWO "[sync beta : hot : items]\nafter = acme : hot : itemz\n");
	CHECK_INT(reload(&s), -1);
	CHECK_HAS(s.err.text, "there is no sync acme:hot:itemz");
	configure(&s, "", TWO "[sync beta : hot : items]\nafter = acme hot items\n");
	CHECK_INT(reload(&s), -1);
	CHECK_HAS(s.err.text, "names no sync");
	CHECK_INT(s.refits, 0);
	finish(&s);
}
