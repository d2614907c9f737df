/* route.h - a route as a row of a table: what dispatches, what checks requests, and what the OpenAPI document is written from.
 *
 * A path is text with {name} segments; {name*} as the last takes all that is left, slashes included, and is not percent-decoded
 * twice. Query parameters and body fields that a row does not name are refused (400 invalid_query_params, invalid_body) unless
 * it is `loose`. */
#ifndef SLUICE_HTTP_ROUTE_H
#define SLUICE_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_call;

enum http_right { RIGHT_READ = 1, RIGHT_TRIGGER = 2, RIGHT_WRITE = 4, RIGHT_ADMIN = 8 };

enum http_place { IN_QUERY, IN_PATH, IN_HEADER };
enum http_type {
	HTTP_TEXT,      /* min, max: bytes; max 0: 1000 */
	HTTP_NAME,      /* 1 to 255 bytes of a-z A-Z 0-9 _ - . : @ and such: no control bytes */
	HTTP_INT,       /* min..max */
	HTTP_BOOL,      /* true false */
	HTTP_WORD,      /* one of words, in any case */
	HTTP_TIME,      /* RFC 3339 */
	HTTP_DURATION,  /* "30s" or seconds; min..max in ms */
	HTTP_OBJECT, HTTP_ARRAY, HTTP_ANY, /* of bodies and answers */
};

struct http_param {
	const char *name;         /* NULL ends the list */
	enum http_place place;
	enum http_type type;
	bool required, repeated;  /* repeated: also as a comma list where `comma` */
	bool comma, brackets;     /* brackets: name[key]=value, any key; http_param_at gives "key=value" */
	int64_t min, max;         /* both 0: the type's own */
	const char *const *words; /* NULL-terminated */
	const char *help;
};

struct http_field {               /* of a JSON object: a body or an answer */
	const char *name;         /* NULL ends the list */
	enum http_type type;
	bool required, nullable;
	int64_t min, max;         /* of numbers and lengths; both 0: the type's own */
	const char *const *words;
	const struct http_schema *of; /* of an object or of an array's items; NULL: any, or text with `texts` */
	bool texts;               /* an array of strings */
	bool or_text;             /* a plain string will do too, also as an array's item */
	const char *help;
};

struct http_schema {              /* a named object, for answers and what is inside of bodies */
	const char *name;         /* "SyncStatus": under components/schemas */
	const struct http_field *fields;
	bool loose;               /* it may have other members: records have those of their provider */
};

struct http_answer {
	int status;               /* 0 ends the list */
	const struct http_schema *schema; /* NULL: no body, or not JSON */
	bool list;                /* an array of it */
	const char *type;         /* NULL: application/json */
	const char *help;
};

struct http_route {
	const char *method;       /* NULL ends the table; "*": any */
	const char *path;
	const char *name;         /* operationId, also of the metric's label: "listRecords" */
	const char *tag;          /* heading in the document */
	const char *summary, *help;
	unsigned rights;          /* any of these suffices; 0: open to everybody */
	const struct http_param *params;
	const struct http_field *body; /* NULL: no JSON body is read */
	bool raw;                 /* any bytes as they are, any Content-Type */
	bool loose;               /* unknown query parameters and body fields are passed on */
	bool hidden;              /* not in the document: aliases, pages */
	size_t max_body;          /* 0: 1 MiB; only with body or raw */
	const struct http_answer *answers; /* besides the common errors */
	const void *data;         /* of the handler */
	/* In the HTTP thread, before the loop is asked; true: answered. For what the store alone can say; may be NULL. */
	bool (*ahead)(struct http_call *c, void *arg);
	void (*handle)(struct http_call *c, void *arg); /* on the loop; NULL: ahead answers always */
};

#endif
