/* script.c - scripted routes, and the reader of script files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "script.h"

struct route {
	char *json;      /* the object as given; replies are read from it */
	char *route;     /* "GET /x" */
	bool with_query; /* the route names one */
	char *holds;     /* text that the request's body has to hold; NULL: any */
	size_t count, next;
};

struct script {
	struct route *routes;
	size_t count;
};

struct script *
script_new(void)
{
	return XNEW(struct script);
}

void
script_reset(struct script *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->routes[i].json);
		free(s->routes[i].route);
		free(s->routes[i].holds);
	}
	free(s->routes);
	*s = (struct script){0};
}

void
script_free(struct script *s)
{
	if (!s)
		return;
	script_reset(s);
	free(s);
}

/* ---- loading ---- */

static int
route_add(struct script *s, struct slice json, struct err *err)
{
	struct slice v, replies;

	if (!json_member(json, "route", &v) || !json_member(json, "replies", &replies) || json_count(replies) == 0)
		return err_set(err, ERR_DATA, "a route wants \"route\": \"GET /path\" and \"replies\": [{...}, ...]");
	char *route = json_text(v);
	if (!strstr(route, " /")) {
		err_set(err, ERR_DATA, "route '%s': say method and path, for example \"GET /x\"", route);
		free(route);
		return -1;
	}
	s->routes = xrealloc(s->routes, (s->count + 1) * sizeof(*s->routes));
	s->routes[s->count++] = (struct route){.json = slice_dup(json),
	                                       .route = route,
	                                       .with_query = strchr(route, '?') != NULL,
	                                       .holds = json_member(json, "holds", &v) ? json_text(v) : NULL,
	                                       .count = json_count(replies)};
	return 0;
}

static int
item_add(struct script *s, struct faults *faults, struct slice item, struct err *err)
{
	struct slice v;

	if (json_type(item) != JSON_OBJECT)
		return err_set(err, ERR_DATA,
		               "a script is made of objects: fault rules with \"do\", routes with \"route\"");
	return json_member(item, "route", &v) ? route_add(s, item, err) : faults_add(faults, item, err);
}

int
script_load(struct script *s, struct faults *faults, struct slice json, struct err *err)
{
	struct json_fault fault;

	if (!json_check(json, JSON_DEPTH_MAX, &fault))
		return err_set(err, ERR_DATA, "not JSON: %s at byte %zu", fault.what, fault.at);
	json = json_trim(json);
	if (json_type(json) != JSON_ARRAY)
		return item_add(s, faults, json, err);
	for (struct json_iter it = json_iter(json); json_next(&it);)
		if (item_add(s, faults, it.value, err) < 0)
			return -1;
	return 0;
}

static int
file_read(const char *path, struct buf *to, struct err *err)
{
	size_t n;
	int rc = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	do {
		buf_reserve(to, 65536);
		n = fread(to->p + to->len, 1, 65536, file);
		to->len += n;
	} while (n > 0);
	if (ferror(file))
		rc = err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	fclose(file);
	return rc;
}

int
script_load_file(struct script *s, struct faults *faults, const char *path, struct err *err)
{
	struct buf text = {0};
	int rc = file_read(path, &text, err);

	if (rc == 0 && (rc = script_load(s, faults, buf_view(&text), err)) < 0)
		err_prefix(err, "%s", path);
	buf_free(&text);
	return rc;
}

/* ---- answering ---- */

void
script_reply(struct slice json, struct reply *p)
{
	struct slice v;
	int64_t status;

	if (json_member(json, "status", &v) && json_int(v, &status) && status >= 100 && status <= 999)
		p->status = (int)status;
	if (json_member(json, "headers", &v))
		for (struct json_iter it = json_iter(v); json_next(&it);) {
			char *value = json_text(it.value);
			buf_slice(&p->head, it.key);
			buf_printf(&p->head, ": %s\r\n", value);
			free(value);
		}
	if (json_member(json, "type", &v) && json_string_is(v, "html"))
		p->type = "text/html; charset=utf-8";
	if (json_member(json, "file", &v)) { /* read anew each time: a test may change it */
		struct err err = {0};
		char *path = json_text(v);

		buf_clear(&p->body);
		if (file_read(path, &p->body, &err) < 0)
			reply_error(p, 404, "%s", err.text);
		free(path);
	}
	if (!json_member(json, "body", &v))
		return;
	buf_clear(&p->body);
	if (json_type(v) == JSON_STRING)
		json_unquote(v, &p->body);
	else
		buf_slice(&p->body, v);
}

static bool
route_fits(const struct route *t, const struct request *r)
{
	const char *path = strchr(t->route, ' ') + 1;

	return slice_eq(r->method, slice_of(t->route, (size_t)(path - 1 - t->route))) &&
	       slice_is(t->with_query ? r->target : r->path, path) &&
	       (!t->holds || memmem(r->body.p, r->body.len, t->holds, strlen(t->holds)));
}

bool
script_answer(struct script *s, const struct request *r, struct reply *p)
{
	for (size_t i = 0; i < s->count; i++) {
		struct route *t = &s->routes[i];
		struct slice replies;
		size_t k = 0;
		if (!route_fits(t, r))
			continue;
		json_member(slice_str(t->json), "replies", &replies);
		struct json_iter it = json_iter(replies);
		while (json_next(&it) && k++ < t->next)
			;
		t->next += t->next + 1 < t->count;
		p->status = 200;
		script_reply(it.value, p);
		return true;
	}
	return false;
}
