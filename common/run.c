// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "run.h"
#include "dest.h"
#include "log.h"
#include "opts.h"
#include "out.h"
#include "proc.h"
#include "record.h"
#include "rotate.h"
#include "row.h"
#include "sink.h"
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS	    50000000ULL /* how long a record may wait in the ring buffer */
#define FLUSH_MS    2000 /* how long the end may wait for a slow network sink */
#define MAX_WATCHES 64
#define LOG_LINES   30 /* of a message of libbpf */

static struct {
	const struct run_tool *tool;
	struct ring_buffer *ring;
	struct record_writer *writer;
	struct record_reader *reader;
	bool batch; /* what a recording says leaves together */
	struct sink *sink;
	int epoll_fd, wake_fd;
	struct watch {
		int fd;
		int (*cb)(int fd, void *ctx);
		void *ctx;
	} watches[MAX_WATCHES];
	int nwatches;
	int64_t wall_offset_ns;
	uint64_t start_ns; /* of the duration: the ready line */
	volatile sig_atomic_t stop;
	int err; /* what a record handler returned inside libbpf's callback */
} run;

uint64_t run_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

uint64_t run_wall(uint64_t mono_ns)
{
	return mono_ns + run.wall_offset_ns;
}

static int64_t wall_offset(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec - (int64_t)run_now();
}

static void on_signal(int sig)
{
	int saved = errno;

	/* The second one means: now. The kernel takes the probes off when the fds close. */
	if (run.stop && sig == SIGINT)
		_exit(1);
	run.stop = 1;
	if (eventfd_write(run.wake_fd, 1))
		_exit(1);
	errno = saved;
}

/* The verifier's log comes as one message: its end has the reason. */
static int on_libbpf(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text = NULL, *line, *next;
	int lines = 0;

	if (!log_verbose || level == LIBBPF_DEBUG || vasprintf(&text, fmt, args) < 0)
		return 0;
	for (next = text + strlen(text); next > text && lines <= LOG_LINES; next--)
		lines += next[-1] == '\n';
	for (line = next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (*line)
			log_debug("%s", line);
	}
	free(text);
	return 0;
}

static int watch(int fd, int id)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = id};

	return epoll_ctl(run.epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

enum { ID_WAKE = MAX_WATCHES, ID_RING };

static int open_sink(const char *rotate)
{
	struct rotate_limits limits;
	int err = rotate ? rotate_parse(&limits, rotate) : 0;

	err = err ?: sink_open(&run.sink, std.output);
	/* Peers do not grow; another file, such as that of --otlp, may be meant. */
	return err || !rotate || dest_is_peer(std.output) ? err : sink_rotate(run.sink, &limits);
}

int run_init(const struct run_tool *tool)
{
	struct sigaction sa = {.sa_handler = on_signal};
	const char *records = tool->records ?: tool->name;
	int err;

	run.tool = tool;
	run.wall_offset_ns = wall_offset();
	libbpf_set_print(on_libbpf);
	run.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run.epoll_fd < 0 || run.wake_fd < 0)
		return fail(-errno, "epoll: %s", strerror(errno));
	err = watch(run.wake_fd, ID_WAKE);
	if (err)
		return err;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	if (std.output && !(tool->own_file && !dest_is_peer(std.output)))
		err = open_sink(tool->rotate);
	err = err ?: row_init(std.json, run.sink);
	if (!err && std.replay)
		err = record_open(&run.reader, std.replay, records, tool->format,
				  &run.wall_offset_ns);
	else if (!err && std.record)
		err = record_create(&run.writer, std.record, records, tool->format,
				    run.wall_offset_ns);
	/* Of a pipe, somebody may be waiting for what comes out of each record. */
	run.batch = run.reader && record_is_file(run.reader);
	if (run.batch)
		row_batch();
	return err;
}

int run_feed(uint32_t type, const void *data, size_t len)
{
	int err = 0;

	if (run.writer)
		err = record_write(run.writer, type, data, len);
	err = err ?: run.tool->on_record(type, data, len, run.tool->ctx);
	/* The reader of stdout is gone: row_flush() tells the loop. The account goes on. */
	return err == -EPIPE ? 0 : err;
}

static int on_ring(void *ctx, void *data, size_t len)
{
	uint32_t type;

	if (len < sizeof(type))
		return 0;
	memcpy(&type, data, sizeof(type));
	if (!run.err && run.tool->before_record)
		run.err = run.tool->before_record(type, data, len, run.tool->ctx);
	if (!run.err)
		run.err = run_feed(type, data, len);
	return 0;
}

int run_ring(int map_fd)
{
	run.ring = ring_buffer__new(map_fd, on_ring, NULL, NULL);
	if (!run.ring)
		return fail(-errno, "cannot map the ring buffer: %s", strerror(errno));
	return watch(ring_buffer__epoll_fd(run.ring), ID_RING);
}

int run_fd(int fd, int (*cb)(int fd, void *ctx), void *ctx)
{
	if (run.nwatches == MAX_WATCHES)
		return fail(-ENOSPC, "too many files to watch (%d)", MAX_WATCHES);
	run.watches[run.nwatches] = (struct watch){fd, cb, ctx};
	return watch(fd, run.nwatches++);
}

void run_fd_done(int fd)
{
	epoll_ctl(run.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int run_drain(void)
{
	int n;

	if (!run.ring)
		return 0;
	n = ring_buffer__consume(run.ring);
	if (n < 0)
		return fail(n, "cannot read the ring buffer: %s", strerror(-n));
	return run.err;
}

void run_ready(const char *fmt, ...)
{
	char text[256];
	struct utsname u;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	uname(&u);
	/* What the start took, the kernel's BTF above all, is not taken again. */
	malloc_trim(0);
	run.start_ns = run_now();
	log_info("ready (%s, kernel %s)", text, u.release);
}

void run_stop(void)
{
	run.stop = 1;
}

bool run_stopping(void)
{
	return run.stop;
}

/* Waits until until_ns or something to do, and does it. */
static int wait_once(uint64_t until_ns)
{
	struct epoll_event ev[8];
	uint64_t now = run_now();
	int n, err = 0, ms = until_ns <= now ? 0 : (until_ns - now + 999999) / 1000000;
	eventfd_t v;

	n = epoll_wait(run.epoll_fd, ev, 8, ms);
	if (n < 0 && errno != EINTR)
		return fail(-errno, "epoll_wait: %s", strerror(errno));
	for (int i = 0; i < n && !err; i++) {
		uint32_t id = ev[i].data.u32;

		if (id == ID_WAKE)
			eventfd_read(run.wake_fd, &v);
		else if (id < ID_WAKE)
			err = run.watches[id].cb(run.watches[id].fd, run.watches[id].ctx);
	}
	return err ?: run_drain();
}

int run_loop(void)
{
	uint64_t tick = run.start_ns + TICK_NS, now, until;
	uint64_t interval = run.start_ns + std.interval_ns;
	uint64_t end = std.duration_ns ? run.start_ns + std.duration_ns : UINT64_MAX;
	int err = 0;

	while (!run.stop && !err) {
		until = tick < end ? tick : end;
		err = wait_once(until);
		now = run_now();
		if (!err && now >= tick) {
			tick = now + TICK_NS;
			if (run.sink)
				sink_poll(run.sink);
			if (run.tool->on_tick)
				err = run.tool->on_tick(now, run.tool->ctx);
		}
		if (!err && std.interval_ns && now >= interval) {
			while (interval <= now)
				interval += std.interval_ns;
			err = run.tool->on_interval(false, run.tool->ctx);
		}
		if (now >= end)
			break;
		err = err ?: row_flush();
	}
	/* The reader left: no more rows, but the probes still come off in order. */
	if (err && err != -EPIPE)
		return err;
	return run.tool->on_interval(true, run.tool->ctx) ?: err;
}

int run_replay(void)
{
	uint32_t type;
	const void *data;
	size_t len;
	int n = 0, err = 0;

	while (!run.stop && (n = record_read(run.reader, &type, &data, &len)) > 0) {
		err = run.tool->on_record(type, data, len, run.tool->ctx);
		err = err ?: run.batch ? row_error() : row_flush();
		/* Without a reader it goes on all the same: the account is at the end. */
		if (err && err != -EPIPE)
			return err;
	}
	return run.stop ? 0 : n;
}

/* What the run cost, by the kernel's accounting of this process. */
static void own_cost(struct json *j)
{
	struct rusage ru;
	double cpu_ms, share, run_ms = (run_now() - run.start_ns) / 1e6;

	getrusage(RUSAGE_SELF, &ru);
	cpu_ms = ru.ru_utime.tv_sec * 1e3 + ru.ru_utime.tv_usec / 1e3 + ru.ru_stime.tv_sec * 1e3 +
		 ru.ru_stime.tv_usec / 1e3;
	share = run.start_ns && run_ms > 0 ? cpu_ms * 100 / run_ms : 0;
	json_f64(j, "tool_cpu_ms", cpu_ms);
	json_u64(j, "tool_rss_bytes", proc_self_rss());
	log_debug("own cost: %.1f ms of CPU (%.2f%% of one), %llu KiB resident, peak %llu KiB",
		  cpu_ms, share, (unsigned long long)proc_self_rss() / 1024,
		  (unsigned long long)proc_self_peak_rss() / 1024);
}

static bool summary(bool complete)
{
	static char text[4096];
	struct json j;
	bool balanced;

	json_init(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "summary");
	text[0] = 0;
	balanced = run.tool->on_summary(&j, text, sizeof(text), run.tool->ctx);
	json_bool(&j, "balanced", balanced);
	json_bool(&j, "finished", complete);
	if (!std.replay)
		own_cost(&j);
	json_close(&j, '}');
	row_object(&j);
	json_free(&j);
	for (char *line = text, *next; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		log_info("%s", line);
	}
	/* A run that broke off has not read all its counters. */
	if (!balanced && complete)
		log_error("the account does not balance: something was lost that nothing above "
			  "explains; please report this");
	return balanced;
}

int run_finish(int err)
{
	struct sink_stats st = {};
	bool quiet = err == -EPIPE, balanced = true;
	int flush, first = quiet ? 0 : err;

	if (first)
		log_error("%s", fail_text(first));
	/* A tool that never became ready has nothing to account for. */
	if (run.start_ns || run.reader)
		balanced = summary(!first);
	flush = row_flush();
	if (flush && flush != -EPIPE && !first) {
		log_error("cannot write to %s: %s", out_error() ? "stdout" : std.output,
			  strerror(-flush));
		first = flush;
	}
	flush = record_close_writer(run.writer);
	if (flush && !first)
		log_error("%s", fail_text(flush));
	first = first ?: flush;
	record_close_reader(run.reader);
	if (run.sink) {
		flush = sink_close(run.sink, FLUSH_MS, &st);
		if (flush && !first)
			log_error("cannot write to %s: %s", std.output, strerror(-flush));
		if (st.dropped)
			log_warn("%s: %llu of %llu lines could not be delivered", std.output,
				 (unsigned long long)st.dropped, (unsigned long long)st.lines);
		first = first ?: flush;
	}
	ring_buffer__free(run.ring);
	return first || !balanced ? 1 : 0;
}
