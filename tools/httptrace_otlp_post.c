// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * --otlp http://HOST:PORT[/PATH]: OTLP/HTTP with JSON, to a collector.
 */
#include "httptrace_otlp_int.h"
#include "log.h"
#include "post.h"
#include "run.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_BYTES (8 << 20)
#define FLUSH_MS    5000 /* how long the end may take */
#define PATIENCE_MS 10000 /* how long a replay waits for a collector before it drops */
#define WAIT_MS	    100

static struct post *post;

bool otlp_post_wanted(const char *dest)
{
	return strstr(dest, "://");
}

static int on_readable(int fd, void *ctx)
{
	post_poll(post);
	return 0;
}

/*
 * What we send is not to be traced: each batch would be a span in the next one. The kernel half
 * leaves this process out; otlp_post_own() knows the collector's side of it.
 */
static int leave_self_out(void)
{
	static const struct opt row = {
		.name = "exclude-pid", .kind = OPT_PIDS, .dst = &std.exclude_pids};
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)getpid());
	return opts_set(&row, text);
}

int otlp_post_open(const char *url)
{
	const struct post_options o = {
		.url = url,
		.path = "/v1/traces",
		.headers = set.otlp_headers.v,
		.nheaders = set.otlp_headers.n,
		.agent = "httptrace/" VERSION,
		.queue_bytes = QUEUE_BYTES,
		.rejected = otlp_rejected,
	};
	int err = leave_self_out() ?: post_open(&post, &o);

	if (err)
		return fail(err, "--otlp: %s", fail_text(err));
	return run_fd(post_fd(post), on_readable, NULL);
}

void otlp_post_batch(const char *text, size_t len, uint64_t spans)
{
	/* A recording has the time that nobody else has. */
	while (std.replay && !post_room(post, len) && post_stuck_ms(post) < PATIENCE_MS &&
	       !run_stopping())
		post_wait(post, WAIT_MS);
	post_add(post, text, len, spans);
	post_poll(post);
}

void otlp_post_tick(void)
{
	post_poll(post);
}

bool otlp_post_own(const struct span *s)
{
	return s->role == CAP_ROLE_SERVER && !otlp_unix(s) &&
	       post_local_port(post, s->hop->flow.remote_port) && s->method_len == 4 &&
	       !memcmp(SPAN_METHOD(s), "POST", 4);
}

int otlp_post_close(void)
{
	struct post_stats st;

	post_close(post, FLUSH_MS, &st);
	post = NULL;
	otlp_stats.sent += st.sent;
	otlp_stats.dropped += st.dropped;
	otlp_stats.refused += st.refused;
	otlp_stats.posts += st.posts;
	otlp_stats.retries += st.retries;
	if (st.dropped)
		log_warn("%s: %llu of %llu spans could not be delivered", set.otlp,
			 (unsigned long long)st.dropped, (unsigned long long)st.items);
	return 0;
}
