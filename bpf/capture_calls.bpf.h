/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_CALLS_BPF_H
#define CAPTURE_CALLS_BPF_H
/*
 * A call that moved bytes, as the hooks see it: is it of a connection that speaks HTTP, and where
 * are the bytes?
 */
#include "capture_look.bpf.h"

#define MSG_OOB	  1
#define MSG_TRUNC 0x20

#define TRIES_UNKNOWN 4 /* calls that do not look like HTTP, before a connection is given up */
#define TRIES_MAYBE   8 /* likewise, of 16 bytes and more, where the first ones were too short */
#define MAYBE_MS      250 /* ... and the user half, which looks 20 times a second, had its time */
#define TRIES_NOT     64 /* turns at which one that was given up is looked at again; then ... */
#define TRIES_RARE    16 /* ... at one in so many */

static __always_inline __u32 now_ms(void)
{
	return bpf_ktime_get_ns() / 1000000;
}

/* A connection of which it is not known that it speaks HTTP. Is the call to be told of? */
static __always_inline bool judge(struct cap_state *c, __u32 dir, enum look look,
				  const struct src *s, __u32 len)
{
	switch (look) {
	case LOOK_REQUEST:
	case LOOK_RESPONSE: c->verdict = CAP_HTTP; return true;
	case LOOK_TLS:
		c->verdict = CAP_TLS;
		c->last_dir = dir;
		c->tries = 0;
		count(CAP_N_CONNS_TLS, 1);
		return true;
	case LOOK_HTTP2:
		c->verdict = CAP_HTTP2;
		count(CAP_N_CONNS_HTTP2, 1);
		return true;
	case LOOK_SHORT:
		/* Of calls that cannot be read there is only to say that they were there. */
		if (s->kind == SRC_NONE && !netsel.ports && !netsel.local_ports &&
		    !netsel.remote_ports)
			return false;
		if (c->verdict == CAP_NOT)
			return false;
		if (c->verdict == CAP_UNKNOWN) {
			c->tries = 0;
			c->maybe_ms = now_ms();
		}
		c->verdict = CAP_MAYBE;
		c->in_head[0] = c->in_head[1] = 1;
		break;
	default: break;
	}
	c->tries += c->verdict != CAP_MAYBE || len >= 16;
	if (c->verdict != CAP_NOT &&
	    c->tries >= (c->verdict == CAP_MAYBE ? TRIES_MAYBE : TRIES_UNKNOWN)) {
		__u64 id = c->id;

		if (c->verdict == CAP_MAYBE && bpf_map_lookup_elem(&known_http, &id)) {
			c->verdict = CAP_HTTP;
			return true;
		}
		if (c->verdict == CAP_MAYBE && now_ms() - c->maybe_ms < MAYBE_MS)
			return true;
		c->tries = 0;
		c->verdict = CAP_NOT;
		count(CAP_N_CONNS_NOT_HTTP, 1);
	}
	return c->verdict == CAP_MAYBE;
}

/* Not worth a look: told apart before any byte is read. */
static __always_inline bool ignored(struct cap_state *c, __u32 dir)
{
	bool turn = dir != c->last_dir;

	if (c->verdict == CAP_HTTP2)
		return true;
	if (c->verdict == CAP_TLS)
		return turn || c->tries++ >= TRIES_UNKNOWN; /* a hello may take several calls */
	if (c->verdict != CAP_NOT)
		return false;
	/* Messages begin where the direction changes. */
	c->last_dir = dir;
	return !turn || (c->tries >= TRIES_NOT && c->tries++ % TRIES_RARE);
}

static __always_inline struct cap_state *state_of(const bool direct, struct sock *sk, int proto)
{
	struct cap_state *c = state_get(sk);

	if (!c)
		c = state_make(sk);
	if (!c) {
		count(CAP_N_CONNS_FULL, 1);
		return NULL;
	}
	/* Another thread may have made it a moment ago, and be just about to say whose it is. */
	if (!c->id) {
		c->proto = proto;
		c->id = conn_id(direct, sk);
	}
	return c;
}

static __noinline void closed(const bool direct, struct sock *sk, struct cap_state *c, __u32 reset)
{
	tell_close(direct, sk, c, reset);
	c->closing = 0;
	if (use_storage)
		c->told = 0;
	else
		state_drop(sk);
}

/* Is there a process that has still to read what came? */
static __always_inline bool unread(const bool direct, struct sock *sk)
{
	struct tcp_sock *tp = tcp_of(direct, sk);

	return tp && GET(direct, sk, sk_socket) &&
	       (__s32)(bytes_end(direct, sk, tp) - GET(direct, tp, copied_seq)) > 0;
}

/*
 * Where a call's bytes stand, at where the socket does not number them, and how far the other
 * direction is.
 */
static __always_inline void places(const bool direct, struct sock *sk, struct cap_state *c,
				   __u32 dir, __u32 at, struct cap_data_rec *h)
{
	struct tcp_sock *tp = c->proto == CAP_TCP ? tcp_of(direct, sk) : NULL;
	__u32 sent, received;

	h->id = c->id;
	if (!tp) {
		h->seq = at;
		return;
	}
	sent = written_end(direct, sk, tp);
	received = read_end(direct, sk, tp);
	h->seq = (dir == CAP_SEND ? sent : received) - h->len;
	h->other_seq = dir == CAP_SEND ? received : sent;
	h->flags = CAP_DATA_F_OTHER;
}

/* A global function: the verifier looks at it once. */
__noinline int goroutine(__u32 which, __u32 is)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct take *t = take_of(which);

	if (!config.goids || !t)
		return GO_UNKNOWN;
	t->go.goid = t->go.parent_goid = 0;
	is = go_find(&t->go, is, is == GO_IS ? 0 : task_mark(task, BPF_CORE_READ(task, mm)));
#ifdef GOCLIENT_BPF_H
	if (config.go_asks && t->go.goid) {
		const struct go_asker *asker = go_asked(t->go.goid);

		if (asker) {
			t->go.goid = asker->goid;
			t->go.parent_goid = asker->parent_goid;
		}
	}
#endif
	return is;
}

/* Since when could it read these bytes? */
static __always_inline void waited(struct sock *sk, struct cap_data_rec *h)
{
	struct times *t = times_get(sk);
	__u64 since = t ? times_since(t, h->seq, h->len) : 0;

	if (since && h->now_ns >= since) {
		since = (h->now_ns - since) / 1000;
		h->waited_us = since < ~0U ? since : ~0U;
		h->flags |= CAP_DATA_F_WAITED;
	}
}

/* When it was, who called, and which goroutine. */
static __always_inline void caller(struct sock *sk, struct cap_state *c, __u32 dir,
				   const struct src *s, struct take *t)
{
	struct cap_data_rec *h = &t->h;
	__u32 pid = h->pid;

	h->now_ns = bpf_ktime_get_ns();
	if (config.times && dir == CAP_RECV && c->proto == CAP_TCP)
		waited(sk, h);
	if (c->pid != pid) {
		c->pid = pid;
		c->go = GO_UNKNOWN;
		tell_task(pid);
	}
	if (!config.goids || c->go == GO_IS_NOT)
		return;
	c->go = goroutine(s->take, c->go);
	h->goid = t->go.goid;
	h->parent_goid = t->go.parent_goid;
}

/* How much of a call is wanted, and is it at hand? */
static __always_inline __u32 choose(struct cap_state *c, __u32 dir, enum look look, __u32 found,
				    const struct src *s, struct take *t)
{
	__u32 len = t->h.len, want = len;

	if (c->verdict == CAP_TLS || c->verdict == CAP_HTTP2) {
		want = len < TAKE_MAX ? len : TAKE_MAX;
	} else if (limited()) {
		/* A few letters may be the beginning of a head that comes bit by bit. */
		if (look == LOOK_SHORT && s->kind != SRC_NONE)
			c->in_head[dir & 1] = 1;
		want = wanted(c, dir & 1, len, look == LOOK_REQUEST || look == LOOK_RESPONSE,
			      found);
	}
	if (want <= TAKE_MAX && (t->from || t->taken < want) && s->kind != SRC_NONE)
		take(s->take, 0, want, want);
	return want;
}

/* len > 0 bytes went by in direction dir. */
static __always_inline int on_bytes(const bool direct, struct sock *sk, int proto, __u32 dir,
				    __u32 len, struct src *s)
{
	struct cap_sums *sums = sums_of(s->take);
	struct take *t = take_of(s->take);
	struct cap_state *c;
	enum look look;
	__u32 found, at;

	c = state_of(direct, sk, proto);
	if (!c || !t || !sums)
		return 0;
	sums->n[CAP_N_CALLS]++;
	sums->n[dir == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED] += len;
	at = take_place(c, dir, len);
	if (ignored(c, dir)) {
		sums->n[CAP_N_NOT_HTTP] += len;
		return 0;
	}
	begin(direct, &t->h, dir, len);
	places(direct, sk, c, dir, at, &t->h);
	simplify(s);
	look = look_into(c, dir, s, len, t, &found);
	if (c->verdict != CAP_HTTP && c->verdict != CAP_TLS && !judge(c, dir, look, s, len)) {
		sums->n[CAP_N_NOT_HTTP] += len;
		return 0;
	}
	if (!c->told && !tell_conn(direct, sk, c, dir, t->h.seq)) {
		count(CAP_N_RING, len);
		return 0;
	}
	caller(sk, c, dir, s, t);
	c->end[dir & 1] = t->h.seq + len;
	emit(direct, t, s, choose(c, dir, look, found, s, t), sums);
	if (c->closing && !unread(direct, sk))
		closed(direct, sk, c, 0);
	return 0;
}

/*
 * The same for a way that only bodies go, by which nothing is found out: of connections that are
 * known.
 */
static __always_inline int on_rest(const bool direct, struct sock *sk, int proto, __u32 dir,
				   __u32 len, struct src *s)
{
	struct cap_state *c = state_of(direct, sk, proto);
	struct cap_sums *sums = sums_of(s->take);
	struct take *t = take_of(s->take);
	__u32 at;

	if (!c || !t || !sums)
		return 0;
	sums->n[CAP_N_CALLS]++;
	sums->n[dir == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED] += len;
	at = take_place(c, dir, len);
	if (!told_whole(c, dir) || !c->told) {
		sums->n[CAP_N_NOT_HTTP] += len;
		return 0;
	}
	begin(direct, &t->h, dir, len);
	places(direct, sk, c, dir, at, &t->h);
	caller(sk, c, dir, s, t);
	if (limited())
		wanted(c, dir & 1, len, false, 0);
	c->end[dir & 1] = t->h.seq + len;
	emit_none(direct, t, s->cause, sums);
	return 0;
}

/* Bytes came that can be read. */
static __always_inline int on_ready(const bool direct, struct sock *sk)
{
	struct cap_state *c;
	struct tcp_sock *tp;
	struct times *t;

	if (GET(direct, sk, __sk_common.skc_state) == TCP_LISTEN || proto_of(direct, sk) != CAP_TCP)
		return 0;
	c = state_get(sk);
	if (c ? c->verdict >= CAP_NOT : !ends_pass(direct, sk, false))
		return 0;
	tp = tcp_of(direct, sk);
	t = times_make(sk);
	if (tp && t)
		times_arrived(t, bytes_end(direct, sk, tp));
	return 0;
}

/* A receive came to the stream's end. */
static __always_inline int on_eof(const bool direct, struct sock *sk, int proto)
{
	struct cap_state *c = state_get(sk);

	if (c && c->closing) {
		closed(direct, sk, c, 0);
		return 0;
	}
	if (!c || !c->told || c->ended & 1 << CAP_RECV)
		return 0;
	if (proto == CAP_TCP && !fin_came(direct, sk))
		return 0; /* nothing was asked for */
	c->ended |= 1 << CAP_RECV;
	tell_end(direct, sk, c, CAP_RECV);
	return 0;
}

/* The socket goes, maybe with bytes that nobody read. */
static __noinline int on_destroy(const bool direct, struct sock *sk)
{
	struct cap_state *c = state_get(sk);

	if (c && c->closing)
		closed(direct, sk, c, 0);
	return zero();
}

/* Is the state of a socket that is not one of ours, or that goes on, of interest? */
static __noinline int on_state(const bool direct, struct sock *sk, __u32 old, __u32 new)
{
	__u32 reset = old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT || old == TCP_FIN_WAIT1 ||
		      old == TCP_SYN_RECV;
	struct cap_state *c;

	if (config.times)
		times_state(direct, sk, old, new);
	/* A socket begins where another one was, of which not all was told or read. */
	if (!use_storage && (new == TCP_SYN_SENT || new == TCP_SYN_RECV))
		state_drop(sk);
	if (new != TCP_FIN_WAIT1 &&new != TCP_LAST_ACK &&new != TCP_CLOSE)
		return 0;
	c = state_get(sk);
	if (!c || !c->told)
		return 0;
	if (new == TCP_CLOSE) {
		/*
		 * Both sides said that they are done, and a process has still to hear it: TIME_WAIT
		 * is another socket's business. It reads on, or closes.
		 */
		if (!reset && unread(direct, sk))
			c->closing = 1;
		else
			closed(direct, sk, c, reset);
	} else if (!(c->ended & 1 << CAP_SEND)) {
		c->ended |= 1 << CAP_SEND;
		tell_end(direct, sk, c, CAP_SEND);
	}
	return zero();
}
#endif
