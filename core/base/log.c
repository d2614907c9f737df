/* log.c - a line is blanked, made, and written whole.
 *
 * The way of a line: format the message -> blank message and field values -> put them together as text or JSON -> blank
 * the result again, since a secret may be spread over neighbouring fields -> one write(2) -> the tap.
 * Guarantee: no control byte of a message reaches a terminal or starts a second line; JSON lines are valid JSON.
 * Awkward: the tap may log itself (the store that keeps the history may fail): a thread inside its tap does not call
 * it again, and the lock is not held meanwhile. Time stamp and level are outside of the second blanking, or a secret
 * "info" would make every line useless. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/blank.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"

#define FIELDS_MAX 24 /* more are left out of a line */

typedef void log_tap_fn(void *arg, enum log_level level, const char *msg, const struct log_field *fields);

static struct {
	pthread_mutex_t lock;
	int fd;
	enum log_level least;
	bool json;
	log_tap_fn *tap;
	void *tap_arg;
	struct blank_set secrets;
} logger = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO, .least = LOG_INFO};

static _Thread_local bool in_tap;

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};

/* A line on its way: blanked copies of all that is in it. */
struct line {
	enum log_level level;
	char *msg;
	struct log_field fields[FIELDS_MAX + 1];
	char *texts[FIELDS_MAX]; /* what fields[].text points to; NULL for numbers */
};

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level < LENGTH(level_names) ? level_names[level] : "unknown";
}

bool
log_level_find(struct slice name, enum log_level *level)
{
	for (unsigned i = 0; i < LENGTH(level_names); i++)
		if (slice_is(name, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

void
log_setup(int fd, enum log_level least, enum log_format format)
{
	pthread_mutex_lock(&logger.lock);
	logger.fd = fd;
	logger.least = least;
	logger.json = format == LOG_JSON || (format == LOG_AUTO && !isatty(fd));
	pthread_mutex_unlock(&logger.lock);
}

void
log_secret(struct slice value)
{
	pthread_mutex_lock(&logger.lock);
	blank_add(&logger.secrets, value);
	pthread_mutex_unlock(&logger.lock);
}

void
log_secrets_forget(void)
{
	pthread_mutex_lock(&logger.lock);
	blank_forget(&logger.secrets);
	pthread_mutex_unlock(&logger.lock);
}

void
log_blank(struct buf *text)
{
	pthread_mutex_lock(&logger.lock);
	blank_text(&logger.secrets, text);
	pthread_mutex_unlock(&logger.lock);
}

void
log_tap(log_tap_fn *fn, void *arg)
{
	pthread_mutex_lock(&logger.lock);
	logger.tap = fn;
	logger.tap_arg = arg;
	pthread_mutex_unlock(&logger.lock);
}

/* ---- under the lock ---- */

/* The text, blanked; consumes it. */
static char *
blanked(char *text)
{
	struct buf b = {.p = text, .len = strlen(text)};

	b.cap = b.len + 1;
	blank_text(&logger.secrets, &b);
	return buf_take(&b);
}

static void
line_fields(struct line *line, const struct log_field *fields)
{
	for (size_t i = 0; fields && i < FIELDS_MAX && fields[i].key; i++) {
		struct log_field *to = &line->fields[i];
		char number[24];

		*to = fields[i];
		snprintf(number, sizeof number, "%" PRId64, fields[i].number);
		line->texts[i] = blanked(xstrdup(to->text ? to->text : number));
		if (!to->text && !strcmp(line->texts[i], number)) {
			free(line->texts[i]);
			line->texts[i] = NULL;
		}
		to->text = line->texts[i];
	}
}

static void
line_finish(struct line *line)
{
	for (size_t i = 0; i < FIELDS_MAX; i++)
		free(line->texts[i]);
	free(line->msg);
}

/* For people: control characters, which could move the cursor or begin a line, show as \xNN. */
static void
put_visible(struct buf *b, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool c1 = c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0;

		if (c == '\n')
			buf_puts(b, "\\n");
		else if (c < 0x20 || c == 0x7f || c1)
			buf_printf(b, "\\x%02x", c1 ? (unsigned char)*++s : c);
		else
			buf_putc(b, *s);
	}
}

static void
put_field_text(struct buf *b, const struct log_field *f)
{
	buf_printf(b, " %s=", f->key);
	if (!f->text)
		buf_printf(b, "%" PRId64, f->number);
	else if (*f->text && !strpbrk(f->text, " \"=\t\n"))
		put_visible(b, f->text);
	else
		json_quote(b, slice_str(f->text));
}

static void
put_body(struct buf *b, const struct line *line)
{
	struct json_out o = json_out(b);

	if (!logger.json) {
		put_visible(b, line->msg);
		for (const struct log_field *f = line->fields; f->key; f++)
			put_field_text(b, f);
		return;
	}
	json_kv_str(&o, "msg", line->msg);
	for (const struct log_field *f = line->fields; f->key; f++) {
		if (f->text)
			json_kv_str(&o, f->key, f->text);
		else
			json_kv_int(&o, f->key, f->number);
	}
	buf_putc(b, '}');
}

static void
write_whole(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nobody to tell */
		p += done;
		n -= (size_t)done;
	}
}

static void
line_write(const struct line *line)
{
	struct buf body = {0}, out = {0};
	char ts[TIME_TEXT_MAX];
	const char *level = log_level_name(line->level);

	time_format_ms(clock_wall_us(&clock_system), ts);
	put_body(&body, line);
	blank_text(&logger.secrets, &body);
	if (logger.json)
		buf_printf(&out, "{\"ts\":\"%s\",\"level\":\"%s\",", ts, level);
	else
		buf_printf(&out, "%s %-5s ", ts, level);
	buf_slice(&out, buf_view(&body));
	buf_putc(&out, '\n');
	write_whole(logger.fd, out.p, out.len);
	buf_free(&out);
	buf_wipe(&body);
}

void
log_line(enum log_level level, const struct log_field *fields, const char *fmt, ...)
{
	struct line line = {.level = level};
	log_tap_fn *tap;
	void *arg;
	char *msg;
	va_list ap;
	int before = errno;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		die("out of memory: a log line could not be made");
	va_end(ap);
	pthread_mutex_lock(&logger.lock);
	tap = level >= logger.least && !in_tap ? logger.tap : NULL;
	arg = logger.tap_arg;
	line.msg = blanked(msg);
	line_fields(&line, fields);
	if (level >= logger.least)
		line_write(&line);
	pthread_mutex_unlock(&logger.lock);
	if (tap) {
		in_tap = true;
		tap(arg, level, line.msg, line.fields);
		in_tap = false;
	}
	line_finish(&line);
	errno = before;
}
