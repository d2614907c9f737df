/* refetch.c - see refetch.h.
 *
 *   letters --> their syncs --full refresh, here or by the host that serves--> letters again: gone, refused again, or neither
 *
 * A connector has syncs, and no call for one record; so a letter's whole sync lists everything anew, once for all of its
 * letters. The record that comes in good order takes its letter away in the run's own commit. Awkward: a letter without an id
 * is known by its bytes, which a mended record has no longer: nothing takes that away but a person. */
#include "cli/refetch.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "cli/run.h"
#include "cli/verbs.h"

struct letter {
	int64_t number, attempts;
	char *connection, *integration, *sync, *reason;
	bool open;   /* there, and nobody has settled it */
};

struct letters {
	struct cli *cli;
	struct letter *list;
	size_t n;
	bool left; /* some were not taken away */
};

static void
letter_clear(struct letter *l)
{
	free(l->connection);
	free(l->integration);
	free(l->sync);
	free(l->reason);
	*l = (struct letter){.number = l->number};
}

static void
letter_row(void *arg, struct slice row)
{
	struct letter *l = arg;

	letter_clear(l);
	l->attempts = member_int(row, "attempts", 0);
	l->connection = member_text(row, "connection");
	l->integration = member_text(row, "integration");
	l->sync = member_text(row, "sync");
	l->reason = member_text(row, "reason");
	l->open = json_type(member_raw(row, "resolved_at")) == JSON_NULL;
}

static int
letter_ask(struct access *a, struct letter *l, struct err *err)
{
	struct buf question = {0}, end = {0};
	int rc;

	buf_printf(&question, "{\"query\":\"dead_letter\",\"number\":%lld}", (long long)l->number);
	rc = access_ask(a, buf_view(&question), letter_row, l, &end, err);
	buf_free(&question);
	buf_free(&end);
	return rc;
}

/* ---- before ---- */

static int
letters_read(struct letters *all, struct err *err)
{
	struct cli *c = all->cli;
	struct access a;
	int rc = access_open(&a, c, false, err);

	for (size_t i = 1; rc == 0 && i < c->n_args; i++) {
		struct letter *l = &all->list[all->n++];
		rc = verb_number(c, i, &l->number, err);
		if (rc == 0)
			rc = letter_ask(&a, l, err);
		if (rc == 0 && !l->open)
			rc = err_set(err, ERR_USAGE, "dead letter %lld is settled: there is nothing to fetch", (long long)l->number);
	}
	access_close(&a);
	return rc;
}

static int
letters_run(struct letters *all, struct err *err)
{
	struct scope_name *syncs = xcalloc(all->n + 1, sizeof *syncs);
	size_t n = 0, k;
	int code;

	for (size_t i = 0; i < all->n; i++) {
		const struct letter *l = &all->list[i];
		for (k = 0; k < n; k++)
			if (strcmp(syncs[k].connection, l->connection) == 0 && strcmp(syncs[k].integration, l->integration) == 0 &&
			    strcmp(syncs[k].sync, l->sync) == 0)
				break;
		if (k == n)
			syncs[n++] = (struct scope_name){.connection = l->connection, .integration = l->integration, .sync = l->sync};
	}
	code = run_refresh(all->cli, syncs, n, err);
	free(syncs);
	return code;
}

/* ---- after ---- */

static void
letter_tell(struct letters *all, const struct letter *before, const struct letter *now)
{
	const char *outcome = !now->open ? "resolved" : now->attempts > before->attempts ? "refused" : "not seen";
	struct buf row = {0};
	struct json_out o = json_out(&row);

	all->left |= now->open;
	if (all->cli->format == FORMAT_TEXT) {
		printf("dead letter %lld: %s", (long long)before->number,
		       !now->open                         ? "resolved: its record came in good order\n"
		       : now->attempts > before->attempts ? "refused again"
		                                          : "its record did not come again as it was\n");
		if (now->open && now->attempts > before->attempts)
			printf(" (attempt %lld): %s\n", (long long)now->attempts, now->reason ? now->reason : "");
		return;
	}
	json_open(&o, '{');
	json_kv_int(&o, "number", before->number);
	json_kv_str(&o, "outcome", outcome);
	json_kv_int(&o, "attempts", now->open ? now->attempts : before->attempts);
	json_kv_str(&o, "reason", now->open ? now->reason : NULL);
	json_close(&o, '}');
	print_row(all->cli, buf_view(&row));
	buf_free(&row);
}

/* One that is not there any more was taken away by its record. */
static int
letters_look(struct letters *all, struct err *err)
{
	struct access a;
	int rc = access_open(&a, all->cli, false, err);

	for (size_t i = 0; rc == 0 && i < all->n; i++) {
		struct letter now = {.number = all->list[i].number};
		if (letter_ask(&a, &now, err) != 0 && err->cls != ERR_USAGE)
			rc = -1;
		else
			letter_tell(all, &all->list[i], &now);
		letter_clear(&now);
	}
	access_close(&a);
	return rc;
}

int
letters_refetch(struct cli *c, struct err *err)
{
	struct letters all = {.cli = c, .list = xcalloc(c->n_args + 1, sizeof *all.list)};
	int code = letters_read(&all, err);

	if (code == 0)
		code = letters_run(&all, err);
	if (code >= 0 && letters_look(&all, err) != 0)
		code = -1;
	if (code >= 0 && all.left)
		code = exit_worst(code, 1);
	for (size_t i = 0; i < all.n; i++)
		letter_clear(&all.list[i]);
	free(all.list);
	return code;
}
