/* value.c - the types of the configuration: one parser and one row each.
 *
 * A parser gets the plain text and the place in the settings struct; it either sets the member or says, in words that
 * end in an example, why the text is not of its type. `show` is the text as a message may show it: cut, or "***".
 *
 * Awkward: the member's C type follows from the key's type alone (keys.h), so a row of keys.c whose type and member
 * disagree would write past it; tests/unit/config_settings.c sets every key and reads it back. */
#include "config/value.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "config/settings.h"

#define SHOW_MAX 64

/* What a parser needs to know. */
struct parse {
	const struct key *key;
	struct slice text;       /* NUL-terminated too; never empty */
	char *at;                /* the section's struct */
	bool hidden;             /* no part of the text may be shown */
	char show[SHOW_MAX + 8]; /* the text for a message */
};

#define MEMBER(p, type) (*(type *)(void *)((p)->at + (p)->key->offset))

static int
refuse(const struct parse *p, struct err *err, const char *what)
{
	return err_set(err, ERR_USAGE, "'%s' %s", p->show, what);
}

static int
in_range(const struct parse *p, uint64_t v, struct err *err)
{
	struct buf b = {0};

	if ((!p->key->min && !p->key->max) || (v >= p->key->min && v <= p->key->max))
		return 0;
	key_range(p->key, &b);
	err_set(err, ERR_USAGE, "'%s' is out of range; it is %s", p->show, buf_str(&b));
	buf_free(&b);
	return -1;
}

static int
parse_text(const struct parse *p, struct err *err)
{
	(void)err;
	MEMBER(p, char *) = slice_dup(p->text);
	return 0;
}

static int
parse_path(const struct parse *p, struct err *err)
{
	(void)err;
	MEMBER(p, char *) = path_absolute(p->text);
	return 0;
}

static int
parse_plugin(const struct parse *p, struct err *err)
{
	size_t n = p->text.len;

	if (memchr(p->text.p, '/', n) || (n > 3 && !memcmp(p->text.p + n - 3, ".so", 3)))
		return refuse(p, err, "is no plugin's name; write it without folder and .so, like: slack");
	if (n > 100 || p->text.p[0] == '.')
		return refuse(p, err, "is no plugin's name; it is the file's name without .so, like: slack");
	return parse_text(p, err);
}

/* The part between :// and the path. */
static struct slice
url_authority(struct slice url)
{
	const char *from = memmem(url.p, url.len, "://", 3);
	size_t n = 0, left = from ? (size_t)(url.p + url.len - from - 3) : 0;

	while (n < left && !strchr("/?#", from[3 + n]))
		n++;
	return slice_of(from ? from + 3 : url.p, n);
}

static bool
placeholders_close(const char *s)
{
	while ((s = strstr(s, "${"))) {
		const char *end = strchr(s, '}');
		if (!end || end == s + 2)
			return false;
		s = end;
	}
	return true;
}

static int
parse_url(const struct parse *p, struct err *err)
{
	struct slice host = url_authority(p->text);

	if (strncasecmp(p->text.p, "http://", 7) && strncasecmp(p->text.p, "https://", 8))
		return refuse(p, err, "is no http or https URL; say for example https://api.example.com/v1");
	if (memchr(host.p, '@', host.len))
		return err_set(err, ERR_USAGE, "the URL holds a user name or password; give these as credentials of a connection");
	if (!host.len || host.p[0] == ':')
		return refuse(p, err, "names no host; say for example https://api.example.com/v1");
	if (memchr(p->text.p, '#', p->text.len))
		return refuse(p, err, "has a fragment (#...), which is never sent; leave it away");
	for (size_t i = 0; i < p->text.len; i++)
		if ((unsigned char)p->text.p[i] <= ' ' || p->text.p[i] == '\\' || p->text.p[i] == '"')
			return refuse(p, err, "holds a character that no URL may hold; write it percent-encoded");
	if (!placeholders_close(p->text.p))
		return refuse(p, err, "holds ${ without a name and } after it; say for example https://${subdomain}.example.com");
	return parse_text(p, err);
}

/* The index of the word; -1: none of them. */
static int
word_index(const struct parse *p, struct err *err)
{
	const char *const *w = p->key->words;

	for (int i = 0; w[i]; i++)
		if (slice_is(p->text, w[i]))
			return i;
	struct buf b = {0};
	const char *near = nearest(p->text.p, w);
	for (int i = 0; w[i]; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", w[i]);
	err_set(err, ERR_USAGE, "'%s' is none of %s%s%s%s", p->show, buf_str(&b), near ? "; did you mean '" : "",
	        near ? near : "", near ? "'?" : "");
	buf_free(&b);
	return -1;
}

static int
parse_word(const struct parse *p, struct err *err)
{
	return word_index(p, err) < 0 ? -1 : parse_text(p, err);
}

static int
parse_choice(const struct parse *p, struct err *err)
{
	int i = word_index(p, err);

	if (i < 0)
		return -1;
	MEMBER(p, unsigned) = (unsigned)i;
	return 0;
}

static int
parse_bool(const struct parse *p, struct err *err)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (unsigned i = 0; i < LENGTH(words); i++)
		if (!strcasecmp(p->text.p, words[i])) {
			MEMBER(p, bool) = i & 1;
			return 0;
		}
	return refuse(p, err, "is neither yes nor no");
}

static int
parse_duration(const struct parse *p, struct err *err)
{
	int64_t ms;

	if (!duration_parse(p->text, &ms) || ms < 0)
		return refuse(p, err, "is no duration; say for example 'every 15 minutes', 90s or 1h30m");
	if (in_range(p, (uint64_t)ms, err) < 0)
		return -1;
	MEMBER(p, int64_t) = ms;
	return 0;
}

/* Digits only; false: something else, or more than fits. */
static bool
number_read(struct slice s, uint64_t *n)
{
	*n = 0;
	for (size_t i = 0; i < s.len; i++)
		if (!isdigit((unsigned char)s.p[i]) || __builtin_mul_overflow(*n, UINT64_C(10), n) ||
		    __builtin_add_overflow(*n, (uint64_t)(s.p[i] - '0'), n))
			return false;
	return s.len > 0;
}

static int
parse_seconds(const struct parse *p, struct err *err)
{
	uint64_t n;

	if (!number_read(p->text, &n))
		return refuse(p, err, "is no number of seconds; say for example 1800");
	if (__builtin_mul_overflow(n, UINT64_C(1000), &n))
		n = UINT64_MAX;
	if (in_range(p, n, err) < 0)
		return -1;
	MEMBER(p, int64_t) = (int64_t)n;
	return 0;
}

static int
parse_size(const struct parse *p, struct err *err)
{
	uint64_t n;

	if (!size_parse(p->text, &n))
		return refuse(p, err, "is no size; say for example 32MiB, 64KiB or 1GiB");
	if (in_range(p, n, err) < 0)
		return -1;
	MEMBER(p, uint64_t) = n;
	return 0;
}

static int
parse_count(const struct parse *p, struct err *err)
{
	uint64_t n;

	if (!number_read(p->text, &n))
		return refuse(p, err, "is no whole number; say for example 5");
	if (in_range(p, n, err) < 0)
		return -1;
	MEMBER(p, uint64_t) = n;
	return 0;
}

/* "20%", "0.5%": digits, perhaps decimals, a percent sign. Without the sign 0.2 and 20 would be guesswork. */
static int
parse_share(const struct parse *p, struct err *err)
{
	char *end = NULL;
	bool plain = isdigit((unsigned char)p->text.p[0]) && strspn(p->text.p, "0123456789.%") == p->text.len;
	double v = plain ? strtod(p->text.p, &end) : -1;

	if (!end || strcmp(end, "%"))
		return refuse(p, err, "is no share; say for example 20%");
	if (v > 100)
		return refuse(p, err, "is more than 100%");
	MEMBER(p, double) = v / 100;
	return 0;
}

/* "3x", "1.5x"; "off" and "0x" are 0. */
static int
parse_factor(const struct parse *p, struct err *err)
{
	char *end = NULL;
	bool plain = isdigit((unsigned char)p->text.p[0]) && strspn(p->text.p, "0123456789.x") == p->text.len;
	double v = plain ? strtod(p->text.p, &end) : -1;

	if (slice_is(p->text, "off"))
		v = 0;
	else if (!end || strcmp(end, "x") || (v < 1 && v > 0) || v > 1000000)
		return refuse(p, err, "is no factor from 1x on, nor off; say for example 3x");
	MEMBER(p, double) = v;
	return 0;
}

/* "50/min", "10/s", "5/10s": a number, a slash, and a duration or a unit alone. */
static int
parse_rate(const struct parse *p, struct err *err)
{
	const char *slash = memchr(p->text.p, '/', p->text.len);
	uint64_t n = 0;
	int64_t ms = 0;
	char per[24];

	if (!slash || !number_read(slice_of(p->text.p, (size_t)(slash - p->text.p)), &n) || !n || !slash[1] ||
	    (size_t)snprintf(per, sizeof(per), "%s%s", isdigit((unsigned char)slash[1]) ? "" : "1", slash + 1) >= sizeof(per) ||
	    !duration_parse(slice_str(per), &ms) || ms <= 0)
		return refuse(p, err, "is no rate; say for example 50/min, 10/s or 5000/h");
	MEMBER(p, uint64_t) = n;
	*(int64_t *)(void *)(p->at + p->key->second) = ms;
	return 0;
}

static bool
host_good(const char *s)
{
	return *s && *s != ':' && !strstr(s, "..") &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.:[]")] == 0;
}

/* Takes over `item`. */
static int
list_add(const struct parse *p, size_t *n, char *item, struct err *err)
{
	char ***list = &MEMBER(p, char **);

	if (p->key->type == KEY_LIST && !*item) {
		free(item);
		return err_set(err, ERR_USAGE, "holds an empty entry; take the comma away");
	}
	if (p->key->type == KEY_HOSTS && !host_good(item)) {
		err_set(err, ERR_USAGE, "'%.80s' is no host; say for example files.example.com or 10.0.0.7:8443",
		        p->hidden ? "***" : item);
		free(item);
		return -1;
	}
	*list = xrealloc(*list, (*n + 2) * sizeof(**list));
	(*list)[(*n)++] = item;
	(*list)[*n] = NULL;
	return 0;
}

static void
list_free(char **list)
{
	for (char **p = list; p && *p; p++)
		free(*p);
	free(list);
}

static int
list_json(const struct parse *p, struct err *err)
{
	struct json_fault fault;
	size_t n = 0;

	if (!json_check(p->text, 2, &fault))
		return err_set(err, ERR_USAGE, "is no JSON array: %s at byte %zu", fault.what, fault.at);
	for (struct json_iter it = json_iter(p->text); json_next(&it);) {
		if (json_type(it.value) != JSON_STRING)
			return err_set(err, ERR_USAGE, "the array holds something else than strings; say for example [\"a\", \"b\"]");
		if (list_add(p, &n, json_text(it.value), err) < 0)
			return -1;
	}
	return 0;
}

static int
list_commas(const struct parse *p, struct err *err)
{
	const char *end = p->text.p + p->text.len;
	size_t n = 0;

	for (const char *from = p->text.p, *to; from <= end; from = to + 1) {
		to = memchr(from, ',', (size_t)(end - from));
		to = to ? to : end;
		if (list_add(p, &n, slice_dup(json_trim(slice_of(from, (size_t)(to - from)))), err) < 0)
			return -1;
	}
	return 0;
}

static int
parse_hosts(const struct parse *p, struct err *err)
{
	/* An IPv6 address begins with a bracket as well, but goes on with a digit or colon. */
	if (p->text.p[0] == '[' && !strchr("0123456789abcdefABCDEF:", p->text.p[1]))
		return list_json(p, err);
	return list_commas(p, err);
}

static int
parse_list(const struct parse *p, struct err *err)
{
	if (p->text.len == 4 && !memcmp(p->text.p, "none", 4)) {
		MEMBER(p, char **) = XNEW(char *);
		return 0;
	}
	return parse_hosts(p, err);
}

static int
parse_secret(const struct parse *p, struct err *err)
{
	(void)err;
	MEMBER(p, struct secret *) = secret_new(p->text);
	return 0;
}

/* ---- the table ---- */

enum owned { OWNS_NOTHING, OWNS_TEXT, OWNS_LIST, OWNS_SECRET };

static const struct type {
	int (*parse)(const struct parse *p, struct err *err);
	enum owned owns;
} types[KEY_TYPES] = {
	[KEY_TEXT] = {parse_text, OWNS_TEXT},
	[KEY_PATH] = {parse_path, OWNS_TEXT},
	[KEY_PLUGIN] = {parse_plugin, OWNS_TEXT},
	[KEY_URL] = {parse_url, OWNS_TEXT},
	[KEY_WORD] = {parse_word, OWNS_TEXT},
	[KEY_CHOICE] = {parse_choice, OWNS_NOTHING},
	[KEY_BOOL] = {parse_bool, OWNS_NOTHING},
	[KEY_DURATION] = {parse_duration, OWNS_NOTHING},
	[KEY_SECONDS] = {parse_seconds, OWNS_NOTHING},
	[KEY_SIZE] = {parse_size, OWNS_NOTHING},
	[KEY_COUNT] = {parse_count, OWNS_NOTHING},
	[KEY_SHARE] = {parse_share, OWNS_NOTHING},
	[KEY_FACTOR] = {parse_factor, OWNS_NOTHING},
	[KEY_RATE] = {parse_rate, OWNS_NOTHING},
	[KEY_HOSTS] = {parse_hosts, OWNS_LIST},
	[KEY_LIST] = {parse_list, OWNS_LIST},
	[KEY_SECRET] = {parse_secret, OWNS_SECRET},
};

/* The text for a message, cut at a character's border. */
static void
show_set(struct parse *p)
{
	size_t n = p->text.len < SHOW_MAX ? p->text.len : SHOW_MAX;

	while (n < p->text.len && n && ((unsigned char)p->text.p[n] & 0xc0) == 0x80)
		n--;
	if (p->hidden)
		snprintf(p->show, sizeof(p->show), "***");
	else
		snprintf(p->show, sizeof(p->show), "%.*s%s", (int)n, p->text.p, n < p->text.len ? "..." : "");
}

int
key_parse(const struct key *k, struct slice given, void *at, struct err *err)
{
	struct parse p = {.key = k, .at = at};
	struct value v;
	int rc = -1;

	if (!given.len)
		return err_set(err, ERR_USAGE, "has no value; give one, or take the line away");
	if (k->type == KEY_MASTER)
		return master_parse(given, at, err);
	if (value_resolve_plain(&v, given, err) < 0)
		return -1;
	p.text = buf_view(&v.text);
	p.hidden = v.resolved || k->type == KEY_SECRET;
	show_set(&p);
	if (!p.text.len)
		err_set(err, ERR_USAGE, "is empty; give a value, or take the line away");
	else
		rc = types[k->type].parse(&p, err);
	value_finish(&v);
	return rc;
}

void
key_unset(const struct key *k, void *at)
{
	void *member = (char *)at + k->offset;

	if (k->type == KEY_MASTER)
		master_unset(at);
	else if (types[k->type].owns == OWNS_TEXT)
		free(*(char **)member);
	else if (types[k->type].owns == OWNS_LIST)
		list_free(*(char ***)member);
	else if (types[k->type].owns == OWNS_SECRET)
		secret_free(*(struct secret **)member);
	else
		return;
	if (k->type != KEY_MASTER)
		*(void **)member = NULL;
}
