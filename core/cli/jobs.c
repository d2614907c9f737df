/* jobs.c - see jobs.h. The first SIGINT or SIGTERM stops all runs in good order: their progress is kept; the second
 * ends at once.
 *
 * While they run, a terminal on stderr shows one line: records, requests, rate, and what is being waited for. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "cli/jobs.h"

static void jobs_next(struct jobs *jobs);

void
jobs_line_clear(struct jobs *jobs)
{
	if (jobs->line)
		fputs("\r\033[K", stderr);
	jobs->line = false;
}

static bool
connection_busy(const struct jobs *jobs, const struct connection_settings *c)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->list[i].begun && !jobs->list[i].over && jobs->list[i].pick.connection == c)
			return true;
	return false;
}

static void
job_over(struct job *j, const struct run_result *r)
{
	struct jobs *jobs = j->jobs;
	int code = exit_of(r);

	j->run = NULL;
	j->over = true;
	j->unreachable = r->unreachable;
	jobs->good += code == 0;
	jobs->records += r->counts.saved;
	jobs->requests += r->counts.requests;
	jobs->exit = exit_worst(jobs->exit, code);
	jobs_line_clear(jobs);
	jobs->ended(jobs, j, r);
}

static void
job_done(void *arg, const struct run_result *r)
{
	struct job *j = arg;

	j->jobs->active--;
	job_over(j, r);
	jobs_next(j->jobs);
}

/* Nobody answered the last sync of this connection: the next one asks once, not with all its patience. */
static bool
connection_down(const struct jobs *jobs, const struct connection_settings *c)
{
	bool down = false;

	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->list[i].over && jobs->list[i].pick.connection == c)
			down = jobs->list[i].unreachable;
	return down;
}

static void
job_start(struct job *j)
{
	struct jobs *jobs = j->jobs;
	struct run_request q = jobs->request;
	struct run_result failed = {.warnings = ""};

	j->begun = true;
	q.connection = j->pick.connection;
	q.name = j->pick.sync ? j->pick.sync->name : jobs->request.name; /* NULL: a check */
	q.sink = q.sink ? q.sink : j;
	q.hasty = j->again = connection_down(jobs, q.connection);
	j->run = run_start(jobs->host, &q, job_done, j, &failed.err);
	if (j->run)
		jobs->active++;
	else
		job_over(j, &failed);
}

static void
jobs_next(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n && jobs->active < jobs->max && !jobs->signal; i++)
		if (!jobs->list[i].begun && !connection_busy(jobs, jobs->list[i].pick.connection))
			job_start(&jobs->list[i]);
}

static void
signalled(uv_signal_t *handle, int number)
{
	struct jobs *jobs = handle->data;

	if (jobs->signal)
		_exit(128 + number);
	jobs->signal = number;
	jobs_line_clear(jobs);
	log_warn("%s: stopping in good order; once more ends at once",
	         number == SIGINT ? "interrupted" : "told to end");
	for (size_t i = 0; i < jobs->n; i++)
		if (jobs->list[i].run)
			run_stop(jobs->list[i].run, number == SIGINT
			                                    ? "interrupted; the next run goes on from here"
			                                    : "told to end (SIGTERM); the next run goes on from here");
}

static void
progress_write(struct jobs *jobs, const struct job *j, const struct run_counts *sum, enum wait_reason waiting,
               int64_t until_us)
{
	bool answers = waiting == WAIT_CONNECT || waiting == WAIT_SERVER; /* most long before their time is up */
	int64_t ms = clock_mono_ms(&clock_system) - jobs->start_ms,
		left = answers || !until_us ? 0 : (until_us - clock_wall_us(&clock_system)) / 1000;
	char a[32], b[32], c[32], d[TIME_TEXT_MAX];
	struct buf line = {0}, fits = {0};

	buf_printf(&line, "%s : %s%s%s  %s records  %s requests  %s/s", j->pick.connection->name,
	           j->pick.connection->integration->name, j->pick.sync ? " : " : "",
	           j->pick.sync ? j->pick.sync->name : "", number_text(sum->saved, a), number_text(sum->requests, b),
	           number_text(ms ? sum->saved * 1000 / (uint64_t)ms : 0, c));
	if (waiting)
		buf_printf(&line, "  %s%s%s", wait_names[waiting], left > 0 ? " " : "", left > 0 ? duration_format(left, d) : "");
	text_cut(&fits, buf_str(&line), line_width(STDERR_FILENO) - 1); /* a full line would go on in the next */
	fprintf(stderr, "\r\033[K%s", buf_str(&fits));
	fflush(stderr);
	buf_free(&line);
	buf_free(&fits);
	jobs->line = true;
}

static void
progress_show(uv_timer_t *timer)
{
	struct jobs *jobs = timer->data;
	struct run_counts one, sum = {.saved = jobs->records, .requests = jobs->requests};
	enum wait_reason waiting = WAIT_NONE, w;
	const struct job *shown = NULL;
	enum run_state state;
	int64_t until = 0, u;

	for (size_t i = 0; i < jobs->n; i++) {
		if (!jobs->list[i].run)
			continue;
		run_look(jobs->list[i].run, &state, &one, &w, &u);
		sum.saved += one.saved;
		sum.requests += one.requests;
		if (shown)
			continue;
		shown = &jobs->list[i];
		waiting = w;
		until = u;
	}
	if (shown)
		progress_write(jobs, shown, &sum, waiting, until);
}

static void
handle_gone(uv_handle_t *handle)
{
	struct jobs *jobs = handle->data;

	jobs->handles--;
}

static void
handles_open(struct jobs *jobs)
{
	uv_signal_init(&jobs->cli->loop, &jobs->on_int);
	uv_signal_init(&jobs->cli->loop, &jobs->on_term);
	uv_timer_init(&jobs->cli->loop, &jobs->progress);
	jobs->on_int.data = jobs->on_term.data = jobs->progress.data = jobs;
	jobs->handles = 3;
	uv_signal_start(&jobs->on_int, signalled, SIGINT);
	uv_signal_start(&jobs->on_term, signalled, SIGTERM);
	if (isatty(2) && jobs->cli->format == FORMAT_TEXT)
		uv_timer_start(&jobs->progress, progress_show, 200, 200);
}

static void
handles_close(struct jobs *jobs)
{
	uv_close((uv_handle_t *)&jobs->on_int, handle_gone);
	uv_close((uv_handle_t *)&jobs->on_term, handle_gone);
	uv_close((uv_handle_t *)&jobs->progress, handle_gone);
	while (jobs->handles)
		uv_run(&jobs->cli->loop, UV_RUN_ONCE);
}

int
jobs_run(struct jobs *jobs, const struct picks *picks)
{
	jobs->list = xcalloc(picks->n + 1, sizeof *jobs->list);
	jobs->n = picks->n;
	jobs->exit = picks->exit;
	jobs->start_ms = clock_mono_ms(&clock_system);
	for (size_t i = 0; i < jobs->n; i++)
		jobs->list[i] = (struct job){.pick = picks->list[i], .jobs = jobs};
	handles_open(jobs);
	jobs_next(jobs);
	while (jobs->active)
		uv_run(&jobs->cli->loop, UV_RUN_ONCE);
	jobs_line_clear(jobs);
	for (size_t i = 0; i < jobs->n; i++)
		jobs->left += !jobs->list[i].begun;
	handles_close(jobs);
	free(jobs->list);
	return jobs->signal ? 128 + jobs->signal : jobs->exit;
}
