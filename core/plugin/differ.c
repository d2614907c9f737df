/* differ.c - see differ.h: two manifests side by side, list by list, member by member.
 *
 * A list is compared by the names in it: what only the old one has was removed, what only the new one has was added, what
 * both have is looked into. Order means nothing. What breaks: a sync, model, field, option or action that is gone; a
 * model's key field or a field's type that is another; an option that is required now; other credentials. */
#include "plugin/differ.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "sluice.h"

struct differ {
	void (*line)(void *arg, bool breaking, const char *text);
	void *arg;
	unsigned breaking;
};

static void differ_say(struct differ *d, bool breaking, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void
differ_say(struct differ *d, bool breaking, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	d->breaking += breaking;
	d->line(d->arg, breaking, text);
}

/* How one kind of named thing is compared: the name is the first member of each. */
struct kind {
	const char *what;
	size_t size;
	bool removal_breaks;
	/* of one that is in both, or (before NULL) that was added; where: of whom it is a part */
	void (*look)(struct differ *d, const char *where, const void *before, const void *now);
};

static const char *
name_at(const struct kind *k, const void *list, size_t i)
{
	char *name;

	memcpy(&name, (const char *)list + i * k->size, sizeof name);
	return name;
}

static const void *
find(const struct kind *k, const void *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name_at(k, list, i), name) == 0)
			return (const char *)list + i * k->size;
	return NULL;
}

static void
lists_differ(struct differ *d, const struct kind *k, const char *where, const void *before, size_t n_before,
             const void *now, size_t n_now)
{
	for (size_t i = 0; i < n_before; i++)
		if (!find(k, now, n_now, name_at(k, before, i)))
			differ_say(d, k->removal_breaks, "%s%s %s removed", where, k->what, name_at(k, before, i));
	for (size_t i = 0; i < n_now; i++) {
		const void *old = find(k, before, n_before, name_at(k, now, i));

		if (!old && k->look == NULL)
			differ_say(d, false, "%s%s %s added", where, k->what, name_at(k, now, i));
		else if (k->look)
			k->look(d, where, old, (const char *)now + i * k->size);
	}
}

static void
text_differ(struct differ *d, bool breaking, const char *what, const char *before, const char *now)
{
	if (strcmp(before ? before : "", now ? now : "") != 0)
		differ_say(d, breaking, "%s: %s -> %s", what, before ? before : "none", now ? now : "none");
}

/* ---- options ---- */

static void
option_differ(struct differ *d, const char *where, const void *before, const void *now)
{
	const struct manifest_option *a = before, *b = now;
	bool required = (b->flags & SLUICE_REQUIRED) && !b->fallback;

	(void)where;
	if (!a) {
		differ_say(d, required, "option %s added%s", b->name, required ? ", and it is required" : "");
		return;
	}
	if (a->type != b->type)
		differ_say(d, true, "option %s: %s -> %s", b->name, manifest_type_name(a->type),
		           manifest_type_name(b->type));
	if (required && !((a->flags & SLUICE_REQUIRED) && !a->fallback))
		differ_say(d, true, "option %s is required now", b->name);
	if (strcmp(a->fallback ? a->fallback : "", b->fallback ? b->fallback : "") != 0)
		differ_say(d, false, "option %s: default %s -> %s", b->name, a->fallback ? a->fallback : "none",
		           b->fallback ? b->fallback : "none");
	if (strcmp(a->form ? a->form : "", b->form ? b->form : "") != 0)
		differ_say(d, false, "option %s: form %s -> %s", b->name, a->form ? a->form : "any", b->form ? b->form : "any");
}

/* ---- models ---- */

static void
field_differ(struct differ *d, const char *where, const void *before, const void *now)
{
	const struct manifest_field *a = before, *b = now;

	if (!a)
		differ_say(d, false, "%sfield %s added", where, b->name);
	else if (a->type != b->type)
		differ_say(d, true, "%sfield %s: %s -> %s", where, b->name, manifest_type_name(a->type),
		           manifest_type_name(b->type));
	else if ((a->flags & SLUICE_OPTIONAL) != (b->flags & SLUICE_OPTIONAL))
		differ_say(d, false, "%sfield %s is %s now", where, b->name,
		           b->flags & SLUICE_OPTIONAL ? "optional" : "required");
	else if ((a->flags & SLUICE_SENSITIVE) != (b->flags & SLUICE_SENSITIVE))
		differ_say(d, false, "%sfield %s is %s now", where, b->name,
		           b->flags & SLUICE_SENSITIVE ? "sensitive" : "not sensitive");
}

static void
model_differ(struct differ *d, const char *where, const void *before, const void *now)
{
	static const struct kind fields = {"field", sizeof(struct manifest_field), true, field_differ};
	const struct manifest_model *a = before, *b = now;
	char part[256];

	(void)where;
	if (!a) {
		differ_say(d, false, "model %s added", b->name);
		return;
	}
	if (strcmp(a->fields[a->key].name, b->fields[b->key].name) != 0)
		differ_say(d, true, "model %s: its key is %s, and was %s: every record becomes another one", b->name,
		           b->fields[b->key].name, a->fields[a->key].name);
	snprintf(part, sizeof part, "model %s: ", b->name);
	lists_differ(d, &fields, part, a->fields, a->n_fields, b->fields, b->n_fields);
}

/* ---- syncs ---- */

static void
sync_differ(struct differ *d, const char *where, const void *before, const void *now)
{
	const struct manifest_sync *a = before, *b = now;

	(void)where;
	if (!a)
		differ_say(d, false, "sync %s added", b->name);
	else if (a->kind != b->kind)
		differ_say(d, false, "sync %s is %s now", b->name, b->kind == SLUICE_FULL ? "full" : "incremental");
	else if (a->every_ms != b->every_ms || a->flags != b->flags || a->priority != b->priority)
		differ_say(d, false, "sync %s: interval, flags or priority changed", b->name);
}

unsigned
manifest_differ(const struct manifest *before, const struct manifest *now,
                void (*line)(void *arg, bool breaking, const char *text), void *arg)
{
	static const struct kind options = {"option", sizeof(struct manifest_option), true, option_differ},
	                         models = {"model", sizeof(struct manifest_model), true, model_differ},
	                         syncs = {"sync", sizeof(struct manifest_sync), true, sync_differ},
	                         actions = {"action", sizeof(struct manifest_action), true, NULL},
	                         webhooks = {"webhook", sizeof(struct manifest_webhook), true, NULL};
	struct differ d = {.line = line, .arg = arg};

	text_differ(&d, false, "version", before->version, now->version);
	text_differ(&d, false, "base URL", before->base_url, now->base_url);
	if (before->auth != now->auth)
		differ_say(&d, true, "it wants other credentials than before");
	lists_differ(&d, &options, "", before->options, before->n_options, now->options, now->n_options);
	lists_differ(&d, &models, "", before->models, before->n_models, now->models, now->n_models);
	lists_differ(&d, &syncs, "", before->syncs, before->n_syncs, now->syncs, now->n_syncs);
	lists_differ(&d, &actions, "", before->actions, before->n_actions, now->actions, now->n_actions);
	lists_differ(&d, &webhooks, "", before->webhooks, before->n_webhooks, now->webhooks, now->n_webhooks);
	return d.breaking;
}
