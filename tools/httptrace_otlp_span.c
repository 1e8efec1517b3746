// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A span by OpenTelemetry's semantic conventions for HTTP, those that are stable. A name has no
 * path in it: a route that was folded from one is a guess, and the conventions forbid it. What they
 * have no name for is under "reqtools.".
 */
#include "httptrace_otlp_int.h"
#include "net.h"
#include "route.h"
#include "run.h"
#include <errno.h>
#include <string.h>

#define ROUTE_MAX 256

const char *otlp_methods = "GET,POST,PUT,DELETE,HEAD,OPTIONS,PATCH,TRACE,CONNECT,QUERY";

/*
 * Known to the conventions; others are "_OTHER". Who has more of them names all that are to be
 * known in OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS, as in programs that instrument themselves.
 */
static bool known_method(const char *m, size_t n)
{
	const char *p = otlp_methods, *end;

	for (; p && n; p = *end ? end + 1 : NULL) {
		end = strchrnul(p, ',');
		if (n == (size_t)(end - p) && !memcmp(m, p, n))
			return true;
	}
	return false;
}

static void put_method(struct json *j, const struct span *s, bool known)
{
	if (known) {
		OTLP_STR(j, "http.request.method", SPAN_METHOD(s), s->method_len);
		return;
	}
	OTLP_STR(j, "http.request.method", "_OTHER", 6);
	OTLP_STR(j, "http.request.method_original", SPAN_METHOD(s), s->method_len);
}

static bool known_end(const __u64 a[2], uint16_t port)
{
	return port && (a[0] || a[1]);
}

static void put_network(struct json *j, const struct span *s)
{
	const struct flow *f = &s->hop->flow;
	char text[NET_ADDR_SIZE];
	size_t n;

	if (otlp_unix(s)) {
		const char *path = s->hop->path;

		OTLP_STR(j, "network.transport", "unix", 4);
		if (path && *path)
			OTLP_STR(j, "network.peer.address", path, strlen(path));
	} else {
		/* Of a connection that closed early, ends may not be known. */
		n = known_end(f->remote, f->remote_port) ? strlen(net_addr(text, f->remote)) : 0;
		if (n) {
			OTLP_STR(j, "network.peer.address", text, n);
			OTLP_INT(j, "network.peer.port", f->remote_port);
		}
		if (n && s->role == CAP_ROLE_SERVER)
			OTLP_STR(j, "client.address", text, n);
		n = known_end(f->local, f->local_port) ? strlen(net_addr(text, f->local)) : 0;
		if (n) {
			OTLP_STR(j, "network.local.address", text, n);
			OTLP_INT(j, "network.local.port", f->local_port);
		}
	}
	OTLP_STR(j, "network.protocol.version", s->minor ? "1.1" : "1.0", 3);
}

/* "503", "reset", "unanswered" */
static void put_result(struct json *j, const struct span *s)
{
	const char *why = span_outcome_names[s->outcome];
	char digits[6], *d = digits + sizeof(digits);
	uint16_t status = s->status;

	OTLP_INT(j, "http.request.body.size", s->request_body);
	if (s->status) {
		OTLP_INT(j, "http.response.status_code", s->status);
		OTLP_INT(j, "http.response.body.size", s->response_body);
	}
	if (!s->error)
		return;
	if (s->outcome != SPAN_ANSWERED) {
		OTLP_STR(j, "error.type", why, strlen(why));
		return;
	}
	do
		*--d = (char)('0' + status % 10);
	while (status /= 10);
	OTLP_STR(j, "error.type", d, digits + sizeof(digits) - d);
}

static void put_times(struct json *j, const struct span *s)
{
	struct span_times t;

	span_times(s, &t);
	if (t.idle_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.idle_us", t.idle_us);
	if (t.queue_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.queue_us", t.queue_us);
	if (t.request_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.request_us", t.request_us);
	if (t.wait_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.wait_us", t.wait_us);
	if (t.response_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.response_us", t.response_us);
	if (t.server_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.server_us", t.server_us);
	if (t.network_us != UINT64_MAX)
		OTLP_INT(j, "reqtools.network_us", t.network_us);
}

static void put_own(struct json *j, const struct span *s)
{
	const char *outcome = span_outcome_names[s->outcome], *link = span_link_names[s->link];
	size_t comm = strnlen(s->who->comm, sizeof(s->who->comm));
	char route[ROUTE_MAX];
	size_t n = route_of(SPAN_URL(s), s->url_len, route, sizeof(route));
	uint64_t weight = hold_weight(s);

	if (n)
		OTLP_STR(j, "reqtools.route", route, n);
	if (s->who->tid)
		OTLP_INT(j, "thread.id", s->who->tid);
	if (comm)
		OTLP_STR(j, "thread.name", s->who->comm, comm);
	if (s->who->goid)
		OTLP_INT(j, "reqtools.goroutine.id", s->who->goid);
	if (s->request_id_len)
		OTLP_STR(j, "reqtools.request_id", SPAN_REQUEST_ID(s), s->request_id_len);
	put_times(j, s);
	OTLP_STR(j, "reqtools.outcome", outcome, strlen(outcome));
	OTLP_BOOL(j, "reqtools.complete", s->complete);
	if (s->lost_bytes)
		OTLP_INT(j, "reqtools.lost_bytes", s->lost_bytes);
	/* One more level: a name must not be that of a group of names, too. */
	if (link) {
		OTLP_STR(j, "reqtools.link.kind", link, strlen(link));
		OTLP_DOUBLE(j, "reqtools.link.confidence", s->percent / 100.0);
	}
	if (s->link == LINK_CANDIDATES)
		OTLP_INT(j, "reqtools.link.candidates", s->ncandidates);
	if (weight != 1)
		OTLP_INT(j, "reqtools.weight", weight);
}

/* Those that may be the parent: none of them is said to be. */
static void put_candidates(struct json *j, const struct span *s)
{
	size_t n = s->ncandidates < MAX_CANDIDATES ? s->ncandidates : MAX_CANDIDATES;

	if (s->link != LINK_CANDIDATES || !s->candidates || !n)
		return;
	otlp_links_begin(j);
	for (size_t i = 0; i < n; i++) {
		otlp_link_begin(j, s->candidates[i].trace_id, s->candidates[i].span_id);
		OTLP_BOOL(j, "reqtools.candidate", true);
		otlp_link_end(j);
	}
}

static uint64_t last_of(const struct span *s)
{
	uint64_t ns = s->last_ns > s->first_ns ? s->last_ns : s->first_ns;

	if (s->outcome != SPAN_ANSWERED)
		return s->over_ns ?: ns;
	if (s->answered_ns > ns)
		ns = s->answered_ns;
	return ns ?: s->over_ns;
}

static const uint8_t *parent_of(const struct span *s)
{
	static const uint8_t none[8];

	if (s->parent)
		return s->parent->span_id;
	return memcmp(s->parent_id, none, sizeof(none)) ? s->parent_id : NULL;
}

int otlp_fill(struct otlp_batch *b, const struct span *s)
{
	bool client = s->role == CAP_ROLE_CLIENT, known;
	const char *process = *s->who->task->comm ? s->who->task->comm : s->who->comm;
	struct otlp_process p = {.pid = s->who->pid};
	struct otlp_head h = {
		.trace_id = trace_of(s)->id,
		.span_id = s->span_id,
		.parent_id = parent_of(s),
		.state = SPAN_STATE(s),
		.state_len = s->state_len,
		.flags = s->trace_id_given ? s->flags : 0,
		.kind = client ? OTLP_CLIENT : OTLP_SERVER,
		.error = s->error,
	};
	struct json *j;

	memcpy(p.name, process, sizeof(p.name));
	memcpy(p.container, s->who->task->container, sizeof(p.container));
	/* A client's parent is in its own process, a server's is in another, as a rule. */
	if (h.parent_id)
		h.flags |= OTLP_REMOTE_KNOWN | (client ? 0 : OTLP_REMOTE);
	known = known_method(SPAN_METHOD(s), s->method_len);
	h.name = known ? SPAN_METHOD(s) : "HTTP";
	h.name_len = known ? s->method_len : 4;
	h.start_ns = run_wall(s->first_ns ?: s->head_ns ?: s->over_ns);
	h.end_ns = run_wall(last_of(s));
	j = otlp_span_begin(b, &p, &h);
	if (!j)
		return -ENOMEM;
	put_method(j, s, known);
	otlp_put_url(j, s);
	put_network(j, s);
	put_result(j, s);
	put_own(j, s);
	put_candidates(j, s);
	return otlp_span_end(b);
}
