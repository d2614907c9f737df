/* dry_run.c - `sluice dry-run`: a real run against the real API that stores nothing and shows what it would change.
 *
 * Beside a service, or whoever else has the store, it reads that one's store as it is at each moment (guest.c). Awkward: both then
 * send requests under one limit of the provider's, and neither counts the other's; so that is said where there is a limit. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/jobs.h"
#include "run/target.h"
#include "serve/local.h"
#include "wire/message.h"

#define SHOWN_USUAL 100u /* of each kind */
#define CUT 60           /* characters of a value in text */

static const struct cli_flag flags[] = {
	{"--sync", "S", "only the sync of this name"},
	{"--connection-id", "C", "only this connection"},
	{"--integration", "I", "only connections of this integration"},
	{"--full-refresh", NULL, "as if there were no checkpoint"},
	{"--all", NULL, "show all differences, not only the first 100 of each kind"},
	{"--timeout", "D", "stop after this time"},
	{NULL, NULL, NULL},
};

struct showing {
	struct cli *cli;
	struct jobs *jobs;
	uint64_t shown[CHANGE_DELETED + 1], rejected;
	bool all;
};

static const struct job *
job_now(const struct showing *s)
{
	for (size_t i = 0; i < s->jobs->n; i++)
		if (s->jobs->list[i].begun && !s->jobs->list[i].over)
			return &s->jobs->list[i];
	return &s->jobs->list[0];
}

static void
value_short(const struct manifest_model *m, struct slice key, struct slice value, struct buf *out)
{
	char *text;

	if (mask_field(m, key)) {
		buf_puts(out, "***");
		return;
	}
	text = slice_dup(value);
	text_cut(out, text, CUT);
	free(text);
}

/* field: before -> after, a line for each that differs. */
static void
fields_text(const struct manifest_model *m, struct slice before, struct slice after)
{
	struct json_iter it = json_iter(after);
	struct buf line = {0};
	struct slice old;
	char *name;

	while (json_next(&it)) {
		name = slice_dup(it.key);
		if (!json_member(before, name, &old))
			old = SLICE("(absent)");
		else if (json_equal(old, it.value))
			old.p = NULL;
		if (old.p) {
			buf_clear(&line);
			buf_printf(&line, "      %s: ", name);
			value_short(m, it.key, old, &line);
			buf_puts(&line, " -> ");
			value_short(m, it.key, it.value, &line);
			print_line(buf_str(&line));
		}
		free(name);
	}
	it = json_iter(before);
	while (json_next(&it)) {
		name = slice_dup(it.key);
		if (!json_member(after, name, &old)) {
			buf_clear(&line);
			buf_printf(&line, "      %s: gone", name);
			print_line(buf_str(&line));
		}
		free(name);
	}
	buf_free(&line);
}

static void
differ_text(const struct manifest_model *m, enum change_action action, const char *model, struct slice id,
            struct slice before, struct slice after)
{
	static const char signs[] = {[CHANGE_ADDED] = '+', [CHANGE_UPDATED] = '~', [CHANGE_DELETED] = '-'};
	struct buf line = {0};

	buf_printf(&line, "  %c %s %.*s", signs[action], model, (int)id.len, id.p);
	print_line(buf_str(&line));
	buf_free(&line);
	if (action == CHANGE_UPDATED)
		fields_text(m, before, after);
}

static void
differ_json(struct cli *c, const struct job *j, enum change_action action, const char *model, struct slice id,
            struct slice before, struct slice after)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	pick_names_put(&o, &j->pick);
	json_kv_str(&o, "action", change_name(action));
	json_kv_str(&o, "model", model);
	json_kv_slice(&o, "id", id);
	json_kv_raw(&o, "before", before.len && action != CHANGE_ADDED ? before : SLICE("null"));
	json_kv_raw(&o, "after", after.len ? after : SLICE("null"));
	json_close(&o, '}');
	print_row(c, buf_view(&row));
	buf_free(&row);
}

static void
differ(void *arg, enum change_action action, const char *model, struct slice id, struct slice before,
       struct slice after)
{
	struct showing *s = arg;
	const struct job *j = job_now(s);
	uint16_t index;

	if (s->shown[action]++ >= SHOWN_USUAL && !s->all)
		return;
	jobs_line_clear(s->jobs);
	if (s->cli->format == FORMAT_TEXT)
		differ_text(manifest_model(j->pick.manifest, model, &index), action, model, id, before, after);
	else
		differ_json(s->cli, j, action, model, id, before, after);
}

static void
rejected_text(const char *model, struct slice id, struct slice reason)
{
	struct buf line = {0};

	buf_printf(&line, "  ! %s %.*s: %.*s", model, (int)id.len, id.p, (int)reason.len, reason.p);
	print_line(buf_str(&line));
	buf_free(&line);
}

static void
rejected(void *arg, const char *model, struct slice id, struct slice reason, struct slice raw)
{
	struct showing *s = arg;

	(void)raw;
	if (s->rejected++ < SHOWN_USUAL && s->cli->format == FORMAT_TEXT)
		rejected_text(model, id, reason);
}

static void
summary_json(struct cli *c, const struct job *j, const struct run_result *r)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	json_open(&o, '{');
	json_key(&o, "summary");
	json_open(&o, '{');
	pick_names_put(&o, &j->pick);
	json_kv_str(&o, "status", status_of(r));
	json_kv_int(&o, "added", (int64_t)r->counts.added);
	json_kv_int(&o, "updated", (int64_t)r->counts.updated);
	json_kv_int(&o, "deleted", (int64_t)r->counts.deleted);
	json_kv_int(&o, "unchanged", (int64_t)r->counts.unchanged);
	json_kv_int(&o, "rejected", (int64_t)r->counts.rejected);
	json_kv_int(&o, "held", (int64_t)r->counts.held);
	json_kv_int(&o, "requests", (int64_t)r->counts.requests);
	if (r->err.cls != ERR_NONE)
		json_kv_str(&o, "error", r->err.text);
	json_close(&o, '}');
	json_close(&o, '}');
	log_blank(&row);
	print_row(c, buf_view(&row));
	buf_free(&row);
}

static void
ended(struct jobs *jobs, struct job *j, const struct run_result *r)
{
	struct showing *s = jobs->arg;
	const struct run_counts *k = &r->counts;
	uint64_t left = 0;
	char time[TIME_TEXT_MAX];

	if (jobs->cli->format != FORMAT_TEXT) {
		summary_json(jobs->cli, j, r);
	} else {
		for (int a = CHANGE_ADDED; a <= CHANGE_DELETED; a++)
			left += s->all || s->shown[a] <= SHOWN_USUAL ? 0 : s->shown[a] - SHOWN_USUAL;
		if (left)
			printf("  ... and %llu more (--all shows them)\n", (unsigned long long)left);
		printf("%s : %s : %s  would add %llu, update %llu, delete %llu; %llu unchanged, %llu rejected, %llu "
		       "held back  (%llu requests, %s)\n",
		       j->pick.connection->name, j->pick.connection->integration->name, j->pick.sync->name,
		       (unsigned long long)k->added, (unsigned long long)k->updated, (unsigned long long)k->deleted,
		       (unsigned long long)k->unchanged, (unsigned long long)k->rejected, (unsigned long long)k->held,
		       (unsigned long long)k->requests, duration_format(k->total_ms, time));
		if (r->err.cls != ERR_NONE)
			printf("  %s: %s\n", err_class_name(r->err.cls), r->err.text);
	}
	memset(s->shown, 0, sizeof s->shown);
	s->rejected = 0;
}

static void
limits_tell(struct cli *c, const struct picks *picks)
{
	const struct connection_settings *told = NULL;

	for (size_t i = 0; i < picks->n; i++) {
		const struct pick *p = &picks->list[i];
		if (p->connection == told || !target_limited(c->settings, p->manifest, p->connection))
			continue;
		told = p->connection;
		cli_note(c, "%s : %s has a rate limit: the process that has the store does not count what this dry run sends",
		         told->name, told->integration->name);
	}
}

static int
dry_all(struct cli *c, struct host *h, bool guest, struct err *err)
{
	struct jobs jobs = {.cli = c, .host = h, .max = 1, .ended = ended};
	struct showing s = {.cli = c, .jobs = &jobs, .all = cli_has(c, "--all")};
	struct picks picks = {0};
	int code = -1;

	jobs.arg = &s;
	jobs.request = (struct run_request){.what = STEP_SYNC,
	                                    .dry = true,
	                                    .full_refresh = cli_has(c, "--full-refresh"),
	                                    .differ = differ,
	                                    .rejected = rejected,
	                                    .sink = &s};
	if (cli_timeout(c, &jobs.request.timeout_ms, err) != 0)
		return -1;
	if (pick_syncs(c, h, &picks, err) == 0) {
		if (guest)
			limits_tell(c, &picks);
		code = jobs_run(&jobs, &picks);
		if (c->format != FORMAT_TEXT)
			print_end(c);
		else
			puts("Nothing was stored.");
	}
	free(picks.list);
	return code;
}

static int
command_dry_run_run(struct cli *c)
{
	struct host *h;
	struct local *local = NULL;
	struct err err;
	bool guest;
	int code = 0;

	h = host_visit(c, &guest, &err);
	if (!h)
		return cli_fail(c, &err);
	if (host_store(h) && !guest)
		local = local_open(&c->loop, h, &err);
	code = dry_all(c, h, guest, &err);
	if (code < 0)
		code = cli_fail(c, &err);
	local_close(local);
	host_free(h);
	return code;
}

const struct command command_dry_run = {
	.name = "dry-run",
	.usage = "[--sync S] [--connection-id C] [--integration I] [--all]",
	.summary = "Runs against the real API and shows what would be added, updated and deleted; stores nothing",
	.help = "The first 100 of each kind, field by field, and all counts. Memory stays bounded however much there "
                "is.\n"
	        "Beside a service it reads that one's store, and has it renew access tokens; rate limits each counts for itself.",
	.flags = flags,
	.run = command_dry_run_run,
};
