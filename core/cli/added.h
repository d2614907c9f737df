/* added.h - the connection that `sluice connections add` was told, as the JSON in which the store keeps it. */
#ifndef SLUICE_CLI_ADDED_H
#define SLUICE_CLI_ADDED_H

#include "cli/cli.h"

#define ADDED_FLAGS                                                                             \
	{"--token", "WHENCE", "add: a secret, as env:NAME, file:PATH or - (stdin); so are the following"}, \
	{"--api-key", "WHENCE", "add"},                                                            \
	{"--username", "WHENCE", "add"},                                                           \
	{"--password", "WHENCE", "add"},                                                           \
	{"--client-id", "WHENCE", "add"},                                                          \
	{"--client-secret", "WHENCE", "add"},                                                      \
	{"--refresh-token", "WHENCE", "add"},                                                      \
	{"--private-key", "WHENCE", "add: PEM, or the file of a service account"},                  \
	{"--webhook-secret", "WHENCE", "add: what the provider signs its events with"},             \
	{"--option", "NAME=VALUE", "add: an option of the connector or another key of [connection]; may be repeated"}, \
	{"--metadata", "JSON", "add: an object, its first metadata"}

/* config/stored.h says what it looks like. It holds secrets: buf_wipe it. */
int added_write(const struct cli *c, struct buf *json, struct err *err);

#endif
