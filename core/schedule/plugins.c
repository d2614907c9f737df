/* plugins.c - the plugin directory of a service followed: what came, changed or went is told, and the schedule fitted to it.
 *
 * The next run of a sync uses the file that is in use then; a run under way keeps its own (core/run holds it). What is
 * logged is one line for the file and one for each thing that it declares otherwise. A file that cannot be used is told
 * once, with what goes on being used; nothing in the schedule moves for it.
 *
 * The first look at the directory finds what the service already works with: of that nothing is said. */
#include "base/log.h"
#include "plugin/differ.h"
#include "plugin/registry.h"
#include "schedule/service.h"

static const char *
version_of(const struct manifest *m)
{
	return m->version ? m->version : "(no version)";
}

/* ---- what is said ---- */

static void
line_log(void *arg, bool breaking, const char *text)
{
	const char *plugin = arg;

	if (breaking)
		log_warn("plugin %s: %s", plugin, text);
	else
		log_info("plugin %s: %s", plugin, text);
}

static bool
used(const struct settings *s, const char *plugin)
{
	for (size_t i = 0; i < s->n_integrations; i++)
		if (slice_eq(slice_str(s->integrations[i]->plugin), slice_str(plugin)))
			return true;
	return false;
}

static void
came(const struct settings *s, const char *plugin, const struct manifest *now)
{
	if (used(s, plugin))
		log_info("plugin %s %s is there: its syncs are scheduled", plugin, version_of(now));
	else
		log_debug("plugin %s %s is there; no [integration] or [connection] uses it", plugin, version_of(now));
}

static void
went(const struct settings *s, const char *plugin)
{
	if (used(s, plugin))
		log_warn("plugin %s was removed: none of its syncs begins any more; what is under way ends, and all data stays",
		         plugin);
	else
		log_info("plugin %s was removed", plugin);
}

static void
replaced(const char *plugin, const struct manifest *before, const struct manifest *now)
{
	log_info("plugin %s %s took the place of %s: the next runs use it", plugin, version_of(now), version_of(before));
	manifest_differ(before, now, line_log, (void *)(uintptr_t)plugin);
}

/* ---- what is done ---- */

static void
changed(void *arg, const char *plugin, const struct plugin_file *before, const struct plugin_file *now)
{
	struct service *s = arg;
	const struct settings *settings = host_settings(service_host(s));

	if (before && now)
		replaced(plugin, before->manifest, now->manifest);
	else if (now)
		came(settings, plugin, now->manifest);
	else
		went(settings, plugin);
	if (used(settings, plugin))
		service_refit(s);
}

static void
broken(void *arg, const char *plugin, const struct plugin_file *in_use, const struct err *why)
{
	(void)arg;
	(void)plugin;
	if (in_use)
		log_warn("%s: it is not used; %s goes on being used", why->text, version_of(in_use->manifest));
	else
		log_warn("%s: it is not used", why->text);
}

int
service_plugins_watch(struct service *s, struct err *err)
{
	struct host *h = service_host(s);
	const struct registry_watch w = {.loop = host_loop(h), .changed = changed, .broken = broken, .arg = s};

	return host_plugins_watch(h, &w, err);
}

void
service_plugins_unwatch(struct service *s)
{
	host_plugins_unwatch(service_host(s));
}
