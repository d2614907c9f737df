/* aside.c - see aside.h. A list, of which the head is under way. */
#include "event/aside.h"

#include <stdlib.h>
#include "base/mem.h"
#include "base/thread.h"

struct piece {
	struct piece *next;
	void (*work)(void *arg);
	void (*then)(void *arg);
	void *arg;
};

struct aside {
	uv_loop_t *loop;
	uv_work_t request; /* of the head */
	struct piece *head, **end;
};

static void
piece_work(uv_work_t *request)
{
	struct aside *a = request->data;

	thread_yields();
	a->head->work(a->head->arg);
}

static void piece_done(uv_work_t *request, int status);

static void
head_begin(struct aside *a)
{
	a->request.data = a;
	uv_queue_work(a->loop, &a->request, piece_work, piece_done);
}

static void
piece_done(uv_work_t *request, int status)
{
	struct aside *a = request->data;
	struct piece *p = a->head;

	(void)status; /* none is cancelled */
	a->head = p->next;
	if (a->head)
		head_begin(a);
	else
		a->end = &a->head;
	p->then(p->arg);
	free(p);
}

struct aside *
aside_new(uv_loop_t *loop)
{
	struct aside *a = XNEW(struct aside);

	a->loop = loop;
	a->end = &a->head;
	return a;
}

void
aside_free(struct aside *a)
{
	while (a && a->head)
		uv_run(a->loop, UV_RUN_ONCE);
	free(a);
}

void
aside_do(struct aside *a, void (*work)(void *arg), void (*then)(void *arg), void *arg)
{
	struct piece *p = XNEW(struct piece);

	*p = (struct piece){.work = work, .then = then, .arg = arg};
	*a->end = p;
	a->end = &p->next;
	if (a->head == p)
		head_begin(a);
}
