/* signing.h - what a secret of a webhook signs with. */
#ifndef SLUICE_CONFIG_SIGNING_H
#define SLUICE_CONFIG_SIGNING_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

/* The bytes to sign with: a secret's text, or with the prefix whsec_ what its base64 stands for, 24 to 64 bytes. -1 with err
 * (the secret is not in it). Wipe the key. */
int signing_key(const struct secret *secret, struct buf *key, struct err *err);

#endif
