/* answer.c - what an answer of Slack's means.
 *
 * Slack answers 200 to everything: {"ok":false,"error":"..."} is the failure (https://api.slack.com/web#responses).
 * What is about who we are is told apart from the rest, so that a person looks after it. Some reasons have a remedy that
 * their name does not tell. */
#include "slack.h"

static const struct {
	const char *error;
	int code;
	const char *remedy; /* NULL: its name says enough */
} reasons[] = {
	{"invalid_auth", SLUICE_ECREDENTIALS, NULL},
	{"not_authed", SLUICE_ECREDENTIALS, NULL},
	{"token_expired", SLUICE_ECREDENTIALS, NULL},
	{"token_revoked", SLUICE_ECREDENTIALS, NULL},
	{"account_inactive", SLUICE_ECREDENTIALS, NULL},
	{"missing_scope", SLUICE_ECREDENTIALS, NULL},
	{"no_permission", SLUICE_ECREDENTIALS, NULL},
	{"org_login_required", SLUICE_ECREDENTIALS, NULL},
	{"ekm_access_denied", SLUICE_ECREDENTIALS, NULL},
	{"not_allowed_token_type", SLUICE_ECREDENTIALS, "the token must be a bot's, xoxb-..."},
	{"access_denied", SLUICE_ECREDENTIALS, NULL},
	{"ratelimited", SLUICE_ERATE, NULL},
	{"rate_limited", SLUICE_ERATE, NULL},
	{"not_in_channel", SLUICE_EFAILED, "invite the app to the channel"},
	{"channel_not_found", SLUICE_EFAILED, "there is no such channel, or it is private and the app is not in it"},
	{"user_not_found", SLUICE_EFAILED, "the token's workspace has no such user"},
	{"invalid_cursor", SLUICE_EFAILED, "the next run begins the list anew"},
	{"is_archived", SLUICE_EFAILED, "the channel is archived"},
	{"msg_too_long", SLUICE_EFAILED, "a message has at most 40 000 characters"},
};

int
answer_judge(struct sluice_run *run, const struct sluice_response *answer)
{
	cJSON *root = sluice_json_parse(answer->body, answer->len);
	int status = 0;

	if (root && !sluice_json_bool(root, "ok", 0)) {
		const char *error = sluice_json_text(root, "error"), *needed = sluice_json_text(root, "needed");
		const char *remedy = needed ? sluice_format(run, "the scope needed is %s", needed) : NULL;
		int code = SLUICE_EFAILED;
		for (size_t i = 0; error && i < sizeof reasons / sizeof *reasons; i++)
			if (strcmp(error, reasons[i].error) == 0) {
				code = reasons[i].code;
				remedy = remedy ? remedy : reasons[i].remedy;
			}
		status = sluice_fail(run, code, "Slack says %s%s%s", error ? error : "ok: false, without a reason",
		                     remedy ? "; " : "", remedy ? remedy : "");
	}
	cJSON_Delete(root);
	return status; /* what is no JSON at all is the caller's to refuse */
}
