// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Who it was: processes, their pids used again, threads, containers. */
#include "unit/capture_t.h"

#define ID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* The task that connection id's sender is known as. */
static const struct cap_task *sender(uint64_t id)
{
	return capture_find(id)->who[CAP_SEND]->task;
}

static const char *container(const char *cgroup)
{
	static uint32_t seq;
	static uint64_t id;

	id++;
	by = 10000 + id;
	task(by, 1, "x", 1, cgroup);
	data(id, CAP_SEND, seq, GET);
	return sender(id)->container;
}

static void test_containers(void)
{
	start(0);
	T_STR(container("docker-" ID64 ".scope"), "0123456789ab");
	T_STR(container("cri-containerd-" ID64 ".scope"), "0123456789ab");
	T_STR(container("crio-" ID64 ".scope"), "0123456789ab");
	T_STR(container("libpod-" ID64 ".scope"), "0123456789ab");
	T_STR(container(ID64), "0123456789ab");
	T_STR(container(""), "");
	T_STR(container("/"), "");
	T_STR(container(".scope"), "");
	T_STR(container("session-3.scope"), "");
	T_STR(container("libpod-conmon-" ID64 ".scope"), "");
	T_STR(container("a" ID64 ".scope"), "");
	T_STR(container(ID64 "0"), "");
	T_STR(container("docker-" ID64 ".slice"), "");
	T_STR(container("docker-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef"),
	      "");
	finish();
}

static void test_cmdline(void)
{
	static const char args[] = "prog\0two words\0\0-x\0\0\0";
	const struct cap_task *t;

	start(0);
	task(20, 5, args, sizeof(args), "");
	data(1, CAP_SEND, 0, GET);
	t = sender(1);
	T_EQ(t->pid, 20);
	T_EQ(t->start_ns, 5);
	T_STR(t->comm, "task");
	T_STR(t->cmdline, "prog two words  -x");
	T_EQ(t->cmdline_len, strlen("prog two words  -x"));
	task(21, 5, "\0\0", 2, "");
	by = 21;
	data(2, CAP_SEND, 0, GET);
	T_OK(!sender(2)->cmdline && !sender(2)->cmdline_len && sender(2)->start_ns == 5);
	by = 22;
	data(3, CAP_SEND, 0, GET);
	T_OK(!sender(3)->cmdline && !sender(3)->start_ns && sender(3)->pid == 22);
	/* Nobody has received anything yet. */
	T_OK(capture_find(3)->who[CAP_RECV]->task && !capture_find(3)->who[CAP_RECV]->task->pid);
	finish();
}

/* Another process, or another program in it: for what comes from then on. */
static void test_again(void)
{
	const struct cap_task *first, *second;
	const struct cap_who *w, *last;

	start(0);
	data(1, CAP_SEND, 0, GET);
	first = sender(1);
	w = cap_who_get(capture_find(1)->who[CAP_SEND]);
	task(20, 5, "one", 3, "");
	T_OK(sender(1) == first && !first->cmdline);
	data(1, CAP_SEND, NGET, GET);
	second = sender(1);
	T_STR(second->cmdline, "one");
	T_OK(w->task == first);
	T_EQ(first->pid, 20); /* it lives as long as somebody has a reference */
	task(20, 5, "one", 3, "");
	task(20, 4, "older", 5, "");
	data(1, CAP_SEND, NGET * 2, GET);
	T_OK(sender(1) == second);
	task(20, 5, "exec", 4, "");
	data(1, CAP_SEND, NGET * 3, GET);
	T_STR(sender(1)->cmdline, "exec");
	task(20, 9, "exec", 4, "");
	data(1, CAP_SEND, NGET * 4, GET);
	T_EQ(sender(1)->start_ns, 9);
	T_STR(second->cmdline, "one");
	last = cap_who_get(capture_find(1)->who[CAP_SEND]);
	finish();
	T_EQ(w->pid, 20);
	T_OK(w->task == first && !first->cmdline);
	T_EQ(last->task->start_ns, 9);
	T_STR(last->task->cmdline, "exec");
	cap_who_put(w);
	cap_who_put(last);
}

static uint32_t heads[8];
static const char *cmdlines[8];
static unsigned int nheads;

static void note(void *ctx, struct http1_msg *m)
{
	struct cap_conn *c = ctx;

	heads[nheads & 7] = c->who[m->dir]->tid;
	cmdlines[nheads++ & 7] = c->who[m->dir]->task->cmdline;
}

/* What waited is told with who it was when it came. */
static void test_held(void)
{
	static const struct capture_ops ops = {.http1 = {.head = note}};
	struct capture_options o = {};
	struct cap_start_rec r = {};

	T_EQ(capture_init(&ops, &o), 0);
	T_EQ(capture_record(CAP_REC_START, &r, sizeof(r), NULL), 0);
	conn(1, CAP_ROLE_CLIENT, false);
	by = 20;
	task(20, 1, "first", 5, "");
	data(1, CAP_SEND, NGET, GET);
	by = 21;
	data(1, CAP_SEND, NGET * 2, GET);
	by = 20;
	task(20, 2, "second", 6, "");
	data(1, CAP_SEND, NGET * 3, GET);
	by = 22;
	data(1, CAP_SEND, 0, GET);
	T_EQ(nheads, 4);
	T_EQ(heads[0], 22);
	T_EQ(heads[1], 20);
	T_STR(cmdlines[1], "first");
	T_EQ(heads[2], 21);
	T_EQ(heads[3], 20);
	T_STR(cmdlines[3], "second");
	capture_finish();
}

/* More processes, and more threads, than are kept: those that are in use stay. */
static void test_many(void)
{
	start(0);
	quiet = true;
	task(1, 1, "kept", 4, "");
	task(2000000, 1, "idle", 4, "");
	by = 2000000;
	data(4, CAP_SEND, 0, GET);
	by = 1;
	data(1, CAP_SEND, 0, GET);
	conn(2, CAP_ROLE_CLIENT, false);
	data(2, CAP_SEND, 5, GET); /* it waits */
	for (by = 2; by < 100000; by++) {
		uint32_t pid = by;

		data(3, CAP_SEND, by * 4, "GET ");
		if (by % 1000 == 0) {
			by = 1;
			data(1, CAP_SEND, NGET * (pid / 1000), GET);
			by = pid;
		}
		if (by == 10000 || by == 80000)
			capture_tick(now += 300 * MS);
	}
	T_STR(sender(1)->cmdline, "kept");
	T_EQ(capture_find(1)->who[CAP_SEND]->pid, 1);
	T_STR(sender(2)->cmdline, "kept");
	T_EQ(capture_find(3)->who[CAP_SEND]->pid, 99999);
	by = 2000000;
	data(5, CAP_SEND, 0, GET);
	T_STR(sender(5)->cmdline, "idle");
	finish();
}

int main(void)
{
	test_containers();
	test_cmdline();
	test_again();
	test_held();
	test_many();
	return t_done();
}
