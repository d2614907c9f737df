/* Work beside the loop: in order, one piece at a time, never on the loop's thread; and the end waits for it. */
#include "../tap.h"
#include <pthread.h>
#include <unistd.h>
#include "event/aside.h"

#define PIECES 50

struct piece {
	struct count *count;
	int number;
};

struct count {
	pthread_t loop;
	int at_work, worked, ended;
	bool on_loop, together, disordered, elsewhere;
	struct aside *again; /* one more is put by the first's end */
	struct piece last;
};

static void
work(void *arg)
{
	struct piece *p = arg;
	struct count *c = p->count;

	c->on_loop |= pthread_equal(pthread_self(), c->loop) != 0;
	c->together |= __atomic_add_fetch(&c->at_work, 1, __ATOMIC_SEQ_CST) != 1;
	usleep(200);
	c->disordered |= p->number != c->worked;
	c->worked++;
	__atomic_sub_fetch(&c->at_work, 1, __ATOMIC_SEQ_CST);
}

static void
then(void *arg)
{
	struct piece *p = arg;
	struct count *c = p->count;

	c->elsewhere |= !pthread_equal(pthread_self(), c->loop);
	c->disordered |= p->number != c->ended;
	c->ended++;
	if (c->again && p->number == 0)
		aside_do(c->again, work, then, &c->last);
}

static void
pieces_do(struct count *c, struct aside *a, struct piece *list)
{
	c->loop = pthread_self();
	for (int i = 0; i < PIECES; i++) {
		list[i] = (struct piece){c, i};
		aside_do(a, work, then, &list[i]);
	}
}

TEST("a piece of work is done beside the loop, and its end is on it")
{
	struct piece list[PIECES];
	struct count c = {0};
	uv_loop_t loop;
	struct aside *a;

	REQUIRE(uv_loop_init(&loop) == 0);
	a = aside_new(&loop);
	pieces_do(&c, a, list);
	CHECK_INT(c.ended, 0); /* nobody was held up */
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(c.worked, PIECES);
	CHECK_INT(c.ended, PIECES);
	CHECK(!c.on_loop && !c.elsewhere);
	CHECK(!c.together);
	CHECK(!c.disordered);
	aside_free(a);
	CHECK_INT(uv_loop_close(&loop), 0);
}

TEST("the end waits for all of it, also for what was put meanwhile")
{
	struct piece list[PIECES];
	struct count c = {0};
	uv_loop_t loop;
	struct aside *a;

	REQUIRE(uv_loop_init(&loop) == 0);
	a = aside_new(&loop);
	c.again = a;
	c.last = (struct piece){&c, PIECES};
	pieces_do(&c, a, list);
	aside_free(a);
	CHECK_INT(c.ended, PIECES + 1);
	CHECK(!c.disordered);
	CHECK_INT(uv_loop_close(&loop), 0);
	aside_free(NULL);
}
