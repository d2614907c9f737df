/* actions.c - see actions.h.
 *
 *   asked -> running -> done -> told, or taken (or dropped, when nobody asks for it within a minute)
 *              ^  |
 *              '--' repeatable, and the failure may pass
 *
 * Awkward: an asker may go away. What he began ends by itself, for it may have written at the provider; its answer is kept a
 * while. An action that declares an answer and gives none has failed, whatever it returned. A check that
 * fails is an answer: what the provider said goes to the asker. */
#include "run/actions.h"

#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "run/host.h"
#include "sluice.h"
#include "wire/message.h"

#define TASKS_MAX 64   /* at once, done ones not taken included */
#define KEEP_MS 60000  /* an answer that nobody takes */
#define TRIES_MORE 2

struct action_task {
	struct action_task *next;
	struct actions *all;
	char *token, *connection, *integration, *name; /* token NULL: somebody is told */
	void (*told)(void *arg, const struct action_result *r); /* NULL: nobody, or nobody any more */
	void *arg;
	struct buf input, reply;
	int64_t timeout_ms, done_ms;
	unsigned tries, tries_more;
	bool check;               /* not an action: name is NULL */
	bool repeatable, answers; /* as its connector declares it */
	bool done;
	struct err err;
	struct run *run;          /* under way */
	uv_timer_t timer;         /* until the next try */
};

struct actions {
	struct host *host;
	struct action_task *tasks;
	size_t n, closing;
};

static void
task_gone(uv_handle_t *timer)
{
	struct action_task *t = timer->data;

	t->all->closing--;
	buf_wipe(&t->input);
	buf_wipe(&t->reply);
	free(t->token);
	free(t->connection);
	free(t->integration);
	free(t->name);
	free(t);
}

static void
task_drop(struct action_task *t)
{
	struct action_task **at = &t->all->tasks;

	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	t->all->n--;
	t->all->closing++;
	uv_close((uv_handle_t *)&t->timer, task_gone);
}

/* r: of the run that ended it; NULL: the next one could not begin. */
static void
task_end(struct action_task *t, const struct err *err, const struct run_result *r)
{
	struct action_result told = {.err = *err};

	t->err = *err;
	t->done = true;
	t->done_ms = clock_mono_ms(t->all->host->clock);
	if (t->token)
		return;
	told.reply = t->reply.len ? buf_view(&t->reply) : SLICE("null");
	if (r) {
		told.timed_out = r->timed_out;
		told.retry_ms = r->retry_at_us ? (r->retry_at_us - clock_wall_us(t->all->host->clock)) / 1000 + 1 : 0;
		told.status = r->status;
		told.answer = r->answer;
		told.headers = r->answer_headers;
	}
	if (t->told)
		t->told(t->arg, &told);
	task_drop(t);
}

static int task_start(struct action_task *t, struct err *err);

static void
task_again(uv_timer_t *timer)
{
	struct action_task *t = timer->data;
	struct err err = {0};

	if (task_start(t, &err) != 0)
		task_end(t, &err, NULL);
}

static bool
may_pass(enum err_class cls)
{
	return cls == ERR_PROVIDER || cls == ERR_RATE || cls == ERR_HOST;
}

/* What there is to say of a check, well or not: a person is told more of it than its reason. */
static void
check_ran(struct action_task *t, const struct run_result *r)
{
	struct json_out o = json_out(&t->reply);

	json_open(&o, '{');
	if (r->err.cls != ERR_NONE) {
		json_kv_str(&o, "class", err_class_name(r->err.cls));
		json_kv_str(&o, "reason", r->err.text);
	}
	json_kv_int(&o, "status", r->status);
	json_kv_slice(&o, "answer", r->answer);
	if (r->reply.len)
		json_kv_raw(&o, "reply", r->reply);
	json_kv_int(&o, "requests", (int64_t)r->counts.requests);
	json_kv_int(&o, "duration_ms", r->counts.total_ms);
	json_close(&o, '}');
	log_blank(&t->reply);
	t->run = NULL;
	task_end(t, &(struct err){0}, r);
}

static void
task_ran(void *arg, const struct run_result *r)
{
	struct action_task *t = arg;
	struct err err = r->err;
	int64_t pause = t->all->host->settings->host.retry_base_ms << t->tries;
	char text[TIME_TEXT_MAX];

	if (t->check) {
		check_ran(t, r);
		return;
	}
	t->run = NULL;
	if (err.cls == ERR_NONE && t->answers && !r->reply.len)
		err_set(&err, ERR_CONNECTOR, "action '%s' declares an answer, and gave none", t->name);
	if (t->repeatable && t->tries < t->tries_more && may_pass(err.cls)) {
		t->tries++;
		log_info("action '%s' of %s : %s is tried again in %s: %s", t->name, t->connection, t->integration,
		         duration_format(pause, text), err.text);
		uv_timer_start(&t->timer, task_again, (uint64_t)pause, 0);
		return;
	}
	buf_slice(&t->reply, json_trim(r->reply));
	task_end(t, &err, r);
}

static int
task_start(struct action_task *t, struct err *err)
{
	struct host *h = t->all->host;
	const struct connection_settings *c = settings_connection(h->settings, t->connection, t->integration);
	const struct manifest *m = c ? host_manifest_of(h, c, err) : NULL;
	const struct manifest_action *a = m && !t->check ? manifest_action(m, t->name) : NULL;
	struct run_request q = {.connection = c, .name = t->name, .what = t->check ? STEP_CHECK : STEP_ACTION,
	                        .timeout_ms = t->timeout_ms, .input = buf_view(&t->input)};

	if (!c)
		return err_set(err, ERR_USAGE, "there is no connection %s%s%s; if it is new, `sluice reload` has the host know it",
		               t->connection, t->integration ? " : " : "", t->integration ? t->integration : "");
	if (a) {
		t->repeatable = a->flags & SLUICE_REPEATABLE;
		t->answers = a->n_output;
	}
	t->run = m ? run_start(h, &q, task_ran, t, err) : NULL;
	return t->run ? 0 : -1;
}

static struct actions *
actions_of(struct host *h)
{
	if (!h->actions) {
		h->actions = XNEW(struct actions);
		h->actions->host = h;
	}
	return h->actions;
}

static struct action_task *
task_find(struct actions *all, const char *token)
{
	int64_t old = clock_mono_ms(all->host->clock) - KEEP_MS;
	struct action_task *found = NULL, *next;

	for (struct action_task *t = all->tasks; t; t = next) {
		next = t->next;
		if (t->token && strcmp(t->token, token) == 0)
			found = t;
		else if (t->done && t->done_ms < old)
			task_drop(t);
	}
	return found;
}

static struct action_task *
task_make(struct actions *all, const struct action_ask *a, struct err *err)
{
	struct action_task *t;

	if (all->n >= TASKS_MAX) {
		err_set(err, ERR_HOST, "%d actions are under way here: try again later", TASKS_MAX);
		return NULL;
	}
	t = XNEW(struct action_task);
	if (uv_timer_init(all->host->loop, &t->timer) != 0) {
		free(t);
		err_set(err, ERR_HOST, "the event loop takes no more handles");
		return NULL;
	}
	t->timer.data = t;
	t->all = all;
	t->token = a->token ? xstrdup(a->token) : NULL;
	t->connection = xstrdup(a->connection);
	t->integration = a->integration ? xstrdup(a->integration) : NULL;
	t->name = a->check ? NULL : xstrdup(a->name);
	t->check = a->check;
	t->timeout_ms = a->timeout_ms;
	t->tries_more = a->retries < 0 ? 0 : a->retries ? (unsigned)a->retries : TRIES_MORE;
	buf_slice(&t->input, a->input);
	t->next = all->tasks;
	all->tasks = t;
	all->n++;
	if (task_start(t, err) == 0)
		return t;
	task_drop(t);
	return NULL;
}

int
actions_ask(struct host *h, const struct action_ask *a, bool *done, struct buf *reply, struct err *err)
{
	struct actions *all = actions_of(h);
	struct action_task *t = task_find(all, a->token);
	int rc = 0;

	*done = false;
	if (!t && !a->name && !a->check)
		return err_set(err, ERR_HOST, "the process that ran it has ended: whether it was carried out is not known");
	if (!t)
		return task_make(all, a, err) ? 0 : -1;
	if (!t->done)
		return 0;
	*done = true;
	if (t->err.cls == ERR_NONE)
		buf_slice(reply, t->reply.len ? buf_view(&t->reply) : SLICE("null"));
	else
		rc = err_set(err, t->err.cls, "%s", t->err.text);
	task_drop(t);
	return rc;
}

struct action_task *
action_begin(struct host *h, const struct action_ask *a, void (*told)(void *arg, const struct action_result *r), void *arg,
             struct err *err)
{
	struct action_ask ask = *a;
	struct action_task *t;

	ask.token = NULL;
	t = task_make(actions_of(h), &ask, err);
	if (t) {
		t->told = told;
		t->arg = arg;
	}
	return t;
}

void
action_forget(struct action_task *t)
{
	t->told = NULL;
}

void
actions_end(struct host *h)
{
	struct action_task *t;
	const struct err ended = {ERR_STOPPED, "the process that runs the action ends"};

	if (!h->actions)
		return;
	for (t = h->actions->tasks; t; t = t->next)
		if (t->run)
			run_stop(t->run, ended.text);
	while ((t = h->actions->tasks)) {
		if (t->run)
			uv_run(h->loop, UV_RUN_ONCE);
		else if (t->token)
			task_drop(t);
		else
			task_end(t, &ended, NULL); /* it waited for another try */
	}
	while (h->actions->closing)
		uv_run(h->loop, UV_RUN_ONCE);
	free(h->actions);
	h->actions = NULL;
}
