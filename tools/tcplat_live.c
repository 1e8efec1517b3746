// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of a run: start, poll, publish, stop.
 */
#include "tcplat_parts.h"
#include "dest.h"
#include "log.h"
#include "priv.h"
#include "publish.h"
#include "row.h"
#include "run.h"
#include "tcplat.skel.h"
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static struct {
	struct publish *report, *prom;
} live;

/* --- polling */

static int publish_prom(void)
{
	char *text;
	size_t len;
	int err;

	if (!live.prom)
		return 0;
	err = prom_text(&text, &len);
	if (err)
		return err;
	err = publish_text(live.prom, text, len);
	free(text);
	return err;
}

static int publish_report(void)
{
	struct json j;
	int err;

	if (!live.report || !model.started)
		return 0;
	json_init(&j);
	report_json(&j);
	err = j.err;
	if (!err) {
		json_text(&j);
		j.buf[j.len] = '\n'; /* in place of the NUL */
		err = publish_text(live.report, j.buf, j.len + 1);
	}
	json_free(&j);
	return err;
}

static int on_interval(bool last, void *ctx)
{
	int err;

	if (last) {
		cost_over();
		backend_detach();
	}
	counters_tick();
	err = run_drain() ?: counters_conns(last);
	if (last) {
		cost_tick(true);
		backend_detach_last();
		err = err ?: run_drain();
	}
	err = err ?: counters_feed(last);
	return err ?: publish_prom();
}

static int on_tick(uint64_t now, void *ctx)
{
	struct cost c;

	counters_tick();
	/* Enough has been seen, and no hook was left out: one program each will do. */
	if (cost_tick(false) && backend.twice) {
		cost_get(&c);
		log_debug("%llu hooks did not run: %s", (unsigned long long)c.left_out,
			  c.left_out ? "second programs stay" : "second programs go");
		if (!c.left_out)
			backend_detach_twice();
	}
	backend.skel->bss->slow_floor = set.slowest ? model_slow_floor() : UINT64_MAX;
	return 0;
}

static int before_record(uint32_t type, const void *data, size_t len, void *ctx)
{
	if (len < sizeof(struct tl_conn_rec))
		return 0;
	return type == TL_REC_CLOSED ? counters_before_closed(data)
	       : type == TL_REC_OPEN ? counters_before_open(data)
				     : 0;
}

static int find_listening(void)
{
	struct bpf_link *link = bpf_program__attach_iter(backend.skel->progs.find_listening, NULL);
	int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	char none[64];

	while (fd >= 0 && read(fd, none, sizeof(none)) > 0)
		;
	if (fd < 0)
		log_debug("cannot ask for listening sockets: %s", strerror(errno));
	else
		close(fd);
	bpf_link__destroy(link);
	return 0;
}

static int feed_start(void)
{
	struct tl_start_rec r = {
		.now_ns = run_now(),
		.backend = backend.be,
		.sample = set.sample,
		.sample_turns = set.sample_turns,
		.cleanup = set.cleanup,
		.sees_again = backend.be != TL_BE_KPROBE,
		.filtered = backend_filtered(),
	};
	struct utsname u;

	uname(&u);
	snprintf(r.kernel, sizeof(r.kernel), "%.63s", u.release);
	return run_feed(TL_REC_START, &r, sizeof(r));
}

static int start(void)
{
	int err;

	priv_memlock();
	err = priv_check(false) ?: backend_start();
	if (err)
		return err;
	err = run_ring(bpf_map__fd(backend.skel->maps.events));
	if (err)
		return err;
	backend.skel->bss->slow_floor = set.slowest ? 0 : UINT64_MAX;
	find_listening();
	cost_begin(backend.skel);
	err = std.stay_root ? 0 : priv_drop(PRIV_KEEP_BPF);
	if (err)
		return err;
	run_ready("backend %s%s", backend_names[backend.be],
		  backend.storage ? "" : ", state in a hash");
	return feed_start();
}

static int open_files(void)
{
	int err = 0;

	if (std.output && !strcmp(std.output, "-"))
		return fail(-EINVAL, "output '-': use -j for the report on standard output");
	if (std.output && !dest_is_peer(std.output))
		err = publish_open(&live.report, std.output);
	if (!err && set.prometheus)
		err = publish_open(&live.prom, set.prometheus);
	return err;
}

int live_run(void)
{
	static const struct run_tool tool = {
		.name = "tcplat",
		.format = 1,
		.own_file = true,
		.on_record = model_record,
		.before_record = before_record,
		.on_interval = on_interval,
		.on_tick = on_tick,
		.on_summary = model_summary,
	};
	int err, status;

	err = open_files() ?: run_init(&tool);
	if (!err && std.replay)
		err = run_replay() ?: publish_prom();
	else
		err = err ?: start() ?: run_loop();
	if (!err || err == -EPIPE)
		err = publish_report() ?: err;
	status = run_finish(err);
	publish_close(live.report);
	publish_close(live.prom);
	backend_close();
	return status;
}
