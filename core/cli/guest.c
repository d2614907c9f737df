/* guest.c - a store for a dry run: our own when nobody has it, else read beside whoever has.
 *
 * The first way can do more (tokens are renewed here, limits counted for all), so it is tried first; those who read shortly are
 * waited for. Who listens on sluice.sock stays for longer, so nobody waits for that one.
 *
 * As a guest this process writes nothing, takes no lock and answers nobody: whatever becomes of it, the other one goes on, and may
 * end or begin anew meanwhile. Awkward: what only that one may do, renewing a token by its refresh token, it is asked for. */
#include <unistd.h>
#include "cli/cli.h"
#include "serve/local.h"

#define PATIENCE_MS 2500
#define PAUSE_MS 20

static int
question_ask(const struct cli *c, struct slice question, struct buf *end, struct err *err)
{
	const struct query_sink sink = {row_none, NULL};

	return local_ask(c->settings->host.data_dir, question, &sink, end, err);
}

static bool
somebody_stays(const struct cli *c)
{
	struct buf end = {0};
	struct err none;
	bool stays = question_ask(c, SLICE("{\"query\":\"service\"}"), &end, &none) == 0;

	buf_free(&end);
	return stays;
}

/* Where the question fails for the moment only, the keeper of tokens asks again by itself. */
static int
renew(void *arg, const char *connection, const char *integration, const char *doubted, struct err *err)
{
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "renew_token");
	json_kv_str(&o, "connection", connection);
	json_kv_str(&o, "integration", integration);
	json_kv_str(&o, "doubted", doubted);
	json_close(&o, '}');
	rc = question_ask(arg, buf_view(&question), &end, err);
	if (rc == 0)
		rc = member_bool(buf_view(&end), "done", false) ? 0 : 1;
	else if (err->cls == ERR_BUSY)
		err_set(err, ERR_BUSY, "connection %s : %s: the process that had the store, and alone renews access tokens, has ended: say it "
		        "again", connection, integration);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

struct host *
host_visit(struct cli *c, bool *guest, struct err *err)
{
	struct host_options o = {.loop = &c->loop, .settings = c->settings, .renew = renew, .renew_arg = c};
	int64_t end = clock_mono_ms(&clock_system) + PATIENCE_MS;
	struct host *h = NULL;
	bool late;

	if (owner_become(c->settings->host.data_dir, err) != 0)
		return NULL;
	for (;;) {
		o.read_only = true;
		o.guest = *guest = false;
		h = host_new(&o, err);
		late = clock_mono_ms(&clock_system) > end;
		if (h || err->cls != ERR_BUSY)
			return h;
		if (late || somebody_stays(c)) {
			o.guest = *guest = true;
			h = host_new(&o, err);
			if (h || late || err->cls != ERR_BUSY)
				return h;
		}
		usleep(PAUSE_MS * 1000);
	}
}
