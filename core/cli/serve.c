/* serve.c - `sluice serve`: the service in the foreground, until a signal ends it.
 *
 *   SIGTERM, SIGINT  no run begins any more, those under way finish their step, at most stop_timeout; a second one: at once
 *   SIGHUP           the configuration is read anew, as by `sluice reload`
 *   SIGUSR1          log_file is opened anew, after somebody has renamed it
 *
 * Guarantee: 0 when everything that runs had saved is durable and every run had come to its end. Awkward: a run that does
 * not end in time is left behind, the store is closed by the process's end; the next host goes on from its last commit. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "api/api.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/notify.h"
#include "deliver/deliver.h"
#include "event/queue.h"
#include "run/apikey.h"
#include "run/sections.h"
#include "schedule/service.h"
#include "serve/local.h"

enum { ON_TERM, ON_INT, ON_HUP, ON_USR1, SIGNALS };

struct serve {
	struct cli *cli;
	struct host *host;
	struct service *service;
	struct deliver *deliver;
	struct local *local;
	struct events *events;
	struct api *api;
	uv_signal_t signals[SIGNALS];
	uv_timer_t watchdog, late;
	int handles;                 /* open */
	int log_fd;
	int stopped;                 /* the signal that did it */
	bool idle, overdue;
};

/* ---- the log ---- */

static void
log_level_of(const struct serve *s, enum log_level *level, enum log_format *format)
{
	const struct host_settings *h = &host_settings(s->host)->host;
	const char *how = s->cli->log_format ? s->cli->log_format : h->log_format;

	*level = LOG_INFO;
	log_level_find(slice_str(s->cli->log_level ? s->cli->log_level : h->log_level), level);
	*format = how && *how == 'j' ? LOG_JSON : how && *how == 't' ? LOG_TEXT : LOG_AUTO;
}

/* One that cannot be opened leaves the log where it was. */
static int
log_open(struct serve *s, struct err *err)
{
	const char *path = s->cli->settings->host.log_file;
	enum log_format format;
	enum log_level level;
	int fd, before = s->log_fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd < 0)
		return err_set(err, ERR_USAGE, "log_file %s: %s", path, strerror(errno));
	log_level_of(s, &level, &format);
	log_setup(fd, level, format);
	s->log_fd = fd;
	if (before > 2)
		close(before);
	return 0;
}

/* Level and format may be others after a reload. */
static void
log_settle(const struct serve *s)
{
	enum log_format format;
	enum log_level level;

	log_level_of(s, &level, &format);
	log_setup(s->log_fd, level, format);
}

static void
settled(void *arg)
{
	const struct serve *s = arg;

	log_settle(s);
	if (s->deliver)
		deliver_settled(s->deliver);
	api_settled(s->api);
}

/* ---- signals ---- */

static void
service_idle(void *arg)
{
	struct serve *s = arg;

	s->idle = true;
}

static void
stop_late(uv_timer_t *timer)
{
	struct serve *s = timer->data;

	s->overdue = true;
}

static void
on_stop(uv_signal_t *handle, int number)
{
	struct serve *s = handle->data;
	char text[TIME_TEXT_MAX];
	int64_t ms = host_settings(s->host)->host.stop_timeout_ms;

	if (s->stopped)
		_exit(128 + number);
	s->stopped = number;
	notify_send("STOPPING=1");
	log_info("ends (%s): runs finish their step, at most %s; once more ends at once",
	         number == SIGTERM ? "SIGTERM" : "SIGINT", duration_format(ms, text));
	uv_timer_start(&s->late, stop_late, (uint64_t)ms, 0);
	api_calm(s->api);
	deliver_stop(s->deliver);
	events_calm(s->events);
	service_stop(s->service, "the host ends; the next run goes on from here", service_idle, s);
}

static void
on_reload(uv_signal_t *handle, int number)
{
	struct serve *s = handle->data;
	struct timespec now;
	struct err err;

	(void)number;
	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	service_reload(s->service, NULL, &err); /* says itself what came of it */
	notify_send("READY=1");
}

static void
on_reopen(uv_signal_t *handle, int number)
{
	struct serve *s = handle->data;
	struct err err;

	(void)number;
	if (log_open(s, &err) != 0)
		log_error("%s: the log goes on where it was", err.text);
	else
		log_info("the log was opened anew");
}

static void
feed_watchdog(uv_timer_t *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static const struct {
	int number;
	uv_signal_cb heard;
} heard[SIGNALS] = {
	[ON_TERM] = {SIGTERM, on_stop},
	[ON_INT] = {SIGINT, on_stop},
	[ON_HUP] = {SIGHUP, on_reload},
	[ON_USR1] = {SIGUSR1, on_reopen},
};

static void
handles_open(struct serve *s)
{
	int64_t often = notify_watchdog_ms();

	for (size_t i = 0; i < SIGNALS; i++) {
		uv_signal_init(&s->cli->loop, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], heard[i].heard, heard[i].number);
	}
	uv_timer_init(&s->cli->loop, &s->watchdog);
	uv_timer_init(&s->cli->loop, &s->late);
	s->watchdog.data = s->late.data = s;
	s->handles = SIGNALS + 2;
	if (often)
		uv_timer_start(&s->watchdog, feed_watchdog, 0, (uint64_t)often);
}

static void
handle_gone(uv_handle_t *handle)
{
	struct serve *s = handle->data;

	s->handles--;
}

static void
handles_close(struct serve *s)
{
	for (size_t i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&s->signals[i], handle_gone);
	uv_close((uv_handle_t *)&s->watchdog, handle_gone);
	uv_close((uv_handle_t *)&s->late, handle_gone);
	while (s->handles)
		uv_run(&s->cli->loop, UV_RUN_ONCE);
}

/* ---- the whole ---- */

static struct settings *
settings_again(void *arg, struct err *err)
{
	const struct cli *c = ((const struct serve *)arg)->cli;
	const struct settings_source from = {.conf = c->conf, .set = (const char *const *)c->set};

	return settings_load(&from, err);
}

static void
started_tell(const struct serve *s)
{
	size_t connections, syncs;
	char at[TIME_TEXT_MAX];
	int64_t next_us;

	service_counts(s->service, &connections, &syncs, &next_us);
	log_info("serves %zu connection%s, %zu sync%s; next due: %s", connections, connections == 1 ? "" : "s", syncs,
	         syncs == 1 ? "" : "s", next_us ? time_format_ms(next_us, at) : "none by itself");
	notify_send("READY=1\nSTATUS=serves %zu connections, %zu syncs", connections, syncs);
}

/* What was handed to the store is made durable; what runs did since is lost with them, as by kill -9. */
static void
leave_behind(struct serve *s)
{
	log_error("runs did not end within stop_timeout: they are left where their last commit stands");
	store_drain(host_store(s->host));
	_exit(err_exit_code(ERR_HOST));
}

static const struct secret *
key_of_webhooks(void *arg)
{
	return apikey_signing(((const struct serve *)arg)->host);
}

static void
section_fault(void *arg, const struct err *why)
{
	(void)arg;
	log_error("%s", why->text);
}

static void
section_doubt(void *arg, const struct err *why)
{
	(void)arg;
	(void)why; /* `config --check` tells them */
}

/* What a run of theirs would be refused for is told now; everything else is served. */
static void
sections_tell(const struct serve *s)
{
	sections_judge(s->host, s->cli->settings, &(struct section_judge){section_fault, section_doubt, NULL});
}

static int
serve_until_told(struct serve *s, struct err *err)
{
	const struct service_options o = {
		.loop = &s->cli->loop, .host = s->host, .load = settings_again, .settled = settled, .arg = s};
	const struct deliver_options out = {.loop = &s->cli->loop, .host = s->host, .nango_key = key_of_webhooks, .arg = s};

	s->service = service_new(&o, err);
	s->deliver = s->service ? deliver_new(&out, err) : NULL;
	s->events = s->deliver ? events_open(s->host, err) : NULL;
	s->local = s->events ? local_open(&s->cli->loop, s->host, err) : NULL;
	s->api = s->local ? api_open(&(struct api_options){&s->cli->loop, s->host, s->service}, err) : NULL;
	if (!s->api) {
		local_close(s->local);
		events_close(s->events);
		deliver_free(s->deliver);
		service_free(s->service);
		return -1;
	}
	handles_open(s);
	sections_tell(s);
	service_begin(s->service);
	started_tell(s);
	while (!(s->idle && deliver_idle(s->deliver)) && !s->overdue)
		uv_run(&s->cli->loop, UV_RUN_ONCE);
	if (!s->idle)
		leave_behind(s);
	handles_close(s);
	api_close(s->api);
	local_close(s->local);
	deliver_free(s->deliver);
	events_close(s->events);
	service_free(s->service);
	return 0;
}

static int
command_serve_run(struct cli *c)
{
	struct serve s = {.cli = c, .log_fd = 2};
	struct err err;
	int rc;

	settings_exposed(c->settings);
	s.host = host_patient(c, false, true, &err);
	if (!s.host) {
		busy_remedy(&err, "one at a time writes a store: end that one first (a service: `systemctl stop sluice`), or name another "
		                  "data_dir");
		return cli_fail(c, &err);
	}
	rc = log_open(&s, &err) == 0 ? serve_until_told(&s, &err) : -1;
	host_free(s.host);
	if (rc == 0)
		log_info("has ended; everything is saved");
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_serve = {
	.name = "serve",
	.usage = "",
	.summary = "Keeps all connections synced by their schedule, until a signal ends it",
	.help = "Stays in the foreground and logs to stderr, or to [host] log_file. Who asks beside it (status, run, start, "
                "pause,\n"
                "trigger, cancel, reload) is answered by it, over a socket in data_dir.\n"
                "SIGTERM or SIGINT: runs finish their step, within stop_timeout, and the next start goes on with them; "
                "once more: at once.\n"
                "SIGHUP: reads the configuration anew, all of it or nothing. SIGUSR1: opens log_file anew.\n"
                "Exit code 0: everything was saved. 4: somebody else has the store open.",
	.run = command_serve_run,
};
