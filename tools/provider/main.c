/* main.c - sluice-provider: a scripted HTTP server on the loopback, in the place of real APIs.
 *
 * README.md in this folder says what it serves. It prints one line with its address, and ends on SIGTERM or SIGINT,
 * when its lifetime is over, or with its parent: no test leaves one behind. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "ask.h"
#include "base/mem.h"
#include "provider.h"
#include "server.h"

static volatile sig_atomic_t stop;

static const char usage[] = "usage: sluice-provider [options] [script.json ...]\n"
                            "  --port N            port; 0 (default): any free one\n"
                            "  --port-file F       write the port to this file, once it is open\n"
                            "  --bind A            address of the loopback (default 127.0.0.1)\n"
                            "  --seed N            of all generated data and chances (default 1)\n"
                            "  --records N         size of the big kinds, up to 10 million (default 1000)\n"
                            "  --lifetime D        end after this time (default 1h)\n"
                            "  --exit-with-parent  end when the parent process ends\n"
                            "  --quiet             do not print the address\n"
                            "usage: sluice-provider --control http://127.0.0.1:PORT VERB [name=value ...] [JSON ...]\n"
                            "  asks a running one: requests, data, oauth, reset, set, mutate, faults; or get /PATH\n";

struct options {
	struct server_setup server;
	const char *port_file;
	uint64_t seed;
	uint32_t records;
	bool quiet, with_parent, control;
};

static void
signal_stop(int sig)
{
	(void)sig;
	stop = 1;
}

/* Blocked but while the server waits: none is lost between two looks at `stop`. */
static void
signals_setup(void)
{
	struct sigaction act = {.sa_handler = signal_stop};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* A thousand clients need as many descriptors. */
static void
descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
number_parse(const char *name, const char *text, uint64_t most, uint64_t *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (end == text || *end || errno || *out > most || *text == '-')
		return err_set(err, ERR_USAGE, "--%s %s: not a number from 0 to %llu", name, text,
		               (unsigned long long)most);
	return 0;
}

static int
options_parse(struct options *o, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
	        {"port", 1, NULL, 'p'},    {"port-file", 1, NULL, 'f'},
	        {"bind", 1, NULL, 'b'},    {"seed", 1, NULL, 's'},
	        {"records", 1, NULL, 'n'}, {"lifetime", 1, NULL, 'l'},
	        {"quiet", 0, NULL, 'q'},   {"exit-with-parent", 0, NULL, 'e'},
	        {"help", 0, NULL, 'h'},    {"control", 0, NULL, 'c'},
	        {NULL, 0, NULL, 0},
	};
	uint64_t n;

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;)
		switch (c) {
		case 'p':
			if (number_parse("port", optarg, 65535, &n, err) < 0)
				return -1;
			o->server.port = (int)n;
			break;
		case 's':
			if (number_parse("seed", optarg, UINT64_MAX, &o->seed, err) < 0)
				return -1;
			break;
		case 'n':
			if (number_parse("records", optarg, 10000000, &n, err) < 0)
				return -1;
			o->records = (uint32_t)n;
			break;
		case 'l':
			if (!duration_parse(slice_str(optarg), &o->server.lifetime_ms))
				return err_set(err, ERR_USAGE, "--lifetime %s: no duration; say for example 10m",
				               optarg);
			break;
		case 'f':
			o->port_file = optarg;
			break;
		case 'b':
			o->server.bind = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'e':
			o->with_parent = true;
			break;
		case 'c':
			o->control = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			return err_set(err, ERR_USAGE, "see --help");
		}
	return 0;
}

/* By a new name and a rename: whoever sees the file sees the whole port. */
static int
port_write(const char *path, int port, struct err *err)
{
	char *part = xasprintf("%s.part", path);
	FILE *f = fopen(part, "we");
	int rc = 0;

	if (!f || fprintf(f, "%d\n", port) < 0 || fflush(f) != 0 || rename(part, path) < 0)
		rc = err_set(err, ERR_USAGE, "--port-file %s: %s", path, strerror(errno));
	if (f)
		fclose(f);
	free(part);
	return rc;
}

static int
provider_init(struct provider *v, const struct options *o, char *const *scripts, struct err *err)
{
	static const struct kind *const all[] = {plain_kinds, stripe_kinds, close_kinds, slack_kinds};

	v->clock = &clock_system;
	v->settings = (struct settings){.plain_size = 1024,
	                                .plain_parents = 100,
	                                .plain_children = 3,
	                                .plain_a = 3,
	                                .plain_b = 4,
	                                .plain_c = 5,
	                                .oauth_expires = 3600,
	                                .oauth_rotate = 1};
	v->journal = journal_new(v->clock);
	v->faults = faults_new(o->seed);
	v->script = script_new();
	world_init(&v->world, o->seed, o->records, v->clock);
	for (size_t i = 0; i < LENGTH(all); i++)
		for (const struct kind *k = all[i]; k->name; k++)
			world_add(&v->world, k);
	if (world_ready(&v->world, err) < 0)
		return -1;
	for (; *scripts; scripts++)
		if (script_load_file(v->script, v->faults, *scripts, err) < 0)
			return -1;
	return 0;
}

static void
provider_finish(struct provider *v)
{
	world_finish(&v->world);
	journal_free(v->journal);
	faults_free(v->faults);
	script_free(v->script);
}

static int
provider_serve(struct provider *v, struct options *o, struct err *err)
{
	o->server.clock = v->clock;
	o->server.handle = router_handle;
	o->server.arg = v;
	struct server *server = server_new(&o->server, err);
	if (!server)
		return -1;
	int rc = o->port_file ? port_write(o->port_file, server_port(server), err) : 0;
	bool six = strchr(o->server.bind, ':') != NULL;
	if (rc == 0 && !o->quiet) {
		printf("listening on http://%s%s%s:%d\n", six ? "[" : "", o->server.bind, six ? "]" : "",
		       server_port(server));
		fflush(stdout);
	}
	if (rc == 0)
		rc = server_run(server, &stop);
	server_free(server);
	return rc;
}

int
main(int argc, char **argv)
{
	struct options o = {.server = {.bind = "127.0.0.1", .lifetime_ms = 3600000}, .seed = 1, .records = 1000};
	struct provider v = {0};
	struct err err = {0};
	pid_t parent = getppid();
	int rc = options_parse(&o, argc, argv, &err);

	if (rc == 0 && o.control) {
		rc = ask(argv + optind, &err);
		goto out;
	}
	signals_setup();
	descriptors_raise();
	if (rc == 0 && o.with_parent) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (getppid() != parent)
			return 0; /* it went before we had asked */
	}
	if (rc == 0)
		rc = provider_init(&v, &o, argv + optind, &err);
	if (rc == 0)
		rc = provider_serve(&v, &o, &err);
	provider_finish(&v);
out:
	if (rc < 0)
		fprintf(stderr, "sluice-provider: %s\n", err.text);
	return rc < 0 ? err_exit_code(err.cls) : 0;
}
