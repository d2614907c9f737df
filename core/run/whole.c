/* whole.c - a file that is read in one piece (SLUICE_WHOLE, sluice_open) and has not changed: it is not sent, and all that its
 * run would have listed counts as listed.
 *
 *   asked -> 304: the run ends without a sweep, complete
 *         -> 200: read as ever -> complete, nothing rejected, nothing held back -> kept: validators, and each model's last change
 *
 * Guarantee: a validator is used only while nothing at all has changed in the run's models since the run that kept it. So there is no
 * list of ids, however long the file is: the sequence of a dataset's last change stands for it.
 *
 * Awkward: what the last commit sweeps has sequences of its own, which the writer gives; so what is kept is written behind
 * that commit. A host that is killed between the two has kept nothing, and the next run reads the file. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "run/inside.h"
#include "sluice.h"

void
whole_drop(struct run *r)
{
	free(r->whole.etag);
	free(r->whole.modified);
	r->whole = (struct whole){0};
}

static bool
whole_on(const struct run *r)
{
	return r->sync && !r->request.dry && r->scope && (r->sync->flags & SLUICE_WHOLE) && !r->webhook && !r->stop_why &&
	       !r->facts.staged;
}

static void
info_write(void *arg, const struct dataset_info *i)
{
	struct json_out *o = arg;

	json_kv_int(o, "sequence", (int64_t)i->sequence);
	json_kv_int(o, "live", (int64_t)i->live);
}

/* {"Product": {"sequence": 812, "live": 400}}: as the run's models are now. */
static void
models_write(const struct run *r, struct buf *out)
{
	struct json_out o = json_out(out);

	json_open(&o, '{');
	for (size_t i = 0; i < r->n_models; i++) {
		json_key(&o, r->models[i].model->name);
		json_open(&o, '{');
		store_dataset_info(r->host->store, r->models[i].dataset, info_write, &o);
		json_close(&o, '}');
	}
	json_close(&o, '}');
}

void
whole_ask(struct run *r, uint32_t serial, const struct proxy_request *q, struct buf *headers)
{
	struct whole *w = &r->whole;
	struct buf kept = {0}, now = {0};

	w->more |= w->serial != 0;
	if (!whole_on(r) || w->more)
		return;
	w->serial = serial;
	conditions_name(r, q, w->name);
	models_write(r, &now);
	if (!r->request.full_refresh &&
	    store_state_get(r->host->store, r->scope, STATE_CONDITION, slice_of(w->name, CONDITION_NAME), &kept) &&
	    json_check(buf_view(&kept), JSON_DEPTH_MAX, NULL) && slice_eq(member_raw(buf_view(&kept), "models"), buf_view(&now))) {
		w->known = true;
		conditions_headers(buf_view(&kept), headers);
	}
	buf_free(&kept);
	buf_free(&now);
}

void
whole_answer(struct run *r, uint32_t serial, const struct proxy_answer *a)
{
	struct whole *w = &r->whole;

	if (serial != w->serial || a->err.cls != ERR_NONE)
		return;
	w->unchanged = a->status == 304 && w->known;
	if (a->status == 200)
		conditions_validators(a, &w->etag, &w->modified);
	if (w->unchanged || w->etag || w->modified)
		buf_put(&r->conditions.used, w->name, CONDITION_NAME);
}

static void
live_add(void *arg, const struct dataset_info *i)
{
	struct run_counts *counts = arg;

	counts->saved += i->live;
	counts->unchanged += i->live;
}

/* Whoever saves something besides has not left everything as it was. */
bool
whole_unchanged(struct run *r)
{
	if (!r->whole.unchanged || r->whole.more || r->facts.incomplete || r->bad_answer || r->counts.saved || r->counts.rejected)
		return false;
	for (size_t i = 0; i < r->n_models; i++)
		store_dataset_info(r->host->store, r->models[i].dataset, live_add, &r->counts);
	r->counts.unmodified++;
	return true;
}

bool
whole_keeps(const struct run *r)
{
	const struct whole *w = &r->whole;

	return (w->etag || w->modified) && !w->more && r->err.cls == ERR_NONE && !r->counts.rejected && !r->counts.held &&
	       !r->facts.incomplete && (r->complete || !finish_sweeps(r));
}

void
whole_put(const struct run *r, struct commit *c)
{
	struct buf value = {0}, models = {0};
	struct json_out o = json_out(&value);

	models_write(r, &models);
	json_open(&o, '{');
	if (r->whole.etag)
		json_kv_str(&o, "etag", r->whole.etag);
	if (r->whole.modified)
		json_kv_str(&o, "modified", r->whole.modified);
	json_kv_raw(&o, "models", buf_view(&models));
	json_close(&o, '}');
	commit_state_set(c, r->scope, STATE_CONDITION, slice_of(r->whole.name, CONDITION_NAME), buf_view(&value));
	buf_free(&value);
	buf_free(&models);
}
