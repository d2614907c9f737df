/* host.h - the insides of struct host, for the files of core/run only. */
#ifndef SLUICE_RUN_HOST_H
#define SLUICE_RUN_HOST_H

#include "plugin/registry.h"
#include "run/run.h"

struct host {
	uv_loop_t *loop;
	const struct clock *clock;
	struct settings *settings;       /* in force; held */
	struct store *store;             /* NULL: read_only and none there, or no_store */
	bool guest;                      /* it is another process's, and only read here */
	host_renew *renew;               /* by that process; NULL: nobody does */
	void *renew_arg;
	struct proxy *proxy;             /* made with the first run */
	struct registry *registry;       /* made with the first manifest */
	struct run *runs;                /* under way, each once */
	uv_async_t wake;                 /* the store's writer thread has finished something */
	struct metrics *metrics;
	struct shapes *shapes;           /* manifests of connections with datasets of the operator: shaped.c */
	struct tokens *tokens;           /* keepers of access tokens: tokens.c */
	struct actions *actions;         /* made with the first action that is asked for */
	struct async *async;             /* those that nobody waits for */
	struct events *events;           /* borrowed; the queue of incoming events; NULL: a one-shot command */
	struct buf addresses;            /* run.h: host_addresses */
	void (*apikey_changed)(void *arg);
	void *apikey_arg;
	struct secret *apikey;           /* the one that was made, once it was asked for: apikey.c */
	struct service *service;         /* borrowed; NULL: a one-shot command */
	struct deliver *deliver;         /* as service */
	bool merging;                    /* a merge is being built: merges.c */
	bool merge_failed;               /* the last attempt at one */
	bool ending;                     /* begins nothing more */
	bool wake_open;
	bool wake_closed;
};

/* A host that only reads has none where nothing was ever synced; what must be kept makes it. ERR_BUSY: another process has it. */
int host_store_make(struct host *h, struct err *err);
struct proxy *host_proxy(struct host *h, struct err *err);
struct registry *host_registry(struct host *h, struct err *err);
struct plugin_file *host_plugin(struct host *h, const char *plugin, struct err *err); /* held for you */

#endif
