// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What can be said without a kernel half: why none was loaded. With one it is tests/behave's. */
#include "unit/t.h"
#include "capload.h"
#include "log.h"
#include "opts.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static int opened, closed;

static int open_none(struct capload_object *o)
{
	opened++;
	return -ENOENT;
}

static void close_none(void)
{
	closed++;
}

int main(void)
{
	static const struct capload_tool tool = {.open = open_none, .close = close_none};
	int err;

	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		fprintf(stderr, "this kernel has no BTF\n");
		return 77;
	}
	err = capload_start(&tool);
	T_OK(err < 0);
	T_OK(opened > 0 && opened == closed);
	T_OK(strstr(fail_text(err), "backend fentry: cannot open the BPF object"));
	T_OK(strstr(fail_text(err), "; backend kprobe: "));

	std.backend = "kprobe";
	opened = 0;
	err = capload_start(&tool);
	T_EQ(err, -ENOENT);
	T_EQ(opened, 1);
	T_STR(fail_text(err),
	      "backend kprobe: cannot open the BPF object: No such file or directory");
	return t_done();
}
