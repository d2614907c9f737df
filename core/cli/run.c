/* run.c - `sluice run`: syncs now. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/jobs.h"
#include "serve/local.h"
#include "wire/message.h"

static const struct cli_flag flags[] = {
	{"--sync", "S", "only the sync of this name"},
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{"--full-refresh", NULL, "forget checkpoints and positions, list everything again; records are kept"},
	{"--timeout", "D", "stop each run after this time in good order; the next one goes on"},
	{NULL, NULL, NULL},
};

static void
counts_json(struct json_out *o, const struct run_counts *c)
{
	json_kv_int(o, "saved", (int64_t)c->saved);
	json_kv_int(o, "added", (int64_t)c->added);
	json_kv_int(o, "updated", (int64_t)c->updated);
	json_kv_int(o, "unchanged", (int64_t)c->unchanged);
	json_kv_int(o, "deleted", (int64_t)c->deleted);
	json_kv_int(o, "rejected", (int64_t)c->rejected);
	json_kv_int(o, "missing", (int64_t)c->missing);
	json_kv_int(o, "held", (int64_t)c->held);
	json_kv_int(o, "pages", (int64_t)c->pages);
	json_kv_int(o, "steps", (int64_t)c->steps);
	json_kv_int(o, "workers", (int64_t)c->workers);
	json_kv_int(o, "requests", (int64_t)c->requests);
	json_kv_int(o, "retries", (int64_t)c->retries);
	json_kv_int(o, "rate_limited", (int64_t)c->rate_limited);
	json_kv_int(o, "duration_ms", c->total_ms);
}

static void
lines_json(struct json_out *o, const char *key, const char *lines)
{
	json_key(o, key);
	json_open(o, '[');
	while (lines && *lines) {
		size_t n = strcspn(lines, "\n");
		json_put_slice(o, slice_of(lines, n));
		lines += n + (lines[n] == '\n');
	}
	json_close(o, ']');
}

static void
result_json(struct jobs *jobs, const struct job *j, const struct run_result *r)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	json_kv_str(&o, "connection", j->pick.connection->name);
	json_kv_str(&o, "integration", j->pick.connection->integration->name);
	json_kv_str(&o, "sync", j->pick.sync->name);
	json_kv_int(&o, "run", (int64_t)r->run);
	json_kv_str(&o, "status", status_of(r));
	json_kv_bool(&o, "full", r->full);
	json_kv_bool(&o, "complete", r->complete);
	json_kv_bool(&o, "resumed", r->resumed);
	counts_json(&o, &r->counts);
	lines_json(&o, "warnings", r->warnings);
	if (r->err.cls != ERR_NONE) {
		json_key(&o, "error");
		json_open(&o, '{');
		json_kv_str(&o, "code", err_class_name(r->err.cls));
		json_kv_str(&o, "message", r->err.text);
		json_close(&o, '}');
	}
	json_close(&o, '}');
	log_blank(&row);
	print_row(jobs->cli, buf_view(&row));
	buf_free(&row);
}

static void
what_changed(const struct run_counts *c, struct buf *out)
{
	const struct {
		const char *word;
		uint64_t n;
	} parts[] = {
		{"added", c->added},         {"updated", c->updated},   {"deleted", c->deleted},
		{"unchanged", c->unchanged}, {"rejected", c->rejected}, {"held back", c->held},
		{"unknown", c->missing},
	};
	char n[32];
	bool any = false;

	if (!c->added && !c->updated && !c->deleted) {
		buf_puts(out, "nothing changed");
		any = true;
	}
	for (size_t i = 0; i < LENGTH(parts); i++)
		if (parts[i].n) {
			buf_printf(out, "%s%s %s", any ? ", " : "", number_text(parts[i].n, n), parts[i].word);
			any = true;
		}
}

static void
result_text(const struct job *j, const struct run_result *r)
{
	struct buf line = {0};
	char time[TIME_TEXT_MAX];

	buf_printf(&line, "%s : %s : %s  %s", j->pick.connection->name, j->pick.connection->integration->name,
	           j->pick.sync->name, status_of(r));
	if (r->counts.requests || r->counts.saved || r->err.cls == ERR_NONE) {
		buf_puts(&line, "  ");
		what_changed(&r->counts, &line);
		buf_printf(&line, "  (%llu request%s, %s%s)", (unsigned long long)r->counts.requests,
		           r->counts.requests == 1 ? "" : "s", duration_format(r->counts.total_ms, time),
		           r->resumed ? ", resumed" : "");
	}
	buf_putc(&line, '\n');
	if (r->unreachable && j->again)
		buf_puts(&line, "  unreachable still: asked once, without retries\n");
	else if (r->err.cls != ERR_NONE)
		buf_printf(&line, "  %s: %s\n", err_class_name(r->err.cls), r->err.text);
	log_blank(&line);
	fputs(buf_str(&line), stdout);
	fflush(stdout);
	buf_free(&line);
}

static void
ended(struct jobs *jobs, struct job *j, const struct run_result *r)
{
	if (jobs->cli->format == FORMAT_TEXT)
		result_text(j, r);
	else
		result_json(jobs, j, r);
}

static void
total_text(const struct jobs *jobs)
{
	int64_t ms = clock_mono_ms(&clock_system) - jobs->start_ms;
	char n[32], time[TIME_TEXT_MAX], left[48] = "";

	if (jobs->left)
		snprintf(left, sizeof left, ", %llu not begun", (unsigned long long)jobs->left);
	printf("%zu sync%s: %llu ok, %llu not%s; %s records in %s\n", jobs->n, jobs->n == 1 ? "" : "s",
	       (unsigned long long)jobs->good, (unsigned long long)(jobs->n - jobs->good - jobs->left), left,
	       number_text(jobs->records, n), duration_format(ms, time));
}

static int
timeout_read(const struct cli *c, int64_t *ms, struct err *err)
{
	const char *text = cli_value(c, "--timeout");

	*ms = 0;
	if (!text || (duration_parse(slice_str(text), ms) && *ms > 0))
		return 0;
	return err_set(err, ERR_USAGE, "--timeout %s: that is no duration; say for example 30s or 5m", text);
}

static int
run_all(struct cli *c, struct host *h, int64_t timeout_ms, struct err *err)
{
	struct jobs jobs = {.cli = c, .host = h, .max = c->settings->host.max_runs, .ended = ended};
	struct picks picks = {0};
	int code;

	jobs.request.what = STEP_SYNC;
	jobs.request.full_refresh = cli_has(c, "--full-refresh");
	jobs.request.timeout_ms = timeout_ms;
	if (pick_syncs(c, h, &picks, err) != 0) {
		free(picks.list);
		return -1;
	}
	code = jobs_run(&jobs, &picks);
	if (c->format == FORMAT_TEXT)
		total_text(&jobs);
	else
		print_end(c);
	free(picks.list);
	return code;
}

static int
command_run_now(struct cli *c)
{
	struct host *h;
	struct local *local = NULL;
	struct err err;
	int64_t timeout_ms;
	int code;

	settings_exposed(c->settings);
	if (timeout_read(c, &timeout_ms, &err) != 0)
		return cli_fail(c, &err);
	h = host_patient(c, false, &err);
	if (!h)
		return cli_fail(c, &err);
	local = local_open(&c->loop, h, &err);
	code = local ? run_all(c, h, timeout_ms, &err) : -1;
	if (code < 0)
		code = cli_fail(c, &err);
	local_close(local);
	host_free(h);
	return code;
}

const struct command command_run = {
	.name = "run",
	.usage = "[--sync S] [--connection-id C] [--integration I] [--full-refresh] [--timeout D]",
	.summary = "Syncs now: all active connections' syncs, or those that are named",
	.help = "Several connections run side by side (max_runs), the syncs of one connection one after the other. One "
                "line tells of each\n"
                "sync, one of all. Each is synced whether it is due or not: `every` is what `sluice status` goes by.\n"
                "Interrupted (Ctrl-C, SIGTERM, --timeout, a crash), the next run goes on where this "
                "one was.\n"
                "A store that somebody else has open is waited for a few seconds; then it is exit code 4.\n\n"
                "Of several exit codes the one that asks most of you counts: 130/143, 70, 2, 3, 4, 75, 1, 0. A sync "
                "that rejected records,\n"
                "held deletes back or could not prove which records are gone exits 1.",
	.flags = flags,
	.run = command_run_now,
};
