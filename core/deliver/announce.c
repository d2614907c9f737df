/* announce.c - see announce.h.
 *
 * {"type":"alert","timestamp":T,"data":{"state":"begun" or "over","alert":{...as `sluice alerts` shows it}}}
 *
 * Awkward: an incident stands in the store by a commit of its own; killed between the two, the host tells of its begin or end
 * never, or twice. What is told of a record or a run is not like that. */
#include "deliver/announce.h"

#include "schedule/alerts.h"
#include "store/events_out.h"

static void
alert_told(void *arg, const struct alert *a)
{
	struct host *h = arg;
	char now[TIME_TEXT_MAX];
	struct commit *c;
	struct buf body = {0};
	struct json_out o = json_out(&body);

	if (!store_outbox_wanted(host_store(h), WEBHOOK_ALERT))
		return;
	json_open(&o, '{');
	json_kv_str(&o, "type", "alert");
	json_kv_str(&o, "timestamp", time_format(clock_wall_us(host_clock(h)), now));
	json_key(&o, "data");
	json_open(&o, '{');
	json_kv_str(&o, "state", a->until_us ? "over" : "begun");
	json_key(&o, "alert");
	alert_write(a, &o);
	json_close(&o, '}');
	json_close(&o, '}');
	c = commit_new(host_store(h), (struct fence){0, 0});
	commit_event(c, &(struct event){.wants = WEBHOOK_ALERT,
	                                .connection = a->connection,
	                                .integration = a->integration,
	                                .type = "alert",
	                                .body = buf_view(&body)});
	store_commit(host_store(h), c, false, NULL, NULL);
	buf_free(&body);
}

void
announce_alerts(struct host *h)
{
	if (host_service(h))
		alerts_listen(host_service(h), alert_told, h);
}

void
announce_end(struct host *h)
{
	if (host_service(h))
		alerts_listen(host_service(h), NULL, NULL);
}
