/* protocol.c - a connector that sends nonsense, crashes, hangs, floods or leaves: each ends its own worker, with a reason that names it.
 *
 * The connector writes to the channel itself, so this is the host against a worker that has been taken over. After each the
 * same process goes on with the next; what is left behind (children, descriptors) is counted at the end. */
#define TAP_NO_MAIN
#include "drive.h"
#include <dirent.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "plugin/registry.h"
#include "../tap.h"

#define SHORT_MS 800 /* until the host loses patience with what would last for ever */

struct site {
	char magic[16];
	char behaviour[32];
	int constructor;
};

static char dir[96], path[128];

static void
site_make(void)
{
	snprintf(dir, sizeof dir, "%.60s/sluice-nonsense-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		printf("# no directory\n");
	snprintf(path, sizeof path, "%s/nonsense.so", dir);
}

static void
site_clear(void)
{
	remove(path);
	rmdir(dir);
}

static void
behave(struct drive *d, const char *behaviour, int constructor)
{
	struct site site = {"SLUICE-NONSENSE", "", constructor};

	snprintf(site.behaviour, sizeof site.behaviour, "%s", behaviour);
	drive_patch("nonsense", &site, sizeof site, path);
	d->plugin = path;
	drive_run(d);
}

static const struct {
	const char *behaviour, *says, *sanitized; /* sanitized: what is said instead when AddressSanitizer catches it */
	int64_t step_ms;
} in_function[] = {
	{.behaviour = "unknown_type", .says = "sent a message of the unknown type 99"},
	{.behaviour = "type_zero", .says = "unknown type 0"},
	{.behaviour = "host_only", .says = "'hello', which only the other side may send"},
	{.behaviour = "wrong_phase", .says = "'ready', which may not come while a function runs"},
	{.behaviour = "loaded_again", .says = "'loaded', which may not come while a function runs"},
	{.behaviour = "too_long", .says = "'save' of 4294967295 bytes"},
	{.behaviour = "just_too_long", .says = "'request' of 1048577 bytes; 1048576 are allowed"},
	{.behaviour = "too_few_records", .says = "'save' of 18 bytes whose fields do not fit"},
	{.behaviour = "too_many_records", .says = "'save' of 29 bytes whose fields do not fit"},
	{.behaviour = "huge_count", .says = "'save' of 18 bytes whose fields do not fit"},
	{.behaviour = "left_over", .says = "'progress' of 17 bytes whose fields do not fit"},
	{.behaviour = "too_short", .says = "'progress' of 15 bytes whose fields do not fit"},
	{.behaviour = "strange_flags", .says = "'save' with the unknown flags 0x8000"},
	{.behaviour = "http", .says = "unknown type"},
	{.behaviour = "ended_twice", .says = "'step_end', which may not come"},
	{.behaviour = "save_after_end", .says = "'save', which may not come"},
	{.behaviour = "half_frame_exit", .says = "ended with status 0 and half a message"},
	{.behaviour = "half_body_exit", .says = "ended with status 0 and half a message"},
	{.behaviour = "half_frame_hang", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "byte_by_byte", .says = "ended with status 3 in the middle of a function"},
	{.behaviour = "flood", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "flood_large", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "leave_zero", .says = "ended with status 0 in the middle of a function"},
	{.behaviour = "leave_seven", .says = "ended with status 7 in the middle of a function; a connector's function returns"},
	{.behaviour = "close_and_live", .says = "closed its channel in the middle of a function and lived on"},
	{.behaviour = "close_and_leave", .says = "ended with status 5 in the middle of a function"},
	{.behaviour = "crash", .says = "killed by SIGSEGV in the middle of a function", .sanitized = "AddressSanitizer"},
	{.behaviour = "divide", .says = "killed by SIGFPE", .sanitized = "ended with status 1 in the middle"},
	{.behaviour = "illegal", .says = "killed by SIGILL"},
	{.behaviour = "assertion", .says = "killed by SIGABRT in the middle of a function"},
	{.behaviour = "double_free", .says = "killed by SIGABRT in the middle of a function (it wrote: double free", .sanitized = "AddressSanitizer"},
	{.behaviour = "overflow_stack", .says = "killed by SIGSEGV", .sanitized = "AddressSanitizer"},
	{.behaviour = "spin", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "spin_masked", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "sleep_on", .says = "deadline", .step_ms = SHORT_MS},
	{.behaviour = "say_much", .says = "ended with status 9 in the middle of a function (it wrote: ?[2J? bad ?? words 0?"},
};

TEST("from a function: each ends its worker once, and the reason names the signal, the status or the message")
{
	site_make();
	for (size_t i = 0; i < LENGTH(in_function); i++) {
		struct drive d = {.step_ms = in_function[i].step_ms};
		const char *says = SLUICE_SANITIZED && in_function[i].sanitized ? in_function[i].sanitized : in_function[i].says;

		behave(&d, in_function[i].behaviour, 0);
		CHECK_INT(d.ends, 1);
		CHECK_INT(d.frames[MSG_LOADED], 1);
		CHECK_INT(d.why.cls, ERR_CONNECTOR);
		CHECK_HAS(d.why.text, says);
		if (!strstr(d.why.text, says))
			printf("# in %s\n", in_function[i].behaviour);
		drive_finish(&d);
	}
	site_clear();
}

static const struct {
	const char *behaviour, *says, *sanitized;
	int64_t start_ms;
} in_constructor[] = {
	{.behaviour = "unknown_type", .says = "unknown type 99"},
	{.behaviour = "forge_ready", .says = "'ready', which may not come while the plugin is loaded"},
	{.behaviour = "left_over", .says = "'progress', which may not come while the plugin is loaded"},
	{.behaviour = "save_after_end", .says = "could not be loaded, and did not say why"}, /* what follows a step_end in this phase is not looked at */
	{.behaviour = "leave_zero", .says = "ended with status 0 while the plugin was loaded"},
	{.behaviour = "crash", .says = "killed by SIGSEGV while the plugin was loaded", .sanitized = "AddressSanitizer"},
	{.behaviour = "assertion", .says = "killed by SIGABRT while the plugin was loaded"},
	{.behaviour = "half_frame_exit", .says = "half a message"},
	{.behaviour = "spin", .says = "took longer than 800 ms to load the plugin", .start_ms = SHORT_MS},
	{.behaviour = "sleep_on", .says = "took longer than 800 ms to load the plugin", .start_ms = SHORT_MS},
	{.behaviour = "spin_masked", .says = "took longer than 800 ms to load the plugin", .start_ms = SHORT_MS},
	{.behaviour = "close_and_live", .says = "closed its channel while the plugin was loaded and lived on"},
};

TEST("from a constructor: the same, while the plugin is loaded")
{
	site_make();
	for (size_t i = 0; i < LENGTH(in_constructor); i++) {
		struct drive d = {.start_ms = in_constructor[i].start_ms, .step_ms = 8000};
		const char *says = SLUICE_SANITIZED && in_constructor[i].sanitized ? in_constructor[i].sanitized : in_constructor[i].says;

		behave(&d, in_constructor[i].behaviour, 1);
		CHECK_INT(d.ends, 1);
		CHECK_INT(d.frames[MSG_READY], 1);
		CHECK_INT(d.frames[MSG_LOADED], 0);
		CHECK_HAS(d.why.text, says);
		if (!strstr(d.why.text, says))
			printf("# in %s\n", in_constructor[i].behaviour);
		drive_finish(&d);
	}
	site_clear();
}

TEST("a constructor that forges the manifest is judged by the host's own rules")
{
	struct registry_options o = {.dir = dir, .memory = 512 << 20, .start_ms = 5000};
	struct site site = {"SLUICE-NONSENSE", "forge_loaded", 1};
	char *worker = xasprintf("%s/sluice-worker", drive_build());
	struct registry *r;
	struct err err = {0};

	site_make();
	drive_patch("nonsense", &site, sizeof site, path);
	o.worker = worker;
	r = registry_new(&o);
	CHECK(registry_manifest_file(r, path, &err) == NULL);
	CHECK_HAS(err.text, "has no name");
	registry_free(r);
	free(worker);
	site_clear();
}

static long
resident_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

TEST("a flood against a host that has stopped reading blocks the worker, and the host keeps its size")
{
	struct drive d = {.step_ms = SHORT_MS, .hold_frames = 5};
	long before = resident_kib();

	site_make();
	behave(&d, "flood_large", 0);
	CHECK_HAS(d.why.text, "deadline");
	CHECK_INT(d.total, 5);
	CHECK(resident_kib() - before < 24 << 10);
	printf("# grew by %ld KiB\n", resident_kib() - before);
	drive_finish(&d);
	site_clear();
}

TEST("memory ends where the limit says")
{
	struct drive d = {.memory = 128 << 20};

	site_make();
	if (!SLUICE_SANITIZED) {
		behave(&d, "hog", 0);
		CHECK_HAS(d.why.text, "ended with status 11");
	}
	drive_finish(&d);
	site_clear();
}

TEST("a worker that is never spoken to is ended by the start limit, and says nothing")
{
	struct drive d = {.never_hello = true, .start_ms = SHORT_MS};

	site_make();
	behave(&d, "none", 0);
	CHECK_HAS(d.why.text, "took longer than 800 ms to build its sandbox");
	CHECK_INT(d.frames[MSG_READY], 0);
	drive_finish(&d);
	site_clear();
}

TEST("a well-behaved worker reports its sandbox, runs its step, and ends with nothing to say")
{
	struct drive d = {0};

	site_make();
	behave(&d, "none", 0);
	CHECK_INT(d.frames[MSG_READY], 1);
	CHECK_INT(d.frames[MSG_LOADED], 1);
	CHECK_INT(d.frames[MSG_STEP_END], 1);
	CHECK_INT(d.step_status, 0);
	CHECK_INT(d.why.cls, ERR_NONE);
	CHECK_STR(d.why.text, "");
	CHECK_INT(d.ends, 1);
	drive_finish(&d);
	site_clear();
}

TEST("functions of connectors of an older and a newer minor version are found by the plugin's own strides, and run")
{
	static const char *const versions[] = {"abi_older", "abi_newer"};

	for (size_t i = 0; i < LENGTH(versions); i++) {
		char *so = xasprintf("%s/tests/plugins/%s.so", drive_build(), versions[i]);
		struct drive d = {.plugin = so}; /* calls "things", the second of its syncs */

		drive_run(&d);
		CHECK_INT(d.frames[MSG_STEP_END], 1);
		CHECK_INT(d.step_status, 0);
		CHECK_HAS(buf_str(&d.text), "fetched well");
		CHECK_STR(d.why.text, "");
		drive_finish(&d);
		free(so);
	}
}

TEST("ordinary library code carries on in the sandbox: sorting, time, memory, locale, streams, JSON")
{
	char *so = xasprintf("%s/tests/hostile/plugins/honest.so", drive_build());
	struct drive d = {.plugin = so};

	drive_run(&d);
	CHECK_STR(d.why.text, "");
	CHECK_INT(d.step_status, 0);
	CHECK_HAS(buf_str(&d.text), "1 2025-11-23 06:55:17 1.414 {\"a\":[1,{}]} none 4096\n");
	drive_finish(&d);
	free(so);
}

TEST("a plugin's file that the worker's user may not read is named so, with the remedy")
{
	struct drive d = {.plugin = path};
	struct site site = {"SLUICE-NONSENSE", "none", 0};

	site_make();
	drive_patch("nonsense", &site, sizeof site, path);
	if (geteuid() == 0 && !chmod(path, 0700)) {
		drive_run(&d);
		CHECK_HAS(d.why.text, "may not be read by the worker's user (uid 65534: Permission denied): chmod a+r it");
	}
	drive_finish(&d);
	site_clear();
}

/* ---- a worker that lies about its sandbox: this very program, started as the worker ---- */

struct claim {
	uint16_t version, landlock;
	uint8_t seccomp, no_new_privs;
	uint32_t tests;
};

/* What it claims stands in the file that is its plugin. */
static int
liar(void)
{
	struct claim c;
	struct buf b = {0};
	size_t at = frame_begin(&b, MSG_READY, 0, 0);

	if (read(4, &c, sizeof c) != sizeof c)
		return 1;
	buf_u16(&b, c.version);
	buf_u16(&b, c.landlock);
	buf_u8(&b, c.seccomp);
	buf_u8(&b, c.no_new_privs);
	buf_u32(&b, c.tests);
	frame_end(&b, at);
	if (write(3, b.p, b.len) != (ssize_t)b.len)
		return 1;
	pause();
	return 1;
}

static void
lie(struct claim c, bool seccomp_only, struct drive *d)
{
	FILE *f = fopen(path, "wbe");
	struct worker_process_options o = {.loop = &d->loop, .executable = "/proc/self/exe", .plugin_path = path, .start_ms = SHORT_MS,
					   .seccomp_only = seccomp_only, .on_frame = drive_on_frame, .on_end = drive_on_end, .arg = d};

	if (!f || fwrite(&c, sizeof c, 1, f) != 1 || fclose(f))
		printf("# no claim\n");
	uv_loop_init(&d->loop);
	uv_timer_init(&d->loop, &d->deadline);
	d->worker = worker_process_start(&o, &d->why);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	uv_loop_close(&d->loop);
}

static const struct {
	struct claim claim;
	bool seccomp_only;
	const char *says;
} claims[] = {
	{{WIRE_VERSION, 0, 2, 1, 8}, false, "sandbox is not in force (landlock 0,"},
	{{WIRE_VERSION, 7, 0, 1, 8}, false, "sandbox is not in force (landlock 7, seccomp 0,"},
	{{WIRE_VERSION, 7, 1, 1, 8}, false, "sandbox is not in force"},
	{{WIRE_VERSION, 7, 2, 0, 8}, false, "no_new_privs 0"},
	{{WIRE_VERSION, 7, 2, 1, 0}, false, "self-tests 0"},
	{{WIRE_VERSION + 1, 7, 2, 1, 8}, false, "install both from one build"},
	{{WIRE_VERSION, 0, 0, 1, 8}, true, "sandbox is not in force"},
	{{WIRE_VERSION, 0, 2, 1, 8}, true, "took longer than 800 ms to load the plugin"}, /* accepted, as the operator asked */
	{{WIRE_VERSION, 7, 2, 1, 8}, false, "took longer than 800 ms to load the plugin"}, /* the control: accepted */
};

TEST("a worker whose sandbox is not what was asked for is ended before it is given anything")
{
	site_make();
	for (size_t i = 0; i < LENGTH(claims); i++) {
		struct drive d = {0};

		lie(claims[i].claim, claims[i].seccomp_only, &d);
		CHECK_INT(d.ends, 1);
		CHECK_INT(d.frames[MSG_READY], i >= LENGTH(claims) - 2);
		CHECK_HAS(d.why.text, claims[i].says);
	}
	site_clear();
}

/* ---- the host's own death ---- */

/* What the process's line in /proc says: 'R', 'S', 'Z' ...; 0: it is not there. */
static char
process_state(pid_t pid)
{
	char name[64], line[256] = {0}, *at;
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
	f = fopen(name, "re");
	if (!f)
		return 0;
	at = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return at && at[1] ? at[2] : 0;
}

static pid_t
only_child(void)
{
	char name[64], line[32] = {0};
	FILE *f;

	snprintf(name, sizeof name, "/proc/self/task/%d/children", (int)getpid());
	f = fopen(name, "re");
	if (f && !fgets(line, sizeof line, f))
		line[0] = '\0';
	if (f)
		fclose(f);
	return (pid_t)atoi(line);
}

/* A host whose worker spins with all signals masked. It tells that worker's pid and waits to be killed. */
static _Noreturn void
doomed_host(int report)
{
	struct drive d = {.plugin = path};
	struct site site = {"SLUICE-NONSENSE", "spin_masked", 0};
	char *worker = xasprintf("%s/sluice-worker", drive_build());
	struct worker_process_options o = {.loop = &d.loop, .executable = worker, .plugin_path = path, .start_ms = 5000,
					   .on_frame = drive_on_frame, .on_end = drive_on_end, .arg = &d};
	pid_t child;

	drive_patch("nonsense", &site, sizeof site, path);
	uv_loop_init(&d.loop);
	d.worker = worker_process_start(&o, &d.why);
	drive_hello(&d);
	while (!d.frames[MSG_LOADED])
		uv_run(&d.loop, UV_RUN_ONCE);
	child = only_child();
	if (write(report, &child, sizeof child) != sizeof child)
		_exit(1);
	for (;;)
		pause();
}

TEST("when the host is killed, its worker dies with it")
{
	int report[2];
	pid_t host, orphan = 0;

	site_make();
	REQUIRE(!pipe(report));
	host = fork();
	if (host == 0)
		doomed_host(report[1]);
	close(report[1]);
	CHECK(read(report[0], &orphan, sizeof orphan) == sizeof orphan);
	close(report[0]);
	REQUIRE(orphan > 0);
	CHECK(strchr("RS", process_state(orphan)));
	kill(host, SIGKILL);
	waitpid(host, NULL, 0);
	for (int i = 0; i < 20000 && process_state(orphan) && process_state(orphan) != 'Z'; i++)
		usleep(1000);
	CHECK(process_state(orphan) == 0 || process_state(orphan) == 'Z'); /* Z: whoever inherited it has not buried it yet */
	site_clear();
}

static int
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

TEST("a hundred workers leave no child, no zombie and no descriptor behind")
{
	int before = 0;

	site_make();
	for (int i = 0; i < 101; i++) {
		struct drive d = {.step_ms = 5000};

		behave(&d, i % 2 ? "unknown_type" : "leave_zero", 0);
		drive_finish(&d);
		if (i == 0)
			before = open_descriptors();
	}
	CHECK_INT(open_descriptors(), before);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	site_clear();
}

TEST("a plugin that is not there, and a worker that is not there, are said before anything starts")
{
	struct drive d = {.plugin = "/nonexistent/x.so"};
	struct worker_process_options o = {.executable = "/nonexistent/worker", .plugin_path = "/proc/self/exe", .start_ms = 100};
	uv_loop_t loop;

	CHECK_INT(drive_run(&d), -1);
	CHECK_HAS(d.why.text, "/nonexistent/x.so: the plugin cannot be opened");
	uv_loop_init(&loop);
	o.loop = &loop;
	CHECK(worker_process_start(&o, &d.why) == NULL);
	CHECK_HAS(d.why.text, "/nonexistent/worker cannot be started: No such file");
	uv_loop_close(&loop);
}

int
main(int argc, char **argv)
{
	return argc == 1 && !strcmp(argv[0], "sluice-worker") ? liar() : tap_main(argc, argv);
}
