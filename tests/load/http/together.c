// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Two threads that send on a connection at the same time, and two that receive. In which order their
 * messages stand in the stream is TCP's to say, and the one thread at the other end learns it: it
 * writes the order down, and answers in it.
 *
 * All requests have the same length and go in a call each; so do responses. What is under way at a
 * time fits into the socket's buffers and the first window: no call is cut in two or waits in the
 * midst, and whoever receives so many bytes has a message.
 */
#include <sched.h>
#include "http.h"
#include "cases.h"

#define LENGTH 256 /* of each message */
#define ROUND  100 /* messages of a thread, before all four wait for each other */
#define CREW   2

struct talk {
	struct end *ends[CREW];
	struct conn *c;
	char *requests, *responses; /* as they were written down: by their ids */
	struct message *by_id; /* likewise */
	pthread_barrier_t rounds;
	pid_t tids[CREW];
	unsigned int count; /* of requests */
	unsigned int ready; /* senders that are, since the beginning */
	unsigned int wanted; /* responses of this round that nobody waits for yet */
};

struct member {
	struct talk *t;
	unsigned int which;
};

/* Another line of the head, up to the length that all have. */
static void pad(size_t body)
{
	static const char name[] = "X-Pad: ";
	char line[LENGTH] = "";
	size_t n = LENGTH - pending() - body - 4 - (sizeof(name) - 1);

	memset(line, '.', n);
	header("%s%s", name, line);
}

/* Ids are of five digits: those of the first thread are even. */
void build_together(struct conn *c)
{
	c->closer = CLIENT;
	for (int64_t id = 0; id < CREW * opt.times; id++) {
		char text[24];

		snprintf(text, sizeof(text), "%05lld", (long long)id);
		request("GET /together/%s HTTP/1.1", text);
		pad(0);
		head_end("none");
		end_message();
		go();
		response("200 OK");
		header("Content-Length: 5");
		pad(5);
		head_end("length");
		body(text, 5);
		end_message();
		go();
	}
}

static char *copy_of(const void *p, size_t n)
{
	return memcpy(need(malloc(n)), p, n);
}

static struct talk *talk_of(struct conn *c)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct talk *t;

	pthread_mutex_lock(&lock);
	t = c->talk;
	if (!t) {
		t = c->talk = need(calloc(1, sizeof(*t)));
		t->c = c;
		t->count = CREW * opt.times;
		t->requests = copy_of(c->data[CLIENT], c->len[CLIENT]);
		t->responses = copy_of(c->data[SERVER], c->len[SERVER]);
		t->by_id = (void *)copy_of(c->messages, c->nmessages * sizeof(*t->by_id));
		t->wanted = CREW * (opt.times < ROUND ? opt.times : ROUND);
		pthread_barrier_init(&t->rounds, NULL, 2 * CREW);
	}
	pthread_mutex_unlock(&lock);
	return t;
}

static unsigned int id_in(const char *number)
{
	unsigned int id = 0;

	for (int i = 0; i < 5; i++)
		id = id * 10 + (number[i] - '0') % 10;
	return id;
}

/* The end of a round. One of them says how many responses the next has. */
static void next_round(struct talk *t, unsigned int done)
{
	unsigned int left = t->count - done;

	if (pthread_barrier_wait(&t->rounds) == PTHREAD_BARRIER_SERIAL_THREAD)
		t->wanted = left < CREW * ROUND ? left : CREW * ROUND;
	pthread_barrier_wait(&t->rounds);
}

/* All senders are at it, or were: on two processors their calls meet. */
static void meet(struct talk *t, unsigned int i)
{
	__atomic_fetch_add(&t->ready, 1, __ATOMIC_ACQ_REL);
	for (int spins = 0; __atomic_load_n(&t->ready, __ATOMIC_ACQUIRE) < CREW * (i + 1); spins++)
		if (spins >= 1000)
			sched_yield();
}

static void *sender(void *arg)
{
	struct member *m = arg;
	struct talk *t = m->t;
	struct end *e = t->ends[m->which];

	t->tids[m->which] = tid();
	for (unsigned int i = 0; i < t->count / CREW; i++) {
		const char *p = t->requests + (CREW * i + m->which) * (size_t)LENGTH;

		if (i && i % ROUND == 0)
			next_round(t, CREW * i);
		meet(t, i);
		if (e->send->call(e, p, LENGTH) != LENGTH)
			wrong("connection %u: a request did not go in one call", t->c->id);
	}
	next_round(t, t->count);
	return NULL;
}

/* Takes one of the round's responses to wait for; false when there is none left. */
static bool ticket(struct talk *t)
{
	unsigned int n = __atomic_load_n(&t->wanted, __ATOMIC_ACQUIRE);

	while (n && !__atomic_compare_exchange_n(&t->wanted, &n, n - 1, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
		;
	return n;
}

static void receive_one(struct talk *t, int fd)
{
	char buf[LENGTH];
	ssize_t n;
	unsigned int id;
	struct message *m;

	do {
		n = recv(fd, buf, sizeof(buf), MSG_WAITALL);
	} while (n < 0 && errno == EINTR);
	id = n == LENGTH ? id_in(buf + LENGTH - 5) : t->count;
	if (id >= t->count || memcmp(buf, t->responses + id * (size_t)LENGTH, LENGTH))
		wrong("connection %u: %zd bytes came that are no response", t->c->id, n);
	m = &t->by_id[2 * id + 1];
	if (__atomic_fetch_add(&m->calls[1], 1, __ATOMIC_RELAXED))
		wrong("connection %u: a response came twice", t->c->id);
	m->pid[1] = getpid();
	m->tid[1] = tid();
}

static void *receiver(void *arg)
{
	struct member *m = arg;
	struct talk *t = m->t;
	unsigned int done = 0;

	do {
		unsigned int round = t->count - done;

		while (ticket(t))
			receive_one(t, t->ends[0]->fd);
		done += round < CREW * ROUND ? round : CREW * ROUND;
		next_round(t, done);
	} while (done < t->count);
	return NULL;
}

/* What the threads did, by the places that the messages had. */
static void settle(struct talk *t)
{
	struct counts *k = &t->c->counts[CLIENT];

	for (unsigned int at = 0; at < t->count; at++) {
		unsigned int id = id_in(t->c->data[CLIENT] + at * (size_t)LENGTH + 14);
		struct message *request = &t->c->messages[2 * at], *response = request + 1;

		request->calls[0] = 1;
		request->pid[0] = getpid();
		request->tid[0] = t->tids[id % CREW];
		response->calls[1] = t->by_id[2 * id + 1].calls[1];
		response->pid[1] = t->by_id[2 * id + 1].pid[1];
		response->tid[1] = t->by_id[2 * id + 1].tid[1];
	}
	for (int i = 0; i < 2; i++) {
		k->bytes[i] += t->count * (uint64_t)LENGTH;
		k->calls[i] += t->count;
	}
}

void together_client(struct end *e)
{
	struct talk *t = talk_of(e->c);
	struct member members[CREW];
	pthread_t threads[2 * CREW];

	for (int i = 0; i < CREW; i++) {
		t->ends[i] = i ? end_new(e->c, CLIENT) : e;
		t->ends[i]->fd = e->fd;
		members[i] = (struct member){t, i};
	}
	for (int i = 0; i < 2 * CREW; i++) {
		errno = pthread_create(&threads[i], NULL, i < CREW ? receiver : sender,
				       &members[i % CREW]);
		if (errno)
			die("pthread_create");
	}
	for (int i = 0; i < 2 * CREW; i++)
		pthread_join(threads[i], NULL);
	settle(t);
	for (int i = 1; i < CREW; i++)
		end_free(t->ends[i]);
}

/* A request stands at that place: now it is known which, and what its answer is. */
static void placed(struct talk *t, unsigned int at)
{
	struct conn *c = t->c;
	char *request = c->data[CLIENT] + at * (size_t)LENGTH;
	unsigned int id = id_in(request + 14);

	if (id >= t->count || memcmp(request, t->requests + id * (size_t)LENGTH, LENGTH))
		wrong("connection %u: what came is no request, from byte %u on", c->id,
		      at * LENGTH);
	if (t->by_id[2 * id].number == 0)
		wrong("connection %u: a request came twice", c->id);
	t->by_id[2 * id].number = 0;
	memcpy(c->data[SERVER] + at * (size_t)LENGTH, t->responses + id * (size_t)LENGTH, LENGTH);
	memcpy(c->messages[2 * at + 1].sha, t->by_id[2 * id + 1].sha, sizeof(t->by_id->sha));
}

void together_server(struct end *e)
{
	struct conn *c = e->c;
	struct talk *t = talk_of(c);
	uint64_t *got = &c->counts[SERVER].bytes[1], *sent = &c->counts[SERVER].bytes[0];
	ssize_t n;

	while (*sent < c->len[SERVER]) {
		n = recv(e->fd, e->buf, e->size, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || *got + n > c->len[CLIENT])
			wrong("connection %u: %zd bytes came", c->id, n);
		/* It is what comes that is true. */
		memcpy(c->data[CLIENT] + *got, e->buf, n);
		took(e, e->buf, n);
		while (*sent + LENGTH <= *got) {
			placed(t, *sent / LENGTH);
			send_loop(e, c->data[SERVER] + *sent, LENGTH, e->send->call);
		}
	}
}
