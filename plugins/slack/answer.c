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
	int of_channel;     /* it is about the channel that was asked for, and no other */
} reasons[] = {
	{"invalid_auth", SLUICE_ECREDENTIALS, NULL, 0},
	{"not_authed", SLUICE_ECREDENTIALS, NULL, 0},
	{"token_expired", SLUICE_ECREDENTIALS, NULL, 0},
	{"token_revoked", SLUICE_ECREDENTIALS, NULL, 0},
	{"account_inactive", SLUICE_ECREDENTIALS, NULL, 0},
	{"missing_scope", SLUICE_ECREDENTIALS, NULL, 0},
	{"no_permission", SLUICE_ECREDENTIALS, NULL, 0},
	{"org_login_required", SLUICE_ECREDENTIALS, NULL, 0},
	{"ekm_access_denied", SLUICE_ECREDENTIALS, NULL, 0},
	{"not_allowed_token_type", SLUICE_ECREDENTIALS, "the token must be a bot's, xoxb-...", 0},
	{"access_denied", SLUICE_ECREDENTIALS, NULL, 0},
	{"ratelimited", SLUICE_ERATE, NULL, 0},
	{"rate_limited", SLUICE_ERATE, NULL, 0},
	{"not_in_channel", SLUICE_EFAILED, "invite the app to the channel", 1},
	{"channel_not_found", SLUICE_EFAILED, "there is no such channel, or it is private and the app is not in it", 1},
	{"user_not_found", SLUICE_EFAILED, "the token's workspace has no such user", 0},
	{"invalid_cursor", SLUICE_EFAILED, "the next run begins the list anew", 0},
	{"is_archived", SLUICE_EFAILED, "the channel is archived", 0},
	{"msg_too_long", SLUICE_EFAILED, "a message has at most 40 000 characters", 0},
};

/* Slack's reason in words; NULL: the answer says ok, or is no JSON at all, which is the caller's to refuse. Its row
 * goes into *at (-1: it has none). */
static const char *
reason_of(struct sluice_run *run, const char *answer, size_t len, int *at)
{
	cJSON *root = sluice_json_parse(answer, len);
	const char *text = NULL;

	*at = -1;
	if (root && !sluice_json_bool(root, "ok", 0)) {
		const char *error = sluice_json_text(root, "error"), *needed = sluice_json_text(root, "needed");
		const char *remedy = needed ? sluice_format(run, "the scope needed is %s", needed) : NULL;
		for (size_t i = 0; error && i < sizeof reasons / sizeof *reasons; i++)
			if (strcmp(error, reasons[i].error) == 0)
				*at = (int)i;
		if (!remedy && *at >= 0)
			remedy = reasons[*at].remedy;
		text = sluice_format(run, "Slack says %s%s%s", error ? error : "ok: false, without a reason",
		                     remedy ? "; " : "", remedy ? remedy : "");
	}
	cJSON_Delete(root);
	return text;
}

int
answer_judge(struct sluice_run *run, const struct sluice_response *answer)
{
	int at;
	const char *text = reason_of(run, answer->body, answer->len, &at);

	return text ? sluice_fail(run, at < 0 ? SLUICE_EFAILED : reasons[at].code, "%s", text) : 0;
}

int
history_judge(struct sluice_run *run, const struct sluice_response *answer)
{
	int at;

	return reason_of(run, answer->body, answer->len, &at) && at >= 0 && reasons[at].of_channel
	               ? 1
	               : answer_judge(run, answer);
}

const char *
answer_reason(struct sluice_run *run, const char *answer, size_t len)
{
	int at;

	return reason_of(run, answer, len, &at);
}
