/* history.c - what people read about a run afterwards: its record in `runs` and its log lines, secrets blanked.
 *
 * A log line goes to stderr by the log's own rules and, up to a bound, into the store: with the run's next commit, also
 * where the records that were to go with it are dropped, for the last lines are what tells why. The record is written
 * with every commit too, so a run that was killed shows how far it had come (added, updated and deleted as of the
 * commit before: what a commit changes is known only when it is durable). */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/counts.h"
#include "run/inside.h"

/* Kept in the store of one run: 10 000 lines, of which three are the first, the last and the one that says so. */
#define LOGGED_MAX (10000u - 3)
#define LOGGED_BYTES_MAX (4u << 20)

void
history_time(const struct run_counts *c, struct json_out *o)
{
	json_key(o, "time");
	json_open(o, '{');
	counts_time_write(c, o);
}

static void
figures_write(const struct run *r, struct json_out *o)
{
	json_key(o, "counts");
	json_open(o, '{');
	counts_write(&r->counts, o);
	json_close(o, '}');
	history_time(&r->counts, o);
	json_kv_int(o, "total_ms", clock_mono_ms(r->host->clock) - r->start_ms);
	json_close(o, '}');
}

static void
warnings_write(const struct run *r, struct json_out *o)
{
	const char *p = r->warnings.p, *end = p + r->warnings.len;

	json_key(o, "warnings");
	json_open(o, '[');
	while (p < end) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		json_put_slice(o, slice_of(p, (size_t)((line ? line : end) - p)));
		p = line ? line + 1 : end;
	}
	json_close(o, ']');
}

void
history_write(const struct run *r, const char *status, struct buf *out)
{
	struct json_out o = json_out(out);
	char time[TIME_TEXT_MAX], *name = run_scope_name(r);

	json_open(&o, '{');
	json_kv_int(&o, "run", (int64_t)r->number);
	json_kv_str(&o, "connection", r->connection->name);
	json_kv_str(&o, "integration", r->connection->integration->name);
	json_kv_str(&o, "sync", name);
	free(name);
	if (r->webhook) {
		json_kv_str(&o, "kind", "event");
		json_kv_int(&o, "events", (int64_t)r->events);
	}
	json_kv_str(&o, "status", status);
	if (r->request.due_us)
		json_kv_str(&o, "due_at", time_format(r->request.due_us, time));
	json_kv_str(&o, "started_at", time_format(r->start_us, time));
	if (strcmp(status, "running") != 0)
		json_kv_str(&o, "finished_at", time_format(clock_wall_us(r->host->clock), time));
	if (r->err.cls != ERR_NONE) {
		json_key(&o, "error");
		json_open(&o, '{');
		json_kv_str(&o, "class", reason_class(r->err.cls));
		json_kv_str(&o, "message", r->err.text);
		json_close(&o, '}');
	}
	json_kv_bool(&o, "full", r->facts.full);
	json_kv_bool(&o, "complete", r->complete);
	json_kv_bool(&o, "more", r->more);
	json_kv_int(&o, "resumes", (int64_t)r->resumes);
	if (r->sandbox)
		json_kv_str(&o, "sandbox", r->sandbox);
	figures_write(r, &o);
	warnings_write(r, &o);
	json_close(&o, '}');
	log_blank(out);
}

const struct log_field *
history_fields(const struct run *r, struct log_field fields[6])
{
	size_t n = 0;

	if (r->number)
		fields[n++] = (struct log_field){"run", NULL, (int64_t)r->number};
	fields[n++] = (struct log_field){"connection", r->connection->name, 0};
	fields[n++] = (struct log_field){"integration", r->connection->integration->name, 0};
	if (r->request.name)
		fields[n++] = (struct log_field){"sync", r->request.name, 0};
	if (r->steps.begun)
		fields[n++] = (struct log_field){"step", NULL, (int64_t)r->steps.begun};
	fields[n] = (struct log_field){NULL, NULL, 0};
	return fields;
}

static void
line_keep(struct run *r, enum log_level level, const char *text)
{
	size_t before = r->lines.len;
	struct json_out o = json_out(&r->lines);
	char time[TIME_TEXT_MAX];

	if (r->request.dry || !r->number)
		return;
	json_open(&o, '{');
	json_kv_str(&o, "ts", time_format_ms(clock_wall_us(r->host->clock), time));
	json_kv_str(&o, "level", log_level_name(level));
	json_kv_str(&o, "msg", text);
	if (r->steps.begun)
		json_kv_int(&o, "step", (int64_t)r->steps.begun);
	json_close(&o, '}');
	buf_putc(&r->lines, '\n');
	r->logged_bytes += r->lines.len - before;
}

/* Of what comes in any number: no more than is kept, and one line that says so. */
static void
line_count(struct run *r, enum log_level level, const char *text)
{
	if (r->logged > LOGGED_MAX)
		return;
	r->logged = r->logged_bytes < LOGGED_BYTES_MAX ? r->logged + 1 : LOGGED_MAX + 1;
	if (r->logged > LOGGED_MAX)
		line_keep(r, LOG_WARN, "the log of this run is cut here: more came than is kept of one");
	else
		line_keep(r, level, text);
}

void
history_begun(struct run *r)
{
	char text[160];

	snprintf(text, sizeof text, "begins%s, %s", r->facts.full ? ": a full listing" : "",
	         r->resumes ? "where an interrupted run stopped" : r->by_hand ? "where its state was set by hand" : "anew");
	line_keep(r, LOG_INFO, text);
}

void
history_ended(struct run *r)
{
	bool good = r->err.cls == ERR_NONE;
	struct buf text = {0}, time = {0};
	char saved[32], rejected[32];

	if (good)
		buf_printf(&text, "ends: %s records saved, %s rejected; ", number_text(r->counts.saved, saved),
		           number_text(r->counts.rejected, rejected));
	else
		buf_printf(&text, "ends: %s; ", r->err.text);
	counts_say(&r->counts, &text);
	counts_say_time(&r->counts, &time);
	if (time.len)
		buf_printf(&text, "; %s", buf_str(&time));
	log_blank(&text);
	line_keep(r, good ? LOG_INFO : r->err.cls == ERR_STOPPED ? LOG_WARN : LOG_ERROR, buf_str(&text));
	buf_free(&time);
	buf_free(&text);
}

void
history_pour(struct run *r, struct commit *c)
{
	const char *p = r->lines.p, *end = p + r->lines.len;

	while (p < end) {
		const char *line = memchr(p, '\n', (size_t)(end - p));
		commit_log(c, r->number, slice_of(p, (size_t)(line - p)));
		p = line + 1;
	}
	buf_clear(&r->lines);
}

void
history_log(struct run *r, enum log_level level, const char *fmt, ...)
{
	struct log_field fields[6];
	struct buf text = {0};
	char *said;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&said, fmt, ap) < 0)
		die("out of memory for a log line");
	va_end(ap);
	buf_puts(&text, said);
	free(said);
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			text.p[i] = ' ';
	log_blank(&text);
	log_line(level, history_fields(r, fields), "%s", buf_str(&text));
	if (level >= LOG_INFO || strcmp(r->settings->host.log_level, "debug") == 0)
		line_count(r, level, buf_str(&text));
	buf_free(&text);
}
