// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "httpsniff_file.h"
#include "log.h"

int file_create(const char *path, bool *regular)
{
	/* For its owner alone: bodies are in it, and nobody masks what they may hold. */
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;

	if (fd < 0)
		return fail(-errno, "cannot write %s: %s", path, strerror(errno));
	*regular = !fstat(fd, &st) && S_ISREG(st.st_mode);
	return fd;
}

int file_write(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n >= 0) {
			at += n;
			len -= n;
		} else if (errno == EAGAIN) {
			/* Somebody else made the pipe that we share non-blocking. */
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}
