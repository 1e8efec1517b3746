// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A message that both ends of a connection tell of. Which one it is, is known for certain: who
 * sends to whom, and the sequence number of its first byte. The end that tells first is believed,
 * so that nothing has to wait; nearly always that is the sender. Where something is missing of what
 * it told, and nothing of what the other tells, that is shown too.
 */
#include "httpsniff_select.h"
#include "log.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	 65536 /* messages that are remembered ... */
#define KEEP_NS	 30000000000ULL /* ... for so long */
#define NBUCKETS SLOTS

/* No padding: it is hashed and compared as bytes. */
struct key {
	uint64_t from[2], to[2]; /* of unix sockets the cookies, and zeroes */
	uint16_t from_port, to_port;
	uint32_t seq;
};

struct slot {
	struct key key;
	uint64_t ns; /* end of the message */
	uint32_t next; /* of its bucket, plus one; 0: none */
	uint8_t dir; /* of the end that told */
	bool used;
	bool complete; /* the message is */
};

static struct {
	struct slot *slot;
	uint32_t *bucket; /* slot number plus one; 0: none */
	uint32_t head; /* the next slot, which is the oldest */
} dd;

int dedupe_init(void)
{
	dd.slot = calloc(SLOTS, sizeof(*dd.slot));
	dd.bucket = calloc(NBUCKETS, sizeof(*dd.bucket));
	dd.head = 0;
	return dd.slot && dd.bucket ? 0 : fail(-ENOMEM, "no memory for --dedupe");
}

void dedupe_free(void)
{
	free(dd.slot);
	free(dd.bucket);
	memset(&dd, 0, sizeof(dd));
}

static uint32_t *bucket_of(const struct key *k)
{
	uint64_t h = k->from[1] * 0x9e3779b97f4a7c15 ^ k->to[1] ^ k->from[0] << 17 ^ k->to[0];

	h = (h ^ h >> 32) * 0xff51afd7ed558ccd;
	h ^= (uint64_t)k->from_port << 48 | (uint64_t)k->to_port << 32 | k->seq;
	h *= 0xc4ceb9fe1a85ec53;
	return &dd.bucket[h >> 40 & (NBUCKETS - 1)];
}

/*
 * False where nobody can tell: the record of the connection was lost; the other end of a unix
 * socket is not known, or its bytes were not counted from the first on.
 */
static bool key_of(const struct message *msg, struct key *k)
{
	const struct cap_conn *c = msg->conn;
	const struct flow *f = &c->flow;
	bool sent = msg->m->dir == CAP_SEND;

	memset(k, 0, sizeof(*k));
	k->seq = capture_seq(c, msg->m->dir, msg->m->begin);
	if (c->proto == CAP_UNIX) {
		k->from[0] = sent ? c->id : c->peer;
		k->to[0] = sent ? c->peer : c->id;
		return c->peer && !c->joined;
	}
	if (!f->family)
		return false;
	memcpy(k->from, sent ? f->local : f->remote, sizeof(k->from));
	memcpy(k->to, sent ? f->remote : f->local, sizeof(k->to));
	k->from_port = sent ? f->local_port : f->remote_port;
	k->to_port = sent ? f->remote_port : f->local_port;
	return true;
}

static void forget(uint32_t i)
{
	struct slot *s = &dd.slot[i];
	uint32_t *p = bucket_of(&s->key);

	if (!s->used)
		return;
	while (*p != i + 1)
		p = &dd.slot[*p - 1].next;
	*p = s->next;
	s->used = false;
}

/* The number of the slot with that key, plus one; 0: none. */
static uint32_t find(const struct key *k)
{
	uint32_t i = *bucket_of(k);

	while (i && memcmp(&dd.slot[i - 1].key, k, sizeof(*k)))
		i = dd.slot[i - 1].next;
	return i;
}

static void remember(const struct key *k, const struct message *msg)
{
	struct slot *s = &dd.slot[dd.head];
	uint32_t *bucket = bucket_of(k);

	forget(dd.head);
	*s = (struct slot){*k, msg->end_ns, *bucket, msg->m->dir, true, msg->complete};
	*bucket = ++dd.head;
	dd.head %= SLOTS;
}

bool dedupe_seen(const struct message *msg)
{
	const struct slot *s;
	struct key k;
	bool twin;
	uint32_t i;

	if (!key_of(msg, &k))
		return false;
	i = find(&k);
	if (i) {
		s = &dd.slot[i - 1];
		twin = s->dir != msg->m->dir && msg->end_ns < s->ns + KEEP_NS &&
		       (s->complete || !msg->complete);
		/* The same numbers may come again, on a new connection or in a long one. */
		forget(i - 1);
		if (twin)
			return true;
	}
	remember(&k, msg);
	return false;
}
