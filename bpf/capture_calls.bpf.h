/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CAPTURE_CALLS_BPF_H
#define CAPTURE_CALLS_BPF_H
/*
 * A call that moved bytes, as the hooks see it: is it of a connection that speaks HTTP, and where
 * are the bytes?
 */
#include "payload.bpf.h"

#define MSG_OOB	     1
#define MSG_TRUNC    0x20
#define PF_IO_WORKER 0x10
#define PF_KTHREAD   0x200000

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

	if (c)
		return c;
	c = state_make(sk);
	if (!c) {
		count(CAP_N_CONNS_FULL, 1);
		return NULL;
	}
	c->id = conn_id(direct, sk);
	c->proto = proto;
	return c;
}

/* Behind a head: is there another message that must not be left out with the body? */
static __always_inline __u32 goes_on(__u64 base, __u64 n, __u32 found, __u32 kernel, __u64 *first)
{
	__u32 head = found / SCAN_END;
	int body, more;

	if (head + LITTLE >= n)
		return found;
	body = body_length(base, head, kernel);
	if (body < 0) {
		if (copy(first, 16, base + head, kernel))
			return found;
		more = look_at(first[0], first[1], 16);
		return more == LOOK_REQUEST || more == LOOK_RESPONSE ? found | SCAN_MORE : found;
	}
	return head + (__u64)body < n ? found | SCAN_MORE : found;
}

/* 16 bytes from a message's beginning on, as far as there are any; how many there are. */
static __always_inline __u32 bytes_at(__u64 base, __u64 n, __u32 kernel, __u64 *b)
{
	b[0] = b[1] = 0;
	if (n > 16)
		n = 16;
	barrier_var(n);
	return n > 16 || copy(b, n, base, kernel) ? 0 : n;
}

/*
 * What n bytes begin with: enum look, and above LOOK_FOUND what scan_head() found, where that is
 * asked for: always, or where it is a message's beginning. A global function: the verifier looks at
 * it once.
 */
#define LOOK_FOUND 8
__noinline int look_into(__u64 base, __u64 n, __u32 kernel, __u32 always)
{
	__u64 first[2] = {}, found = 0;
	__u32 known = bytes_at(base, n, kernel, first), empty = 0;
	int look;

	/* Empty lines before a message are passed over (RFC 9112, section 2.2). */
	for (int i = 0; i < 2 && known > 2 && (first[0] & 0xffff) == ('\r' | '\n' << 8); i++) {
		base += 2;
		n -= 2;
		empty += 2;
		known = bytes_at(base, n, kernel, first);
	}
	look = look_at(first[0], first[1], known);
	if (always || look == LOOK_REQUEST || look == LOOK_RESPONSE || look == LOOK_WORD)
		found = (__u32)scan_head(base, n, kernel);
	if (found >= SCAN_END && limited())
		found = goes_on(base, n, found, kernel, first) + empty * SCAN_END;
	/* A first line that is whole tells for certain; a word alone says nothing. */
	if (look == LOOK_REQUEST && (found & (SCAN_LINE | SCAN_HTTP)) == SCAN_LINE)
		look = LOOK_OTHER;
	if (look == LOOK_WORD)
		look = found & SCAN_HTTP ? LOOK_REQUEST : LOOK_OTHER;
	return (__u32)found * LOOK_FOUND | look;
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

/* len > 0 bytes went by in direction dir. */
static __always_inline int on_bytes(const bool direct, struct sock *sk, int proto, __u32 dir,
				    __u32 len, struct src *s)
{
	struct call call = {.len = len, .want = len, .dir = dir, .cause = CAP_LIMIT};
	__u32 pid = bpf_get_current_pid_tgid() >> 32, found, looked;
	struct cap_state *c;
	enum look look;
	__u64 base, n;

	c = state_of(direct, sk, proto);
	if (!c)
		return 0;
	count(CAP_N_CALLS, 1);
	count(dir == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED, len);
	c->pos[dir & 1] += len;
	call.c = c;
	call.seq = place(direct, sk, c, dir) - len;
	if (ignored(c, dir)) {
		count(CAP_N_NOT_HTTP, len);
		return 0;
	}
	simplify(s);
	looked = first_piece(s, len, &base, &n)
			 ? look_into(base, n, in_kernel(s), limited() && c->in_head[dir & 1])
			 : LOOK_SHORT;
	look = looked % LOOK_FOUND;
	found = looked / LOOK_FOUND;
	if (c->verdict != CAP_HTTP && c->verdict != CAP_TLS && !judge(c, dir, look, s, len)) {
		count(CAP_N_NOT_HTTP, len);
		return 0;
	}
	if (!c->told && !tell_conn(direct, sk, c, dir, call.seq)) {
		count(CAP_N_RING, len);
		return 0;
	}
	if (c->pid != pid) {
		c->pid = pid;
		tell_task(pid);
	}
	if (c->verdict == CAP_TLS || c->verdict == CAP_HTTP2)
		call.want = len < LARGE ? len : LARGE;
	else if (limited()) {
		/* A few letters may be the beginning of a head that comes bit by bit. */
		if (look == LOOK_SHORT && s->kind != SRC_NONE)
			c->in_head[dir & 1] = 1;
		call.want = wanted(c, dir & 1, len, look == LOOK_REQUEST || look == LOOK_RESPONSE,
				   found);
	}
	call.kernel = in_kernel(s);
	emit(&call, s);
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
	struct call call = {.len = len, .want = len, .dir = dir, .cause = CAP_LIMIT};
	struct cap_state *c;

	c = state_of(direct, sk, proto);
	if (!c)
		return 0;
	count(CAP_N_CALLS, 1);
	count(dir == CAP_SEND ? CAP_N_SENT : CAP_N_RECEIVED, len);
	c->pos[dir & 1] += len;
	call.c = c;
	call.seq = place(direct, sk, c, dir) - len;
	if (!told_whole(c, dir) || !c->told) {
		count(CAP_N_NOT_HTTP, len);
		return 0;
	}
	if (limited())
		call.want = wanted(c, dir & 1, len, false, 0);
	call.kernel = in_kernel(s);
	emit(&call, s);
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
	return 0;
}

/* Is the state of a socket that is not one of ours, or that goes on, of interest? */
static __noinline int on_state(const bool direct, struct sock *sk, __u32 old, __u32 new)
{
	__u32 reset = old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT || old == TCP_FIN_WAIT1 ||
		      old == TCP_SYN_RECV;
	struct cap_state *c;

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
	return 0;
}

/* --- where the bytes are: the kernel's iterator, before it is used */

static __always_inline void src_of_iter(const bool direct, struct iov_iter *it, struct src *s)
{
	struct iov_iter___old *old = (void *)it;
	__u32 type;

	if (bpf_core_field_exists(it->iter_type))
		type = GET(direct, it, iter_type);
	else
		type = GET(direct, old, type) & ~1U; /* bit 0 is the direction */
	s->skip = GET(direct, it, iov_offset);
	s->segs = GET(direct, it, nr_segs);
	s->kind = SRC_NONE;
	s->cause = CAP_CALL;
	if (bpf_core_field_exists(it->ubuf) &&
	    bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		s->kind = SRC_USER;
		bpf_core_read(&s->base, sizeof(s->base), &it->ubuf);
		s->base += s->skip;
		s->skip = 0;
		return;
	}
	if (type == bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		s->kind = SRC_KERNEL_IOV;
	else if (type == bpf_core_enum_value(enum iter_type, ITER_KVEC))
		s->kind = SRC_KVEC;
	else if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC))
		s->kind = vmemmap_at ? SRC_BVEC : SRC_NONE;
	if (type == bpf_core_enum_value(enum iter_type, ITER_BVEC))
		s->cause = CAP_SENDFILE;
	/* A pointer becomes a number by being read. Those to arrays share their place. */
	if (bpf_core_field_exists(it->__iov))
		bpf_core_read(&s->iov, sizeof(s->iov), &it->__iov);
	else
		bpf_core_read(&s->iov, sizeof(s->iov), &old->iov);
}
#endif
