/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef HTTPTRACE_CAUSE_H
#define HTTPTRACE_CAUSE_H
/*
 * What httptrace_ids.c, _traces.c, _join.c, _links*.c and _hold*.c share.
 */
#include <string.h>
#include "httptrace_parts.h"

/*
 * How long a span that is over waits for its other end, and is known as a parent to those whose
 * records come late. A record is as late as a hole in its connection's bytes is open.
 */
#define JOIN_NS 100000000ull
/* A trace is whole when nothing of it was open for so long. */
#define QUIET_NS 250000000ull

/*
 * For hash tables. The keys are what others sent, who must not be able to choose where they go: the
 * seed is another one in each run. cause_start() comes before.
 */
extern uint64_t cause_seed;
void cause_start(void);
static inline uint64_t cause_mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

/* An address as in struct flow, of this machine alone. */
static inline bool cause_is_loopback(const void *addr)
{
	static const uint8_t v6[16] = {[15] = 1}, mapped[12] = {[10] = 0xff, 0xff};

	return !memcmp(addr, v6, 16) ||
	       (!memcmp(addr, mapped, 12) && ((const uint8_t *)addr)[12] == 127);
}

/* --- httptrace_ids.c */
/* A client's span gets an id of its own, though the header that it sends has one. */
void ids_own(struct span *s);

/* --- httptrace_traces.c */
/* Sets the trace of a span that begins: t's reference goes over to it; NULL: no memory. */
void trace_begin(struct span *s, struct trace *t);
void trace_end(struct span *s); /* it is over */
bool trace_is_none(const struct trace *t); /* the one of all spans for which there was no memory */
/* Both came with ids, which differ. */
bool trace_apart(const struct span *a, const struct span *b);
void traces_finish(void);

/* --- httptrace_pile.c: what waits of each trace */
/* s is over; takes a reference. False: no memory, and none was taken. */
bool pile_add(struct span *s);
/* All of lose's is win's from now on. */
void pile_merge(struct trace *win, struct trace *lose);
/*
 * n spans of a trace are shown, and drawn as a tree with --tree: all of v is released, and it is
 * sorted. Where n is more than PILE_FEW there must be room for as many behind them.
 */
#define PILE_FEW 64
void pile_show(struct span **v, size_t n);
/* Traces that are quiet are shown. */
void pile_tick(uint64_t now_ns);
void pile_finish(void);

/* --- httptrace_hold.c */
/* Gives s to the outputs, or counts why not. True: it was shown. */
bool hold_show(struct span *s);
void hold_told(int err); /* what an output function gave */
/* It was shown, or was not to be: gives up what it holds, and a reference. */
void hold_release(struct span *s);
#endif
