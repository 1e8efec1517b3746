// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Batches as text, and by tests/otlp-schema.py, which knows the protocol and not this program. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include "../../common/otlp.h"
#include "t.h"

static const uint8_t trace[16] = {1, 2, 3}, span[8] = {4, 5}, parent[8] = {[7] = 6};
static char file[] = "/tmp/unit-otlp.XXXXXX";

static struct otlp_head head(void)
{
	return (struct otlp_head){
		.trace_id = trace,
		.span_id = span,
		.name = "GET",
		.name_len = 3,
		.kind = OTLP_SERVER,
		.start_ns = 1700000000000000001,
		.end_ns = 1700000000000000501,
	};
}

static void add(struct otlp_batch *b, uint32_t pid, const char *name, const struct otlp_head *h)
{
	struct otlp_process p = {.pid = pid};
	struct json *j;

	memcpy(p.name, name, strnlen(name, sizeof(p.name)));
	j = otlp_span_begin(b, &p, h);
	T_OK(j);
	OTLP_INT(j, "http.response.status_code", 200);
	T_EQ(otlp_span_end(b), 0);
}

static void one(void)
{
	struct otlp_process p = {.pid = 7, .name = "a \"b\"", .container = "0123456789ab"};
	struct otlp_head h = head();
	struct otlp_batch *b = NULL;
	struct json *j;
	size_t len = 0;

	T_EQ(otlp_batch_new(&b, "tool", "1.0", "host"), 0);
	T_OK(!otlp_batch_text(b, &len));
	h.parent_id = parent;
	h.state = "a=b,c=\xc3\xa4";
	h.state_len = 8;
	h.flags = OTLP_REMOTE_KNOWN | OTLP_REMOTE | 1;
	h.error = true;
	j = otlp_span_begin(b, &p, &h);
	OTLP_STR(j, "k", "v", 1);
	otlp_links_begin(j);
	otlp_link_begin(j, trace, parent);
	otlp_link_end(j);
	T_EQ(otlp_span_end(b), 0);
	T_EQ(otlp_batch_spans(b), 1);
	T_STR(otlp_batch_text(b, &len),
	      "{\"resourceSpans\":[{\"resource\":{\"attributes\":["
	      "{\"key\":\"service.name\",\"value\":{\"stringValue\":\"a \\\"b\\\"\"}},"
	      "{\"key\":\"process.pid\",\"value\":{\"intValue\":\"7\"}},"
	      "{\"key\":\"process.executable.name\",\"value\":{\"stringValue\":\"a \\\"b\\\"\"}},"
	      "{\"key\":\"container.id\",\"value\":{\"stringValue\":\"0123456789ab\"}},"
	      "{\"key\":\"host.name\",\"value\":{\"stringValue\":\"host\"}}]},"
	      "\"scopeSpans\":[{\"scope\":{\"name\":\"tool\",\"version\":\"1.0\"},\"spans\":["
	      "{\"traceId\":\"01020300000000000000000000000000\",\"spanId\":\"0405000000000000\","
	      "\"parentSpanId\":\"0000000000000006\",\"traceState\":\"a=b,c=\xc3\xa4\",\"flags\":"
	      "769,"
	      "\"name\":\"GET\",\"kind\":2,\"startTimeUnixNano\":\"1700000000000000001\","
	      "\"endTimeUnixNano\":\"1700000000000000501\",\"status\":{\"code\":2},"
	      "\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}],"
	      "\"links\":[{\"traceId\":\"01020300000000000000000000000000\","
	      "\"spanId\":\"0000000000000006\",\"attributes\":[]}]}]}]}]}");
	T_EQ(len, strlen(otlp_batch_text(b, &len)));
	otlp_batch_free(b);
}

/* How often is what in text? */
static int count(const char *text, const char *what)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

/* Spans of one process stand together, however they come; and a batch is empty after its reset. */
static void groups(void)
{
	struct otlp_head h = head();
	struct otlp_batch *b = NULL;
	const char *text;
	size_t len, bytes;

	T_EQ(otlp_batch_new(&b, "tool", "1.0", NULL), 0);
	for (int round = 0; round < 3; round++) {
		/* More processes than there are slots, or buffers that are kept. */
		int n = round == 1 ? 300 : 3;

		for (int i = 0; i < 4 * n; i++)
			add(b, 100 + i % n, i % n ? "proc" : "", &h);
		add(b, 100, "renamed", &h);
		T_EQ(otlp_batch_spans(b), 4 * n + 1);
		text = otlp_batch_text(b, &len);
		T_EQ(count(text, "\"resource\":"), n + 1);
		T_EQ(count(text, "\"spanId\":"), 4 * n + 1);
		T_EQ(count(text, "\"unknown_service\""), 1);
		T_EQ(count(text, "\"host.name\""), 0);
		bytes = otlp_batch_bytes(b);
		T_OK(bytes < len && bytes > len / 2);
		otlp_batch_reset(b);
		T_EQ(otlp_batch_spans(b), 0);
		T_EQ(otlp_batch_bytes(b), 0);
		T_OK(!otlp_batch_text(b, &len));
	}
	otlp_batch_free(b);
}

/* Is the text valid by the schema? */
static bool valid(const char *text)
{
	FILE *f = fopen(file, "w");
	char command[256];

	fprintf(f, "%s\n", text);
	fclose(f);
	snprintf(command, sizeof(command),
		 "python3 \"$(dirname '%s')/../otlp-schema.py\" --plain %s >/dev/null 2>&1",
		 __FILE__, file);
	return !system(command);
}

static void schema(void)
{
	static const struct {
		const char *from, *to;
	} mistakes[] = {
		{"\"name\":\"GET\",", ""},
		{"\"kind\":2", "\"kind\":\"SPAN_KIND_SERVER\""},
		{"\"kind\":2", "\"kind\":6"},
		{"\"kind\"", "\"Kind\""},
		{"\"spanId\"", "\"span_id\""},
		{"\"0405000000000000\"", "\"04050000000000\""},
		{"\"0405000000000000\"", "\"0000000000000000\""},
		{"\"1700000000000000501\"", "1700000000000000501"},
		{"\"1700000000000000501\"", "\"1600000000000000501\""},
		{"\"intValue\":\"200\"", "\"intValue\":200"},
		{"\"intValue\":\"200\"", "\"intValue\":\"200\",\"boolValue\":true"},
		{"\"intValue\":\"200\"", "\"stringValue\":200"},
		{"\"version\":\"1.0\"", "\"version\":1.0"},
		{"[{\"traceId\"", "[1,{\"traceId\""},
		{"]}]}]}", "]}]}"},
	};
	struct otlp_head h = head();
	struct otlp_batch *b = NULL;
	char hostile[512], *text, *bad;
	size_t len;

	/* Each byte there is, and UTF-8 that breaks off. */
	for (int i = 0; i < 511; i++)
		hostile[i] = i & 255;
	hostile[511] = '\xe2';
	T_EQ(otlp_batch_new(&b, "tool", "1.0", "ho\"st\n"), 0);
	add(b, 1, "a", &h);
	text = strdup(otlp_batch_text(b, &len));
	T_OK(valid(text));
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		char *at = strstr(text, mistakes[i].from);

		T_OK(at);
		T_OK(asprintf(&bad, "%.*s%s%s", (int)(at - text), text, mistakes[i].to,
			      at + strlen(mistakes[i].from)) > 0);
		if (valid(bad))
			T_STR(mistakes[i].to, "refused");
		t_checks++;
		free(bad);
	}
	h.name = h.state = hostile;
	h.name_len = h.state_len = sizeof(hostile);
	h.kind = OTLP_CLIENT;
	h.flags = 1;
	h.end_ns = h.start_ns - 1; /* clocks: no span ends before it begins */
	add(b, 2, hostile + 1, &h);
	add(b, 2, hostile + 130, &h);
	T_OK(valid(otlp_batch_text(b, &len)));
	free(text);
	otlp_batch_free(b);
}

int main(void)
{
	int fd = mkstemp(file);

	if (fd < 0)
		return 1;
	close(fd);
	one();
	groups();
	schema();
	unlink(file);
	return t_done();
}
