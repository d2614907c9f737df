/* slack.h - what the files of the slack connector share: the judgement of answers, which channels are selected, and what
 * is stored of their messages.
 *
 * slack.c declares everything and has the plain lists; answer.c judges; selection.c knows the channels; messages.c is
 * the sync of messages, and window.c finds what is gone of them; events.c takes what Slack sends; send.c writes to
 * people. */
#ifndef SLACK_H
#define SLACK_H

#include <sluice_json.h>

/* 0 when the answer says ok; else the run fails with Slack's reason. */
int answer_judge(struct sluice_run *run, const struct sluice_response *answer);
/* The same of a channel's history; 1: this channel cannot be read, which is no reason not to read the others. */
int history_judge(struct sluice_run *run, const struct sluice_response *answer);
/* Slack's reason and its remedy, for as long as the function runs; NULL: the answer says ok. */
const char *answer_reason(struct sluice_run *run, const char *answer, size_t len);

/* ---- channels ---- */

struct list {
	const char *path, *items, *model;
	struct sluice_pair query[3];
};
extern const struct list channels;
struct sluice_page_request list_request(const struct list *list);

/* Ids that the connection's metadata, else its option, selects: an array, yours; NULL: none. */
cJSON *selection_read(struct sluice_run *run);
int selection_has(const cJSON *ids, const char *id); /* that very text is in the array */
int selection_takes(struct sluice_run *run, const char *channel); /* it, or "*", is selected */
int option_threads(struct sluice_run *run);

/* ---- messages ---- */

/* A reply that only its thread shows: not the message that began it, and none that was sent to the channel as well. */
int message_is_reply(const cJSON *message);
/* Its record's id, and the channel, put in. */
void message_name(struct sluice_run *run, cJSON *message, const char *channel);
const char *message_id(struct sluice_run *run, const char *channel, const char *ts);

/* What is stored of the messages that a run looks at again, so that those that are gone can be told. */
struct window;
struct window *window_read(struct sluice_run *run, const char *oldest);
void window_free(struct window *w);
/* Deletes the channel's messages from `low` on and before `high`, and their replies, that are not among `shown`. */
void window_judge(struct sluice_run *run, const struct window *w, const char *channel, const char *low,
                  const char *high, const cJSON *shown);
/* Deletes the replies in that thread that are not among `shown`. */
void window_judge_thread(struct sluice_run *run, const struct window *w, const char *channel, const char *thread,
                         const cJSON *shown);
/* Deletes all messages of channels that are not in the array. */
void messages_keep(struct sluice_run *run, const cJSON *ids);

int fetch_messages(struct sluice_run *run);

/* ---- the rest ---- */

int take_event(struct sluice_run *run);
int send_message(struct sluice_run *run);

#endif
