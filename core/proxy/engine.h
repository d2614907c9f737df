/* engine.h - libcurl's multi interface on the loop: sockets and its timer become uv handles, finished transfers a
 * callback.
 *
 * One engine keeps one pool of connections, so all targets share what is open. Nothing is sent from inside
 * engine_start. */
#ifndef SLUICE_PROXY_ENGINE_H
#define SLUICE_PROXY_ENGINE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <uv.h>
#include "base/err.h"

struct engine;

/* Called once for each started transfer that was not stopped; from the loop, never from inside libcurl. The transfer
 * has left the engine then. arg is CURLOPT_PRIVATE of the handle. */
typedef void engine_done(void *arg, CURLcode rc);

struct engine *engine_new(uv_loop_t *loop, engine_done *done, struct err *err);
void
engine_free(struct engine *e); /* stop all transfers first; not from inside libcurl. The loop must run once after it */

/* Open at once, at most; usually 256, beyond which transfers wait their turn. 0: any number. */
void engine_connections(struct engine *e, long most);

CURL *engine_handle(struct engine *e); /* a fresh easy handle, perhaps a used one made new */
/* An option of text, which libcurl copies; there is no transfer with one missing: the method, the CA, the proxy that is none. */
void engine_text(CURL *easy, CURLoption option, const char *text);
void engine_handle_return(struct engine *e, CURL *easy);
void engine_start(struct engine *e, CURL *easy);
void engine_stop(struct engine *e, CURL *easy); /* not from inside libcurl */

#endif
