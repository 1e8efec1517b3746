// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "out.h"

#define FILE_CHUNK (64 << 10)

static bool at_once;
static char *buf; /* what stdout has not got yet; grows to the longest row */
static size_t len, cap;
static int error;

void out_init(void)
{
	struct stat st;

	fflush(stdout);
	at_once = fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode);
	len = 0;
	error = 0;
}

void out_batch(void)
{
	at_once = false;
}

int out_error(void)
{
	/* Said again each time: other sentences may have come in between. */
	if (error && error != -EPIPE)
		return fail(error, "cannot write to standard output: %s", strerror(-error));
	return error;
}

char *out_reserve(size_t n)
{
	size_t want = cap ?: 2 * FILE_CHUNK;
	char *bigger;

	if (error)
		return NULL;
	while (want < len + n)
		want *= 2;
	bigger = want == cap ? buf : realloc(buf, want);
	if (!bigger) {
		error = -ENOMEM;
		return NULL;
	}
	buf = bigger;
	cap = want;
	return buf + len;
}

void out_advance(size_t n)
{
	len += n;
}

void out_put(const void *s, size_t n)
{
	char *room = out_reserve(n);

	if (!room)
		return;
	memcpy(room, s, n);
	len += n;
}

int out_flush(void)
{
	size_t done = 0;

	while (done < len && !error) {
		ssize_t n = write(STDOUT_FILENO, buf + done, len - done);

		if (n >= 0) {
			done += n;
		} else if (errno == EAGAIN) {
			/* Somebody else made the terminal or pipe that we share non-blocking. */
			poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
		} else if (errno != EINTR) {
			error = -errno;
		}
	}
	len = 0;
	return out_error();
}

int out_end_row(void)
{
	return at_once || len >= FILE_CHUNK ? out_flush() : out_error();
}
