/* past.c - see past.h: STATE_LAST, STATE_RUN and STATE_SCHEDULE of a sync, read as one past.
 *
 * Awkward: a run that a person has cancelled stands in STATE_RUN like one that was interrupted, and is gone on with too;
 * but not before its next due time. Which one it was stands in STATE_SCHEDULE. */
#include "schedule/past.h"

#include <stdlib.h>
#include "run/credentials.h"
#include "run/member.h"

static enum err_class
class_of(struct slice last)
{
	char *word = member_text(last, "class");
	enum err_class cls = word ? err_class_find(word) : ERR_NONE;

	free(word);
	return cls;
}

static bool
refused(struct host *h, const struct chosen *c, const struct decided *d, struct slice last)
{
	char mark[CREDENTIALS_MARK], *was;
	bool same;

	if (class_of(last) != ERR_CREDENTIALS || member_int(last, "finished_us", 0) <= d->forgiven_us)
		return false;
	was = member_text(last, "credentials");
	same = !was || !*was || json_string_is(member_raw(last, "credentials"), credentials_mark(h, c->manifest, c->connection, true, mark));
	free(was);
	return same;
}

bool
past_refused(struct host *h, const struct chosen *c, const struct decided *d)
{
	uint32_t scope = chosen_scope(h, c, false, NULL);
	struct buf last = {0};
	bool stands = scope && store_state_get(host_store(h), scope, STATE_LAST, SLICE(""), &last) &&
	              refused(h, c, d, buf_view(&last));

	buf_free(&last);
	return stands;
}

static void
last_read(struct host *h, const struct chosen *c, const struct decided *d, struct slice last, struct schedule_past *p)
{
	p->due_us = member_int(last, "due_us", 0);
	p->started_us = member_int(last, "last_run_us", 0);
	p->finished_us = member_int(last, "finished_us", 0);
	p->success_us = member_int(last, "last_success_us", 0);
	p->failures = (uint64_t)member_int(last, "failures", 0);
	p->cls = class_of(last);
	p->not_before_us = member_int(last, "retry_at_us", 0);
	if (p->cls == ERR_CREDENTIALS && !refused(h, c, d, last)) {
		p->cls = ERR_NONE;
		p->failures = 0;
	}
}

static void
open_read(struct slice run, const struct decided *d, struct schedule_past *p)
{
	int64_t due_us = member_int(run, "due_us", 0), began = member_int(run, "started_us", 0);

	p->interrupted = !d->cancelled || (uint64_t)member_int(run, "run", 0) != d->cancelled;
	p->due_us = due_us > p->due_us ? due_us : p->due_us;
	p->started_us = began > p->started_us ? began : p->started_us;
}

void
past_fill(struct host *h, const struct chosen *c, const struct decided *d, struct schedule_past *p)
{
	uint32_t scope = chosen_scope(h, c, false, NULL);
	struct buf value = {0};

	*p = (struct schedule_past){.paused = d->paused, .begun = d->started};
	if (scope && store_state_get(host_store(h), scope, STATE_LAST, SLICE(""), &value))
		last_read(h, c, d, buf_view(&value), p);
	buf_clear(&value);
	if (scope && store_state_get(host_store(h), scope, STATE_RUN, SLICE(""), &value))
		open_read(buf_view(&value), d, p);
	buf_free(&value);
}
