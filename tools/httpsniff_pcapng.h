/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPSNIFF_PCAPNG_H
#define HTTPSNIFF_PCAPNG_H
/*
 * The parts of --pcapng:
 *   httpsniff_pcapng.c          the file: what is written when
 *   httpsniff_pcapng_flow.c     connections, and which of their bytes were written
 *   httpsniff_pcapng_comment.c  what is said of a message
 *   httpsniff_pcapng_block.c    blocks of the file, with made-up packets in them
 */
#include "httpsniff_parts.h"

/* --- blocks */

/* What waits to be written. All zero is empty. */
struct pc_bytes {
	char *buf; /* owned */
	size_t len, cap;
	bool failed; /* no memory: what is there is not whole */
};

/* One end of a connection, as struct flow has it. */
struct pc_side {
	__u64 addr[2];
	uint16_t port;
};

enum { PC_FIN = 1, PC_SYN = 2, PC_RST = 4, PC_PSH = 8, PC_ACK = 16 };

struct pc_packet {
	const struct pc_side *from, *to;
	const char *data;
	uint32_t len; /* at most PC_MAX_DATA with missing */
	uint32_t missing; /* bytes that it had behind data, and that are not here */
	const char *comment; /* UTF-8; NULL: none */
	uint64_t time_ns; /* since the epoch */
	uint32_t seq, ack;
	uint16_t window;
	uint8_t flags;
	bool ipv6;
	bool outbound; /* seen at its sender's end */
};

#define PC_MAX_DATA 65495 /* of IPv4, whose length has 16 bits */

/* The section header and the interface, which is the only one. */
void pc_put_start(struct pc_bytes *b);
void pc_put_packet(struct pc_bytes *b, const struct pc_packet *p);

/* --- flows */

#define PC_HOLES 8

/* What one side sends. Positions have 64 bits, their lower 32 are sequence numbers in the file. */
struct pc_half {
	uint64_t next; /* behind the last byte that was written, or could not be */
	uint32_t delta; /* from the socket's sequence numbers to the file's */
	bool seen; /* delta is known */
	bool fin;
	bool narrow; /* the window of its last bare ACK */
	/* Places before next for which there were no bytes. */
	uint8_t nholes;
	uint64_t hole[PC_HOLES][2];
	/* The first gap since its last message: where, as in struct gap, and why. */
	uint64_t gap;
	enum cap_cause gap_cause;
	bool gapped;
};

/* A connection in the file. Both its ends may be on this machine. */
struct pc_flow {
	struct pc_flow *hash_next;
	struct pc_side key[2];
	struct pc_side side[2]; /* as in the file */
	struct pc_half half[2];
	uint64_t id[2]; /* cookies of the ends; 0: none */
	bool had[2]; /* there was such an end */
	bool ipv6;
	uint8_t client; /* side */
};

/* The flow of that connection, and which side its own end is; NULL: it has none. */
struct pc_flow *pc_flow_find(const struct cap_conn *c, int *side);
/*
 * The flow that this message's connection has, or whose other end it turns out to be, or a new one
 * (*fresh). NULL: no memory.
 */
struct pc_flow *pc_flow_get(const struct message *msg, int *side, bool *fresh);
/* That end is gone. Frees the flow when it was the last. */
void pc_flow_leave(struct pc_flow *f, int side);
void pc_flows_free(void);

/* Where the first byte of a message stands that this side sent. */
uint64_t pc_flow_place(struct pc_flow *f, int sender, const struct message *msg);
void pc_half_add_hole(struct pc_half *h, uint64_t from, uint64_t to);
/*
 * A part of [from, to) that stands in a hole, which is none from then on. False: there is no such
 * part.
 */
bool pc_half_fill(struct pc_half *h, uint64_t from, uint64_t to, uint64_t part[2]);

/* --- comments */

#define PC_COMMENT 2048 /* bytes; more than any has */
/* Who said it, and what of it, and of before bytes in front of it, is not here. h: its sender's. */
void pc_describe(char dst[PC_COMMENT], const struct message *msg, const struct pc_half *h,
		 uint64_t before);
#endif
