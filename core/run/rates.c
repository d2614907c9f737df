/* rates.c - STATE_RATE rows, one for each limit by its name, as the proxy writes and reads them (core/proxy/keep.h).
 *
 * Guarantee: a limited request is sent only when a row that covers it is durable, so a process that is killed at any
 * moment has sent no more than its rows say.
 * A guest (another process has the store) begins with what the rows say, and writes none: the two count each for itself.
 * Awkward: when a row cannot be written (a full disk) requests go on: the run itself ends by the same trouble soon, and
 * in good order only if nothing of it hangs. */
#include "run/rates.h"

#include "base/json.h"
#include "base/log.h"
#include "run/host.h"

static void
row_put(void *arg, const char *key, struct slice row)
{
	commit_state_set(arg, 0, STATE_RATE, slice_str(key), row);
}

static void
rows_durable(void *arg, const struct commit_result *result)
{
	struct host *h = arg;

	if (result->err.cls != ERR_NONE)
		log_warn("what was sent under rate limits cannot be written down: %s", result->err.text);
	if (h->proxy)
		proxy_limits_saved(h->proxy);
}

static void
rows_save(void *arg)
{
	struct host *h = arg;
	struct commit *c = commit_new(h->store, (struct fence){0, 0});

	proxy_limits_write(h->proxy, false, row_put, c);
	store_commit(h->store, c, true, rows_durable, h);
}

static bool
row_read(void *arg, struct slice name, struct slice value)
{
	struct host *h = arg;
	struct buf key = {0};

	buf_slice(&key, name);
	if (json_check(value, 8, NULL))
		proxy_limit_read(h->proxy, buf_str(&key), value);
	buf_free(&key);
	return true;
}

void
rates_begin(struct host *h)
{
	struct err err = {0};

	if (!h->store)
		return;
	if (store_state_list(h->store, 0, STATE_RATE, row_read, h, &err) != 0)
		log_warn("what was sent under rate limits cannot be read: %s", err.text);
	if (!h->guest)
		proxy_limits_keep(h->proxy, rows_save, h);
}

void
rates_end(struct host *h)
{
	struct commit *c;
	struct err err = {0};

	if (!h->store || !h->proxy || h->guest)
		return;
	proxy_limits_keep(h->proxy, NULL, NULL);
	c = commit_new(h->store, (struct fence){0, 0});
	if (!proxy_limits_write(h->proxy, true, row_put, c))
		commit_free(c); /* it only looked */
	else if (store_commit_wait(h->store, c, NULL, &err) != 0)
		log_warn("what was sent under rate limits cannot be written down: %s", err.text);
}

int
host_limits(struct host *h, void (*each)(void *arg, const struct proxy_limit_state *s), void *arg, struct err *err)
{
	struct proxy *p = h->store ? host_proxy(h, err) : NULL;

	if (!p)
		return h->store ? -1 : 0;
	proxy_limits_look(p, each, arg);
	return 0;
}
