/* target.h - whom a connection's runs talk to, and as whom. */
#ifndef SLUICE_RUN_TARGET_H
#define SLUICE_RUN_TARGET_H

#include "config/settings.h"
#include "plugin/manifest.h"
#include "proxy/proxy.h"

/* options: the JSON object of options_build. keeper: of tokens_keeper, held by the target; NULL: none. NULL: a template or a credential is missing; err names it and the remedy. Yours. */
struct proxy_target *target_new(struct proxy *p, const struct settings *s, const struct manifest *m, const struct connection_settings *c,
                                struct slice options, struct oauth *keeper, struct err *err);
/* Are the credentials there that the connector's authentication needs? 0 or -1. */
int target_credentials(const struct manifest *m, const struct connection_settings *c, struct slice options, struct proxy_auth *auth,
                       struct err *err);
/* Is it known whom to ask, before anybody is: a base URL that makes sense, and headers with all that they hold? 0 or -1. */
int target_base_check(const struct manifest *m, const struct connection_settings *c, struct err *err);
/* Are its requests limited in any way that is known beforehand? */
bool target_limited(const struct settings *s, const struct manifest *m, const struct connection_settings *c);
/* Are there no more limits than one connection can have? 0 or -1. */
int target_limits_check(const struct settings *s, const struct manifest *m, const struct connection_settings *c, struct err *err);

#endif
