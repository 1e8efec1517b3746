/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STATS_BPF_H
#define STATS_BPF_H
/*
 * handlerlat's counters: per function, and per method and route. They only ever grow; the user half
 * takes differences, so an interval can lose nothing. Each is spread over shards to keep CPUs off
 * each other's cache lines; the additions are atomic, so a shard may be shared.
 */
const volatile __u32 shard_mask = 0; /* shards - 1, a power of two less one */
const volatile bool aggregate = false; /* per method and route too */

/* [function << shard_bits | shard]; sized before load */
const volatile __u32 shard_bits = 0;
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hl_stats);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 512);
	__type(key, struct hl_route_key);
	__type(value, struct hl_stats);
} routes SEC(".maps");

/* The zeroes that a new route starts from. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct hl_stats);
} no_stats SEC(".maps");

static __always_inline void count(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

static __always_inline struct hl_stats *stats_of(__u32 fn)
{
	__u32 i = (fn << shard_bits) | (bpf_get_smp_processor_id() & shard_mask);

	return bpf_map_lookup_elem(&stats, &i);
}

static __always_inline void stats_add(struct hl_stats *st, __u64 lat)
{
	__u64 slot = hist_slot(lat);

	/* Older verifiers lose a bound that was found on a copy: one 64-bit register throughout. */
	barrier_var(slot);
	if (slot < HIST_SLOTS)
		__sync_fetch_and_add(&st->slot[slot], 1);
	__sync_fetch_and_add(&st->sum, lat);
	/* Two CPUs on one shard may race here; the reader holds both against the slots. */
	if (lat > st->max)
		st->max = lat;
	if (~lat > st->nmin)
		st->nmin = ~lat;
}

static __always_inline void route_add(struct hl_stats *st, __u32 fn, const struct hl_request *req,
				      __u64 lat)
{
	struct hl_route_key key = {.fn = fn, .shard = bpf_get_smp_processor_id() & shard_mask};
	struct hl_stats *rs, *none;
	__u32 zero = 0;

	__builtin_memcpy(key.method, req->method, sizeof(key.method));
	__builtin_memcpy(key.route, req->route, sizeof(key.route));
	rs = bpf_map_lookup_elem(&routes, &key);
	if (!rs) {
		none = bpf_map_lookup_elem(&no_stats, &zero);
		if (!none)
			return;
		bpf_map_update_elem(&routes, &key, none, BPF_NOEXIST);
		rs = bpf_map_lookup_elem(&routes, &key);
	}
	if (rs)
		stats_add(rs, lat);
	else
		count(&st->other);
}
#endif
