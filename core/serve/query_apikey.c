/* query_apikey.c - the question by which `sluice api-key` shows or changes the key that the host made itself.
 *
 * It answers with the key: so it is asked over sluice.sock, which is the owner's alone, and no route of HTTP asks it. */
#include "run/apikey.h"
#include "serve/question.h"

int
ask_api_key(struct question *q)
{
	const struct secret *key;

	if (q->settings->n_keys)
		return err_set(q->err, ERR_USAGE, "the keys are the configuration's: %zu section%s [key NAME]; change them there, then `sluice reload`",
		               q->settings->n_keys, q->settings->n_keys == 1 ? "" : "s");
	key = member_bool(q->json, "rotate", false) ? apikey_rotate(q->host, q->err) : apikey_get(q->host);
	if (!key && member_bool(q->json, "rotate", false))
		return -1;
	json_key(&q->end, "key");
	if (key)
		json_put_slice(&q->end, secret_reveal(key));
	else
		json_put_null(&q->end);
	return 0;
}
