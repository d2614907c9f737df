/* checks.c - see checks.h. A check is begun by one question and looked at by the next ones (run/actions.h); its answer is the
 * result of a run in this process, so what is told of it is the same.
 *
 * Awkward: the host tests what it has: a section that was changed since it read the configuration is tested as it was. So only
 * connections that cannot be tested here go this way. */
#include "cli/checks.h"

#include <stdlib.h>
#include <unistd.h>
#include "base/mem.h"
#include "run/tokens.h"

#define PAUSE_MIN_US 5000
#define PAUSE_MAX_US 100000

struct check {
	struct job job;
	char token[64];
	bool begun, over;
	struct buf answer;
};

bool
check_is_hosts(const struct access *a, const struct pick *p)
{
	const struct connection_settings *k = p->connection;
	bool fixed = k->token && !k->refresh_token; /* it is never renewed */

	if (!a->remote || (k->stored && !k->sealed)) /* one that is about to be stored is known here only */
		return false;
	return k->sealed || (tokens_used(p->manifest, k) && !fixed);
}

static void
question_write(const struct check *c, int64_t timeout_ms, struct buf *out)
{
	const struct connection_settings *k = c->job.pick.connection;
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "action");
	json_kv_str(&o, "token", c->token);
	if (!c->begun) {
		json_kv_bool(&o, "check", true);
		json_kv_str(&o, "connection", k->name);
		json_kv_str(&o, "integration", k->integration->name);
		json_kv_int(&o, "timeout_ms", timeout_ms);
	}
	json_close(&o, '}');
}

static void
answer_row(void *arg, struct slice row)
{
	struct check *c = arg;

	buf_clear(&c->answer);
	buf_slice(&c->answer, row);
}

static void
check_over(struct check *c, struct run_result *r)
{
	struct slice row = buf_view(&c->answer);
	char *cls = member_text(row, "class"), *reason = member_text(row, "reason"), *answer = member_text(row, "answer");

	if (cls)
		err_set(&r->err, err_class_find(cls), "%s", reason ? reason : "?");
	r->status = (int)member_int(row, "status", 0);
	r->answer = slice_str(answer ? answer : "");
	r->reply = member_raw(row, "reply");
	r->counts.requests = (uint64_t)member_int(row, "requests", 0);
	r->counts.total_ms = member_int(row, "duration_ms", 0);
	c->over = true;
	c->job.jobs->ended(c->job.jobs, &c->job, r);
	free(cls);
	free(reason);
	free(answer);
}

static void
check_ask(struct access *a, struct check *c)
{
	struct run_result r = {.warnings = ""};
	struct buf question = {0}, end = {0};
	int rc;

	question_write(c, c->job.jobs->request.timeout_ms, &question);
	c->begun = true;
	rc = access_ask(a, buf_view(&question), answer_row, c, &end, &r.err);
	if (rc == 0)
		r.err = (struct err){0};
	if (rc != 0 || member_bool(buf_view(&end), "done", false))
		check_over(c, &r);
	buf_free(&question);
	buf_free(&end);
}

static size_t
checks_turn(struct access *a, struct check *list, const struct jobs *jobs)
{
	size_t open = 0, left = 0;

	for (size_t i = 0; i < jobs->n; i++) {
		if (!list[i].over && (list[i].begun || open < jobs->max))
			check_ask(a, &list[i]);
		open += list[i].begun && !list[i].over;
		left += !list[i].over;
	}
	return left;
}

void
checks_run(struct access *a, struct jobs *jobs, const struct picks *picks)
{
	struct check *list = xcalloc(picks->n + 1, sizeof *list);
	unsigned pause_us = PAUSE_MIN_US;

	jobs->n = picks->n;
	for (size_t i = 0; i < jobs->n; i++) {
		list[i].job = (struct job){.pick = picks->list[i], .jobs = jobs};
		snprintf(list[i].token, sizeof list[i].token, "%ld.%lld.%zu", (long)getpid(),
		         (long long)clock_wall_us(&clock_system), i);
	}
	while (checks_turn(a, list, jobs)) {
		usleep(pause_us);
		pause_us = pause_us < PAUSE_MAX_US ? pause_us * 2 : pause_us;
	}
	for (size_t i = 0; i < jobs->n; i++)
		buf_free(&list[i].answer);
	free(list);
}
