/* fields.h - a JSON body against the rows of its route. Pure. */
#ifndef SLUICE_HTTP_FIELDS_H
#define SLUICE_HTTP_FIELDS_H

#include "http/fault.h"
#include "http/route.h"

/* object: checked JSON. Faults are added for what does not fit; false: there were some. */
bool http_fields_check(const struct http_field *fields, bool loose, struct slice object, struct http_faults *f);

#endif
