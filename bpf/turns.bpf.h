/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TURNS_BPF_H
#define TURNS_BPF_H
/*
 * The turns of a connection. A hook says what happened on a socket; this says what it was part of.
 *
 * All of it runs under the socket's lock, as the hooks that call it do, so that a connection's
 * state needs no atomic operations. The counters and histograms of the CPU do: a softirq may
 * interrupt a hook in the middle of one.
 *
 * A send is stamped where it begins and believed later, when write_seq has moved (settle()): a call
 * that fails was none. By then the answer may have arrived, but it has not been read yet, for
 * reading settles first.
 *
 * The peer's data acknowledges what the peer's machine has heard. Data that arrives with bytes of
 * ours not acknowledged was sent before all of them were heard, so it does not answer them: such a
 * turn is interleaved (pipelining, streams in both directions, an early refusal). It needs no
 * parsing, and no guess.
 */
#include "tcplat.h"
#include "metrics.bpf.h"

const volatile __u32 sample_turns = 1; /* one in so many */

__u64 slow_floor = 0; /* turns above it are reported one by one; the user half raises it */

/* Is a behind b? */
static __always_inline bool after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline void note_task(struct tl_conn *c, __u32 *who)
{
	__u32 tgid;

	/* Sockets change hands early, if they do: later it is enough to look now and then. */
	if (c->st.n > 16 && c->st.n % 16)
		return;
	tgid = bpf_get_current_pid_tgid() >> 32;
	if (*who == tgid)
		return;
	*who = tgid;
	bpf_get_current_comm(c->comm, sizeof(c->comm));
}

/* The least round trip that the socket measured while we looked: the kernel's own minimum ages. */
static __always_inline void note_rtt(const bool direct, struct tl_conn *c, struct tcp_sock *tp)
{
	__u32 us = GET(direct, tp, rtt_min.s[0].v);

	if (us && us != ~0U && (!c->min_rtt_us || us < c->min_rtt_us))
		c->min_rtt_us = us;
}

static __always_inline void note_counters(const bool direct, struct tl_conn *c, struct tcp_sock *tp)
{
	if (!tp)
		return;
	c->retrans = GET(direct, tp, total_retrans);
	c->ooo = GET(direct, tp, rcv_ooopack);
}

/* A turn begins, on a client with its first send, on a server with the first byte read. */
static __always_inline void begin_turn(struct tl_conn *c)
{
	c->sends = 1;
	if (sample_turns > 1 && bpf_get_prandom_u32() % sample_turns)
		c->flags |= TL_F_SKIP;
	count(TL_N_OPENED);
}

struct turn {
	enum tl_metric_id metric;
	__u64 begin_ns, arrived_ns, end_ns;
	__u64 local_ns, network_ns;
	__u32 request_bytes, pid;
};

/* One of the slowest so far: out with all that is known of it. */
static __noinline void send_slow(const bool direct, struct sock *sk, struct tcp_sock *tp,
				 struct tl_conn *c, const struct turn *t)
{
	struct tl_slow_rec *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);

	if (!r) {
		count(TL_N_SLOW_LOST);
		return;
	}
	r->type = TL_REC_SLOW;
	r->metric = t->metric;
	r->id = conn_id(direct, sk);
	flow_of(direct, sk, tp, &r->flow);
	r->begin_ns = t->begin_ns;
	r->arrived_ns = t->arrived_ns;
	r->end_ns = t->end_ns;
	r->lat_ns = t->end_ns - t->begin_ns;
	r->local_ns = t->local_ns;
	r->network_ns = t->network_ns;
	r->request_bytes = t->request_bytes;
	r->pid = t->pid;
	r->min_rtt_us = c->min_rtt_us;
	r->sends = c->sends;
	r->flags = c->flags & ~TL_F_LONG;
	r->unread_bytes = r->srtt_us = 0;
	if (tp) {
		__u32 read = GET(direct, tp, copied_seq), end = bytes_end(direct, sk, tp);

		r->unread_bytes = after(end, read) ? end - read : 0;
		r->srtt_us = GET(direct, tp, srtt_us) >> 3;
		if (GET(direct, tp, total_retrans) != c->retrans)
			r->flags |= TL_F_RETRANS;
		if (GET(direct, tp, rcv_ooopack) != c->ooo)
			r->flags |= TL_F_REORDERED;
	}
	__builtin_memcpy(r->comm, c->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, event_flags());
}

/* Is the turn to be measured? If not, counts it in the class that it is of. */
static __always_inline bool classify(struct tl_conn *c)
{
	if (c->flags & TL_F_SKIP) {
		count(TL_N_LEFT_OUT);
		return false;
	}
	if (c->flags & TL_F_ODD)
		c->doubt = c->doubt < TL_STREAM - TL_DOUBT ? c->doubt + TL_DOUBT + 1 : TL_STREAM;
	if (c->doubt) {
		c->doubt -= c->doubt < TL_STREAM;
		c->flags |= TL_F_ODD | TL_F_INTERLEAVED;
		count(TL_N_INTERLEAVED);
		return false;
	}
	return true;
}

/* What was the client's turn made of? Into the split of its octave. */
static __always_inline void split_add(struct tl_conn *c, struct turn *t, __u64 lat)
{
	__u64 octave = lat ? hist_log2(lat) : 0;
	struct tl_totals *totals_;
	__u32 zero = 0;

	c->st.local_ns += t->local_ns;
	c->st.network_ns += t->network_ns;
	totals_ = bpf_map_lookup_elem(&totals, &zero);
	if (!totals_)
		return;
	if (octave >= TL_OCTAVES)
		octave = TL_OCTAVES - 1;
	barrier_var(octave);
	if (octave >= TL_OCTAVES)
		return;
	add(&totals_->split[octave].local_ns, t->local_ns);
	add(&totals_->split[octave].network_ns, t->network_ns);
	add(&totals_->split[octave].total_ns, lat);
}

/* The first byte of the answer was read. */
static __always_inline void end_client(const bool direct, struct sock *sk, struct tcp_sock *tp,
				       struct tl_conn *c, __u64 now, __u64 arrived_ns)
{
	bool several = c->sends > 1;
	struct turn t = {
		.metric = several ? TL_CLIENT_MULTI : TL_CLIENT,
		.begin_ns = c->turn_ns,
		.arrived_ns = arrived_ns,
		.end_ns = now,
		.pid = c->reader,
	};
	__u64 lat = now - c->turn_ns, rtt_ns;

	if (!classify(c))
		return;
	if (tp) {
		note_rtt(direct, c, tp);
		t.request_bytes = written_end(direct, sk, tp) - c->turn_seq;
	}
	if (arrived_ns > c->turn_ns)
		t.local_ns = now - arrived_ns;
	rtt_ns = c->min_rtt_us * 1000ULL;
	t.network_ns = rtt_ns < lat - t.local_ns ? rtt_ns : lat - t.local_ns;
	if (several) {
		metric_add(TL_CLIENT_MULTI, lat);
	} else {
		metric_slot(TL_CLIENT, lat);
		split_add(c, &t, lat);
		conn_turn(c, lat);
	}
	if (lat > slow_floor)
		send_slow(direct, sk, tp, c, &t);
}

/* The second read of an answer: its last byte was not read with its first. */
static __noinline void answer_is_long(struct tl_conn *c)
{
	if (c->role != TL_ROLE_CLIENT || c->sends != 1 ||
	    (c->flags & (TL_F_LONG | TL_F_ODD | TL_F_SKIP)))
		return;
	c->flags |= TL_F_LONG;
	metric_less(TL_CLIENT_LAST, c->last_ns - c->turn_ns);
}

/* A client sends again, or is closed: the last read was the last of the answer. */
static __noinline void end_answer(struct tl_conn *c)
{
	if (!(c->flags & TL_F_LONG))
		return;
	c->flags &= ~TL_F_LONG;
	metric_add(TL_CLIENT_LAST, c->last_ns - c->turn_ns);
}

/* The first byte of the server's answer was sent. */
static __always_inline void end_server(const bool direct, struct sock *sk, struct tcp_sock *tp,
				       struct tl_conn *c)
{
	struct turn t = {
		.metric = TL_SERVER,
		.begin_ns = c->turn_ns,
		.end_ns = c->pend_ns,
		.pid = c->writer,
	};
	__u64 lat = c->pend_ns - c->turn_ns;

	if (!classify(c))
		return;
	if (tp)
		note_rtt(direct, c, tp);
	metric_add(TL_SERVER, lat);
	conn_turn(c, lat);
	if (lat > slow_floor)
		send_slow(direct, sk, tp, c, &t);
}

/* A send that began at pend_ns took bytes: what was it? */
static __always_inline void sent(const bool direct, struct sock *sk, struct tcp_sock *tp,
				 struct tl_conn *c)
{
	bool odd = c->flags & TL_F_PEND_ODD;

	c->flags &= ~(TL_F_UNSETTLED | TL_F_PEND_ODD);
	if (c->role == TL_ROLE_SERVER) {
		if (odd)
			c->flags |= TL_F_ODD;
		if (c->phase == TL_READ)
			end_server(direct, sk, tp, c);
		else if (c->phase == TL_QUIET)
			count(TL_N_UNSOLICITED);
		c->last_ns = c->pend_ns;
	} else if (c->phase == TL_SENT) {
		c->sends += c->sends < 0xffff;
	} else if (c->role == TL_ROLE_CLIENT) {
		if (c->phase == TL_READ) {
			end_answer(c);
			if (!odd && c->pend_ns > c->last_ns)
				metric_add(TL_IDLE, c->pend_ns - c->last_ns);
		}
		/* Held bytes and the like are this turn's: its call has ended already. */
		c->flags &= ~(TL_F_ODD | TL_F_SKIP);
		c->turn_ns = c->pend_ns;
		c->turn_seq = c->pend_seq;
		begin_turn(c);
	}
	if (odd)
		c->flags |= TL_F_ODD;
	c->phase = TL_SENT;
}

static __always_inline void settle(const bool direct, struct sock *sk, struct tcp_sock *tp,
				   struct tl_conn *c)
{
	if ((c->flags & TL_F_UNSETTLED) && written_end(direct, sk, tp) != c->pend_seq)
		sent(direct, sk, tp, c);
}

/* A call of send begins. */
static __always_inline void send_begins(const bool direct, struct sock *sk, struct tcp_sock *tp,
					struct tl_conn *c)
{
	settle(direct, sk, tp, c);
	c->flags &= ~TL_F_PEND_ODD;
	c->flags |= TL_F_UNSETTLED;
	/* An urgent byte stays in the stream until what follows it is read. */
	if (after(bytes_end(direct, sk, tp),
		  GET(direct, tp, copied_seq) + !!GET(direct, tp, urg_data)))
		c->flags |= TL_F_PEND_ODD;
	c->pend_seq = GET(direct, tp, write_seq);
	/* Now: when the send is believed it may have been sent again already. */
	if (c->role == TL_ROLE_CLIENT && c->phase != TL_SENT)
		note_counters(direct, c, tp);
	note_task(c, &c->writer);
	count(TL_N_SEND);
	c->pend_ns = bpf_ktime_get_ns();
}

/* Bytes were read. arrived_ns, odd: when the first of them was readable, if that is known. */
static __always_inline void bytes_read(const bool direct, struct sock *sk, struct tcp_sock *tp,
				       struct tl_conn *c, __u64 now, __u64 arrived_ns, bool odd)
{
	count(TL_N_RECV);
	if (c->role == TL_ROLE_SERVER) {
		if (c->phase != TL_READ) {
			if (c->phase == TL_SENT && arrived_ns > c->last_ns)
				metric_add(TL_IDLE, arrived_ns - c->last_ns);
			c->flags &= ~TL_F_TURN;
			note_counters(direct, c, tp);
			begin_turn(c);
			c->phase = TL_READ;
		}
		if (odd)
			c->flags |= TL_F_ODD;
		c->turn_ns = now;
		return;
	}
	if (c->phase == TL_QUIET) {
		count(c->flags & TL_F_OLD ? TL_N_MID : TL_N_UNSOLICITED);
		return;
	}
	if (c->phase == TL_SENT) {
		if (odd)
			c->flags |= TL_F_ODD;
		if (c->role == TL_ROLE_CLIENT) {
			end_client(direct, sk, tp, c, now, arrived_ns);
		} else {
			count(TL_N_OPENED);
			count(TL_N_UNKNOWN);
		}
		c->flags &= ~(TL_F_HELD | TL_F_ZERO_WINDOW);
	} else {
		answer_is_long(c);
	}
	c->phase = TL_READ;
	c->last_ns = now;
}

/* The wait of the marked byte, if it is among those read. Returns when it arrived, or 0. */
static __always_inline __u64 take_mark(struct tl_conn *c, __u64 now, bool *odd)
{
	__u64 arrived = c->mark_ns, wait;

	*odd = c->flags & TL_F_MARK_ODD;
	c->flags &= ~(TL_F_MARKED | TL_F_MARK_ODD);
	wait = now > arrived ? now - arrived : 0;
	metric_add(TL_WAIT, wait);
	c->st.waits++;
	c->st.wait_ns += wait;
	wait = (wait + 1023) >> 10;
	if (wait > c->st.wait_max)
		c->st.wait_max = wait < ~0U ? wait : ~0U;
	return arrived;
}

/* The application may have read: copied_seq tells. */
static __always_inline void maybe_read(const bool direct, struct sock *sk, struct tcp_sock *tp,
				       struct tl_conn *c)
{
	__u32 copied = GET(direct, tp, copied_seq);
	__u64 now, arrived = 0;
	bool odd = false;

	if (copied == c->read_seq)
		return;
	now = bpf_ktime_get_ns();
	c->read_seq = copied;
	settle(direct, sk, tp, c);
	note_task(c, &c->reader);
	if ((c->flags & TL_F_MARKED) && after(copied, c->mark_seq))
		arrived = take_mark(c, now, &odd);
	bytes_read(direct, sk, tp, c, now, arrived, odd);
}

/* Data became readable. The first byte that no mark covers gets one, until it is read. */
static __always_inline void arrived(const bool direct, struct sock *sk, struct tcp_sock *tp,
				    struct tl_conn *c)
{
	__u32 end = bytes_end(direct, sk, tp);

	if (end == c->rcv_seen)
		return;
	if (!(c->flags & TL_F_MARKED)) {
		c->mark_seq = c->rcv_seen;
		c->mark_ns = bpf_ktime_get_ns();
		c->flags |= TL_F_MARKED;
		if (after(written_end(direct, sk, tp), GET(direct, tp, snd_una)))
			c->flags |= TL_F_MARK_ODD;
	}
	c->rcv_seen = end;
}

/* The connection is over: so is what was going on. */
static __noinline void end_turns(const bool direct, struct sock *sk, struct tcp_sock *tp,
				 struct tl_conn *c)
{
	if (tp)
		settle(direct, sk, tp, c);
	if (c->role == TL_ROLE_CLIENT && c->phase == TL_READ)
		end_answer(c);
	if ((c->role == TL_ROLE_CLIENT && c->phase == TL_SENT) ||
	    (c->role == TL_ROLE_SERVER && c->phase == TL_READ))
		count(TL_N_UNANSWERED);
	c->phase = TL_QUIET;
}
#endif
