// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of a run: start, drain, stop.
 */
#include "httptrace_parts.h"
#include "capload.h"
#include "httptrace_go.h"
#include "httptrace.skel.h"
#include "log.h"
#include "priv.h"
#include "run.h"
#include <errno.h>
#include <string.h>

static struct httptrace_bpf *skel;

static int open_object(struct capload_object *o)
{
	skel = httptrace_bpf__open();
	if (!skel)
		return -errno;
	*o = (struct capload_object){
		.obj = skel->obj,
		.config = (struct cap_config *)&skel->rodata->config,
		.use_storage = (bool *)&skel->rodata->use_storage,
		.salt = (__u64 *)&skel->rodata->salt,
		.events_half = (__u64 *)&skel->rodata->events_half,
		.filter = (struct filter *)&skel->rodata->filter,
		.netsel = (struct netsel *)&skel->rodata->netsel,
		.port = (__u64 *)skel->rodata->netsel_port,
		.local = (__u64 *)skel->rodata->netsel_local,
		.remote = (__u64 *)skel->rodata->netsel_remote,
	};
	if (!set.go_probes) {
		bpf_map__set_max_entries(skel->maps.go_requests, 1);
		bpf_map__set_max_entries(skel->maps.go_writers, 1);
		return 0;
	}
	o->own[0] = skel->progs.go_asks;
	o->own[1] = skel->progs.go_writes;
	return go_prepare(o->own[0], o->own[1]);
}

static void close_object(void)
{
	if (skel)
		httptrace_bpf__destroy(skel);
	skel = NULL;
}

static int start(void)
{
	static struct capload_tool tool;
	unsigned int keep = PRIV_KEEP_BPF | (set.no_seccomp ? PRIV_NO_SECCOMP : 0) |
			    (set.go_probes ? PRIV_KEEP_ATTACH | PRIV_KEEP_PERF : 0);
	int err;

	tool = (struct capload_tool){
		.open = open_object,
		.close = close_object,
		.config = {.max_header = set.max_header,
			   /* Traces are sampled, not connections. */
			   .sample = 1,
			   .directions = 1 << CAP_SEND | 1 << CAP_RECV,
			   .unix_too = set.unix_sockets,
			   .goids = true,
			   .go_asks = set.go_probes,
			   .times = true},
		.ring_bytes = set.ring_kib << 10,
		.max_conns = set.max_conns,
	};
	priv_memlock();
	err = priv_check(set.go_probes) ?: capload_start(&tool) ?: run_ring(capload_ring());
	if (!err && set.go_probes)
		err = go_start();
	if (err)
		return err;
	capload_cost_begin();
	err = std.stay_root ? 0 : priv_drop(keep);
	if (err)
		return err;
	run_ready("backend %s", capload_name());
	return rows_begin() ?: capload_feed_start();
}

static int on_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	const struct cap_task_rec *task = data;

	/* Live alone: a recording's processes are not ours to look at. */
	if (set.go_probes && skel && type == CAP_REC_TASK && len >= sizeof(*task))
		go_process(task->pid);
	return spans_record(type, data, len, ctx);
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last) {
		go_stop();
		capload_detach();
	}
	err = run_drain() ?: capload_feed_counts(last);
	return err || last ? err : table_interval(false);
}

static int on_tick(uint64_t now_ns, void *ctx)
{
	spans_tick(now_ns);
	otlp_tick(now_ns);
	capload_cost_tick();
	return 0;
}

int live_run(void)
{
	const struct run_tool tool = {
		.name = "httptrace",
		.rotate = set.rotate,
		.records = "http", /* the other HTTP tool reads them, too */
		.format = 1,
		.on_record = on_record,
		.on_interval = on_interval,
		.on_tick = on_tick,
		.on_summary = account_summary,
	};
	int err, status, ended;

	/* run_init() has SIGPIPE ignored, which the files need. */
	err = spans_init() ?: run_init(&tool) ?: table_init();
	if (!err && set.otlp)
		err = otlp_open();
	if (!err && std.replay)
		err = rows_begin() ?: run_replay();
	else
		err = err ?: start() ?: run_loop();
	/* What is under way is told of, whatever ended the run. */
	ended = spans_finish();
	ended = table_interval(true) ?: ended;
	ended = otlp_close() ?: ended;
	table_finish();
	if (!err)
		err = ended;
	status = run_finish(err);
	if (skel)
		capload_close();
	return status;
}
