/* query_variants.c - the questions behind `sluice variants`: which there are, making one and removing one (run/variants.h).
 *
 * The sync is named with its variant, "leads::eu", or both apart. What was done is durable when the answer goes out, and a
 * service has its schedule follow. */
#include "run/variants.h"

#include <stdlib.h>
#include "base/log.h"
#include "base/mem.h"
#include "schedule/service.h"
#include "serve/question.h"

static void
variant_row(struct question *q, const struct connection_settings *c, const char *name)
{
	struct json_out o = json_out(&q->row);

	json_open(&o, '{');
	json_kv_str(&o, "connection", c->name);
	json_kv_str(&o, "integration", c->integration->name);
	json_kv_slice(&o, "sync", variant_base(name));
	json_kv_str(&o, "variant", variant_of(name));
	json_kv_str(&o, "name", name);
	json_close(&o, '}');
	question_row(q);
}

static bool
sync_fits(const struct question *q, const char *name)
{
	return !q->sync || (variant_of(q->sync) ? strcmp(q->sync, name) == 0 : slice_is(variant_base(name), q->sync));
}

int
ask_variants(struct question *q)
{
	for (size_t i = 0; i < q->settings->n_connections; i++) {
		const struct connection_settings *c = q->settings->connections[i];

		if (!name_fits(q->connection, c->name) || !name_fits(q->integration, c->integration->name))
			continue;
		for (size_t k = 0; k < c->n_variants; k++)
			if (sync_fits(q, c->variants[k]))
				variant_row(q, c, c->variants[k]);
	}
	return 0;
}

/* ---- made and removed ---- */

typedef enum variant_fault change(struct host *h, const struct connection_settings *c, const char *sync, const char *variant,
                                  struct err *err);

static int
variant_change(struct question *q, change *make, const char *what)
{
	const struct connection_settings *c =
		q->connection ? settings_connection(q->settings, q->connection, q->integration) : NULL;
	char *who, *base, *name;
	int rc = -1;

	if (!c)
		return err_set(q->err, ERR_USAGE, "the question names no connection, or none that this host knows");
	if (!q->sync || !variant_of(q->sync))
		return err_set(q->err, ERR_USAGE, "say which variant of which sync: leads::eu; base is the one that every sync has");
	base = slice_dup(variant_base(q->sync));
	who = member_text(q->json, "who");
	name = xstrdup(q->sync);
	if (make(q->host, c, base, variant_of(name), q->err) == VARIANT_GOOD) {
		log_info("connection %s : %s: variant '%s' of sync '%s' is %s by %s", c->name, c->integration->name, variant_of(name),
		         base, what, who ? who : "somebody");
		variant_row(q, c, name);
		if (host_service(q->host))
			service_connections_changed(host_service(q->host));
		rc = 0;
	}
	free(name);
	free(who);
	free(base);
	return rc;
}

int
ask_add_variant(struct question *q)
{
	return variant_change(q, variant_make, "made");
}

int
ask_remove_variant(struct question *q)
{
	return variant_change(q, variant_remove, "removed");
}
