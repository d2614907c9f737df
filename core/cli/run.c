/* run.c - `sluice run`: syncs now; in this process, or by the host that serves, with the same lines and exit codes. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/jobs.h"
#include "cli/remote.h"
#include "cli/run.h"
#include "run/counts.h"
#include "serve/local.h"
#include "wire/message.h"

static const struct cli_flag flags[] = {
	{"--sync", "S", "only the sync of this name"},
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{"--full-refresh", NULL, "forget checkpoints and positions, list everything again; records are kept"},
	{"--reset", NULL, "the same, and what is not listed again is deleted, or held back when it is much"},
	{"--due", NULL, "only what is due, longest overdue first, one after the other"},
	{"--limit", "N", "with --due: at most so many"},
	{"--resume", NULL, "only syncs whose last run was interrupted"},
	{"--timeout", "D", "stop each run after this time in good order; the next one goes on"},
	{NULL, NULL, NULL},
};

static void
counts_json(struct json_out *o, const struct run_counts *c)
{
	counts_write(c, o);
	json_kv_int(o, "duration_ms", c->total_ms);
	json_key(o, "time"); /* of which */
	json_open(o, '{');
	counts_time_write(c, o);
	json_close(o, '}');
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
	pick_names_put(&o, &j->pick);
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

/* What it took, and where the time went when that was long: "3 requests, 205 KiB, 1.8s, of which 1.4s ...". */
static void
what_it_took(const struct run_counts *c, struct buf *out)
{
	struct buf time = {0};
	char took[TIME_TEXT_MAX];

	counts_say(c, out);
	buf_printf(out, ", %s", duration_format(c->total_ms, took));
	counts_say_time(c, &time);
	if (time.len)
		buf_printf(out, ", of which %s", buf_str(&time));
	buf_free(&time);
}

static void
result_text(const struct job *j, const struct run_result *r)
{
	struct buf line = {0};

	buf_printf(&line, "%s : %s : %s  %s", j->pick.connection->name, j->pick.connection->integration->name,
	           j->pick.sync->name, status_of(r));
	if (r->counts.requests || r->counts.saved || r->err.cls == ERR_NONE) {
		buf_puts(&line, "  ");
		what_changed(&r->counts, &line);
		buf_puts(&line, "  (");
		what_it_took(&r->counts, &line);
		buf_puts(&line, r->resumed ? ", resumed)" : ")");
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

/* ---- which: of those that are named, what is due, or was interrupted ---- */

struct choosing {
	struct cli *cli;
	const struct picks *from;
	struct picks chosen;
	const struct connection_settings *refused; /* the one that was told last */
};

static const struct pick *
pick_find(const struct picks *p, struct slice row)
{
	for (size_t i = 0; i < p->n; i++)
		if (json_string_is(member_raw(row, "connection"), p->list[i].connection->name) &&
		    json_string_is(member_raw(row, "integration"), p->list[i].connection->integration->name) &&
		    json_string_is(member_raw(row, "sync"), p->list[i].sync->name))
			return &p->list[i];
	return NULL;
}

static void
chosen_row(void *arg, struct slice row)
{
	struct choosing *k = arg;
	const struct pick *p = pick_find(k->from, row);

	if (!p || k->chosen.n == k->from->n)
		return;
	k->chosen.list = xrealloc(k->chosen.list, (k->chosen.n + 1) * sizeof *k->chosen.list);
	k->chosen.list[k->chosen.n++] = *p;
}

/* What is due and not begun goes by no exit code of a run: whoever calls --due by a timer has no other word of it. */
static void
due_row(void *arg, struct slice row)
{
	struct choosing *k = arg;
	const struct pick *p = pick_find(k->from, row);
	struct err err;

	if (!member_bool(row, "refused", false)) {
		chosen_row(arg, row);
	} else if (p && k->refused != p->connection) {
		k->refused = p->connection;
		err_set(&err, ERR_CREDENTIALS,
		        "connection %s : %s: the provider refuses its credentials: nothing of it is begun; mend them, then `sluice start "
		        "--connection-id %s`, or `sluice run --connection-id %s`",
		        p->connection->name, p->connection->integration->name, p->connection->name, p->connection->name);
		k->chosen.exit = exit_worst(k->chosen.exit, cli_fail(k->cli, &err));
	}
}

static void
interrupted_row(void *arg, struct slice row)
{
	if (json_type(member_raw(row, "interrupted")) == JSON_OBJECT && !member_bool(row, "running", false))
		chosen_row(arg, row);
}

static void
names_write(struct json_out *o, const struct cli *c)
{
	static const char *const names[][2] = {
		{"--connection-id", "connection"}, {"--integration", "integration"}, {"--sync", "sync"}};

	for (size_t i = 0; i < LENGTH(names); i++)
		if (cli_value(c, names[i][0]))
			json_kv_str(o, names[i][1], cli_value(c, names[i][0]));
}

static void
due_question(const struct cli *c, uint64_t limit, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	json_kv_str(&o, "query", "due");
	names_write(&o, c);
	json_kv_int(&o, "limit", (int64_t)limit);
	json_close(&o, '}');
}

static int
picks_narrow(struct access *a, uint64_t limit, struct picks *picks, struct err *err)
{
	struct choosing k = {.cli = a->cli, .from = picks, .chosen = {.exit = picks->exit}};
	bool due = cli_has(a->cli, "--due");
	struct buf question = {0}, end = {0};
	int rc;

	if (!due && !cli_has(a->cli, "--resume"))
		return 0;
	if (due)
		due_question(a->cli, limit, &question);
	else
		picks_question(picks, 0, picks->n, &question);
	rc = access_ask(a, buf_view(&question), due ? due_row : interrupted_row, &k, &end, err);
	buf_free(&question);
	buf_free(&end);
	free(picks->list);
	*picks = k.chosen;
	return rc;
}

/* ---- running them ---- */

static int
run_all(struct access *a, struct jobs *jobs, uint64_t limit, struct err *err)
{
	struct cli *c = a->cli;
	bool in_turn = cli_has(c, "--due");
	struct picks picks = {0};
	int code = -1;

	jobs->max = in_turn ? 1 : c->settings->host.max_runs;
	if (pick_syncs(c, a->host, &picks, err) != 0 || picks_narrow(a, limit, &picks, err) != 0)
		goto out;
	code = a->remote ? remote_run(jobs, &picks, in_turn) : jobs_run(jobs, &picks);
	if (c->format == FORMAT_TEXT)
		total_text(jobs);
	else
		print_end(c);
out:
	free(picks.list);
	return code;
}

static int
wishes_read(struct jobs *jobs, uint64_t *limit, struct err *err)
{
	struct cli *c = jobs->cli;

	jobs->request.what = STEP_SYNC;
	jobs->request.reset = cli_has(c, "--reset");
	jobs->request.full_refresh = jobs->request.reset || cli_has(c, "--full-refresh");
	if (cli_has(c, "--due") && cli_has(c, "--resume"))
		return err_set(err, ERR_USAGE, "--due and --resume do not go together: what was interrupted is due");
	if (cli_has(c, "--resume") && jobs->request.full_refresh)
		return err_set(err, ERR_USAGE, "--resume goes on where a run was; %s begins anew: say one of them",
		               jobs->request.reset ? "--reset" : "--full-refresh");
	if (cli_value(c, "--limit") && !cli_has(c, "--due"))
		return err_set(err, ERR_USAGE, "--limit goes with --due");
	if (cli_number(c, "--limit", 0, limit, err) != 0)
		return -1;
	return cli_timeout(c, &jobs->request.timeout_ms, err);
}

/* The store is ours, or its holder serves; a holder that only runs once is waited for a few seconds. */
static int
run_access(struct access *a, struct cli *c, struct err *err)
{
	*a = (struct access){.cli = c, .write = true};
	if (remote_serves(c))
		return access_open(a, c, true, err);
	a->host = host_patient(c, false, false, err);
	return a->host ? 0 : busy_remedy(err, "a command there writes it, and is no service that would run this: say it again when that has ended");
}

static int
command_run_now(struct cli *c)
{
	struct jobs jobs = {.cli = c, .ended = ended};
	struct local *local = NULL;
	struct access a;
	struct err err;
	uint64_t limit;
	int code = -1;

	settings_exposed(c->settings);
	if (wishes_read(&jobs, &limit, &err) != 0 || run_access(&a, c, &err) != 0)
		return cli_fail(c, &err);
	jobs.host = a.host;
	if (!a.remote)
		local = local_open(&c->loop, a.host, &err);
	if (local || a.remote)
		code = run_all(&a, &jobs, limit, &err);
	if (code < 0)
		code = cli_fail(c, &err);
	local_close(local);
	access_close(&a);
	return code;
}

/* ---- for others ---- */

static void
ended_text(struct jobs *jobs, struct job *j, const struct run_result *r)
{
	if (jobs->cli->format == FORMAT_TEXT)
		result_text(j, r);
}

static int
picks_named(struct access *a, const struct scope_name *syncs, size_t n, struct picks *out, struct err *err)
{
	struct cli *c = a->cli;

	out->list = xcalloc(n + 1, sizeof *out->list);
	for (size_t i = 0; i < n; i++) {
		const struct scope_name *name = &syncs[i];
		struct pick p = {.connection = settings_connection(c->settings, name->connection, name->integration)};

		if (!p.connection)
			return err_set(err, ERR_USAGE, "connection %s : %s is not configured any more", name->connection, name->integration);
		p.manifest = host_manifest_of(a->host, p.connection, err);
		if (!p.manifest)
			return -1;
		p.sync = manifest_sync(p.manifest, name->sync);
		if (!p.sync)
			return err_set(err, ERR_USAGE, "'%s' is no sync of %s : %s: what it brings cannot be asked for anew", name->sync,
			               name->connection, name->integration);
		if (p.connection->broken)
			out->exit = exit_worst(out->exit, connection_broken(c, p.connection));
		else
			out->list[out->n++] = p;
	}
	return 0;
}

int
run_refresh(struct cli *c, const struct scope_name *syncs, size_t n, struct err *err)
{
	struct jobs jobs = {.cli = c, .ended = ended_text, .max = c->settings->host.max_runs,
	                    .request = {.what = STEP_SYNC, .full_refresh = true}};
	struct local *local = NULL;
	struct picks picks = {0};
	struct access a;
	int code = -1;

	if (run_access(&a, c, err) != 0)
		return -1;
	jobs.host = a.host;
	if (!a.remote)
		local = local_open(&c->loop, a.host, err);
	if ((local || a.remote) && picks_named(&a, syncs, n, &picks, err) == 0)
		code = a.remote ? remote_run(&jobs, &picks, false) : jobs_run(&jobs, &picks);
	free(picks.list);
	local_close(local);
	access_close(&a);
	return code;
}

const struct command command_run = {
	.name = "run",
	.usage = "[--sync S] [--connection-id C] [--integration I] [--due [--limit N]] [--resume] [--full-refresh] [--reset] "
                 "[--timeout D]",
	.summary = "Syncs now: all active connections' syncs, or those that are named",
	.help = "Several connections run side by side (max_runs), the syncs of one connection one after the other. One "
                "line tells of each\n"
                "sync, one of all. Each is synced whether it is due or not: `every` is what `sluice status` goes by.\n"
                "Interrupted (Ctrl-C, SIGTERM, --timeout, a crash), the next run goes on where this "
                "one was.\n"
                "Beside `sluice serve` that host runs them, and this command waits; Ctrl-C then ends the waiting only.\n"
                "--due: whose interval has passed since the last success, or who never had one; one failure stops no "
                "other.\n"
                "A store that another command has open is waited for a few seconds; then it is exit code 4.\n\n"
                "Of several exit codes the one that asks most of you counts: 130/143, 70, 2, 3, 4, 75, 1, 0. A sync "
                "that rejected records,\n"
                "held deletes back or could not prove which records are gone exits 1.",
	.flags = flags,
	.run = command_run_now,
};
