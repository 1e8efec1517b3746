/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EVENT_BPF_H
#define EVENT_BPF_H
/*
 * The ring buffer to the user half. A record wakes nobody: the reader drains on a timer, because a
 * wake-up costs ten to seventy times the record. Past half full the reader is woken at once.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* the user half may set another power of two before load */
} events SEC(".maps");

const volatile __u64 events_half = 1 << 19;

static __always_inline __u64 event_flags(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > events_half ? BPF_RB_FORCE_WAKEUP
									   : BPF_RB_NO_WAKEUP;
}
#endif
