// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Any bytes as a config file: no crash, each mistake is told, checking changes nothing, and what
 * was accepted is printed by --print-config so that it reads back the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../common/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const modes[] = {"auto", "perf", NULL};
static const char *mode;
static uint64_t slower;
static double share;
static const struct opt rows[] = {
	{"mode", 'm', "MODE", OPT_ENUM, &mode, .help = "how", .choices = modes},
	{"slower", 0, "MS", OPT_MSEC, &slower, .help = "only slower calls"},
	{"share", 0, "PCT", OPT_PERCENT, &share, .help = "sample these"},
	{.kind = OPT_END},
};
static const struct opt_tool tool = {.name = "fuzz",
				     .summary = "x",
				     .opts = rows,
				     .backends = modes,
				     .intervals = true,
				     .network = true};

static void on_error(const char *msg, void *ctx)
{
	if (strncmp(msg, "f.conf", 6))
		abort();
	++*(int *)ctx;
}

static void reset(void)
{
	opts_free();
	std = (struct std_opts){0};
	mode = NULL;
	slower = 0;
	share = 0;
}

static char *print(const struct opt_table *t)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		abort();
	config_print(t, f);
	fclose(f);
	return text;
}

static struct opt_table read_text(const char *text, size_t size)
{
	struct opt_table t;
	int told = 0;

	if (opttable_init(&t, &tool))
		abort();
	if (config_text(&t, OPT_FROM_FILE, "f.conf", text, size, true, on_error, &told) != told)
		abort();
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct std_opts none;
	struct opt_table t;
	char *first, *second;
	int told = 0, n;

	n = opts_config(&tool, "f.conf", (const char *)data, size, false, on_error, &told);
	if (n != told || memcmp(&std, &none, sizeof(none)) || mode || slower || share > 0)
		abort();
	t = read_text((const char *)data, size);
	first = print(&t);
	opttable_free(&t);
	reset();
	t = read_text(first, strlen(first));
	second = print(&t);
	opttable_free(&t);
	reset();
	if (strcmp(first, second))
		abort();
	free(first);
	free(second);
	return 0;
}
