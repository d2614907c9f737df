/* service.c - the service for ten minutes: a thousand connections with two syncs each, due every minute; and the same with
 * the host killed every thirty seconds.
 *
 *   service [SECONDS [CONNECTIONS [EVERY_MS [calm|killed]]]]        SERVICE_SECONDS or 600, 1000, 60000, both
 *
 * A run that was due is late by what passes until it has begun. The kernel accounts to a killed host only the workers that
 * it had reaped, so the CPU under kills lacks those that died with it. */
#include "../hostile/service.h"

#define KILL_MS 30000

static void
account_rows(const struct service_play *p, const struct service_account *a)
{
	row_print(&(struct row){"runs that met a due time", (double)a->met, "runs", 0, 0, a->cpu},
	          "%d connections x 2 syncs every %d s for %.0f s; %d host%s", p->connections, p->every_ms / 1000, a->wall,
	          a->hosts, a->hosts == 1 ? "" : "s");
	row_print(&(struct row){"  begun late by, 99 % of them at most", a->late_99, "s", '<', 2, 0},
	          "half of them %.3f s, the latest %.3f s", a->late_half, a->late_most);
	row_print(&(struct row){"  due times lost", (double)a->lost, "", '=', 0, 0}, "nobody met them");
	row_print(&(struct row){"  due times doubled", (double)a->doubled, "", '=', 0, 0}, "run again after a success");
	row_print(&(struct row){"  failed", (double)a->failed, "runs", '=', 0, 0}, "%ld cut off, %ld taken up again%s%s", a->cut,
	          a->resumed, a->trouble[0] ? "; " : "", a->trouble);
	row_print(&(struct row){"  requests beyond those of the history", (double)a->unasked, "", p->kill_ms ? '<' : '=',
	                        p->kill_ms ? (double)(a->hosts - 1) * p->max_runs : 0, 0},
	          "the provider counts %ld, the history %ld; the bar: those under way at the kills", a->asked, a->requests);
	row_print(&(struct row){"  CPU of host and workers", a->cpu / a->wall * 100, "% of a core", 0, 0, a->cpu},
	          "%.2f ms a run", a->runs ? a->cpu * 1e3 / (double)a->runs : 0);
	row_print(&(struct row){"  anonymous memory at the end", a->anon, "MiB", '<', 64, 0}, "of the last host");
	if (!p->kill_ms)
		row_print(&(struct row){"  growth of it over the second half", a->growth, "MiB/h", 0, 0, 0},
		          "slope of the line through %zu samples", a->n_samples - a->n_samples / 2);
	row_print(&(struct row){"  descriptors", a->fds, "", '<', a->fds_before + 8, 0},
	          "fewest at a time in the last quarter; %.0f in the second", a->fds_before);
	row_print(&(struct row){"  threads", a->threads, "", '=', a->threads_before, 0}, "the same");
	if (!a->sound || a->ended_with)
		row_print(&(struct row){"  store sound, last host ended well", 0, "", '=', 1, 0}, "status %#x", a->ended_with);
}

static void
play(const struct service_play *p, const char *title)
{
	struct service_account *a = XNEW(struct service_account);
	struct stage st;

	service_stage(&st, p);
	table_head(title);
	service_serve(&st, p, a, NULL, NULL);
	service_judge(&st, p, a);
	account_rows(p, a);
	stage_finish(&st);
	free(a);
}

int
main(int argc, char **argv)
{
	const char *seconds = getenv("SERVICE_SECONDS"), *only = argc > 4 ? argv[4] : "";
	struct service_play p = {
		.seconds = atoi(argc > 1 ? argv[1] : seconds ? seconds : "600"),
		.connections = argc > 2 ? atoi(argv[2]) : 1000,
		.every_ms = argc > 3 ? atoi(argv[3]) : 60000,
		.max_runs = 32,
	};

	if (*only != 'k')
		play(&p, "a service, undisturbed");
	p.kill_ms = KILL_MS;
	if (*only != 'c')
		play(&p, "a service, its host killed every 30 s");
	return 0;
}
