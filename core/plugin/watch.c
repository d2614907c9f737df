/* watch.c - the plugin directory followed, for a service: see registry.h.
 *
 *   something moved, or 30 s have passed -> a pause, for whoever copies is rarely done with the first byte
 *     -> look: the first file that is not the one seen before -> judged, described by a worker of its own, one at a time
 *       -> taken into use, or told as broken while the earlier one stays -> look again, until nothing is new
 *
 * inotify may lose events and does not see other hosts' writes on network file systems; the slow look finds what it lost.
 * Awkward: a file that is overwritten in place changes under those who have it open, which no watching can mend. What is
 * seen half-written is told as broken, and described again when it is whole; to be safe, replace by rename. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"
#include "plugin/shelf.h"

#define SETTLE_MS 100
#define RESCAN_MS 30000

struct watching {
	struct registry *registry; /* NULL: unwatched */
	struct registry_watch o;
	uv_fs_event_t event;
	uv_timer_t settle, rescan;
	int handles; /* not closed yet */
	struct ask *ask; /* NULL: nothing is being described */
	struct slot *asked;
	char *path;
	struct identity id;
	int fd;
};

static void look(struct watching *w);

/* ---- one file ---- */

static void
slot_broken(struct watching *w, struct slot *s, const struct identity *id, const struct err *why)
{
	bool news = s->told_why.cls == ERR_NONE || !identity_same(&s->told, id) || strcmp(s->told_why.text, why->text) != 0;

	s->seen = s->told = *id;
	s->err = s->told_why = *why;
	if (why->cls == ERR_HOST) /* it may pass; the slow look tries again */
		s->seen = (struct identity){0};
	if (news && w->o.broken)
		w->o.broken(w->o.arg, s->name, s->good, why);
}

static void
slot_good(struct watching *w, struct slot *s, const struct identity *id, struct plugin_file *now)
{
	struct plugin_file *before = s->good;

	s->seen = *id;
	s->err = s->told_why = (struct err){0};
	s->good = now;
	if (w->o.changed)
		w->o.changed(w->o.arg, s->name, before, now);
	plugin_file_drop(before);
}

static void
slot_gone(struct watching *w, struct slot *s)
{
	struct plugin_file *before = s->good;

	s->seen = (struct identity){0};
	s->err = s->told_why = (struct err){0};
	s->good = NULL;
	if (before && w->o.changed)
		w->o.changed(w->o.arg, s->name, before, NULL);
	plugin_file_drop(before);
}

static void
described(void *arg, struct manifest *m, const struct err *why)
{
	struct watching *w = arg;
	struct slot *s = w->asked;
	struct err err = *why;

	ask_free(w->ask);
	w->ask = NULL;
	w->asked = NULL;
	if (!m)
		err_prefix(&err, "%s", w->path);
	else if (file_named(w->path, s->name, m, &err) != 0)
		manifest_free(m);
	else
		err.cls = ERR_NONE;
	if (err.cls == ERR_NONE) {
		slot_good(w, s, &w->id, file_new(w->path, w->fd, m));
	} else {
		close(w->fd);
		slot_broken(w, s, &w->id, &err);
	}
	free(w->path);
	w->path = NULL;
	if (w->registry) /* none of those told stopped the watch */
		uv_timer_start(&w->settle, w->settle.timer_cb, 0, 0);
}

/* true: it is being described. */
static bool
slot_ask(struct watching *w, struct slot *s, char *path)
{
	struct ask_options o;
	struct err err = {0};
	int fd = file_open(path, &w->id, &err);

	if (fd >= 0) {
		o = ask_options_of(w->registry, path, fd);
		o.loop = w->o.loop;
		o.done = described;
		o.arg = w;
		w->ask = ask_start(&o, &err);
		if (!w->ask)
			err_prefix(&err, "%s", path);
	}
	if (w->ask) {
		w->asked = s;
		w->path = xstrdup(path);
		w->fd = fd;
		return true;
	}
	if (fd >= 0)
		close(fd);
	slot_broken(w, s, &w->id, &err);
	return false;
}

/* ---- all of them ---- */

static void
look_at(struct watching *w, const char *name)
{
	char *path = registry_path(w->registry, name);
	struct slot *s = slot_make(w->registry, name);
	struct identity id;
	struct stat st;

	if (stat(path, &st) == 0) {
		id = (struct identity){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
		if (!identity_same(&id, &s->seen))
			slot_ask(w, s, path);
	}
	free(path);
}

static bool
listed(char *const *names, const char *name)
{
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names != NULL;
}

/* A directory that cannot be read for a moment takes nothing away: only a file that is known not to be there does. */
static bool
is_gone(const struct registry *r, const struct slot *s)
{
	char *path = registry_path(r, s->name);
	bool gone = access(path, F_OK) != 0 && errno == ENOENT;

	free(path);
	return gone;
}

static void
look(struct watching *w)
{
	char **names;

	if (w->ask)
		return; /* its end looks again */
	names = registry_list(w->registry);
	for (size_t i = 0; names[i] && !w->ask && w->registry; i++)
		look_at(w, names[i]);
	for (struct slot *s = w->registry ? w->registry->slots : NULL; s && w->registry; s = s->next)
		if (!strchr(s->name, '/') && (s->good || s->err.cls) && !listed(names, s->name) &&
		    is_gone(w->registry, s))
			slot_gone(w, s);
	for (size_t i = 0; names[i]; i++)
		free(names[i]);
	free(names);
}

/* ---- the handles ---- */

static void
on_settle(uv_timer_t *timer)
{
	look(timer->data);
}

static void
event_begin(struct watching *w);

static void
on_rescan(uv_timer_t *timer)
{
	struct watching *w = timer->data;

	event_begin(w); /* the directory may not have been there, or is another one by now */
	look(w);
}

static void
on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
	struct watching *w = event->data;

	(void)name;
	(void)events;
	(void)status;
	if (!uv_is_active((uv_handle_t *)&w->settle))
		uv_timer_start(&w->settle, on_settle, SETTLE_MS, 0);
}

static void
event_begin(struct watching *w)
{
	uv_fs_event_stop(&w->event);
	uv_fs_event_start(&w->event, on_event, w->registry->dir, 0);
}

static void
handle_closed(uv_handle_t *handle)
{
	struct watching *w = handle->data;

	if (--w->handles == 0)
		free(w);
}

int
registry_watch(struct registry *r, const struct registry_watch *o, struct err *err)
{
	struct watching *w = XNEW(struct watching);

	w->registry = r;
	w->o = *o;
	if (uv_fs_event_init(o->loop, &w->event) || uv_timer_init(o->loop, &w->settle) ||
	    uv_timer_init(o->loop, &w->rescan)) {
		free(w);
		return err_set(err, ERR_HOST, "the event loop takes no more handles");
	}
	w->handles = 3;
	w->event.data = w->settle.data = w->rescan.data = w;
	w->settle.timer_cb = on_settle;
	r->watching = w;
	event_begin(w);
	uv_timer_start(&w->settle, on_settle, 0, 0);
	uv_timer_start(&w->rescan, on_rescan, RESCAN_MS, RESCAN_MS);
	return 0;
}

void
registry_refresh(struct registry *r)
{
	if (r->watching)
		uv_timer_start(&r->watching->settle, on_settle, 0, 0);
}

void
registry_unwatch(struct registry *r)
{
	struct watching *w = r->watching;

	if (!w)
		return;
	r->watching = NULL;
	w->registry = NULL;
	if (w->ask) {
		ask_free(w->ask);
		close(w->fd);
		free(w->path);
		w->ask = NULL;
	}
	uv_close((uv_handle_t *)&w->event, handle_closed);
	uv_close((uv_handle_t *)&w->settle, handle_closed);
	uv_close((uv_handle_t *)&w->rescan, handle_closed);
}
