/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef CAPLOAD_H
#define CAPLOAD_H
/*
 * The kernel half of the HTTP tools (bpf/capture_hooks.bpf.h): which hooks this kernel has, which
 * programs go on them, what they counted. Each tool has an object of its own with the same
 * programs.
 */
#include <stdbool.h>
#include <stdint.h>
#include "../bpf/capture.h"
#include "filter.h"

struct bpf_object;

/* What the tool's skeleton has, filled in by its open(). */
struct capload_object {
	struct bpf_object *obj;
	struct cap_config *config;
	bool *use_storage;
	__u64 *salt, *events_half;
	struct filter *filter;
	struct netsel *netsel;
	__u64 *port, *local, *remote;
	struct bpf_program *own[2]; /* programs that the tool attaches by itself; NULL: none */
};

struct capload_tool {
	/* Opens the object, not loaded. -errno. */
	int (*open)(struct capload_object *o);
	void (*close)(void); /* destroys it; harmless when it is not open */
	struct cap_config config; /* by_task and by_flow are set here */
	uint64_t ring_bytes; /* a power of two */
	uint32_t max_conns; /* room for states where there is no socket storage */
};

/*
 * Loads and attaches the best backend that works here, or what --backend says: fentry, tracepoint,
 * kprobe, in the order of what they see. Filters come from the options. 0 or -errno with text.
 */
int capload_start(const struct capload_tool *tool);
/* "fentry", "tracepoint, pages are read" ...: for the ready line. */
const char *capload_name(void);
int capload_ring(void); /* the ring buffer's map */
/* A connection that began with too few bytes to tell is HTTP. Harmless in a replay. */
void capload_is_http(uint64_t id);
/* Feeds CAP_REC_START, CAP_REC_COUNTS. */
int capload_feed_start(void);
int capload_feed_counts(bool last);
/* Begins to measure what hooks cost, with privileges; ends it when enough was seen. */
void capload_cost_begin(void);
void capload_cost_tick(void);
/* Takes all hooks off, and waits until none runs. */
void capload_detach(void);
void capload_close(void);
#endif
