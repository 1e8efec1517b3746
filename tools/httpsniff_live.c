// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of a run: start, drain, stop.
 */
#include "httpsniff_parts.h"
#include "capload.h"
#include "httpsniff.skel.h"
#include "log.h"
#include "priv.h"
#include "run.h"
#include <errno.h>
#include <string.h>

static struct httpsniff_bpf *skel;

static int open_object(struct capload_object *o)
{
	skel = httpsniff_bpf__open();
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
	return 0;
}

static void close_object(void)
{
	if (skel)
		httpsniff_bpf__destroy(skel);
	skel = NULL;
}

static uint32_t directions(void)
{
	return !strcmp(set.direction, "send")	? 1 << CAP_SEND
	       : !strcmp(set.direction, "recv") ? 1 << CAP_RECV
						: 1 << CAP_SEND | 1 << CAP_RECV;
}

static int start(void)
{
	struct capload_tool tool = {
		.open = open_object,
		.close = close_object,
		.config = {.max_body = set.max_body,
			   .max_header = set.max_header,
			   .sample = set.sample,
			   .directions = directions(),
			   .unix_too = set.unix_sockets},
		.ring_bytes = set.ring_kib << 10,
		.max_conns = set.max_conns,
	};
	static struct capload_tool kept;
	int err;

	kept = tool;
	priv_memlock();
	err = priv_check(false) ?: capload_start(&kept) ?: run_ring(capload_ring());
	if (err)
		return err;
	capload_cost_begin();
	err = std.stay_root ? 0 : priv_drop(PRIV_KEEP_BPF);
	if (err)
		return err;
	run_ready("backend %s", capload_name());
	return capload_feed_start();
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last)
		capload_detach();
	err = run_drain();
	return err ?: capload_feed_counts(last);
}

static int on_tick(uint64_t now_ns, void *ctx)
{
	capture_tick(now_ns);
	capload_cost_tick();
	return 0;
}

static int open_files(void)
{
	int err = 0;

	if (set.har)
		err = har_open(set.har);
	if (!err && set.pcapng)
		err = pcapng_open(set.pcapng);
	return err;
}

int live_run(void)
{
	static const struct run_tool tool = {
		.name = "httpsniff",
		.records = "http", /* the other HTTP tool reads them, too */
		.format = 1,
		.on_record = messages_record,
		.on_interval = on_interval,
		.on_tick = on_tick,
		.on_summary = account_summary,
	};
	int err, status, ended;

	/* run_init() has SIGPIPE ignored, which the files need. */
	err = messages_init() ?: pretty_init() ?: run_init(&tool) ?: open_files();
	if (!err && std.replay)
		err = run_replay();
	else
		err = err ?: start() ?: run_loop();
	/* What is under way is told of, whatever ended the run. */
	ended = messages_finish();
	ended = har_close() ?: ended;
	ended = pcapng_close() ?: ended;
	if (!err)
		err = ended;
	status = run_finish(err);
	if (skel)
		capload_close();
	return status;
}
