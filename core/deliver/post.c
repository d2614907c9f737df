/* post.c - see post.h: libcurl's handle set up for one POST, and its end put into words. */
#include "deliver/post.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "proxy/engine.h"
#include "proxy/headers.h"
#include "proxy/retry.h"

#define ANSWER_MAX (64 * 1024)

struct poster {
	struct engine *engine;
};

struct post {
	struct poster *poster;
	CURL *easy;
	struct curl_slist *list;
	struct headers head;
	size_t read; /* of the answer's body */
	int64_t now_us;
	char errtext[CURL_ERROR_SIZE];
	post_done *done;
	void *arg;
};

/* ---- what came ---- */

static size_t
head_line(char *p, size_t size, size_t n, void *arg)
{
	struct post *post = arg;
	struct err ignored;

	return headers_add(&post->head, slice_of(p, size * n), &ignored) == 0 ? size * n : 0;
}

static size_t
body_piece(char *p, size_t size, size_t n, void *arg)
{
	struct post *post = arg;

	(void)p;
	post->read += size * n;
	return post->read <= ANSWER_MAX ? size * n : 0;
}

static const struct {
	CURLcode rc;
	const char *text;
} failures[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "its name cannot be resolved (DNS)"},
        {CURLE_OPERATION_TIMEDOUT, "it gave no answer in time"},
        {CURLE_GOT_NOTHING, "it closed the connection without an answer"},
        {CURLE_RECV_ERROR, "it cut the connection off"},
        {CURLE_SEND_ERROR, "it cut the connection off while the event was being sent"},
        {CURLE_WEIRD_SERVER_REPLY, "its answer is not HTTP"},
        {CURLE_UNSUPPORTED_PROTOCOL, "its answer is not HTTP, or its address is no http or https URL"},
        {CURLE_SSL_CONNECT_ERROR, "TLS could not be agreed on with it"},
        {CURLE_PEER_FAILED_VERIFICATION, "its TLS certificate is not accepted"},
        {CURLE_SSL_CACERT_BADFILE, "[host] ca_file cannot be read"},
        {CURLE_WRITE_ERROR, "the head of its answer is no acceptable HTTP, or too long"},
};

static const char *
failure_text(const struct post *post, CURLcode rc)
{
	long number = 0;

	curl_easy_getinfo(post->easy, CURLINFO_OS_ERRNO, &number);
	if (rc == CURLE_COULDNT_CONNECT)
		return number ? strerror((int)number) : "no connection could be made";
	for (size_t i = 0; i < LENGTH(failures); i++)
		if (failures[i].rc == rc)
			return failures[i].text;
	return curl_easy_strerror(rc);
}

/* The status decides, and without one what became of the connection. */
static void
post_judge(const struct post *post, CURLcode rc, struct post_result *r, struct buf *text)
{
	curl_off_t took_us = 0;
	long status = 0;

	curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(post->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	r->status = status >= 200 ? (int)status : 0;
	r->taken = r->status >= 200 && r->status < 300;
	r->took_ms = (int64_t)took_us / 1000;
	r->retry_after_ms = -1;
	if (r->status == 429 || r->status == 503)
		r->retry_after_ms =
		        wait_retry_after(headers_find(buf_view(&post->head.lines), "retry-after"), post->now_us);
	if (r->taken)
		return;
	if (r->status >= 300 && r->status < 400)
		buf_printf(text, "it answered %d: redirects are not followed, the URL must be the final one",
		           r->status);
	else if (r->status)
		buf_printf(text, "it answered %d", r->status);
	else
		buf_puts(text, rc == CURLE_OK ? "its answer has no status" : failure_text(post, rc));
	r->text = buf_str(text);
}

/* ---- begin and end ---- */

static void
post_free(struct post *post)
{
	engine_handle_return(post->poster->engine, post->easy);
	header_list_wipe(post->list);
	headers_finish(&post->head);
	free(post);
}

static void
post_over(void *arg, CURLcode rc)
{
	struct post *post = arg;
	struct post_result r = {0};
	struct buf text = {0};
	post_done *done = post->done;
	void *to = post->arg;

	post_judge(post, rc, &r, &text);
	post_free(post);
	done(to, &r);
	buf_free(&text);
}

static void
header_add(struct post *post, const char *line)
{
	struct curl_slist *list = curl_slist_append(post->list, line);

	if (!list)
		die("out of memory: a header could not be added");
	post->list = list;
}

static void
headers_set(struct post *post, const struct post_header *h)
{
	struct buf line = {0};

	for (; h->name; h++) {
		if (!h->value || !*h->value)
			continue;
		buf_clear(&line);
		buf_printf(&line, "%s: %s", h->name, h->value);
		header_add(post, buf_str(&line));
	}
	header_add(post, "Expect:"); /* libcurl's word for: none. No waiting for a 100 before a large body */
	buf_free(&line);
	curl_easy_setopt(post->easy, CURLOPT_HTTPHEADER, post->list);
}

static void
easy_set(struct post *post, const struct post_ask *ask)
{
	CURL *easy = post->easy;

	engine_text(easy, CURLOPT_URL, ask->url);
	engine_text(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->body.len ? ask->body.p : "");
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, head_line);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, post);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_piece);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->errtext);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	engine_text(easy, CURLOPT_PROXY, ""); /* not the environment's either */
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stop does not wait for a name to be resolved */
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	engine_text(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
	if (ask->connect_ms)
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)ask->connect_ms);
	if (ask->ca_file)
		engine_text(easy, CURLOPT_CAINFO, ask->ca_file);
}

struct post *
post_begin(struct poster *p, const struct post_ask *ask, post_done *done, void *arg)
{
	struct post *post = XNEW(struct post);

	*post = (struct post){
	        .poster = p, .easy = engine_handle(p->engine), .now_us = ask->now_us, .done = done, .arg = arg};
	headers_set(post, ask->headers);
	easy_set(post, ask);
	engine_start(p->engine, post->easy);
	return post;
}

void
post_stop(struct post *post)
{
	if (!post)
		return;
	engine_stop(post->poster->engine, post->easy);
	post_free(post);
}

struct poster *
poster_new(uv_loop_t *loop, struct err *err)
{
	struct poster *p = XNEW(struct poster);

	p->engine = engine_new(loop, post_over, err);
	if (p->engine) {
		engine_connections(p->engine, 0); /* one of each endpoint: those that hang keep no other one waiting */
		return p;
	}
	free(p);
	return NULL;
}

void
poster_free(struct poster *p)
{
	if (!p)
		return;
	engine_free(p->engine);
	free(p);
}
