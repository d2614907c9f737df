/* variant.c - see variant.h.
 *
 * Awkward: a manifest that was made of a connection is lent out for some time, and holds as long as the connection is the same.
 * Every change of its variants therefore moves `variants_turn`, by which such a manifest knows itself outdated. */
#include "config/variant.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

const char *
variant_of(const char *name)
{
	const char *mark = strstr(name, VARIANT_MARK);

	return mark ? mark + strlen(VARIANT_MARK) : NULL;
}

struct slice
variant_base(const char *name)
{
	const char *mark = strstr(name, VARIANT_MARK);

	return slice_of(name, mark ? (size_t)(mark - name) : strlen(name));
}

char *
variant_join(const char *name, const char *variant)
{
	const char *own = variant_of(name);

	if (own && strcmp(own, VARIANT_BASE) == 0)
		return slice_dup(variant_base(name));
	if (own || !variant || strcmp(variant, VARIANT_BASE) == 0)
		return xstrdup(name);
	return xasprintf("%s" VARIANT_MARK "%s", name, variant);
}

bool
variant_name_good(const char *variant)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	size_t n = strspn(variant, letters);

	return n > 0 && n <= VARIANT_NAME_MAX && !variant[n];
}

/* ---- those of a connection ---- */

static size_t
place_of(const struct connection_settings *c, const char *name)
{
	size_t i = 0;

	while (i < c->n_variants && strcmp(c->variants[i], name) < 0)
		i++;
	return i;
}

bool
variants_have(const struct connection_settings *c, const char *name)
{
	size_t i = place_of(c, name);

	return i < c->n_variants && strcmp(c->variants[i], name) == 0;
}

size_t
variants_count(const struct connection_settings *c, struct slice sync)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_variants; i++)
		n += slice_eq(variant_base(c->variants[i]), sync);
	return n;
}

void
variants_put(struct connection_settings *c, const char *name)
{
	size_t at = place_of(c, name);

	c->variants = xrealloc(c->variants, (c->n_variants + 1) * sizeof *c->variants);
	memmove(&c->variants[at + 1], &c->variants[at], (c->n_variants - at) * sizeof *c->variants);
	c->variants[at] = xstrdup(name);
	c->n_variants++;
	c->variants_turn++;
}

void
variants_drop(struct connection_settings *c, const char *name)
{
	size_t at = place_of(c, name);

	if (!variants_have(c, name))
		return;
	free(c->variants[at]);
	c->n_variants--;
	memmove(&c->variants[at], &c->variants[at + 1], (c->n_variants - at) * sizeof *c->variants);
	c->variants_turn++;
}

void
variants_move(struct connection_settings *from, struct connection_settings *to)
{
	to->variants = from->variants;
	to->n_variants = from->n_variants;
	to->variants_turn++;
	from->variants = NULL;
	from->n_variants = 0;
	from->variants_turn++;
}

void
variants_free(struct connection_settings *c)
{
	for (size_t i = 0; i < c->n_variants; i++)
		free(c->variants[i]);
	free(c->variants);
}
