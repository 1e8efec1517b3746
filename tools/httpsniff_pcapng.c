// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --pcapng: messages as TCP segments. Their payload, its sequence numbers and the times are those
 * that were seen; handshakes, acknowledgements and the cut into segments are made up.
 *
 * Bytes that are not here leave a jump in the sequence numbers, as a capture does that lost
 * packets. The first segment of such a message, and of one that broke off, also says that its
 * packet was longer, by a byte: dissectors do not wait for more then, and show what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "httpsniff_file.h"
#include "httpsniff_pcapng.h"
#include "log.h"
#include "run.h"

#define SEGMENT	 16000
#define WINDOW	 65535
#define MAX_JUMP (1ULL << 30) /* above 2^31 it would be one back */

static int fd = -1;
static int error; /* the first; nothing is written after it */
static const char *name;
static bool regular;
static off_t whole; /* where the last whole message ends */
static struct pc_bytes out;

static int flush(void)
{
	if (out.failed)
		error = -ENOMEM;
	else
		error = file_write(fd, out.buf, out.len);
	if (!error)
		whole += out.len;
	else if (regular && ftruncate(fd, whole))
		log_warn("%s ends within a packet: %s", name, strerror(errno));
	out.len = 0;
	if (error == -EPIPE && !std.replay)
		run_stop();
	return error;
}

static int failed(void)
{
	/* Whoever reads along may stop reading. */
	if (!error || error == -EPIPE)
		return error;
	return fail(error, "cannot write %s: %s", name, strerror(-error));
}

int pcapng_open(const char *file)
{
	bool to_stdout = !strcmp(file, "-");

	name = to_stdout ? "packets to standard output" : file;
	if (to_stdout && isatty(STDOUT_FILENO))
		return fail(-EINVAL, "--pcapng -: standard output is a terminal; "
				     "give it to tshark -r -, or name a file");
	if (to_stdout)
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	else
		fd = file_create(file, &regular);
	if (fd < 0)
		return to_stdout ? fail(-errno, "cannot write %s: %s", name, strerror(errno)) : fd;
	pc_put_start(&out);
	flush();
	return failed();
}

/* --- packets */

/* A message that is being written. */
struct written {
	struct pc_flow *f;
	const struct message *msg;
	int sender, own; /* sides */
	uint64_t begin, kept, end; /* kept: where the bytes end that are here */
	bool cut; /* there should be more */
	const char *comment; /* NULL: it was said */
};

static struct pc_packet packet(const struct pc_flow *f, int from, int own, uint64_t time_ns)
{
	const struct pc_half *h = f->half;

	return (struct pc_packet){
		.from = &f->side[from],
		.to = &f->side[!from],
		.seq = h[from].next + h[from].fin,
		.ack = h[!from].next + h[!from].fin,
		.flags = PC_ACK,
		.window = WINDOW,
		.ipv6 = f->ipv6,
		.time_ns = time_ns,
		.outbound = from == own,
	};
}

static void put_handshake(struct pc_flow *f, const struct message *msg)
{
	int client = f->client;
	struct pc_packet syn, answer, ack;

	syn = packet(f, client, 0, msg->time_ns);
	syn.seq--;
	syn.flags = PC_SYN;
	if (msg->conn->joined)
		syn.comment = "the connection was there before it was looked at";
	answer = packet(f, !client, 0, msg->time_ns);
	answer.seq--;
	answer.flags = PC_SYN | PC_ACK;
	ack = packet(f, client, 0, msg->time_ns);
	pc_put_packet(&out, &syn);
	pc_put_packet(&out, &answer);
	pc_put_packet(&out, &ack);
}

static void put_segment(struct written *w, uint64_t at, uint32_t len, uint32_t missing)
{
	struct pc_packet p = packet(w->f, w->sender, w->own, w->msg->time_ns);

	p.seq = at;
	p.len = len;
	p.missing = missing;
	p.data = len ? w->msg->raw + (at - w->begin) : NULL;
	p.comment = w->comment;
	if (at + len + missing >= w->kept) {
		p.flags |= PC_PSH;
		if (at != w->begin)
			p.time_ns = w->msg->end_ns;
	}
	w->comment = NULL;
	pc_put_packet(&out, &p);
}

/* The message from its first byte on. Behind a byte that is said to be missing comes that byte. */
static void put_from_start(struct written *w, uint64_t to)
{
	uint64_t from = w->begin, max = w->cut ? PC_MAX_DATA - 1 : SEGMENT;

	for (uint64_t n; from < to; from += n) {
		n = to - from < max ? to - from : max;
		put_segment(w, from, n, w->cut && from == w->begin);
		max = SEGMENT;
	}
}

/*
 * A part of it, of which the other end told something else. The last byte is left out, or what
 * comes next might be taken for more of the same.
 */
static void put_part(struct written *w, uint64_t from, uint64_t to)
{
	for (; to - from > SEGMENT; from += SEGMENT)
		put_segment(w, from, SEGMENT, 0);
	put_segment(w, from, to - from - 1, 1);
}

static void put_bytes(struct written *w, uint64_t from, uint64_t to)
{
	if (from == w->begin && to == w->kept)
		put_from_start(w, to);
	else
		put_part(w, from, to);
}

/* Bytes that are not here; a jump too long is made in several, each to a byte that is missing. */
static void put_hole(struct written *w, uint64_t from, uint64_t to)
{
	pc_half_add_hole(&w->f->half[w->sender], from, to);
	for (; from < to && to - from > MAX_JUMP; from += MAX_JUMP)
		put_segment(w, from + MAX_JUMP - 1, 0, 1);
}

/* What was not written of it yet. */
static void put_new_bytes(struct written *w)
{
	struct pc_half *h = &w->f->half[w->sender];
	uint64_t next = h->next, part[2];

	while (pc_half_fill(h, w->begin, w->kept, part))
		put_bytes(w, part[0], part[1]);
	if (w->end <= next)
		return;
	h->next = w->end;
	if (w->begin > next) {
		put_hole(w, next, w->begin);
		next = w->begin;
	}
	if (w->kept > next) {
		put_bytes(w, next, w->kept);
		next = w->kept;
	}
	put_hole(w, next, w->end);
	/* It broke off: the byte that is said to be missing has a place, too. */
	if (w->cut && w->kept == w->end) {
		h->next++;
		h->delta++;
		h->nholes = 0;
	}
}

/*
 * All of it was written already, as its other end told of it: an acknowledgement from this end says
 * who was there. Its window is another than the last packet's, or it would be a repeated one.
 */
static void put_other_end(struct written *w)
{
	struct pc_packet p = packet(w->f, w->own, w->own, w->msg->end_ns);
	struct pc_half *h = &w->f->half[w->own];

	h->narrow = !h->narrow;
	p.window -= 1 + h->narrow;
	p.comment = w->comment;
	pc_put_packet(&out, &p);
}

int pcapng_message(const struct message *msg)
{
	const struct http1_msg *m = msg->m;
	struct written w = {.msg = msg};
	struct pc_half *h;
	char comment[PC_COMMENT];
	bool fresh;

	if (fd < 0 || error)
		return failed();
	w.f = pc_flow_get(msg, &w.own, &fresh);
	if (!w.f) {
		error = -ENOMEM;
		return failed();
	}
	if (fresh)
		put_handshake(w.f, msg);
	w.sender = m->dir == CAP_SEND ? w.own : !w.own;
	h = &w.f->half[w.sender];
	w.begin = pc_flow_place(w.f, w.sender, msg);
	w.kept = w.begin + msg->raw_len;
	w.end = w.begin + (m->end - m->begin);
	w.cut = w.kept < w.end || !m->complete;
	pc_describe(comment, msg, h, w.begin > h->next ? w.begin - h->next : 0);
	w.comment = comment;
	put_new_bytes(&w);
	if (w.comment)
		put_other_end(&w);
	if (h->gap < m->end)
		h->gapped = false;
	flush();
	return failed();
}

int pcapng_gap(const struct gap *g)
{
	int side;
	struct pc_flow *f;
	struct pc_half *h;

	if (fd < 0 || error)
		return failed();
	f = pc_flow_find(g->conn, &side);
	if (!f)
		return 0;
	h = &f->half[g->dir == CAP_SEND ? side : !side];
	if (!h->gapped) {
		h->gap = g->position;
		h->gap_cause = g->cause;
		h->gapped = true;
	}
	return 0;
}

static void put_fin(struct pc_flow *f, int from, int own, uint64_t time_ns)
{
	struct pc_packet p = packet(f, from, own, time_ns);

	p.flags |= PC_FIN;
	pc_put_packet(&out, &p);
	f->half[from].fin = true;
	if (!f->half[!from].fin)
		return;
	p = packet(f, !from, own, time_ns);
	pc_put_packet(&out, &p);
}

int pcapng_gone(struct cap_conn *c, bool reset, uint64_t time_ns)
{
	struct pc_packet p;
	struct pc_flow *f;
	int side;

	if (fd < 0 || error)
		return failed();
	f = pc_flow_find(c, &side);
	if (!f)
		return 0;
	if (reset && !f->half[side].fin && !f->half[!side].fin) {
		p = packet(f, side, side, time_ns);
		p.flags |= PC_RST;
		pc_put_packet(&out, &p);
		f->half[0].fin = f->half[1].fin = true;
	} else if (c->closed && !f->half[side].fin) {
		put_fin(f, side, side, time_ns);
		if (!f->had[!side])
			put_fin(f, !side, side, time_ns);
	}
	pc_flow_leave(f, side);
	flush();
	return failed();
}

int pcapng_close(void)
{
	if (fd >= 0 && close(fd) && !error)
		error = -errno;
	fd = -1;
	pc_flows_free();
	free(out.buf);
	out = (struct pc_bytes){};
	return failed();
}
