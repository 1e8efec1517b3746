// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Connections in the file. A socket's end is found by its addresses and its cookie. Where both ends
 * are seen, they are one flow: what one of them told of is not written for the other again, or it
 * would look as if it had been sent twice.
 */
#include <stdlib.h>
#include <string.h>
#include "httpsniff_pcapng.h"

#define BUCKETS (1 << 16)
/* Further apart are not two ends of a connection: sockets do not buffer more. */
#define NEAR (64 << 20)

static struct pc_flow *buckets[BUCKETS];

/* --- who is who */

static uint64_t hash_side(const struct pc_side *s)
{
	uint64_t h = s->addr[0] ^ s->addr[1] * 0x9e3779b97f4a7c15ULL ^ s->port;

	h = (h ^ h >> 32) * 0xd6e8feb86659fd93ULL;
	return h ^ h >> 32;
}

/* The same for both ends. */
static struct pc_flow **bucket(const struct pc_side key[2])
{
	return &buckets[(hash_side(&key[0]) + hash_side(&key[1])) % BUCKETS];
}

/* A unix socket, or one whose addresses were lost. */
static bool no_address(const struct cap_conn *c)
{
	return c->proto == CAP_UNIX || !c->flow.family;
}

/*
 * An address in place of one, 127.x.y.z, made of the cookie. view keeps those apart of which it is
 * not known that they are two ends that count alike.
 */
static struct pc_side made_up_side(uint64_t cookie, unsigned int view)
{
	unsigned char a[16] = {[10] = 0xff, [11] = 0xff, [12] = 127};
	struct pc_side s;

	a[13] = view << 6 | (cookie >> 16 & 0x3f);
	a[14] = cookie >> 8;
	a[15] = cookie;
	memcpy(s.addr, a, sizeof(a));
	s.port = 0x8000 | (cookie >> 22 & 0x7fff);
	return s;
}

/* Local side first. */
static void key_of(const struct cap_conn *c, uint64_t peer, struct pc_side key[2])
{
	unsigned int view = !c->joined ? 0 : c->id > peer ? 2 : 1;

	if (no_address(c)) {
		key[0] = made_up_side(c->id, view);
		key[1] = made_up_side(peer ?: ~c->id, view);
		return;
	}
	memcpy(key[0].addr, c->flow.local, sizeof(key[0].addr));
	memcpy(key[1].addr, c->flow.remote, sizeof(key[1].addr));
	key[0].port = c->flow.local_port;
	key[1].port = c->flow.remote_port;
}

static bool same_side(const struct pc_side *a, const struct pc_side *b)
{
	return a->addr[0] == b->addr[0] && a->addr[1] == b->addr[1] && a->port == b->port;
}

/* Is side of f the local one of key? */
static bool matches(const struct pc_flow *f, int side, const struct pc_side key[2])
{
	return same_side(&f->key[side], &key[0]) && same_side(&f->key[!side], &key[1]);
}

static struct pc_flow *find(const struct cap_conn *c, uint64_t peer, int *side)
{
	struct pc_side key[2];

	key_of(c, peer, key);
	for (struct pc_flow *f = *bucket(key); f; f = f->hash_next) {
		for (*side = 0; *side < 2; ++*side) {
			if (f->had[*side] && f->id[*side] == c->id && matches(f, *side, key))
				return f;
		}
	}
	return NULL;
}

struct pc_flow *pc_flow_find(const struct cap_conn *c, int *side)
{
	struct pc_flow *f = find(c, c->peer, side);

	/* Its peer may not have been known then. */
	return f || c->proto != CAP_UNIX || !c->peer ? f : find(c, 0, side);
}

/* --- new ones */

static uint32_t socket_seq(const struct message *msg)
{
	return capture_seq(msg->conn, msg->m->dir, msg->m->begin);
}

/* Is this message's place where that half is? */
static bool near(const struct pc_half *h, const struct message *msg)
{
	int32_t d = socket_seq(msg) + h->delta - (uint32_t)h->next;

	return !h->seen || (d < NEAR && d > -NEAR);
}

/* A flow that has one end, of which this is the other. */
static struct pc_flow *find_other_end(const struct message *msg, int *side)
{
	const struct cap_conn *c = msg->conn;
	struct pc_side key[2];

	/* Who counts from the first byte that was seen does not count as the other end does. */
	if (c->proto != CAP_TCP && c->joined)
		return NULL;
	key_of(c, c->peer, key);
	for (struct pc_flow *f = *bucket(key); f; f = f->hash_next) {
		for (*side = 0; *side < 2; ++*side) {
			int sender = msg->m->dir == CAP_SEND ? *side : !*side;

			if (!f->had[*side] && matches(f, *side, key) && near(&f->half[sender], msg))
				return f;
		}
	}
	return NULL;
}

static bool is_client(const struct message *msg)
{
	int role = capture_role(msg->conn);

	if (role != CAP_ROLE_UNKNOWN)
		return role == CAP_ROLE_CLIENT;
	return msg->m->request == (msg->m->dir == CAP_SEND);
}

static struct pc_flow *new_flow(const struct message *msg)
{
	struct cap_conn *c = msg->conn;
	struct pc_flow *f = calloc(1, sizeof(*f)), **b;

	if (!f)
		return NULL;
	key_of(c, c->peer, f->key);
	memcpy(f->side, f->key, sizeof(f->side));
	f->client = !is_client(msg);
	/* The port by which Wireshark knows what is said. */
	if (no_address(c))
		f->side[!f->client].port = 80;
	f->ipv6 = c->flow.family == 6;
	/* Room below, for what comes late. To acknowledge number 0 would mean nothing. */
	f->half[0].next = 1ULL << 32 | (capture_seq(c, CAP_SEND, 0) ?: 1);
	f->half[1].next = 1ULL << 32 | (capture_seq(c, CAP_RECV, 0) ?: 1);
	b = bucket(f->key);
	f->hash_next = *b;
	*b = f;
	return f;
}

struct pc_flow *pc_flow_get(const struct message *msg, int *side, bool *fresh)
{
	struct pc_flow *f = pc_flow_find(msg->conn, side);

	*fresh = false;
	if (f)
		return f;
	f = find_other_end(msg, side);
	if (!f) {
		*fresh = true;
		*side = 0;
		f = new_flow(msg);
	}
	if (f) {
		f->id[*side] = msg->conn->id;
		f->had[*side] = true;
	}
	return f;
}

static void unlink_flow(struct pc_flow *f)
{
	struct pc_flow **at = bucket(f->key);

	while (*at != f)
		at = &(*at)->hash_next;
	*at = f->hash_next;
	free(f);
}

void pc_flow_leave(struct pc_flow *f, int side)
{
	f->id[side] = 0;
	if (!f->id[!side])
		unlink_flow(f);
}

void pc_flows_free(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (buckets[i])
			unlink_flow(buckets[i]);
	}
}

/* --- what was written of them */

uint64_t pc_flow_place(struct pc_flow *f, int sender, const struct message *msg)
{
	struct pc_half *h = &f->half[sender];
	uint32_t seq = socket_seq(msg) + h->delta;
	bool alone = !f->had[0] || !f->had[1];

	/*
	 * What went by before the first message is not missed; and one end alone tells nothing
	 * twice, so that it must have lost count.
	 */
	if (!h->seen || (alone && (int32_t)(seq - (uint32_t)h->next) < 0)) {
		h->delta += (uint32_t)h->next - seq;
		seq = h->next;
	}
	h->seen = true;
	return h->next + (int32_t)(seq - (uint32_t)h->next);
}

void pc_half_add_hole(struct pc_half *h, uint64_t from, uint64_t to)
{
	if (from >= to)
		return;
	if (h->nholes == PC_HOLES)
		memmove(h->hole, h->hole + 1, --h->nholes * sizeof(h->hole[0]));
	h->hole[h->nholes][0] = from;
	h->hole[h->nholes++][1] = to;
}

bool pc_half_fill(struct pc_half *h, uint64_t from, uint64_t to, uint64_t part[2])
{
	for (unsigned int i = 0; i < h->nholes; i++) {
		uint64_t a = h->hole[i][0], b = h->hole[i][1];

		part[0] = from > a ? from : a;
		part[1] = to < b ? to : b;
		if (part[0] >= part[1])
			continue;
		memmove(h->hole + i, h->hole + i + 1, (--h->nholes - i) * sizeof(h->hole[0]));
		pc_half_add_hole(h, a, part[0]);
		pc_half_add_hole(h, part[1], b);
		return true;
	}
	return false;
}
