/* confirm_deletes.c - `sluice confirm-deletes`: deletes that a run held back are listed, shown, confirmed or dismissed.
 *
 * What is held is asked for first; what is then decided names that run, so a person never decides about something else
 * than was looked at. Awkward: one sync may have held back several models: one answer each, all of one connection. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/verbs.h"

#define SAMPLE 20
#define PAGE 1000

static const struct cli_flag flags[] = {
        {"--connection-id", "C", "only of this connection"},         {"--integration", "I", "only of this integration"},
        {"--sync", "S", "only of this sync; the same as naming it"}, {"--model", "M", "only records of this model"},
        {"--all", NULL, "show: every record; else a sample of 20"},  {NULL, NULL, NULL},
};

struct held {
	char *connection, *integration, *sync, *model, *state;
	int64_t count, records, run;
	struct buf row;
};

struct holding {
	struct cli *cli;
	struct access access;
	struct held *list;
	size_t n;
	const struct manifest_model *model; /* of what is being shown */
	struct slice names;                 /* of the same, as members of an object */
	uint64_t shown;
	char *last;
};

static void
held_take(void *arg, struct slice row)
{
	struct holding *h = arg;
	struct held *held;

	h->list = xrealloc(h->list, (h->n + 1) * sizeof *h->list);
	held = &h->list[h->n++];
	*held = (struct held){.connection = member_text(row, "connection"),
	                      .integration = member_text(row, "integration"),
	                      .sync = member_text(row, "sync"),
	                      .model = member_text(row, "model"),
	                      .state = member_text(row, "state"),
	                      .count = member_int(row, "held", 0),
	                      .records = member_int(row, "records", 0),
	                      .run = member_int(row, "run", 0)};
	buf_slice(&held->row, row);
}

static void
held_free(struct held *held)
{
	free(held->connection);
	free(held->integration);
	free(held->sync);
	free(held->model);
	free(held->state);
	buf_free(&held->row);
}

/* ---- questions ---- */

static int
held_ask(struct holding *h, const char *sync, struct err *err)
{
	static const struct {
		const char *flag, *member;
	} filters[] = {{"--connection-id", "connection"}, {"--integration", "integration"}, {"--model", "model"}};
	struct buf question = {0}, end = {0};
	struct json_out o = json_out(&question);
	int rc;

	json_open(&o, '{');
	json_kv_str(&o, "query", "held");
	for (size_t i = 0; i < LENGTH(filters); i++)
		if (cli_value(h->cli, filters[i].flag))
			json_kv_str(&o, filters[i].member, cli_value(h->cli, filters[i].flag));
	if (sync)
		json_kv_str(&o, "sync", sync);
	json_close(&o, '}');
	rc = access_ask(&h->access, buf_view(&question), held_take, h, &end, err);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* Those of the syncs that are named; of all when none is. */
static int
held_find(struct holding *h, struct err *err)
{
	struct cli *c = h->cli;
	int rc = 0;

	if (c->n_args == 1)
		return held_ask(h, cli_value(c, "--sync"), err);
	for (size_t i = 1; i < c->n_args && rc == 0; i++)
		rc = held_ask(h, c->args[i], err);
	return rc;
}

static void
names_put(struct json_out *o, const struct held *held)
{
	json_kv_str(o, "connection", held->connection);
	json_kv_str(o, "integration", held->integration);
	json_kv_str(o, "sync", held->sync);
	json_kv_str(o, "model", held->model);
}

static struct json_out
question_about(struct buf *out, const char *query, const struct held *held)
{
	struct json_out o;

	buf_clear(out);
	o = json_out(out);
	json_open(&o, '{');
	json_kv_str(&o, "query", query);
	names_put(&o, held);
	return o;
}

/* ---- list ---- */

static int
list_run(void *arg, struct err *err)
{
	struct holding *h = arg;
	static const char *const head[] = {"CONNECTION", "INTEGRATION", "SYNC", "MODEL", "HELD",
	                                   "OF",         "SINCE",       "RUN",  "STATE"};
	struct table t = {.columns = LENGTH(head)};
	char n[32], time[TIME_TEXT_MAX], *at;

	(void)err;
	for (size_t i = 0; i < LENGTH(head); i++)
		table_cell(&t, head[i]);
	for (size_t i = 0; i < h->n; i++) {
		const struct held *held = &h->list[i];
		const char *const names[] = {held->connection, held->integration, held->sync, held->model};
		if (h->cli->format != FORMAT_TEXT) {
			print_row(h->cli, buf_view(&held->row));
			continue;
		}
		for (size_t k = 0; k < LENGTH(names); k++)
			table_cell(&t, names[k]);
		table_cell(&t, number_text((uint64_t)held->count, n));
		table_cell(&t, number_text((uint64_t)held->records, n));
		at = member_text(buf_view(&held->row), "at");
		table_cell(&t, time_short(at, time));
		free(at);
		snprintf(n, sizeof n, "%lld", (long long)held->run);
		table_cell(&t, n);
		table_cell(&t, strcmp(held->state, "void") == 0 ? "void: a run has begun since" : held->state);
	}
	table_print(&t, stdout);
	return 0;
}

/* ---- show ---- */

static void
record_show(void *arg, struct slice row)
{
	struct holding *h = arg;
	struct buf text = {0};
	char *id = member_text(row, "id"), *at = member_text(row, "modified_at"), time[TIME_TEXT_MAX];

	h->shown++;
	if (h->cli->format == FORMAT_TEXT) {
		mask_record(h->model, member_raw(row, "record"), &text);
		printf("  %s  %s  %s\n", time_short(at, time), id, buf_str(&text));
	} else {
		json_merge_top(&text, h->names, row);
		print_row(h->cli, buf_view(&text));
	}
	free(h->last);
	h->last = id;
	free(at);
	buf_free(&text);
}

static void
model_find(struct holding *h, const struct held *held)
{
	const struct connection_settings *k =
	        settings_connection(h->cli->settings, held->connection, held->integration);
	const struct manifest *m = k ? host_manifest_of(h->access.host, k, NULL) : NULL;
	uint16_t index;

	h->model = m ? manifest_model(m, held->model, &index) : NULL;
}

static int
sample_show(struct holding *h, const struct held *held, struct err *err)
{
	bool all = cli_has(h->cli, "--all");
	struct buf question = {0}, end = {0};
	uint64_t before;
	int rc;

	h->shown = 0;
	h->last = NULL;
	do {
		struct json_out o = question_about(&question, "held_records", held);
		before = h->shown;
		json_kv_int(&o, "limit", all ? PAGE : SAMPLE);
		if (h->last)
			json_kv_str(&o, "after", h->last);
		json_close(&o, '}');
		rc = access_ask(&h->access, buf_view(&question), record_show, h, &end, err);
	} while (rc == 0 && all && h->shown == before + PAGE);
	free(h->last);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
show_run(void *arg, struct err *err)
{
	struct holding *h = arg;
	bool text = h->cli->format == FORMAT_TEXT;
	struct buf names = {0};
	int rc = 0;

	for (size_t i = 0; i < h->n && rc == 0; i++) {
		const struct held *held = &h->list[i];
		struct json_out o;
		buf_clear(&names);
		o = json_out(&names);
		json_open(&o, '{');
		names_put(&o, held);
		json_close(&o, '}');
		h->names = buf_view(&names);
		if (text) {
			model_find(h, held);
			printf("%s : %s : %s, %s: run %lld held back %lld deletes%s of %lld records\n",
			       held->connection, held->integration, held->sync, held->model, (long long)held->run,
			       (long long)held->count, held->count == held->records ? ", all" : "",
			       (long long)held->records);
			fflush(stdout);
		}
		rc = sample_show(h, held, err);
		if (rc == 0 && text && (int64_t)h->shown < held->count)
			printf("  and %lld more: --all shows them\n", (long long)(held->count - (int64_t)h->shown));
	}
	buf_free(&names);
	return rc;
}

/* ---- confirm, dismiss ---- */

static int
one_connection(const struct holding *h, struct err *err)
{
	for (size_t i = 1; i < h->n; i++)
		if (strcmp(h->list[i].connection, h->list[0].connection) != 0 ||
		    strcmp(h->list[i].integration, h->list[0].integration) != 0)
			return err_set(
			        err, ERR_USAGE,
			        "%s : %s and %s : %s both hold deletes back: choose one with --connection-id and "
			        "--integration",
			        h->list[0].connection, h->list[0].integration, h->list[i].connection,
			        h->list[i].integration);
	return 0;
}

static void
decided_print(struct holding *h, const struct held *held, bool confirmed, int64_t deleted)
{
	struct buf row = {0};
	struct json_out o = json_out(&row);

	if (h->cli->format == FORMAT_TEXT) {
		printf("%s : %s : %s, %s: ", held->connection, held->integration, held->sync, held->model);
		if (confirmed)
			printf("%lld records deleted\n", (long long)deleted);
		else
			printf("dismissed, %lld records stay; the next complete listing judges anew\n",
			       (long long)held->count);
		return;
	}
	json_open(&o, '{');
	names_put(&o, held);
	json_kv_str(&o, "decision", confirmed ? "confirmed" : "dismissed");
	json_kv_int(&o, "deleted", deleted);
	json_close(&o, '}');
	print_row(h->cli, buf_view(&row));
	buf_free(&row);
}

static int
decide(struct holding *h, bool confirm, struct err *err)
{
	struct buf question = {0}, end = {0};
	char by[64];
	int rc = 0;

	if (h->cli->n_args == 1 && !cli_value(h->cli, "--sync"))
		return err_set(err, ERR_USAGE, "say of which sync: `sluice confirm-deletes list` shows them");
	if (h->n == 0)
		return err_set(err, ERR_USAGE,
		               "no deletes are held back there: `sluice confirm-deletes list` shows all");
	if (one_connection(h, err) != 0)
		return -1;
	person_name(by);
	for (size_t i = 0; i < h->n && rc == 0; i++) {
		struct json_out o = question_about(&question, confirm ? "confirm_held" : "dismiss_held", &h->list[i]);
		json_kv_int(&o, "run", h->list[i].run);
		json_kv_str(&o, "by", by);
		json_close(&o, '}');
		rc = access_ask(&h->access, buf_view(&question), row_none, NULL, &end, err);
		if (rc == 0)
			decided_print(h, &h->list[i], confirm, member_int(buf_view(&end), "deleted", 0));
	}
	buf_free(&question);
	buf_free(&end);
	return rc;
}

static int
confirm_run(void *arg, struct err *err)
{
	return decide(arg, true, err);
}

static int
dismiss_run(void *arg, struct err *err)
{
	return decide(arg, false, err);
}

static const struct cli_verb verbs[] = {
	{"list", .run = list_run}, {"show", .run = show_run}, {"confirm", .run = confirm_run}, {"dismiss", .run = dismiss_run}, {0}};

static int
command_confirm_deletes_run(struct cli *c)
{
	struct holding h = {.cli = c};
	struct err err = {0};
	const struct cli_verb *verb = verb_find(c, verbs, &err);
	int rc = -1;

	if (verb && access_open(&h.access, c, false, &err) == 0 && held_find(&h, &err) == 0)
		rc = verb->run(&h, &err);
	if (rc == 0 && c->format != FORMAT_TEXT)
		print_end(c);
	for (size_t i = 0; i < h.n; i++)
		held_free(&h.list[i]);
	free(h.list);
	access_close(&h.access);
	return rc == 0 ? 0 : cli_fail(c, &err);
}

const struct command command_confirm_deletes = {
        .name = "confirm-deletes",
        .usage = "list | show [SYNC...] | confirm SYNC... | dismiss SYNC...  [--connection-id C] [--model M]",
        .summary = "Shows deletes that a run held back, and has them done or forgotten",
        .help = "confirm deletes exactly what the run held back; dismiss forgets that it did, and the next complete "
                "listing\n"
                "judges anew. Neither while the sync is running. A run that has begun since makes what was held back "
                "void.",
        .flags = flags,
        .args_min = 1,
        .args_max = 64,
        .run = command_confirm_deletes_run,
};
