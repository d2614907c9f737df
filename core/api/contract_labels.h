/* contract_labels.h - what an application puts on its connections: tags, the end user, where else webhooks should go. */
#ifndef SLUICE_API_CONTRACT_LABELS_H
#define SLUICE_API_CONTRACT_LABELS_H

#include "api/contract.h"

/* What applications have put on it: an object, {} when nothing. Appended. */
void contract_labels(struct api *a, const struct connection_settings *c, struct buf *labels);
/* Those of the body of a request, as an object with the time of now. False: c has been answered with 400. */
bool contract_labels_read(const struct api *a, struct http_call *c, struct buf *labels);

/* The rows of a body that has labels. */
#define CONTRACT_LABEL_FIELDS \
	{.name = "end_user", .type = HTTP_OBJECT, .nullable = true, .help = "who it belongs to: {\"id\", \"email\", ...}"}, \
	{.name = "tags", .type = HTTP_OBJECT, .nullable = true, .help = "texts by name; names are kept in lower case"}, \
	{.name = "webhook_url_override", .type = HTTP_TEXT, .nullable = true, \
	 .help = "kept and shown; where webhooks go is INI's to say"}

#endif
