// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>
#include "row.h"
#include "sink.h"
#include "unit/t.h"

struct rec {
	uint64_t when, lat, n;
	uint32_t pid;
	uint16_t port;
	double rate;
	char comm[8];
	const char *path;
};

/* 2026-01-02 03:04:05.006007008 UTC */
#define WHEN 1767323045006007008ULL

static void outcome(const void *rec, struct json *j, const char *key, char *buf, size_t size)
{
	const struct rec *r = rec;

	if (j && r->n)
		json_str(j, key, "many");
	else if (!j && r->n)
		snprintf(buf, size, "ma\ny");
}

static const struct col cols[] = {
	COL(struct rec, when, COL_TIME, "timestamp", "TIME", 12, 0),
	COL(struct rec, pid, COL_U32, "pid", "PID", 6, 0),
	COL(struct rec, comm, COL_CHARS, "comm", "COMM", 8, COL_F_LEFT),
	COL(struct rec, port, COL_U16, "port", "PORT", 5, COL_F_OPT),
	COL(struct rec, rate, COL_F64, "rate", "RATE", 6, 0),
	COL(struct rec, lat, COL_MS, "latency_ns", "MS", 8, COL_F_NULL),
	COL(struct rec, n, COL_U64, "calls", NULL, 0, COL_F_OPT),
	COL(struct rec, n, COL_U64, "json_only", "HIDDEN", 9, COL_F_JSON),
	COL(struct rec, n, COL_U64, "text_only", "N", 3, COL_F_TEXT),
	COL_CALL(outcome, "outcome", "OUT", 7, COL_F_LEFT),
	COL(struct rec, path, COL_STR, "path", "PATH", 10, COL_F_LAST | COL_F_OPT),
	{},
};
static const struct table table = {"call", cols};

static int file, saved;

/* From here on stdout is a file. */
static void begin(bool json, struct sink *sink)
{
	char path[] = "/tmp/row.XXXXXX";

	fflush(stdout);
	saved = dup(1);
	file = mkstemp(path);
	unlink(path);
	dup2(file, 1);
	row_init(json, sink);
}

static const char *end(void)
{
	static char got[1 << 20];
	ssize_t n;

	T_EQ(row_flush(), 0);
	dup2(saved, 1);
	close(saved);
	n = pread(file, got, sizeof(got) - 1, 0);
	close(file);
	got[n < 0 ? 0 : n] = '\0';
	return got;
}

static struct rec full(void)
{
	return (struct rec){.when = WHEN,
			    .lat = 12345678,
			    .n = 3,
			    .pid = 42,
			    .port = 80,
			    .rate = 0.25,
			    .comm = "nginx",
			    .path = "/a b"};
}

static void test_text(void)
{
	struct rec r = full(), none = {.lat = UINT64_MAX, .rate = NAN};
	struct rec wide = full();

	wide.pid = 1234567890;
	memcpy(wide.comm, "h\xc3\xa9\n\\abc", 8); /* not terminated */
	wide.path = "\x1b[2J\xff";
	begin(false, NULL);
	row_header(&table);
	row_print(&table, &r);
	row_print(&table, &none);
	row_print(&table, &wide);
	row_text("free %s\n", "text");
	T_EQ(row_put("put %s\n", 7), 0);
	T_STR(end(), "        TIME    PID COMM      PORT   RATE       MS   N OUT     PATH\n"
		     "03:04:05.006     42 nginx       80    0.2   12.346   3 ma\\x0ay /a b\n"
		     "00:00:00.000      0 -            -      -        -   0 -       -\n"
		     "03:04:05.006 1234567890 h\xc3\xa9\\x0a\\\\abc 80 0.2  12.346   3 ma\\x0ay "
		     "\\x1b[2J\\xff\n"
		     "free text\nput %s\n");
}

static void test_realign(void)
{
	static const struct col two[] = {
		COL(struct rec, comm, COL_CHARS, "comm", "A", 4, COL_F_LEFT),
		COL(struct rec, pid, COL_U32, "pid", "B", 6, 0),
		COL(struct rec, comm, COL_CHARS, "comm2", "C", 5, COL_F_LEFT),
		{},
	};
	static const struct table t = {"x", two};
	struct rec r = {.comm = "\xc3\xa9\xc3\xa9\xc3\xa9", .pid = 1},
		   s = {.comm = "abcdefg", .pid = 1};

	begin(false, NULL);
	row_header(&t);
	row_print(&t, &r);
	row_print(&t, &s);
	/* Widths count characters; the second column gives way to the first. */
	T_STR(end(), "A         B C\n"
		     "\xc3\xa9\xc3\xa9\xc3\xa9       1 \xc3\xa9\xc3\xa9\xc3\xa9\n"
		     "abcdefg   1 abcdefg\n");
}

static void test_json(void)
{
	struct rec r = full(), none = {.lat = UINT64_MAX, .rate = NAN};
	struct json j;

	begin(true, NULL);
	row_header(&table);
	row_text("not shown\n");
	row_put("nor this\n", 9);
	T_EQ(row_print(&table, &r), 0);
	row_print(&table, &none);
	json_init(&j);
	json_open(&j, NULL, '{');
	json_str(&j, "type", "summary");
	json_close(&j, '}');
	T_EQ(row_object(&j), 0);
	T_STR(end(),
	      "{\"type\":\"call\",\"timestamp\":\"2026-01-02T03:04:05.006007008Z\",\"pid\":42,"
	      "\"comm\":\"nginx\",\"port\":80,\"rate\":0.25,\"latency_ns\":12345678,\"calls\":3,"
	      "\"json_only\":3,\"outcome\":\"many\",\"path\":\"/a b\"}\n"
	      "{\"type\":\"call\",\"timestamp\":\"1970-01-01T00:00:00.000000000Z\",\"pid\":0,"
	      "\"comm\":\"\",\"rate\":null,\"latency_ns\":null,\"json_only\":0}\n"
	      "{\"type\":\"summary\"}\n");
	begin(true, NULL);
	j.err = -ENOMEM;
	T_EQ(row_object(&j), -ENOMEM);
	row_init(true, NULL);
	T_STR(end(), "");
	json_free(&j);
}

/* A table that is a part of something: its text goes nowhere else, nor do its keys. */
static void test_halves(void)
{
	static const struct col two[] = {
		COL(struct rec, pid, COL_U32, "pid", "PID", 4, 0),
		COL(struct rec, n, COL_U64, "calls", NULL, 0, COL_F_JSON),
		COL(struct rec, n, COL_U64, NULL, "N", 2, COL_F_TEXT),
		{},
	};
	static const struct table t = {"part", two};
	struct rec r = full();
	struct sink *sink;
	struct json j;

	T_EQ(sink_open(&sink, "/dev/full"), 0);
	begin(false, sink);
	T_OK(row_json());
	T_EQ(row_line(&t, &r), 0);
	T_STR(end(), "  42  3\n");
	T_EQ(sink_close(sink, 0, NULL), 0); /* nothing was written */
	row_init(false, NULL);
	T_OK(!row_json());
	begin(true, NULL);
	T_OK(row_json());
	T_EQ(row_line(&t, &r), 0);
	json_init(&j);
	json_open(&j, NULL, '[');
	for (int i = 0; i < 2; i++) {
		json_open(&j, NULL, '{');
		row_keys(&t, &r, &j);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	row_object(&j);
	T_STR(end(), "[{\"pid\":42,\"calls\":3},{\"pid\":42,\"calls\":3}]\n");
	json_free(&j);
}

static void test_sink(void)
{
	char path[] = "/tmp/row.XXXXXX", got[1024];
	struct rec r = {.pid = 1, .path = "p"};
	struct sink_stats st;
	struct sink *s = NULL;
	struct json j;
	ssize_t n;
	int fd = mkstemp(path);

	T_EQ(sink_open(&s, path), 0);
	begin(false, s);
	row_print(&table, &r);
	json_init(&j);
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	row_object(&j);
	json_free(&j);
	T_STR(end(), "00:00:00.000      1 -            -    0.0    0.000   0 -       p\n");
	T_EQ(sink_close(s, 0, &st), 0);
	T_EQ(st.sent, 2);
	n = read(fd, got, sizeof(got) - 1);
	got[n < 0 ? 0 : n] = '\0';
	T_STR(got,
	      "{\"type\":\"call\",\"timestamp\":\"1970-01-01T00:00:00.000000000Z\",\"pid\":1,"
	      "\"comm\":\"\",\"rate\":0,\"latency_ns\":0,\"json_only\":0,\"path\":\"p\"}\n{}\n");
	close(fd);
	unlink(path);
	/* A sink's error is told by row_print() and row_flush(), and does not stop stdout. */
	T_EQ(sink_open(&s, "/dev/full"), 0);
	begin(false, s);
	row_print(&table, &r);
	sink_poll(s);
	T_EQ(row_print(&table, &r), -ENOSPC);
	T_EQ(row_flush(), -ENOSPC);
	row_text("still\n");
	T_EQ(row_flush(), -ENOSPC);
	row_init(false, NULL);
	T_OK(strstr(end(), "\nstill\n"));
	T_EQ(sink_close(s, 0, &st), -ENOSPC);
	T_EQ(st.dropped, 2);
}

static void test_times(void)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{0, "0ns"},
		{999, "999ns"},
		{1000, "1.00us"},
		{9994, "9.99us"},
		{9995, "10.0us"},
		{9996, "10.0us"},
		{99949, "99.9us"},
		{99951, "100us"},
		{999499, "999us"},
		{999501, "1.00ms"},
		{1048576, "1.05ms"},
		{4560000, "4.56ms"},
		{999501000, "1.00s"},
		{1230000000, "1.23s"},
		{3600000000000, "3600s"},
		{1ULL << 44, "17592s"},
		{UINT64_MAX, "18446744074s"},
	};
	char buf[36];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		T_STR(row_duration(buf, cases[i].ns), cases[i].text);
	T_STR(row_rfc3339(buf, WHEN), "2026-01-02T03:04:05.006007008Z");
	T_STR(row_rfc3339(buf, UINT64_MAX), "2554-07-21T23:34:33.709551615Z");
	T_STR(row_rfc3339(buf, UINT64_MAX - 709551615), "2554-07-21T23:34:33.000000000Z");
	T_STR(row_rfc3339(buf, 0), "1970-01-01T00:00:00.000000000Z");
	T_STR(row_rfc3339(buf, 1), "1970-01-01T00:00:00.000000001Z");
	T_STR(row_hms(buf, WHEN), "03:04:05.006");
	setenv("TZ", "XXX-5:30", 1);
	row_init(false, NULL);
	T_STR(row_hms(buf, WHEN), "08:34:05.006");
	T_STR(row_rfc3339(buf, WHEN), "2026-01-02T03:04:05.006007008Z");
	setenv("TZ", "UTC0", 1);
	row_init(false, NULL);
}

int main(void)
{
	setenv("TZ", "UTC0", 1);
	test_text();
	test_realign();
	test_json();
	test_halves();
	test_sink();
	test_times();
	return t_done();
}
