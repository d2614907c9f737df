/* pace.c - see pace.h. */
#include "deliver/pace.h"

#include "base/mem.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

static const int64_t waits_ms[] = {5 * SECOND_MS, 30 * SECOND_MS, 2 * MINUTE_MS, 10 * MINUTE_MS, 30 * MINUTE_MS,
                                   HOUR_MS,       2 * HOUR_MS,    4 * HOUR_MS,   6 * HOUR_MS};

/* Receivers that went down together are not tried together again: a quarter more or less. */
static int64_t
jitter(int64_t ms, uint32_t dice)
{
	int64_t half = ms / 2;

	return ms - half / 2 + (int64_t)((uint64_t)half * dice / UINT32_MAX);
}

void
pace_failed(struct pace *p, int64_t now_us, int64_t asked_ms, uint32_t dice)
{
	uint64_t n = p->failures < LENGTH(waits_ms) ? p->failures : LENGTH(waits_ms) - 1;
	int64_t wait_ms = jitter(waits_ms[n], dice);

	if (asked_ms > PACE_ASKED_MAX_MS)
		asked_ms = PACE_ASKED_MAX_MS;
	if (p->failures++ == 0)
		p->failing_us = now_us;
	p->next_us = now_us + (asked_ms > wait_ms ? asked_ms : wait_ms) * 1000;
}

void
pace_well(struct pace *p)
{
	*p = (struct pace){0};
}

void
pace_again(struct pace *p)
{
	p->next_us = 0;
	p->gone = false;
}

bool
pace_open(const struct pace *p)
{
	return p->gone || p->failures >= PACE_OPEN;
}

int64_t
pace_wait_ms(const struct pace *p, int64_t now_us)
{
	int64_t wait_ms = p->next_us > now_us ? (p->next_us - now_us + 999) / 1000 : 0;

	if (p->gone)
		return PACE_NEVER;
	return wait_ms < PACE_ASKED_MAX_MS ? wait_ms : PACE_ASKED_MAX_MS;
}
