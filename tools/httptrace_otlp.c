// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --otlp: spans in batches, to a file as OpenTelemetry's file exporter writes it, to standard
 * output, or to a collector.
 */
#include "httptrace_otlp_int.h"
#include "log.h"
#include "out.h"
#include "rotate.h"
#include "run.h"
#include "sink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_SPANS 512
#define BATCH_BYTES (1 << 20) /* a span may be big: its URL is as long as --max-header lets it be */
#define FILE_NS	    200000000ULL /* how long a span may wait for others ... */
#define POST_NS	    1000000000ULL /* ... on its way to a collector */

struct otlp_stats otlp_stats;

static struct {
	struct otlp_batch *batch;
	struct sink *sink;
	enum { TO_NOTHING, TO_STDOUT, TO_FILE, TO_COLLECTOR } to;
	uint64_t since_ns; /* when a tick first saw the batch that is being filled */
	int err; /* the first; spans after it are dropped */
} otlp;

static int open_file(void)
{
	struct rotate_limits limits;
	int err = set.rotate ? rotate_parse(&limits, set.rotate) : 0;

	err = err ?: sink_open(&otlp.sink, set.otlp);
	if (!err && set.rotate)
		err = sink_rotate(otlp.sink, &limits);
	if (!err)
		otlp.to = TO_FILE;
	return err;
}

int otlp_open(void)
{
	const char *methods = getenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
	char host[256] = "";
	int err;

	if (!set.otlp)
		return 0;
	if (methods && *methods)
		otlp_methods = methods;
	/* A recording may come from another machine; a name that is too long is none. */
	if (std.replay || gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	err = otlp_batch_new(&otlp.batch, "httptrace", VERSION, host);
	if (err)
		return fail(err, "no memory for --otlp");
	if (!strcmp(set.otlp, "-")) {
		otlp.to = TO_STDOUT;
	} else if (otlp_post_wanted(set.otlp)) {
		err = otlp_post_open(set.otlp);
		otlp.to = err ? TO_NOTHING : TO_COLLECTOR;
	} else {
		err = open_file();
	}
	return err;
}

static int write_stdout(const char *text, size_t len, uint64_t spans)
{
	int err;

	out_put(text, len);
	out_put("\n", 1);
	err = out_end_row();
	*(err ? &otlp_stats.dropped : &otlp_stats.sent) += spans;
	return err;
}

static int write_file(const char *text, size_t len, uint64_t spans)
{
	struct sink_stats before, after;
	int err;

	sink_stats(otlp.sink, &before);
	err = sink_line(otlp.sink, text, len);
	/* A reader of the file is not to wait for the next batches. */
	sink_poll(otlp.sink);
	sink_stats(otlp.sink, &after);
	*(after.sent > before.sent ? &otlp_stats.sent : &otlp_stats.dropped) += spans;
	return err ?: sink_error(otlp.sink);
}

/* Hands over what is in the batch. */
static int flush(void)
{
	uint64_t spans = otlp_batch_spans(otlp.batch);
	const char *text;
	size_t len;
	int err = 0;

	if (!spans)
		return 0;
	text = otlp_batch_text(otlp.batch, &len);
	if (!text)
		otlp_stats.dropped += spans;
	else if (otlp.to == TO_COLLECTOR)
		otlp_post_batch(text, len, spans);
	else
		err = otlp.to == TO_STDOUT ? write_stdout(text, len, spans)
					   : write_file(text, len, spans);
	otlp_batch_reset(otlp.batch);
	otlp.since_ns = 0;
	if (err && !otlp.err)
		otlp.err = err;
	return err;
}

int otlp_span(const struct span *s)
{
	if (otlp.to == TO_NOTHING)
		return 0;
	/*
	 * Each batch that we post to a collector on this machine is a transaction of that process,
	 * too: without this there would be a span about the last batch in every batch.
	 */
	if (otlp.to == TO_COLLECTOR && otlp_post_own(s)) {
		otlp_stats.own++;
		return 0;
	}
	otlp_stats.spans++;
	if (otlp.err || otlp_fill(otlp.batch, s)) {
		otlp_stats.dropped++;
		return otlp.err;
	}
	if (otlp_batch_spans(otlp.batch) < BATCH_SPANS &&
	    otlp_batch_bytes(otlp.batch) < BATCH_BYTES)
		return 0;
	return flush();
}

void otlp_tick(uint64_t now_ns)
{
	if (otlp.to == TO_NOTHING)
		return;
	if (otlp_batch_spans(otlp.batch)) {
		if (!otlp.since_ns)
			otlp.since_ns = now_ns;
		/* The run's end tells of the error. */
		if (now_ns - otlp.since_ns >= (otlp.to == TO_COLLECTOR ? POST_NS : FILE_NS) &&
		    flush())
			run_stop();
	}
	if (otlp.to == TO_COLLECTOR)
		otlp_post_tick();
}

int otlp_close(void)
{
	int err = 0;

	if (otlp.to != TO_NOTHING)
		flush();
	if (otlp.to == TO_COLLECTOR)
		otlp_post_close();
	if (otlp.sink)
		err = sink_close(otlp.sink, 0, NULL);
	otlp_batch_free(otlp.batch);
	otlp_url_free();
	err = otlp.err ?: err;
	memset(&otlp, 0, sizeof(otlp));
	return err;
}
