/* http_corpus.c - each request of tests/fuzz/http, as it is, byte by byte, cut short, and changed at random (with a seed that
 * is told), sent to a real server. Afterwards it still answers, and the sanitizers have nothing to say.
 *
 * CORPUS_ROUNDS: how many changed ones of each (3); CORPUS_SEED. */
#include <dirent.h>
#include "../tap.h"
#include "http_rig.h"

#define FILES_MAX 400

struct corpus {
	char *names[FILES_MAX];
	struct buf files[FILES_MAX];
	size_t n;
};

static void
corpus_read(struct corpus *c, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	REQUIRE(dir);
	while ((entry = readdir(dir)) && c->n < FILES_MAX) {
		char *path = xasprintf("%s/%s", folder, entry->d_name), bytes[4096];
		FILE *f = *entry->d_name == '.' ? NULL : fopen(path, "rb");
		size_t n;

		free(path);
		if (!f)
			continue;
		while ((n = fread(bytes, 1, sizeof bytes, f)))
			buf_put(&c->files[c->n], bytes, n);
		fclose(f);
		c->names[c->n++] = xstrdup(entry->d_name);
	}
	closedir(dir);
}

static void
corpus_finish(struct corpus *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->names[i]);
		buf_free(&c->files[i]);
	}
}

/* Sends it in pieces, reads what comes for a moment, and leaves. */
static void
throw_at(const struct rig *r, struct slice bytes, size_t piece)
{
	struct buf got = {0};
	int fd = client_open(r);

	for (size_t at = 0; fd >= 0 && at < bytes.len; at += piece) {
		size_t n = bytes.len - at < piece ? bytes.len - at : piece;

		if (send(fd, bytes.p + at, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
	}
	if (fd >= 0) {
		shutdown(fd, SHUT_WR);
		client_until(fd, &got, "\r\n\r\n", 20);
		close(fd);
	}
	buf_free(&got);
}

static bool
answers(const struct rig *r)
{
	struct buf got = {0};
	bool yes = strstr(ask(r, &got, "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), "{\"hello\":true}") != NULL;

	buf_free(&got);
	return yes;
}

static uint64_t
random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A few bytes changed, doubled, cut out or put in. */
static void
mutate(const struct buf *from, struct buf *to, uint64_t *state)
{
	static const char *const bits[] = {"\r\n", "\r\n\r\n", "\0", "%", "0", "chunked", " ", ":", "\xff", "HTTP/1.1", "-1", "&", "="};
	size_t rounds = 1 + random_next(state) % 4;

	buf_clear(to);
	buf_slice(to, buf_view(from));
	while (rounds-- && to->len) {
		size_t at = random_next(state) % to->len, n = random_next(state) % 16;
		const char *bit = bits[random_next(state) % LENGTH(bits)];

		n = at + n > to->len ? to->len - at : n;
		if (random_next(state) % 3 == 0) {
			memmove(to->p + at, to->p + at + n, to->len - at - n);
			to->len -= n;
		} else if (random_next(state) % 2) {
			to->p[at] = (char)random_next(state);
		} else {
			size_t len = *bit ? strlen(bit) : 1;

			buf_grow(to, len);
			memmove(to->p + at + len, to->p + at, to->len - at - len);
			memcpy(to->p + at, bit, len);
		}
	}
}

TEST("no request of the corpus, whole, in pieces or cut short, keeps the server from answering the next")
{
	struct corpus c = {0};
	struct rig r = {.limits.request_s = 5};

	corpus_read(&c, "tests/fuzz/http");
	CHECK(c.n > 80);
	rig_begin(&r);
	for (size_t i = 0; i < c.n; i++) {
		struct slice all = buf_view(&c.files[i]);

		throw_at(&r, all, all.len ? all.len : 1);
		throw_at(&r, slice_of(all.p, all.len < 1500 ? all.len : 1500), 1);
		throw_at(&r, slice_of(all.p, all.len / 2), all.len ? all.len : 1);
		if (!answers(&r))
			tap_fail(__FILE__, __LINE__, c.names[i]);
	}
	rig_end(&r);
	corpus_finish(&c);
}

TEST("nor does any that was changed at random")
{
	const char *rounds = getenv("CORPUS_ROUNDS"), *seed = getenv("CORPUS_SEED");
	uint64_t state = seed ? strtoull(seed, NULL, 10) | 1 : 20261123;
	struct corpus c = {0};
	struct buf changed = {0};
	struct rig r = {.limits.request_s = 5};
	long n = rounds ? atol(rounds) : 3;

	printf("# CORPUS_SEED=%llu\n", (unsigned long long)state);
	corpus_read(&c, "tests/fuzz/http");
	rig_begin(&r);
	for (size_t i = 0; i < c.n; i++)
		for (long k = 0; k < n; k++) {
			mutate(&c.files[i], &changed, &state);
			throw_at(&r, buf_view(&changed), changed.len ? changed.len : 1);
		}
	CHECK(answers(&r));
	rig_end(&r);
	buf_free(&changed);
	corpus_finish(&c);
}
