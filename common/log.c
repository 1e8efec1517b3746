// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "json.h"
#include "log.h"

bool log_verbose;
const char *log_name = "reqtools";

static char sentence[1024];

int fail(int err, const char *fmt, ...)
{
	char text[sizeof(sentence)];
	int saved = errno;
	va_list ap;

	/* Formatted aside: an argument may be the old sentence. */
	va_start(ap, fmt);
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	va_end(ap);
	memcpy(sentence, text, sizeof(text));
	errno = saved;
	return err;
}

/* One of the numbers that are not to leave the kernel; BPF's trampolines let it. */
#define KERNEL_ENOTSUPP 524

const char *error_text(int err)
{
	if (err == -KERNEL_ENOTSUPP)
		return "this kernel cannot do that on this machine (ENOTSUPP)";
	return strerror(-err);
}

const char *fail_text(int err)
{
	return sentence[0] ? sentence : error_text(err);
}

void fail_clear(void)
{
	sentence[0] = '\0';
}

static void PRINTF(2, 0) print(const char *prefix, const char *fmt, va_list ap)
{
	char text[4096], line[sizeof(text) + 256];
	int saved = errno;
	size_t len, n;

	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	len = strlen(text);
	/* libbpf's messages end with a newline; ours do not. */
	while (len && text[len - 1] == '\n')
		len--;
	n = snprintf(line, 256, "%s: %s", log_name, prefix);
	if (n > 255)
		n = 255;
	n += text_escape(line + n, sizeof(line) - n - 1, text, len);
	line[n++] = '\n';
	/*
	 * In one piece, so that lines of several processes do not mix. Nobody to tell when it
	 * fails.
	 */
	fwrite(line, 1, n, stderr);
	errno = saved;
}

#define DEFINE_LOG(name, prefix, cond)                                                             \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
                                                                                                   \
		if (!(cond))                                                                       \
			return;                                                                    \
		va_start(ap, fmt);                                                                 \
		print(prefix, fmt, ap);                                                            \
		va_end(ap);                                                                        \
	}

DEFINE_LOG(log_error, "", true)
DEFINE_LOG(log_warn, "warning: ", true)
DEFINE_LOG(log_info, "", true)
DEFINE_LOG(log_debug, "", log_verbose)
