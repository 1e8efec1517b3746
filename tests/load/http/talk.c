// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What calls moved, and a connection's walk through its steps. */
#include <linux/futex.h>
#include <sys/syscall.h>
#include "http.h"

/* Which messages a call moved bytes of; calls of one direction come in order. */
static void mark(struct end *e, int from, int call, uint64_t pos, uint64_t n)
{
	struct conn *c = e->c;
	unsigned int *at = &c->cursor[from][call];

	for (; *at < c->nmessages; ++*at) {
		struct message *m = &c->messages[*at];

		if (m->side != from || m->end <= pos)
			continue;
		if (m->begin >= pos + n)
			break;
		if (!m->calls[call]++) {
			m->pid[call] = getpid();
			m->tid[call] = tid();
		}
		if (m->end > pos + n)
			break;
	}
}

static void moved(struct end *e, int from, int call, uint64_t n)
{
	struct counts *k = &e->c->counts[e->side];
	uint64_t pos = k->bytes[call];

	if (pos + n > e->c->len[from])
		wrong("connection %u: %s than was to be sent, at %llu", e->c->id,
		      call ? "more came" : "more went", (unsigned long long)(pos + n));
	mark(e, from, call, pos, n);
	k->calls[call]++;
	__atomic_store_n(&k->bytes[call], pos + n, __ATOMIC_RELEASE);
}

void gave(struct end *e, ssize_t n)
{
	moved(e, e->side, 0, n);
}

void compare(struct end *e, const char *data, uint64_t pos, size_t n)
{
	const struct conn *c = e->c;
	uint64_t len = c->len[!e->side];

	if (pos > len || n > len - pos)
		wrong("connection %u: %zu bytes came where %llu were due", c->id, n,
		      (unsigned long long)(len - pos));
	if (n && (opt.spoil || memcmp(data, c->data[!e->side] + pos, n)))
		wrong("connection %u: what the %s got is not what was sent, from byte %llu on",
		      c->id, e->side ? "server" : "client", (unsigned long long)pos);
}

void took(struct end *e, const char *data, ssize_t n)
{
	struct counts *k = &e->c->counts[e->side];

	if (e->discarded)
		k->discarded += n;
	else
		compare(e, data, k->bytes[1], n);
	e->discarded = false;
	moved(e, !e->side, 1, n);
}

bool again(struct end *e, short events)
{
	struct counts *k = &e->c->counts[e->side];
	struct pollfd p = {.fd = e->fd, .events = events};

	if (errno == EINTR) {
		k->eintr++;
		return true;
	}
	if (errno != EAGAIN)
		return false;
	k->eagain++;
	return poll(&p, 1, -1) >= 0 || errno == EINTR;
}

void send_loop(struct end *e, const char *p, size_t n,
	       ssize_t (*call)(struct end *, const char *, size_t))
{
	while (n) {
		ssize_t k = call(e, p, n);

		e->calls++;
		if (k < 0 && again(e, POLLOUT))
			continue;
		if (k <= 0)
			die(e->send->name);
		gave(e, k);
		p += k;
		n -= k;
	}
}

size_t head_left(const struct end *e, size_t n)
{
	const struct conn *c = e->c;
	uint64_t pos = c->counts[e->side].bytes[0];

	for (unsigned int i = 0; i < c->nmessages; i++) {
		const struct message *m = &c->messages[i];
		uint64_t head_end = m->begin + m->head_bytes;

		if (m->side != e->side || pos < m->begin || pos >= m->end)
			continue;
		return pos >= head_end ? 0 : head_end - pos < n ? head_end - pos : n;
	}
	return n;
}

/* One call's worth. Bytes; 0 at the end of the stream; -ECONNRESET. */
static ssize_t receive(struct end *e, size_t want)
{
	ssize_t n;

	do {
		n = e->recv->call(e, want);
		e->calls++;
	} while (n < 0 && again(e, POLLIN));
	if (n < 0 && errno != ECONNRESET)
		die(e->recv->name);
	if (n > 0)
		took(e, e->buf, n);
	return n < 0 ? -errno : n;
}

struct end *end_new(struct conn *c, int side)
{
	struct end *e = need(calloc(1, sizeof(*e)));

	e->c = c;
	e->side = side;
	e->fd = -1;
	e->send = opt.send[side];
	e->recv = opt.recv[side];
	e->size = opt.buffer;
	e->buf = need(malloc(e->size));
	return e;
}

void end_free(struct end *e)
{
	for (int i = 0; i < 2; i++) {
		if (e->ring[i])
			ring_free(e->ring[i]);
	}
	if (e->ch)
		channel_free(e->ch);
	free(e->buf);
	free(e);
}

static void send_to(struct end *e, uint64_t end)
{
	struct conn *c = e->c;
	struct counts *mine = &c->counts[e->side], *theirs = &c->counts[!e->side];
	uint64_t from = mine->bytes[0];

	if (e->send->all)
		e->send->all(e, c->data[e->side] + from, end - from);
	else
		send_loop(e, c->data[e->side] + from, end - from, e->send->call);
	while (c->lockstep && __atomic_load_n(&theirs->bytes[1], __ATOMIC_ACQUIRE) < end)
		sleep_ns(20000);
}

static void receive_to(struct end *e, uint64_t end)
{
	struct counts *k = &e->c->counts[e->side];
	ssize_t n;

	while (k->bytes[1] < end) {
		n = receive(e, end - k->bytes[1]);
		if (n <= 0)
			wrong("connection %u: the %s's bytes ended at %llu of %llu: %s", e->c->id,
			      e->side ? "client" : "server", (unsigned long long)k->bytes[1],
			      (unsigned long long)end, n ? strerror(-n) : "closed");
	}
}

/* Nothing must come any more. */
static void receive_end(struct end *e, bool reset)
{
	ssize_t n = e->eof ? 0 : receive(e, 1);

	if (n > 0)
		wrong("connection %u: bytes came where the end was due", e->c->id);
	if (reset != (n < 0) && opt.family != AF_UNIX && !e->eof)
		wrong("connection %u: %s", e->c->id, n ? "it was reset" : "it was not reset");
	e->eof = true;
}

static void reset_now(struct end *e)
{
	struct linger l = {.l_onoff = 1};
	struct counts *theirs = &e->c->counts[!e->side];
	uint64_t sent = e->c->counts[e->side].bytes[0];

	while (__atomic_load_n(&theirs->bytes[1], __ATOMIC_ACQUIRE) < sent)
		sleep_ns(20000);
	if (setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
		die("SO_LINGER");
	close(e->fd);
	e->fd = -1;
}

static void pass_gate(struct end *e)
{
	struct counts *k = &e->c->counts[e->side];

	memcpy(k->before, k->bytes, sizeof(k->before));
	__atomic_fetch_add(&shared->at_gate, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&shared->gate_open, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &shared->gate_open, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void one_step(struct end *e, const struct step *s)
{
	bool mine = s->side == e->side;

	switch (s->kind) {
	case STEP_SEND:
		if (mine)
			send_to(e, s->end);
		else
			receive_to(e, s->end);
		break;
	case STEP_SHUT:
		if (!mine)
			receive_end(e, false);
		else if (shutdown(e->fd, SHUT_WR))
			die("shutdown");
		break;
	case STEP_RESET:
		if (mine)
			reset_now(e);
		else
			receive_end(e, true);
		break;
	case STEP_SLEEP:
		if (mine)
			sleep_ms(s->ms);
		break;
	case STEP_GATE: pass_gate(e); break;
	}
}

void walk(struct end *e, bool to_gate, int turns)
{
	struct conn *c = e->c;

	if (e->recv->setup)
		e->recv->setup(e);
	for (; e->step < c->nsteps; e->step++) {
		const struct step *s = &c->steps[e->step];

		if (to_gate && s->kind == STEP_GATE)
			return;
		if (turns < 0) {
			one_step(e, s);
			continue;
		}
		while (__atomic_load_n(&c->done, __ATOMIC_ACQUIRE) < e->step)
			sleep_ns(20000);
		if ((int)(s->turn % 2) != turns)
			continue;
		one_step(e, s);
		__atomic_store_n(&c->done, e->step + 1, __ATOMIC_RELEASE);
	}
}

void finish(struct end *e)
{
	if (e->fd >= 0 && e->side != e->c->closer)
		receive_end(e, false);
	/* A ring lets go of its sockets some time after it was closed. */
	if (e->fd >= 0 && (e->ring[0] || e->ring[1]))
		shutdown(e->fd, SHUT_WR);
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}
