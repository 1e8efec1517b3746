// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "record.h"
#include "unit/t.h"

#define HEADER 40

static char dir[] = "/tmp/record.XXXXXX", path[64];
static uint8_t big[RECORD_MAX_LEN];

static int64_t wall;

static struct record_reader *open_it(void)
{
	struct record_reader *r = NULL;

	wall = 0;
	T_EQ(record_open(&r, path, "tool", 3, &wall), 0);
	return r;
}

/* Reads everything: how many records, or the error that ended it. */
static int read_all(void)
{
	struct record_reader *r = NULL;
	uint32_t type;
	const void *data;
	size_t len;
	int n, records = 0;

	n = record_open(&r, path, "tool", 3, &wall);
	while (!n && (n = record_read(r, &type, &data, &len)) > 0) {
		records++;
		n = 0;
	}
	record_close_reader(r);
	return n < 0 ? n : records;
}

static void put(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	T_EQ(write(fd, data, len), len);
	close(fd);
}

static size_t get(uint8_t *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, buf, size);

	close(fd);
	return n < 0 ? 0 : n;
}

/* The layout is a promise to other versions: byte for byte. */
static void test_layout(void)
{
	static const uint8_t want[] = "reqtrec\ntool\0\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0"
				      "\xfe\xff\xff\xff\xff\xff\xff\xff"
				      "\7\0\0\0\5\0\0\0hello\0\0\0"
				      "\x04\3\2\1\0\0\0\0";
	struct record_writer *w = NULL;
	uint8_t buf[128];

	T_EQ(record_create(&w, path, "tool", 3, -2), 0);
	T_EQ(record_write(w, 7, "hello", 5), 0);
	T_EQ(record_write(w, 0x01020304, NULL, 0), 0);
	T_EQ(record_close_writer(w), 0);
	T_EQ(get(buf, sizeof(buf)), sizeof(want) - 1);
	T_OK(!memcmp(buf, want, sizeof(want) - 1));
}

static void test_round_trip(void)
{
	static const size_t lens[] = {0, 1, 7, 8, 9, 4096, RECORD_MAX_LEN};
	const size_t n = sizeof(lens) / sizeof(*lens);
	struct record_writer *w = NULL;
	struct record_reader *r;
	const void *data;
	uint32_t type;
	size_t len;

	T_EQ(record_create(&w, path, "tool", 3, INT64_MIN), 0);
	for (size_t i = 0; i < n; i++) {
		memset(big, 'a' + i, lens[i]);
		T_EQ(record_write(w, i, big, lens[i]), 0);
	}
	/* Refused, and the recording goes on. */
	T_EQ(record_write(w, 1, big, RECORD_MAX_LEN + (size_t)1), -E2BIG);
	T_EQ(record_write(w, 99, "end", 3), 0);
	T_EQ(record_close_writer(w), 0);
	r = open_it();
	T_OK(wall == INT64_MIN);
	for (size_t i = 0; r && i < n; i++) {
		memset(big, 'a' + i, lens[i]);
		T_EQ(record_read(r, &type, &data, &len), 1);
		T_OK(type == i && len == lens[i] && !((uintptr_t)data & 7));
		T_OK(!len || !memcmp(data, big, len));
	}
	T_EQ(record_read(r, &type, &data, &len), 1);
	T_OK(type == 99 && len == 3 && !memcmp(data, "end", 3));
	T_EQ(record_read(r, &type, &data, &len), 0);
	T_EQ(record_read(r, &type, &data, &len), 0);
	record_close_reader(r);
}

/* Wherever it is cut: an end between records, else an error that says where. */
static void test_cut(void)
{
	struct record_writer *w = NULL;
	uint8_t all[256];
	char where[64];
	size_t n;

	T_EQ(record_create(&w, path, "tool", 3, 0), 0);
	T_EQ(record_write(w, 1, "12345678", 8), 0);
	T_EQ(record_write(w, 2, "1", 1), 0);
	T_EQ(record_close_writer(w), 0);
	n = get(all, sizeof(all));
	T_EQ(n, HEADER + 16 + 16);
	for (size_t cut = 0; cut <= n; cut++) {
		put(all, cut);
		if (cut == HEADER || cut == HEADER + 16 || cut == n) {
			T_EQ(read_all(), (cut - HEADER) / 16);
			continue;
		}
		T_EQ(read_all(), -EBADMSG);
		if (cut < HEADER) {
			T_OK(strstr(fail_text(0), "is not a recording"));
			continue;
		}
		snprintf(where, sizeof(where), "cut short %sat byte %d",
			 (cut - HEADER) % 16 < 8 ? "" : "in the record ",
			 cut < HEADER + 16 ? HEADER : HEADER + 16);
		T_OK(strstr(fail_text(0), where));
	}
}

static int open_error(const char *tool, uint32_t format)
{
	struct record_reader *r = NULL;
	int err;

	fail_clear();
	err = record_open(&r, path, tool, format, &wall);
	T_OK(!r);
	record_close_reader(r);
	return err;
}

static void test_wrong(void)
{
	/* A length of 1 MiB + 1, and the largest: neither is allocated. */
	static const uint32_t lens[] = {RECORD_MAX_LEN + 1, UINT32_MAX};
	struct record_writer *w = NULL;
	uint8_t all[256];

	T_EQ(record_create(&w, path, "tool", 3, 0), 0);
	T_EQ(record_write(w, 1, "12345678", 8), 0);
	T_EQ(record_close_writer(w), 0);
	T_EQ(open_error("other", 3), -EBADMSG);
	T_OK(strstr(fail_text(0), "a recording of tool, not of other"));
	T_EQ(open_error("tool", 4), -EBADMSG);
	T_OK(strstr(fail_text(0), "has record format 3, this tool reads format 4"));
	get(all, sizeof(all));
	for (size_t i = 0; i < 2; i++) {
		memcpy(all + HEADER + 4, &lens[i], 4);
		put(all, HEADER + 16);
		T_EQ(read_all(), -EBADMSG);
		T_OK(strstr(fail_text(0), "is damaged at byte 40: a record of "));
	}
	/* A tool's name that fills its field has no end. */
	memset(all + 8, 'x', 16);
	put(all, HEADER);
	T_EQ(open_error("tool", 3), -EBADMSG);
	T_OK(strstr(fail_text(0), "a recording of xxxxxxxxxxxxxxxx, not of tool"));
	all[0] = 'R';
	put(all, HEADER);
	T_EQ(open_error("tool", 3), -EBADMSG);
	T_OK(strstr(fail_text(0), "is not a recording"));
	unlink(path);
	T_EQ(open_error("tool", 3), -ENOENT);
	T_OK(strstr(fail_text(0), path) && strstr(fail_text(0), "No such file"));
}

static void test_cannot_write(void)
{
	struct record_writer *w = NULL;
	char nowhere[96];
	int err;

	snprintf(nowhere, sizeof(nowhere), "%s/none/rec", dir);
	T_EQ(record_create(&w, nowhere, "tool", 3, 0), -ENOENT);
	T_OK(strstr(fail_text(0), nowhere));
	T_EQ(record_create(&w, "/dev/full", "tool", 3, 0), 0);
	T_EQ(record_write(w, 1, "x", 1), 0);
	/* More than any buffer: the error comes at once, stays, and is there at the end. */
	err = record_write(w, 1, big, sizeof(big));
	T_EQ(err, -ENOSPC);
	T_OK(strstr(fail_text(0), "/dev/full") && strstr(fail_text(0), "No space left"));
	T_EQ(record_write(w, 1, "x", 1), -ENOSPC);
	T_EQ(record_close_writer(w), -ENOSPC);
	/* Little enough to wait in the buffer until the end. */
	T_EQ(record_create(&w, "/dev/full", "tool", 3, 0), 0);
	T_EQ(record_write(w, 1, "x", 1), 0);
	fail_clear();
	T_EQ(record_close_writer(w), -ENOSPC);
	T_OK(strstr(fail_text(0), "/dev/full"));
	T_EQ(record_close_writer(NULL), 0);
	record_close_reader(NULL);
}

int main(void)
{
	log_name = "tool";
	if (!mkdtemp(dir))
		return 99;
	snprintf(path, sizeof(path), "%s/rec", dir);
	test_layout();
	test_round_trip();
	test_cut();
	test_wrong();
	test_cannot_write();
	unlink(path);
	rmdir(dir);
	return t_done();
}
