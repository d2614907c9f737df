/* shape.h - what the objects of a kind look like: JSON with <placeholders>, compiled once, filled in per object.
 *
 * In a shape ' stands for ". A placeholder is <name arguments>; one that begins with ~ is drawn anew at each change of
 * the object, the others stay. The table in shape.c says which there are. */
#ifndef PROVIDER_SHAPE_H
#define PROVIDER_SHAPE_H

#include "base/buf.h"
#include "base/err.h"
#include "dataset.h"

struct shape *shape_new(const char *text, const struct dataset *d, struct err *err); /* NULL: wrong; says what */
void shape_free(struct shape *s);
void shape_render(const struct shape *s, const struct dataset *d, uint32_t i, struct buf *out);

#endif
