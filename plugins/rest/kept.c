/* kept.c - what a run leaves in its checkpoint, for its own later steps and for the next run:
 *
 *   {"since": what was asked from, "seen": the latest so far, "run": whose shapes these are, "shapes": {"users": {...}}}
 *
 * Awkward: a shape that was seen holds for one run only, for the answer may look otherwise the next time; so it stands
 * there with the time of its run, and what is of another run is as if it were not there. */
#include "rest.h"
#include <stdlib.h>

struct skim
kept_read(struct sluice_run *run)
{
	const char *text = sluice_get_checkpoint(run);

	return text ? skim_of(text, strlen(text)) : (struct skim){NULL, 0};
}

void
kept_write(struct sluice_run *run, struct skim since, struct skim seen, const char *shapes)
{
	sluice_save_checkpoint(run, sluice_format(run, "{%s%.*s%s%s%.*s%s\"run\":%lld,\"shapes\":{%s}}",
	                                          since.p ? "\"since\":" : "", (int)since.len, since.p ? since.p : "",
	                                          since.p ? "," : "", seen.p ? "\"seen\":" : "", (int)seen.len,
	                                          seen.p ? seen.p : "", seen.p ? "," : "", (long long)sluice_now(run),
	                                          shapes));
}

const char *
kept_shapes(struct sluice_run *run)
{
	const struct skim kept = kept_read(run), shapes = skim_get(kept, "shapes");
	const char *of = skim_text(run, skim_get(kept, "run"));

	return of && atoll(of) == sluice_now(run) && shapes.len > 2
	               ? sluice_format(run, "%.*s", (int)shapes.len - 2, shapes.p + 1)
	               : "";
}

static struct skim
shapes_object(struct sluice_run *run)
{
	const char *known = kept_shapes(run);

	return skim_of(sluice_format(run, "{%s}", known), strlen(known) + 2);
}

struct skim
kept_shape(struct sluice_run *run, const char *dataset)
{
	return skim_member(shapes_object(run), dataset);
}

static const char *
quoted(struct sluice_run *run, const char *text)
{
	cJSON *tree = cJSON_CreateString(text);
	const char *out = sluice_json_print(run, tree);

	cJSON_Delete(tree);
	return out;
}

void
kept_shape_put(struct sluice_run *run, const struct dataset *d)
{
	const struct skim kept = kept_read(run);
	const char *shapes = "";
	struct skim_walk w = skim_walk(shapes_object(run));

	while (skim_next(&w))
		if (!skim_is(w.key, d->name))
			shapes = sluice_format(run, "%s\"%.*s\":%.*s,", shapes, (int)w.key.len, w.key.p,
			                       (int)w.value.len, w.value.p);
	shapes = sluice_format(run, "%s\"%s\":{\"items\":%s,\"paginate\":%s}", shapes, d->name, quoted(run, d->items),
	                       quoted(run, d->paging.words));
	kept_write(run, skim_get(kept, "since"), skim_get(kept, "seen"), shapes);
}
