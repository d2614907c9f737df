/* job.c - waiting for what the store does on a thread of its own, here or in the process that has it open.
 *
 * A question starts it, the same question asks how it is getting on. When we have the store ourselves, others find us
 * on sluice.sock meanwhile, so their reads go on. Awkward: the process that had the store may end; then the store is
 * ours at the next question, and the work begins again here, by the same token. */
#include <stdlib.h>
#include <unistd.h>
#include "base/secret.h"
#include "cli/cli.h"
#include "serve/local.h"

#define PAUSE_MIN_US 5000
#define PAUSE_MAX_US 200000

static void
question_write(const char *query, const char *dir, struct buf *out)
{
	struct json_out o = json_out(out);
	char token[64];

	snprintf(token, sizeof token, "%ld.%lld", (long)getpid(), (long long)clock_wall_us(&clock_system));
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	json_kv_str(&o, "token", token);
	if (dir)
		json_kv_str(&o, "dir", dir);
	json_close(&o, '}');
}

int
job_wait(struct access *a, const struct job_ask *ask, struct buf *end, struct err *err)
{
	struct local *local = NULL;
	struct buf question = {0};
	useconds_t pause = PAUSE_MIN_US;
	int rc;

	question_write(ask->query, ask->dir, &question);
	for (;;) {
		rc = access_ask(a, buf_view(&question), ask->row, ask->arg, end, err);
		if (rc != 0 || member_bool(buf_view(end), "done", false))
			break;
		if (!a->remote && !local)
			local = local_open(&a->cli->loop, a->host, NULL);
		usleep(pause);
		pause = pause * 2 < PAUSE_MAX_US ? pause * 2 : PAUSE_MAX_US;
		if (local) {
			uv_run(&a->cli->loop, UV_RUN_NOWAIT);
			pause = PAUSE_MIN_US; /* others wait for us */
		}
	}
	local_close(local);
	buf_free(&question);
	return rc;
}
