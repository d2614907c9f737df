/* memory_fault.c - the built program without memory: each allocation fails once, and from then on, wherever it is made: in
 * our code, in LMDB, cJSON, libcurl, libmicrohttpd, libuv, libc.
 *
 *   config     the configuration is read and checked      commit, read    metadata is written, records are shown
 *   page       a store is made, a page synced into it     worker          the same, but the worker has no memory
 *   request    one request to a service's HTTP API
 *
 * No process may die by a signal or hang. It ends with a code that the guide knows and a reason, with 70 and a line; or
 * well, and then all of its output is there, or it has said what is missing. The store is sound whatever happened, and
 * the same command without the fault ends well.
 *
 * MEMORY_FAULTS: how many allocations of each scenario are met (usually a dozen, spread evenly; 0: all of them, which takes
 * an hour). tests/plugins/memory.c counts and fails them; it cannot be used under sanitizers. */
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/un.h>
#include "../bench/stage.h"
#include "../unit/store_kit.h"

#define RECORDS 20
#define LIMIT_S 60
#define KEY "memory-fault-key-0123456789abcdef"

struct told { /* what tests/plugins/memory.c reads and writes */
	_Atomic uint64_t count, at, many, failed;
};

struct said {
	int status;    /* of wait(2) */
	bool hung;
	struct buf out, err;
};

struct play {
	struct stage st;
	struct told *told;
	char preload[PATH_MAX + 64], file[PATH_MAX + 64], socket[96];
	unsigned runs, bad, met; /* met: in which an allocation failed */
	unsigned ended[256];     /* by exit code */
};

/* ---- the stage ---- */

static void __attribute__((format(printf, 3, 4)))
file_put(const char *path, mode_t mode, const char *fmt, ...)
{
	FILE *f = fopen(path, "we");
	va_list ap;

	if (!f)
		die("cannot write %s", path);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fchmod(fileno(f), mode);
	fclose(f);
}

static void __attribute__((format(printf, 1, 2)))
command(const char *fmt, ...)
{
	char line[PATH_MAX * 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (system(line) != 0)
		die("%s: failed", line);
}

static void
ini_put(const struct play *p, const char *worker)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sluice.ini", p->st.dir);
	file_put(path, 0600,
	         "[host]\ndata_dir = %s/store\nplugin_dir = %s/plugins\nworker = %s\nlog_level = warn\nencryption_key = none\n"
	         "min_free = 0\nretries = 0\nlisten = unix:%s\n[key test]\nvalue = " KEY "\nscope = admin\n"
	         "[integration bench]\nbase_url = http://127.0.0.1:%d\n[connection c0 : bench]\ntoken = xoxb-0123456789\n"
	         "[sync c0 : bench : pass]\nauto_start = no\n[sync c0 : bench : tree]\nauto_start = no\n",
	         p->st.dir, p->st.dir, worker, p->socket, p->st.port);
}

static void
play_init(struct play *p)
{
	char build[PATH_MAX], path[PATH_MAX + 64];
	int fd;

	*p = (struct play){0};
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	stage_init(&p->st, 0);
	stage_records(&p->st, RECORDS);
	if (!realpath(p->st.build, build))
		die("%s is not there", p->st.build);
	snprintf(p->preload, sizeof(p->preload), "LD_PRELOAD=%s/tests/plugins/memory.so", build);
	snprintf(p->file, sizeof(p->file), "MEMORY_FILE=%s/memory", p->st.dir);
	snprintf(p->socket, sizeof(p->socket), "%s/http", p->st.dir);
	command("mkdir %s/plugins && cp %s/tests/plugins/bench.so %s/plugins", p->st.dir, build, p->st.dir);
	snprintf(path, sizeof(path), "%s/worker", p->st.dir);
	file_put(path, 0700, "#!/bin/sh\n%s %s exec %s/sluice-worker \"$@\"\n", p->preload, p->file, build);
	fd = open(strchr(p->file, '=') + 1, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*p->told)) < 0)
		die("cannot make %s", p->file);
	p->told = mmap(NULL, sizeof(*p->told), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	snprintf(path, sizeof(path), "%s/sluice-worker", build);
	ini_put(p, path);
}

static void
play_finish(struct play *p)
{
	munmap(p->told, sizeof(*p->told));
	stage_finish(&p->st);
}

/* ---- the program ---- */

static pid_t
program_spawn(const struct play *p, const char *const *args, bool preloaded)
{
	const char *env[] = {"LC_ALL=C", p->file, preloaded ? p->preload : NULL, NULL};
	char program[PATH_MAX], ini[128], out[128], err[128];
	const char *argv[STAGE_ARGS + 4] = {program, "--conf", ini};
	posix_spawn_file_actions_t to;
	pid_t pid;

	snprintf(program, sizeof(program), "%s/sluice", p->st.build);
	snprintf(ini, sizeof(ini), "%s/sluice.ini", p->st.dir);
	snprintf(out, sizeof(out), "%s/out", p->st.dir);
	snprintf(err, sizeof(err), "%s/err", p->st.dir);
	for (int i = 0; i < STAGE_ARGS && args[i]; i++)
		argv[3 + i] = args[i];
	posix_spawn_file_actions_init(&to);
	posix_spawn_file_actions_addopen(&to, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&to, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(&to, 2, err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawn(&pid, program, &to, NULL, SPAWN_ARGS(argv), SPAWN_ARGS(env)))
		die("cannot start %s", program);
	posix_spawn_file_actions_destroy(&to);
	return pid;
}

static void
file_get(const struct play *p, const char *name, struct buf *b)
{
	char path[128], piece[4096];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->st.dir, name);
	f = fopen(path, "re");
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_put(b, piece, n);
	if (f)
		fclose(f);
}

/* Waits for its end, for LIMIT_S at most. */
static struct said
program_end(const struct play *p, pid_t pid)
{
	struct said s = {0};
	double until = wall_seconds() + LIMIT_S;

	while (waitpid(pid, &s.status, WNOHANG) == 0) {
		if (wall_seconds() > until && !s.hung) {
			s.hung = true;
			kill(pid, SIGKILL);
		}
		nap(2000);
	}
	file_get(p, "out", &s.out);
	file_get(p, "err", &s.err);
	return s;
}

static void
said_free(struct said *s)
{
	buf_free(&s->out);
	buf_free(&s->err);
}

/* ---- judging ---- */

static const char *
end_fault(struct play *p, const struct said *s)
{
	static const unsigned char known[] = {0, 1, 2, 3, 4, 70, 75};
	int code = WIFEXITED(s->status) ? WEXITSTATUS(s->status) : -1;

	if (s->hung)
		return "it hangs";
	if (WIFSIGNALED(s->status))
		return strsignal(WTERMSIG(s->status));
	p->ended[code & 255]++;
	if (!memchr(known, code, sizeof(known)))
		return "an exit code that nobody knows";
	if (code == 70 && (s->err.len < 2 || s->err.p[s->err.len - 1] != '\n'))
		return "70 without a line";
	return code && !s->err.len && !s->out.len ? "it says nothing" : NULL;
}

/* NULL: sound. records: how many there must be; -1: it does not matter. */
static const char *
store_fault(const struct play *p, int64_t records)
{
	static struct kit k; /* whose error is returned */
	char dir[96], file[128];
	const char *what = NULL;
	uint32_t d;

	snprintf(dir, sizeof(dir), "%s/store", p->st.dir);
	snprintf(file, sizeof(file), "%s/data.mdb", dir);
	if (records < 0 && access(file, F_OK) != 0)
		return NULL;
	k = (struct kit){.o = {.dir = dir, .plain = true}};
	k.s = store_open(&k.o, &k.err);
	if (!k.s)
		return k.err.text;
	if (!kit_verify(&k))
		what = k.err.text;
	d = store_dataset_find(k.s, &(struct dataset_name){.connection = "c0", .integration = "bench", .model = "Pass"});
	if (!what && records >= 0 && (!d || (int64_t)kit_info(&k, d).live != records))
		what = "the records are not those of the provider";
	kit_close(&k);
	return what;
}

/* ---- one command ---- */

struct scene {
	const char *name;
	const char *args[8];
	bool fresh;     /* begins without a store */
	bool worker;    /* it is the worker that has no memory */
	bool whole;     /* the same output, or what is missing was said */
};

static struct said
scene_run(struct play *p, const struct scene *s, uint64_t at, uint64_t many)
{
	if (s->fresh)
		stage_remove(&p->st, "/store");
	atomic_store(&p->told->count, 0);
	atomic_store(&p->told->failed, 0);
	atomic_store(&p->told->many, many);
	atomic_store(&p->told->at, at);
	return program_end(p, program_spawn(p, s->args, !s->worker));
}

static void
scene_try(struct play *p, const struct scene *s, const struct said *good, uint64_t at, uint64_t many)
{
	struct said got = scene_run(p, s, at, many), again = {0};
	const char *what = end_fault(p, &got);

	p->met += atomic_load(&p->told->failed) != 0;
	if (!what && s->whole && got.status == 0 && !got.err.len && !slice_eq(buf_view(&got.out), buf_view(&good->out)))
		what = "it ended well, with other output, and said nothing";
	if (!what)
		what = store_fault(p, !s->whole && got.status == 0 ? RECORDS : -1);
	if (!what) {
		struct scene once_more = *s;
		once_more.fresh = false; /* from whatever was left */
		again = scene_run(p, &once_more, 0, 0);
		what = again.status != 0 ? "it does not end well without the fault" : store_fault(p, RECORDS);
	}
	p->runs++;
	if (what && p->bad++ < 8)
		printf("# %s, allocation %llu%s: %s: %.200s\n", s->name, (unsigned long long)at, many ? "" : " and all after", what,
		       buf_str(&got.err));
	said_free(&got);
	said_free(&again);
}

static uint64_t
faults_wanted(uint64_t all, uint64_t usual)
{
	const char *n = getenv("MEMORY_FAULTS");
	uint64_t wanted = n ? strtoull(n, NULL, 10) : usual;

	return wanted && wanted < all ? wanted : all;
}

static void
scene_play(struct play *p, const struct scene *s)
{
	struct said good = scene_run(p, s, 0, 0);
	uint64_t all = atomic_load(&p->told->count), once = faults_wanted(all, 12), on = faults_wanted(all, 4);

	if (good.status != 0 || all < 50)
		printf("# %s: status %d, %llu allocations: %.300s\n", s->name, good.status, (unsigned long long)all, buf_str(&good.err));
	REQUIRE(good.status == 0 && all >= 50);
	for (uint64_t i = 0; i < once; i++)
		scene_try(p, s, &good, 1 + i * all / once, 1);
	for (uint64_t i = 0; i < on; i++)
		scene_try(p, s, &good, 1 + i * all / on, 0);
	said_free(&good);
	printf("# %s: %llu allocations, %u runs, %u bad; %u ended well, %u with 70\n", s->name, (unsigned long long)all, p->runs,
	       p->bad, p->ended[0], p->ended[70]);
	CHECK_INT(p->bad, 0);
	CHECK(p->met > p->runs / 2); /* the others' numbers were beyond the last allocation of that run */
}

static void
scene_test(const struct scene *s)
{
	static const struct scene sync = {.args = {"run", "--sync", "pass"}};
	struct play p;
	struct said first;

	if (SLUICE_SANITIZED)
		return; /* it has an allocator of its own */
	play_init(&p);
	first = scene_run(&p, &sync, 0, 0);
	REQUIRE(first.status == 0);
	said_free(&first);
	if (s->worker) {
		char path[96];
		snprintf(path, sizeof(path), "%s/worker", p.st.dir);
		ini_put(&p, path);
	}
	scene_play(&p, s);
	play_finish(&p);
}

TEST("without memory for its configuration the program says so and ends")
{
	scene_test(&(struct scene){.name = "config", .args = {"config", "--check"}, .whole = true});
}

TEST("without memory for a commit the program says so and ends; what is stored is sound")
{
	scene_test(&(struct scene){.name = "commit", .args = {"metadata", "set", "{\"a\":1}", "--connection-id", "c0"}, .whole = true});
}

TEST("without memory for reading the program shows all records, or says so and ends")
{
	scene_test(&(struct scene){.name = "read", .args = {"records", "Pass", "--connection-id", "c0"}, .whole = true});
}

TEST("without memory for a page the run ends with a reason; the next one stores all of it")
{
	scene_test(&(struct scene){.name = "page", .args = {"run", "--sync", "pass"}, .fresh = true});
}

TEST("without memory in the worker the run ends with a reason, or goes on with another one")
{
	scene_test(&(struct scene){.name = "worker", .args = {"run", "--sync", "pass"}, .fresh = true, .worker = true});
}

/* ---- a request to a service ---- */

/* Asks for the records; the body of a 200, or an empty buffer. status 0: no answer, -1: none in time. */
static int
request(const struct play *p, struct buf *body)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = 0;
	struct buf b = {0};
	char piece[4096], *end;
	ssize_t n = -1;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){.tv_sec = LIMIT_S}, sizeof(struct timeval));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
		dprintf(fd, "GET /records?model=Pass HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
		            "Authorization: Bearer " KEY "\r\nConnection-Id: c0\r\nProvider-Config-Key: bench\r\n\r\n");
		while ((n = read(fd, piece, sizeof(piece))) > 0)
			buf_put(&b, piece, (size_t)n);
		if (n < 0 && errno == EAGAIN)
			status = -1;
	}
	close(fd);
	buf_clear(body);
	if (b.len && sscanf(buf_str(&b), "HTTP/1.1 %d", &status) == 1 && status == 200 && (end = strstr(buf_str(&b), "\r\n\r\n")))
		buf_puts(body, end + 4);
	buf_free(&b);
	return status;
}

static pid_t
service_start(struct play *p)
{
	struct buf body = {0};
	pid_t pid;

	atomic_store(&p->told->at, 0);
	unlink(p->socket);
	pid = program_spawn(p, (const char *const[]){"serve", NULL}, true);
	for (int i = 0; i < LIMIT_S * 100 && request(p, &body) != 200; i++)
		nap(10000);
	buf_free(&body);
	return pid;
}

/* After a fault: has it ended, or does it answer as before? A service that is about to end may refuse for a moment. */
static const char *
service_settles(struct play *p, pid_t *service, const struct buf *good)
{
	struct buf body = {0};
	struct said end = {0};
	const char *what = "it goes on, and does not answer well";

	for (int i = 0; i < LIMIT_S * 100; i++) {
		if (waitpid(*service, &end.status, WNOHANG) != 0) {
			file_get(p, "err", &end.err);
			what = end_fault(p, &end);
			if (!what)
				what = end.err.len ? store_fault(p, RECORDS) : "it ended without a word";
			*service = service_start(p);
			break;
		}
		if (request(p, &body) == 200 && slice_eq(buf_view(&body), buf_view(good))) {
			what = NULL;
			break;
		}
		nap(10000);
	}
	said_free(&end);
	buf_free(&body);
	return what;
}

/* One request, in which an allocation fails. */
static const char *
request_try(struct play *p, pid_t *service, const struct buf *good, uint64_t at, uint64_t many)
{
	struct buf body = {0};
	const char *what = NULL, *then;
	int status;

	atomic_store(&p->told->many, many);
	atomic_store(&p->told->at, atomic_load(&p->told->count) + at);
	status = request(p, &body);
	atomic_store(&p->told->at, 0);
	if (status < 0)
		what = "no answer in time";
	else if (status == 200 && !slice_eq(buf_view(&body), buf_view(good)))
		what = "200 with another body";
	then = service_settles(p, service, good);
	buf_free(&body);
	return what ? what : then;
}

TEST("without memory for a request the service answers all of it, or an error, or ends with a line; nothing is broken")
{
	struct play p;
	struct buf good = {0};
	pid_t service;
	uint64_t all, wanted;
	struct said end;

	if (SLUICE_SANITIZED)
		return;
	play_init(&p);
	end = scene_run(&p, &(struct scene){.args = {"run", "--sync", "pass"}}, 0, 0);
	REQUIRE(end.status == 0);
	said_free(&end);
	service = service_start(&p);
	all = atomic_load(&p.told->count);
	REQUIRE(request(&p, &good) == 200 && good.len > RECORDS * 50);
	all = atomic_load(&p.told->count) - all;
	wanted = faults_wanted(all, 12);
	for (uint64_t i = 0; i < wanted * 2; i++) {
		uint64_t at = 1 + i / 2 * all / wanted;
		const char *what = request_try(&p, &service, &good, at, i % 2);
		p.runs++;
		if (what && p.bad++ < 8)
			printf("# request, allocation %llu%s: %s\n", (unsigned long long)at, i % 2 ? "" : " and all after", what);
	}
	kill(service, SIGTERM);
	end = program_end(&p, service);
	if (end_fault(&p, &end)) /* the last fault may have been met late */
		p.bad++;
	said_free(&end);
	printf("# request: %llu allocations, %u runs, %u bad; %u ends with 70\n", (unsigned long long)all, p.runs, p.bad,
	       p.ended[70]);
	CHECK_INT(p.bad, 0);
	CHECK(p.ended[70] > 0);
	buf_free(&good);
	play_finish(&p);
}
