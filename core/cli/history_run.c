/* history_run.c - one run as people read it: how it ended and why, what it fetched and changed, where its time went, its
 * warnings and its log. Counts that are zero and say nothing by that are left out. */
#include <stdlib.h>
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/history.h"

struct item {
	const char *member, *word;
	bool always; /* also when it is 0 */
};

static const struct item provider[] = {
	{"fetched", "fetched", true}, {"pages", "pages", false}, {"unmodified", "pages unmodified", false},
	{"requests", "requests", true}, {"retries", "retries", false}, {"rate_limited", "rate-limit hits", false}, {NULL, NULL, false}};
static const struct item records[] = {
	{"saved", "processed", true}, {"added", "added", true}, {"updated", "updated", true}, {"deleted", "deleted", true},
	{"unchanged", "unchanged", false}, {"rejected", "rejected", false}, {"missing", "missing", false},
	{"held", "deletes held back", false}, {NULL, NULL, false}};
static const struct item effort[] = {{"steps", "steps", true}, {"workers", "workers", true}, {NULL, NULL, false}};
static const struct item waits[] = {
	{"connecting_ms", "connecting", false}, {"server_ms", "waiting for the server", false},
	{"rate_limit_ms", "waiting for rate limits", false}, {"retry_ms", "before retries", false},
	{"token_ms", "waiting for an access token", false},
	{"starting_ms", "starting the worker", false}, {"computing_ms", "computing", false},
	{"committing_ms", "committing", false}, {NULL, NULL, false}};

static void
line_print(const char *title, struct buf *text)
{
	if (text->len)
		printf("%-11s%s\n", title, buf_str(text));
	buf_free(text);
}

static void
counts_print(const char *title, const struct item *list, struct slice counts, bool with_bytes)
{
	struct buf text = {0};
	char n[TIME_TEXT_MAX];

	for (; list->member; list++) {
		int64_t value = member_int(counts, list->member, 0);
		if (value || list->always)
			buf_printf(&text, "%s%s %s", text.len ? ", " : "", number_text((uint64_t)value, n), list->word);
	}
	if (with_bytes && member_int(counts, "bytes", 0))
		buf_printf(&text, ", %s", size_format((uint64_t)member_int(counts, "bytes", 0), n));
	line_print(title, &text);
}

static void
time_print(struct slice row)
{
	struct slice time = member_raw(row, "time");
	char *began = member_text(row, "started_at"), *ended = member_text(row, "finished_at");
	char a[TIME_TEXT_MAX], b[TIME_TEXT_MAX];
	struct buf text = {0};

	buf_printf(&text, "%s to %s", time_short(began, a), ended ? time_short(ended, b) : "now");
	buf_printf(&text, ", %s", duration_format(member_int(time, "total_ms", 0), a));
	line_print("time", &text);
	for (const struct item *i = waits; i->member; i++)
		if (member_int(time, i->member, 0))
			buf_printf(&text, "%s%s %s", text.len ? ", " : "", duration_format(member_int(time, i->member, 0), a), i->word);
	line_print("of which", &text);
	free(began);
	free(ended);
}

static void
warnings_print(struct slice row)
{
	struct json_iter it = json_iter(member_raw(row, "warnings"));
	struct buf text = {0};

	while (json_next(&it)) {
		json_unquote(it.value, &text);
		line_print("warning", &text);
	}
}

static void
outcome_print(struct slice row)
{
	char *status = member_text(row, "status"), *cls = member_text(member_raw(row, "error"), "class"),
	     *why = member_text(member_raw(row, "error"), "message"), *sandbox = member_text(row, "sandbox");
	struct buf text = {0};

	buf_printf(&text, "%s%s%s%s", status ? status : "-", cls ? " (" : "", cls ? cls : "", cls ? ")" : "");
	if (member_bool(row, "full", false))
		buf_printf(&text, ", a full listing%s", member_bool(row, "complete", false) ? ", complete" : "");
	if (member_int(row, "resumes", 0))
		buf_printf(&text, ", went on with run %lld", (long long)member_int(row, "resumes", 0));
	if (member_bool(row, "more", false))
		buf_puts(&text, ", there is more to do");
	line_print("status", &text);
	buf_puts(&text, why ? why : "");
	line_print("reason", &text);
	buf_puts(&text, sandbox ? sandbox : "");
	line_print("sandbox", &text);
	free(status);
	free(cls);
	free(why);
	free(sandbox);
}

static void
record_print(struct slice row)
{
	char *connection = member_text(row, "connection"), *integration = member_text(row, "integration"),
	     *sync = member_text(row, "sync");
	struct slice counts = member_raw(row, "counts");

	printf("run %lld of %s : %s : %s\n", (long long)member_int(row, "run", 0), connection ? connection : "-",
	       integration ? integration : "-", sync ? sync : "-");
	outcome_print(row);
	time_print(row);
	counts_print("provider", provider, counts, true);
	counts_print("records", records, counts, false);
	counts_print("effort", effort, counts, false);
	warnings_print(row);
	free(connection);
	free(integration);
	free(sync);
}

void
history_run_row(struct run_text *t, struct slice row)
{
	char *ts, *level, *msg, time[TIME_TEXT_MAX];
	struct buf text = {0};

	if (!t->begun) {
		t->begun = true;
		record_print(row);
		return;
	}
	if (!t->logged)
		puts("");
	t->logged = true;
	ts = member_text(row, "ts");
	level = member_text(row, "level");
	msg = member_text(row, "msg");
	buf_printf(&text, "%s  %-5s  ", time_short(ts, time), level ? level : "-");
	text_cut(&text, msg ? msg : "", SIZE_MAX);
	puts(buf_str(&text));
	buf_free(&text);
	free(ts);
	free(level);
	free(msg);
}
