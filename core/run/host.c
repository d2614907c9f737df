/* host.c - what all runs of this process share: loop, clock, settings, store, proxy, registry of plugins.
 *
 * The store's writer thread says through one uv_async that commits are finished; their callbacks then run on the loop.
 * Proxy and registry are made when first needed, so that a command which only reads the store costs neither.
 *
 * Awkward: the async handle keeps the loop alive on purpose. Whoever turns the loop turns it with UV_RUN_ONCE until his
 * own condition holds; a loop without a living handle would spin. */
#include <errno.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/async.h"
#include "run/connections.h"
#include "run/endpoints.h"
#include "run/host.h"
#include "run/metrics.h"
#include "run/shaped.h"
#include "run/tokens.h"
#include "run/merges.h"
#include "run/rates.h"

static void
host_woken(uv_async_t *wake)
{
	struct host *h = wake->data;

	if (h->store)
		store_poll(h->store);
}

/* Called on the writer thread. */
static void
host_wake(void *arg)
{
	struct host *h = arg;

	uv_async_send(&h->wake);
}

static bool
store_there(const char *dir)
{
	char *path = xasprintf("%s/data.mdb", dir);
	struct stat st;
	bool there = stat(path, &st) == 0 || errno != ENOENT; /* one that cannot be looked at is no missing one */

	free(path);
	return there;
}

struct store_options
host_store_options(const struct settings *settings)
{
	const struct host_settings *s = &settings->host;

	return (struct store_options){
		.dir = s->data_dir,
		.key = s->encryption_key,
		.key_file = s->key_file,
		.plain = !s->encrypt,
		.hash_ids = s->hash_ids,
		.commit_delay_ms = s->commit_delay_ms,
		.commit_bytes = s->commit_bytes,
	};
}

static int
host_open(struct host *h, struct err *err)
{
	struct store_options options = host_store_options(h->settings);

	options.guest = h->guest;
	options.clock = h->clock;
	options.wake = host_wake;
	options.arg = h;
	h->store = store_open(&options, err);
	return h->store ? 0 : -1;
}

int
host_store_make(struct host *h, struct err *err)
{
	return h->store ? 0 : host_open(h, err);
}

struct host *
host_new(const struct host_options *o, struct err *err)
{
	struct host *h = XNEW(struct host);

	h->loop = o->loop;
	h->clock = o->clock ? o->clock : &clock_system;
	h->settings = settings_hold(o->settings);
	h->guest = o->guest;
	h->renew = o->renew;
	h->renew_arg = o->renew_arg;
	h->metrics = metrics_new();
	if (uv_async_init(h->loop, &h->wake, host_woken) != 0) {
		err_set(err, ERR_HOST, "the event loop takes no more handles");
		goto out;
	}
	h->wake.data = h;
	h->wake_open = true;
	if (o->no_store || (o->read_only && !store_there(o->settings->host.data_dir)))
		return h;
	if (host_open(h, err) == 0 && connections_load(h, h->settings, err) == 0 &&
	    (o->read_only || o->guest ||
	     (merges_set(h, h->settings, !o->beside, err) == 0 && endpoints_set(h, h->settings, err) == 0)))
		return h;
out:
	host_free(h);
	return NULL;
}

static void
wake_closed(uv_handle_t *handle)
{
	struct host *h = handle->data;

	h->wake_closed = true;
}

void
host_free(struct host *h)
{
	if (!h)
		return;
	h->ending = true;
	async_stop(h);
	actions_end(h);
	async_end(h);
	rates_end(h);
	tokens_end(h);
	proxy_free(h->proxy);
	h->proxy = NULL;
	shapes_free(h);
	registry_free(h->registry);
	store_close(h->store); /* joins the writer: nobody wakes us any more */
	if (h->wake_open) {
		uv_close((uv_handle_t *)&h->wake, wake_closed);
		while (!h->wake_closed)
			uv_run(h->loop, UV_RUN_ONCE);
	}
	settings_free(h->settings);
	secret_free(h->apikey);
	buf_free(&h->addresses);
	metrics_free(h->metrics);
	free(h);
}

static struct proxy_options
proxy_options_of(struct host *h)
{
	const struct host_settings *s = &h->settings->host;

	return (struct proxy_options){
		.clock = h->clock,
		.max_answer = s->max_answer,
		.connect_ms = s->connect_ms,
		.request_ms = s->request_ms,
		.retries = s->retries ? s->retries : UINT64_MAX,
		.retry_base_ms = s->retry_base_ms,
		.retry_max_ms = s->retry_max_ms,
		.ca_file = s->ca_file,
		.told = metrics_request,
		.told_arg = h,
	};
}

struct proxy *
host_proxy(struct host *h, struct err *err)
{
	struct proxy_options options = proxy_options_of(h);

	if (!h->proxy) {
		h->proxy = proxy_new(h->loop, &options, err);
		if (h->proxy)
			rates_begin(h);
	}
	return h->proxy;
}

void
host_settings_replace(struct host *h, struct settings *s)
{
	struct proxy_options options;

	settings_free(h->settings);
	h->settings = s;
	options = proxy_options_of(h);
	if (h->proxy)
		proxy_options_change(h->proxy, &options);
}

struct registry *
host_registry(struct host *h, struct err *err)
{
	const struct host_settings *s = &h->settings->host;
	const struct registry_options options = {
		.dir = s->plugin_dir,
		.worker = s->worker,
		.memory = s->worker_memory,
		.start_ms = s->worker_start_ms,
		.seccomp_only = s->sandbox == SANDBOX_SECCOMP_ONLY,
	};

	if (!h->registry)
		h->registry = registry_new(&options);
	if (!h->registry)
		err_set(err, ERR_HOST, "the registry of plugins in %s cannot be made", s->plugin_dir);
	return h->registry;
}

#define FULL_LEAST (UINT64_C(8) << 20) /* where commits failed for lack of room, runs wait for so much */

bool
host_room_lacks(const struct host *h, struct err *err)
{
	uint64_t least = h->settings->host.min_free;
	struct store_stats stats;
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];

	store_stats(h->store, &stats);
	if (stats.free_disk < least)
		err_set(err, ERR_HOST, "only %s are free in %s, and no run starts below %s: make room, or lower min_free in [host]",
		        size_format(stats.free_disk, a), store_dir(h->store), size_format(least, b));
	else if (store_full(h->store) && stats.free_disk < FULL_LEAST)
		err_set(err, ERR_HOST, "no space left on %s (%s free): make room, and runs go on", store_dir(h->store),
		        size_format(stats.free_disk, a));
	else
		return false;
	return true;
}

struct store *
host_store(struct host *h)
{
	return h->store;
}

const struct settings *
host_settings(const struct host *h)
{
	return h->settings;
}

const struct clock *
host_clock(const struct host *h)
{
	return h->clock;
}

uv_loop_t *
host_loop(const struct host *h)
{
	return h->loop;
}

const struct manifest *
host_manifest(struct host *h, const char *plugin, struct err *err)
{
	struct registry *registry = host_registry(h, err);

	return registry ? registry_manifest(registry, plugin, err) : NULL;
}

void
host_manifest_learn(struct host *h, const char *plugin, struct slice json)
{
	struct registry *registry = host_registry(h, NULL);
	struct manifest *m = registry ? manifest_parse(json, NULL) : NULL;

	if (m)
		registry_learn(registry, plugin, m);
}

const struct manifest *
host_manifest_file(struct host *h, const char *path, struct err *err)
{
	struct registry *registry = host_registry(h, err);

	return registry ? registry_manifest_file(registry, path, err) : NULL;
}

struct plugin_file *
host_plugin(struct host *h, const char *plugin, struct err *err)
{
	struct registry *registry = host_registry(h, err);

	return registry ? registry_plugin(registry, plugin, err) : NULL;
}

int
host_plugins_watch(struct host *h, const struct registry_watch *w, struct err *err)
{
	struct registry *registry = host_registry(h, err);

	return registry ? registry_watch(registry, w, err) : -1;
}

void
host_plugins_refresh(struct host *h)
{
	if (h->registry)
		registry_refresh(h->registry);
}

void
host_plugins_unwatch(struct host *h)
{
	if (h->registry)
		registry_unwatch(h->registry);
}

struct plugin_file *
host_plugin_look(const struct host *h, const char *plugin)
{
	return h->registry ? registry_look(h->registry, plugin) : NULL;
}

bool
host_plugins_watched(const struct host *h)
{
	return h->registry && registry_watched(h->registry);
}

const char *
host_plugin_trouble(const struct host *h, const char *plugin, uint64_t *inode)
{
	return h->registry ? registry_trouble(h->registry, plugin, inode) : NULL;
}

char **
host_plugins(struct host *h)
{
	struct registry *registry = host_registry(h, NULL);

	return registry ? registry_list(registry) : XNEW(char *);
}

struct service *
host_service(const struct host *h)
{
	return h->service;
}

struct slice
host_addresses(const struct host *h)
{
	return h->addresses.len ? buf_view(&h->addresses) : SLICE("[]");
}

void
host_listens(struct host *h, struct slice json)
{
	buf_clear(&h->addresses);
	buf_slice(&h->addresses, json);
}

void
host_serves(struct host *h, struct service *s)
{
	h->service = s;
}

struct deliver *
host_deliver(const struct host *h)
{
	return h->deliver;
}

void
host_delivers(struct host *h, struct deliver *d)
{
	h->deliver = d;
}

struct events *
host_events(const struct host *h)
{
	return h->events;
}

void
host_takes_events(struct host *h, struct events *q)
{
	h->events = q;
}
