// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as a recording, read to its end or its first error and shown by handlerlat's model as
 * text and as JSON, with and without its options: no crash, no endless loop, memory that is
 * bounded by the recording's size, and an error always has a sentence.
 *
 * The bytes are those after the header, so that each of them counts.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../tools/handlerlat_model.c"
#include "../../tools/handlerlat_calls.c"
#include "../../tools/handlerlat_tables.c"
#include "../../tools/handlerlat_account.c"
#include "record.h"

struct settings set;
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char header[] = "reqtrec\nhandlerlat\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
static int file;
static char path[32];

/* stdout is the model's; libFuzzer prints on stderr. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	file = memfd_create("recording", 0);
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0 || file < 0)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	std.replay = path;
	return 0;
}

static void forget(void)
{
	for (size_t i = 0; i < model.nnames; i++)
		free(model.names[i]);
	free(model.names);
	for (size_t i = 0; i < model.nseries; i++)
		free(model.series[i]);
	free(model.series);
	memset(&model, 0, sizeof(model));
}

static void replay(void)
{
	struct record_reader *r;
	static char text[4096];
	int64_t offset;
	uint32_t type;
	const void *data;
	size_t len;
	struct json j;
	int n, err = 0;

	if (record_open(&r, path, "handlerlat", 2, &offset))
		abort();
	model_header();
	fail_clear();
	while (!err && (n = record_read(r, &type, &data, &len)) > 0)
		err = model_record(type, data, len, NULL);
	if ((err && err != -EBADMSG) || (!err && n && n != -EBADMSG))
		abort();
	if ((err || n < 0) && !*fail_text(0))
		abort();
	json_init(&j);
	json_open(&j, NULL, '{');
	model_summary(&j, text, sizeof(text), NULL);
	json_close(&j, '}');
	if (j.err)
		abort();
	json_free(&j);
	row_flush();
	record_close_reader(r);
	forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (ftruncate(file, 0) || pwrite(file, header, 40, 0) != 40 ||
	    pwrite(file, data, size, 40) != (ssize_t)size)
		abort();
	for (int mode = 0; mode < 4; mode++) {
		row_init(mode & 1, NULL);
		set.hist = mode & 2;
		set.slower_ns = mode & 2 ? 1000 : 0;
		std.interval_ns = mode == 3;
		std.max_events = mode == 1 ? 2 : 0;
		replay();
	}
	return 0;
}
