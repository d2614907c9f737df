/* connections.c - see connections.h.
 *
 * Awkward: a command's word must not outlive the operator's change of mind in the INI. So it is kept together with what
 * INI said at the time ("active"), and counts only as long as INI still says that. */
#include "run/connections.h"

#include "run/member.h"

#define CONTROL SLICE("control") /* name in STATE_CONNECTION */

static struct scope_name
connection_scope_name(const struct connection_settings *c)
{
	return (struct scope_name){.connection = c->name, .integration = c->integration->name};
}

bool
connection_enabled(struct store *s, const struct connection_settings *c)
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = s ? store_scope_find(s, &name) : 0;
	struct buf control = {0};
	bool enabled = c->active;

	if (scope && store_state_get(s, scope, STATE_CONNECTION, CONTROL, &control) &&
	    member_bool(buf_view(&control), "active", !c->active) == c->active)
		enabled = member_bool(buf_view(&control), "enabled", c->active);
	buf_free(&control);
	return enabled;
}

int
connection_enable(struct store *s, const struct connection_settings *c, bool enabled, struct err *err)
{
	const struct scope_name name = connection_scope_name(c);
	uint32_t scope = store_scope(s, &name, err);
	struct buf patch = {0};
	struct json_out o = json_out(&patch);
	struct commit *commit;

	if (!scope)
		return -1;
	json_open(&o, '{');
	json_kv_bool(&o, "enabled", enabled);
	json_kv_bool(&o, "active", c->active);
	json_close(&o, '}');
	commit = commit_new(s, (struct fence){0, 0});
	commit_state_merge(commit, scope, STATE_CONNECTION, CONTROL, buf_view(&patch));
	buf_free(&patch);
	return store_commit_wait(s, commit, NULL, err);
}
